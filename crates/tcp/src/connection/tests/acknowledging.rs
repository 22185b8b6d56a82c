use super::*;

/// Creates a connection that no longer acknowledges each segment at once.
fn delaying(settings: &TcpSettings) -> Rig {
    let mut rig = Rig::established(settings);
    for _ in 0..16 {
        rig.give_data(&pattern(FULL));
        let _ = rig.sent();
        rig.read();
        while rig.try_sent().is_some() {}
    }
    rig
}

// proves: tcp-quick-ack, rfc9293-ack-aggregate, rfc5681-one-ack
#[test]
fn first_segments_are_acknowledged_at_the_end_of_their_turn() {
    let mut rig = Rig::established(&plain());
    for _ in 0..4 {
        for _ in 0..4 {
            assert_eq!(
                rig.give_data(b"data").reply,
                None,
                "data in order is acknowledged before the turn ends"
            );
        }
        let next = rig.next;
        assert_eq!(rig.sent().acknowledgment, next);
        rig.assert_silent();
    }
    rig.give_data(b"data");
    rig.assert_silent();
    // After an idle time, the segments are acknowledged at once again.
    rig.pass(Duration::from_secs(10));
    let _ = rig.sent();
    rig.give_data(b"data");
    let next = rig.next;
    assert_eq!(rig.sent().acknowledgment, next);
}

// proves: rfc9293-delayed-ack
#[test]
fn every_second_full_segment_is_acknowledged_and_others_within_40_milliseconds() {
    let mut rig = delaying(&plain());
    rig.give_data(&pattern(FULL));
    rig.assert_silent();
    rig.give_data(&pattern(FULL));
    let next = rig.next;
    assert_eq!(rig.sent().acknowledgment, next);
    rig.give_data(&pattern(FULL));
    rig.assert_silent();
    rig.pass(Duration::from_millis(39));
    rig.assert_silent();
    rig.pass(Duration::from_millis(1));
    let next = rig.next;
    assert_eq!(rig.sent().acknowledgment, next);
    rig.pass(Duration::from_secs(1));
    rig.assert_silent();
    assert_eq!(rig.connection.deadline(), None, "the timer is not stopped");
}

// proves: rfc9293-delayed-ack
#[test]
fn acknowledgment_is_delayed_until_twice_the_segment_size_is_received() {
    let mut rig = delaying(&plain());
    rig.give_data(&pattern(FULL));
    rig.give_data(&pattern(FULL - 1));
    rig.assert_silent();
    rig.give_data(b"x");
    let next = rig.next;
    assert_eq!(rig.sent().acknowledgment, next);
}

// proves: tcp-quick-ack
#[test]
fn segments_after_a_pause_are_acknowledged_at_once() {
    let rtt = Duration::from_millis(10);
    let start = || {
        let mut rig = delaying(&plain());
        for _ in 0..100 {
            rig.connection.rtt.sample(rtt);
        }
        // The timer of this segment makes no segment quick.
        rig.give_data(b"data");
        rig.assert_silent();
        rig
    };
    let srtt = start().connection.rtt.smoothed().expect("the RTT is unknown");
    let timeout = start().connection.rtt.rto();
    let nanosecond = Duration::from_nanos(1);
    for (pause, expected) in
        [((2 * srtt).saturating_sub(nanosecond), 0), (2 * srtt, 1), (timeout, 1), (timeout + nanosecond, 16)]
    {
        let mut rig = start();
        rig.pass(pause);
        while rig.try_sent().is_some() {}
        let mut quick = 0;
        loop {
            rig.give_data(b"data");
            if rig.try_sent().is_none() {
                break;
            }
            quick += 1;
        }
        assert_eq!(quick, expected, "wrong number of segments is acknowledged at once after {pause:?}");
    }
}

// proves: tcp-quick-ack
#[test]
fn segments_after_data_that_was_received_twice_are_acknowledged_at_once() {
    let mut rig = delaying(&plain());
    rig.give_data(&pattern(FULL));
    rig.give_data(&pattern(FULL));
    let _ = rig.sent();
    rig.next -= 1_460;
    let reply = rig.give_data(&pattern(FULL)).reply;
    assert!(reply.is_some(), "data that was received twice is not acknowledged at once");
    for _ in 0..16 {
        rig.give_data(&pattern(FULL));
        let next = rig.next;
        assert_eq!(rig.sent().acknowledgment, next);
    }
    rig.give_data(&pattern(FULL));
    rig.assert_silent();
}

#[test]
fn segment_size_of_peer_is_that_of_its_largest_segment_but_not_of_several_in_one_frame() {
    let mut rig = Rig::established(&plain());
    for (length, expected) in [(100, 536), (1_000, 1_000), (200, 1_000), (3_000, 1_460)] {
        rig.give_data(&pattern(length));
        assert_eq!(rig.connection.info(rig.now).receive_segment_size, expected);
    }
}

#[test]
fn data_carries_the_owed_acknowledgment() {
    let mut rig = delaying(&plain());
    rig.give_data(b"request");
    rig.write(b"answer");
    let (next, answer) = (rig.next, rig.sent());
    assert_eq!((answer.acknowledgment, answer.data), (next, b"answer".to_vec()));
    rig.assert_silent();
}

#[test]
fn pushed_data_is_acknowledged_when_it_is_read() {
    let mut rig = delaying(&plain());
    rig.give_data(b"request");
    rig.assert_silent();
    let mut part = [0; 3];
    let mut cx = Resources { memory: &mut rig.memory, pool: &mut rig.pool };
    assert_eq!(rig.connection.read(rig.now, &mut part, &mut cx), 3);
    rig.assert_silent();
    assert_eq!(rig.read(), b"uest");
    let next = rig.next;
    assert_eq!(rig.sent().acknowledgment, next);
}

#[test]
fn fin_is_acknowledged_at_once() {
    let mut rig = delaying(&plain());
    rig.give(Given::new(Flags::FIN | Flags::ACK, rig.next, 1));
    let next = rig.next;
    assert_eq!(rig.sent().acknowledgment, next + 1);
}

// proves: rfc5681-duplicate-ack
#[test]
fn segments_behind_a_gap_are_answered_and_the_gap_is_acknowledged_at_once() {
    let mut rig = delaying(&plain());
    let next = rig.next;
    for offset in [10, 20, 30] {
        let reception = rig.receive(Given::new(Flags::ACK, next + offset, 1).data(b"x"));
        assert_eq!(rig.reply(&reception), Some((Flags::ACK, 1, next)));
        rig.assert_silent();
    }
    let reception = rig.receive(Given::new(Flags::ACK, next, 1).data(b"x"));
    assert_eq!(
        rig.reply(&reception),
        Some((Flags::ACK, 1, next + 1)),
        "data in a part of the gap is not acknowledged"
    );
    rig.assert_silent();
    // The FIN is acknowledged together with the data that fills the gap.
    let rest = Given::new(Flags::FIN | Flags::ACK, next + 1, 1).data(&[0; 30]);
    let reception = rig.receive(rest);
    assert_eq!(
        rig.reply(&reception),
        Some((Flags::ACK, 1, next + 32)),
        "data that fills the gap is not acknowledged"
    );
    rig.assert_silent();
}

fn selective() -> Rig {
    let settings = TcpSettings { sack: true, ..plain() };
    let options = Options { sack_permitted: true, maximum_segment_size: Some(1_460), ..Options::default() };
    Rig::established_with(&settings, options, 1_000, u32::MAX - 20)
}

/// Receives data behind a gap, and returns the blocks of the answer.
fn blocks(rig: &mut Rig, sequence: u32, data: &[u8]) -> Vec<(u32, u32)> {
    let reception = rig.receive(Given::new(Flags::ACK, sequence, 1).data(data));
    let reply = reception.reply.expect("the segment is answered");
    relative(rig, &reply.options)
}

fn relative(rig: &Rig, options: &Options) -> Vec<(u32, u32)> {
    let distance = |number: SequenceNumber| number.distance_from(rig.remote);
    options.sack.iter().map(|block| (distance(block.start), distance(block.end))).collect()
}

// proves: rfc2018-first, rfc2018-recent, rfc2018-generate
#[test]
fn data_out_of_order_is_acknowledged_selectively_most_recent_first() {
    let mut rig = selective();
    assert_eq!(blocks(&mut rig, 11, &[1; 5]), [(11, 16)]);
    assert_eq!(blocks(&mut rig, 21, &[2; 5]), [(21, 26), (11, 16)]);
    assert_eq!(blocks(&mut rig, 31, &[3; 5]), [(31, 36), (21, 26), (11, 16)]);
    assert_eq!(blocks(&mut rig, 16, &[4; 2]), [(11, 18), (31, 36), (21, 26)]);
    assert_eq!(blocks(&mut rig, 41, &[5; 5]), [(41, 46), (11, 18), (31, 36), (21, 26)]);
    assert_eq!(blocks(&mut rig, 51, &[6; 5]).len(), 4, "a header has capacity for four blocks");
    // Data carries the blocks, too, and has space for them.
    rig.write(&pattern(FULL));
    let sent = rig.sent();
    assert_eq!((relative(&rig, &sent.options).len(), sent.data.len()), (4, FULL - 36));
    // An acknowledgment after data in order reports what is still missing.
    rig.give(Given::new(Flags::ACK, 1, 1).data(&[7; 10]));
    let ack = rig.sent();
    assert_eq!((ack.acknowledgment, relative(&rig, &ack.options).len()), (18, 4));
}

// proves: rfc2018-permitted
#[test]
fn peer_without_sack_permitted_receives_no_blocks() {
    let mut rig = Rig::established(&TcpSettings { sack: true, ..plain() });
    assert_eq!(blocks(&mut rig, 11, &[1; 5]), []);
}

// proves: rfc2883-first, rfc2883-once, rfc2883-second
#[test]
fn duplicate_data_is_reported_once_and_first() {
    let mut rig = selective();
    rig.give(Given::new(Flags::ACK, 1, 1).data(&[1; 10]));
    let _ = rig.sent();
    // Data below the acknowledgment number.
    assert_eq!(blocks(&mut rig, 3, &[1; 5]), [(3, 8)]);
    rig.assert_silent();
    // Data out of order that was received before: the block that contains it is the second.
    assert_eq!(blocks(&mut rig, 21, &[2; 10]), [(21, 31)]);
    assert_eq!(blocks(&mut rig, 41, &[2; 10]), [(41, 51), (21, 31)]);
    assert_eq!(blocks(&mut rig, 23, &[2; 4]), [(23, 27), (21, 31), (41, 51)]);
    assert_eq!(
        blocks(&mut rig, 61, &[2; 10]),
        [(61, 71), (21, 31), (41, 51)],
        "the duplicate is reported again"
    );
    // A segment that has old and new data.
    let reception = rig.receive(Given::new(Flags::ACK, 6, 1).data(&[1; 10]));
    let reply = reception.reply.expect("the segment is answered");
    assert_eq!(reply.acknowledgment.distance_from(rig.remote), 16);
    assert_eq!(relative(&rig, &reply.options).first(), Some(&(6, 11)));
    rig.assert_silent();
}
