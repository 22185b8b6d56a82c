//! TCP connections over links with faults, and between many hosts.

use std::net::SocketAddr;

use host::{HostConfig, SocketId, TcpConnect, TcpListen, TcpRead};
use link::MacAddr;

use super::{Duration, Faults, Instant, MILLISECOND, NodeId, SECOND, Segment, config, ip, mac, segment};

const PORT: u16 = 7;

/// A connection of one end, with the data to send and the data that was received.
struct End {
    node: NodeId,
    socket: SocketId,
    unsent: Vec<u8>,
    received: Vec<u8>,
    has_ended: bool,
}

impl End {
    /// Writes and reads as much data as possible. After the last data, closes the sending direction.
    fn serve(&mut self, segment: &mut Segment) {
        let now = segment.now();
        let (host, pool) = segment.host_and_pool(self.node).unwrap();
        if !self.unsent.is_empty() {
            let written = host.write_tcp(now, self.socket, &self.unsent, pool).unwrap();
            self.unsent.drain(..written);
            if self.unsent.is_empty() {
                host.shutdown_tcp(now, self.socket).unwrap();
            }
        }
        let mut buffer = [0; 10_000];
        while let TcpRead::Data(length) = host.read_tcp(now, self.socket, &mut buffer, pool).unwrap() {
            self.received.extend(&buffer[..length]);
        }
        self.has_ended = host.read_tcp(now, self.socket, &mut buffer, pool).unwrap() == TcpRead::End;
    }
}

fn data(seed: u8, length: usize) -> Vec<u8> {
    (0..length).map(|number| number.to_le_bytes()[0].wrapping_mul(seed) ^ number.to_le_bytes()[1]).collect()
}

fn count(segment: &Segment, node: NodeId, name: &str) -> u64 {
    let counters = segment.host(node).unwrap().counters();
    counters.iter().find(|counter| counter.layer == "tcp" && counter.name == name).unwrap().count
}

#[test]
fn data_of_both_directions_survives_faults() {
    let faults = Faults {
        seed: 3,
        loss: 20_000,
        duplication: 20_000,
        reordering: 50_000,
        corruption: 10_000,
        reordering_delay: 5 * MILLISECOND,
        ..Faults::NONE
    };
    let mut segment = segment(faults);
    let nodes = [segment.add(&config(1)).unwrap(), segment.add(&config(2)).unwrap()];
    for (node, other) in [(nodes[0], 2), (nodes[1], 1)] {
        segment.host_mut(node).unwrap().add_static(Instant::ORIGIN, ip(other), mac(other)).unwrap();
    }
    let listen = TcpListen { port: Some(PORT), ..TcpListen::default() };
    let listener = segment.host_mut(nodes[1]).unwrap().listen_tcp(&listen).unwrap();
    let connect = TcpConnect::new(SocketAddr::from((ip(2), PORT)));
    let socket = segment.host_mut(nodes[0]).unwrap().connect_tcp(Instant::ORIGIN, &connect).unwrap();
    let (sent, answered) = (data(3, 300_000), data(5, 200_000));
    let end = |node, socket, unsent: &[u8]| {
        let unsent = unsent.to_vec();
        End { node, socket, unsent, received: Vec::new(), has_ended: false }
    };
    let mut client = end(nodes[0], socket, &sent);
    let accepted = loop {
        segment.run_for(10 * MILLISECOND).unwrap();
        if let Some(accepted) = segment.host_mut(nodes[1]).unwrap().accept_tcp(listener) {
            break accepted;
        }
    };
    assert_eq!((accepted.local, accepted.peer.ip()), (SocketAddr::from((ip(2), PORT)), ip(1).into()));
    let mut server = end(nodes[1], accepted.socket, &answered);
    while !(client.has_ended && server.has_ended) {
        assert!(segment.now() < Instant::ORIGIN + 600 * SECOND, "the transfer does not end");
        client.serve(&mut segment);
        server.serve(&mut segment);
        segment.run_for(MILLISECOND).unwrap();
    }
    assert!(server.received == sent, "the server received other data");
    assert!(client.received == answered, "the client received other data");
    assert!(count(&segment, nodes[1], "bad_checksum") > 0, "no corrupted segment was dropped");
    for end in [client, server] {
        let now = segment.now();
        let (host, pool) = segment.host_and_pool(end.node).unwrap();
        host.close(now, end.socket, pool);
    }
    segment.run_for(600 * SECOND).unwrap();
    for node in nodes {
        assert_eq!(segment.pool(node).unwrap().held(), 0, "a closed connection holds frames");
        assert_eq!(segment.host(node).unwrap().sockets().count(), usize::from(node == nodes[1]));
    }
}

// proves: many-hosts
#[test]
fn one_listener_accepts_connections_of_all_hosts_of_a_range() {
    let mut segment = segment(Faults::NONE);
    let client = segment.add(&HostConfig::new("10.1.0.0/8".parse().unwrap(), mac(1))).unwrap();
    let range = HostConfig::range("10.2.0.0/16".parse().unwrap(), MacAddr::new([2, 0, 0, 2, 0, 0]));
    let server = segment.add(&range).unwrap();
    let listen = TcpListen { port: Some(PORT), ..TcpListen::default() };
    let listener = segment.host_mut(server).unwrap().listen_tcp(&listen).unwrap();
    let addresses: Vec<[u8; 4]> = (0..=255).map(|number| [10, 2, number, number]).collect();
    let now = segment.now();
    let host = segment.host_mut(client).unwrap();
    for address in &addresses {
        host.connect_tcp(now, &TcpConnect::new(SocketAddr::from((*address, PORT)))).unwrap();
    }
    segment.run_for(Duration::from_secs(5)).unwrap();
    let host = segment.host_mut(server).unwrap();
    let mut accepted: Vec<_> = std::iter::from_fn(|| host.accept_tcp(listener)).collect();
    accepted.sort_by_key(|accepted| accepted.local);
    let locals: Vec<_> = accepted.iter().map(|accepted| accepted.local).collect();
    let expected: Vec<_> = addresses.iter().map(|address| SocketAddr::from((*address, PORT))).collect();
    assert_eq!(locals, expected);
}
