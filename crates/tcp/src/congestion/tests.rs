use std::time::Duration;

use tap::Instant;

use super::{Algorithm, Cubic, MAXIMUM_WINDOW, NewReno, Round, WindowControl, WindowUse, initial_window};
use crate::CongestionControl;

// proves: rfc6928-initial-window
#[test]
fn initial_window_is_ten_segments_of_ethernet() {
    assert_eq!(initial_window(1460, 0), 14_600);
    assert_eq!(initial_window(536, 0), 5360);
    assert_eq!(initial_window(4000, 0), 14_600);
    assert_eq!(initial_window(8960, 0), 17_920);
    assert_eq!(initial_window(u32::MAX, 0), u32::MAX);
}

// proves: rfc5681-syn-lost
#[test]
fn initial_window_is_one_segment_after_second_lost_syn() {
    assert_eq!(initial_window(1460, 1), 14_600);
    assert_eq!(initial_window(1460, 2), 1460);
}

#[test]
fn window_use_remembers_largest_flight_of_round_trip() {
    let mut window = WindowUse::default();
    window.sent(1000, false, 0);
    window.sent(3000, false, 0);
    window.sent(2000, false, 500);
    assert_eq!((window.maximum_in_flight(), window.is_window_limited()), (3000, false));
    // The round trip ends when all 3,000 bytes are delivered.
    window.sent(1500, false, 2999);
    assert_eq!(window.maximum_in_flight(), 3000);
    window.sent(1500, false, 3000);
    assert_eq!(window.maximum_in_flight(), 1500);
    // An equal flight does not make the round trip longer.
    window.sent(1500, false, 4000);
    window.sent(100, false, 4500);
    assert_eq!(window.maximum_in_flight(), 100);
}

// proves: tcp-application-limited
#[test]
fn window_use_remembers_limit_for_round_trip() {
    let mut window = WindowUse::default();
    window.sent(10_000, true, 0);
    window.sent(12_000, false, 5000);
    assert!(window.is_window_limited(), "the limit was forgotten within the round trip");
    window.sent(2000, false, 10_000);
    assert!(!window.is_window_limited(), "the limit outlived the round trip");
}

/// Reports each kind of event to a control. Returns window and threshold after each event.
fn events(control: &mut impl WindowControl) -> Vec<(u32, u32)> {
    const RTT: Duration = Duration::from_millis(100);
    let mut now = Instant::from_nanos(1);
    let mut states = Vec::new();
    let mut report = |event: &dyn Fn(&mut dyn WindowControl, &Round)| {
        now = now + RTT;
        let in_flight = control.window();
        let round = Round {
            now,
            rtt: Some(RTT),
            minimum_rtt: Some(RTT),
            sample: None,
            delivered: 0,
            segment_size: 1000,
            in_flight,
            maximum_in_flight: in_flight,
            is_window_limited: true,
            is_echoed: false,
        };
        event(control, &round);
        states.push((control.window(), control.threshold()));
    };
    let acknowledge = |control: &mut dyn WindowControl, round: &Round| control.acknowledged(round, 10_000);
    report(&acknowledge);
    report(&|control, round| control.lost(round));
    report(&|control, _| control.undo());
    report(&|control, round| control.lost(round));
    report(&acknowledge);
    // The time up to this event does not count for the growth of CUBIC.
    report(&|control, round| control.resume(round.now + 100 * RTT));
    report(&|control, round| control.acknowledged(&Round { now: round.now + 101 * RTT, ..*round }, 10_000));
    report(&|control, round| control.recovered(&Round { in_flight: 15_000, ..*round }));
    report(&|control, _| control.restart_after_idle(1000));
    report(&|control, round| control.marked(round));
    report(&|control, _| control.shrink_segments(1000, 500));
    report(&|control, round| control.timed_out(round, false));
    states
}

// proves: tcp-no-congestion-control
#[test]
fn no_event_changes_the_window_without_congestion_control() {
    let states = events(&mut Algorithm::new(CongestionControl::None, 30_000));
    assert_eq!(states, vec![(MAXIMUM_WINDOW, MAXIMUM_WINDOW); states.len()]);
}

#[test]
fn algorithm_passes_each_event_to_its_control() {
    let cubic = events(&mut Algorithm::new(CongestionControl::Cubic, 30_000));
    assert_eq!(cubic, events(&mut Cubic::new(30_000)));
    let new_reno = events(&mut Algorithm::new(CongestionControl::NewReno, 30_000));
    assert_eq!(new_reno, events(&mut NewReno::new(30_000)));
    for states in [&cubic, &new_reno] {
        // The event of an idle time changes nothing by itself.
        let is_change = |number: &usize| states[*number] != states[*number + 1];
        let unchanged: Vec<_> = (0..states.len() - 1).filter(|number| !is_change(number)).collect();
        assert!(
            unchanged.contains(&4) && unchanged.len() < 3,
            "events without effect: {unchanged:?} {states:?}"
        );
    }
}
