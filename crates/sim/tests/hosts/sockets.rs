//! UDP sockets over links with a rate, queues and faults.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::time::Duration;

use host::{SocketError, SocketId, UdpBind, UdpMessage};
use proptest::prelude::*;
use sim::{LinkSettings, Queue};
use tap::PortId;

use super::{Faults, Instant, NodeId, SECOND, Segment, config, ip, mac, segment};

const PORT: u16 = 4_711;

/// Two hosts that know each other, each with a socket.
struct Sockets {
    segment: Segment,
    sender: (NodeId, SocketId),
    receiver: (NodeId, SocketId),
}

impl Sockets {
    fn new(link: LinkSettings) -> Sockets {
        let mut segment = segment(Faults::NONE);
        let mut socket = |own, other| {
            let node = segment.add(&config(own)).unwrap();
            segment.set_link(node, PortId::default(), link);
            let host = segment.host_mut(node).unwrap();
            host.arp_mut().neighbors_mut().add_static(Instant::ORIGIN, ip(other), mac(other)).unwrap();
            (node, host.bind_udp(&UdpBind { port: Some(PORT), ..UdpBind::default() }).unwrap())
        };
        let (sender, receiver) = (socket(1, 2), socket(2, 1));
        Sockets { segment, sender, receiver }
    }

    fn send(&mut self, data: &[u8]) -> Result<(), SocketError> {
        let now = self.segment.now();
        let (host, pool) = self.segment.host_and_pool(self.sender.0).unwrap();
        let destination = SocketAddr::from((ip(2), PORT));
        let message = UdpMessage { destination: Some(destination), ..UdpMessage::default() };
        host.send_udp(now, self.sender.1, &message, data, pool)
    }

    /// Returns the data that the receiver has received.
    fn receive(&mut self) -> Vec<Vec<u8>> {
        let (host, pool) = self.segment.host_and_pool(self.receiver.0).unwrap();
        let mut received = Vec::new();
        while let Some(datagram) = host.receive_udp(self.receiver.1) {
            received.push(datagram.frame.bytes().to_vec());
            pool.give(datagram.frame);
        }
        received
    }

    /// Returns the number of packets that a node has dropped.
    fn dropped(&self, node: NodeId) -> u64 {
        let counters = self.segment.host(node).unwrap().counters();
        counters.iter().filter(|counter| counter.is_loss).map(|counter| counter.count).sum()
    }
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap()
}

// proves: socket-send-bound, socket-readiness
#[test]
fn datagrams_wait_for_link_without_queue_and_none_is_lost() {
    let rate = NonZeroU64::new(10_000_000);
    let mut sockets = Sockets::new(LinkSettings { rate, ..LinkSettings::UNLIMITED });
    let (mut sent, mut received) = (0_u32, Vec::new());
    while sent < 2_000 {
        match sockets.send(&[&sent.to_be_bytes()[..], &[7; 1_000]].concat()) {
            Ok(()) => sent += 1,
            Err(SocketError::SendBufferFull) => {
                let host = sockets.segment.host_mut(sockets.sender.0).unwrap();
                while host.poll_ready().is_some() {}
                sockets.segment.run_for(Duration::from_millis(100)).unwrap();
                let host = sockets.segment.host_mut(sockets.sender.0).unwrap();
                assert_eq!(host.poll_ready(), Some(sockets.sender.1), "a socket with capacity is not ready");
            }
            Err(error) => panic!("unexpected error: {error}"),
        }
        received.extend(sockets.receive());
    }
    sockets.segment.run_for(SECOND).unwrap();
    received.extend(sockets.receive());
    let numbers: Vec<_> =
        received.iter().map(|data| u32::from_be_bytes(*data.first_chunk().unwrap())).collect();
    assert!(numbers.iter().copied().eq(0..2_000), "datagrams are lost or not in order");
    // A frame has 1,046 bytes. The link was never idle.
    let frames = sockets.segment.take_captured();
    let last = frames.last().unwrap().at;
    assert_eq!(u128::from(last.as_nanos()), 1_999 * 1_046 * 8 * 100);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // proves: rfc1122-udp-checksum
    #[test]
    fn datagrams_over_any_link_are_received_unchanged_or_counted(
        rate in prop_oneof![Just(0), 100_000_u64..1_000_000_000],
        queue in prop_oneof![
            Just(Queue::Backpressure),
            (0_u64..20_000).prop_map(|bytes| Queue::DropTail { bytes }),
            (0_u64..20_000, 0_u64..9_000).prop_map(|(bytes, threshold)| Queue::Marking { bytes, threshold }),
        ],
        seed: u64,
        rates in [0_u32..300_000, 0_u32..300_000, 0_u32..300_000, 0_u32..500_000],
        lengths in prop::collection::vec(4_usize..1_473, 1..120),
    ) {
        let [loss, duplication, reordering, corruption] = rates;
        let faults = Faults { seed, loss, duplication, reordering, corruption, ..Faults::NONE };
        let mut sockets = Sockets::new(LinkSettings { rate: NonZeroU64::new(rate), queue, faults });
        let mut sent = Vec::new();
        for (number, length) in (0_u32..).zip(lengths) {
            let data: Vec<u8> = number.to_be_bytes().into_iter().cycle().take(length).collect();
            match sockets.send(&data) {
                Ok(()) => sent.push(data),
                Err(error) => prop_assert_eq!(error, SocketError::SendBufferFull),
            }
        }
        sockets.segment.run_for(100 * SECOND).unwrap();
        let received = sockets.receive();
        let is_sent = |data: &Vec<u8>| sent.contains(data);
        prop_assert!(received.iter().all(is_sent), "a socket received changed data");
        let (sender, receiver) = (sockets.sender.0, sockets.receiver.0);
        let link = sockets.segment.link_counters(sender, PortId::default()).unwrap();
        prop_assert_eq!(to_u64(sent.len()), link.frames + link.queue_full, "a datagram did not depart");
        let counters = sockets.segment.counters();
        let replies = sockets.segment.link_counters(receiver, PortId::default()).unwrap().frames;
        prop_assert_eq!(replies, 0, "the receiver sent a frame");
        prop_assert_eq!(counters.delivered + counters.lost, link.frames + counters.duplicated);
        prop_assert_eq!(counters.delivered, to_u64(received.len()) + sockets.dropped(receiver), "a loss is not counted");
        prop_assert_eq!(sockets.segment.pool(sender).unwrap().held(), 0);
        prop_assert_eq!(sockets.segment.pool(receiver).unwrap().held(), 0);
    }
}
