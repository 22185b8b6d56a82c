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
    /// Source. The port of an echo request is its identifier, and the port of an echo reply is 0.
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

/// A queue of datagrams in a [`PacketStore`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct PacketQueue {
    packets: List,
    /// Capacity of the frames, in bytes.
    bytes: usize,
    /// Maximum of `bytes`. A queue without datagrams accepts one frame of any capacity.
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
    Queue,
    Store,
}

impl PacketQueue {
    /// Creates a queue for datagrams in frames of up to `limit` bytes.
    pub(crate) fn new(limit: usize) -> PacketQueue {
        PacketQueue { packets: List::EMPTY, bytes: 0, limit }
    }

    /// Returns the capacity of the frames, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns whether the queue has no datagrams.
    pub(crate) fn is_empty(&self) -> bool {
        self.packets.first().is_none()
    }

    /// Returns whether at most half of the limit is used.
    pub(crate) fn is_half_empty(&self) -> bool {
        self.bytes <= self.limit / 2
    }

    /// Returns whether the queue has capacity for a frame.
    fn has_capacity_for(&self, frame: &Frame) -> bool {
        self.is_empty() || self.bytes.saturating_add(frame.capacity()) <= self.limit
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

    /// Returns the limit that another frame in a queue would exceed.
    #[inline]
    pub(crate) fn exceeded_limit(&self, queue: &PacketQueue, frame: &Frame) -> Option<ExceededLimit> {
        if !queue.has_capacity_for(frame) {
            Some(ExceededLimit::Queue)
        } else if self.bytes.saturating_add(frame.capacity()) > self.limit {
            Some(ExceededLimit::Store)
        } else {
            None
        }
    }

    /// Appends a datagram to a queue. The caller has checked the limits.
    #[inline]
    pub(crate) fn push(&mut self, queue: &mut PacketQueue, packet: SocketPacket) {
        let capacity = packet.frame.capacity();
        let place = self.free.pop().unwrap_or_else(|| to_place(self.nodes.len()));
        let node = Node { packet: Some(packet), links: Links::NONE };
        match self.nodes.get_mut(index(place)) {
            Some(free) => *free = node,
            None => self.nodes.push(node),
        }
        queue.packets.append(&mut self.nodes, |node| &mut node.links, place);
        queue.bytes += capacity;
        self.bytes += capacity;
    }

    /// Removes and returns the first datagram of a queue.
    #[inline]
    pub(crate) fn pop(&mut self, queue: &mut PacketQueue) -> Option<SocketPacket> {
        let place = queue.packets.first()?;
        queue.packets.unlink(&mut self.nodes, |node| &mut node.links, place);
        let packet = self.nodes.get_mut(index(place))?.packet.take()?;
        self.free.push(place);
        let capacity = packet.frame.capacity();
        queue.bytes = queue.bytes.saturating_sub(capacity);
        self.bytes = self.bytes.saturating_sub(capacity);
        Some(packet)
    }

    /// Returns the first datagram of a queue.
    #[inline]
    pub(crate) fn first(&self, queue: &PacketQueue) -> Option<&SocketPacket> {
        self.nodes.get(index(queue.packets.first()?))?.packet.as_ref()
    }
}

/// Converts an index to a place. The limit of the store keeps the number of datagrams below the number of places.
fn to_place(index: usize) -> Place {
    Place::try_from(index).unwrap_or(Place::MAX)
}
