//! Explicit congestion notification (RFC 3168 6.1).

use super::*;
use crate::Ecn;

/// The ECN field of a segment.
const ECT: u8 = 0b10;

fn asking() -> TcpSettings {
    TcpSettings { ecn: Ecn::Ask, type_of_service: 0x20 | 0b11, ..plain() }
}

/// Returns a connection that was opened with ECN.
fn with_ecn() -> Rig {
    let mut rig = Rig::opening(&asking(), 1_000, 5_000);
    assert_eq!(rig.sent().flags, Flags::SYN | Flags::ECE | Flags::CWR);
    let options = Options { maximum_segment_size: Some(1_460), ..Options::default() };
    rig.give(Given::new(Flags::SYN | Flags::ACK | Flags::ECE, 0, 1).options(options));
    assert_eq!(rig.all_sent().len(), 1);
    assert!(rig.connection.info(rig.now).has_ecn, "the SYN,ACK accepts ECN");
    rig
}

/// Returns a connection with this number of segments in flight.
fn with_flight(segments: usize) -> Rig {
    let mut rig = with_ecn();
    rig.write(&pattern(segments * FULL));
    assert_eq!(rig.sent_lengths().len(), segments);
    rig
}

fn window(rig: &Rig) -> u32 {
    rig.connection.info(rig.now).congestion_window / 1_460
}

fn echo(rig: &mut Rig, acknowledgment: u32) {
    rig.acknowledged = acknowledgment;
    rig.give(Given::new(Flags::ACK | Flags::ECE, rig.next, acknowledgment));
}

// proves: rfc3168-setup, rfc3168-agreement
#[test]
fn only_syn_ack_with_ece_and_without_cwr_accepts_ecn() {
    for (flags, expected) in
        [(Flags::ECE, true), (Flags::NONE, false), (Flags::CWR, false), (Flags::ECE | Flags::CWR, false)]
    {
        for (ecn, is_asking) in [(Ecn::Ask, true), (Ecn::Accept, false), (Ecn::Off, false)] {
            let mut rig = Rig::opening(&TcpSettings { ecn, ..plain() }, 1_000, 5_000);
            assert_eq!(rig.sent().flags.contains(Flags::ECE | Flags::CWR), is_asking);
            rig.give(Given::new(Flags::SYN | Flags::ACK | flags, 0, 1));
            assert_eq!(rig.connection.info(rig.now).has_ecn, expected && is_asking, "{flags} and {ecn:?}");
        }
    }
}

// proves: tcp-no-congestion-control
#[test]
fn connection_without_congestion_control_does_not_ask_for_ecn() {
    let settings = TcpSettings { congestion: CongestionControl::None, ..asking() };
    let mut rig = Rig::opening(&settings, 1_000, 5_000);
    assert_eq!(rig.sent().flags, Flags::SYN);
}

// proves: rfc3168-setup
#[test]
fn simultaneous_open_agrees_on_ecn() {
    for (flags, expected) in [(Flags::ECE | Flags::CWR, true), (Flags::ECE, false)] {
        let mut rig = Rig::opening(&asking(), 1_000, 5_000);
        let _ = rig.sent();
        rig.give(Given::new(Flags::SYN | flags, 0, 0));
        assert_eq!(rig.sent().flags.contains(Flags::ECE), expected, "SYN with {flags}");
    }
}

// proves: rfc3168-fallback, rfc3168-agreement
#[test]
fn retransmitted_syn_does_not_ask_for_ecn() {
    let mut rig = Rig::opening(&asking(), 1_000, 5_000);
    let _ = rig.sent();
    rig.pass_to_deadline();
    assert_eq!(rig.sent().flags, Flags::SYN);
    // The answer to the first SYN arrives late.
    rig.give(Given::new(Flags::SYN | Flags::ACK | Flags::ECE, 0, 1));
    assert!(!rig.connection.info(rig.now).has_ecn, "ECN is used after a SYN without ECN");
}

// proves: rfc3168-data, rfc3168-not-ect
#[test]
fn only_new_data_supports_ecn() {
    let mut rig = Rig::opening(&asking(), 1_000, 5_000);
    assert_eq!(rig.sent().type_of_service, 0x20, "the SYN has an ECN field");
    rig.give(Given::new(Flags::SYN | Flags::ACK | Flags::ECE, 0, 1));
    assert_eq!(rig.sent().type_of_service, 0x20, "an acknowledgment has an ECN field");
    rig.write(b"data");
    assert_eq!(rig.sent().type_of_service, 0x20 | ECT);
    rig.pass_to_deadline();
    let again = rig.sent();
    assert_eq!((again.data.as_slice(), again.type_of_service), (&b"data"[..], 0x20));
    rig.acknowledge(5);
    // A window probe.
    rig.window = 0;
    rig.acknowledge(5);
    rig.write(b"more");
    rig.pass_to_deadline();
    let probe = rig.sent();
    assert_eq!((probe.data.len(), probe.type_of_service), (1, 0x20));
    assert!(!probe.flags.contains(Flags::CWR), "a window probe has CWR");
}

// proves: rfc3168-agreement
#[test]
fn connection_without_ecn_ignores_marks_and_reports() {
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(10 * FULL));
    assert!(rig.all_sent().iter().all(|sent| sent.type_of_service == 0), "data has an ECN field");
    echo(&mut rig, 1);
    assert_eq!(window(&rig), 10);
    rig.give(Given::new(Flags::ACK, 1, 1).data(b"data").marked());
    assert!(rig.all_sent().iter().all(|sent| !sent.flags.contains(Flags::ECE)), "a mark is reported");
}

// proves: rfc3168-echo
#[test]
fn acknowledgments_report_a_mark_until_cwr() {
    let mut rig = with_ecn();
    let give = |rig: &mut Rig, flags: Flags, is_marked: bool| {
        let given = Given { is_marked, ..Given::new(Flags::ACK | flags, rig.next, 1).data(b"data") };
        rig.next += 4;
        rig.give(given);
        rig.sent().flags.contains(Flags::ECE)
    };
    assert!(!give(&mut rig, Flags::NONE, false));
    assert!(give(&mut rig, Flags::NONE, true));
    assert!(give(&mut rig, Flags::NONE, false), "the report ended before CWR");
    rig.write(b"answer");
    assert!(rig.sent().flags.contains(Flags::ECE), "data does not report the mark");
    assert!(!give(&mut rig, Flags::CWR, false), "the report does not end at CWR");
    assert!(give(&mut rig, Flags::CWR, true), "a mark on the segment with CWR is not reported");
}

// proves: rfc3168-outside-window
#[test]
fn marks_of_segments_outside_the_window_and_of_acknowledgments_do_not_count() {
    let mut rig = with_ecn();
    rig.give_data(b"data");
    let _ = rig.all_sent();
    for given in [
        Given::new(Flags::ACK, 1, 1).data(b"data"),
        Given::new(Flags::ACK, 1_000_000, 1).data(b"data"),
        Given::new(Flags::ACK, 5, 1),
    ] {
        let reply = rig.receive(given.marked()).reply;
        assert!(reply.is_none_or(|reply| !reply.flags.contains(Flags::ECE)), "the mark is reported");
    }
    rig.give_data(b"data");
    assert!(!rig.sent().flags.contains(Flags::ECE), "a mark is reported later");
}

// proves: rfc3168-once, rfc3168-reduced, rfc3168-no-growth
#[test]
fn reports_reduce_the_window_once_in_a_round_trip() {
    let mut rig = with_flight(10);
    echo(&mut rig, 1 + 1_460);
    assert_eq!(window(&rig), 5, "the window is not halved");
    for segments in 2..=10 {
        echo(&mut rig, 1 + segments * 1_460);
        assert_eq!(window(&rig), 5, "the window changes after {segments} segments");
    }
    rig.write(&pattern(6 * FULL));
    let flags: Vec<_> = rig.all_sent().iter().map(|sent| sent.flags.contains(Flags::CWR)).collect();
    assert_eq!(flags, [true, false, false, false, false], "CWR is not on the first new segment only");
    // The first acknowledgment of later data that reports a mark reduces the window again.
    echo(&mut rig, 1 + 11 * 1_460);
    assert_eq!(window(&rig), 2, "another mark does not reduce the window");
}

// proves: rfc3168-no-growth
#[test]
fn window_grows_after_an_acknowledgment_without_report() {
    let mut rig = with_flight(10);
    rig.acknowledge(1 + 1_460);
    assert_eq!(window(&rig), 11);
}

// proves: rfc3168-reduced
#[test]
fn reduction_after_a_loss_is_reported_on_new_data_only() {
    let mut rig = with_flight(10);
    for _ in 0..3 {
        rig.acknowledge(1);
    }
    let again = rig.sent();
    assert_eq!((again.sequence, again.flags.contains(Flags::CWR)), (1, false), "a retransmission has CWR");
    // A mark of the same round trip is no further congestion.
    echo(&mut rig, 1 + 10 * 1_460);
    assert_eq!(rig.connection.info(rig.now).slow_start_threshold, Some(5 * 1_460));
    rig.write(b"new");
    assert!(rig.sent().flags.contains(Flags::CWR), "new data does not report the reduction");
}

// proves: rfc3168-reduced
#[test]
fn reduction_after_a_timeout_is_reported_on_new_data_only() {
    let mut rig = with_flight(1);
    rig.pass_to_deadline();
    assert!(!rig.sent().flags.contains(Flags::CWR), "a retransmission has CWR");
    rig.acknowledge(1 + 1_460);
    rig.write(b"new");
    assert!(rig.sent().flags.contains(Flags::CWR), "new data does not report the reduction");
}

// proves: rfc3168-one-segment
#[test]
fn report_with_a_window_of_one_segment_delays_data_for_the_timeout() {
    let mut rig = with_flight(10);
    rig.pass(Duration::from_millis(1));
    let mut acknowledged = 1;
    for expected in [5, 1] {
        acknowledged += 1_460;
        echo(&mut rig, acknowledged);
        assert_eq!(window(&rig), expected);
        let outstanding = rig.connection.info(rig.now).unacknowledged;
        acknowledged += outstanding;
        rig.acknowledge(acknowledged);
        rig.write(&pattern(FULL));
        assert_eq!(rig.sent_lengths(), [FULL]);
    }
    rig.write(&pattern(FULL));
    acknowledged += 1_460;
    echo(&mut rig, acknowledged);
    rig.assert_silent();
    let rto = rig.connection.info(rig.now).rto;
    let held = rig.pass_to_deadline();
    assert!(held >= rto && held < rto + Duration::from_millis(1), "{held:?} instead of {rto:?}");
    assert_eq!(rig.sent_lengths(), [FULL]);
}

// proves: rfc3168-once
#[test]
fn loss_after_a_mark_in_the_same_window_reduces_the_window_once() {
    for sack in [false, true] {
        let mut rig = Rig::opening(&TcpSettings { sack, ..asking() }, 1_000, 5_000);
        let _ = rig.sent();
        let options =
            Options { maximum_segment_size: Some(1_460), sack_permitted: true, ..Options::default() };
        rig.give(Given::new(Flags::SYN | Flags::ACK | Flags::ECE, 0, 1).options(options));
        let _ = rig.all_sent();
        rig.write(&pattern(10 * FULL));
        let _ = rig.all_sent();
        rig.pass(Duration::from_millis(50));
        echo(&mut rig, 1 + 1_460);
        let threshold = rig.connection.info(rig.now).slow_start_threshold;
        assert!(threshold.is_some(), "the mark has no effect");
        for number in 3..6_u32 {
            let mut blocks = crate::SackBlocks::EMPTY;
            let (start, end) = (rig.local.plus(1 + 2 * 1_460), rig.local.plus(1 + number * 1_460));
            if sack {
                blocks.push(crate::SackBlock { start, end });
            }
            let options = Options { sack: blocks, ..Options::default() };
            rig.give(Given::new(Flags::ACK | Flags::ECE, rig.next, 1 + 1_460).options(options));
        }
        let info = rig.connection.info(rig.now);
        assert!(info.is_recovering, "the loss was not detected, sack {sack}");
        assert_eq!(info.slow_start_threshold, threshold, "sack {sack}");
    }
}

/// Returns a connection with ECN and selective acknowledgments.
fn selective() -> Rig {
    let mut rig = Rig::opening(&TcpSettings { sack: true, ..asking() }, 1_000, 5_000);
    let _ = rig.sent();
    let options = Options { maximum_segment_size: Some(1_460), sack_permitted: true, ..Options::default() };
    rig.give(Given::new(Flags::SYN | Flags::ACK | Flags::ECE, 0, 1).options(options));
    let _ = rig.all_sent();
    rig
}

// proves: rfc3168-data, rfc3168-reduced, rfc3168-not-ect
#[test]
fn new_data_of_a_tail_probe_supports_ecn_and_reports_a_reduction() {
    let mut rig = selective();
    rig.write(&pattern(11 * FULL));
    assert_eq!(rig.sent_lengths().len(), 10);
    rig.pass(Duration::from_millis(50));
    echo(&mut rig, 1 + 1_460);
    rig.assert_silent();
    rig.pass_to_deadline();
    let probe = rig.sent();
    assert_eq!((probe.sequence, probe.data.len()), (1 + 10 * 1_460, FULL), "the segment is no tail probe");
    assert_eq!((probe.type_of_service, probe.flags.contains(Flags::CWR)), (0x20 | ECT, true));
    rig.acknowledge(1 + 11 * 1_460);
    rig.write(&pattern(FULL));
    assert!(!rig.sent().flags.contains(Flags::CWR), "the reduction is reported twice");
    // A probe without new data is a retransmission.
    rig.pass_to_deadline();
    let probe = rig.sent();
    assert_eq!((probe.sequence, probe.type_of_service), (1 + 11 * 1_460, 0x20));
}

#[test]
fn loss_after_an_undone_recovery_reduces_the_window() {
    let mut rig = selective();
    rig.write(&pattern(10 * FULL));
    let _ = rig.all_sent();
    rig.pass(Duration::from_millis(50));
    let range = |rig: &Rig, start: u32, end: u32| crate::SackBlock {
        start: rig.local.plus(1 + start * 1_460),
        end: rig.local.plus(1 + end * 1_460),
    };
    let report = |rig: &mut Rig, acknowledged: u32, blocks: &[(u32, u32)]| {
        let mut sack = crate::SackBlocks::EMPTY;
        for (start, end) in blocks {
            sack.push(range(rig, *start, *end));
        }
        let options = Options { sack, ..Options::default() };
        rig.give(Given::new(Flags::ACK, rig.next, 1 + acknowledged * 1_460).options(options));
    };
    let window = rig.connection.info(rig.now).congestion_window;
    report(&mut rig, 0, &[(1, 4)]);
    assert!(rig.connection.info(rig.now).is_recovering, "the loss was not detected");
    assert_eq!(rig.sent_lengths().first(), Some(&FULL), "no retransmission");
    rig.pass(Duration::from_millis(50));
    report(&mut rig, 4, &[]);
    report(&mut rig, 4, &[(0, 1)]);
    // The retransmission was sent after the rest of the data and is delivered, so that the rest is lost.
    let info = rig.connection.info(rig.now);
    assert_eq!((info.undone_recoveries, info.is_recovering), (1, true));
    assert!(info.congestion_window < window, "the second loss has no effect");
}
