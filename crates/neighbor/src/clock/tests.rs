use super::*;

const SECOND: Duration = Duration::from_secs(1);
const END: Instant = Instant::from_nanos(u64::MAX);

fn at(seconds: u64) -> Instant {
    Instant::ORIGIN + Duration::from_secs(seconds)
}

fn now(seconds: u64) -> Clock {
    let mut clock = Clock::default();
    clock.advance(at(seconds));
    clock
}

// proves: clock-still
#[test]
fn clock_counts_time_since_tick() {
    let mut clock = now(5);
    let tick = clock.tick();
    clock.advance(at(8));
    clock.advance(at(8));
    assert_eq!(clock.since(tick), 3 * SECOND);
    assert_eq!(clock.end(tick, 4 * SECOND), Some(at(9)));
    assert_eq!(clock.end(tick, 3 * SECOND), Some(at(8)));
    assert_eq!(clock.end(tick, SECOND), Some(at(8)), "the end of a past span is not the current time");
}

// proves: clock-back
#[test]
fn clock_continues_when_time_goes_back() {
    let mut clock = now(1_000);
    let tick = clock.tick();
    clock.advance(at(3));
    assert_eq!(clock.since(tick), Duration::ZERO);
    assert_eq!(clock.end(tick, SECOND), Some(at(4)));
    clock.advance(at(4));
    assert_eq!(clock.since(tick), SECOND);
}

// proves: clock-end
#[test]
fn deadline_beyond_end_of_time_is_none() {
    let mut clock = Clock::default();
    clock.advance(Instant::from_nanos(u64::MAX - 1));
    let tick = clock.tick();
    assert_eq!(clock.end(tick, Duration::from_nanos(1)), Some(END));
    assert_eq!(clock.end(tick, Duration::from_nanos(2)), None);
    assert_eq!(clock.end(tick, Duration::MAX), None);
    clock.advance(END);
    assert_eq!(clock.since(tick), Duration::from_nanos(1));
}

// proves: clock-end
#[test]
fn clock_counts_on_when_ticks_wrap() {
    let mut clock = Clock::default();
    clock.advance(END);
    let tick = clock.tick();
    clock.advance(at(0));
    clock.advance(at(7));
    assert_eq!(clock.since(tick), 7 * SECOND);
}
