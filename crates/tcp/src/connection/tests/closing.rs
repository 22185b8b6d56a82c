use super::*;
use crate::PathProblem;

const FIN_ACK: Flags = Flags::from_bits(0x11);
const RST_ACK: Flags = Flags::from_bits(0x14);

// proves: rfc9293-close, rfc9293-fin-acknowledged, rfc9293-time-wait
#[test]
fn close_sends_queued_data_and_fin_then_waits() {
    for initial in INITIAL {
        let mut rig = Rig::established_at(&plain(), initial, initial);
        rig.write(&pattern(FULL + 100));
        rig.connection.shutdown(rig.now);
        assert_eq!(rig.connection.state(), State::FinWait1);
        assert_eq!(rig.write(b"late"), 0, "data is written after the shutdown");
        let segments: Vec<_> = rig.all_sent().iter().map(|sent| (sent.flags, sent.data.len())).collect();
        assert_eq!(segments, [(Flags::ACK, FULL), (FIN_ACK | Flags::PSH, 100)]);
        rig.acknowledge(1 + 1_460 + 100);
        assert_eq!(rig.connection.state(), State::FinWait1, "the FIN is not acknowledged");
        rig.acknowledge(1 + 1_460 + 100 + 1);
        assert_eq!(rig.connection.state(), State::FinWait2);
        assert_eq!(rig.connection.info(rig.now).bytes_acknowledged, 1_560, "the FIN counts as data");

        // The other direction is still open.
        rig.give_data(b"answer");
        assert_eq!(rig.read(), b"answer");
        let fin = Given::new(FIN_ACK, 7, 1_562);
        rig.give(fin);
        assert_eq!(rig.connection.state(), State::TimeWait);
        assert_eq!(rig.all_sent().last().map(|ack| ack.acknowledgment), Some(8));
        rig.pass(Duration::from_secs(59));
        assert_eq!(rig.connection.state(), State::TimeWait);
        rig.pass(Duration::from_secs(1));
        rig.assert_ended(CloseReason::Closed);
        assert_eq!(rig.memory.used(), 0);
    }
}

// proves: rfc9293-time-wait-fin
#[test]
fn retransmitted_fin_restarts_time_wait() {
    let mut rig = Rig::in_state(State::TimeWait);
    rig.pass(Duration::from_secs(50));
    let reception = rig.receive(Given::new(FIN_ACK, 1, 2));
    assert_eq!(rig.reply(&reception), Some((Flags::ACK, 2, 2)));
    rig.pass(Duration::from_secs(59));
    assert_eq!(rig.connection.state(), State::TimeWait);
    rig.pass(Duration::from_secs(1));
    rig.assert_ended(CloseReason::Closed);
}

#[test]
fn time_wait_ignores_reset() {
    let mut rig = Rig::in_state(State::TimeWait);
    let reception = rig.receive(Given::new(Flags::RST, 2, 0));
    assert_eq!(reception.outcome, SegmentOutcome::Dropped(TcpDropReason::ResetInTimeWait));
    assert_eq!((reception.reply, rig.connection.state()), (None, State::TimeWait));
}

#[test]
fn simultaneous_close_ends_in_time_wait() {
    for initial in INITIAL {
        let mut rig = Rig::in_state_at(State::FinWait1, initial, initial);
        rig.give(Given::new(FIN_ACK, 1, 1));
        assert_eq!(rig.connection.state(), State::Closing);
        assert_eq!(rig.sent().acknowledgment, 2);
        rig.give(Given::new(Flags::ACK, 2, 2));
        assert_eq!(rig.connection.state(), State::TimeWait);
        rig.pass(Duration::from_mins(1));
        rig.assert_ended(CloseReason::Closed);
    }
}

#[test]
fn fin_with_acknowledgment_of_local_fin_leads_from_fin_wait_1_to_time_wait() {
    let mut rig = Rig::in_state(State::FinWait1);
    rig.give(Given::new(FIN_ACK, 1, 2));
    assert_eq!(rig.connection.state(), State::TimeWait);
    assert_eq!(rig.sent().acknowledgment, 2);
}

#[test]
fn passive_close_ends_with_acknowledgment_of_fin() {
    let mut rig = Rig::in_state(State::CloseWait);
    assert_eq!(rig.write(b"last words"), 10, "CLOSE-WAIT permits no data");
    assert_eq!(rig.sent().data, b"last words");
    rig.connection.shutdown(rig.now);
    assert_eq!(rig.connection.state(), State::CloseWait, "the FIN was not sent yet");
    assert_eq!(rig.sent().flags, FIN_ACK);
    assert_eq!(rig.connection.state(), State::LastAck);
    rig.give(Given::new(Flags::ACK, 2, 11));
    assert_eq!(rig.connection.state(), State::LastAck, "the FIN is not acknowledged");
    rig.give(Given::new(Flags::ACK, 2, 12));
    rig.assert_ended(CloseReason::Closed);
}

#[test]
fn fin_that_waits_for_the_window_is_no_sent_fin() {
    let mut rig = Rig::established(&plain());
    rig.acknowledge(1);
    rig.give(Given::new(Flags::ACK, 1, 1).window(1_460));
    rig.write(&pattern(2 * FULL));
    rig.connection.shutdown(rig.now);
    assert_eq!(rig.sent_lengths(), [FULL]);
    // The acknowledgment of all sent data does not acknowledge the FIN.
    rig.give(Given::new(Flags::ACK, 1, 1 + 1_460).window(1_460 + 1));
    assert_eq!(rig.connection.state(), State::FinWait1);
    assert_eq!(rig.sent().flags, FIN_ACK | Flags::PSH);
}

// proves: rfc9293-close-syn-sent
#[test]
fn close_in_syn_sent_deletes_connection_without_segment() {
    let mut rig = Rig::in_state(State::SynSent);
    assert_eq!(rig.close(), None);
    rig.assert_ended(CloseReason::Closed);
}

#[test]
fn close_in_syn_received_sends_fin_after_handshake() {
    let mut rig = Rig::in_state(State::SynReceived);
    rig.connection.shutdown(rig.now);
    rig.assert_silent();
    rig.give(Given::new(Flags::ACK, 1, 1));
    assert_eq!(rig.connection.state(), State::FinWait1);
    assert_eq!(rig.sent().flags, FIN_ACK);
}

// proves: rfc9293-close-unread
#[test]
fn close_with_unread_data_sends_reset() {
    let mut rig = Rig::established(&plain());
    rig.give_data(b"unread");
    let reset = rig.close().expect("a reset is sent");
    assert_eq!(
        (reset.flags, reset.sequence, reset.acknowledgment),
        (RST_ACK, rig.local.plus(1), rig.remote.plus(7))
    );
    rig.assert_ended(CloseReason::Closed);
    assert_eq!((rig.memory.used(), rig.pool.held()), (0, 0));
}

// proves: rfc9293-close-unread
#[test]
fn data_after_close_is_answered_with_reset() {
    for state in [State::FinWait1, State::FinWait2] {
        let mut rig = Rig::established(&plain());
        assert_eq!(rig.close(), None);
        assert_eq!(rig.sent().flags, FIN_ACK);
        if state == State::FinWait2 {
            rig.acknowledge(2);
        }
        assert_eq!(rig.connection.state(), state);
        let reception = rig.receive(Given::new(Flags::ACK, 1, rig.acknowledged).data(b"lost"));
        assert_eq!(reception.outcome, SegmentOutcome::Dropped(TcpDropReason::DataAfterClose));
        assert_eq!(rig.reply(&reception), Some((RST_ACK, 2, 1)));
        rig.assert_ended(CloseReason::Reset);
    }
    // A FIN is no data.
    let mut rig = Rig::established(&plain());
    let _ = rig.close();
    let _ = rig.sent();
    rig.give(Given::new(FIN_ACK, 1, 2));
    assert_eq!(rig.connection.state(), State::TimeWait);
}

// proves: rfc9293-abort, rfc9293-close-reported
#[test]
fn abort_sends_reset_where_the_state_requires_it() {
    for state in State::ALL {
        if state == State::Closed {
            continue;
        }
        let mut rig = Rig::in_state(state);
        rig.write(b"lost");
        let has_reset = matches!(
            state,
            State::SynReceived | State::Established | State::FinWait1 | State::FinWait2 | State::CloseWait
        );
        let next = rig.connection.send.next;
        let reset = rig.abort();
        assert_eq!(reset.is_some(), has_reset, "{state}");
        if let Some(reset) = reset {
            assert_eq!((reset.flags, reset.sequence), (RST_ACK, next), "{state}");
        }
        rig.assert_ended(CloseReason::Closed);
        assert_eq!(rig.memory.used(), 0, "{state} keeps memory");
        assert_eq!(rig.abort(), None, "a second abort sends a reset");
    }
}

// proves: tcp-fin-wait-2
#[test]
fn closed_connection_leaves_fin_wait_2_after_its_time() {
    let mut rig = Rig::established(&plain());
    let _ = rig.close();
    let _ = rig.sent();
    rig.acknowledge(2);
    rig.pass(Duration::from_secs(59));
    assert_eq!(rig.connection.state(), State::FinWait2);
    rig.pass(Duration::from_secs(1));
    rig.assert_ended(CloseReason::Closed);

    // A user who still reads has no limit.
    let mut rig = Rig::in_state(State::FinWait2);
    rig.pass(Duration::from_hours(1));
    assert_eq!(rig.connection.state(), State::FinWait2);
    // The limit begins with the close.
    let _ = rig.close();
    rig.pass(Duration::from_mins(1));
    rig.assert_ended(CloseReason::Closed);
}

#[test]
fn received_data_can_be_read_after_both_sides_have_closed() {
    let mut rig = Rig::established(&plain());
    rig.give(Given::new(FIN_ACK, 1, 1).data(b"data"));
    rig.connection.shutdown(rig.now);
    let _ = rig.all_sent();
    rig.give(Given::new(Flags::ACK, 6, 2));
    assert_eq!(rig.status().closed, Some(CloseReason::Closed));
    assert_eq!(rig.read(), b"data");
}

// proves: rfc9293-hard-errors, rfc9293-soft-errors
#[test]
fn icmp_error_ends_only_a_connection_that_is_not_established() {
    let cases = [
        (PathProblem::PortUnreachable, Some(CloseReason::Refused)),
        (PathProblem::ProtocolUnreachable, Some(CloseReason::Unreachable)),
        (PathProblem::NextHopUnresolved, Some(CloseReason::Unreachable)),
        (PathProblem::HostUnreachable, None),
        (PathProblem::NetworkUnreachable, None),
        (PathProblem::TimeExceeded, None),
        (PathProblem::ParameterProblem, None),
    ];
    for (problem, reason) in cases {
        for state in [State::SynSent, State::SynReceived] {
            let mut rig = Rig::in_state(state);
            assert!(
                rig.connection.icmp_error(rig.now, problem, rig.local),
                "{problem:?} is not accepted in {state}"
            );
            assert_eq!(rig.status().closed, reason, "{problem:?} in {state}");
            assert_eq!(rig.status().soft_error, Some(problem));
        }
    }
}

// proves: rfc5927-soft, rfc5927-sequence, rfc9293-soft-errors
#[test]
fn icmp_error_about_outstanding_data_is_reported_and_no_other() {
    for initial in INITIAL {
        let mut rig = Rig::established_at(&plain(), initial, initial);
        rig.write(b"data");
        let _ = rig.sent();
        for sequence in [0, 5, 6, 1_000_000] {
            let sequence = rig.local.plus(sequence);
            assert!(!rig.connection.icmp_error(rig.now, PathProblem::PortUnreachable, sequence));
            assert_eq!(rig.status().soft_error, None, "an error about other data is reported");
        }
        for sequence in [1, 4] {
            let sequence = rig.local.plus(sequence);
            assert!(rig.connection.icmp_error(rig.now, PathProblem::PortUnreachable, sequence));
        }
        assert_eq!(rig.status().soft_error, Some(PathProblem::PortUnreachable));
        assert_eq!(rig.connection.state(), State::Established);
        for _ in 0..100_000 {
            rig.connection.icmp_error(rig.now, PathProblem::ProtocolUnreachable, rig.local.plus(1));
        }
        assert_eq!(rig.connection.state(), State::Established, "forged errors end a connection");
    }
}

// proves: rfc5927-path-mtu
#[test]
fn smaller_path_mtu_cuts_outstanding_segments_anew() {
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(2 * FULL));
    assert_eq!(rig.sent_lengths(), [FULL, FULL]);
    let window = rig.connection.info(rig.now).congestion_window;
    let needed = |mtu| PathProblem::FragmentationNeeded { mtu };
    assert!(!rig.connection.icmp_error(rig.now, needed(1_500), rig.local.plus(1)), "the MTU is not smaller");
    rig.assert_silent();
    assert!(rig.connection.icmp_error(rig.now, needed(1_000), rig.local.plus(1)));
    assert_eq!(rig.sent_lengths(), [960, 960, 960, 40]);
    let info = rig.connection.info(rig.now);
    assert_eq!((info.path_mtu, info.send_segment_size), (1_000, 960));
    assert_eq!(info.congestion_window / 960, window / 1_460, "the reduction counts as a loss");
    assert_eq!(rig.status().soft_error, None);
    // A second error about the same segments changes nothing.
    assert!(rig.connection.icmp_error(rig.now, needed(1_000), rig.local.plus(1)));
    assert!(!rig.connection.icmp_error(rig.now, needed(1_001), rig.local.plus(1)));
    rig.assert_silent();
}

// proves: rfc9293-time-wait-fin
#[test]
fn only_the_fin_of_the_peer_starts_time_wait_again() {
    for (sequence, is_restarted) in [(1, true), (0, false), (100_000, false)] {
        let mut rig = Rig::in_state(State::TimeWait);
        rig.pass(Duration::from_secs(50));
        rig.give(Given::new(Flags::FIN | Flags::ACK, sequence, 2));
        rig.pass(Duration::from_secs(20));
        let expected = if is_restarted { State::TimeWait } else { State::Closed };
        assert_eq!(rig.connection.state(), expected, "FIN with sequence number {sequence}");
    }
}

// proves: rfc9293-time-wait
#[test]
fn close_in_time_wait_does_not_stop_its_timer() {
    let mut rig = Rig::in_state(State::TimeWait);
    assert_eq!(rig.close(), None);
    rig.pass(Duration::from_millis(59_999));
    assert_eq!(rig.connection.state(), State::TimeWait);
    rig.pass(Duration::from_millis(1));
    rig.assert_ended(CloseReason::Closed);
}
