use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Instant {
    Instant::from_nanos(seconds * 1_000_000_000)
}

#[test]
fn timer_expires_at_deadline() {
    let mut timer = Timer::new(at(5), SECOND);
    assert_eq!(timer.deadline(), Some(at(6)));
    assert!(!timer.has_expired(Instant::from_nanos(at(6).as_nanos() - 1)));
    assert!(timer.has_expired(at(6)));
}

#[test]
fn timer_of_zero_expires_at_once() {
    assert!(Timer::new(at(5), Duration::ZERO).has_expired(at(5)));
}

#[test]
fn timer_restarts_when_clock_goes_back() {
    let mut timer = Timer::new(at(1_000), SECOND);
    assert!(!timer.has_expired(at(3)));
    assert_eq!(timer.deadline(), Some(at(4)));
    assert!(timer.has_expired(at(4)));
}

#[test]
fn timer_beyond_end_of_time_never_expires() {
    let end = Instant::from_nanos(u64::MAX);
    let mut timer = Timer::new(end, SECOND);
    assert_eq!(timer.deadline(), None);
    assert!(!timer.has_expired(end));
}
