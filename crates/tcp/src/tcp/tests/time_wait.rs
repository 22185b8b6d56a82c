//! Connections in TIME-WAIT that their users have closed, and their reuse (RFC 6191).

use super::*;

/// Closes a connection of a client from the server's side. Returns the client's last acknowledgment.
fn closed(node: &mut Node, listener: ListenerId, syn: &SegmentFields) -> SegmentFields {
    let syn_ack = node.receive(syn).expect("no SYN,ACK");
    let ack = answer(&syn_ack);
    node.receive(&ack);
    let id = node.tcp.accept(listener).expect("no connection");
    node.tcp.close(node.now, id, &mut node.pool);
    let (fin, _) = node.transmit().expect("no FIN");
    assert!(fin.flags.contains(Flags::FIN));
    let mut last = answer(&fin.fields());
    last.sequence = ack.sequence;
    last.flags = Flags::FIN | Flags::ACK;
    if let (Some(old), Some(new)) = (ack.options.timestamps, &mut last.options.timestamps) {
        new.value = old.value + 1;
    }
    node.receive(&last);
    let answers = node.transmit_all();
    assert_eq!(answers.len(), 1, "the FIN was not acknowledged");
    assert_eq!(answers[0].0.acknowledgment, last.sequence.plus(1));
    assert_eq!(node.tcp.totals(), TcpTotals { time_wait: 1, ..TcpTotals::default() });
    last
}

fn start(options: bool) -> (Node, ListenerId, SegmentFields) {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    let syn = if options { syn_with_options(client(1), 77) } else { syn(client(1)) };
    let last = closed(&mut node, listener, &syn);
    (node, listener, last)
}

// proves: rfc9293-time-wait
#[test]
fn time_wait_lasts_60_seconds() {
    let (mut node, _, _) = start(false);
    node.wait(Duration::from_millis(59_999));
    assert_eq!(node.tcp.totals().time_wait, 1);
    node.wait(Duration::from_millis(1));
    assert_eq!(node.tcp.totals(), TcpTotals::default());
}

// proves: rfc9293-time-wait-fin
#[test]
fn repeated_fin_is_acknowledged_and_restarts_time_wait() {
    for has_options in [false, true] {
        let (mut node, _, last) = start(has_options);
        node.wait(Duration::from_secs(50));
        let reply = node.receive(&last).expect("the FIN was not acknowledged");
        assert_eq!((reply.flags, reply.acknowledgment), (Flags::ACK, last.sequence.plus(1)));
        assert_eq!(reply.sequence, last.acknowledgment);
        assert_eq!(reply.options.timestamps.is_some(), has_options);
        // The FIN takes a byte of the window, which is scaled by 7 if the SYN segments had the option.
        assert_eq!(reply.window, if has_options { 512 } else { 65_534 });
        node.wait(Duration::from_secs(50));
        assert_eq!(node.tcp.totals().time_wait, 1, "TIME-WAIT was not restarted");
        node.wait(Duration::from_secs(10));
        assert_eq!(node.tcp.totals().time_wait, 0);
    }
}

#[test]
fn other_segments_outside_the_window_do_not_restart_time_wait() {
    let (mut node, _, last) = start(false);
    node.wait(Duration::from_secs(50));
    let other = SegmentFields { sequence: last.sequence.minus(1), ..last };
    assert!(node.receive(&other).is_some(), "no acknowledgment");
    let without_fin = SegmentFields { flags: Flags::ACK, ..last };
    assert!(node.receive_data(&without_fin, b"x").reply.is_some(), "no acknowledgment");
    node.wait(Duration::from_secs(10));
    assert_eq!(node.tcp.totals().time_wait, 0, "TIME-WAIT was restarted");
}

// proves: rfc9293-text-ignored
#[test]
fn segments_in_window_are_ignored_and_reset_does_not_end_time_wait() {
    let (mut node, _, last) = start(false);
    let next = SegmentFields { sequence: last.sequence.plus(1), flags: Flags::ACK, ..last };
    let reception = node.receive_data(&next, b"late");
    assert_eq!(reception.outcome, SegmentOutcome::Dropped(TcpDropReason::TimeWait));
    assert_eq!(reception.reply, None);
    let reset = SegmentFields { flags: Flags::RST, ..next };
    assert_eq!(node.reason(&reset), Some(TcpDropReason::ResetInTimeWait));
    assert_eq!(node.receive(&SegmentFields { sequence: last.sequence.minus(9), ..reset }), None);
    assert_eq!(node.tcp.totals().time_wait, 1);
    assert_eq!(node.pool.held(), 0, "a frame was lost");
}

// proves: tcp-ack-loop
#[test]
fn acknowledgments_of_empty_segments_are_limited() {
    let (mut node, _, last) = start(false);
    let old = SegmentFields { sequence: last.sequence.minus(9), flags: Flags::ACK, ..last };
    let replies = (0..1000).filter(|_| {
        node.wait(Duration::from_millis(1));
        node.receive(&old).is_some()
    });
    assert_eq!(replies.count(), 2);
    // The peer repeats data because an acknowledgment was lost.
    for _ in 0..2 {
        assert!(node.receive_data(&old, b"data").reply.is_some(), "repeated data is not acknowledged");
    }
}

/// Returns whether a SYN replaces the connection. The other SYN is answered with an acknowledgment.
fn replaces(node: &mut Node, syn: &SegmentFields) -> bool {
    let reply = node.receive(syn).expect("no reply");
    if reply.flags == Flags::SYN | Flags::ACK {
        assert_eq!((node.tcp.totals().time_wait, node.tcp.totals().half_open), (0, 1));
        return true;
    }
    assert_eq!(reply.flags, Flags::ACK);
    assert_eq!((node.tcp.totals().time_wait, node.tcp.totals().half_open), (1, 0));
    false
}

// proves: rfc6191-timestamps, rfc6191-sequence, rfc6191-refused, rfc9293-time-wait-reuse
#[test]
fn syn_replaces_connection_if_timestamp_or_sequence_number_is_later() {
    let fin = 1001;
    // The last timestamp of the peer is 79. Without options, no timestamp is known.
    for (had_timestamps, clock, sequence, expected) in [
        (true, Some(80), 1, true),
        (true, Some(79), fin + 1, true),
        (true, Some(79), fin, false),
        (true, Some(78), fin + 1, false),
        (true, None, fin + 1, true),
        (true, None, fin, false),
        (false, Some(1), 1, true),
        (false, None, fin + 1, true),
        (false, None, fin, false),
    ] {
        let (mut node, _, _) = start(had_timestamps);
        let mut segment = syn_with_options(client(1), clock.unwrap_or_default());
        segment.options.timestamps = segment.options.timestamps.filter(|_| clock.is_some());
        segment.sequence = SequenceNumber::new(sequence);
        let is_replaced = replaces(&mut node, &segment);
        assert_eq!(is_replaced, expected, "{had_timestamps} {clock:?} {sequence}");
        assert_eq!(node.tcp.counters().time_wait_reused, u64::from(expected));
    }
}

// proves: rfc6191-initial
#[test]
fn initial_sequence_number_is_above_that_of_the_replaced_connection() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    // The old connection has sent more than the clock of the initial sequence numbers permits.
    let state = crate::tcp::time_wait::TimeWait {
        local: server(),
        peer: client(1),
        send_next: node.tcp.numbers.select(node.now, server(), client(1)).plus(1_000_000),
        receive_next: SequenceNumber::new(1000),
        receive_window: 1000,
        window: 1000,
        timestamp: None,
        length: Duration::from_mins(1),
        service: crate::SegmentService::default(),
    };
    node.tcp
        .places
        .insert(Entry::TimeWait(0), PATH.interface, server(), client(1))
        .expect("the entry exists");
    node.tcp.time_waits.insert(node.now, &state);
    let reply = node.receive(&syn(client(1))).expect("no SYN,ACK");
    assert_eq!(reply.flags, Flags::SYN | Flags::ACK);
    assert!(
        state.send_next.is_before(reply.sequence),
        "the initial sequence number is not above the last one"
    );
    node.receive(&answer(&reply));
    assert!(node.tcp.accept(listener).is_some(), "no connection");
}

// proves: rfc6191-initial
#[test]
fn initial_sequence_number_is_that_of_the_clock_if_the_clock_is_ahead() {
    let (mut node, _, last) = start(false);
    node.wait(Duration::from_secs(10));
    let later = SegmentFields { sequence: last.sequence.plus(2), ..syn(client(1)) };
    let reply = node.receive(&later).expect("no SYN,ACK");
    assert_eq!(reply.flags, Flags::SYN | Flags::ACK);
    assert_eq!(reply.sequence, node.tcp.numbers.select(node.now, server(), client(1)));
}

// proves: rfc6191-initial, rfc6191-refused
#[test]
fn syn_that_a_cookie_would_answer_replaces_nothing() {
    let mut node = Node::new(TcpLimits { half_open: 0, ..TcpLimits::default() });
    let listener = node.listen(5);
    closed(&mut node, listener, &syn(client(1)));
    let later = SegmentFields { sequence: SequenceNumber::new(5000), ..syn(client(1)) };
    assert!(!replaces(&mut node, &later), "the new connection has a cookie as its initial sequence number");
}

// proves: rfc6191-refused
#[test]
fn syn_without_listener_or_with_other_flags_replaces_nothing() {
    let (mut node, listener, _) = start(false);
    let later = SegmentFields { sequence: SequenceNumber::new(5000), ..syn(client(1)) };
    assert!(!replaces(&mut node, &SegmentFields { flags: Flags::SYN | Flags::FIN, ..later }));
    node.wait(Duration::from_secs(1));
    assert!(!replaces(&mut node, &SegmentFields { flags: Flags::SYN | Flags::ACK, ..later }));
    node.wait(Duration::from_secs(1));
    node.tcp.close_listener(node.now, listener, &mut node.pool);
    assert!(!replaces(&mut node, &later));
}

// proves: tcp-time-wait-bound
#[test]
fn oldest_connection_in_time_wait_ends_early_when_table_is_full() {
    let mut node = Node::new(TcpLimits { time_wait: 2, ..TcpLimits::default() });
    let listener = node.listen(5);
    for number in 0..5 {
        let ack = node.connect_from(client(number));
        let id = node.tcp.accept(listener).expect("no connection");
        node.tcp.close(node.now, id, &mut node.pool);
        let (fin, _) = node.transmit().expect("no FIN");
        let last =
            SegmentFields { flags: Flags::FIN | Flags::ACK, sequence: ack.sequence, ..answer(&fin.fields()) };
        node.receive(&last);
        node.transmit_all();
        node.wait(Duration::from_millis(1));
    }
    assert_eq!((node.tcp.totals().time_wait, node.tcp.counters().time_wait_evicted), (2, 3));
    let old = from_client(client(0), Flags::ACK, 1, 2);
    assert_eq!(node.reason(&old), Some(TcpDropReason::AckToListener));
    node.wait(Duration::from_secs(61));
    assert_eq!(node.tcp.totals(), TcpTotals::default());
}

// proves: tcp-ephemeral-ports
#[test]
fn port_in_time_wait_is_used_last_and_only_with_timestamps() {
    let mut node = Node::new(TcpLimits { connections: 40_000, ..TcpLimits::default() });
    let connect = Connect {
        local: *client(0).ip(),
        port: None,
        peer: server(),
        interface: PATH.interface,
        interface_mtu: 1500,
        mtu: 1500,
        settings: settings(),
    };
    let ports = EphemeralPorts::RANGE;
    let waiting = [ports.start() + 7, ports.start() + 8];
    for (place, (port, timestamp)) in (0..).zip(waiting.into_iter().zip([None, Some(1)])) {
        let local = SocketAddrV4::new(connect.local, port);
        let state = crate::tcp::time_wait::TimeWait {
            local,
            peer: server(),
            send_next: SequenceNumber::new(1),
            receive_next: SequenceNumber::new(2),
            receive_window: 3,
            window: 4,
            timestamp,
            length: Duration::from_mins(1),
            service: crate::SegmentService::default(),
        };
        node.tcp
            .places
            .insert(Entry::TimeWait(place), PATH.interface, local, server())
            .expect("the entry exists");
        node.tcp.time_waits.insert(node.now, &state);
    }
    let mut last = None;
    node.now = node.now + Duration::from_secs(2);
    while let Ok(id) = node.tcp.connect(node.now, &connect) {
        last = node.tcp.addresses(id).map(|addresses| addresses.local.port());
    }
    assert_eq!(last, Some(waiting[1]), "the last port is not the one in TIME-WAIT with timestamps");
    assert_eq!(node.tcp.totals().connections, ports.len() - 1);
    assert_eq!(node.tcp.connect(node.now, &connect), Err(TcpError::NoFreePort));
}

// proves: rfc6191-sequence, rfc6191-initial, rfc6191-refused, rfc9293-time-wait-reuse
#[test]
fn syn_replaces_connection_in_time_wait_that_its_user_has_not_closed() {
    for (sequence, expected) in [(1_006, false), (1_007, true)] {
        let mut node = Node::new(TcpLimits::default());
        let listener = node.listen(5);
        let ack = node.connect_from(client(1));
        let id = node.tcp.accept(listener).expect("no connection");
        node.tcp.shutdown(node.now, id).expect("the connection is closed");
        let (fin, _) = node.transmit().expect("no FIN");
        let last =
            SegmentFields { flags: Flags::FIN | Flags::ACK, acknowledgment: fin.sequence.plus(1), ..ack };
        node.receive_data(&last, b"data!");
        node.transmit_all();
        assert_eq!(node.status(id).state, State::TimeWait);
        node.ready();

        let reply = node.receive(&from_client(client(1), Flags::SYN, sequence, 0)).expect("no reply");
        let flags = if expected { Flags::SYN | Flags::ACK } else { Flags::ACK };
        assert_eq!(reply.flags, flags, "sequence number {sequence}");
        let mut buffer = [0; 9];
        assert_eq!(node.tcp.read(node.now, id, &mut buffer, &mut node.pool), Ok(5), "the data is lost");
        assert_eq!(&buffer[..5], b"data!");
        assert_eq!(node.tcp.counters().time_wait_reused, u64::from(expected));
        if expected {
            assert!(fin.sequence.is_before(reply.sequence), "{:?} is not above the FIN", reply.sequence);
            assert_eq!(node.status(id).closed, Some(crate::CloseReason::Closed));
            assert_eq!(node.ready(), [TcpReady::Connection(id)]);
            assert_eq!(node.reason(&answer(&reply)), None, "the handshake was not completed");
            let next = node.tcp.accept(listener).expect("no connection");
            node.tcp.close(node.now, id, &mut node.pool);
            assert_eq!(node.status(next).state, State::Established);
        } else {
            assert_eq!(node.status(id).state, State::TimeWait);
        }
    }
}
