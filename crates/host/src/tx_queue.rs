//! Queues of packets that wait for the device.

use std::collections::VecDeque;

use link::MacAddr;
use tap::{Batch, Exchange, Frame};

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

/// Bounded queue of packets: frames with their headers, and datagrams that are longer than the MTU.
#[derive(Debug)]
pub(crate) struct TxQueue {
    /// The packets. A datagram has no link header.
    packets: VecDeque<Frame>,
    /// The datagrams in the queue: the number of each packet, and its next fragment.
    datagrams: VecDeque<(u64, FragmentCursor)>,
    /// Number of the first packet. Packets are numbered in the order of the queue.
    first: u64,
    capacity: usize,
}

/// The queues of an interface, in the order in which they depart.
#[derive(Debug)]
pub(crate) struct TxQueues {
    /// Replies and ICMP errors. Their number is limited by the number of received frames.
    pub(crate) control: TxQueue,
    /// Packets with a next hop that was just resolved.
    pub(crate) resolved: TxQueue,
    /// Packets of the user of the host: payloads, and the datagrams of sockets that depart next.
    pub(crate) data: TxQueue,
    /// TCP segments that depart in this turn.
    pub(crate) segments: TxQueue,
}

impl TxQueue {
    fn new(capacity: usize) -> TxQueue {
        TxQueue {
            packets: VecDeque::with_capacity(capacity),
            datagrams: VecDeque::with_capacity(capacity),
            first: 0,
            capacity,
        }
    }

    /// Appends a frame with its headers. Returns the frame if the queue is full.
    #[inline]
    pub(crate) fn push(&mut self, frame: Frame) -> Result<(), Frame> {
        if self.free_capacity() == 0 {
            return Err(frame);
        }
        self.packets.push_back(frame);
        Ok(())
    }

    /// Appends a datagram that departs in fragments. Returns the frame if the queue is full.
    pub(crate) fn push_datagram(&mut self, frame: Frame, cursor: FragmentCursor) -> Result<(), Frame> {
        let number = self.first.wrapping_add(count(self.packets.len()));
        self.push(frame)?;
        self.datagrams.push_back((number, cursor));
        Ok(())
    }

    /// Returns a datagram to the front of the queue after one of its fragments has departed.
    pub(crate) fn put_back(&mut self, frame: Frame, cursor: FragmentCursor) {
        self.first = self.first.wrapping_sub(1);
        self.packets.push_front(frame);
        self.datagrams.push_front((self.first, cursor));
    }

    /// Moves the frames in front of the first datagram to the batch, while the batch has more than `reserved` free
    /// places.
    #[inline]
    pub(crate) fn move_frames(&mut self, departing: &mut Batch, reserved: usize) {
        let frames = match self.datagrams.front() {
            None => self.packets.len(),
            Some((number, _)) => usize::try_from(number.wrapping_sub(self.first)).unwrap_or(0),
        };
        let places = departing.free_capacity().saturating_sub(reserved);
        let moved = departing.append(&mut self.packets, frames.min(places));
        self.first = self.first.wrapping_add(count(moved));
    }

    /// Removes and returns the first packet if it is a datagram, with its next fragment.
    pub(crate) fn pop_datagram(&mut self) -> Option<(Frame, FragmentCursor)> {
        let (_, cursor) = self.datagrams.pop_front_if(|(number, _)| *number == self.first)?;
        self.first = self.first.wrapping_add(1);
        Some((self.packets.pop_front()?, cursor))
    }

    /// Removes and returns the first packet.
    fn pop(&mut self) -> Option<Frame> {
        if let Some((frame, _)) = self.pop_datagram() {
            return Some(frame);
        }
        let frame = self.packets.pop_front()?;
        self.first = self.first.wrapping_add(1);
        Some(frame)
    }

    /// Returns how many more packets fit.
    #[inline]
    pub(crate) fn free_capacity(&self) -> usize {
        self.capacity.saturating_sub(self.packets.len())
    }

    /// Returns the number of packets.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.packets.len()
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
    /// Maximum number of TCP segments.
    const SEGMENTS: usize = Exchange::BATCH;
    /// Maximum number of packets in all queues of an interface.
    pub(crate) const CAPACITY: usize = Self::CONTROL + Self::RESOLVED + Self::DATA + Self::SEGMENTS;

    pub(crate) fn new() -> TxQueues {
        TxQueues {
            control: TxQueue::new(Self::CONTROL),
            resolved: TxQueue::new(Self::RESOLVED),
            data: TxQueue::new(Self::DATA),
            segments: TxQueue::new(Self::SEGMENTS),
        }
    }

    /// Returns whether no packet waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.control.is_empty() && !self.has_others()
    }

    /// Returns whether a packet waits in another queue than the control queue.
    pub(crate) fn has_others(&self) -> bool {
        !(self.resolved.is_empty() && self.data.is_empty() && self.segments.is_empty())
    }

    /// Removes and returns a packet of any queue.
    pub(crate) fn pop(&mut self) -> Option<Frame> {
        let TxQueues { control, resolved, data, segments } = self;
        [control, resolved, data, segments].into_iter().find_map(TxQueue::pop)
    }
}

/// Converts a number of packets.
fn count(packets: usize) -> u64 {
    u64::try_from(packets).unwrap_or(u64::MAX)
}
