use super::*;

/// Milliseconds of the timestamp clock at the start of the tests.
const CLOCK: u32 = 1_000;

/// Creates an established connection with timestamps. The peer's clock is at 100.
fn stamped() -> Rig {
    stamped_at(100)
}

fn stamped_at(clock: u32) -> Rig {
    let settings = TcpSettings { timestamps: true, ..plain() };
    let timestamps = Some(Timestamps { value: clock, echo: CLOCK });
    let options = Options { timestamps, maximum_segment_size: Some(1_460), ..Options::default() };
    Rig::established_with(&settings, options, 1_000, 5_000)
}

fn data(sequence: u32, value: u32, data: &[u8]) -> Given<'_> {
    Given::new(Flags::ACK, sequence, 1).timestamps(value, CLOCK).data(data)
}

fn echo(sent: &Sent) -> u32 {
    sent.options.timestamps.expect("the segment has timestamps").echo
}

// proves: rfc7323-timestamps, rfc7323-clock, rfc7323-offset
#[test]
fn each_segment_has_timestamps_with_offset_and_echo() {
    let mut rig = stamped();
    rig.pass(Duration::from_millis(234));
    rig.write(b"data");
    assert_eq!(rig.sent().options.timestamps, Some(Timestamps { value: CLOCK + 234, echo: 100 }));
    rig.connection.negotiated.timestamp_offset = u32::MAX;
    let reply = rig.receive(data(0, 101, b"x")).reply.expect("an old segment is answered");
    assert_eq!(reply.options.timestamps, Some(Timestamps { value: CLOCK + 233, echo: 100 }));
}

// proves: rfc7323-timestamps-ignored
#[test]
fn timestamps_without_negotiation_are_ignored() {
    let mut rig = Rig::established(&plain());
    rig.give(Given::new(Flags::ACK, 1, 1).timestamps(9, 9).data(b"a"));
    rig.give(Given::new(Flags::ACK, 2, 1).timestamps(8, 9).data(b"b"));
    assert_eq!(rig.read(), b"ab");
    assert_eq!(rig.sent().options.timestamps, None);
}

// proves: rfc7323-timestamps-missing
#[test]
fn segment_without_timestamps_is_dropped() {
    let mut rig = stamped();
    let reception = rig.receive(Given::new(Flags::ACK, 1, 1).data(b"x"));
    assert_eq!(reception.outcome, SegmentOutcome::Dropped(TcpDropReason::MissingTimestamp));
    assert_eq!((reception.reply, rig.connection.state()), (None, State::Established));
    rig.give(Given::new(Flags::RST, 1, 0));
    rig.assert_ended(CloseReason::Reset);
}

// proves: rfc7323-reset
#[test]
fn reset_has_timestamps() {
    let mut rig = stamped();
    let reset = rig.abort().expect("a reset is sent");
    assert_eq!(reset.options.timestamps, Some(Timestamps { value: CLOCK, echo: 100 }));
    let reset = rig.receive(data(1, 101, b"late")).reply.expect("an ended connection answers");
    assert_eq!(reset.options.timestamps, Some(Timestamps { value: 0, echo: 101 }));
}

// proves: rfc7323-recent
#[test]
fn echoed_timestamp_is_that_of_the_earliest_unacknowledged_segment() {
    // The examples of RFC 7323 4.3: delayed acknowledgments.
    let mut rig = stamped();
    rig.give(data(1, 101, b"A"));
    rig.give(data(2, 102, b"B"));
    rig.give(data(3, 103, b"C"));
    assert_eq!(echo(&rig.sent()), 101);
    // A lost segment: the segments behind the gap do not change the echo.
    rig.give(data(4, 104, b"D"));
    assert_eq!(echo(&rig.sent()), 104);
    let reply = |rig: &mut Rig, given| {
        let fields = rig.receive(given).reply.expect("a segment at a gap is not answered");
        fields.options.timestamps.expect("the segment has timestamps").echo
    };
    assert_eq!(reply(&mut rig, data(6, 106, b"F")), 104);
    assert_eq!(reply(&mut rig, data(8, 108, b"H")), 104);
    assert_eq!(reply(&mut rig, data(5, 109, b"E")), 109, "the segment that fills the gap is not echoed");
    // The timestamp of a segment that is dropped because of its ACK does not count.
    rig.give(Given::new(Flags::ACK, 7, 9_999).timestamps(500, CLOCK));
    assert_eq!(reply(&mut rig, data(7, 110, b"G")), 110);
}

// proves: rfc7323-paws
#[test]
fn old_timestamp_is_acknowledged_and_dropped() {
    for clock in [100, 5, u32::MAX, 1 << 31] {
        let mut rig = stamped_at(clock);
        let reception = rig.receive(data(1, clock.wrapping_sub(1), b"old"));
        assert_eq!(reception.outcome, SegmentOutcome::Dropped(TcpDropReason::OldTimestamp));
        assert_eq!(rig.reply(&reception), Some((Flags::ACK, 1, 1)));
        assert_eq!(rig.read(), b"");
        rig.give(data(1, clock, b"new"));
        assert_eq!(rig.read(), b"new");
    }
}

// proves: rfc7323-paws-reset
#[test]
fn reset_with_old_timestamp_is_accepted() {
    let mut rig = stamped();
    rig.give(Given::new(Flags::RST, 1, 0).timestamps(1, 1));
    rig.assert_ended(CloseReason::Reset);
}

// proves: rfc7323-paws-idle
#[test]
fn timestamp_is_forgotten_after_24_days() {
    let mut rig = stamped();
    rig.pass(Duration::from_hours(24 * 24));
    rig.give(data(1, 1, b"old"));
    assert_eq!(rig.read(), b"");
    rig.pass(Duration::from_secs(1));
    rig.give(data(1, 1, b"new"));
    assert_eq!(rig.read(), b"new");
    assert_eq!(echo(&rig.sent()), 1);
}

// proves: rfc7323-rtt, rfc6298-karn
#[test]
fn timestamp_gives_sample_of_retransmitted_segment() {
    let mut rig = stamped();
    let before = rig.connection.info(rig.now).rtt;
    rig.write(b"data");
    let _ = rig.sent();
    rig.pass_to_deadline();
    let retransmission = rig.sent();
    rig.pass(Duration::from_millis(30));
    // An ACK of no new data changes nothing.
    let stamp = retransmission.options.timestamps.expect("the segment has timestamps").value;
    rig.give(Given::new(Flags::ACK, 1, 1).timestamps(101, stamp));
    assert_eq!(rig.connection.info(rig.now).rtt, before);
    rig.give(Given::new(Flags::ACK, 1, 5).timestamps(101, stamp));
    let rtt = rig.connection.info(rig.now).rtt.expect("the RTT is known");
    assert!(rtt > Duration::from_millis(3) && rtt < Duration::from_millis(31), "the RTT is {rtt:?}");

    // Without timestamps, the acknowledgment is ambiguous.
    let mut rig = Rig::established(&plain());
    let before = rig.connection.info(rig.now).rtt;
    rig.write(b"data");
    let _ = rig.sent();
    rig.pass_to_deadline();
    let _ = rig.sent();
    rig.pass(Duration::from_millis(30));
    let rto = rig.connection.info(rig.now).rto;
    rig.acknowledge(5);
    let info = rig.connection.info(rig.now);
    assert_eq!((info.rtt, info.rto), (before, rto), "a retransmitted segment gives a sample");
}
