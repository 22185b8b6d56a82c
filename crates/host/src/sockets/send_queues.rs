//! The send queues of all sockets: one for each interface on which a socket has datagrams to send, so that a congested
//! device delays no datagram for another device.

use base::{List, Place, Slab};
use inet::InterfaceId;
use tap::Frame;

use super::packets::{Budget, ExceededLimit, PacketStore, SocketPacket};

/// The send queues of all sockets.
#[derive(Debug)]
pub(crate) struct SendQueues {
    queues: Slab<SendQueue>,
    /// For each interface, its queues. The first queue sends next.
    of_interface: Vec<List>,
}

/// The datagrams of a socket for an interface, at least one.
#[derive(Debug)]
struct SendQueue {
    socket: Place,
    interface: InterfaceId,
    packets: List,
    /// The next queue of the same socket.
    next: Option<Place>,
}

impl SendQueues {
    pub(crate) fn new() -> SendQueues {
        SendQueues { queues: Slab::new(usize::MAX), of_interface: Vec::new() }
    }

    /// Adds a datagram of a socket. `first` is the first queue of the socket. Returns the frame if a limit is reached.
    #[inline]
    pub(crate) fn push(
        &mut self,
        first: &mut Option<Place>,
        socket: Place,
        (store, budget): (&mut PacketStore, &mut Budget),
        packet: SocketPacket,
    ) -> Result<(), (Frame, ExceededLimit)> {
        let place = self.find(*first, packet.interface);
        let place = place.or_else(|| self.add(first, socket, packet.interface));
        let Some((place, queue)) = place.and_then(|place| Some((place, self.queues.get_mut(place)?))) else {
            return Err((packet.frame, ExceededLimit::Store));
        };
        let pushed = store.push(&mut queue.packets, budget, packet);
        if queue.packets.first().is_none() {
            self.remove(first, place);
        }
        pushed
    }

    /// Returns the queue of an interface that sends next, and its socket.
    #[inline]
    pub(crate) fn first(&self, interface: InterfaceId) -> Option<(Place, Place)> {
        let place = self.of_interface.get(usize::from(interface.0))?.first()?;
        Some((place, self.queues.get(place)?.socket))
    }

    /// Removes and returns the first datagram of a queue.
    #[inline]
    pub(crate) fn pop(
        &mut self,
        place: Place,
        (store, budget): (&mut PacketStore, &mut Budget),
    ) -> Option<SocketPacket> {
        store.pop(&mut self.queues.get_mut(place)?.packets, budget)
    }

    /// Moves a queue behind the other queues of its interface, or removes the queue if it is empty.
    pub(crate) fn rotate(&mut self, first: &mut Option<Place>, place: Place) {
        let Some(queue) = self.queues.get(place) else { return };
        if queue.packets.first().is_none() {
            self.remove(first, place);
        } else if let Some(list) = self.of_interface.get_mut(usize::from(queue.interface.0)) {
            self.queues.move_to_end(list, place);
        }
    }

    /// Removes a queue. The caller has removed its datagrams.
    pub(crate) fn remove(&mut self, first: &mut Option<Place>, place: Place) {
        let before = self.queues_of(*first).find(|before| self.next_of(*before) == Some(place));
        let Some(queue) = self.queues.get(place) else { return };
        let Some(list) = self.of_interface.get_mut(usize::from(queue.interface.0)) else { return };
        let Some(SendQueue { next, .. }) = self.queues.remove(list, place) else { return };
        match before.and_then(|before| self.queues.get_mut(before)) {
            Some(before) => before.next = next,
            None => *first = next,
        }
    }

    /// Returns the queue of a socket for an interface.
    #[inline]
    fn find(&self, first: Option<Place>, interface: InterfaceId) -> Option<Place> {
        let is_match =
            |place: &Place| self.queues.get(*place).is_some_and(|queue| queue.interface == interface);
        self.queues_of(first).find(is_match)
    }

    /// Returns the queues of a socket.
    fn queues_of(&self, first: Option<Place>) -> impl Iterator<Item = Place> {
        std::iter::successors(first, |place| self.next_of(*place))
    }

    fn next_of(&self, place: Place) -> Option<Place> {
        self.queues.get(place)?.next
    }

    /// Adds an empty queue of a socket, behind the other queues of the interface. Returns `None` if no place is left.
    fn add(&mut self, first: &mut Option<Place>, socket: Place, interface: InterfaceId) -> Option<Place> {
        let number = usize::from(interface.0);
        if number >= self.of_interface.len() {
            self.of_interface.resize(number + 1, List::EMPTY);
        }
        let queue = SendQueue { socket, interface, packets: List::EMPTY, next: *first };
        *first = Some(self.queues.push(self.of_interface.get_mut(number)?, queue).ok()?);
        *first
    }
}
