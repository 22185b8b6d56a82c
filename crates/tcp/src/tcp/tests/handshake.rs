//! Listeners and half-open connections.

use super::*;

fn rst(of: &SegmentFields) -> SegmentFields {
    SegmentFields { flags: Flags::RST, acknowledgment: SequenceNumber::default(), ..*of }
}

// proves: rfc9293-listen-syn
#[test]
fn syn_is_answered_with_syn_ack_and_options_of_both_hosts() {
    let mut node = Node::new(TcpLimits::default());
    node.listen(5);
    let reply = node.receive(&syn_with_options(client(1), 77)).expect("no SYN,ACK");
    assert_eq!(reply.flags, Flags::SYN | Flags::ACK);
    assert_eq!(reply.acknowledgment, SequenceNumber::new(1001));
    assert_eq!((reply.source, reply.destination), (server(), client(1)));
    assert_eq!(reply.options.maximum_segment_size, Some(1460));
    assert_eq!(reply.options.window_scale, Some(7));
    assert!(reply.options.sack_permitted);
    assert_eq!(reply.options.timestamps.map(|timestamps| timestamps.echo), Some(77));
    assert_eq!(reply.window, 65_535);
    let totals = node.tcp.totals();
    assert_eq!((totals.half_open, totals.connections, totals.memory), (1, 0, 0));
}

// proves: rfc9293-listen-syn, rfc9293-ack-syn-received
#[test]
fn handshake_makes_a_connection_that_can_be_accepted_once() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    assert_eq!(node.tcp.accept(listener), None);
    node.connect_from(client(1));
    assert_eq!(node.ready(), [TcpReady::Listener(listener)]);
    let id = node.tcp.accept(listener).expect("no connection");
    assert_eq!(node.tcp.accept(listener), None);
    assert_eq!(node.status(id).state, State::Established);
    let addresses = node.tcp.addresses(id).expect("no such connection");
    assert_eq!((addresses.local, addresses.peer), (server(), client(1)));
    let totals = node.tcp.totals();
    assert_eq!((totals.half_open, totals.connections), (0, 1));
    assert_eq!(node.tcp.counters().passive_opens, 1);
}

#[test]
fn connection_has_the_options_of_the_handshake() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    let syn_ack = node.receive(&syn_with_options(client(1), 77)).expect("no SYN,ACK");
    node.receive(&answer(&syn_ack));
    let id = node.tcp.accept(listener).expect("no connection");
    let info = node.tcp.info(id).expect("no such connection");
    assert!(info.has_timestamps && info.has_sack);
    assert_eq!(info.window_scales, Some((7, 7)));
    assert_eq!(info.send_segment_size, 1448);
}

#[test]
fn data_with_last_ack_of_handshake_is_received() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    let syn_ack = node.receive(&syn(client(1))).expect("no SYN,ACK");
    node.receive_data(&answer(&syn_ack), b"GET");
    let id = node.tcp.accept(listener).expect("no connection");
    assert_eq!(node.ready(), [TcpReady::Listener(listener), TcpReady::Connection(id)]);
    assert_eq!(node.tcp.chunk(id), Some(&b"GET"[..]));
}

// proves: rfc9293-listen-reset, tcp-listen-flags
#[test]
fn listener_ignores_reset_and_syn_with_reset() {
    let mut node = Node::new(TcpLimits::default());
    node.listen(5);
    for flags in [Flags::RST, Flags::RST | Flags::SYN, Flags::RST | Flags::ACK] {
        let segment = from_client(client(1), flags, 1, 2);
        let reception = node.receive_data(&segment, &[]);
        assert_eq!(reception.outcome, SegmentOutcome::Dropped(TcpDropReason::ResetToListener));
        assert_eq!(reception.reply, None);
    }
    assert_eq!(node.tcp.totals().half_open, 0);
}

// proves: rfc9293-listen-ack
#[test]
fn listener_answers_ack_with_reset() {
    let mut node = Node::new(TcpLimits::default());
    node.listen(5);
    for flags in [Flags::ACK, Flags::SYN | Flags::ACK, Flags::FIN | Flags::ACK] {
        let reply = node.receive(&from_client(client(1), flags, 1, 2)).expect("no reset");
        assert_eq!((reply.flags, reply.sequence), (Flags::RST, SequenceNumber::new(2)));
    }
}

// proves: rfc9293-listen-other, rfc9293-listen-fin, tcp-listen-flags
#[test]
fn listener_drops_segments_without_syn_and_syn_with_fin() {
    let mut node = Node::new(TcpLimits::default());
    node.listen(5);
    for (flags, reason) in [
        (Flags::NONE, TcpDropReason::NoSynToListener),
        (Flags::FIN, TcpDropReason::NoSynToListener),
        (Flags::URG | Flags::PSH, TcpDropReason::NoSynToListener),
        (Flags::SYN | Flags::FIN, TcpDropReason::SynWithFin),
    ] {
        let reception = node.receive_data(&from_client(client(1), flags, 1, 0), &[]);
        assert_eq!((reception.outcome, reception.reply), (SegmentOutcome::Dropped(reason), None));
    }
    assert_eq!(node.tcp.totals().half_open, 0);
}

// proves: tcp-listen-data
#[test]
fn data_of_syn_is_not_acknowledged() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    let reply = node.receive_data(&syn(client(1)), b"early").reply.expect("no SYN,ACK");
    assert_eq!(reply.acknowledgment, SequenceNumber::new(1001));
    node.receive_data(&answer(&reply), b"early");
    let id = node.tcp.accept(listener).expect("no connection");
    assert_eq!(node.tcp.chunk(id), Some(&b"early"[..]));
    node.tcp.abort(node.now, id, &mut node.pool);
    assert_eq!(node.pool.held(), 0, "a frame was lost");
}

// proves: tcp-syn-duplicate, tcp-amplification
#[test]
fn repeated_syn_gets_same_syn_ack_and_no_second_row() {
    let mut node = Node::new(TcpLimits::default());
    node.listen(5);
    let first = node.receive(&syn_with_options(client(1), 77)).expect("no SYN,ACK");
    node.wait(Duration::from_millis(300));
    let second = node.receive(&syn_with_options(client(1), 78)).expect("no SYN,ACK");
    assert_eq!((first.sequence, first.acknowledgment), (second.sequence, second.acknowledgment));
    assert_eq!(second.options.timestamps.map(|timestamps| timestamps.echo), Some(78));
    assert_eq!(node.tcp.totals().half_open, 1);
}

// proves: tcp-syn-ack-retransmission, tcp-amplification
#[test]
fn syn_ack_is_sent_again_after_1_3_7_15_and_31_seconds_and_never_after_a_reset() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    let start = node.now;
    let first = node.receive(&syn(client(1))).expect("no SYN,ACK");
    let mut times = Vec::new();
    while node.tcp.totals().half_open > 0 {
        let deadline = node.tcp.deadline().expect("no deadline");
        node.wait(deadline.since(node.now));
        for (segment, _) in node.transmit_all() {
            assert_eq!((segment.flags, segment.sequence), (first.flags, first.sequence));
            times.push(node.now.since(start).as_secs());
        }
    }
    assert_eq!(times, [1, 3, 7, 15, 31]);
    assert_eq!(node.now.since(start).as_secs(), 63);
    assert_eq!(node.tcp.deadline(), None);
    assert_eq!(node.tcp.counters().half_open_timeouts, 1);
    // The next client resets its connection.
    let reply = node.receive(&syn(client(2))).expect("no SYN,ACK");
    node.receive(&rst(&answer(&reply)));
    node.wait(Duration::from_secs(100));
    assert_eq!(node.transmit_all(), []);
    assert_eq!(node.tcp.accept(listener), None);
}

// proves: tcp-syn-ack-retransmission
#[test]
fn syn_ack_is_sent_again_on_the_interface_of_its_syn() {
    let mut node = Node::new(TcpLimits::default());
    node.listen(5);
    let path = Path { interface: InterfaceId(1), ..PATH };
    let (segment, data) = segment(&syn(client(1)), &[], &mut node.pool);
    let reply = node.tcp.receive(node.now, &path, &segment, data, &mut node.pool).reply;
    assert_eq!(reply.map(|reply| reply.flags), Some(Flags::SYN | Flags::ACK));
    node.wait(Duration::from_secs(1));
    assert_eq!(node.transmit_all(), [], "another interface sends the SYN,ACK");
    let departure =
        node.tcp.transmit(node.now, path.interface, node.offloads, &mut node.pool).expect("no SYN,ACK");
    node.pool.give(departure.frame);
}

// proves: rfc9293-reset-passive
#[test]
fn reset_frees_half_open_connection_silently() {
    let mut node = Node::new(TcpLimits::default());
    node.listen(5);
    for number in 0..100 {
        let reply = node.receive(&syn(client(number))).expect("no SYN,ACK");
        assert_eq!(node.receive(&rst(&answer(&reply))), None);
        assert_eq!(node.tcp.totals().half_open, 0, "the reset left a half-open connection");
    }
    assert_eq!(node.ready(), []);
}

// proves: rfc5961-reset
#[test]
fn reset_in_window_of_half_open_connection_is_challenged() {
    let mut node = Node::new(TcpLimits::default());
    node.listen(5);
    let reply = node.receive(&syn(client(1))).expect("no SYN,ACK");
    let reset = rst(&answer(&reply));
    let challenge = node.receive(&SegmentFields { sequence: reset.sequence.plus(1), ..reset });
    assert_eq!(challenge.map(|segment| segment.flags), Some(Flags::ACK));
    assert_eq!(node.receive(&SegmentFields { sequence: reset.sequence.minus(1), ..reset }), None);
    assert_eq!(node.tcp.totals().half_open, 1);
}

// proves: rfc9293-ack-syn-received
#[test]
fn wrong_ack_of_half_open_connection_is_reset_and_connection_stays() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    let reply = node.receive(&syn(client(1))).expect("no SYN,ACK");
    let ack = answer(&reply);
    for wrong in [ack.acknowledgment.minus(1), ack.acknowledgment.plus(1)] {
        let reset = node.receive(&SegmentFields { acknowledgment: wrong, ..ack }).expect("no reset");
        assert_eq!((reset.flags, reset.sequence), (Flags::RST, wrong));
    }
    assert_eq!(node.reason(&SegmentFields { flags: Flags::NONE, ..ack }), Some(TcpDropReason::NoAck));
    node.receive(&ack);
    assert!(node.tcp.accept(listener).is_some(), "the handshake was not completed");
}

// proves: rfc9293-acceptable, tcp-ack-loop
#[test]
fn segments_outside_window_of_half_open_connection_are_acknowledged() {
    let mut node = Node::new(TcpLimits::default());
    node.listen(5);
    let reply = node.receive(&syn(client(1))).expect("no SYN,ACK");
    let ack = answer(&reply);
    // TC8: a SYN outside the window is answered with an acknowledgment.
    let other = SegmentFields { sequence: SequenceNumber::new(500), ..syn(client(1)) };
    let challenge = node.receive(&other).expect("no acknowledgment");
    assert_eq!((challenge.flags, challenge.sequence), (Flags::ACK, reply.sequence.plus(1)));
    assert_eq!(challenge.acknowledgment, SequenceNumber::new(1001));
    let old = SegmentFields { sequence: ack.sequence.minus(1), ..ack };
    let replies = (0..10).filter(|_| node.receive(&old).is_some()).count();
    assert_eq!(replies, 1, "segments without data are answered without a limit");
}

// proves: rfc7323-timestamps, rfc7323-scale-both
#[test]
fn acknowledgment_of_half_open_connection_has_scaled_window_and_timestamps() {
    let mut node = Node::new(TcpLimits::default());
    node.listen(5);
    let reply = node.receive(&syn_with_options(client(1), 77)).expect("no SYN,ACK");
    assert_eq!((reply.window, reply.options.window_scale), (65_535, Some(7)));
    node.wait(Duration::from_millis(20));
    let ack = answer(&reply);
    let old = SegmentFields { sequence: ack.sequence.minus(9), ..ack };
    let challenge = node.receive(&old).expect("no acknowledgment");
    assert_eq!((challenge.flags, challenge.window), (Flags::ACK, 65_535 >> 7));
    let first = reply.options.timestamps.expect("the SYN,ACK has no timestamps").value;
    let timestamps = Some(Timestamps { value: first.wrapping_add(20), echo: 77 });
    assert_eq!(challenge.options, Options { timestamps, ..Options::NONE });
}

// proves: rfc5961-ack
#[test]
fn largest_window_of_the_peer_counts_its_syn() {
    for (window, is_acceptable) in [(60_000, true), (100, false)] {
        let mut node = Node::new(TcpLimits::default());
        node.listen(5);
        let reply = node.receive(&SegmentFields { window, ..syn(client(1)) }).expect("no SYN,ACK");
        let ack = SegmentFields { window: 100, ..answer(&reply) };
        assert_eq!(node.reason(&ack), None);
        let old = SegmentFields { acknowledgment: ack.acknowledgment.minus(50_000), ..ack };
        let reason = (!is_acceptable).then_some(TcpDropReason::OldAck);
        assert_eq!(node.reason(&old), reason, "window of {window} bytes");
    }
}

#[test]
fn syn_in_window_returns_half_open_connection_to_listen() {
    let mut node = Node::new(TcpLimits::default());
    node.listen(5);
    node.receive(&syn(client(1))).expect("no SYN,ACK");
    let later = SegmentFields { sequence: SequenceNumber::new(2000), ..syn(client(1)) };
    assert_eq!(node.receive(&later), None);
    assert_eq!(node.tcp.totals().half_open, 0);
    let reply = node.receive(&later).expect("no SYN,ACK");
    assert_eq!(reply.acknowledgment, SequenceNumber::new(2001));
}

#[test]
fn half_open_connection_checks_timestamps() {
    let mut node = Node::new(TcpLimits::default());
    node.listen(5);
    let reply = node.receive(&syn_with_options(client(1), 77)).expect("no SYN,ACK");
    let ack = answer(&reply);
    let missing = SegmentFields { options: Options::NONE, ..ack };
    assert_eq!(node.reason(&missing), Some(TcpDropReason::MissingTimestamp));
    let timestamps = Some(Timestamps { value: 76, echo: 0 });
    let old = SegmentFields { options: Options { timestamps, ..Options::NONE }, ..ack };
    assert_eq!(node.reason(&old), Some(TcpDropReason::OldTimestamp));
    assert_eq!(node.reason(&ack), None);
}

// proves: tcp-backlog
#[test]
fn full_backlog_delays_handshake_until_a_connection_is_accepted() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(1);
    node.connect_from(client(1));
    let syn_ack = node.receive(&syn(client(2))).expect("no SYN,ACK");
    let reception = node.receive_data(&answer(&syn_ack), &[]);
    assert_eq!(reception.outcome, SegmentOutcome::Dropped(TcpDropReason::BacklogFull));
    assert_eq!(reception.reply, None, "the client was answered");
    assert!(node.tcp.accept(listener).is_some(), "no connection");
    node.wait(Duration::from_secs(1));
    let (again, _) = node.transmit().expect("the SYN,ACK was not sent again");
    node.receive(&answer(&again.fields()));
    assert!(node.tcp.accept(listener).is_some(), "the handshake was not completed");
}

// proves: rfc9293-listen-independent
#[test]
fn listeners_are_independent_and_longest_prefix_precedes() {
    let mut node = Node::new(TcpLimits::default());
    let all = Binding { addresses: "0.0.0.0/0".parse().unwrap(), port: 80 };
    let all = node.tcp.listen(all, 5, &settings()).expect("the listener was refused");
    let exact = node.listen(5);
    let same = Binding { addresses: (*server().ip()).into(), port: 80 };
    assert_eq!(node.tcp.listen(same, 5, &settings()), Err(TcpError::AddressInUse));
    node.connect_from(client(1));
    assert!(node.tcp.accept(exact).is_some() && node.tcp.accept(all).is_none());
    node.tcp.close_listener(node.now, exact, &mut node.pool);
    node.connect_from(client(2));
    assert!(node.tcp.accept(all).is_some(), "the listener on all addresses accepts nothing");
}

#[test]
fn listener_without_port_gets_a_free_one() {
    let mut node = Node::new(TcpLimits::default());
    let any = Binding { addresses: "0.0.0.0/0".parse().unwrap(), port: 0 };
    let first = node.tcp.listen(any, 5, &settings()).expect("the listener was refused");
    let second = node.tcp.listen(any, 5, &settings()).expect("the listener was refused");
    let ports = [first, second].map(|id| node.tcp.binding(id).map(|binding| binding.port));
    assert!(ports[0] != ports[1] && ports[0] > Some(32_767), "{ports:?}");
}

// proves: tcp-listener-close, tcp-generation
#[test]
fn closed_listener_resets_its_queue_and_half_open_connections() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    let ack = node.connect_from(client(1));
    let syn_ack = node.receive(&syn_with_options(client(2), 7)).expect("no SYN,ACK");
    node.wait(Duration::from_millis(500));
    node.tcp.close_listener(node.now, listener, &mut node.pool);
    let (reset, _) = node.transmit().expect("no reset");
    assert_eq!((reset.destination, reset.flags), (client(1), Flags::RST | Flags::ACK));
    assert_eq!(reset.sequence, ack.acknowledgment);
    let (reset, _) = node.transmit().expect("no reset of the half-open connection");
    assert_eq!((reset.destination, reset.flags), (client(2), Flags::RST | Flags::ACK));
    assert_eq!(reset.window, 0, "the window of a reset");
    assert_eq!((reset.sequence, reset.acknowledgment), (syn_ack.sequence.plus(1), syn_ack.acknowledgment));
    let clock = |options: Options| options.timestamps.expect("no timestamps").value;
    assert_eq!(clock(reset.options), clock(syn_ack.options).wrapping_add(500));
    assert!(node.transmit().is_none(), "a further segment is sent");
    assert_eq!(node.tcp.totals(), TcpTotals::default());
    assert_eq!(node.tcp.deadline().filter(|at| *at > node.now + Duration::from_secs(10)), None);
    let next = node.listen(5);
    assert!(next != listener && node.tcp.accept(listener).is_none());
}

#[test]
fn reset_removes_connection_from_queue() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(1);
    for number in 0..10 {
        let ack = node.connect_from(client(number));
        node.receive(&rst(&ack));
        assert_eq!(node.tcp.totals().connections, 0, "the reset left a connection in the queue");
    }
    assert_eq!(node.tcp.accept(listener), None);
}

// proves: tcp-connections-bound
#[test]
fn handshake_does_not_complete_beyond_maximum_number_of_connections() {
    let mut node = Node::new(TcpLimits { connections: 1, ..TcpLimits::default() });
    node.listen(5);
    node.connect_from(client(1));
    let syn_ack = node.receive(&syn(client(2))).expect("no SYN,ACK");
    assert_eq!(node.reason(&answer(&syn_ack)), Some(TcpDropReason::TooManyConnections));
    assert_eq!(node.tcp.totals().half_open, 1);
}

// proves: rfc9293-hard-errors
#[test]
fn hard_error_about_syn_ack_ends_half_open_connection() {
    let mut node = Node::new(TcpLimits::default());
    node.listen(5);
    let reply = node.receive(&syn(client(1))).expect("no SYN,ACK");
    let quoted = QuotedSegment {
        interface: PATH.interface,
        local: server(),
        peer: client(1),
        sequence: reply.sequence,
    };
    let forged = QuotedSegment { sequence: reply.sequence.plus(1), ..quoted };
    assert!(!node.tcp.icmp_error(node.now, &forged, PathProblem::PortUnreachable, &mut node.pool));
    assert!(node.tcp.icmp_error(node.now, &quoted, PathProblem::HostUnreachable, &mut node.pool));
    assert_eq!(node.tcp.totals().half_open, 1);
    assert!(node.tcp.icmp_error(node.now, &quoted, PathProblem::PortUnreachable, &mut node.pool));
    assert_eq!(node.tcp.totals().half_open, 0);
}

// proves: rfc3168-setup, rfc3168-accept, rfc3168-agreement
#[test]
fn listener_accepts_ecn_unless_it_is_off_or_the_syn_is_repeated_without_ecn() {
    let ecn_syn = SegmentFields { flags: Flags::SYN | Flags::ECE | Flags::CWR, ..syn(client(1)) };
    for (ecn, flags, expected) in [
        (Ecn::Accept, Flags::ECE | Flags::CWR, true),
        (Ecn::Ask, Flags::ECE | Flags::CWR, true),
        (Ecn::Off, Flags::ECE | Flags::CWR, false),
        (Ecn::Accept, Flags::ECE, false),
        (Ecn::Accept, Flags::CWR, false),
        (Ecn::Accept, Flags::NONE, false),
    ] {
        let mut node = Node::new(TcpLimits::default());
        let local = Binding { addresses: (*server().ip()).into(), port: server().port() };
        let listener =
            node.tcp.listen(local, 5, &TcpSettings { ecn, ..settings() }).expect("the port is in use");
        let reply =
            node.receive(&SegmentFields { flags: Flags::SYN | flags, ..ecn_syn }).expect("no SYN,ACK");
        assert_eq!(reply.flags.contains(Flags::ECE), expected, "SYN with {flags} and {ecn:?}");
        assert!(!reply.flags.contains(Flags::CWR), "the SYN,ACK has CWR");
        node.wait(Duration::from_secs(1));
        let (again, _) = node.transmit().expect("the SYN,ACK was not sent again");
        assert_eq!(again.flags, reply.flags);
        node.receive(&answer(&reply));
        let id = node.tcp.accept(listener).expect("no connection");
        assert_eq!(node.tcp.info(id).map(|info| info.has_ecn), Some(expected));
    }
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    node.receive(&ecn_syn);
    let reply = node.receive(&SegmentFields { flags: Flags::SYN, ..ecn_syn }).expect("no SYN,ACK");
    assert_eq!(reply.flags, Flags::SYN | Flags::ACK);
    node.receive(&answer(&reply));
    let id = node.tcp.accept(listener).expect("no connection");
    assert_eq!(node.tcp.info(id).map(|info| info.has_ecn), Some(false));
}

// proves: tcp-no-congestion-control
#[test]
fn listener_without_congestion_control_does_not_accept_ecn() {
    let mut node = Node::new(TcpLimits::default());
    let local = Binding { addresses: (*server().ip()).into(), port: server().port() };
    let uncontrolled = TcpSettings { congestion: CongestionControl::None, ..settings() };
    node.tcp.listen(local, 5, &uncontrolled).expect("the port is in use");
    let ecn_syn = SegmentFields { flags: Flags::SYN | Flags::ECE | Flags::CWR, ..syn(client(1)) };
    let reply = node.receive(&ecn_syn).expect("no SYN,ACK");
    assert_eq!(reply.flags, Flags::SYN | Flags::ACK);
}
