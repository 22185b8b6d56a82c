//! Queues of packets that wait for the device.

use std::collections::VecDeque;

use link::MacAddr;
use tap::{Exchange, Frame};

/// A packet that waits for the device: a frame with its headers, or a datagram that is longer than the MTU.
#[derive(Debug)]
pub(crate) struct QueuedPacket {
    /// The frame, or the whole datagram without a link header.
    pub(crate) frame: Frame,
    /// The next fragment of a datagram that is longer than the MTU.
    pub(crate) fragments: Option<FragmentCursor>,
}

/// Position in a datagram that departs in fragments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FragmentCursor {
    /// Destination MAC address.
    pub(crate) destination: MacAddr,
    /// Source MAC address.
    pub(crate) source: MacAddr,
    /// Offset of the next fragment in the data of the datagram, in bytes.
    pub(crate) offset: u16,
}

/// Bounded queue of packets.
#[derive(Debug)]
pub(crate) struct TxQueue {
    packets: VecDeque<QueuedPacket>,
    capacity: usize,
    turns: Turns,
}

/// What departs before the next packet of a queue.
#[derive(Clone, Copy, Debug)]
enum Turns {
    /// All fragments of a datagram.
    Datagram,
    /// One fragment of a datagram, so that a long datagram does not delay the packets behind it.
    Fragment,
}

/// The queues of a stack, in the order in which they depart.
#[derive(Debug)]
pub(crate) struct TxQueues {
    /// Replies and ICMP errors. Their number is limited by the number of received frames.
    pub(crate) control: TxQueue,
    /// Packets with a next hop that was just resolved.
    pub(crate) resolved: TxQueue,
    /// Packets of the user of the host: payloads and echo requests.
    pub(crate) data: TxQueue,
}

impl TxQueue {
    fn new(capacity: usize, turns: Turns) -> TxQueue {
        TxQueue { packets: VecDeque::with_capacity(capacity), capacity, turns }
    }

    /// Appends a packet. Returns the packet if the queue is full.
    #[inline]
    pub(crate) fn push(&mut self, packet: QueuedPacket) -> Result<(), QueuedPacket> {
        if self.free_capacity() == 0 {
            return Err(packet);
        }
        self.packets.push_back(packet);
        Ok(())
    }

    /// Returns a datagram to the queue after one of its fragments has departed.
    pub(crate) fn put_back(&mut self, datagram: QueuedPacket) {
        match self.turns {
            Turns::Datagram => self.packets.push_front(datagram),
            Turns::Fragment => self.packets.push_back(datagram),
        }
    }

    /// Removes and returns the first packet.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<QueuedPacket> {
        self.packets.pop_front()
    }

    /// Returns how many more packets fit.
    #[inline]
    pub(crate) fn free_capacity(&self) -> usize {
        self.capacity.saturating_sub(self.packets.len())
    }

    /// Returns whether the queue has no packets.
    pub(crate) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }
}

impl TxQueues {
    /// Maximum number of packets in the control queue: the replies to two batches of received frames.
    const CONTROL: usize = 2 * Exchange::BATCH;
    /// Maximum number of packets with a next hop that was just resolved. Further packets stay in the neighbor table.
    const RESOLVED: usize = 64;
    /// Maximum number of packets in the data queue.
    pub(crate) const DATA: usize = 256;
    /// Maximum number of packets in all queues of a stack.
    pub(crate) const CAPACITY: usize = Self::CONTROL + Self::RESOLVED + Self::DATA;

    pub(crate) fn new() -> TxQueues {
        TxQueues {
            control: TxQueue::new(Self::CONTROL, Turns::Fragment),
            resolved: TxQueue::new(Self::RESOLVED, Turns::Datagram),
            data: TxQueue::new(Self::DATA, Turns::Datagram),
        }
    }

    /// Returns whether no packet waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.control.is_empty() && self.resolved.is_empty() && self.data.is_empty()
    }

    /// Removes and returns a packet of any queue.
    pub(crate) fn pop(&mut self) -> Option<QueuedPacket> {
        self.control.pop().or_else(|| self.resolved.pop()).or_else(|| self.data.pop())
    }
}
