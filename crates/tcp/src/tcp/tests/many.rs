//! Many connections: timers, readiness, memory, lists.

use super::*;

fn open(node: &mut Node, listener: ListenerId, count: u16) -> Vec<ConnectionId> {
    (0..count)
        .map(|number| {
            node.connect_from(client(number));
            node.tcp.accept(listener).expect("no connection")
        })
        .collect()
}

#[test]
fn keep_alives_of_many_connections_are_spread_over_polls() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    let ids = open(&mut node, listener, 3000);
    for id in &ids {
        node.tcp
            .set(node.now, *id, Setting::KeepAlive(Some(crate::KeepAlive::default())))
            .expect("the connection is closed");
    }
    node.transmit_all();
    // Delayed acknowledgments and the like of the handshakes.
    node.wait(Duration::from_secs(10));
    node.wait(Duration::from_secs(10));
    node.now = node.now + Duration::from_hours(2);
    let mut probes = Vec::new();
    let mut polls = 0;
    while node.tcp.deadline().is_some_and(|at| at <= node.now) {
        node.tcp.poll(node.now, &mut node.pool);
        probes.push(node.transmit_all().len());
        polls += 1;
        assert!(polls < 20, "the timers do not end");
    }
    assert_eq!(probes.iter().sum::<usize>(), 3000);
    assert!(probes.iter().all(|count| *count <= Tcp::EXPIRATIONS), "{probes:?}");
}

// proves: tcp-memory-returned
#[test]
fn closed_connections_leave_nothing() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    for round in 0..3 {
        for number in 0..50 {
            let ack = node.connect_from(client(number));
            node.receive_data(&ack, b"request");
            let id = node.tcp.accept(listener).expect("no connection");
            node.tcp.write(node.now, id, b"response", &mut node.pool).expect("the connection is closed");
            if number % 2 == 0 {
                let reset = SegmentFields { flags: Flags::RST, sequence: ack.sequence.plus(7), ..ack };
                node.receive(&reset);
                assert_eq!(node.status(id).closed, Some(crate::CloseReason::Reset));
                node.tcp.close(node.now, id, &mut node.pool);
            } else {
                node.tcp.abort(node.now, id, &mut node.pool);
            }
            node.transmit_all();
        }
        assert_eq!(node.tcp.totals(), TcpTotals::default(), "round {round}");
        assert_eq!(node.pool.held(), 0, "round {round}");
    }
}

#[test]
fn entries_list_everything_and_continue_after_a_number() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    let ids = open(&mut node, listener, 3);
    node.connect_from(client(10));
    node.receive(&syn(client(11))).expect("no SYN,ACK");
    let state = crate::tcp::time_wait::TimeWait {
        local: server(),
        peer: client(12),
        send_next: SequenceNumber::new(1),
        receive_next: SequenceNumber::new(2),
        receive_window: 3,
        window: 4,
        timestamp: None,
        length: Duration::from_mins(1),
        service: crate::SegmentService::default(),
    };
    node.tcp.time_waits.insert(node.now, &state);
    let all: Vec<_> = node.tcp.entries_after(None).collect();
    let kinds: Vec<_> = all
        .iter()
        .map(|(_, entry)| match entry {
            TcpEntry::Connection { id, peer, .. } => (id.is_some(), peer.port()),
            TcpEntry::HalfOpen { peer, .. } | TcpEntry::TimeWait { peer, .. } => (false, peer.port()),
            TcpEntry::Listener { id, binding, queued, half_open, .. } => {
                assert_eq!((*id, *queued, *half_open), (listener, 1, 1));
                (true, binding.port)
            }
        })
        .collect();
    let port = |number| client(number).port();
    assert_eq!(
        kinds,
        [
            (true, port(0)),
            (true, port(1)),
            (true, port(2)),
            (false, port(10)),
            (false, port(11)),
            (false, port(12)),
            (true, 80)
        ]
    );
    assert!(matches!(&all[0].1, TcpEntry::Connection { id: Some(id), .. } if *id == ids[0]));
    for (number, (place, _)) in all.iter().enumerate() {
        let rest: Vec<_> = node.tcp.entries_after(Some(*place)).collect();
        assert_eq!(rest, all[number + 1..], "after {place}");
    }
    for (number, entry) in &all {
        assert_eq!(node.tcp.entry(*number).as_ref(), Some(entry));
        match entry {
            TcpEntry::Connection { id: Some(id), .. } => assert_eq!(node.tcp.connection_number(*id), *number),
            TcpEntry::Listener { id, .. } => assert_eq!(node.tcp.listener_number(*id), *number),
            _ => {}
        }
    }
    assert_eq!((node.tcp.entry(4), node.tcp.entry(u32::MAX)), (None, None), "a free place has an entry");
    assert_eq!(node.tcp.entries_after(Some(u32::MAX)).count(), 0);
}

#[test]
fn limits_are_clamped_and_replaced() {
    let limits = TcpLimits { connections: usize::MAX, ..TcpLimits::default() };
    assert_eq!(Tcp::new(limits, Secret::new(1)).limits().connections, TcpLimits::MAX_ENTRIES);
    let few = TcpLimits { connections: 3, ..limits };
    assert_eq!(Tcp::new(limits, Secret::new(1)).with_limits(few).limits().connections, 3);
}

/// Limits with memory for one send buffer, and for a part of another one.
fn little_memory() -> TcpLimits {
    TcpLimits { memory: 24 << 10, ..TcpLimits::default() }
}

// proves: tcp-memory-bound
#[test]
fn connection_that_waits_for_memory_is_not_ready_before_memory_is_returned() {
    let mut node = Node::new(little_memory());
    let listener = node.listen(5);
    let ids = open(&mut node, listener, 2);
    node.tcp.write(node.now, ids[0], b"first", &mut node.pool).expect("the connection is closed");
    node.ready();
    assert_eq!(node.tcp.write(node.now, ids[1], b"second", &mut node.pool), Ok(0));
    node.tcp.write(node.now, ids[0], b"more", &mut node.pool).expect("the connection is closed");
    assert_eq!(node.ready(), [], "a connection is ready to write, and no memory is free");
    node.tcp.abort(node.now, ids[0], &mut node.pool);
    assert_eq!(node.ready(), [TcpReady::Connection(ids[1])]);
    assert_eq!(node.tcp.write(node.now, ids[1], b"second", &mut node.pool), Ok(6));
}

#[test]
fn connection_with_small_send_buffer_becomes_ready_to_write() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    let ack = node.connect_from(client(1));
    let id = node.tcp.accept(listener).expect("no connection");
    let size = crate::BufferSize { initial: 1_000, maximum: 1_000 };
    node.tcp.set(node.now, id, Setting::SendBuffer(size)).expect("the connection is closed");
    node.ready();
    assert_eq!(node.tcp.write(node.now, id, &[1; 2_000], &mut node.pool), Ok(1_000));
    node.transmit_all();
    node.receive(&SegmentFields { acknowledgment: ack.acknowledgment.plus(1_000), ..ack });
    assert_eq!(node.status(id).writable, 1_000, "the data is not acknowledged");
    assert_eq!(node.ready(), [TcpReady::Connection(id)]);
}

// proves: tcp-writable
#[test]
fn connection_without_a_full_segment_to_send_becomes_ready_to_write() {
    // The window of the peer has nine, nine and eight segments of 536 bytes, so that 0, 176 and 712 bytes wait.
    for (window, waiting, is_ready) in [(5_000, 0, true), (4_824, 176, true), (4_288, 712, false)] {
        let mut node = Node::new(TcpLimits::default());
        let listener = node.listen(5);
        let ack = node.connect_from(client(1));
        let id = node.tcp.accept(listener).expect("no connection");
        let size = crate::BufferSize { initial: 5_000, maximum: 5_000 };
        node.tcp.set(node.now, id, Setting::SendBuffer(size)).expect("the connection is closed");
        node.receive(&SegmentFields { window, ..ack });
        node.ready();
        assert_eq!(node.tcp.write(node.now, id, &[1; 6_000], &mut node.pool), Ok(5_000));
        node.transmit_all();
        let acknowledgment = ack.acknowledgment.plus(536);
        node.receive(&SegmentFields { window: window - 536, acknowledgment, ..ack });
        assert_eq!(node.tcp.info(id).map(|info| info.unsent), Some(waiting));
        assert_eq!(node.ready() == [TcpReady::Connection(id)], is_ready, "{waiting} bytes wait");
    }
}

// proves: tcp-writable
#[test]
fn writes_of_a_waiting_user_have_a_full_segment() {
    let data = vec![1; 40_000];
    // The peer's window permits the whole buffer in flight, or leaves more than a segment waiting.
    for (window, smallest) in [(60_000, 600), (8_000, 4_100)] {
        let mut node = Node::new(TcpLimits::default());
        let listener = node.listen(5);
        let ack = node.connect_from(client(1));
        let id = node.tcp.accept(listener).expect("no connection");
        let size = crate::BufferSize { initial: 20_000, maximum: 20_000 };
        node.tcp.set(node.now, id, Setting::SendBuffer(size)).expect("the connection is closed");
        node.receive(&SegmentFields { window, ..ack });
        node.ready();
        assert_eq!(node.tcp.write(node.now, id, &data, &mut node.pool), Ok(20_000));
        let mut writes = Vec::new();
        for acknowledged in (100..60_000).step_by(100) {
            node.transmit_all();
            let acknowledgment = ack.acknowledgment.plus(acknowledged);
            node.receive(&SegmentFields { acknowledgment, window, ..ack });
            if !node.ready().is_empty() {
                let written = node.tcp.write(node.now, id, &data, &mut node.pool);
                writes.push(written.expect("the connection is closed"));
            }
        }
        assert_eq!(
            writes.iter().min(),
            Some(&smallest),
            "window of {window}: a write is too small, or too late"
        );
    }
}

// proves: tcp-interface
#[test]
fn segments_of_another_interface_with_equal_addresses_do_not_reach_a_connection() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    let ack = node.connect_from(client(1));
    let first = node.tcp.accept(listener).expect("no connection");
    node.tcp.write(node.now, first, b"data", &mut node.pool).expect("the connection is closed");
    node.transmit_all();

    let other = Path { interface: InterfaceId(1), ..PATH };
    let on_other = |node: &mut Node, fields: &SegmentFields, data: &[u8]| {
        let (segment, frame) = segment(fields, data, &mut node.pool);
        node.tcp.receive(node.now, &other, &segment, frame, &mut node.pool)
    };
    let quoted = QuotedSegment {
        interface: other.interface,
        local: server(),
        peer: client(1),
        sequence: ack.acknowledgment,
    };
    assert!(
        !node.tcp.icmp_error(node.now, &quoted, PathProblem::HostUnreachable, &mut node.pool),
        "the connection has an error"
    );
    for flags in [Flags::ACK, Flags::RST | Flags::ACK] {
        let reception = on_other(&mut node, &SegmentFields { flags, ..ack }, b"");
        assert!(matches!(reception.outcome, SegmentOutcome::Dropped(_)), "{flags:?}: {reception:?}");
    }
    assert_eq!(node.status(first).state, State::Established);

    let syn_ack = on_other(&mut node, &syn(client(1)), b"").reply.expect("no SYN,ACK");
    assert_eq!(on_other(&mut node, &answer(&syn_ack), b"other").outcome, SegmentOutcome::Accepted);
    let second = node.tcp.accept(listener).expect("no connection");
    assert_eq!((node.status(first).readable, node.status(second).readable), (0, 5));
    assert_eq!(node.tcp.addresses(second).map(|addresses| addresses.interface), Some(other.interface));
    node.receive_data(&ack, b"first");
    assert_eq!((node.status(first).readable, node.status(second).readable), (5, 5));
}

#[test]
fn listener_without_a_port_gets_a_port_that_no_listener_has() {
    let mut node = Node::new(TcpLimits::default());
    let at = |port| Binding { addresses: "0.0.0.0/0".parse().unwrap(), port };
    let listen = |node: &mut Node, port| node.tcp.listen(at(port), 1, &settings());
    let mut ids = Vec::new();
    for port in (32_768..=60_999).filter(|port| *port != 50_000) {
        ids.push(listen(&mut node, port).expect("the listener was refused"));
    }
    let free = listen(&mut node, 0).expect("a port is free");
    assert_eq!(node.tcp.binding(free), Some(at(50_000)));
    assert_eq!(listen(&mut node, 0), Err(TcpError::NoFreePort));
    node.tcp.close_listener(node.now, ids[7], &mut node.pool);
    let again = listen(&mut node, 0).expect("the port of a closed listener is free");
    assert_eq!(node.tcp.binding(again), Some(at(32_775)));
}

// proves: tcp-memory-window
#[test]
fn window_that_waited_for_memory_is_announced_when_memory_is_free() {
    let size = crate::BufferSize { initial: 8_192, maximum: 8_192 };
    let mut node = Node::new(TcpLimits { memory: 60_000, ..TcpLimits::default() });
    let local = Binding { addresses: (*server().ip()).into(), port: server().port() };
    let receiving = TcpSettings { receive_buffer: size, ..settings() };
    let listener = node.tcp.listen(local, 50, &receiving).expect("the listener was refused");
    let give = |node: &mut Node, ack: &mut SegmentFields, length: usize| {
        node.receive_data(ack, &vec![7; length]);
        ack.sequence = ack.sequence.plus(u32::try_from(length).unwrap());
    };
    let mut first = node.connect_from(client(0));
    let waiting = node.tcp.accept(listener).expect("no connection");
    // The peer uses the whole window, and the other connections fill the memory.
    for length in [1_400, 1_400, 1_400, 1_400, 1_400, 1_192] {
        give(&mut node, &mut first, length);
    }
    let held = node.tcp.totals().memory;
    let mut others = Vec::new();
    while node.tcp.totals().memory < 60_000 + held {
        let mut other = node.connect_from(client(1 + u16::try_from(others.len()).unwrap()));
        others.push(node.tcp.accept(listener).expect("no connection"));
        for _ in 0..5 {
            give(&mut node, &mut other, 1_400);
        }
    }
    let of_first = |sent: Vec<(Segment, Vec<u8>)>| {
        sent.into_iter()
            .filter(|(segment, _)| segment.destination == client(0))
            .map(|(segment, _)| segment.window)
            .collect::<Vec<_>>()
    };
    assert_eq!(of_first(node.transmit_all()), [0], "the window is not used");
    let mut buffer = [0; 10_000];
    assert_eq!(node.tcp.read(node.now, waiting, &mut buffer, &mut node.pool), Ok(8_192));
    assert_eq!(of_first(node.transmit_all()), [], "the window moves while the memory is full");
    for other in &others {
        node.tcp.abort(node.now, *other, &mut node.pool);
    }
    assert_eq!(of_first(node.transmit_all()), [8_192], "the peer does not learn that memory is free");
    // The connection waits no longer.
    node.tcp.abort(node.now, waiting, &mut node.pool);
    assert_eq!(node.tcp.totals(), TcpTotals::default());
}
