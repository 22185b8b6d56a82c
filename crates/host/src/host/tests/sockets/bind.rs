//! Bindings: which socket receives a datagram, and which bindings are refused.

use super::*;

fn bind(host: &mut TestHost, addresses: &str, port: u16) -> SocketId {
    host.host.bind_udp(&UdpBind { addresses: addresses.parse().unwrap(), ..at_port(port) }).unwrap()
}

fn range_host() -> TestHost {
    TestHost::new(&HostConfig::range("10.1.0.0/16".parse().unwrap(), HOST_MAC))
}

/// Returns a frame of the peer to a host of the range.
fn to_range(host: [u8; 4], port: u16) -> Vec<u8> {
    let steps = u32::from(Ipv4Addr::from(host)) - u32::from(Ipv4Addr::new(10, 1, 0, 0));
    let (source, to) = (SocketAddrV4::new(PEER, PEER_PORT), SocketAddrV4::new(host.into(), port));
    let bytes = datagram(ip_fields(source, to), &udp_bytes(source, to, b"data"));
    framed(HOST_MAC.plus(steps.into()).unwrap(), PEER_MAC, &bytes)
}

// proves: udp-most-exact-binding
#[test]
fn most_exact_binding_receives_datagram() {
    let mut host = range_host();
    let all = bind(&mut host, "0.0.0.0/0", 9);
    let some = bind(&mut host, "10.1.4.0/24", 9);
    let one = bind(&mut host, "10.1.4.7/32", 9);
    let other_port = bind(&mut host, "10.1.4.7/32", 10);
    for (to, receiver) in [([10, 1, 4, 7], one), ([10, 1, 4, 8], some), ([10, 1, 5, 0], all)] {
        assert_eq!(host.exchange_one(&to_range(to, 9)).0, DELIVERED, "{to:?}");
        assert_eq!(host.ready(), [receiver], "{to:?}");
        assert_eq!(host.data(receiver), [b"data"], "{to:?}");
    }
    host.close(one);
    host.exchange(&[to_range([10, 1, 4, 7], 9)]);
    assert_eq!(host.ready(), [some], "the socket of the range did not receive the datagram");
    host.close(some);
    host.exchange(&[to_range([10, 1, 4, 7], 9)]);
    assert_eq!(host.ready(), [all]);
    host.exchange(&[to_range([10, 1, 4, 7], 10)]);
    assert_eq!(host.ready(), [other_port]);
}

#[test]
fn same_binding_is_refused_until_socket_is_closed() {
    let mut host = range_host();
    let first = bind(&mut host, "10.1.4.0/24", 9);
    let again = UdpBind { addresses: "10.1.4.9/24".parse().unwrap(), ..at_port(9) };
    assert_eq!(host.host.bind_udp(&again), Err(SocketError::AddressInUse));
    host.close(first);
    assert!(host.host.bind_udp(&again).is_ok());
}

// proves: multicast-refused, rfc8085-port-zero
#[test]
fn invalid_binding_is_refused() {
    let mut host = TestHost::new(&config());
    let mut refused = |addresses: &str, port| {
        let bind = UdpBind { addresses: addresses.parse().unwrap(), port, ..UdpBind::default() };
        host.host.bind_udp(&bind).err()
    };
    assert_eq!(refused("0.0.0.0/0", Some(0)), Some(SocketError::PortZero));
    let ip = |text: &str| text.parse().unwrap();
    assert_eq!(refused("10.0.0.9/32", Some(9)), Some(SocketError::AddressNotLocal(ip("10.0.0.9"))));
    assert_eq!(refused("192.0.2.0/24", Some(9)), Some(SocketError::AddressNotLocal(ip("192.0.2.0"))));
    assert_eq!(refused("224.0.0.1/32", Some(9)), Some(SocketError::Multicast(ip("224.0.0.1"))));
    assert_eq!(refused("::/0", Some(9)), Some(SocketError::Ipv6(ip("::"))));
    assert_eq!(host.host.sockets().count(), 0, "a refused binding left a socket");
}

// proves: socket-stale
#[test]
fn identifier_of_closed_socket_is_never_another_socket() {
    let mut host = TestHost::with_known_peer();
    let first = host.host.bind_udp(&at_port(9)).unwrap();
    host.exchange(&[from_peer(SocketAddrV4::new(HOST, 9), b"data")]);
    host.close(first);
    assert_eq!((host.pool.held(), host.ready()), (0, vec![]), "the closed socket has a frame or is ready");
    let second = host.host.bind_udp(&at_port(9)).unwrap();
    assert_ne!(first, second);
    host.exchange(&[from_peer(SocketAddrV4::new(HOST, 9), b"data")]);
    assert!(host.host.receive_udp(first).is_none(), "the closed socket received a datagram");
    assert_eq!(host.send_udp(first, &to_peer(7), b""), Err(SocketError::Closed));
    assert_eq!(host.send_udp(first, &to_peer(7), &vec![0; 65_508]), Err(SocketError::Closed));
    assert_eq!(host.host.connect_udp(first, (PEER, 7).into()), Err(SocketError::Closed));
    assert_eq!((host.host.take_socket_error(first), host.host.socket(first)), (None, None));
    host.close(first);
    assert_eq!(host.data(second), [b"data"], "closing again closed the other socket");
}

// proves: rfc6056-unique
#[test]
fn ephemeral_port_is_free_for_all_addresses_of_binding() {
    let mut host = range_host();
    let mut ports = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let id = host.host.bind_udp(&UdpBind::default()).unwrap();
        let port = host.host.socket(id).unwrap().port;
        assert!((32_768..=60_999).contains(&port) && ports.insert(port), "port {port} is not free");
    }
    // A port of one address is free for the socket of another address, but not for a socket of all addresses.
    let one = UdpBind { addresses: "10.1.4.7/32".parse().unwrap(), ..UdpBind::default() };
    for port in (32_768..=60_999).filter(|port| !ports.contains(port)).skip(2) {
        host.host.bind_udp(&UdpBind { port: Some(port), ..one }).unwrap();
    }
    for bind in [one, UdpBind::default()] {
        assert!(host.host.bind_udp(&bind).is_ok(), "one of two free ports is not selected");
    }
    assert_eq!(host.host.bind_udp(&one), Err(SocketError::NoFreePort));
    assert_eq!(host.host.bind_udp(&UdpBind::default()), Err(SocketError::NoFreePort));
    let other = UdpBind { addresses: "10.1.4.8/32".parse().unwrap(), ..UdpBind::default() };
    assert!(host.host.bind_udp(&other).is_ok(), "a port of 10.1.4.7 is not free for 10.1.4.8");
}

// proves: udp-connected, rfc1122-udp-source-reported
#[test]
fn connected_socket_receives_only_from_its_peer() {
    let mut host = TestHost::with_known_peer();
    let all = host.host.bind_udp(&at_port(9)).unwrap();
    let connected = host.host.bind_udp(&at_port(10)).unwrap();
    let local = host.host.connect_udp(connected, (PEER, PEER_PORT).into());
    assert_eq!(local, Ok((HOST, 10).into()), "the route selects the local address");
    let to = SocketAddrV4::new(HOST, 10);
    assert_eq!(host.exchange_one(&from_peer(to, b"peer")).0, DELIVERED);
    let stranger = SocketAddrV4::new(PEER, PEER_PORT + 1);
    let outcome = host.exchange_one(&from(stranger, to, b"stranger")).0;
    let rejected = DatagramOutcome::Rejected(icmp::IcmpError::PORT_UNREACHABLE);
    assert_eq!(outcome, FrameOutcome::Ipv4(rejected), "another port of the peer is not the peer");
    assert_eq!(host.data(connected), [b"peer"]);
    assert!(host.data(all).is_empty());
    // A socket of the same port without a peer receives what other hosts send.
    let rest = host.host.bind_udp(&at_port(10)).unwrap();
    host.exchange(&[from(stranger, to, b"stranger"), from_peer(to, b"peer")]);
    assert_eq!((host.data(rest), host.data(connected)), (vec![b"stranger".to_vec()], vec![b"peer".to_vec()]));
}

// proves: udp-connected-interface
#[test]
fn socket_that_is_connected_on_an_interface_uses_this_interface_only() {
    let mut host = TestHost::with_known_peer();
    let vlan = link::VlanId::new(5);
    let config = HostConfig {
        vlan,
        ..HostConfig::new("10.0.0.2/24".parse().unwrap(), MacAddr::new([2, 0, 0, 0, 5, 2]))
    };
    let second = host.host.add(NOW, &config).unwrap();
    host.host.add_static_on(NOW, second, PEER, PEER_MAC).unwrap().unwrap();
    let ids = [inet::InterfaceId(0), second].map(|interface| {
        let bind = UdpBind { broadcast: true, ..at_port(10) };
        let id = host.host.bind_udp(&bind).unwrap();
        let local = host.host.connect_udp_on(id, (PEER, PEER_PORT).into(), interface);
        assert_eq!(local, Ok((HOST, 10).into()));
        id
    });
    let (to, broadcast) = (SocketAddrV4::new(HOST, 10), SocketAddrV4::new(Ipv4Addr::BROADCAST, 10));
    host.exchange(&[from_peer(to, b"untagged"), from_peer(broadcast, b"to all")]);
    assert_eq!(host.data(ids[0]), [&b"untagged"[..], b"to all"]);
    assert_eq!(host.data(ids[1]), Vec::<Vec<u8>>::new());
    for (id, tag) in [(ids[0], [8, 0]), (ids[1], [0x81, 0])] {
        host.send_udp(id, &crate::UdpMessage::default(), b"data").unwrap();
        assert_eq!(host.exchange(&[])[0][12..14], tag, "the datagram left by another interface");
    }
    // Each interface has one socket with this peer.
    let third = host.host.bind_udp(&at_port(10)).unwrap();
    let again = host.host.connect_udp_on(third, (PEER, PEER_PORT).into(), second);
    assert_eq!(again, Err(SocketError::AddressInUse));
    // A socket that is connected on all interfaces receives what no other socket receives.
    host.host.connect_udp(third, (PEER, PEER_PORT).into()).unwrap();
    host.close(ids[0]);
    host.exchange(&[from_peer(to, b"untagged")]);
    assert_eq!(host.data(third), [b"untagged"]);
}

#[test]
fn connected_socket_can_be_connected_to_another_peer() {
    let mut host = TestHost::with_known_peer();
    let id = host.host.bind_udp(&at_port(10)).unwrap();
    let to = SocketAddrV4::new(HOST, 10);
    for port in [1, 2] {
        host.host.connect_udp(id, (PEER, port).into()).unwrap();
        let outcome = |host: &mut TestHost, source| {
            host.exchange_one(&from(SocketAddrV4::new(PEER, source), to, b"")).0
        };
        assert_eq!(outcome(&mut host, port), DELIVERED);
        assert_ne!(outcome(&mut host, 3 - port), DELIVERED, "the socket received from the other peer");
    }
    // Another socket cannot have the same peer.
    let other = host.host.bind_udp(&at_port(10)).unwrap();
    assert_eq!(host.host.connect_udp(other, (PEER, 2).into()), Err(SocketError::AddressInUse));
    assert_eq!(host.host.socket(other).unwrap().peer, None);
    host.exchange(&[from(SocketAddrV4::new(PEER, 3), to, b"still bound")]);
    assert_eq!(host.data(other), [b"still bound"]);
}

#[test]
fn number_of_sockets_is_limited() {
    let limits = SocketLimits { sockets: 3, ..SocketLimits::default() };
    let mut host = TestHost::of(Host::new(NOW, &config()).unwrap().with_socket_limits(limits), 1_500);
    let ids: Vec<_> = (1..=3).map(|port| host.host.bind_udp(&at_port(port)).unwrap()).collect();
    assert_eq!(host.host.bind_udp(&at_port(4)), Err(SocketError::TooManySockets));
    host.close(ids[1]);
    assert!(host.host.bind_udp(&at_port(4)).is_ok());
    assert_eq!(host.host.bind_udp(&at_port(5)), Err(SocketError::TooManySockets));
}

#[test]
fn information_lists_sockets_in_pages() {
    let mut host = TestHost::with_known_peer();
    let ids: Vec<_> = (1..=3).map(|port| host.host.bind_udp(&at_port(port)).unwrap()).collect();
    host.host.connect_udp(ids[2], (PEER, 7).into()).unwrap();
    host.exchange(&[from_peer(SocketAddrV4::new(HOST, 1), b"data")]);
    let infos: Vec<_> = host.host.sockets().collect();
    assert_eq!(infos.iter().map(|info| info.id).collect::<Vec<_>>(), ids);
    assert_eq!(infos[0].received_bytes, tap::Frame::capacity_for(1_500));
    assert_eq!((infos[0].port, infos[0].addresses), (1, "0.0.0.0/0".parse().unwrap()));
    let connected: (_, Option<SocketAddr>) = (infos[2].addresses, infos[2].peer);
    assert_eq!(connected, ("10.0.0.2/32".parse().unwrap(), Some((PEER, 7).into())));
    host.close(ids[0]);
    let after: Vec<_> = host.host.sockets_after(ids[0]).collect();
    assert_eq!(after, infos[1..], "the page after a closed socket differs");
    host.host.bind_udp(&at_port(4)).unwrap();
    let mut pages: Vec<_> = host.host.sockets().take(1).collect();
    while let Some(last) = pages.last().map(|info| info.id.number()) {
        let next = host.host.sockets_after(SocketId::of_number(last)).next();
        let Some(next) = next else { break };
        assert_eq!(SocketId::of_number(next.id.number()), next.id);
        pages.push(next);
    }
    assert_eq!(pages, host.host.sockets().collect::<Vec<_>>());
}

// proves: rfc6056-unique
#[test]
fn ephemeral_port_is_never_port_of_connected_socket_with_the_same_address() {
    let mut host = TestHost::with_known_peer();
    let mut ports = std::collections::BTreeSet::new();
    for number in 0..2_000 {
        let bind = UdpBind { addresses: IpAddr::from(HOST).into(), ..UdpBind::default() };
        let id = host.host.bind_udp(&bind).unwrap();
        let local = host.host.connect_udp(id, (PEER, 7).into()).unwrap();
        assert!(ports.insert(local.port()), "socket {number} has port {} of another socket", local.port());
    }
}
