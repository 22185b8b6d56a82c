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
    let syn_ack = SegmentFields {
        options: Options { maximum_segment_size: Some(1_460), ..Options::default() },
        ..peer.fields(Flags::SYN | Flags::ACK)
    };
    let fields = Ipv4Fields::new(IpProtocol::TCP, PEER, HOST);
    host.exchange(&[frame(&datagram(fields, &segment(&syn_ack, b"")))]);
    peer.next = peer.next.plus(1);
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
