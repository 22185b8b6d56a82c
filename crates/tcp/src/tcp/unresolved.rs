//! SYN and SYN,ACK segments that were dropped because their next hop is not resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use base::Place;
use inet::InterfaceId;
use tap::Instant;

use super::places::Entry;
use super::{QuotedSegment, Tcp, queues_of};

/// A neighbor on an interface.
type Hop = (InterfaceId, Ipv4Addr);

/// The connections and half-open connections that wait for their next hop, by their numbers among all entries. Each number
/// waits once, until its next hop is resolved or fails, or the connection opens or ends.
///
/// Remote hosts choose the next hops and the numbers: the work for a next hop depends on its own numbers only, apart from a
/// search.
#[derive(Debug, Default)]
pub(super) struct Unresolved {
    by_hop: BTreeSet<(Hop, Place)>,
    by_number: BTreeMap<Place, Hop>,
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
        self.by_hop.insert((hop, number));
        self.by_number.insert(number, hop);
        true
    }

    /// Removes a number.
    pub(super) fn remove(&mut self, number: Place) {
        if let Some(hop) = self.by_number.remove(&number) {
            self.by_hop.remove(&(hop, number));
        }
    }

    /// Returns whether no number waits.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }

    /// Removes and returns a number that waits for a next hop.
    fn take(&mut self, hop: Hop) -> Option<Place> {
        let (_, number) = *self.by_hop.range((hop, Place::MIN)..=(hop, Place::MAX)).next()?;
        self.remove(number);
        Some(number)
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

    /// Sends the SYN and SYN,ACK segments that were dropped before a next hop was resolved, or replaced by another gateway.
    // spec: tcp-unresolved
    pub fn resolved(&mut self, now: Instant, interface: InterfaceId, hop: Ipv4Addr) {
        self.now = now;
        while let Some(number) = self.unresolved.take((interface, hop)) {
            self.open_again(interface, self.places.entry(number));
        }
    }

    /// Records that the resolution of a next hop failed. The SYN and SYN,ACK segments to the next hop wait for their timeouts.
    // spec: tcp-unresolved
    pub fn unresolvable(&mut self, interface: InterfaceId, hop: Ipv4Addr) {
        while self.unresolved.take((interface, hop)).is_some() {}
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
