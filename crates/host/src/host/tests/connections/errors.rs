//! ICMP errors about segments, path MTUs, and next hops that do not answer.

use super::*;

/// Returns the frame of an ICMP error of the router about the start of a datagram of the host.
fn error_about(problem: IcmpError, about: &[u8]) -> Vec<u8> {
    let mut message = vec![0; IcmpError::HEADER + 28];
    let length = problem.write_to(&about[..28], &mut message).unwrap();
    frame(&datagram(Ipv4Fields::new(IpProtocol::ICMP, PEER, HOST), &message[..length]))
}

/// Returns the datagram of a segment of the host to a peer.
fn quoted(peer: &Peer, sequence: SequenceNumber, length: usize) -> Vec<u8> {
    let fields =
        SegmentFields { source: peer.host, destination: peer.address, sequence, ..peer.fields(Flags::ACK) };
    let fields_ip = Ipv4Fields::new(IpProtocol::TCP, HOST, PEER);
    datagram(fields_ip, &segment(&fields, &vec![0; length]))
}

/// Receives the SYN,ACK of a peer with a maximum segment size of 1,460 bytes.
fn establish(host: &mut TestHost, peer: &mut Peer) {
    let syn_ack = SegmentFields {
        options: Options { maximum_segment_size: Some(1_460), ..Options::default() },
        ..peer.fields(Flags::SYN | Flags::ACK)
    };
    let fields = Ipv4Fields::new(IpProtocol::TCP, PEER, HOST);
    host.exchange(&[frame(&datagram(fields, &segment(&syn_ack, b"")))]);
    peer.next = peer.next.plus(1);
}

const REPORTED: FrameOutcome = FrameOutcome::Ipv4(DatagramOutcome::Reported);
const UNKNOWN: FrameOutcome = FrameOutcome::Dropped(DropReason::NoSocket);

// proves: rfc5927-other, rfc5927-sequence, rfc9293-hard-errors
#[test]
fn hard_error_about_syn_ends_connection_and_forged_error_does_not() {
    let mut host = TestHost::with_known_peer();
    let (id, peer) = host.open(&to_peer(80));
    let syn = peer.expected.minus(1);
    let other = Peer { address: SocketAddrV4::new(PEER, 81), ..peer };
    let unreachable = IcmpError::PORT_UNREACHABLE;
    for forged in [quoted(&other, syn, 0), quoted(&peer, syn.plus(70_000), 0), quoted(&peer, syn.minus(1), 0)]
    {
        assert_eq!(host.exchange_one(&error_about(unreachable, &forged)), (UNKNOWN, vec![]));
        assert_eq!(host.state(id), TcpState::SynSent);
    }
    assert_eq!(host.count("icmp", "no_socket"), 3);
    assert_eq!(host.exchange_one(&error_about(unreachable, &quoted(&peer, syn, 0))), (REPORTED, vec![]));
    assert_eq!(host.host.tcp_status(id).unwrap().closed, Some(TcpCloseReason::Refused));
    assert_eq!(host.ready(), [id]);
}

// proves: rfc9293-soft-errors, rfc5927-soft
#[test]
fn error_about_established_connection_is_soft() {
    let (mut host, peer, id) = TestHost::connected();
    host.write(id, b"data");
    host.exchange(&[]);
    for problem in [
        IcmpError::HOST_UNREACHABLE,
        IcmpError::PORT_UNREACHABLE,
        IcmpError::PROTOCOL_UNREACHABLE,
        IcmpError::HOPS_EXCEEDED,
        IcmpError::parameter(3),
    ] {
        let error = error_about(problem, &quoted(&peer, peer.expected, 4));
        assert_eq!(host.exchange_one(&error).0, REPORTED, "{problem}");
        let status = host.host.tcp_status(id).unwrap();
        assert_eq!((status.state, status.closed), (TcpState::Established, None), "{problem}");
        assert!(status.soft_error.is_some(), "{problem} was not reported");
    }
}

// proves: rfc9293-source-quench, rfc5927-quench
#[test]
fn source_quench_is_ignored() {
    let (mut host, peer, id) = TestHost::connected();
    host.write(id, b"data");
    host.exchange(&[]);
    let mut error = error_about(IcmpError::HOST_UNREACHABLE, &quoted(&peer, peer.expected, 4));
    // Type 4, code 0, with a corrected checksum.
    error[34..38].copy_from_slice(&[4, 0, 0, 0]);
    let sum = inet::checksum::of(&error[34..]);
    error[36..38].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(host.exchange_one(&error), (UNKNOWN, vec![]));
    assert_eq!(host.host.tcp_status(id).unwrap().soft_error, None);
}

// proves: rfc5927-path-mtu, rfc9293-path-mtu
#[test]
fn path_mtu_is_reduced_by_accepted_error_only() {
    let mut host = TestHost::with_known_peer();
    let (id, mut peer) = host.open(&to_peer(80));
    establish(&mut host, &mut peer);
    host.write(id, &[7; 3_000]);
    let first = sent(&host.exchange(&[]));
    assert_eq!(first[0].data.len(), 1_460);
    let needed = IcmpError::fragmentation_needed(1_000);
    let forged = quoted(&peer, peer.expected.plus(1_000_000), 1_460);
    assert_eq!(host.exchange_one(&error_about(needed, &forged)), (UNKNOWN, vec![]));
    assert_eq!(host.host.path_mtu(host.now, PEER.into()), Some(1_500));
    let (outcome, again) = host.exchange_one(&error_about(needed, &quoted(&peer, peer.expected, 1_460)));
    assert_eq!(outcome, REPORTED);
    assert_eq!(host.host.path_mtu(host.now, PEER.into()), Some(1_000));
    let again = sent(&again);
    assert_eq!((again[0].segment.sequence, again[0].data.len()), (peer.expected, 960));
}

// proves: path-mtu-floor, rfc1191-increase
#[test]
fn connection_at_the_minimum_path_mtu_survives_the_eviction_of_the_path_mtu() {
    let mut host = TestHost::with_known_peer();
    let (id, mut peer) = host.open(&to_peer(80));
    establish(&mut host, &mut peer);
    host.write(id, &[7; 1_000]);
    host.exchange(&[]);
    let dont_fragment =
        |frames: &[Vec<u8>]| frames.iter().map(|frame| frame[20] & 0x40 != 0).collect::<Vec<_>>();
    let report = |host: &mut TestHost, length| {
        let needed = IcmpError::fragmentation_needed(400);
        host.exchange_one(&error_about(needed, &quoted(&peer, peer.expected, length)))
    };
    let (outcome, again) = report(&mut host, 1_000);
    assert_eq!((outcome, dont_fragment(&again)), (REPORTED, vec![false, false]));
    for number in 0..2_000_u32 {
        let destination = Ipv4Addr::from(0xc000_0000 + number);
        host.host.interfaces.first_mut().path_mtus.update(host.now, destination, 1_000, 1_500);
    }
    assert_eq!(host.host.path_mtu(host.now, PEER.into()), Some(1_500), "the path MTU is not evicted");
    let again = host.advance(Duration::from_secs(3));
    assert_eq!(dont_fragment(&again).first(), Some(&true));
    assert_eq!(report(&mut host, 512).0, REPORTED);
    let again = host.advance(Duration::from_secs(10));
    assert_eq!(dont_fragment(&again).first(), Some(&false), "no router can fragment the segments");
}

// proves: rfc1191-follow, rfc9293-mss-sent
#[test]
fn connections_follow_the_path_mtu_of_their_destination() {
    let mut host = TestHost::new(&config());
    host.host.add_static(NOW, PEER, PEER_MAC).unwrap();
    let listener = host.host.listen_tcp(&at_port(80)).unwrap();
    let options = Options { maximum_segment_size: Some(1_460), ..Options::default() };
    let accept = |host: &mut TestHost, port| {
        let mut peer = Peer::new(port, 80);
        let syn = SegmentFields { options, ..peer.fields(Flags::SYN) };
        let fields = Ipv4Fields::new(IpProtocol::TCP, PEER, HOST);
        let [syn_ack] = &sent(&host.exchange(&[frame(&datagram(fields, &segment(&syn, b"")))]))[..] else {
            panic!("not one SYN,ACK")
        };
        (peer.next, peer.expected) = (peer.next.plus(1), syn_ack.segment.sequence.plus(1));
        peer.send(host, Flags::ACK, b"");
        let accepted = host.host.accept_tcp(listener).expect("no connection");
        (peer, accepted.socket, syn_ack.segment.options.maximum_segment_size)
    };
    let (mut one, first, _) = accept(&mut host, 1_000);
    let (mut other, second, _) = accept(&mut host, 1_001);
    host.write(first, &[1; 1_460]);
    host.write(second, &[2; 1_460]);
    host.exchange(&[]);
    let error = error_about(IcmpError::fragmentation_needed(1_000), &quoted(&one, one.expected, 1_460));
    let again = sent(&host.exchange(&[error]));
    let lengths = |sent: &[Sent]| sent.iter().map(|sent| sent.data.len()).collect::<Vec<_>>();
    assert_eq!(lengths(&again), [960, 500], "only the connection of the error retransmits");
    // The other connection sends what fits the path MTU after its next received segment.
    other.expected = other.expected.plus(1_460);
    assert_eq!(lengths(&other.send(&mut host, Flags::ACK, b"")), []);
    host.write(second, &[2; 2_000]);
    assert_eq!(lengths(&sent(&host.exchange(&[]))), [960, 960, 80]);
    // A new connection has the MTU of the interface in its SYN,ACK, and sends what fits the path MTU.
    let (mut new, third, size) = accept(&mut host, 1_002);
    assert_eq!(size, Some(1_460));
    host.write(third, &[3; 1_000]);
    assert_eq!(lengths(&sent(&host.exchange(&[]))), [960, 40]);
    let (id, _) = host.open(&to_peer(80));
    assert_eq!(host.host.tcp_info(id).unwrap().advertised_segment_size, 1_460);
    host.host.abort_tcp(host.now, id, &mut host.pool);

    // The path MTU expires.
    for (peer, length) in [(&mut one, 1_460), (&mut other, 2_000), (&mut new, 1_000)] {
        peer.expected = peer.expected.plus(length);
        peer.send(&mut host, Flags::ACK, b"");
    }
    host.now = host.now + Duration::from_mins(11);
    for (peer, id) in [(&mut one, first), (&mut other, second), (&mut new, third)] {
        assert_eq!(lengths(&peer.send(&mut host, Flags::ACK | Flags::PSH, b"x")), [0]);
        host.write(id, &[1; 1_460]);
        assert_eq!(lengths(&sent(&host.exchange(&[]))), [1_460], "the connection does not follow the expiry");
    }
}

#[test]
fn smaller_mtu_of_link_reduces_segments() {
    let (mut host, _, id) = TestHost::connected();
    host.link_changed(LinkState { is_up: true, has_carrier: true, mtu: 560 });
    host.write(id, &[7; 2_000]);
    let lengths: Vec<_> = sent(&host.exchange(&[])).iter().map(|sent| sent.data.len()).collect();
    assert_eq!((lengths.iter().max(), lengths.iter().sum()), (Some(&520), 2_000), "{lengths:?}");
}

// proves: rfc9293-close-reported
#[test]
fn unresolved_next_hop_ends_open_as_unreachable() {
    let mut host = TestHost::new(&config());
    let id = host.host.connect_tcp(host.now, &to_peer(80)).unwrap();
    host.advance(Duration::from_secs(5));
    let status = host.host.tcp_status(id).unwrap();
    assert_eq!((status.state, status.closed), (TcpState::Closed, Some(TcpCloseReason::Unreachable)));
    assert_eq!(host.ready(), [id]);
}
