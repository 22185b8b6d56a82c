use super::*;

const SYN_ACK: Flags = Flags::from_bits(0x12);
const RST_ACK: Flags = Flags::from_bits(0x14);

fn all_options() -> Options {
    Options {
        maximum_segment_size: Some(1_000),
        window_scale: Some(7),
        sack_permitted: true,
        timestamps: Some(Timestamps { value: 900, echo: 0 }),
        ..Options::default()
    }
}

// proves: rfc9293-mss-sent, rfc7323-scale-offer, rfc9293-syn-sent-established
#[test]
fn active_open_sends_syn_with_options_and_is_established_by_syn_ack() {
    for initial in INITIAL {
        let mut rig = Rig::opening(&TcpSettings::default(), initial, initial.wrapping_add(7));
        let syn = rig.sent();
        assert_eq!((syn.flags, syn.sequence, syn.window, syn.data.len()), (Flags::SYN, 0, 65_535, 0));
        assert_eq!(syn.options.maximum_segment_size, Some(1_460));
        assert!(syn.options.sack_permitted && syn.options.timestamps.is_some());
        assert_eq!(syn.options.window_scale, Some(7), "6 MiB need a shift of 7");
        rig.assert_silent();

        let reception = rig.receive(Given::new(SYN_ACK, 0, 1).options(all_options()));
        assert!(reception.is_progress, "the SYN is acknowledged");
        assert_eq!(rig.connection.state(), State::Established);
        let ack = rig.sent();
        assert_eq!((ack.flags, ack.sequence, ack.acknowledgment), (Flags::ACK, 1, 1));
        rig.assert_silent();
        assert_eq!(rig.connection.deadline(), None, "an idle connection has a timer");
    }
}

#[test]
fn syn_offers_only_what_settings_permit() {
    let mut rig = Rig::opening(&plain(), 1, 2);
    let expected = Options { maximum_segment_size: Some(1_460), ..Options::default() };
    assert_eq!(rig.sent().options, expected);

    let settings = TcpSettings { maximum_segment_size: Some(700), ..plain() };
    let mut rig = Rig::opening(&settings, 1, 2);
    assert_eq!(rig.sent().options.maximum_segment_size, Some(700));
}

// proves: rfc9293-syn-sent-ack
#[test]
fn unacceptable_ack_in_syn_sent_is_answered_with_reset() {
    for initial in INITIAL {
        for acknowledgment in [0, 2, u32::MAX] {
            for flags in [Flags::ACK, SYN_ACK, Flags::FIN | Flags::ACK] {
                let mut rig = Rig::in_state_at(State::SynSent, initial, 9);
                let reception = rig.receive(Given::new(flags, 0, acknowledgment));
                assert_eq!(reception.outcome, SegmentOutcome::Dropped(TcpDropReason::UnacceptableAck));
                assert_eq!(rig.reply(&reception), Some((Flags::RST, acknowledgment, 0)));
                assert_eq!(rig.connection.state(), State::SynSent);
            }
            let mut rig = Rig::in_state_at(State::SynSent, initial, 9);
            let reception = rig.receive(Given::new(RST_ACK, 0, acknowledgment));
            assert_eq!((reception.reply, rig.connection.state()), (None, State::SynSent));
        }
    }
}

// proves: rfc9293-syn-sent-reset
#[test]
fn reset_in_syn_sent_refuses_connection_only_with_acceptable_ack() {
    let mut rig = Rig::in_state(State::SynSent);
    let reception = rig.receive(Given::new(Flags::RST, 0, 1));
    assert_eq!(reception.outcome, SegmentOutcome::Dropped(TcpDropReason::ResetWithoutAck));
    assert_eq!(rig.connection.state(), State::SynSent);
    let reception = rig.receive(Given::new(RST_ACK, 0, 1));
    assert_eq!(reception.reply, None, "a reset is answered");
    rig.assert_ended(CloseReason::Refused);
}

// proves: rfc9293-syn-sent-other
#[test]
fn acceptable_ack_without_syn_in_syn_sent_is_dropped_without_reply() {
    let mut rig = Rig::in_state(State::SynSent);
    for flags in [Flags::ACK, Flags::FIN | Flags::ACK, Flags::NONE, Flags::FIN, Flags::URG] {
        let reception = rig.receive(Given::new(flags, 0, 1));
        assert_eq!(reception.outcome, SegmentOutcome::Dropped(TcpDropReason::NoSyn));
        assert_eq!((reception.reply, rig.connection.state()), (None, State::SynSent));
    }
}

// proves: rfc9293-simultaneous-open
#[test]
fn simultaneous_open_is_established() {
    for initial in INITIAL {
        let mut rig = Rig::in_state_at(State::SynSent, initial, initial.wrapping_sub(1));
        let reception = rig.receive(Given::new(Flags::SYN, 0, 0).options(all_options()));
        assert_eq!((reception.reply, rig.connection.state()), (None, State::SynReceived));
        let answer = rig.sent();
        assert_eq!((answer.flags, answer.sequence, answer.acknowledgment), (SYN_ACK, 0, 1));
        assert_eq!(answer.options.maximum_segment_size, Some(1_460));
        // The peer's SYN,ACK repeats the peer's SYN, so it is outside the window: the reply acknowledges it.
        let reception = rig.receive(Given::new(SYN_ACK, 0, 1));
        assert_eq!(rig.reply(&reception), Some((Flags::ACK, 1, 1)));
        assert_eq!(rig.connection.state(), State::SynReceived);
        // The peer does the same.
        rig.give(Given::new(Flags::ACK, 1, 1));
        assert_eq!(rig.connection.state(), State::Established);
        // The connection is still an active open: a reset would have refused it.
        let mut rig = Rig::in_state_at(State::SynReceived, initial, 9);
        rig.give(Given::new(Flags::RST, 1, 0));
        rig.assert_ended(CloseReason::Refused);
    }
}

#[test]
fn data_of_syn_ack_is_delivered() {
    let mut rig = Rig::in_state(State::SynSent);
    rig.give(Given::new(SYN_ACK, 0, 1).data(b"hello"));
    assert_eq!(rig.connection.state(), State::Established);
    assert_eq!(rig.read(), b"hello");
    assert_eq!(rig.sent().acknowledgment, 6);
}

fn accepted(handshake: &Handshake) -> Rig {
    let now = Instant::from_nanos(1_000_000_000);
    let connection = Connection::accept(now, &TcpSettings::default(), &start(1_000), handshake);
    Rig::with(connection, now, 1_000, 5_000)
}

fn handshake() -> Handshake {
    Handshake {
        peer_sequence: SequenceNumber::new(5_000),
        options: all_options(),
        has_ecn: false,
        window: 2_000,
        sent_at: Some(Instant::from_nanos(900_000_000)),
        retransmissions: 0,
    }
}

// proves: rfc9293-reset-passive
#[test]
fn reset_before_the_end_of_a_passive_open_does_not_refuse_the_connection() {
    let mut rig = accepted(&handshake());
    let reset = Given::new(Flags::RST, 1, 0);
    assert_eq!(rig.receive(reset).outcome, SegmentOutcome::Accepted);
    rig.assert_ended(CloseReason::Reset);
}

// proves: rfc9293-ack-syn-received
#[test]
fn accepted_connection_is_established_by_ack_of_syn_ack() {
    let mut rig = accepted(&handshake());
    assert_eq!(rig.connection.state(), State::SynReceived);
    rig.assert_silent();
    let reception = rig.receive(Given::new(Flags::ACK, 1, 1).timestamps(901, 1_000).window(10));
    assert_eq!((reception.outcome, reception.reply), (SegmentOutcome::Accepted, None));
    assert!(reception.is_progress, "the SYN,ACK is acknowledged");
    assert_eq!(rig.connection.state(), State::Established);
    rig.assert_silent();
    let info = rig.connection.info(rig.now);
    assert_eq!(info.rtt, Some(Duration::from_millis(100)), "the handshake gives no sample of the RTT");
    assert_eq!((info.send_segment_size, info.send_window), (1_000 - 12, 10 << 7));
    assert_eq!(info.window_scales, Some((7, 7)));
}

#[test]
fn handshake_without_a_known_time_gives_no_sample() {
    let mut rig = accepted(&Handshake { options: Options::default(), sent_at: None, ..handshake() });
    rig.give(Given::new(Flags::ACK, 1, 1));
    let info = rig.connection.info(rig.now);
    assert_eq!((info.rtt, info.rto), (None, Duration::from_secs(1)));
    // A timestamp replaces the time.
    let mut rig = accepted(&Handshake { sent_at: None, ..handshake() });
    rig.pass(Duration::from_millis(500));
    rig.give(Given::new(Flags::ACK, 1, 1).timestamps(901, 1_300));
    assert_eq!(rig.connection.info(rig.now).rtt, Some(Duration::from_millis(200)));
}

#[test]
fn unacceptable_ack_in_syn_received_is_answered_with_reset() {
    for acknowledgment in [0, 2, u32::MAX] {
        let mut rig = Rig::in_state(State::SynReceived);
        let reception = rig.receive(Given::new(Flags::ACK, 1, acknowledgment));
        assert_eq!(rig.reply(&reception), Some((Flags::RST, acknowledgment, 0)));
        assert_eq!(rig.connection.state(), State::SynReceived);
    }
}

// proves: rfc9293-reset-passive
#[test]
fn reset_or_syn_ends_half_open_connection_of_listener() {
    for flags in [Flags::RST, Flags::SYN] {
        let mut rig = accepted(&Handshake { options: Options::default(), ..handshake() });
        let reception = rig.receive(Given::new(flags, 1, 0));
        assert_eq!((reception.reply, rig.connection.state()), (None, State::Closed));
    }
}

// proves: rfc7323-scale-both, rfc7323-scale-limit, rfc9293-window-unsigned
#[test]
fn windows_are_scaled_only_if_both_syns_have_the_option() {
    let settings = TcpSettings { timestamps: false, ..TcpSettings::default() };
    let options = Options { window_scale: Some(20), ..Options::default() };
    let mut rig = Rig::opening(&settings, 1, 2);
    let _ = rig.sent();
    rig.give(Given::new(SYN_ACK, 0, 1).options(options).window(40_000));
    let info = rig.connection.info(rig.now);
    assert_eq!(info.window_scales, Some((14, 7)), "a shift above 14 counts as 14");
    assert_eq!(info.send_window, 40_000, "the window of a SYN is scaled");
    assert_eq!(rig.sent().window, 512, "the local window is not scaled by 7");
    rig.give(Given::new(Flags::ACK, 1, 1).window(65_535));
    assert_eq!(rig.connection.info(rig.now).send_window, 65_535 << 14);

    let mut rig = Rig::opening(&settings, 1, 2);
    let _ = rig.sent();
    rig.give(Given::new(SYN_ACK, 0, 1));
    assert_eq!(rig.connection.info(rig.now).window_scales, None);
    assert_eq!(rig.sent().window, 65_535, "the local window is scaled");
    rig.give(Given::new(Flags::ACK, 1, 1).window(10));
    assert_eq!(rig.connection.info(rig.now).send_window, 10);

    let mut rig = Rig::established_with(&plain(), options, 1, 2);
    rig.give(Given::new(Flags::ACK, 1, 1).window(10));
    assert_eq!(rig.connection.info(rig.now).send_window, 10, "the local SYN did not offer window scaling");
}

// proves: rfc9293-mss-default, tcp-mss-minimum, rfc9293-mss-effective
#[test]
fn segments_fit_maximum_segment_size_of_peer_with_their_options() {
    let cases = [(None, 536), (Some(0), 64), (Some(63), 64), (Some(200), 200), (Some(9_000), 1_460)];
    for (maximum_segment_size, expected) in cases {
        let options = Options { maximum_segment_size, ..Options::default() };
        let mut rig = Rig::established_with(&plain(), options, 1, 2);
        rig.write(&pattern(1_500));
        assert_eq!(rig.sent().data.len(), expected);

        let timestamps = Some(Timestamps { value: 1, echo: 0 });
        let mut rig = Rig::opening(&TcpSettings { timestamps: true, ..plain() }, 1, 2);
        let _ = rig.sent();
        rig.give(Given::new(SYN_ACK, 0, 1).options(Options { timestamps, ..options }));
        let _ = rig.sent();
        rig.write(&pattern(1_500));
        assert_eq!(rig.sent().data.len(), expected - 12, "the timestamps are not subtracted");
    }
}

#[test]
fn user_maximum_segment_size_limits_sent_segments() {
    let mut rig = Rig::established(&TcpSettings { maximum_segment_size: Some(1_100), ..plain() });
    rig.write(&pattern(3_000));
    assert_eq!(rig.sent().data.len(), 1_100);
}

#[test]
fn data_written_before_the_handshake_follows_it() {
    let mut rig = Rig::in_state(State::SynSent);
    assert_eq!(rig.write(b"early"), 5);
    rig.assert_silent();
    rig.give(Given::new(SYN_ACK, 0, 1));
    let data = rig.sent();
    assert_eq!(
        (data.data.as_slice(), data.acknowledgment),
        (&b"early"[..], 1),
        "the data does not carry the ACK"
    );
    rig.assert_silent();
}

// proves: rfc9293-syn-retransmission
#[test]
fn syn_is_retransmitted_with_doubled_timeout_for_three_minutes() {
    let mut rig = Rig::in_state(State::SynSent);
    let mut total = Duration::ZERO;
    for expected in [1, 2, 4, 8, 16, 32, 60] {
        let elapsed = rig.pass_to_deadline();
        assert_eq!(elapsed, Duration::from_secs(expected));
        total += elapsed;
        assert_eq!(rig.sent().flags, Flags::SYN, "the SYN is not sent again");
        rig.assert_silent();
    }
    assert!(rig.status().is_delayed, "the user does not learn about the delay");
    total += rig.pass_to_deadline();
    assert!(total >= Duration::from_mins(3), "the SYN is retransmitted for {total:?}");
    rig.assert_ended(CloseReason::TimedOut);
}

// proves: rfc6298-syn-lost
#[test]
fn timeout_is_three_seconds_after_lost_syn() {
    let mut rig = Rig::in_state(State::SynSent);
    rig.pass_to_deadline();
    let _ = rig.sent();
    rig.give(Given::new(SYN_ACK, 0, 1));
    let _ = rig.sent();
    rig.write(b"data");
    let _ = rig.sent();
    assert_eq!(rig.pass_to_deadline(), Duration::from_secs(3));
}

// proves: rfc5681-syn-lost
#[test]
fn initial_window_is_one_segment_after_two_lost_syns() {
    let mut rig = Rig::in_state(State::SynSent);
    for _ in 0..2 {
        rig.pass_to_deadline();
        let _ = rig.sent();
    }
    rig.give(Given::new(SYN_ACK, 0, 1));
    let _ = rig.sent();
    rig.write(&pattern(10_000));
    assert_eq!(rig.sent_lengths(), [536]);
}

#[test]
fn simultaneous_open_retransmits_syn_ack() {
    let mut rig = Rig::in_state(State::SynReceived);
    rig.pass_to_deadline();
    assert_eq!(rig.sent().flags, SYN_ACK);
}
