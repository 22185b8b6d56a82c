//! SYN and SYN,ACK segments that were dropped because their next hop is not resolved.

use std::net::Ipv4Addr;

use inet::InterfaceId;
use tap::Instant;

use super::places::Entry;
use super::queues::Waiting;
use super::{QuotedSegment, Tcp, queues_of};

impl Tcp {
    /// Records that a segment was dropped because its next hop is not resolved. If the segment is a SYN or a SYN,ACK,
    /// [`Tcp::resolved`] sends it again.
    // spec: tcp-unresolved
    pub fn unresolved(&mut self, segment: &QuotedSegment, hop: Ipv4Addr) {
        let QuotedSegment { interface, local, peer, .. } = *segment;
        let is_opening = match self.places.find(interface, local, peer) {
            Some(Entry::Connection(place)) => {
                self.connections.get(place).is_some_and(|held| held.connection.is_syn_outstanding())
            }
            Some(Entry::HalfOpen(_)) => true,
            Some(Entry::TimeWait(_) | Entry::Listener(_)) | None => false,
        };
        let waiting = Waiting { hop, local, peer };
        if is_opening && !queues_of(&mut self.queues, interface).push_unresolved(waiting) {
            self.counters.unresolved_lost += 1;
        }
    }

    /// Sends the SYN and SYN,ACK segments that were dropped before a next hop was resolved.
    // spec: tcp-unresolved
    pub fn resolved(&mut self, now: Instant, interface: InterfaceId, hop: Ipv4Addr) {
        self.now = now;
        let Some(queues) = self.queues.get_mut(&interface) else { return };
        let mut list = std::mem::take(&mut queues.unresolved);
        list.retain(|waiting| {
            let is_resolved = waiting.hop == hop;
            if is_resolved {
                self.open_again(interface, waiting);
            }
            !is_resolved
        });
        queues_of(&mut self.queues, interface).unresolved = list;
    }

    /// Sends the SYN or the SYN,ACK of a connection again.
    fn open_again(&mut self, interface: InterfaceId, waiting: &Waiting) {
        match self.places.find(interface, waiting.local, waiting.peer) {
            Some(Entry::Connection(place)) => {
                if let Some(held) = self.connections.get_mut(place) {
                    held.connection.repeat_syn();
                    self.refresh(place);
                }
            }
            Some(Entry::HalfOpen(place)) => {
                let due = &mut queues_of(&mut self.queues, interface).syn_acks;
                self.half_opens.make_due(place, due);
            }
            Some(Entry::TimeWait(_) | Entry::Listener(_)) | None => {}
        }
    }
}
