use std::time::Duration;

use proptest::prelude::*;
use tap::Instant;

use super::super::{MAXIMUM_WINDOW, Round, WindowControl};
use super::Cubic;

const SEGMENT: u32 = 1000;

/// A connection with a constant RTT that always uses its window.
struct Flow {
    control: Cubic,
    now: Instant,
    rtt: Duration,
}

impl Flow {
    /// Creates a flow that had a loss with this number of segments in flight.
    fn after_loss(segments: u32, rtt: Duration) -> Flow {
        let mut flow = Flow { control: Cubic::new(segments * SEGMENT), now: Instant::from_nanos(1), rtt };
        flow.control.lost(&flow.round());
        flow
    }

    fn round(&self) -> Round {
        let window = self.control.window();
        Round {
            now: self.now,
            rtt: Some(self.rtt),
            minimum_rtt: Some(self.rtt),
            sample: None,
            delivered: 0,
            segment_size: SEGMENT,
            in_flight: window,
            maximum_in_flight: window,
            is_window_limited: true,
            is_echoed: false,
        }
    }

    /// Acknowledges a window of data during a round trip, one segment per ACK. Returns the window in segments.
    fn round_trip(&mut self) -> f64 {
        let acks = (self.control.window() / SEGMENT).max(1);
        for _ in 0..acks {
            self.now = self.now + self.rtt / acks;
            self.control.acknowledged(&self.round(), SEGMENT);
        }
        f64::from(self.control.window()) / f64::from(SEGMENT)
    }

    /// Takes round trips for this time. Returns the window in segments.
    fn run(&mut self, time: Duration) -> f64 {
        let end = self.now + time;
        while self.now < end {
            self.round_trip();
        }
        f64::from(self.control.window()) / f64::from(SEGMENT)
    }
}

/// RFC 9438 in floating-point numbers: windows in segments, times in seconds.
struct Reference {
    window: f64,
    maximum: f64,
    prior: f64,
    estimate: f64,
}

impl Reference {
    /// Creates the state at the start of a stage.
    fn after_loss(prior: f64) -> Reference {
        Reference { window: 0.7 * prior, maximum: prior, prior, estimate: 0.7 * prior }
    }

    fn acknowledged(&mut self, time: f64, rtt: f64, epoch_window: f64, segments: f64) {
        let alpha = if self.estimate >= self.prior { 1.0 } else { 3.0 * 0.3 / 1.7 };
        self.estimate += alpha * segments / self.window;
        let k = ((self.maximum - epoch_window) / 0.4).cbrt();
        let cubic = |time: f64| 0.4 * (time - k).powi(3) + self.maximum;
        if cubic(time) < self.estimate {
            self.window = self.window.max(self.estimate);
        } else {
            let target = cubic(time + rtt).clamp(self.window, 1.5 * self.window);
            self.window += (target - self.window) * segments / self.window;
        }
    }
}

// proves: rfc9438-decrease
#[test]
fn loss_reduces_to_seven_tenths_of_flight() {
    let mut flow = Flow { control: Cubic::new(100_000), now: Instant::ORIGIN, rtt: Duration::ZERO };
    let round = Round { in_flight: 80_000, maximum_in_flight: 90_000, ..flow.round() };
    flow.control.lost(&round);
    assert_eq!((flow.control.window(), flow.control.threshold()), (63_000, 63_000));
    // The flight of a recovery can exceed the window.
    flow.control.lost(&Round { in_flight: 200_000, ..round });
    assert_eq!(flow.control.window(), 44_100);
    flow.control.lost(&Round { in_flight: 1000, maximum_in_flight: 0, ..round });
    assert_eq!((flow.control.window(), flow.control.threshold()), (2000, 2000), "less than two segments");
}

// proves: rfc9438-mark
#[test]
fn mark_reduces_window_to_one_segment_and_threshold_to_two() {
    let mut flow = Flow { control: Cubic::new(10_000), now: Instant::ORIGIN, rtt: Duration::ZERO };
    flow.control.marked(&flow.round());
    assert_eq!((flow.control.window(), flow.control.threshold()), (7000, 7000));
    for _ in 0..20 {
        flow.control.marked(&flow.round());
    }
    assert_eq!((flow.control.window(), flow.control.threshold()), (1000, 2000));
    flow.control.undo();
    assert_eq!(flow.control.window(), 1000, "a mark was undone");
}

// proves: rfc9438-cubic, rfc9438-growth
#[test]
fn window_reaches_former_window_after_k_and_grows_slowly_around_it() {
    // K is the cubic root of 1000 * 0.3 / 0.4: 9.09 seconds.
    let mut flow = Flow::after_loss(1000, Duration::from_millis(100));
    let concave = flow.run(Duration::from_secs(3)) - 700.0;
    assert!((200.0..220.0).contains(&concave), "{concave} segments in three seconds");
    let plateau = flow.run(Duration::from_secs(6));
    assert!((998.0..1001.0).contains(&plateau), "{plateau} segments at K");
    let convex = flow.run(Duration::from_secs(6)) - plateau;
    assert!((80.0..100.0).contains(&convex), "{convex} segments in six seconds after K");
}

// proves: rfc9438-target
#[test]
fn window_grows_at_most_by_half_in_a_round_trip() {
    let mut flow = Flow::after_loss(1000, Duration::from_millis(100));
    flow.round_trip();
    // The cubic function exceeds the target by far.
    flow.now = flow.now + Duration::from_secs(1000);
    let before = flow.control.window();
    flow.control.acknowledged(&flow.round(), before);
    assert_eq!(flow.control.window(), before + before / 2);
}

// proves: rfc9438-reno-friendly
#[test]
fn short_round_trips_grow_as_a_reno_sender() {
    let mut flow = Flow::after_loss(20, Duration::from_millis(1));
    assert_eq!(flow.control.window(), 14_000);
    for _ in 0..11 {
        flow.round_trip();
    }
    // 9 / 17 segments in a round trip, up to the former window. The whole segments of a window are slightly less than a
    // round trip.
    let window = flow.control.window();
    assert!((19_500..=19_900).contains(&window), "{window} bytes instead of 14,000 + 11,000 * 9 / 17");
    flow.round_trip();
    let window = flow.control.window();
    for _ in 0..10 {
        flow.round_trip();
    }
    let growth = flow.control.window() - window;
    assert!((9000..=10_000).contains(&growth), "{growth} bytes in 10 round trips above the former window");
}

// proves: rfc9438-fast-convergence
#[test]
fn second_loss_below_former_window_lowers_the_plateau() {
    let mut flow = Flow::after_loss(1000, Duration::from_millis(100));
    // W_max is 700 * 1.7 / 2 = 595 segments, and K is the cubic root of (595 - 490) / 0.4: 6.4 seconds.
    flow.control.lost(&flow.round());
    assert_eq!(flow.control.window(), 490_000);
    let plateau = flow.run(Duration::from_millis(6400));
    assert!((592.0..598.0).contains(&plateau), "{plateau} segments");
}

// proves: rfc9438-timeout
#[test]
fn window_after_timeout_starts_with_one_segment_and_a_plateau_at_threshold() {
    let mut flow =
        Flow { control: Cubic::new(100_000), now: Instant::from_nanos(1), rtt: Duration::from_millis(100) };
    flow.control.timed_out(&flow.round(), false);
    assert_eq!((flow.control.window(), flow.control.threshold()), (1000, 70_000));
    flow.control.timed_out(&flow.round(), true);
    assert_eq!(flow.control.threshold(), 70_000);
    while flow.control.window() < 70_000 {
        flow.round_trip();
    }
    // K is zero: 0.4 * 3^3 segments in three seconds. With the former window, 100 segments would be the plateau.
    let growth = flow.run(Duration::from_secs(3)) - 70.0;
    assert!((9.0..17.0).contains(&growth), "{growth} segments in three seconds");
}

// proves: rfc9438-slow-start
#[test]
fn slow_start_adds_acknowledged_bytes_up_to_threshold() {
    let mut flow =
        Flow { control: Cubic::new(10_000), now: Instant::from_nanos(1), rtt: Duration::from_millis(10) };
    flow.control.acknowledged(&flow.round(), 5000);
    assert_eq!(flow.control.window(), 15_000);
    flow.control.timed_out(&flow.round(), false);
    flow.control.acknowledged(&flow.round(), 9000);
    assert_eq!(flow.control.window(), 10_000);
    flow.control.acknowledged(&flow.round(), 500);
    assert_eq!(flow.control.window(), 10_500, "slow start did not stop at the threshold");
}

// proves: rfc9438-delay, rfc9406-initial, rfc9406-conservative
#[test]
fn growing_rtt_ends_the_initial_slow_start_only() {
    let mut flow =
        Flow { control: Cubic::new(10_000), now: Instant::from_nanos(1), rtt: Duration::from_millis(20) };
    let mut delivered = 0;
    let mut round_trip = |flow: &mut Flow, rtt: u64| {
        let acks = flow.control.window() / SEGMENT;
        for _ in 0..acks {
            let sample = Some(Duration::from_millis(rtt));
            let round = Round { sample, delivered, ..flow.round() };
            flow.control.acknowledged(&round, SEGMENT);
            delivered += u64::from(SEGMENT);
        }
    };
    round_trip(&mut flow, 20);
    assert_eq!(flow.control.window(), 20_000);
    round_trip(&mut flow, 30);
    assert_eq!(
        flow.control.window(),
        20_000 + 8000 + 12 * 250,
        "the growth is not slower after the eighth ACK"
    );
    while flow.control.threshold() == MAXIMUM_WINDOW {
        round_trip(&mut flow, 30);
        assert!(flow.control.window() < 100_000, "slow start does not end");
    }
    let window = flow.control.threshold();
    flow.now = flow.now + Duration::from_secs(1);
    round_trip(&mut flow, 30);
    let growth = flow.control.window() - window;
    assert!(growth <= 3 * SEGMENT, "the window grows by {growth} bytes in congestion avoidance");
    // Slow start after a timeout is not slowed.
    flow.control.timed_out(&flow.round(), false);
    while flow.control.window() * 2 <= flow.control.threshold() {
        let before = flow.control.window();
        round_trip(&mut flow, 500);
        assert_eq!(flow.control.window(), 2 * before);
    }
}

// proves: rfc9438-application-limited
#[test]
fn time_of_limited_application_and_of_idle_connection_does_not_count() {
    let mut busy = Flow::after_loss(1000, Duration::from_millis(100));
    busy.run(Duration::from_secs(1));
    let mut limited = Flow { control: busy.control, ..busy };
    for _ in 0..1000 {
        limited.now = limited.now + Duration::from_secs(1);
        let round = Round { is_window_limited: false, maximum_in_flight: 1000, ..limited.round() };
        limited.control.acknowledged(&round, SEGMENT);
    }
    limited.now = limited.now + Duration::from_secs(1000);
    limited.control.resume(limited.now);
    assert_eq!(limited.control.window(), busy.control.window(), "the limited flow grew");
    let (busy, limited) = (busy.run(Duration::from_secs(1)), limited.run(Duration::from_secs(1)));
    assert!((busy - limited).abs() < 1.0, "{limited} instead of {busy} segments");
}

// proves: rfc9438-undo
#[test]
fn undo_restores_window_and_growth() {
    let mut flow = Flow::after_loss(1000, Duration::from_millis(100));
    flow.run(Duration::from_secs(1));
    let before = flow.control;
    flow.control.lost(&flow.round());
    flow.control.timed_out(&flow.round(), true);
    flow.control.acknowledged(&flow.round(), SEGMENT);
    flow.control.undo();
    assert_eq!(flow.control.window(), before.window());
    assert_eq!(flow.control.threshold(), before.threshold());
    let undone = flow.run(Duration::from_secs(8));
    assert!((998.0..1001.0).contains(&undone), "{undone} segments at K");
}

// proves: rfc9438-undo
#[test]
fn undo_keeps_a_window_that_has_grown_beyond_the_former_one() {
    let mut flow = Flow::after_loss(20, Duration::from_millis(1));
    for _ in 0..100 {
        flow.round_trip();
    }
    let before = flow.control.window();
    flow.control.undo();
    assert_eq!(flow.control.window(), before);
}

#[test]
fn smaller_window_after_idle_time_starts_another_stage() {
    let mut flow = Flow::after_loss(100, Duration::from_millis(100));
    for _ in 0..20 {
        flow.control.lost(&flow.round());
    }
    flow.run(Duration::from_secs(20));
    assert!(flow.control.threshold() < 10_000 && flow.control.window() > 20_000);
    flow.control.restart_after_idle(SEGMENT);
    assert_eq!(flow.control.window(), 10_000);
    let window = flow.round_trip();
    assert!(window < 11.0, "{window} segments: the window grew by the time of the former stage");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    // proves: rfc9438-cubic, rfc9438-growth, rfc9438-reno-friendly, rfc9438-target
    #[test]
    fn growth_follows_formula(segments in 10_u32..20_000, rtt in 1_u32..400, acked in 1_u32..64) {
        let rtt = Duration::from_millis(rtt.into());
        let mut flow = Flow::after_loss(segments, rtt);
        let mut reference = Reference::after_loss(f64::from(segments));
        let epoch_window = reference.window;
        let mut time = Duration::ZERO;
        for _ in 0..2000 {
            let bytes = (acked * SEGMENT).min(flow.control.window());
            flow.control.acknowledged(&flow.round(), bytes);
            let count = f64::from(bytes) / f64::from(SEGMENT);
            reference.acknowledged(time.as_secs_f64(), rtt.as_secs_f64(), epoch_window, count);
            let window = f64::from(flow.control.window()) / f64::from(SEGMENT);
            let difference = (window - reference.window).abs();
            prop_assert!(
                difference < 0.01 + reference.window / 1000.0,
                "{window} instead of {} segments after {time:?}", reference.window,
            );
            let step = rtt.mul_f64(count / reference.window);
            (flow.now, time) = (flow.now + step, time + step);
        }
    }

    // proves: rfc9438-growth, rfc9438-target
    #[test]
    fn window_never_falls_on_ack_and_stays_within_limits(
        events in prop::collection::vec(
            (0_u8..9, any::<u32>(), any::<u32>(), any::<bool>(), 0_u64..1_000_000_000_000_000), 0..100),
        segment_size in 1_u32..65_535,
    ) {
        let mut control = Cubic::new(segment_size);
        let mut now = Instant::ORIGIN;
        for (event, bytes, in_flight, is_window_limited, nanoseconds) in events {
            // Up to 11 days between two events.
            let time = Duration::from_nanos(nanoseconds);
            now = now + time;
            let round = Round {
                now,
                rtt: Some(time),
                minimum_rtt: None,
                sample: None,
                delivered: 0,
                segment_size,
                in_flight,
                maximum_in_flight: in_flight,
                is_window_limited,
                is_echoed: false,
            };
            let before = control.window();
            match event {
                0 => control.lost(&round),
                1 => control.timed_out(&round, is_window_limited),
                2 => control.recovered(&round),
                3 => control.restart_after_idle(segment_size),
                4 => control.undo(),
                5 => control.marked(&round),
                6 => control.resume(now),
                _ => {
                    control.acknowledged(&round, bytes);
                    prop_assert!(control.window() >= before, "an ACK lowered the window");
                    let limit = u64::from(before) + u64::from(bytes).max(u64::from(before / 2));
                    prop_assert!(u64::from(control.window()) <= limit + u64::from(segment_size));
                }
            }
            prop_assert!(control.window() >= segment_size.min(before), "the window is below one segment");
            prop_assert!(control.threshold() >= 2 * segment_size);
            prop_assert!(control.window() <= MAXIMUM_WINDOW);
        }
    }
}

#[test]
fn recovery_with_an_inflated_window_ends_without_a_burst() {
    let mut flow = Flow::after_loss(100, Duration::from_millis(100));
    assert_eq!(flow.control.window(), 70 * SEGMENT);
    flow.control.recovered(&Round { in_flight: 10 * SEGMENT, ..flow.round() });
    assert_eq!(flow.control.window(), 11 * SEGMENT);
}

#[test]
fn smaller_segments_start_another_stage_with_a_smaller_window() {
    let mut flow = Flow::after_loss(100, Duration::from_millis(100));
    flow.round_trip();
    let window = flow.control.window();
    flow.control.shrink_segments(SEGMENT, SEGMENT / 2);
    assert_eq!(flow.control.window(), window / 2);
    assert_eq!(flow.control.state.stage, None, "the stage has segments of the former size");
    // A window of less than a segment does not become larger.
    flow.control.timed_out(&flow.round(), false);
    flow.control.shrink_segments(2 * SEGMENT, 2 * SEGMENT);
    assert_eq!(flow.control.window(), SEGMENT);
}

#[test]
fn undo_keeps_a_window_that_equals_the_former_one() {
    let mut flow = Flow::after_loss(100, Duration::from_millis(100));
    let threshold = flow.control.threshold();
    flow.control.state.window.size = flow.control.state.prior;
    flow.control.undo();
    assert_eq!(flow.control.threshold(), threshold);
}

#[test]
fn acknowledgments_of_single_bytes_grow_the_window_as_one_of_all_bytes() {
    let flow = || {
        let mut flow = Flow::after_loss(1_000, Duration::from_millis(100));
        flow.control.acknowledged(&flow.round(), SEGMENT);
        flow.now = flow.now + Duration::from_secs(1);
        flow
    };
    let (mut one, mut many) = (flow(), flow());
    let before = one.control.window();
    one.control.acknowledged(&one.round(), 50 * SEGMENT);
    for _ in 0..50 * SEGMENT {
        many.control.acknowledged(&many.round(), 1);
    }
    let (one, many) = (one.control.window() - before, many.control.window() - before);
    assert!(one > 1_000 && many.abs_diff(one) < one / 10, "{many} bytes instead of {one}");
}

#[test]
fn window_that_an_idle_time_leaves_unchanged_keeps_its_stage() {
    let mut flow = Flow::after_loss(10, Duration::from_millis(100));
    flow.round_trip();
    let stage = flow.control.state.stage;
    flow.control.restart_after_idle(SEGMENT);
    assert!(stage.is_some() && flow.control.state.stage == stage, "the stage ended");
}
