//! The send queues of all sockets: one for each interface on which a socket has datagrams to send, so that a congested
//! device delays no datagram for another device.

use base::list::index;
use base::{Links, List, Place};
use inet::InterfaceId;

use super::packets::{Budget, PacketList, PacketStore, SocketPacket};

/// The send queues of all sockets.
#[derive(Debug)]
pub(crate) struct SendQueues {
    queues: Vec<SendQueue>,
    /// Places without a queue.
    free: Vec<Place>,
    /// For each interface, its queues. The first queue sends next.
    of_interface: Vec<List>,
}

/// The datagrams of a socket for an interface, at least one.
#[derive(Debug)]
struct SendQueue {
    socket: Place,
    interface: InterfaceId,
    packets: PacketList,
    links: Links,
    /// The next queue of the same socket.
    next: Option<Place>,
}

impl SendQueues {
    pub(crate) fn new() -> SendQueues {
        SendQueues { queues: Vec::new(), free: Vec::new(), of_interface: Vec::new() }
    }

    /// Adds a datagram of a socket. `first` is the first queue of the socket.
    #[inline]
    pub(crate) fn push(
        &mut self,
        first: &mut Option<Place>,
        socket: Place,
        (store, budget): (&mut PacketStore, &mut Budget),
        packet: SocketPacket,
    ) {
        let interface = packet.interface;
        let place = self.find(*first, interface).unwrap_or_else(|| self.add(first, socket, interface));
        if let Some(queue) = self.queues.get_mut(index(place)) {
            store.push(&mut queue.packets, budget, packet);
        }
    }

    /// Returns the queue of an interface that sends next, and its socket.
    #[inline]
    pub(crate) fn first(&self, interface: InterfaceId) -> Option<(Place, Place)> {
        let place = self.of_interface.get(usize::from(interface.0))?.first()?;
        Some((place, self.queues.get(index(place))?.socket))
    }

    /// Removes and returns the first datagram of a queue.
    #[inline]
    pub(crate) fn pop(
        &mut self,
        place: Place,
        (store, budget): (&mut PacketStore, &mut Budget),
    ) -> Option<SocketPacket> {
        store.pop(&mut self.queues.get_mut(index(place))?.packets, budget)
    }

    /// Moves a queue behind the other queues of its interface, or removes the queue if it is empty.
    pub(crate) fn rotate(&mut self, first: &mut Option<Place>, place: Place) {
        let Some(queue) = self.queues.get(index(place)) else { return };
        let (interface, is_empty) = (queue.interface, queue.packets.is_empty());
        if is_empty {
            return self.remove(first, place);
        }
        if let Some(list) = self.of_interface.get_mut(usize::from(interface.0))
            && !list.is_last(place)
        {
            list.unlink(&mut self.queues, |queue| &mut queue.links, place);
            list.append(&mut self.queues, |queue| &mut queue.links, place);
        }
    }

    /// Removes a queue. The caller has removed its datagrams.
    pub(crate) fn remove(&mut self, first: &mut Option<Place>, place: Place) {
        let Some(queue) = self.queues.get(index(place)) else { return };
        let (interface, next) = (queue.interface, queue.next);
        if let Some(list) = self.of_interface.get_mut(usize::from(interface.0)) {
            list.unlink(&mut self.queues, |queue| &mut queue.links, place);
        }
        let before = self.queues_of(*first).find(|before| self.next_of(*before) == Some(place));
        match before.and_then(|before| self.queues.get_mut(index(before))) {
            Some(before) => before.next = next,
            None => *first = next,
        }
        self.free.push(place);
    }

    /// Returns the queue of a socket for an interface.
    #[inline]
    fn find(&self, first: Option<Place>, interface: InterfaceId) -> Option<Place> {
        let is_match =
            |place: &Place| self.queues.get(index(*place)).is_some_and(|queue| queue.interface == interface);
        self.queues_of(first).find(is_match)
    }

    /// Returns the queues of a socket.
    fn queues_of(&self, first: Option<Place>) -> impl Iterator<Item = Place> {
        std::iter::successors(first, |place| self.next_of(*place))
    }

    fn next_of(&self, place: Place) -> Option<Place> {
        self.queues.get(index(place))?.next
    }

    /// Adds an empty queue of a socket, behind the other queues of the interface.
    fn add(&mut self, first: &mut Option<Place>, socket: Place, interface: InterfaceId) -> Place {
        let queue =
            SendQueue { socket, interface, packets: PacketList::EMPTY, links: Links::NONE, next: *first };
        let end = Place::try_from(self.queues.len()).unwrap_or(Place::MAX);
        let place = self.free.pop().unwrap_or(end);
        match self.queues.get_mut(index(place)) {
            Some(free) => *free = queue,
            None => self.queues.push(queue),
        }
        *first = Some(place);
        let number = usize::from(interface.0);
        if number >= self.of_interface.len() {
            self.of_interface.resize(number + 1, List::EMPTY);
        }
        if let Some(list) = self.of_interface.get_mut(number) {
            list.append(&mut self.queues, |queue| &mut queue.links, place);
        }
        place
    }
}
