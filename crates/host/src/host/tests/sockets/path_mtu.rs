//! Path MTUs: learned from ICMP errors, used for the datagrams of sockets.

use super::*;

/// Returns a host with a socket on port 9 that has sent a datagram of 1,500 bytes to port 7 of the peer.
fn host_with_socket() -> (TestHost, SocketId) {
    let mut host = TestHost::with_known_peer();
    let id = host.host.bind_udp(&at_port(9)).unwrap();
    host.send_udp(id, &to_peer(7), &[7; 1_472]).unwrap();
    assert_eq!(host.exchange(&[]).len(), 1);
    (host, id)
}

/// Returns an error about a datagram of 1,500 bytes to port 7 of the peer.
fn needed(mtu: u16, source: u16) -> Vec<u8> {
    needed_about(mtu, source, 1_500)
}

/// Returns an error about a datagram of `length` bytes to port 7 of the peer.
fn needed_about(mtu: u16, source: u16, length: usize) -> Vec<u8> {
    let (source, destination) = (SocketAddrV4::new(HOST, source), SocketAddrV4::new(PEER, 7));
    let about =
        datagram(ip_fields(source, destination), &udp_bytes(source, destination, &vec![7; length - 28]));
    error_about(IcmpError::fragmentation_needed(mtu), &about)
}

fn path_mtu(host: &TestHost) -> usize {
    host.host.path_mtu(host.now, PEER.into()).unwrap()
}

// proves: rfc8085-path-mtu, rfc1191-reduce, rfc1191-aging
#[test]
fn datagrams_fit_path_mtu_until_it_expires() {
    let (mut host, id) = host_with_socket();
    assert_eq!(path_mtu(&host), 1_500);
    host.exchange(&[needed(1_400, 9)]);
    assert_eq!((path_mtu(&host), host.failures_of(id).len()), (1_400, 1));
    let never = UdpMessage { fragmentation: Fragmentation::Never, ..to_peer(7) };
    assert_eq!(host.send_udp(id, &never, &[7; 1_373]), Err(SocketError::TooLong { limit: 1_372 }));
    for (length, frames) in [(1_372, 1), (1_373, 2), (1_472, 2), (9_000, 7)] {
        host.send_udp(id, &to_peer(7), &vec![7; length]).unwrap();
        let sent = host.exchange(&[]);
        assert_eq!(sent.len(), frames, "{length}");
        assert!(sent.iter().all(|frame| frame.len() <= 14 + 1_400), "a fragment exceeds the path MTU");
        let datagram = Datagram::parse(&sent[0][14..]).unwrap();
        assert_eq!(datagram.dont_fragment(), frames == 1, "{length}");
        let payload = joined_payload(&sent, PEER_MAC);
        let parsed = UdpDatagram::parse(&payload, (HOST, PEER), Checksum::None).unwrap();
        assert!(parsed.data() == vec![7; length], "the data of {length} bytes differs");
    }
    host.advance(Duration::from_secs(601));
    assert_eq!(path_mtu(&host), 1_500);
    host.exchange(&[broadcast(&[&[8, 6], &request()])]);
    host.send_udp(id, &to_peer(7), &[7; 1_472]).unwrap();
    assert_eq!(host.exchange(&[]).len(), 1);
}

// proves: path-mtu-floor
#[test]
fn datagram_to_destination_with_minimum_path_mtu_may_be_fragmented() {
    let (mut host, id) = host_with_socket();
    host.exchange(&[needed(68, 9)]);
    assert_eq!(path_mtu(&host), 552);
    host.send_udp(id, &to_peer(7), &[7; 524]).unwrap();
    let sent = host.exchange(&[]);
    assert_eq!((sent.len(), Datagram::parse(&sent[0][14..]).unwrap().dont_fragment()), (1, false));
    let never = UdpMessage { fragmentation: Fragmentation::Never, ..to_peer(7) };
    host.send_udp(id, &never, &[7; 524]).unwrap();
    assert!(Datagram::parse(&host.exchange(&[])[0][14..]).unwrap().dont_fragment());
}

// proves: socket-error
#[test]
fn error_about_datagram_of_no_socket_changes_no_path_mtu() {
    let (mut host, id) = host_with_socket();
    host.exchange(&[needed(600, 10)]);
    assert_eq!((path_mtu(&host), host.failures_of(id).len()), (1_500, 0));
    host.host.connect_udp(id, (PEER, 8).into()).unwrap();
    host.exchange(&[needed(600, 9)]);
    assert_eq!(path_mtu(&host), 1_500, "the socket is connected to another port");
    assert_eq!(host.count("icmp", "no_socket"), 2);
}

// proves: socket-error
#[test]
fn error_changes_path_mtu_of_its_interface_only() {
    let (mut host, _) = host_with_socket();
    let config = HostConfig {
        vlan: link::VlanId::new(5),
        ..HostConfig::new("10.0.0.2/24".parse().unwrap(), MacAddr::new([2, 0, 0, 0, 5, 2]))
    };
    let second = host.host.add(NOW, &config).unwrap();
    let error = needed(1_400, 9);
    let tagged = [&[2, 0, 0, 0, 5, 2], &error[6..12], &[0x81, 0, 0, 5], &error[12..]].concat();
    host.exchange(&[tagged]);
    let of = |id| host.host.interface(id).unwrap().path_mtu(host.now, PEER);
    assert_eq!((of(InterfaceId(0)), of(second)), (1_500, 1_400));
}

#[test]
fn datagram_that_waits_for_its_next_hop_fits_path_mtu_of_its_departure() {
    let mut host = TestHost::new(&config());
    let id = host.host.bind_udp(&at_port(9)).unwrap();
    // The error is about a datagram of the length of this datagram.
    let other = UdpMessage { destination: Some(([10, 0, 0, 77], 7).into()), ..UdpMessage::default() };
    host.send_udp(id, &other, &[7; 1_472]).unwrap();
    host.send_udp(id, &to_peer(7), &[7; 9_000]).unwrap();
    host.exchange(&[]);
    host.exchange(&[needed(1_000, 9)]);
    let sent = host.exchange(&[broadcast(&[&[8, 6], &request()])]);
    let datagrams: Vec<_> = sent.iter().filter(|frame| frame[12..14] == [8, 0]).cloned().collect();
    assert!(datagrams.iter().all(|frame| frame.len() <= 14 + 1_000), "a fragment exceeds the path MTU");
    assert_eq!(joined_payload(&datagrams, PEER_MAC).len(), 9_008);
}

// proves: path-mtu-sent
#[test]
fn error_about_datagram_that_socket_cannot_have_sent_is_dropped() {
    let mut host = TestHost::with_known_peer();
    let id = host.host.bind_udp(&at_port(9)).unwrap();
    let mut path_mtu_after = |length: usize, error: Vec<u8>| {
        host.send_udp(id, &to_peer(7), &vec![7; length - 28]).unwrap();
        host.exchange(&[]);
        host.exchange(&[error]);
        path_mtu(&host)
    };
    assert_eq!(path_mtu_after(900, needed_about(600, 9, 1_500)), 1_500, "longer than what was sent");
    assert_eq!(path_mtu_after(9_000, needed_about(600, 9, 9_000)), 1_500, "sent in fragments");
    assert_eq!(path_mtu_after(900, needed_about(900, 9, 900)), 1_500, "the reported MTU fits");
    assert_eq!(path_mtu_after(900, needed_about(600, 9, 921)), 1_500, "longer by more than the header");
    assert_eq!(path_mtu_after(900, needed_about(800, 9, 920)), 800, "length of 4.2BSD");
    assert_eq!(path_mtu_after(700, needed_about(600, 9, 800)), 600);
    assert_eq!(host.failures_of(id).len(), 2);
    assert_eq!(host.count("icmp", "no_socket"), 4);
}
