//! Limits of buffers and of memory.

use super::*;
use crate::sockets::SocketPacket;

const FRAME: usize = tap::Frame::capacity_for(1_500);

fn to_host(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(HOST, port)
}

// proves: socket-receive-bound
#[test]
fn newest_datagram_is_dropped_and_counted_when_receive_buffer_is_full() {
    let mut host = TestHost::with_known_peer();
    let small = UdpBind { receive_buffer: 3 * FRAME, ..at_port(9) };
    let (id, other) = (host.host.bind_udp(&small).unwrap(), host.host.bind_udp(&at_port(10)).unwrap());
    host.exchange(&[b"a", b"b", b"c", b"d", b"e"].map(|data| from_peer(to_host(9), data)));
    let full = DropReason::Socket(DatagramSocketKind::Udp, SocketDropReason::ReceiveBufferFull);
    assert_eq!(host.outcomes.last(), Some(&FrameOutcome::Dropped(full)));
    assert_eq!(host.count("udp", "receive_buffer_full"), 2);
    assert_eq!(host.host.socket(id).unwrap().dropped, 2);
    host.exchange(&[from_peer(to_host(10), b"other")]);
    assert_eq!(host.data(other), [b"other"], "a full buffer concerns another socket");
    assert_eq!(host.data(id), [b"a", b"b", b"c"]);
    assert_eq!(host.exchange_one(&from_peer(to_host(9), b"f")).0, DELIVERED);
    assert_eq!(host.data(id), [b"f"]);
}

// proves: drops-counted
#[test]
fn datagram_for_a_closed_socket_is_dropped_for_this_reason() {
    let mut host = TestHost::with_known_peer();
    let id = host.host.bind_udp(&at_port(9)).unwrap();
    host.close(id);
    let (source, destination) = (SocketAddrV4::new(PEER, 7), to_host(9));
    let (frame, interface, at) = (host.pool.take().unwrap(), InterfaceId(0), NOW);
    let packet =
        SocketPacket { frame, source, destination, interface, time_to_live: 64, type_of_service: 0, at };
    let (frame, reason) = host.host.shared.sockets.deliver(id.index, packet).unwrap_err();
    host.pool.give(frame);
    assert_eq!(reason, SocketDropReason::Closed);
}

#[test]
fn empty_receive_buffer_accepts_one_datagram() {
    let mut host = TestHost::with_known_peer();
    let id = host.host.bind_udp(&UdpBind { receive_buffer: 0, ..at_port(9) }).unwrap();
    host.exchange(&[b"a", b"b"].map(|data| from_peer(to_host(9), data)));
    assert_eq!(host.data(id), [b"a"]);
}

// proves: socket-memory-bound
#[test]
fn memory_of_all_sockets_is_limited() {
    let limits = SocketLimits { memory: 5 * FRAME, ..SocketLimits::default() };
    let mut host = TestHost::of(Host::new(NOW, &config()).unwrap().with_socket_limits(limits), 1_500);
    host.exchange(&[broadcast(&[&[8, 6], &request()])]);
    let ids: Vec<_> = (1..=6).map(|port| host.host.bind_udp(&at_port(port)).unwrap()).collect();
    host.exchange(&[1, 2, 3, 4].map(|port| from_peer(to_host(port), b"data")));
    host.congest();
    host.send_udp(ids[5], &to_peer(7), b"data").unwrap();
    assert_eq!(host.send_udp(ids[5], &to_peer(7), b"data"), Err(SocketError::SocketMemoryFull));
    assert_eq!(host.receive(&from_peer(to_host(5), b"data")), {
        FrameOutcome::Dropped(DropReason::Socket(DatagramSocketKind::Udp, SocketDropReason::MemoryFull))
    });
    assert_eq!(host.count("udp", "socket_memory_full"), 1);
    assert_eq!(host.data(ids[0]).len(), 1);
    assert_eq!(host.exchange_one(&from_peer(to_host(5), b"data")).0, DELIVERED);
    for id in ids {
        host.close(id);
    }
    host.exchange(&[]);
    assert_eq!(host.pool.held(), 0, "a closed socket has frames");
}

// proves: socket-memory-bound
#[test]
fn refused_datagram_leaves_no_send_queue() {
    let limits = SocketLimits { memory: FRAME, ..SocketLimits::default() };
    let mut host = TestHost::of(Host::new(NOW, &config()).unwrap().with_socket_limits(limits), 1_500);
    host.exchange(&[broadcast(&[&[8, 6], &request()])]);
    let id = host.host.bind_udp(&at_port(9)).unwrap();
    host.exchange(&[from_peer(to_host(9), b"data")]);
    host.congest();
    assert_eq!(host.send_udp(id, &to_peer(7), b"data"), Err(SocketError::SocketMemoryFull));
    assert!(!host.host.shared.sockets.has_senders(InterfaceId(0)), "an empty queue has turns");
    assert_eq!(host.data(id).len(), 1);
    host.send_udp(id, &to_peer(7), b"data").unwrap();
    assert!(host.host.shared.sockets.has_senders(InterfaceId(0)));
}

// proves: socket-send-bound, socket-readiness
#[test]
fn full_send_buffer_refuses_datagram_and_reports_capacity() {
    let mut host = TestHost::with_known_peer();
    let small = UdpBind { send_buffer: 4 * FRAME, ..at_port(9) };
    let id = host.host.bind_udp(&small).unwrap();
    host.congest();
    for _ in 0..4 {
        host.send_udp(id, &to_peer(7), b"data").unwrap();
    }
    assert_eq!(host.send_udp(id, &to_peer(7), b"data"), Err(SocketError::SendBufferFull));
    assert_eq!(host.pool.held(), Exchange::BATCH + 4);
    assert_eq!(host.host.socket(id).unwrap().sending_bytes, 4 * FRAME);
    assert_eq!(host.transmit(&mut Batch::new(Exchange::BATCH)).len(), Exchange::BATCH);
    assert_eq!(host.ready(), []);
    let mut departing = Batch::new(1);
    assert_eq!(host.transmit(&mut departing).len(), 1);
    assert_eq!(host.ready(), [], "less than half of the buffer is free");
    assert_eq!(host.transmit(&mut departing).len(), 1);
    assert_eq!(host.ready(), [id]);
    host.send_udp(id, &to_peer(7), b"data").unwrap();
    host.exchange(&[]);
    assert_eq!(host.ready(), [], "the socket was not refused since it was ready");
}

#[test]
fn limits_may_have_any_value() {
    for sockets in [0, 1, SocketLimits::MAX_SOCKETS, usize::MAX] {
        for memory in [0, usize::MAX] {
            let limits = SocketLimits { sockets, memory };
            let mut host = Host::new(NOW, &config()).unwrap().with_socket_limits(limits);
            assert_eq!(host.bind_udp(&at_port(9)).is_ok(), sockets > 0, "{limits:?}");
            assert!(host.pool_size() > 0, "{limits:?}");
        }
    }
}
