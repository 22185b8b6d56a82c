use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Instant {
    Instant::from_nanos(seconds * 1_000_000_000)
}

#[test]
fn it_is_over_at_its_deadline_and_not_before() {
    let mut timer = Timer::new(at(5), SECOND);
    assert_eq!(timer.deadline(), Some(at(6)));
    assert!(!timer.has_expired(Instant::from_nanos(at(6).as_nanos() - 1)));
    assert!(timer.has_expired(at(6)));
}

#[test]
fn no_time_at_all_is_over_at_once() {
    assert!(Timer::new(at(5), Duration::ZERO).has_expired(at(5)));
}

#[test]
fn a_clock_that_went_back_begins_it_again() {
    let mut timer = Timer::new(at(1_000), SECOND);
    assert!(!timer.has_expired(at(3)));
    assert_eq!(timer.deadline(), Some(at(4)));
    assert!(timer.has_expired(at(4)));
}

#[test]
fn beyond_the_end_of_time_it_is_never_over() {
    let end = Instant::from_nanos(u64::MAX);
    let mut timer = Timer::new(end, SECOND);
    assert_eq!(timer.deadline(), None);
    assert!(!timer.has_expired(end));
}
