use super::*;

const FIN_ACK: Flags = Flags::from_bits(0x11);

/// States in which both sides have synchronized.
const SYNCHRONIZED: [State; 8] = [
    State::Established,
    State::FinWait1,
    State::FinWait2,
    State::CloseWait,
    State::Closing,
    State::LastAck,
    State::TimeWait,
    State::SynReceived,
];

/// Returns the sequence number that the peer sends next in a state.
fn next_of(state: State) -> u32 {
    match state {
        State::CloseWait | State::Closing | State::LastAck | State::TimeWait => 2,
        _ => 1,
    }
}

/// Returns the acknowledgment of all that the connection has sent in a state, except an outstanding FIN.
fn acknowledged_of(state: State) -> u32 {
    if matches!(state, State::FinWait2 | State::TimeWait) { 2 } else { 1 }
}

// proves: rfc9293-acceptable
#[test]
fn segment_outside_window_is_answered_with_ack_in_each_state() {
    for initial in INITIAL {
        for state in SYNCHRONIZED {
            for (sequence, data) in
                [(0, &b""[..]), (100_000, b""), (100_000, b"data"), (u32::MAX - 9, b"data")]
            {
                let mut rig = Rig::in_state_at(state, initial, initial.wrapping_add(3));
                let given = Given::new(Flags::ACK, sequence, acknowledged_of(state)).data(data);
                let reception = rig.receive(given);
                assert_eq!(
                    reception.outcome,
                    SegmentOutcome::Dropped(TcpDropReason::OutsideWindow),
                    "{state}"
                );
                let (flags, _, acknowledgment) = rig.reply(&reception).expect("the segment is answered");
                assert_eq!((flags, acknowledgment), (Flags::ACK, next_of(state)), "{state}");
                assert_eq!(rig.connection.state(), state);
                assert_eq!(rig.pool.held(), 0, "{state} keeps a frame");
            }
        }
    }
}

#[test]
fn sequence_number_of_ack_is_next_to_send() {
    for (state, sequence) in [(State::Established, 1), (State::FinWait1, 2), (State::TimeWait, 2)] {
        let mut rig = Rig::in_state(state);
        let reception = rig.receive(Given::new(Flags::ACK, 0, acknowledged_of(state)));
        assert_eq!(rig.reply(&reception), Some((Flags::ACK, sequence, next_of(state))), "{state}");
    }
}

// proves: tcp-ack-loop
#[test]
fn acks_to_unacceptable_segments_without_data_are_limited() {
    let mut rig = Rig::established(&plain());
    let empty = Given::new(Flags::ACK, 0, 1);
    assert!(rig.receive(empty).reply.is_some());
    for _ in 0..1_000 {
        assert_eq!(rig.receive(empty).reply, None, "two stacks would answer each other");
    }
    // A segment with data is retransmitted because an ACK was lost.
    assert!(rig.receive(Given::new(Flags::ACK, 0, 1).data(b"x")).reply.is_some());
    assert!(rig.receive(Given::new(FIN_ACK, u32::MAX, 1)).reply.is_some());
    rig.pass(Duration::from_millis(500));
    assert!(rig.receive(empty).reply.is_some());
}

// proves: rfc5961-reset
#[test]
fn reset_ends_connection_only_at_exact_sequence_number() {
    for initial in INITIAL {
        for state in SYNCHRONIZED {
            let next = next_of(state);
            let mut rig = Rig::in_state_at(state, initial, initial);
            let reception = rig.receive(Given::new(Flags::RST, next.wrapping_sub(1), 0));
            assert_eq!(reception.reply, None, "{state} answers a reset before the window");
            let reception = rig.receive(Given::new(Flags::RST, 100_000, 0));
            assert_eq!(reception.reply, None, "{state} answers a reset behind the window");
            let reception = rig.receive(Given::new(Flags::RST, next + 1, 0));
            assert_eq!(rig.connection.state(), state);
            if state == State::TimeWait {
                continue;
            }
            assert_eq!(reception.outcome, SegmentOutcome::Dropped(TcpDropReason::ResetNotAtNext));
            let (flags, _, acknowledgment) = rig.reply(&reception).expect("a challenge ACK is sent");
            assert_eq!((flags, acknowledgment), (Flags::ACK, next));
            let reception = rig.receive(Given::new(Flags::RST, next, 0));
            assert_eq!((reception.outcome, reception.reply), (SegmentOutcome::Accepted, None));
            assert_eq!(rig.connection.state(), State::Closed, "{state} ignores an exact reset");
        }
    }
}

// proves: rfc9293-reset-states, tcp-memory-returned
#[test]
fn reset_reports_reason_of_state_and_flushes_queues() {
    let cases = [
        (State::SynReceived, CloseReason::Refused),
        (State::Established, CloseReason::Reset),
        (State::FinWait1, CloseReason::Reset),
        (State::FinWait2, CloseReason::Reset),
        (State::CloseWait, CloseReason::Reset),
        (State::Closing, CloseReason::Closed),
        (State::LastAck, CloseReason::Closed),
    ];
    for (state, reason) in cases {
        let mut rig = Rig::in_state(state);
        rig.give(Given::new(Flags::RST, next_of(state), 0));
        rig.assert_ended(reason);
    }
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(9_000));
    rig.give_data(b"unread");
    rig.give(Given::new(Flags::RST, 7, 0));
    rig.assert_ended(CloseReason::Reset);
    assert_eq!(
        (rig.read().len(), rig.memory.used(), rig.pool.held()),
        (0, 0, 0),
        "the queues are not flushed"
    );
}

// proves: rfc5961-syn
#[test]
fn syn_in_synchronized_state_is_answered_with_challenge_ack() {
    for state in SYNCHRONIZED {
        for sequence in [0, 1, 2, 100, 1_000_000] {
            let mut rig = Rig::in_state(state);
            let reception = rig.receive(Given::new(Flags::SYN, sequence, 0));
            let (flags, _, acknowledgment) = rig.reply(&reception).expect("a challenge ACK is sent");
            assert_eq!((flags, acknowledgment), (Flags::ACK, next_of(state)), "{state}");
            assert_eq!(rig.connection.state(), state);
        }
    }
}

// proves: rfc5961-throttle, rfc5961-throttle-connection
#[test]
fn challenge_acks_are_limited_for_each_connection() {
    let mut rigs = [Rig::established_at(&plain(), 7, 8), Rig::established_at(&plain(), 9, 10)];
    let [first, second] = &mut rigs;
    let answers = |rig: &mut Rig, count: usize| {
        (0..count).filter(|_| rig.receive(Given::new(Flags::RST, 2, 0)).reply.is_some()).count()
    };
    assert_eq!(answers(first, 1_000), 1);
    // The other connection is not affected.
    assert_eq!(answers(second, 1_000), 1);
    first.pass(Duration::from_millis(499));
    assert_eq!(answers(first, 1), 0);
    first.pass(Duration::from_millis(1_001));
    assert_eq!(answers(first, 1), 1);

    // The period is not the same each time.
    let mut periods = Vec::new();
    for _ in 0..10 {
        let started = first.now;
        while answers(first, 1) == 0 {
            first.pass(Duration::from_millis(10));
        }
        periods.push(first.now.since(started));
    }
    periods.sort();
    periods.dedup();
    assert!(periods.len() > 5, "the periods are predictable: {periods:?}");

    // Connections with other initial sequence numbers have other periods at the same time.
    let mut periods: Vec<_> = (0..4)
        .map(|initial| {
            let mut rig = Rig::established_at(&plain(), initial, 8);
            assert_eq!(answers(&mut rig, 1), 1);
            let started = rig.now;
            while answers(&mut rig, 1) == 0 {
                rig.pass(Duration::from_millis(1));
            }
            rig.now.since(started)
        })
        .collect();
    periods.sort();
    periods.dedup();
    assert!(periods.len() > 1, "the periods do not depend on the initial sequence number: {periods:?}");
}

// proves: rfc9293-no-ack
#[test]
fn segment_without_ack_is_dropped() {
    for state in SYNCHRONIZED {
        let mut rig = Rig::in_state(state);
        for flags in [Flags::NONE, Flags::FIN, Flags::URG, Flags::PSH] {
            let reception = rig.receive(Given::new(flags, next_of(state), 0).data(b"data"));
            assert_eq!(reception.outcome, SegmentOutcome::Dropped(TcpDropReason::NoAck), "{state}");
            assert_eq!((reception.reply, rig.connection.state()), (None, state));
        }
        assert_eq!(rig.read(), b"", "data without ACK is delivered");
    }
}

// proves: rfc5961-ack, rfc9293-ack-unsent
#[test]
fn ack_outside_range_is_answered_with_ack_and_dropped() {
    for initial in INITIAL {
        for (acknowledgment, reason) in [
            (2, TcpDropReason::AckOfUnsent),
            (1_000_000, TcpDropReason::AckOfUnsent),
            (1_u32.wrapping_sub(65_536), TcpDropReason::OldAck),
        ] {
            let mut rig = Rig::established_at(&plain(), initial, initial);
            let reception = rig.receive(Given::new(Flags::ACK, 1, acknowledgment).data(b"data"));
            assert_eq!(reception.outcome, SegmentOutcome::Dropped(reason));
            assert_eq!(rig.reply(&reception), Some((Flags::ACK, 1, 1)));
            assert_eq!(rig.read(), b"", "the data of the segment is delivered");
        }
        // The oldest acceptable number is a window before the first unacknowledged number.
        let mut rig = Rig::established_at(&plain(), initial, initial);
        rig.give(Given::new(Flags::ACK, 1, 1_u32.wrapping_sub(65_535)).data(b"data"));
        assert_eq!(rig.read(), b"data");
    }
}

#[test]
fn only_acknowledgment_of_new_data_is_progress() {
    let mut rig = Rig::established(&plain());
    assert!(!rig.give_data(b"data").is_progress);
    rig.write(b"data");
    let _ = rig.sent();
    let next = rig.next;
    assert!(!rig.receive(Given::new(Flags::ACK, next, 1)).is_progress, "a duplicate ACK is progress");
    assert!(!rig.receive(Given::new(Flags::ACK, 0, 5)).is_progress, "an unacceptable segment is progress");
    assert!(rig.receive(Given::new(Flags::ACK, next, 5)).is_progress);
}

// proves: rfc9293-window-update
#[test]
fn old_segment_does_not_change_send_window() {
    let mut rig = Rig::established(&plain());
    rig.give(Given::new(Flags::ACK, 1, 1).data(b"ab").window(1_000));
    rig.write(b"data");
    let _ = rig.sent();
    // The same sequence number with a newer acknowledgment.
    rig.give(Given::new(Flags::ACK, 3, 5).window(2_000));
    assert_eq!(rig.connection.info(rig.now).send_window, 2_000);
    rig.give(Given::new(Flags::ACK, 3, 4).window(3_000));
    assert_eq!(rig.connection.info(rig.now).send_window, 2_000, "an old acknowledgment changes the window");
    rig.give(Given::new(Flags::ACK, 2, 5).data(b"bc").window(4_000));
    assert_eq!(rig.connection.info(rig.now).send_window, 2_000, "an old sequence number changes the window");
}

// proves: rfc9293-text, rfc9293-out-of-order, rfc9293-modulo
#[test]
fn data_is_delivered_once_and_in_order() {
    for initial in INITIAL {
        let mut rig = Rig::established_at(&plain(), initial, initial);
        let data = pattern(12_000);
        let range = |start: usize, end: usize| {
            let sequence = u32::try_from(1 + start).expect("the offset is small");
            Given::new(Flags::ACK, sequence, 1).data(&data[start..end])
        };
        for (start, end) in
            [(2_000, 3_000), (5_000, 6_000), (0, 1_000), (2_500, 5_500), (500, 1_500), (0, 1_400)]
        {
            rig.give(range(start, end));
        }
        assert_eq!(rig.read(), data[..1_500]);
        rig.give(range(1_500, 2_000));
        assert_eq!(rig.read(), data[1_500..6_000]);
        assert_eq!(rig.connection.receive.next.distance_from(rig.remote), 6_001);
        assert_eq!(rig.connection.info(rig.now).bytes_received, 6_000);
        assert_eq!((rig.pool.held(), rig.memory.used()), (0, 0), "read data is still held");
    }
}

// proves: rfc9293-trim
#[test]
fn parts_outside_window_are_cut_off() {
    let mut settings = plain();
    settings.receive_buffer = crate::BufferSize { initial: 2_000, maximum: 2_000 };
    let mut rig = Rig::established(&settings);
    let data = pattern(1_400);
    rig.give(Given::new(Flags::ACK, 1, 1).data(&data[..1_000]));
    // 400 bytes are old, and 1,000 bytes are new. The FIN is in the window, too.
    rig.give(Given::new(FIN_ACK, 601, 1).data(&data[600..]));
    assert_eq!(rig.read(), data);
    assert_eq!(rig.connection.state(), State::CloseWait);

    let mut rig = Rig::established(&settings);
    let data = pattern(2_800);
    rig.give(Given::new(Flags::ACK, 1, 1).data(&data[..1_400]));
    // The window ends after 600 of 1,400 bytes, before the FIN.
    rig.give(Given::new(FIN_ACK, 1_401, 1).data(&data[1_400..]));
    assert_eq!(rig.read(), data[..2_000]);
    assert_eq!(rig.connection.state(), State::Established, "a FIN behind the window is processed");
}

// proves: rfc9293-zero-window
#[test]
fn zero_window_accepts_acks_and_resets_but_no_data() {
    let mut settings = plain();
    settings.receive_buffer = crate::BufferSize { initial: 1_400, maximum: 1_400 };
    let closed = || {
        let mut rig = Rig::established(&settings);
        rig.write(b"data");
        let _ = rig.sent();
        rig.give(Given::new(Flags::ACK, 1, 1).data(&pattern(1_400)));
        assert_eq!(rig.sent().window, 0, "the window is not closed");
        rig
    };
    // The ACK of a segment with data is processed, and the data is not accepted.
    let mut rig = closed();
    let reception = rig.receive(Given::new(FIN_ACK, 1_401, 5).data(b"more"));
    assert!(reception.is_progress, "the ACK is ignored");
    assert_eq!(rig.reply(&reception), Some((Flags::ACK, 5, 1_401)));
    assert_eq!((rig.read().len(), rig.connection.state()), (1_400, State::Established));

    let mut rig = closed();
    let given = Given::new(Flags::ACK | Flags::URG, 1_401, 1).data(b"more");
    rig.give(Given { urgent_pointer: 4, ..given });
    assert_eq!(rig.status().urgent, Some(1_404), "the urgent pointer is ignored");

    let mut rig = closed();
    rig.give(Given::new(Flags::RST, 1_401, 0).data(b"more"));
    rig.assert_ended(CloseReason::Reset);
}

// proves: tcp-probe-answer
#[test]
fn closed_window_answers_data_but_not_empty_segments() {
    let mut settings = plain();
    settings.receive_buffer = crate::BufferSize { initial: 1_400, maximum: 1_400 };
    let mut rig = Rig::established(&settings);
    rig.give(Given::new(Flags::ACK, 1, 1).data(&pattern(1_400)));
    let _ = rig.sent();
    for _ in 0..3 {
        let reception = rig.receive(Given::new(Flags::ACK, 1_401, 1).data(b"p"));
        assert_eq!(rig.reply(&reception), Some((Flags::ACK, 1, 1_401)));
        assert_eq!(reception.reply.map(|fields| fields.window), Some(0));
        rig.assert_silent();
        assert_eq!(rig.receive(Given::new(Flags::ACK, 1_401, 1)).reply, None);
        rig.assert_silent();
    }
}

// proves: rfc9293-text-ignored
#[test]
fn data_after_fin_is_ignored() {
    for state in [State::CloseWait, State::Closing, State::LastAck, State::TimeWait] {
        let mut rig = Rig::in_state(state);
        let given = Given::new(Flags::ACK, 2, acknowledged_of(state)).data(b"data");
        assert_eq!(rig.receive(given).outcome, SegmentOutcome::Dropped(TcpDropReason::DataAfterFin));
        assert_eq!((rig.read(), rig.connection.state()), (Vec::new(), state));
        assert_eq!(rig.pool.held(), 0, "{state} keeps a frame");
    }
}

// proves: rfc9293-fin
#[test]
fn fin_is_processed_after_missing_data() {
    for initial in INITIAL {
        let mut rig = Rig::established_at(&plain(), initial, initial);
        rig.give(Given::new(FIN_ACK, 4, 1).data(b"def"));
        assert!(!rig.status().is_end_of_data, "the FIN precedes missing data");
        assert_eq!(rig.connection.state(), State::Established);
        let reception = rig.receive(Given::new(Flags::ACK, 1, 1).data(b"abc"));
        assert_eq!((rig.read(), rig.connection.state()), (b"abcdef".to_vec(), State::CloseWait));
        assert!(rig.status().is_end_of_data);
        assert_eq!(rig.reply(&reception), Some((Flags::ACK, 1, 8)), "the FIN is not acknowledged");
        rig.assert_silent();
        // The FIN is acknowledged again, and changes nothing.
        rig.pass(Duration::from_secs(1));
        let reception = rig.receive(Given::new(FIN_ACK, 7, 1));
        assert_eq!(rig.connection.deadline(), None, "a retransmitted FIN starts a timer");
        assert_eq!(rig.reply(&reception), Some((Flags::ACK, 1, 8)));
        assert_eq!(rig.connection.state(), State::CloseWait);
    }
}

#[test]
fn fin_does_not_move_the_edge_of_the_window() {
    let mut rig = Rig::established(&plain());
    rig.give(Given::new(FIN_ACK, 1, 1));
    let ack = rig.sent();
    assert_eq!((ack.acknowledgment, ack.window), (2, 65_534));
}

#[test]
fn data_behind_fin_is_dropped() {
    let mut rig = Rig::established(&plain());
    rig.give(Given::new(FIN_ACK, 4, 1));
    rig.give(Given::new(Flags::ACK, 1, 1).data(b"abcdefgh"));
    assert_eq!((rig.read(), rig.connection.state()), (b"abc".to_vec(), State::CloseWait));
}

// proves: rfc9293-urgent-receive
#[test]
fn urgent_data_is_reported_until_it_is_read() {
    let mut rig = Rig::established(&plain());
    let urgent = |sequence, pointer, data| {
        let given = Given::new(Flags::ACK | Flags::URG, sequence, 1).data(data);
        Given { urgent_pointer: pointer, ..given }
    };
    // The pointer announces data that has not arrived yet.
    rig.give(urgent(1, 10, &b"abcde"[..]));
    assert_eq!(rig.status().urgent, Some(10));
    assert_eq!(rig.read(), b"abcde");
    assert_eq!(rig.status().urgent, Some(5));
    // The pointer never recedes.
    rig.give(urgent(6, 1, b"f"));
    assert_eq!(rig.status().urgent, Some(5));
    rig.give(Given::new(Flags::ACK, 7, 1).data(b"ghijkl"));
    assert_eq!(rig.read(), b"fghijkl");
    assert_eq!(rig.status().urgent, None);
    rig.give(urgent(13, 3, b"mno"));
    assert_eq!(rig.status().urgent, Some(3));
    assert_eq!(rig.read(), b"mno");
    assert_eq!(rig.status().urgent, None, "the last urgent byte was read");

    for state in [State::CloseWait, State::Closing, State::LastAck, State::TimeWait] {
        let mut rig = Rig::in_state(state);
        let given = urgent(2, 9, b"");
        rig.give(Given { acknowledgment: acknowledged_of(state), ..given });
        assert_eq!(rig.status().urgent, None, "{state} processes an urgent pointer");
    }
}

// proves: rfc9293-closed
#[test]
fn ended_connection_answers_segments_with_reset() {
    let mut rig = Rig::established(&plain());
    rig.give(Given::new(Flags::RST, 1, 0));
    let reception = rig.receive(Given::new(Flags::ACK, 1, 77).data(b"data"));
    assert_eq!(rig.reply(&reception), Some((Flags::RST, 77, 0)));
    assert_eq!(rig.receive(Given::new(Flags::RST, 1, 0)).reply, None, "a reset is answered");
    let reception = rig.receive(Given::new(Flags::FIN, 1, 0).data(b"data"));
    let reset = reception.reply.expect("a segment without ACK is answered");
    assert_eq!((reset.flags, reset.sequence.value()), (Flags::RST | Flags::ACK, 0));
    assert_eq!(reset.acknowledgment, rig.remote.plus(6));
}
