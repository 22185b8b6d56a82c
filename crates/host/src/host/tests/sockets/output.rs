//! Sent datagrams.

use super::*;
use tap::{Offload, Offloads, Segmentation, SegmentationKind};

/// Returns a host with the peer in its ARP cache, and a socket on port 9.
fn host_with_socket() -> (TestHost, SocketId) {
    let mut host = TestHost::with_known_peer();
    let id = host.host.bind_udp(&at_port(9)).unwrap();
    (host, id)
}

// proves: rfc768-interface, rfc1122-udp-fields, rfc8085-dont-fragment
#[test]
fn datagram_has_ports_checksum_and_requested_fields() {
    let (mut host, id) = host_with_socket();
    for length in [0, 1, 1_472] {
        let data: Vec<u8> = (0..=255).cycle().take(length).collect();
        host.send_udp(id, &to_peer(7), &data).unwrap();
        let (source, destination, fields, sent) = sent_udp(&host.exchange(&[]));
        assert_eq!((source, destination), (SocketAddrV4::new(HOST, 9), SocketAddrV4::new(PEER, 7)));
        assert!(sent == data, "the data of {length} bytes differs");
        assert_eq!((fields.time_to_live, fields.type_of_service, fields.dont_fragment), (64, 0, true));
    }
    let message = UdpMessage { time_to_live: Some(3), type_of_service: 0x2e, ..to_peer(7) };
    host.send_udp(id, &message, b"").unwrap();
    let fields = sent_udp(&host.exchange(&[])).2;
    assert_eq!((fields.time_to_live, fields.type_of_service), (3, 0x2e));
    assert_eq!(host.count("udp", "sent"), 4);
}

#[test]
fn received_frame_is_sent_without_copy() {
    let (mut host, id) = host_with_socket();
    host.exchange(&[from_peer(SocketAddrV4::new(HOST, 9), b"echo")]);
    let received = host.host.receive_udp(id).unwrap();
    let before = received.frame.bytes().as_ptr();
    host.host.reply_udp(NOW, id, received, &mut host.pool).unwrap();
    let mut departing = Batch::new(4);
    host.host.transmit(NOW, PORT, &mut departing, &mut host.pool);
    let frame = departing.pop().unwrap();
    assert_eq!(frame.bytes()[42..].as_ptr(), before, "the data was copied");
    let (source, destination, _, data) = sent_udp(&[frame.bytes().to_vec()]);
    assert_eq!((source.port(), destination.port(), data), (9, PEER_PORT, b"echo".to_vec()));
    host.pool.give(frame);
}

// proves: rfc791-fragmentation
#[test]
fn long_datagram_is_sent_in_fragments() {
    let (mut host, id) = host_with_socket();
    for length in [1_473, 2_952, 2_953, 65_507] {
        let data: Vec<u8> = (0..=255).cycle().take(length).collect();
        host.send_udp(id, &to_peer(7), &data).unwrap();
        let frames = host.exchange(&[]);
        assert_eq!(frames.len(), (length + 8).div_ceil(1_480), "{length}");
        let payload = joined_payload(&frames, PEER_MAC);
        let parsed = UdpDatagram::parse(&payload, (HOST, PEER), Checksum::None).unwrap();
        assert!(parsed.data() == data, "the data of {length} bytes differs");
        let never = UdpMessage { fragmentation: Fragmentation::Never, ..to_peer(7) };
        assert_eq!(host.send_udp(id, &never, &data), Err(SocketError::TooLong { limit: 1_472 }));
    }
    let too_long = host.send_udp(id, &to_peer(7), &vec![0; 65_508]);
    assert_eq!(too_long, Err(SocketError::TooLong { limit: 65_507 }));
    assert_eq!((host.exchange(&[]).len(), host.pool.held()), (0, 0));
}

#[test]
fn refused_datagram_returns_frame_and_changes_nothing() {
    let (mut host, id) = host_with_socket();
    let v4 = |text: &str| -> SocketAddr { text.parse().unwrap() };
    let to = |text: &str| UdpMessage { destination: Some(v4(text)), ..UdpMessage::default() };
    let from = |text: &str| UdpMessage { source: Some(text.parse().unwrap()), ..to_peer(7) };
    let ip = |text: &str| -> IpAddr { text.parse().unwrap() };
    let cases = [
        (UdpMessage::default(), SocketError::DestinationRequired),
        (to("10.0.0.1:0"), SocketError::PortZero),
        (to("[::1]:7"), SocketError::Ipv6(ip("::1"))),
        (to("0.0.0.0:7"), SocketError::InvalidDestination(ip("0.0.0.0"))),
        (to("127.0.0.1:7"), SocketError::InvalidDestination(ip("127.0.0.1"))),
        (to("240.0.0.1:7"), SocketError::InvalidDestination(ip("240.0.0.1"))),
        (to("10.0.0.2:7"), SocketError::InvalidDestination(ip("10.0.0.2"))),
        (to("192.0.2.1:7"), SocketError::NoRoute(ip("192.0.2.1"))),
        (to("10.0.0.255:7"), SocketError::Broadcast),
        (to("255.255.255.255:7"), SocketError::Broadcast),
        (from("10.0.0.3"), SocketError::AddressNotLocal(ip("10.0.0.3"))),
        (from("::1"), SocketError::Ipv6(ip("::1"))),
    ];
    for (message, error) in cases {
        assert_eq!(host.send_udp(id, &message, b"data"), Err(error), "{message:?}");
        let mut frame = host.pool.take().unwrap();
        frame.write(b"data").unwrap();
        let sent = host.host.send_udp_frame(NOW, id, &message, frame, &mut host.pool);
        assert_eq!((sent, host.pool.held()), (Err(error), 0), "{message:?}");
    }
    assert_eq!(host.exchange(&[]), Vec::<Vec<u8>>::new());
}

#[test]
fn frame_without_headroom_is_refused() {
    let (mut host, id) = host_with_socket();
    let mut frame = host.pool.take().unwrap();
    frame.prepend(tap::Frame::HEADROOM - 20).unwrap();
    let sent = host.host.send_udp_frame(NOW, id, &to_peer(7), frame, &mut host.pool);
    assert_eq!((sent, host.pool.held()), (Err(SocketError::NoHeadroom), 0));
}

#[test]
fn connected_socket_sends_to_its_peer_only() {
    let (mut host, id) = host_with_socket();
    host.host.connect_udp(id, (PEER, 7).into()).unwrap();
    host.send_udp(id, &UdpMessage::default(), b"data").unwrap();
    host.send_udp(id, &to_peer(7), b"data").unwrap();
    assert_eq!(host.exchange(&[]).len(), 2);
    assert_eq!(host.send_udp(id, &to_peer(8), b"data"), Err(SocketError::IsConnected));
}

// proves: rfc1122-broadcast-sent
#[test]
fn broadcast_is_sent_by_socket_with_broadcasts() {
    let mut host = TestHost::with_known_peer();
    let id = host.host.bind_udp(&UdpBind { broadcast: true, ..at_port(9) }).unwrap();
    for destination in [Ipv4Addr::BROADCAST, Ipv4Addr::new(10, 0, 0, 255)] {
        let message = UdpMessage { destination: Some((destination, 7).into()), ..UdpMessage::default() };
        host.send_udp(id, &message, b"all").unwrap();
        let frames = host.exchange(&[]);
        assert!(frames[0].starts_with(&framed(MacAddr::BROADCAST, HOST_MAC, &[])), "{destination}");
        assert_eq!(Datagram::parse(&frames[0][14..]).unwrap().destination(), destination);
    }
}

#[test]
fn multicast_datagram_has_time_to_live_1_by_default() {
    let (mut host, id) = host_with_socket();
    let group = Ipv4Addr::new(224, 0, 0, 251);
    let message = UdpMessage { destination: Some((group, 5_353).into()), ..UdpMessage::default() };
    host.send_udp(id, &message, b"data").unwrap();
    host.send_udp(id, &UdpMessage { time_to_live: Some(9), ..message }, b"data").unwrap();
    let frames = host.exchange(&[]);
    let lives: Vec<u8> =
        frames.iter().map(|bytes| Datagram::parse(&bytes[14..]).unwrap().time_to_live()).collect();
    assert_eq!(lives, [1, 9]);
    assert!(frames[0].starts_with(&framed(MacAddr::new([1, 0, 0x5e, 0, 0, 251]), HOST_MAC, &[])));
}

// proves: rfc1122-udp-source
#[test]
fn source_is_an_address_of_the_socket() {
    let mut host = TestHost::new(&HostConfig::range("10.0.0.0/24".parse().unwrap(), HOST_MAC));
    host.host.add_static(NOW, Ipv4Addr::new(192, 0, 2, 1), PEER_MAC).unwrap();
    let destination = Some(([192, 0, 2, 1], 7).into());
    let mut source = |addresses: &str, source: Option<&str>| {
        let bind = UdpBind { addresses: addresses.parse().unwrap(), ..UdpBind::default() };
        let id = host.host.bind_udp(&bind).unwrap();
        let source = source.map(|source| source.parse().unwrap());
        let message = UdpMessage { source, destination, ..UdpMessage::default() };
        host.send_udp(id, &message, b"")
            .map(|()| Datagram::parse(&host.exchange(&[])[0][14..]).unwrap().source())
    };
    assert_eq!(source("0.0.0.0/0", None), Ok([10, 0, 0, 0].into()), "the first address of the interface");
    assert_eq!(source("0.0.0.0/0", Some("10.0.0.77")), Ok([10, 0, 0, 77].into()));
    assert_eq!(source("10.0.0.8/30", None), Ok([10, 0, 0, 8].into()), "the first address of the socket");
    assert_eq!(source("10.0.0.8/32", None), Ok([10, 0, 0, 8].into()));
    let other = SocketError::AddressNotLocal([10, 0, 0, 77].into());
    assert_eq!(source("10.0.0.8/30", Some("10.0.0.77")), Err(other));
}

// proves: socket-output
#[test]
fn sockets_take_turns_in_bursts() {
    let (mut host, first) = host_with_socket();
    let second = host.host.bind_udp(&at_port(10)).unwrap();
    host.congest();
    for id in [first, second] {
        for _ in 0..40 {
            host.send_udp(id, &to_peer(7), b"data").unwrap();
        }
    }
    let frames = host.exchange(&[]);
    let waiting = &frames[Exchange::BATCH..];
    let ports: Vec<u16> = waiting.iter().map(|bytes| u16::from_be_bytes([bytes[34], bytes[35]])).collect();
    let bursts: Vec<(u16, usize)> =
        ports.chunk_by(|a, b| a == b).map(|burst| (burst[0], burst.len())).collect();
    assert_eq!(bursts, [(9, 16), (10, 16), (9, 16), (10, 16), (9, 8), (10, 8)]);
}

// proves: socket-output
#[test]
fn datagrams_join_data_queue_up_to_a_batch_and_keep_their_order() {
    let (mut host, id) = host_with_socket();
    let batch = u8::try_from(Exchange::BATCH).unwrap();
    for number in 0..batch + 2 {
        host.send_udp(id, &to_peer(7), &[number]).unwrap();
    }
    assert_eq!(host.host.interfaces.first().tx_queues.data.len(), Exchange::BATCH);
    assert_eq!(host.host.queued_datagrams(), 2, "the send buffer has the other datagrams");
    assert_eq!(host.transmit(&mut Batch::new(1)).len(), 1);
    host.send_udp(id, &to_peer(7), &[batch + 2]).unwrap();
    assert_eq!(host.host.queued_datagrams(), 3, "a datagram overtakes the datagrams that wait");
    let numbers: Vec<u8> = host.exchange(&[]).iter().map(|bytes| bytes[42]).collect();
    assert_eq!(numbers, (1..=batch + 2).collect::<Vec<u8>>());
}

// proves: socket-output
#[test]
fn datagram_that_cannot_depart_at_once_waits_in_send_buffer() {
    let (mut host, id) = host_with_socket();
    let unknown = UdpMessage { destination: Some(([10, 0, 0, 9], 7).into()), ..UdpMessage::default() };
    for (message, length) in [(unknown, 1), (to_peer(7), 1_473)] {
        host.send_udp(id, &message, &vec![0; length]).unwrap();
        assert_eq!(host.host.queued_datagrams(), 1, "{length}");
        assert!(!host.exchange(&[]).is_empty());
        assert_eq!(host.host.queued_datagrams(), 0);
    }
}

// proves: socket-output
#[test]
fn datagrams_of_sockets_delay_neither_arp_nor_receiving() {
    let (mut host, id) = host_with_socket();
    while host.send_udp(id, &to_peer(7), &[0; 9_000]).is_ok() {}
    let mut departing = Batch::new(8);
    // Fragments of the socket wait while the batch is full.
    host.transmit(&mut departing);
    assert!(host.host.accepts_frames(PORT), "datagrams of a socket stop receiving");
    assert!(host.host.interfaces.first().tx_queues.data.len() <= 8, "a socket fills the data queue");
    host.receive(&broadcast(&[&[8, 6], &request()]));
    let sent = host.transmit(&mut departing);
    assert_eq!(sent[0], reply(&[8, 6]), "the ARP reply waits behind fragments");
    host.close(id);
    while !host.transmit(&mut departing).is_empty() {}
    assert_eq!(host.pool.held(), 0);
}

#[test]
fn deadline_is_time_of_call_while_datagram_waits() {
    let (mut host, id) = host_with_socket();
    let later = NOW + Duration::from_secs(1);
    host.now = later;
    host.send_udp(id, &to_peer(7), b"data").unwrap();
    assert_eq!(host.host.deadline(), Some(later));
    host.exchange(&[]);
    assert_ne!(host.host.deadline(), Some(later));
}

// proves: services-reply-source
#[test]
fn message_selects_one_of_two_interfaces_with_the_same_address() {
    let (mut host, id) = host_with_socket();
    let vlan = link::VlanId::new(5);
    let config = HostConfig {
        vlan,
        ..HostConfig::new("10.0.0.2/24".parse().unwrap(), MacAddr::new([2, 0, 0, 0, 5, 2]))
    };
    let second = host.host.add(NOW, &config).unwrap();
    host.host.add_static_on(NOW, second, PEER, PEER_MAC).unwrap().unwrap();
    let on = |interface, source: &str| UdpMessage {
        interface: Some(InterfaceId(interface)),
        source: Some(source.parse().unwrap()),
        ..to_peer(7)
    };
    for (interface, tag) in [(0, [8, 0, 0x45]), (1, [0x81, 0, 0])] {
        host.send_udp(id, &on(interface, "10.0.0.2"), b"data").unwrap();
        assert!(host.exchange(&[])[0][12..].starts_with(&tag), "the datagram left by another interface");
        let unsourced = UdpMessage { source: None, ..on(interface, "10.0.0.2") };
        host.send_udp(id, &unsourced, b"data").unwrap();
        assert!(host.exchange(&[])[0][12..].starts_with(&tag), "the datagram left by another interface");
    }
    let echo = host.host.bind_echo(&EchoBind::default()).unwrap();
    for (interface, tag) in [(0, [8, 0, 0x45]), (1, [0x81, 0, 0])] {
        let interface = Some(InterfaceId(interface));
        let request = EchoRequest { interface, ..EchoRequest::new(PEER.into(), 1) };
        host.host.send_echo(NOW, echo, &request, b"data", &mut host.pool).unwrap();
        assert!(host.exchange(&[])[0][12..].starts_with(&tag), "the request left by another interface");
    }
    host.host.add_address(NOW, second, "10.0.0.3/24".parse().unwrap(), None).unwrap();
    assert_eq!(host.send_udp(id, &on(0, "10.0.0.3"), b"data"), Err(SocketError::NoSourceAddress));
    assert_eq!(host.send_udp(id, &on(2, "10.0.0.2"), b"data"), Err(SocketError::NoSourceAddress));
    assert_eq!(host.send_udp(id, &on(1, "10.0.0.3"), b"data"), Ok(()));
}

/// Returns the bytes and the offload state of the frames that the host sends.
fn sent_with_offload(host: &mut TestHost) -> Vec<(Vec<u8>, Offload)> {
    let mut departing = Batch::new(64);
    host.host.transmit(NOW, PORT, &mut departing, &mut host.pool);
    let mut sent = Vec::new();
    while let Some(frame) = departing.pop() {
        sent.push((frame.bytes().to_vec(), frame.offload()));
        host.pool.give(frame);
    }
    sent
}

// proves: partial-checksum-sent, udp-joined
#[test]
fn checksum_of_unfragmented_datagram_is_left_to_device_that_completes_it() {
    let all = Offloads { checksum: true, tcp_v4: true, udp: true };
    for (offloads, length) in [(all, 64), (all, 0), (all, 1_473), (Offloads { udp: false, ..all }, 64)] {
        let mut host = TestHost::with_known_peer_and(&HostConfig { offloads, ..config() });
        let id = host.host.bind_udp(&at_port(9)).unwrap();
        let data = vec![7; length];
        host.send_udp(id, &to_peer(7), &data).unwrap();
        let sent = sent_with_offload(&mut host);
        if length > 1_472 {
            // No device completes the checksum of a datagram in fragments.
            assert_eq!(sent.len(), 2);
            assert!(sent.iter().all(|(_, offload)| *offload == Offload::default()), "{sent:?}");
            continue;
        }
        let [(bytes, offload)] = &sent[..] else {
            panic!("expected one frame, the host sent {}", sent.len())
        };
        assert_eq!(offload.checksum, Checksum::Partial { start: 34, offset: 6 });
        let size = u16::try_from(length).unwrap();
        let segmentation = Segmentation { kind: SegmentationKind::Udp, size, header: 42, cwr: false };
        assert_eq!(offload.segmentation, (offloads.udp && size > 0).then_some(segmentation));
        // The rest of the checksum completes the sum of the pseudo-header.
        let mut completed = bytes.clone();
        let checksum = inet::checksum::of(&bytes[34..]);
        completed[40..42].copy_from_slice(&checksum.to_be_bytes());
        assert_eq!(sent_udp(&[completed]).3, data);
        assert_eq!(host.pool.held(), 0);
    }
}
