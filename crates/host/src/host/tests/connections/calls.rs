//! Listeners and connections: addresses, identifiers, readiness and closing.

use super::*;

#[test]
fn connection_of_listener_exchanges_data_and_ends() {
    let (mut host, mut peer, id) = TestHost::connected();
    let [ack] = &peer.send(&mut host, Flags::ACK | Flags::PSH, b"hello")[..] else { panic!("not one ACK") };
    assert_eq!((ack.segment.flags, ack.segment.acknowledgment), (Flags::ACK, peer.next));
    assert_eq!(host.ready(), [id]);
    assert_eq!(host.host.tcp_chunk(id).unwrap(), b"hello");
    host.host.consume_tcp(host.now, id, 2, &mut host.pool);
    assert_eq!(host.read(id), b"llo");
    assert_eq!(host.write(id, b"reply"), 5);
    let [reply] = &sent(&host.exchange(&[]))[..] else { panic!("not one segment") };
    assert_eq!((reply.segment.sequence, &reply.data[..]), (peer.expected, &b"reply"[..]));
    peer.expected = peer.expected.plus(5);
    peer.send(&mut host, Flags::FIN | Flags::ACK, b"");
    let mut buffer = [0; 8];
    assert_eq!(host.host.read_tcp(host.now, id, &mut buffer, &mut host.pool), Ok(TcpRead::End));
    assert_eq!(host.state(id), TcpState::CloseWait);
    host.host.close(host.now, id, &mut host.pool);
    let [fin] = &sent(&host.exchange(&[]))[..] else { panic!("not one FIN") };
    assert_eq!(fin.segment.flags, Flags::FIN | Flags::ACK);
    peer.expected = peer.expected.plus(1);
    assert_eq!(peer.send(&mut host, Flags::ACK, b"").len(), 0);
    assert_eq!(host.host.tcp_status(id), Err(SocketError::Closed));
    assert_eq!(host.pool.held(), 0);
}

// proves: rfc9293-local-address, rfc9293-multihoming
#[test]
fn connection_has_address_of_its_interface() {
    let mut host = TestHost::with_known_peer();
    let (id, mut peer) = host.open(&to_peer(80));
    let info = host.host.socket(id).unwrap();
    assert_eq!((info.addresses, info.peer), ("10.0.0.2/32".parse().unwrap(), Some((PEER, 80).into())));
    let [ack] = &peer.send(&mut host, Flags::SYN | Flags::ACK, b"")[..] else { panic!("not one ACK") };
    assert_eq!(ack.segment.source, peer.host);
    assert_eq!((host.state(id), host.ready()), (TcpState::Established, vec![id]));
    let source = |ip: [u8; 4]| TcpConnect { source: Some(ip.into()), ..to_peer(81) };
    let other = host.host.connect_tcp(host.now, &source([10, 0, 0, 9]));
    assert_eq!(other, Err(SocketError::AddressNotLocal([10, 0, 0, 9].into())));
    let configured = TcpConnect { source_port: Some(4_000), ..source([10, 0, 0, 2]) };
    let (_, peer) = host.open(&configured);
    assert_eq!(peer.host, SocketAddrV4::new(HOST, 4_000));
    assert_eq!(host.host.connect_tcp(host.now, &configured), Err(SocketError::AddressInUse));
}

// proves: tcp-port-zero
#[test]
fn port_zero_is_refused() {
    let mut host = TestHost::with_known_peer();
    let from_zero = TcpConnect { source_port: Some(0), ..to_peer(80) };
    assert_eq!(host.host.connect_tcp(host.now, &from_zero), Err(SocketError::PortZero));
    let at_zero = TcpListen { port: Some(0), ..TcpListen::default() };
    assert_eq!(host.host.listen_tcp(&at_zero), Err(SocketError::PortZero));
}

// proves: rfc9293-open-unicast
#[test]
fn connection_to_other_than_unicast_is_refused() {
    let mut host = TestHost::with_known_peer();
    for ([a, b, c, d], error) in [
        ([10, 0, 0, 255], SocketError::InvalidDestination([10, 0, 0, 255].into())),
        ([255, 255, 255, 255], SocketError::InvalidDestination([255, 255, 255, 255].into())),
        ([224, 0, 0, 1], SocketError::InvalidDestination([224, 0, 0, 1].into())),
        ([127, 0, 0, 1], SocketError::InvalidDestination([127, 0, 0, 1].into())),
        ([0, 0, 0, 0], SocketError::InvalidDestination([0, 0, 0, 0].into())),
        ([10, 0, 0, 2], SocketError::InvalidDestination(HOST.into())),
        ([192, 0, 2, 1], SocketError::NoRoute([192, 0, 2, 1].into())),
    ] {
        let connect = TcpConnect::new(SocketAddr::from(([a, b, c, d], 80)));
        assert_eq!(host.host.connect_tcp(host.now, &connect), Err(error), "{a}.{b}.{c}.{d}");
    }
    assert_eq!(host.host.connect_tcp(host.now, &to_peer(0)), Err(SocketError::PortZero));
    let ipv6 = TcpConnect::new("[2001:db8::1]:80".parse().unwrap());
    let refused = host.host.connect_tcp(host.now, &ipv6);
    assert_eq!(refused, Err(SocketError::Ipv6("2001:db8::1".parse().unwrap())));
    assert_eq!((host.exchange(&[]).len(), host.host.sockets().count()), (0, 0));
}

// proves: rfc9293-events
#[test]
fn changed_connection_is_ready_once() {
    let (mut host, mut peer, id) = TestHost::connected();
    peer.send(&mut host, Flags::ACK, b"first");
    peer.send(&mut host, Flags::ACK, b"second");
    assert_eq!(host.ready(), [id]);
    assert_eq!(host.read(id), b"firstsecond");
    peer.send(&mut host, Flags::ACK, b"");
    assert_eq!(host.ready(), []);
    peer.send(&mut host, Flags::RST, b"");
    assert_eq!(host.ready(), [id]);
    let status = host.host.tcp_status(id).unwrap();
    assert_eq!((status.state, status.closed), (TcpState::Closed, Some(TcpCloseReason::Reset)));
    let error = SocketError::Disconnected(TcpCloseReason::Reset);
    assert_eq!(error.to_string(), "connection reset by peer");
    assert_eq!(host.host.read_tcp(host.now, id, &mut [0; 8], &mut host.pool), Err(error));
    assert_eq!(host.host.write_tcp(host.now, id, b"data", &mut host.pool), Err(error));
}

#[test]
fn full_send_buffer_becomes_ready_again() {
    let (mut host, mut peer, id) = TestHost::connected();
    let mut written = 0;
    // The peer does not acknowledge, so the buffer is full at some time.
    loop {
        match host.write(id, &vec![7; 100_000]) {
            0 => break,
            length => written += length,
        }
        host.exchange(&[]);
    }
    assert_eq!(host.ready(), []);
    assert!(written < 8 << 20, "{written} bytes were accepted");
    let flight = u32::try_from(host.host.tcp_info(id).unwrap().bytes_sent).unwrap();
    peer.expected = peer.expected.plus(flight);
    peer.send(&mut host, Flags::ACK, b"");
    assert_eq!(host.ready(), [id]);
    assert_ne!(host.write(id, b"more"), 0);
}

#[test]
fn shut_down_connection_refuses_data() {
    let (mut host, _, id) = TestHost::connected();
    host.host.shutdown_tcp(host.now, id).unwrap();
    let refused = host.host.write_tcp(host.now, id, b"data", &mut host.pool);
    assert_eq!(refused, Err(SocketError::ShutDown));
    assert_eq!(host.host.end_record_tcp(host.now, id), Err(SocketError::ShutDown));
    assert_eq!(host.state(id), TcpState::FinWait1);
}

#[test]
fn aborted_connection_sends_reset_and_is_closed() {
    let (mut host, peer, id) = TestHost::connected();
    host.host.abort_tcp(host.now, id, &mut host.pool);
    let [reset] = &sent(&host.exchange(&[]))[..] else { panic!("not one reset") };
    assert_eq!((reset.segment.flags, reset.segment.sequence), (Flags::RST | Flags::ACK, peer.expected));
    assert_eq!(host.host.tcp_status(id), Err(SocketError::Closed));
    assert_eq!(host.host.deadline(), None.or(host.host.deadline()));
}

// proves: tcp-generation
#[test]
fn identifiers_select_one_socket_of_one_kind() {
    let mut host = TestHost::with_known_peer();
    let listener = host.host.listen_tcp(&at_port(80)).unwrap();
    let udp = host.host.bind_udp(&crate::UdpBind { port: Some(80), ..crate::UdpBind::default() }).unwrap();
    let mut peer = Peer::new(PEER_PORT, 80);
    let connection = peer.connect(&mut host, listener).socket;
    for id in [listener, udp, connection] {
        assert_eq!(SocketId::of_number(id.number()), id);
        let info = host.host.socket(id).unwrap();
        assert_eq!(info.id, id);
    }
    let kinds: Vec<_> = host.host.sockets().map(|info| (info.id, info.kind)).collect();
    let expected =
        [(udp, SocketKind::Udp), (connection, SocketKind::Tcp), (listener, SocketKind::TcpListener)];
    assert_eq!(kinds, expected);
    for (number, (id, _)) in expected.into_iter().enumerate() {
        assert_eq!(host.host.sockets_after(id).count(), 2 - number);
    }
    assert_eq!(host.host.accept_tcp(connection), None);
    assert_eq!(host.host.tcp_status(listener), Err(SocketError::Closed));
    assert_eq!(host.host.tcp_status(udp), Err(SocketError::Closed));
    host.host.abort_tcp(host.now, connection, &mut host.pool);
    host.host.close(host.now, listener, &mut host.pool);
    host.exchange(&[]);
    let listener_again = host.host.listen_tcp(&at_port(80)).unwrap();
    assert_ne!(listener_again, listener);
    let again = Peer::new(PEER_PORT + 1, 80).connect(&mut host, listener_again).socket;
    assert_ne!(again, connection);
    assert_eq!(host.host.tcp_status(connection), Err(SocketError::Closed));
}

// proves: rfc9293-listen-independent
#[test]
fn listener_with_longest_prefix_accepts() {
    let mut host = TestHost::with_known_peer();
    let all = host.host.listen_tcp(&at_port(80)).unwrap();
    let one = TcpListen { addresses: "10.0.0.2/32".parse().unwrap(), ..at_port(80) };
    let one = host.host.listen_tcp(&one).unwrap();
    assert_eq!(host.host.listen_tcp(&at_port(80)), Err(SocketError::AddressInUse));
    Peer::new(PEER_PORT, 80).connect(&mut host, one);
    host.host.close(host.now, one, &mut host.pool);
    Peer::new(PEER_PORT + 1, 80).connect(&mut host, all);
}

// proves: rfc9293-service
#[test]
fn segments_have_time_to_live_and_service_of_connection() {
    let settings = TcpSettings { time_to_live: Some(3), type_of_service: 0x20, ..TcpSettings::default() };
    let mut host = TestHost::with_known_peer();
    let id = host.host.connect_tcp(host.now, &TcpConnect { settings, ..to_peer(80) }).unwrap();
    let syn = sent(&host.exchange(&[]));
    let fields =
        |sent: &Sent| (sent.fields.time_to_live, sent.fields.type_of_service, sent.fields.dont_fragment);
    assert_eq!(fields(&syn[0]), (3, 0x20, true));
    let mut peer = Peer::new(80, syn[0].segment.source.port());
    peer.expected = syn[0].segment.sequence.plus(1);
    peer.send(&mut host, Flags::SYN | Flags::ACK, b"");
    host.host.set_tcp(host.now, id, crate::TcpSetting::TimeToLive(None)).unwrap();
    host.host.set_tcp(host.now, id, crate::TcpSetting::TypeOfService(0x40)).unwrap();
    host.write(id, b"data");
    assert_eq!(fields(&sent(&host.exchange(&[]))[0]), (64, 0x40, true));
}

#[test]
fn reset_of_close_after_idle_time_has_current_timestamp() {
    let mut host = TestHost::with_known_peer();
    let listener = host.host.listen_tcp(&at_port(80)).unwrap();
    let mut peer = Peer::new(PEER_PORT, 80);
    let clock = |echo| Options { timestamps: Some(Timestamps { value: 1, echo }), ..Options::default() };
    let send = |host: &mut TestHost, peer: &Peer, flags, echo, data: &[u8]| {
        let fields = SegmentFields { options: clock(echo), ..peer.fields(flags) };
        let header = Ipv4Fields::new(IpProtocol::TCP, *peer.address.ip(), *peer.host.ip());
        let sent = sent(&host.exchange(&[frame(&datagram(header, &segment(&fields, data)))]));
        sent.first().map(|sent| sent.segment)
    };
    let syn_ack = send(&mut host, &peer, Flags::SYN, 0, b"").expect("no SYN,ACK");
    let value = |segment: &Segment| segment.options.timestamps.expect("no timestamps").value;
    (peer.next, peer.expected) = (peer.next.plus(1), syn_ack.sequence.plus(1));
    send(&mut host, &peer, Flags::ACK, value(&syn_ack), b"unread");
    let accepted = host.host.accept_tcp(listener).expect("no connection");
    host.now = host.now + Duration::from_secs(10);
    host.host.close(host.now, accepted.socket, &mut host.pool);
    let [reset] = &sent(&host.exchange(&[]))[..] else { panic!("not one reset") };
    assert!(reset.segment.flags.contains(Flags::RST), "{:?}", reset.segment.flags);
    assert_eq!(value(&reset.segment).wrapping_sub(value(&syn_ack)), 10_000);
}

#[test]
fn keep_alive_set_after_idle_time_starts_at_the_time_of_the_call() {
    let (mut host, _, id) = TestHost::connected();
    host.now = host.now + Duration::from_secs(10);
    let keep_alive = tcp::KeepAlive { idle: Duration::from_secs(20), ..tcp::KeepAlive::default() };
    host.host.set_tcp(host.now, id, crate::TcpSetting::KeepAlive(Some(keep_alive))).unwrap();
    host.now = host.now + Duration::from_secs(19);
    assert_eq!(host.exchange(&[]).len(), 0, "a probe is early");
    host.now = host.now + Duration::from_secs(2);
    assert_eq!(sent(&host.exchange(&[])).len(), 1, "the probe is missing");
}

// proves: rfc9293-service
#[test]
fn replies_and_resets_have_time_to_live_and_service_of_connection() {
    // The ECN field of the setting has no effect.
    let settings = TcpSettings { time_to_live: Some(3), type_of_service: 0x23, ..TcpSettings::default() };
    let mut host = TestHost::with_known_peer();
    let listener = host.host.listen_tcp(&TcpListen { settings, ..at_port(80) }).unwrap();
    let check = |sent: &[Sent], flags, what: &str| {
        let [sent] = sent else { panic!("not one segment: {what}") };
        assert_eq!(sent.segment.flags, flags, "{what}");
        assert_eq!((sent.fields.time_to_live, sent.fields.type_of_service), (3, 0x20), "{what}");
        sent.segment
    };
    let syn_ack = Flags::SYN | Flags::ACK;
    let mut peer = Peer::new(PEER_PORT, 80);
    let start = peer;
    let first = check(&peer.send(&mut host, Flags::SYN, b""), syn_ack, "SYN,ACK");
    peer.expected = first.sequence.plus(1);
    check(&start.clone().send(&mut host, Flags::SYN, b""), syn_ack, "SYN,ACK of a repeated SYN");
    host.now = host.now + Duration::from_secs(1);
    check(&sent(&host.exchange(&[])), syn_ack, "SYN,ACK that is sent again");
    peer.send(&mut host, Flags::ACK, b"");
    let id = host.host.accept_tcp(listener).expect("no connection").socket;
    check(
        &start.clone().send(&mut host, Flags::ACK, b"old"),
        Flags::ACK,
        "answer to an unacceptable segment",
    );
    host.host.shutdown_tcp(host.now, id).unwrap();
    check(&sent(&host.exchange(&[])), Flags::FIN | Flags::ACK, "FIN");
    peer.expected = peer.expected.plus(1);
    let last = peer;
    check(&peer.send(&mut host, Flags::FIN | Flags::ACK, b""), Flags::ACK, "ACK of the FIN");
    host.host.close(host.now, id, &mut host.pool);
    check(&last.clone().send(&mut host, Flags::FIN | Flags::ACK, b""), Flags::ACK, "ACK in TIME-WAIT");

    let mut peer = Peer::new(PEER_PORT + 1, 80);
    let id = peer.connect(&mut host, listener).socket;
    peer.send(&mut host, Flags::ACK, b"unread");
    host.exchange(&[]);
    host.host.close(host.now, id, &mut host.pool);
    check(&sent(&host.exchange(&[])), Flags::RST | Flags::ACK, "reset of close");
    let id = Peer::new(PEER_PORT + 2, 80).connect(&mut host, listener).socket;
    host.host.abort_tcp(host.now, id, &mut host.pool);
    check(&sent(&host.exchange(&[])), Flags::RST | Flags::ACK, "reset of abort");
    Peer::new(PEER_PORT + 3, 80).send(&mut host, Flags::SYN, b"");
    host.host.close(host.now, listener, &mut host.pool);
    check(&sent(&host.exchange(&[])), Flags::RST | Flags::ACK, "reset of a half-open connection");

    let [reset] = &Peer::new(PEER_PORT, 81).send(&mut host, Flags::SYN, b"")[..] else { panic!("not one") };
    assert_eq!((reset.fields.time_to_live, reset.fields.type_of_service), (64, 0));
}
