//! Bounds of the host's queues when the device transmits nothing.

use super::*;
use crate::EchoRequest;

/// A device that transmits nothing, and receives one ARP request per poll.
struct BlockedDevice {
    received: usize,
}

impl Device for BlockedDevice {
    fn capabilities(&self) -> Capabilities {
        Capabilities { mtu: 1_500, minimum_frame: 0 }
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
    for _ in 0..2 * Host::TX_QUEUE {
        assert!(host.poll(NOW, &mut wire, pool, &mut ()).unwrap().tx_blocked);
    }
    wire.received
}

// proves: receive-bound
#[test]
fn host_receives_nothing_when_transmit_queue_is_more_than_half_full() {
    let mut host = host(None);
    let mut pool = Pool::new(1_500, host.pool_size());
    assert_eq!(fill(&mut host, &mut pool), Host::TX_QUEUE / 2 + 1);
    assert_eq!(
        (host.tx_queue.len(), host.tx_dropped(TxDropReason::TxQueueFull)),
        (Host::TX_QUEUE / 2 + 1, 0),
        "a request was not answered"
    );
}

// proves: pool-bound
#[test]
fn pool_of_required_size_suffices_when_all_queues_are_full() {
    let mut host = host(None);
    let mut pool = Pool::new(1_500, host.pool_size());
    let HostConfig { table, .. } = *host.config();
    let ping = EchoRequest { destination: PEER, identifier: 1, sequence: 1, time_to_live: 64 };
    let neighbors = table.pending.div_ceil(table.pending_per_entry);
    for number in 0..table.pending {
        let last = u8::try_from(100 + number % neighbors).unwrap();
        let unknown = EchoRequest { destination: [10, 0, 0, last].into(), ..ping };
        assert_eq!(host.ping(NOW, unknown, b"", &mut pool), SendOutcome::Pending);
    }
    assert_eq!(host.arp().neighbors().pending_packets(), table.pending);
    fill(&mut host, &mut pool);
    while host.tx_queue.free_capacity() > 0 {
        assert_eq!(host.ping(NOW, ping, b"", &mut pool), SendOutcome::Queued);
    }
    // Received frames of one poll, and frames in flight.
    for _ in 0..2 * Host::RX_BATCH {
        assert!(pool.take().is_some());
    }
    assert_eq!((pool.exhausted(), host.tx_dropped(TxDropReason::TxQueueFull)), (0, 0));
}
