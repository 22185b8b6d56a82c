use super::{WindowUse, initial_window};

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
