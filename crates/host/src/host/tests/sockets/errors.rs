//! Failures: ICMP errors, and next hops that do not answer.

use super::*;
use crate::SocketFailure;

fn failure(problem: IcmpError, peer: SocketAddrV4) -> SocketFailure {
    SocketFailure { problem, from: ROUTER.into(), peer: peer.into(), sequence: None }
}

// proves: socket-error, rfc1122-error-reported, rfc1122-udp-errors
#[test]
fn icmp_error_is_reported_to_socket_of_quoted_datagram_only() {
    let mut host = TestHost::with_known_peer();
    let all = host.host.bind_udp(&at_port(9)).unwrap();
    let connected = host.host.bind_udp(&at_port(10)).unwrap();
    host.host.connect_udp(connected, (PEER, 7).into()).unwrap();
    let peer = SocketAddrV4::new(PEER, 7);
    let reported = FrameOutcome::Ipv4(DatagramOutcome::Reported);
    let problems = [IcmpError::PORT_UNREACHABLE, IcmpError::HOPS_EXCEEDED, IcmpError::parameter(3)];
    for problem in problems {
        assert_eq!(host.exchange_one(&error_about(problem, &quoted(9, peer))), (reported, vec![]));
        assert_eq!(host.ready(), [all], "{problem}");
        assert_eq!(host.failures_of(all), [failure(problem, peer)]);
        host.exchange(&[error_about(problem, &quoted(10, peer))]);
        assert_eq!((host.ready(), host.failures_of(all)), (vec![connected], vec![]));
        assert_eq!(host.failures_of(connected), [failure(problem, peer)]);
    }
    // An error about a datagram to another peer concerns no connected socket.
    host.exchange(&[error_about(IcmpError::PORT_UNREACHABLE, &quoted(10, SocketAddrV4::new(PEER, 8)))]);
    assert_eq!((host.ready(), host.failures_of(connected)), (vec![], vec![]));
}

// proves: socket-error
#[test]
fn socket_is_unchanged_by_error() {
    let mut host = TestHost::with_known_peer();
    let id = host.host.bind_udp(&at_port(9)).unwrap();
    // The error "fragmentation needed" must be about a datagram that the socket has sent.
    host.send_udp(id, &to_peer(7), b"data").unwrap();
    host.exchange(&[]);
    let before = host.host.socket(id);
    for code in 0..16 {
        host.exchange(&[error_about(IcmpError::unreachable(code), &quoted(9, SocketAddrV4::new(PEER, 7)))]);
    }
    assert_eq!(host.host.socket(id), before);
    host.send_udp(id, &to_peer(7), b"data").unwrap();
    assert_eq!(sent_udp(&host.exchange(&[])).3, b"data");
    assert_eq!(host.failures_of(id).len(), 16);
}

// proves: rfc1122-host-unreachable
#[test]
fn unresolved_next_hop_is_reported_to_socket() {
    let mut host = TestHost::new(&config());
    let id = host.host.bind_udp(&at_port(9)).unwrap();
    host.send_udp(id, &to_peer(7), b"data").unwrap();
    host.advance(Duration::from_secs(5));
    let expected = SocketFailure {
        problem: IcmpError::HOST_UNREACHABLE,
        from: HOST.into(),
        peer: (PEER, 7).into(),
        sequence: None,
    };
    assert_eq!((host.ready(), host.failures_of(id)), (vec![id], vec![expected]));
    assert_eq!((host.pool.held(), host.count("arp", "pending_packets_dropped")), (0, 1));
}

#[test]
fn failures_beyond_limit_are_lost_and_counted() {
    let mut host = TestHost::with_known_peer();
    let (id, other) = (host.host.bind_udp(&at_port(9)).unwrap(), host.host.bind_udp(&at_port(10)).unwrap());
    let peer = SocketAddrV4::new(PEER, 7);
    let about = |port| error_about(IcmpError::PORT_UNREACHABLE, &quoted(port, peer));
    host.exchange(&vec![about(9); 300]);
    host.exchange(&[about(10)]);
    assert_eq!(host.host.socket(id).unwrap().failures_lost, 44);
    assert_eq!(host.count("icmp", "failures_lost"), 44);
    assert_eq!((host.failures_of(id).len(), host.failures_of(other).len()), (256, 1));
    host.exchange(&[about(9)]);
    assert_eq!(host.failures_of(id).len(), 1);
}

#[test]
fn failures_of_all_sockets_are_limited() {
    let mut host = TestHost::with_known_peer();
    let ids: Vec<_> = (1..=70).map(|port| host.host.bind_udp(&at_port(port)).unwrap()).collect();
    let peer = SocketAddrV4::new(PEER, 7);
    for port in 1..=70 {
        host.exchange(&vec![error_about(IcmpError::PORT_UNREACHABLE, &quoted(port, peer)); 256]);
    }
    assert_eq!(host.count("icmp", "failures_lost"), 70 * 256 - 16_384);
    let stored: usize = ids.iter().map(|id| host.failures_of(*id).len()).sum();
    assert_eq!(stored, 16_384);
    host.exchange(&[error_about(IcmpError::PORT_UNREACHABLE, &quoted(70, peer))]);
    assert_eq!(host.failures_of(ids[69]).len(), 1, "taken failures still use capacity");
}
