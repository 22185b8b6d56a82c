use proptest::prelude::*;
use tap::Instant;

use super::super::{Algorithm, MAXIMUM_WINDOW};
use super::{NewReno, Round, WindowControl};

const SEGMENT: u32 = 1000;

fn round(in_flight: u32) -> Round {
    Round {
        now: Instant::ORIGIN,
        rtt: None,
        minimum_rtt: None,
        sample: None,
        delivered: 0,
        segment_size: SEGMENT,
        in_flight,
        maximum_in_flight: in_flight,
        is_window_limited: true,
        is_echoed: false,
    }
}

// proves: rfc5681-slow-start, tcp-ack-division
#[test]
fn slow_start_grows_by_acknowledged_bytes() {
    let mut control = NewReno::new(10_000);
    control.acknowledged(&round(10_000), 1000);
    assert_eq!(control.window(), 11_000);
    control.acknowledged(&round(10_000), 1);
    assert_eq!(control.window(), 11_001, "an ACK of one byte raised the window by more than one byte");
}

// proves: rfc5681-slow-start, rfc5681-threshold
#[test]
fn slow_start_stops_at_threshold() {
    let mut control = NewReno::new(10_000);
    control.lost(&round(40_000));
    control.timed_out(&round(20_000), true);
    assert_eq!((control.window(), control.threshold()), (1000, 20_000));
    control.acknowledged(&round(20_000), 100_000);
    assert_eq!(control.window(), 21_000);
}

// proves: tcp-application-limited
#[test]
fn slow_start_stops_at_twice_the_flight_of_limited_application() {
    let mut control = NewReno::new(10_000);
    let limited = Round { maximum_in_flight: 6000, is_window_limited: false, ..round(6000) };
    for _ in 0..10 {
        control.acknowledged(&limited, 1000);
    }
    assert_eq!(control.window(), 12_000);
    // The window is compared before the growth, so that one ACK of the whole flight grows it once more.
    control.acknowledged(&Round { maximum_in_flight: 6001, ..limited }, 6001);
    assert_eq!(control.window(), 18_001);
}

// proves: rfc5681-avoidance
#[test]
fn congestion_avoidance_adds_one_segment_per_window() {
    let mut control = NewReno::new(10_000);
    control.lost(&round(20_000));
    assert_eq!(control.window(), 10_000);
    for _ in 0..9 {
        control.acknowledged(&round(10_000), 1000);
    }
    assert_eq!(control.window(), 10_000);
    // One ACK of 5,000 bytes counts 1,000 bytes for this window, and 4,000 bytes for the next one.
    control.acknowledged(&round(10_000), 5000);
    assert_eq!(control.window(), 11_000);
    control.acknowledged(&round(11_000), 6999);
    assert_eq!(control.window(), 11_000);
    control.acknowledged(&round(11_000), 1);
    assert_eq!(control.window(), 12_000);
}

// proves: tcp-application-limited
#[test]
fn congestion_avoidance_does_not_grow_unused_window() {
    let mut control = NewReno::new(10_000);
    control.lost(&round(20_000));
    let limited = Round { is_window_limited: false, ..round(10_000) };
    for _ in 0..100 {
        control.acknowledged(&limited, 1000);
    }
    assert_eq!(control.window(), 10_000);
}

// proves: rfc5681-fast-recovery
#[test]
fn loss_halves_flight_and_not_window() {
    let mut control = NewReno::new(100_000);
    control.lost(&round(20_000));
    assert_eq!((control.window(), control.threshold()), (10_000, 10_000));
    control.lost(&round(1000));
    assert_eq!(control.threshold(), 2 * SEGMENT);
}

// proves: rfc3168-response
#[test]
fn mark_halves_window_down_to_one_segment_and_threshold_down_to_two() {
    let mut control = NewReno::new(10_000);
    control.marked(&round(10_000));
    assert_eq!((control.window(), control.threshold()), (5000, 5000));
    control.marked(&round(1500));
    assert_eq!((control.window(), control.threshold()), (1000, 2000));
    control.undo();
    assert_eq!(control.window(), 1000, "a mark was undone");
}

// proves: rfc5681-timeout, rfc5681-timeout-again
#[test]
fn timeout_sets_one_segment_and_keeps_threshold_when_repeated() {
    let mut control = NewReno::new(10_000);
    control.timed_out(&round(10_000), false);
    assert_eq!((control.window(), control.threshold()), (1000, 5000));
    control.timed_out(&round(1000), true);
    assert_eq!((control.window(), control.threshold()), (1000, 5000));
}

// proves: rfc6582-partial
#[test]
fn recovery_ends_with_flight_and_one_segment() {
    let mut control = NewReno::new(10_000);
    control.lost(&round(20_000));
    control.recovered(&round(3000));
    assert_eq!((control.window(), control.threshold()), (4000, 10_000));
    control.recovered(&round(30_000));
    assert_eq!(control.window(), 10_000);
}

#[test]
fn undo_restores_window_and_threshold_once() {
    let mut control = NewReno::new(40_000);
    control.lost(&round(40_000));
    control.timed_out(&round(30_000), true);
    control.acknowledged(&round(1000), 1000);
    control.undo();
    assert_eq!((control.window(), control.threshold()), (40_000, MAXIMUM_WINDOW));
    control.acknowledged(&round(40_000), 10_000);
    control.undo();
    assert_eq!(control.window(), 50_000, "an undo without a reduction changed the window");
}

// proves: rfc5681-restart
#[test]
fn idle_time_restores_initial_window() {
    let mut control = NewReno::new(10_000);
    control.acknowledged(&round(10_000), 50_000);
    control.restart_after_idle(SEGMENT);
    assert_eq!(control.window(), 10_000);
    control.timed_out(&round(10_000), false);
    control.restart_after_idle(SEGMENT);
    assert_eq!(control.window(), 1000, "idle time raised the window");
}

#[test]
fn smaller_segments_shrink_window_by_their_ratio() {
    let mut control = NewReno::new(10_000);
    control.shrink_segments(1000, 500);
    assert_eq!(control.window(), 5000);
    control.shrink_segments(500, 1000);
    assert_eq!(control.window(), 5000, "larger segments changed the window");
}

proptest! {
    #[test]
    fn window_never_falls_on_ack_and_stays_within_limits(
        events in prop::collection::vec((0_u8..8, any::<u32>(), any::<u32>(), any::<bool>()), 0..100),
        segment_size in 1_u32..65_535,
    ) {
        let mut control = Algorithm::NewReno(NewReno::new(segment_size));
        for (event, bytes, in_flight, is_window_limited) in events {
            let round = Round { segment_size, is_window_limited, ..round(in_flight) };
            let before = control.window();
            match event {
                0 => control.lost(&round),
                1 => control.timed_out(&round, is_window_limited),
                2 => control.recovered(&round),
                3 => control.restart_after_idle(segment_size),
                4 => control.undo(),
                5 => control.marked(&round),
                _ => {
                    control.acknowledged(&round, bytes);
                    prop_assert!(control.window() >= before, "an ACK lowered the window");
                    prop_assert!(u64::from(control.window()) <= u64::from(before) + u64::from(bytes) + u64::from(segment_size));
                }
            }
            prop_assert!(control.window() >= segment_size.min(before), "the window is below one segment");
            prop_assert!(control.threshold() >= 2 * segment_size);
            prop_assert!(control.window() <= MAXIMUM_WINDOW.max(control.threshold()).saturating_add(segment_size));
        }
    }
}
