//! The queues of all sockets: datagrams in one store, bounded by the capacity of their frames.
//!
//! A queue is a list through the store. An idle socket therefore has no memory for queues, also after a burst.

use std::net::SocketAddrV4;

use base::list::index;
use base::{Links, List, Place};
use inet::InterfaceId;
use tap::{Frame, Instant};

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

/// A list of datagrams in a [`PacketStore`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct PacketList(List);

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
    nodes: Vec<Node>,
    /// Places without a datagram. The place that became free last is used first.
    free: Vec<Place>,
    /// Capacity of the frames of all datagrams, in bytes.
    bytes: usize,
    /// Maximum of `bytes`.
    limit: usize,
}

/// A place for a datagram.
#[derive(Debug)]
struct Node {
    packet: Option<SocketPacket>,
    links: Links,
}

/// Limit that a datagram would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExceededLimit {
    Buffer,
    Store,
}

impl PacketList {
    /// The list without datagrams.
    pub(crate) const EMPTY: PacketList = PacketList(List::EMPTY);

    pub(crate) fn is_empty(self) -> bool {
        self.0.first().is_none()
    }
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

    /// Returns whether the buffer has capacity for a frame.
    fn has_capacity_for(&self, frame: &Frame) -> bool {
        self.bytes == 0 || self.bytes.saturating_add(frame.capacity()) <= self.limit
    }
}

impl PacketStore {
    /// Creates a store for datagrams in frames of up to `limit` bytes.
    pub(crate) fn new(limit: usize) -> PacketStore {
        PacketStore { nodes: Vec::new(), free: Vec::new(), bytes: 0, limit }
    }

    /// Returns the number of datagrams in all queues.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len() - self.free.len()
    }

    /// Returns the limit that another frame in a buffer would exceed.
    #[inline]
    pub(crate) fn exceeded_limit(&self, budget: &Budget, frame: &Frame) -> Option<ExceededLimit> {
        if !budget.has_capacity_for(frame) {
            Some(ExceededLimit::Buffer)
        } else if self.bytes.saturating_add(frame.capacity()) > self.limit {
            Some(ExceededLimit::Store)
        } else {
            None
        }
    }

    /// Appends a datagram to a list of a buffer. The caller has checked the limits.
    #[inline]
    pub(crate) fn push(&mut self, list: &mut PacketList, budget: &mut Budget, packet: SocketPacket) {
        let capacity = packet.frame.capacity();
        let place = self.free.pop().unwrap_or_else(|| to_place(self.nodes.len()));
        let node = Node { packet: Some(packet), links: Links::NONE };
        match self.nodes.get_mut(index(place)) {
            Some(free) => *free = node,
            None => self.nodes.push(node),
        }
        list.0.append(&mut self.nodes, |node| &mut node.links, place);
        budget.bytes += capacity;
        self.bytes += capacity;
    }

    /// Removes and returns the first datagram of a list of a buffer.
    #[inline]
    pub(crate) fn pop(&mut self, list: &mut PacketList, budget: &mut Budget) -> Option<SocketPacket> {
        let place = list.0.first()?;
        list.0.unlink(&mut self.nodes, |node| &mut node.links, place);
        let packet = self.nodes.get_mut(index(place))?.packet.take()?;
        self.free.push(place);
        let capacity = packet.frame.capacity();
        budget.bytes = budget.bytes.saturating_sub(capacity);
        self.bytes = self.bytes.saturating_sub(capacity);
        Some(packet)
    }
}

/// Converts an index to a place. The limit of the store keeps the number of datagrams below the number of places.
fn to_place(index: usize) -> Place {
    Place::try_from(index).unwrap_or(Place::MAX)
}
