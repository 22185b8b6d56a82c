//! Events of the claims on one segment.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use base::EventQueue;

use super::ClaimEvent;

/// Events of claims that are not taken yet.
///
/// The starts of probing are a set and not in the queue: when a host starts or its link comes up, probing starts for
/// all its addresses at once. The set has at most one element for each claim.
#[derive(Debug)]
pub(super) struct ClaimEvents {
    queue: EventQueue<ClaimEvent>,
    /// Addresses for which probing has started.
    probing: BTreeSet<Ipv4Addr>,
}

impl ClaimEvents {
    /// Creates a queue for up to `bound` events.
    pub(super) fn new(bound: usize) -> ClaimEvents {
        ClaimEvents { queue: EventQueue::new(bound), probing: BTreeSet::new() }
    }

    /// Adds an event. The events of an address stay in order.
    // spec: probing-reported
    pub(super) fn push(&mut self, event: ClaimEvent) {
        let ip = event.ip();
        if matches!(event, ClaimEvent::Probing { .. }) {
            self.probing.insert(ip);
            return;
        }
        if self.probing.remove(&ip) {
            self.queue.push(ClaimEvent::Probing { ip });
        }
        self.queue.push(event);
    }

    /// Removes and returns the next event.
    pub(super) fn take(&mut self) -> Option<ClaimEvent> {
        self.queue.pop().or_else(|| self.probing.pop_first().map(|ip| ClaimEvent::Probing { ip }))
    }

    /// Returns the number of events that were dropped because the queue was full.
    pub(super) fn lost(&self) -> u64 {
        self.queue.lost()
    }
}
