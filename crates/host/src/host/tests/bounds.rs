//! Bounds of the host's queues when the device transmits nothing.

use super::test_host::datagram;
use super::*;
use crate::{UdpBind, UdpMessage};
use inet::IpProtocol;

/// A device that transmits nothing, and receives one ARP request per poll.
struct BlockedDevice {
    received: usize,
}

impl Device for BlockedDevice {
    fn capabilities(&self) -> Capabilities {
        Capabilities { mtu: 1_500, ..Capabilities::default() }
    }
    fn receive(&mut self, pool: &mut Pool, arrived: &mut Batch) -> Result<Received, DeviceError> {
        let mut frame = pool.take().expect("the pool should have a free frame");
        frame.write(&broadcast(&[&[8, 6], &request()])).unwrap();
        arrived.push(frame).unwrap();
        self.received += 1;
        Ok(Received { frames: 1, ..Received::default() })
    }
    fn transmit(&mut self, _: &mut Batch, _: &mut Pool) -> Result<Transmitted, DeviceError> {
        Ok(Transmitted { would_block: true, ..Transmitted::default() })
    }
    fn counters(&self) -> tap::DeviceCounters {
        tap::DeviceCounters::default()
    }
}

/// Polls the host on a blocked device until the host receives no more frames. Returns the number of received frames.
fn fill(host: &mut Host, pool: &mut Pool) -> usize {
    let mut wire = BlockedDevice { received: 0 };
    let mut exchange = Exchange::new(PORT);
    for _ in 0..4 * Exchange::BATCH {
        assert!(exchange.turn(NOW, host, &mut wire, pool, &mut ()).unwrap().tx_blocked);
    }
    wire.received
}

/// Number of replies to single requests until the host receives nothing: a batch for the device, and one queued reply
/// more than the capacity that remains for the replies to a batch of received frames.
const REPLIES: usize = 2 * Exchange::BATCH + 1;

// proves: receive-bound
#[test]
fn host_receives_nothing_when_control_queue_lacks_capacity_for_batch() {
    let mut host = host(None);
    let mut pool = Pool::new(1_500, host.pool_size());
    assert_eq!(fill(&mut host, &mut pool), REPLIES);
    assert!(!host.accepts_frames(PORT));
    assert_eq!(
        (host.arp_replies(), host.tx_dropped(TxDropReason::TxQueueFull)),
        (u64::try_from(REPLIES).unwrap(), 0),
        "a request was not answered"
    );
}

/// Sends a datagram with this many bytes of data from the first address.
fn send(host: &mut Host, destination: Ipv4Addr, bytes: usize, pool: &mut Pool) -> SendOutcome {
    let fields = ipv4::Ipv4Fields::new(IpProtocol::ICMP, HOST, destination);
    let mut frame = pool.take_large().unwrap();
    frame.write(&datagram(fields, &vec![7; bytes])).unwrap();
    host.send(NOW, destination.into(), EtherType::IPV4, frame, pool)
}

/// Sends datagrams until the data queue is full. Returns their number.
fn fill_data_queue(host: &mut Host, pool: &mut Pool) -> usize {
    let sent = (0..).take_while(|_| send(host, PEER, 65_000, pool) == SendOutcome::Queued);
    sent.count()
}

/// Sends datagrams from sockets until their memory is full. Returns their number.
fn fill_sockets(host: &mut Host, pool: &mut Pool) -> usize {
    let mut count = 0;
    loop {
        let id = host.bind_udp(&UdpBind::default()).unwrap();
        let message = UdpMessage { destination: Some((PEER, 7).into()), ..UdpMessage::default() };
        loop {
            match host.send_udp(NOW, id, &message, b"data", pool) {
                Ok(()) => count += 1,
                Err(SocketError::SendBufferFull) => break,
                Err(error) => {
                    assert_eq!(error, SocketError::SocketMemoryFull);
                    return count;
                }
            }
        }
    }
}

// proves: receive-bound, output-order
#[test]
fn full_data_queue_stops_neither_receiving_nor_replies() {
    let mut host = host(None);
    let mut pool = Pool::new(1_500, host.pool_size());
    host.add_static(NOW, PEER, PEER_MAC).unwrap();
    assert_eq!(fill_data_queue(&mut host, &mut pool), Host::DATA_QUEUE);
    assert_eq!(host.tx_dropped(TxDropReason::TxQueueFull), 1);
    let mut departing = Batch::new(4);
    host.transmit(NOW, PORT, &mut departing, &mut pool);
    assert_eq!(departing.len(), 4);
    for _ in 0..2 * Exchange::BATCH {
        assert!(host.accepts_frames(PORT));
        let mut frame = pool.take().unwrap();
        frame.write(&broadcast(&[&[8, 6], &request()])).unwrap();
        host.receive(NOW, PORT, frame, &mut pool);
        // The device accepts one frame.
        pool.give(departing.pop().unwrap());
        host.transmit(NOW, PORT, &mut departing, &mut pool);
        assert_eq!(departing.iter().last().unwrap().bytes()[12..14], [8, 6], "the reply waits behind data");
    }
}

// proves: output-order
#[test]
fn flood_of_requests_leaves_capacity_for_arp_and_data() {
    let mut host = Host::new(NOW, &HostConfig { start: arp::StartMode::Announce, ..config() }).unwrap();
    let mut pool = Pool::new(1_500, host.pool_size());
    host.add_static(NOW, PEER, PEER_MAC).unwrap();
    fill_data_queue(&mut host, &mut pool);
    fill_control_queue(&mut host, &mut pool);
    let mut departing = Batch::new(Exchange::BATCH);
    host.transmit(NOW, PORT, &mut departing, &mut pool);
    let of_type =
        |ether_type: [u8; 2]| departing.iter().filter(|frame| frame.bytes()[12..14] == ether_type).count();
    let others = Exchange::BATCH / 4;
    assert_eq!((of_type([8, 6]), of_type([8, 0])), (Exchange::BATCH - others, others));
}

// proves: pool-bound
#[test]
fn pool_of_required_size_suffices_when_all_queues_are_full() {
    let mut host = host(None);
    let mut pool = Pool::new(1_500, host.pool_size());
    let HostConfig { table, .. } = *host.config();
    let neighbors = table.pending.div_ceil(table.pending_per_entry);
    for number in 0..table.pending {
        let last = u8::try_from(100 + number % neighbors).unwrap();
        let sent = send(&mut host, [10, 0, 0, last].into(), 4, &mut pool);
        assert_eq!(sent, SendOutcome::Pending);
    }
    assert_eq!(host.arp().neighbors().pending_packets(), table.pending);
    fill(&mut host, &mut pool);
    fill_control_queue(&mut host, &mut pool);
    assert_eq!(fill_data_queue(&mut host, &mut pool), Host::DATA_QUEUE);
    let capacity = tap::Frame::capacity_for(1_500);
    assert_eq!(fill_sockets(&mut host, &mut pool), SocketLimits::default().memory / capacity);
    // Received frames of one poll, and frames in flight.
    for _ in 0..2 * Exchange::BATCH {
        assert!(pool.take().is_some());
    }
    assert_eq!((pool.exhausted(), host.tx_dropped(TxDropReason::TxQueueFull)), (0, 1));
}
