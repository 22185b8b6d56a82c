//! Connections of users: open, transfer, close.

use super::*;

/// Two hosts, and a wire that loses nothing.
struct Pair {
    server: Node,
    client: Node,
}

impl Pair {
    fn new() -> Pair {
        Pair { server: Node::new(TcpLimits::default()), client: Node::new(TcpLimits::default()) }
    }

    /// Exchanges segments until both hosts have nothing to send.
    fn exchange(&mut self) {
        loop {
            let mut replies = Vec::new();
            for (segment, data) in self.client.transmit_all() {
                replies.extend(self.server.receive_data(&segment.fields(), &data).reply);
            }
            for (segment, data) in self.server.transmit_all() {
                replies.extend(self.client.receive_data(&segment.fields(), &data).reply);
            }
            while let Some(reply) = replies.pop() {
                let to =
                    if reply.destination.ip() == server().ip() { &mut self.server } else { &mut self.client };
                replies.extend(to.receive(&reply));
            }
            if !self.client.tcp.has_output(PATH.interface) && !self.server.tcp.has_output(PATH.interface) {
                return;
            }
        }
    }

    fn wait(&mut self, time: Duration) {
        self.server.wait(time);
        self.client.wait(time);
        self.exchange();
    }

    /// Opens a connection, and returns both ends.
    fn open(&mut self) -> (ConnectionId, ConnectionId) {
        let listener = self.server.listen(5);
        let client = connect(&mut self.client, None).expect("the connection was refused");
        self.exchange();
        (client, self.server.tcp.accept(listener).expect("no connection"))
    }
}

fn connect(node: &mut Node, port: Option<u16>) -> Result<ConnectionId, TcpError> {
    let connect = Connect {
        local: *client(0).ip(),
        port,
        peer: server(),
        interface: PATH.interface,
        interface_mtu: PATH.interface_mtu,
        mtu: PATH.mtu,
        settings: settings(),
    };
    node.tcp.connect(node.now, &connect)
}

fn read(node: &mut Node, id: ConnectionId) -> Vec<u8> {
    let mut buffer = [0; 4096];
    let length = node.tcp.read(node.now, id, &mut buffer, &mut node.pool).expect("the connection is closed");
    buffer[..length].to_vec()
}

#[test]
fn two_hosts_exchange_data_and_close() {
    let mut pair = Pair::new();
    let (client, server) = pair.open();
    assert_eq!(pair.client.ready(), [TcpReady::Connection(client)]);
    let Pair { client: node, .. } = &mut pair;
    assert_eq!(node.tcp.write(node.now, client, b"request", &mut node.pool), Ok(7));
    pair.exchange();
    assert_eq!(read(&mut pair.server, server), b"request");
    let Pair { server: node, .. } = &mut pair;
    assert_eq!(node.tcp.write(node.now, server, b"response", &mut node.pool), Ok(8));
    node.tcp.close(node.now, server, &mut node.pool);
    pair.exchange();
    assert_eq!(read(&mut pair.client, client), b"response");
    assert!(pair.client.status(client).is_end_of_data, "no end of data");
    pair.client.tcp.close(pair.client.now, client, &mut pair.client.pool);
    pair.exchange();
    // The server closed first, so it waits.
    assert_eq!(pair.client.tcp.totals(), TcpTotals::default());
    assert_eq!(pair.server.tcp.totals(), TcpTotals { time_wait: 1, ..TcpTotals::default() });
    pair.wait(Duration::from_secs(61));
    assert_eq!(pair.server.tcp.totals(), TcpTotals::default());
    assert_eq!((pair.client.pool.held(), pair.server.pool.held()), (0, 0));
}

// proves: rfc9293-events
#[test]
fn changed_connection_is_ready_once_until_next_change() {
    let mut pair = Pair::new();
    let (client, server) = pair.open();
    pair.server.ready();
    for data in [b"one", b"two"] {
        let Pair { client: node, .. } = &mut pair;
        node.tcp.write(node.now, client, data, &mut node.pool).expect("the connection is closed");
        pair.exchange();
    }
    assert_eq!(pair.server.ready(), [TcpReady::Connection(server)]);
    assert_eq!(pair.server.ready(), []);
    assert_eq!(read(&mut pair.server, server), b"onetwo");
    assert_eq!(pair.server.ready(), [], "reading made the connection ready");
    pair.client.tcp.shutdown(pair.client.now, client).expect("the connection is closed");
    pair.exchange();
    assert_eq!(pair.server.ready(), [TcpReady::Connection(server)]);
}

#[test]
fn writer_is_ready_when_full_buffer_has_capacity() {
    let mut pair = Pair::new();
    let (client, server) = pair.open();
    pair.client.ready();
    let data = vec![7; 100_000];
    let mut sent = 0;
    let mut received = 0;
    let Pair { client: node, .. } = &mut pair;
    sent += node.tcp.write(node.now, client, &data, &mut node.pool).expect("the connection is closed");
    assert!(sent < data.len(), "the buffer took all data");
    assert_eq!(node.ready(), [], "the connection is ready while its buffer is full");
    while received < data.len() {
        pair.exchange();
        received += read(&mut pair.server, server).len();
        let Pair { client: node, .. } = &mut pair;
        if node.ready() == [TcpReady::Connection(client)] {
            let rest = &data[sent..];
            sent += node.tcp.write(node.now, client, rest, &mut node.pool).expect("the connection is closed");
        }
        pair.wait(Duration::from_millis(50));
    }
    assert_eq!((sent, received), (data.len(), data.len()));
}

// proves: tcp-memory-bound
#[test]
fn writer_without_memory_is_ready_when_memory_is_released() {
    let limits = TcpLimits { memory: 64 << 10, ..TcpLimits::default() };
    let mut pair = Pair { client: Node::new(limits), ..Pair::new() };
    pair.server.listen(10);
    let ids: Vec<_> = (0..5).map(|_| connect(&mut pair.client, None).expect("refused")).collect();
    pair.exchange();
    pair.client.ready();
    let Node { tcp, pool, now, .. } = &mut pair.client;
    let written: Vec<_> = ids.iter().map(|id| tcp.write(*now, *id, &[1; 16 << 10], pool)).collect();
    assert_eq!(written, [Ok(16 << 10), Ok(16 << 10), Ok(16 << 10), Ok(16 << 10), Ok(0)]);
    assert_eq!(tcp.totals().memory, 64 << 10);
    assert_eq!(pair.client.ready(), []);
    let Node { tcp, pool, now, .. } = &mut pair.client;
    tcp.abort(*now, ids[0], pool);
    assert_eq!(pair.client.ready(), [TcpReady::Connection(ids[4])]);
}

#[test]
fn write_and_read_fail_after_close() {
    let mut pair = Pair::new();
    let (client, _) = pair.open();
    let Pair { client: node, .. } = &mut pair;
    node.tcp.shutdown(node.now, client).expect("the connection is closed");
    assert_eq!(node.tcp.write(node.now, client, b"x", &mut node.pool), Err(TcpError::Closed));
    node.tcp.close(node.now, client, &mut node.pool);
    assert_eq!(node.tcp.read(node.now, client, &mut [0], &mut node.pool), Err(TcpError::Closed));
    assert_eq!((node.tcp.status(client), node.tcp.info(client), node.tcp.chunk(client)), (None, None, None));
    assert_eq!(node.tcp.shutdown(node.now, client), Err(TcpError::Closed));
    assert_eq!(node.tcp.set(node.now, client, Setting::Nagle(false)), Err(TcpError::Closed));
}

// proves: tcp-generation
#[test]
fn identifier_of_closed_connection_is_never_that_of_another_one() {
    let mut node = Node::new(TcpLimits::default());
    let mut ids = Vec::new();
    for _ in 0..10 {
        let id = connect(&mut node, None).expect("the connection was refused");
        assert!(!ids.contains(&id), "an identifier was used twice");
        node.tcp.abort(node.now, id, &mut node.pool);
        assert_eq!(node.tcp.status(id), None);
        ids.push(id);
    }
    assert!(ids.iter().all(|id| id.index == 0), "the places are not used again");
}

// proves: rfc9293-close-unread, rfc9293-abort
#[test]
fn close_with_unread_data_and_abort_send_a_reset() {
    for is_abort in [false, true] {
        let mut pair = Pair::new();
        let (client, server) = pair.open();
        let Pair { client: node, .. } = &mut pair;
        node.tcp.write(node.now, client, b"unread", &mut node.pool).expect("the connection is closed");
        pair.exchange();
        let Pair { server: node, .. } = &mut pair;
        if is_abort {
            node.tcp.abort(node.now, server, &mut node.pool);
        } else {
            node.tcp.close(node.now, server, &mut node.pool);
        }
        pair.exchange();
        assert_eq!(pair.client.status(client).closed, Some(crate::CloseReason::Reset));
        assert_eq!(pair.server.tcp.totals(), TcpTotals::default());
        assert_eq!(pair.server.pool.held(), 0, "a frame was lost");
    }
}

// proves: tcp-orphans
#[test]
fn closed_connection_beyond_the_limit_is_reset_and_counted() {
    let limits = TcpLimits { orphans: 1, ..TcpLimits::default() };
    let mut pair = Pair { client: Node::new(limits), ..Pair::new() };
    pair.server.listen(5);
    let ids = [(); 3].map(|()| connect(&mut pair.client, None).expect("the connection was refused"));
    pair.exchange();
    for id in ids {
        pair.client.tcp.close(pair.client.now, id, &mut pair.client.pool);
    }
    assert_eq!((pair.client.tcp.totals().orphans, pair.client.tcp.counters().orphans_reset), (1, 2));
    let sent = pair.client.transmit_all();
    let resets = sent.iter().filter(|(segment, _)| segment.flags.contains(Flags::RST)).count();
    assert_eq!((resets, sent.len()), (2, 3));
}

// proves: rfc9293-open-unicast
#[test]
fn connection_to_invalid_peer_is_refused() {
    let mut node = Node::new(TcpLimits::default());
    let local = *client(0).ip();
    for peer in
        ["224.0.0.1:80", "255.255.255.255:80", "127.0.0.1:80", "0.0.0.0:80", "10.0.0.1:0", "10.0.0.2:80"]
    {
        let connect = Connect {
            local,
            port: None,
            peer: peer.parse().unwrap(),
            interface: PATH.interface,
            interface_mtu: 1500,
            mtu: 1500,
            settings: settings(),
        };
        assert_eq!(node.tcp.connect(node.now, &connect), Err(TcpError::InvalidPeer), "{peer}");
    }
    assert_eq!(node.tcp.totals(), TcpTotals::default());
}

// proves: rfc9293-local-address, tcp-ephemeral-ports
#[test]
fn connections_have_the_local_address_of_the_user_and_different_ports() {
    let mut node = Node::new(TcpLimits::default());
    let mut ports: Vec<u16> = (0..100)
        .map(|_| {
            let id = connect(&mut node, None).expect("the connection was refused");
            let addresses = node.tcp.addresses(id).expect("no such connection");
            assert_eq!(addresses.local.ip(), client(0).ip());
            addresses.local.port()
        })
        .collect();
    assert!(ports.iter().all(|port| EphemeralPorts::RANGE.contains(port)));
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 100);
    let first = connect(&mut node, Some(5000)).expect("the connection was refused");
    assert_eq!(connect(&mut node, Some(5000)), Err(TcpError::AddressInUse));
    assert_eq!(node.tcp.addresses(first).map(|addresses| addresses.local.port()), Some(5000));
}

// proves: tcp-connections-bound
#[test]
fn number_of_connections_and_listeners_is_bounded() {
    let mut node = Node::new(TcpLimits { connections: 2, listeners: 1, ..TcpLimits::default() });
    for expected in [true, true, false] {
        assert_eq!(connect(&mut node, None).is_ok(), expected);
    }
    assert_eq!(connect(&mut node, None), Err(TcpError::TooManyConnections));
    node.listen(1);
    let other = Binding { addresses: (*server().ip()).into(), port: 81 };
    assert_eq!(node.tcp.listen(other, 1, &settings()), Err(TcpError::TooManyListeners));
}

#[test]
fn address_of_failed_connection_is_free_before_its_user_closes_it() {
    let mut node = Node::new(TcpLimits::default());
    let id = connect(&mut node, Some(5000)).expect("the connection was refused");
    let (syn, _) = node.transmit().expect("no SYN");
    let reset = SegmentFields { flags: Flags::RST | Flags::ACK, ..answer(&syn.fields()) };
    node.receive(&reset);
    assert_eq!(node.status(id).closed, Some(crate::CloseReason::Refused));
    assert_eq!(node.ready(), [TcpReady::Connection(id)]);
    let next = connect(&mut node, Some(5000)).expect("the address is still in use");
    node.tcp.close(node.now, id, &mut node.pool);
    assert_eq!(node.status(next).state, State::SynSent);
    assert!(node.receive(&reset).is_none() && node.tcp.addresses(next).is_some());
}

// proves: rfc9293-service
#[test]
fn settings_change_time_to_live_and_type_of_service() {
    let mut pair = Pair::new();
    let (client, _) = pair.open();
    let Node { tcp, pool, now, offloads } = &mut pair.client;
    tcp.set(*now, client, Setting::TimeToLive(Some(9))).expect("the connection is closed");
    tcp.set(*now, client, Setting::TypeOfService(0x10)).expect("the connection is closed");
    tcp.write(*now, client, b"x", pool).expect("the connection is closed");
    let departure = tcp.transmit(*now, PATH.interface, *offloads, pool).expect("no segment");
    assert_eq!((departure.time_to_live, departure.type_of_service), (Some(9), 0x10));
    pool.give(departure.frame);
}

// proves: rfc5927-sequence
#[test]
fn icmp_error_reaches_the_connection_with_its_sequence_number_only() {
    let mut node = Node::new(TcpLimits::default());
    let id = connect(&mut node, Some(5000)).expect("the connection was refused");
    let (syn, _) = node.transmit().expect("no SYN");
    let quoted = QuotedSegment {
        interface: PATH.interface,
        local: syn.source,
        peer: syn.destination,
        sequence: syn.sequence,
    };
    let forged = QuotedSegment { sequence: syn.sequence.plus(1), ..quoted };
    assert!(!node.tcp.icmp_error(node.now, &forged, PathProblem::PortUnreachable, &mut node.pool));
    let other = QuotedSegment { local: client(9), ..quoted };
    assert!(!node.tcp.icmp_error(node.now, &other, PathProblem::PortUnreachable, &mut node.pool));
    assert_eq!(node.status(id).closed, None);
    assert!(node.tcp.icmp_error(node.now, &quoted, PathProblem::PortUnreachable, &mut node.pool));
    assert_eq!(node.status(id).closed, Some(crate::CloseReason::Refused));
    assert_eq!(node.ready(), [TcpReady::Connection(id)]);
}

// proves: tcp-memory-returned
#[test]
fn connection_that_an_icmp_error_ends_keeps_no_memory() {
    for is_closed in [true, false] {
        let mut node = Node::new(TcpLimits::default());
        let id = connect(&mut node, Some(5000)).expect("the connection was refused");
        node.tcp.write(node.now, id, b"data", &mut node.pool).expect("the connection is closed");
        let (syn, _) = node.transmit().expect("no SYN");
        // Both sides open the connection at the same time.
        node.receive(&SegmentFields { flags: Flags::SYN, ..answer(&syn.fields()) });
        node.transmit().expect("no SYN,ACK");
        if is_closed {
            node.tcp.close(node.now, id, &mut node.pool);
        }
        let quoted = QuotedSegment {
            interface: PATH.interface,
            local: syn.source,
            peer: syn.destination,
            sequence: syn.sequence,
        };
        assert!(node.tcp.icmp_error(node.now, &quoted, PathProblem::PortUnreachable, &mut node.pool));
        let connections = usize::from(!is_closed);
        assert_eq!(node.tcp.totals(), TcpTotals { connections, ..TcpTotals::default() });
        assert_eq!(node.pool.held(), 0, "a frame was lost");
    }
}

// proves: rfc9293-syn-retransmission, tcp-unsent
#[test]
fn connection_ends_if_no_device_accepts_its_syn() {
    for (user_timeout, seconds) in [(None, 180), (Some(Duration::from_secs(10)), 10)] {
        let mut node = Node::new(TcpLimits::default());
        let id = connect(&mut node, None).expect("the connection was refused");
        if let Some(timeout) = user_timeout {
            node.tcp
                .set(node.now, id, Setting::UserTimeout(Some(timeout)))
                .expect("the connection is closed");
        }
        node.wait(Duration::from_secs(seconds).saturating_sub(Duration::from_secs(1)));
        assert_eq!(node.status(id).closed, None);
        // The timers of the wheel expire at most a slot late.
        node.wait(Duration::from_secs(10));
        assert_eq!(node.status(id).closed, Some(crate::CloseReason::TimedOut));
        assert_eq!(node.ready(), [TcpReady::Connection(id)]);
    }
}
