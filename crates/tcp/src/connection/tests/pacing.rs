//! Data that is spread over the round trip.

use super::*;

const RTT: Duration = Duration::from_millis(100);

/// Returns a connection with an RTT of 100 milliseconds.
fn connected(has_pacing: bool) -> Rig {
    let mut rig = Rig::opening(&TcpSettings { pacing: has_pacing, ..plain() }, 1_000, 5_000);
    let _ = rig.sent();
    rig.pass(RTT);
    let options = Options { maximum_segment_size: Some(1_460), ..Options::default() };
    rig.give(Given::new(Flags::SYN | Flags::ACK, 0, 1).options(options));
    let _ = rig.sent();
    rig
}

// proves: tcp-pacing
#[test]
fn initial_window_is_sent_in_half_a_round_trip_one_segment_at_a_time() {
    let mut rig = connected(true);
    assert_eq!(rig.connection.info(rig.now).pacing_rate, None, "no data was sent yet");
    rig.write(&pattern(11 * FULL));
    let start = rig.now;
    for segment in 0..10 {
        assert_eq!(rig.sent_lengths(), [FULL], "segment {segment}");
        // In slow start, twice the window departs in a round trip.
        assert_eq!(rig.connection.info(rig.now).pacing_rate, Some(2 * 14_600 * 10));
        if segment < 9 {
            rig.pass_to_deadline();
        }
    }
    // The interval is five milliseconds, and one millisecond may be sent in advance.
    assert_eq!(rig.now.since(start), Duration::from_millis(9 * 5 - 1));
}

// proves: tcp-pacing
#[test]
fn pacing_is_off_by_default() {
    let mut rig = connected(TcpSettings::default().pacing);
    rig.write(&pattern(10 * FULL));
    assert_eq!(rig.sent_lengths().len(), 10);
    assert_eq!(rig.connection.info(rig.now).pacing_rate, None);
}

// proves: tcp-pacing
#[test]
fn fast_path_sends_the_segments_of_a_millisecond_at_once() {
    let mut rig = connected(true);
    rig.write(&pattern(10 * FULL));
    let first = rig.sent();
    assert_eq!(first.data.len(), FULL);
    for _ in 0..9 {
        rig.pass_to_deadline();
        let _ = rig.sent();
    }
    // The smoothed RTT falls to about ten microseconds.
    let mut acknowledged = 1 + 10 * 1_460;
    rig.acknowledge(acknowledged);
    for _ in 0..100 {
        rig.pass(RTT);
        rig.write(b"x");
        let _ = rig.sent();
        rig.pass(Duration::from_micros(10));
        acknowledged += 1;
        rig.acknowledge(acknowledged);
    }
    rig.pass(RTT);
    rig.write(&pattern(10 * FULL));
    assert_eq!(rig.sent_lengths().len(), 10, "a segment waits for less than a millisecond");
}

#[test]
fn held_data_does_not_probe_the_window_and_needs_no_retransmission_timer() {
    let mut rig = connected(true);
    rig.write(&pattern(2 * FULL));
    let _ = rig.sent();
    rig.acknowledge(1 + 1_460);
    rig.assert_silent();
    let waited = rig.pass_to_deadline();
    assert!(waited < Duration::from_millis(5), "the data waits for {waited:?}");
    let sent = rig.sent();
    assert_eq!((sent.sequence, sent.data.len()), (1 + 1_460, FULL), "a probe is sent instead of the data");
}
