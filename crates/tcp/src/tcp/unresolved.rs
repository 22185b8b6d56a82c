//! SYN and SYN,ACK segments that were dropped because their next hop is not resolved.

use std::net::Ipv4Addr;
use std::ops::Range;

use base::Place;
use inet::InterfaceId;
use tap::Instant;

use super::places::Entry;
use super::{QuotedSegment, Tcp, queues_of};

/// A neighbor on an interface.
type Hop = (InterfaceId, Ipv4Addr);

/// The connections and half-open connections that wait for their next hop, by their numbers among all entries. Each number
/// waits once, until its next hop is resolved or fails, or the connection opens or ends.
#[derive(Debug, Default)]
pub(super) struct Unresolved {
    by_hop: Vec<(Hop, Place)>,
    by_number: Vec<(Place, Hop)>,
}

impl Unresolved {
    /// Maximum number of connections that wait for their next hop.
    const MAXIMUM: usize = 4_096;

    /// Adds a number that waits for a next hop, and removes the next hop for which the number has waited. Returns whether
    /// the table had capacity.
    fn insert(&mut self, number: Place, hop: Hop) -> bool {
        self.remove(number);
        if self.by_number.len() >= Self::MAXIMUM {
            return false;
        }
        if let Err(at) = self.by_hop.binary_search(&(hop, number)) {
            self.by_hop.insert(at, (hop, number));
        }
        let at = self.by_number.partition_point(|(other, _)| *other < number);
        self.by_number.insert(at, (number, hop));
        true
    }

    /// Removes a number.
    pub(super) fn remove(&mut self, number: Place) {
        let Ok(at) = self.by_number.binary_search_by_key(&number, |(number, _)| *number) else { return };
        let (_, hop) = self.by_number.remove(at);
        if let Ok(at) = self.by_hop.binary_search(&(hop, number)) {
            self.by_hop.remove(at);
        }
    }

    /// Returns whether no number waits.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }

    /// Returns the positions in `by_hop` of the numbers that wait for a next hop.
    fn of_hop(&self, hop: Hop) -> Range<usize> {
        let start = self.by_hop.partition_point(|(other, _)| *other < hop);
        let rest = self.by_hop.get(start..).unwrap_or_default();
        start..start + rest.partition_point(|(other, _)| *other == hop)
    }

    /// Removes the numbers that wait for a next hop.
    fn remove_hop(&mut self, hop: Hop) {
        let waiting = self.of_hop(hop);
        if !waiting.is_empty() {
            self.by_hop.drain(waiting);
            self.by_number.retain(|(_, other)| *other != hop);
        }
    }
}

impl Tcp {
    /// Records that a segment was dropped because its next hop is not resolved. If the segment is a SYN or a SYN,ACK,
    /// [`Tcp::resolved`] sends it again.
    // spec: tcp-unresolved
    pub fn unresolved(&mut self, segment: &QuotedSegment, hop: Ipv4Addr) {
        let QuotedSegment { interface, local, peer, .. } = *segment;
        let Some(entry) = self.places.find(interface, local, peer) else { return };
        let is_opening = match entry {
            Entry::Connection(place) => {
                self.connections.get(place).is_some_and(|held| held.connection.is_syn_outstanding())
            }
            Entry::HalfOpen(_) => true,
            Entry::TimeWait(_) | Entry::Listener(_) => false,
        };
        if is_opening && !self.unresolved.insert(self.places.place(entry), (interface, hop)) {
            self.counters.unresolved_lost += 1;
        }
    }

    /// Sends the SYN and SYN,ACK segments that were dropped before a next hop was resolved.
    // spec: tcp-unresolved
    pub fn resolved(&mut self, now: Instant, interface: InterfaceId, hop: Ipv4Addr) {
        self.now = now;
        for position in self.unresolved.of_hop((interface, hop)) {
            if let Some((_, number)) = self.unresolved.by_hop.get(position).copied() {
                self.open_again(interface, self.places.entry(number));
            }
        }
        self.unresolved.remove_hop((interface, hop));
    }

    /// Records that the resolution of a next hop failed. The SYN and SYN,ACK segments to the next hop wait for their timeouts.
    // spec: tcp-unresolved
    pub fn unresolvable(&mut self, interface: InterfaceId, hop: Ipv4Addr) {
        self.unresolved.remove_hop((interface, hop));
    }

    /// Sends the SYN or the SYN,ACK of a connection again.
    fn open_again(&mut self, interface: InterfaceId, entry: Entry) {
        match entry {
            Entry::Connection(place) => {
                if let Some(held) = self.connections.get_mut(place) {
                    held.connection.repeat_syn();
                    self.refresh(place);
                }
            }
            Entry::HalfOpen(place) => {
                let due = &mut queues_of(&mut self.queues, interface).syn_acks;
                self.half_opens.make_due(place, due);
            }
            Entry::TimeWait(_) | Entry::Listener(_) => {}
        }
    }
}
