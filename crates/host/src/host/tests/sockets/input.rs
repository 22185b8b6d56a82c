//! Received datagrams.

use super::*;

fn to_host(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(HOST, port)
}

// proves: socket-no-copy, rfc768-interface, rfc1122-udp-addresses, rfc1122-udp-received-fields
#[test]
fn datagram_is_received_with_addresses_and_header_fields() {
    let mut host = TestHost::with_known_peer();
    let id = host.host.bind_udp(&at_port(9)).unwrap();
    for length in [0, 1, 17, 18, 1_471, 1_472] {
        let data: Vec<u8> = (0..=255).cycle().take(length).collect();
        host.now = host.now + Duration::from_millis(1);
        // A device may pad a short frame.
        let mut bytes = from_peer(to_host(9), &data);
        bytes.resize(bytes.len().max(60), 0xee);
        assert_eq!(host.exchange_one(&bytes).0, DELIVERED);
        assert_eq!(host.ready(), [id]);
        let received = host.host.receive_udp(id).unwrap();
        assert_eq!(received.frame.bytes(), data, "{length}");
        assert_eq!(received.source, (PEER, PEER_PORT).into());
        assert_eq!(received.destination, (HOST, 9).into());
        assert_eq!((received.time_to_live, received.type_of_service), (42, 0xb8));
        assert_eq!((received.interface, received.at), (inet::InterfaceId(0), host.now));
        host.pool.give(received.frame);
    }
    assert_eq!((host.count("udp", "delivered"), host.pool.held()), (6, 0));
}

#[test]
fn datagram_with_source_port_zero_is_received() {
    let mut host = TestHost::with_known_peer();
    let id = host.host.bind_udp(&at_port(9)).unwrap();
    host.exchange(&[from(SocketAddrV4::new(PEER, 0), to_host(9), b"data")]);
    let received = host.host.receive_udp(id).unwrap();
    assert_eq!(received.source, (PEER, 0).into());
    host.pool.give(received.frame);
}

// proves: udp-merged
#[test]
fn merged_datagrams_are_received_as_separate_datagrams() {
    let mut host = TestHost::with_known_peer();
    let id = host.host.bind_udp(&at_port(9)).unwrap();
    let data: Vec<u8> = (0..=249).cycle().take(2_500).collect();
    let merged = |checksum, size| {
        let mut frame = tap::Frame::for_mtu(65_535);
        frame.write(&from_peer(to_host(9), &data)).unwrap();
        let kind = tap::SegmentationKind::Udp;
        let segmentation = Some(tap::Segmentation { kind, size, header: 42, cwr: false });
        frame.set_offload(tap::Offload { checksum, segmentation });
        frame
    };
    for checksum in [Checksum::Partial { start: 34, offset: 6 }, Checksum::Verified] {
        let outcome = host.host.receive(host.now, PORT, merged(checksum, 1_000), &mut host.pool);
        assert_eq!(outcome, DELIVERED);
        assert_eq!(host.data(id), [&data[..1_000], &data[1_000..2_000], &data[2_000..]]);
    }
    // These frames are not cut. The MTU limits them.
    for (checksum, size) in [(Checksum::None, 1_000), (Checksum::Verified, 0)] {
        host.host.receive(host.now, PORT, merged(checksum, size), &mut host.pool);
        assert_eq!(host.data(id), Vec::<Vec<u8>>::new());
    }
    assert_eq!((host.count("link", "exceeds_mtu"), host.count("udp", "delivered")), (2, 6));
}

// proves: partial-checksum
#[test]
fn frame_with_incomplete_checksum_can_be_sent_again() {
    let mut host = TestHost::with_known_peer();
    let id = host.host.bind_udp(&at_port(9)).unwrap();
    let partial = Checksum::Partial { start: 34, offset: 6 };
    let mut bytes = from_peer(to_host(9), b"data");
    bytes[40] ^= 0x55;
    host.exchange_with(&[bytes], partial);
    let received = host.host.receive_udp(id).unwrap();
    assert_eq!(received.frame.offload(), tap::Offload::default());
    host.host.send_udp_frame(NOW, id, &to_peer(7), received.frame, &mut host.pool).unwrap();
    assert_eq!(sent_udp(&host.exchange(&[])).3, b"data");
}

// proves: rfc1122-port-unreachable
#[test]
fn datagram_without_socket_is_rejected() {
    let mut host = TestHost::with_known_peer();
    let id = host.host.bind_udp(&at_port(9)).unwrap();
    let rejected = FrameOutcome::Ipv4(DatagramOutcome::Rejected(icmp::IcmpError::PORT_UNREACHABLE));
    assert_eq!(host.exchange_one(&from_peer(to_host(10), b"data")).0, rejected);
    assert_eq!(host.exchange_one(&from_peer(to_host(9), b"data")).0, DELIVERED);
    host.close(id);
    host.now = host.now + Duration::from_secs(10);
    assert_eq!(host.exchange_one(&from_peer(to_host(9), b"data")).0, rejected);
    assert_eq!(host.pool.held(), 0);
}

// proves: udp-all-lengths
#[test]
fn fragmented_datagrams_of_all_lengths_are_received() {
    let mut host = TestHost::with_known_peer();
    let id = host.host.bind_udp(&at_port(9)).unwrap();
    let (source, to) = (SocketAddrV4::new(PEER, PEER_PORT), to_host(9));
    for length in [0, 8, 1_473, 2_952, 2_953, 9_000, 65_506, 65_507] {
        let data: Vec<u8> = (0..=255).cycle().take(length).collect();
        let payload = udp_bytes(source, to, &data);
        let fields = Ipv4Fields { identification: u16::try_from(length).unwrap(), ..ip_fields(source, to) };
        let each = if length < 100 { 8 } else { 1_480 };
        let mut frames = Vec::new();
        for (number, part) in payload.chunks(each).enumerate() {
            let more_fragments = (number + 1) * each < payload.len();
            let fields = Ipv4Fields { fragment_offset: number * each, more_fragments, ..fields };
            frames.push(frame(&datagram(fields, part)));
        }
        host.exchange(&frames);
        assert_eq!(host.ready(), [id], "{length}");
        let received = host.host.receive_udp(id).unwrap();
        assert!(received.frame.bytes() == data, "the data of {length} bytes differs");
        assert_eq!((received.source, received.destination), (source.into(), to.into()));
        assert_eq!((received.time_to_live, received.type_of_service), (42, 0xb8));
        host.pool.give(received.frame);
    }
}

// proves: socket-broadcast
#[test]
fn broadcast_is_copied_to_each_socket_that_receives_broadcasts() {
    let mut host = TestHost::with_known_peer();
    let with = |port| UdpBind { broadcast: true, ..at_port(port) };
    let one_address = UdpBind { addresses: "10.0.0.2/32".parse().unwrap(), ..with(9) };
    let first = host.host.bind_udp(&with(9)).unwrap();
    let second = host.host.bind_udp(&one_address).unwrap();
    let without = host.host.bind_udp(&UdpBind { addresses: "10.0.0.0/24".parse().unwrap(), ..at_port(9) });
    let without = without.unwrap();
    let other_port = host.host.bind_udp(&with(10)).unwrap();
    for destination in [Ipv4Addr::BROADCAST, Ipv4Addr::new(10, 0, 0, 255)] {
        let (source, to) = (SocketAddrV4::new(PEER, PEER_PORT), SocketAddrV4::new(destination, 9));
        let bytes = datagram(ip_fields(source, to), &udp_bytes(source, to, b"all"));
        let bytes = framed(MacAddr::BROADCAST, PEER_MAC, &bytes);
        assert_eq!(host.exchange_one(&bytes).0, DELIVERED);
        assert_eq!(host.ready(), [first, second], "unexpected receivers");
        for id in [first, second] {
            let received = host.host.receive_udp(id).unwrap();
            assert_eq!((received.frame.bytes(), received.destination), (&b"all"[..], to.into()));
            host.pool.give(received.frame);
        }
        assert!(host.data(without).is_empty() && host.data(other_port).is_empty());
    }
    assert_eq!(host.count("udp", "delivered"), 4);
    let limit =
        (0..).find_map(|number| host.host.bind_udp(&with(100 + number)).err().map(|error| (number, error)));
    assert_eq!(limit, Some((61, SocketError::TooManyBroadcastSockets)));
}

#[test]
fn broadcast_without_receiver_is_dropped_and_counted() {
    let mut host = TestHost::with_known_peer();
    host.host.bind_udp(&at_port(9)).unwrap();
    let (source, to) = (SocketAddrV4::new(PEER, PEER_PORT), SocketAddrV4::new(Ipv4Addr::BROADCAST, 9));
    let bytes = datagram(ip_fields(source, to), &udp_bytes(source, to, b"all"));
    let outcome = host.exchange_one(&framed(MacAddr::BROADCAST, PEER_MAC, &bytes));
    assert_eq!(outcome, (FrameOutcome::Dropped(DropReason::NoListener), vec![]));
    assert_eq!(host.count("host", "no_listener"), 1);
}

// proves: socket-readiness
#[test]
fn readiness_list_has_each_socket_once() {
    let mut host = TestHost::with_known_peer();
    let ids: Vec<_> = (1..=3).map(|port| host.host.bind_udp(&at_port(port)).unwrap()).collect();
    host.exchange(&[3, 1, 3, 1, 2].map(|port| from_peer(to_host(port), b"data")));
    assert_eq!(host.ready(), [ids[2], ids[0], ids[1]]);
    assert_eq!(host.ready(), [], "a socket without a change is ready");
    host.exchange(&[from_peer(to_host(2), b"data")]);
    assert_eq!(host.ready(), [ids[1]]);
    assert_eq!(host.data(ids[1]).len(), 2);
}
