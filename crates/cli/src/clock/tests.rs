//! Origins of the clock.

use super::*;

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
