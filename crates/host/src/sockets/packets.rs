//! The queues of all sockets: datagrams in one store, bounded by the capacity of their frames.
//!
//! A queue is a list of the store. An idle socket therefore has no memory for queues, also after a burst.

use std::net::SocketAddrV4;

use base::{List, Slab};
use inet::InterfaceId;
use tap::{Frame, Instant};

use super::drop_reason::SocketDropReason;

/// A datagram in a queue of a socket.
#[derive(Debug)]
pub(crate) struct SocketPacket {
    /// A received datagram: its data. A datagram to send: headers and data.
    pub(crate) frame: Frame,
    /// Source. The port of an echo request is its identifier, and the port of an echo reply is its sequence number.
    pub(crate) source: SocketAddrV4,
    /// Destination. The port of an echo reply is its identifier, and the port of an echo request is 0.
    pub(crate) destination: SocketAddrV4,
    /// The interface that has received the datagram, or that sends it.
    pub(crate) interface: InterfaceId,
    pub(crate) time_to_live: u8,
    pub(crate) type_of_service: u8,
    /// Time of reception or of the call that sends the datagram.
    pub(crate) at: Instant,
}

/// The use of a buffer, and its limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// Capacity of the frames, in bytes.
    bytes: usize,
    /// Maximum of `bytes`. A buffer without datagrams accepts one frame of any capacity.
    limit: usize,
}

/// The datagrams of all queues.
#[derive(Debug)]
pub(crate) struct PacketStore {
    packets: Slab<SocketPacket>,
    /// Capacity of the frames of all datagrams, in bytes.
    bytes: usize,
    /// Maximum of `bytes`.
    limit: usize,
}

/// Limit that a datagram would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExceededLimit {
    Buffer,
    Store,
}

impl Budget {
    /// Returns the use of an empty buffer.
    pub(crate) fn new(limit: usize) -> Budget {
        Budget { bytes: 0, limit }
    }

    /// Returns the capacity of the frames, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns whether at most half of the limit is used.
    pub(crate) fn is_half_free(&self) -> bool {
        self.bytes <= self.limit / 2
    }

    /// Returns whether the buffer has capacity for a frame of this capacity.
    fn has_capacity_for(&self, capacity: usize) -> bool {
        self.bytes == 0 || self.bytes.saturating_add(capacity) <= self.limit
    }
}

impl PacketStore {
    /// Creates a store for datagrams in frames of up to `limit` bytes.
    pub(crate) fn new(limit: usize) -> PacketStore {
        PacketStore { packets: Slab::new(usize::MAX), bytes: 0, limit }
    }

    /// Returns the number of datagrams in all queues.
    pub(crate) fn len(&self) -> usize {
        self.packets.len()
    }

    /// Appends a datagram to a list of a buffer. Returns the frame if a limit is reached.
    #[inline]
    pub(crate) fn push(
        &mut self,
        list: &mut List,
        budget: &mut Budget,
        packet: SocketPacket,
    ) -> Result<(), (Frame, ExceededLimit)> {
        let capacity = packet.frame.capacity();
        if !budget.has_capacity_for(capacity) {
            return Err((packet.frame, ExceededLimit::Buffer));
        }
        let bytes = self.bytes.saturating_add(capacity);
        if bytes > self.limit {
            return Err((packet.frame, ExceededLimit::Store));
        }
        self.packets.push(list, packet).map_err(|packet| (packet.frame, ExceededLimit::Store))?;
        budget.bytes += capacity;
        self.bytes = bytes;
        Ok(())
    }

    /// Removes and returns the first datagram of a list of a buffer.
    #[inline]
    pub(crate) fn pop(&mut self, list: &mut List, budget: &mut Budget) -> Option<SocketPacket> {
        let packet = self.packets.pop(list)?;
        let capacity = packet.frame.capacity();
        budget.bytes = budget.bytes.saturating_sub(capacity);
        self.bytes = self.bytes.saturating_sub(capacity);
        Some(packet)
    }
}

impl From<ExceededLimit> for SocketDropReason {
    fn from(limit: ExceededLimit) -> SocketDropReason {
        match limit {
            ExceededLimit::Buffer => SocketDropReason::ReceiveBufferFull,
            ExceededLimit::Store => SocketDropReason::MemoryFull,
        }
    }
}
