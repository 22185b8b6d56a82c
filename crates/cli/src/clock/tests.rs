//! Suspensions, and origins of the clock.

use super::*;

// proves: rfc5227-wake
#[test]
fn suspension_is_reported_once_when_longer_than_slack() {
    let mut suspension = Suspension { total: Duration::from_secs(100) };
    assert!(!suspension.has_grown_to(Duration::from_secs(100)));
    assert!(!suspension.has_grown_to(Duration::from_secs(101)));
    assert!(suspension.has_grown_to(Duration::from_millis(101_001)));
    assert!(!suspension.has_grown_to(Duration::from_millis(101_001)));
    // Two readings may differ in either direction.
    assert!(!suspension.has_grown_to(Duration::from_secs(99)));
    assert!(!Suspension::start().has_ended());
}

#[test]
fn events_of_one_moment_have_one_wall_clock_time() {
    let clock = Clock::start();
    let (wall_clock, now) = (WallClock::from(clock), clock.now());
    let first = wall_clock.moment(now);
    for _ in 0..1_000 {
        assert_eq!(wall_clock.moment(now).wall, first.wall);
    }
}

#[test]
fn origin_follows_system_clock_when_it_was_set() {
    let latest = Duration::from_secs(1_000);
    for (millis, is_same) in [(999_900, true), (1_000_100, true), (999_899, false), (1_000_101, false)] {
        assert_eq!(is_same_origin(latest, Duration::from_millis(millis)), is_same, "{millis}");
    }
}
