use std::time::Duration;

use tap::Instant;

use super::{Growth, HyStart, Round};

/// Bytes in flight, acknowledged by ten ACKs.
const FLIGHT: u32 = 10_000;

struct Flow {
    hystart: HyStart,
    delivered: u64,
}

impl Flow {
    fn new() -> Flow {
        Flow { hystart: HyStart::new(), delivered: 0 }
    }

    /// Takes a round trip with an RTT for each ACK, in milliseconds. Returns how the window grows with each ACK.
    fn round_trip(&mut self, rtts: &[u64]) -> Vec<Growth> {
        assert_eq!(rtts.len(), 10);
        let mut grow = |rtt: &u64| {
            let round = Round {
                now: Instant::ORIGIN,
                rtt: None,
                minimum_rtt: None,
                sample: (*rtt > 0).then_some(Duration::from_millis(*rtt)),
                delivered: self.delivered,
                segment_size: 1_000,
                in_flight: FLIGHT,
                maximum_in_flight: FLIGHT,
                is_window_limited: true,
                is_echoed: false,
            };
            self.delivered += u64::from(FLIGHT / 10);
            self.hystart.acknowledged(&round)
        };
        rtts.iter().map(&mut grow).collect()
    }
}

// proves: rfc9406-exit, rfc9406-conservative
#[test]
fn increase_by_an_eighth_slows_the_growth_after_the_eighth_sample() {
    for (before, after, expected) in [
        // At least four milliseconds, an eighth, and at most 16 milliseconds.
        (8, 11, false),
        (8, 12, true),
        (80, 89, false),
        (80, 90, true),
        (800, 815, false),
        (800, 816, true),
    ] {
        let mut flow = Flow::new();
        assert_eq!(flow.round_trip(&[before; 10]), [Growth::Full; 10]);
        let growth = flow.round_trip(&[after; 10]);
        assert_eq!(growth[..8], [Growth::Full; 8], "from {before} to {after} ms");
        let later = if expected { Growth::Quarter } else { Growth::Full };
        assert_eq!(growth[8..], [later; 2], "from {before} to {after} ms");
    }
}

// proves: rfc9406-rounds
#[test]
fn only_the_smallest_rtt_of_a_round_trip_counts() {
    let mut flow = Flow::new();
    flow.round_trip(&[90, 90, 90, 80, 90, 90, 90, 90, 90, 90]);
    assert_eq!(flow.round_trip(&[300, 300, 300, 81, 300, 300, 300, 300, 300, 300]), [Growth::Full; 10]);
    // The smallest RTT is that of the last round trip, and not of an earlier one.
    assert_eq!(flow.round_trip(&[90; 10]), [Growth::Full; 10]);
    assert_eq!(flow.round_trip(&[120; 10])[8..], [Growth::Quarter; 2]);
}

// proves: rfc9406-exit
#[test]
fn round_trip_with_fewer_than_eight_samples_shows_no_increase() {
    let mut flow = Flow::new();
    flow.round_trip(&[20; 10]);
    assert_eq!(flow.round_trip(&[90, 90, 90, 90, 90, 90, 90, 0, 0, 0]), [Growth::Full; 10]);
}

// proves: rfc9406-resume
#[test]
fn lower_rtt_resumes_slow_start() {
    let mut flow = Flow::new();
    flow.round_trip(&[20; 10]);
    assert_eq!(flow.round_trip(&[30; 10])[9], Growth::Quarter);
    assert_eq!(flow.round_trip(&[30; 10])[9], Growth::Quarter);
    let growth = flow.round_trip(&[29; 10]);
    assert_eq!((growth[7], growth[8]), (Growth::Quarter, Growth::Full));
}

// proves: rfc9406-end
#[test]
fn slow_start_ends_after_five_round_trips_with_a_high_rtt() {
    let mut flow = Flow::new();
    flow.round_trip(&[20; 10]);
    // The rest of the round trip of the increase is the first of the five.
    for round in 0..5 {
        let growth = flow.round_trip(&[30; 10]);
        assert!(!growth.contains(&Growth::End), "slow start ended in round trip {round}");
    }
    assert_eq!(flow.round_trip(&[30; 10])[0], Growth::End);
}
