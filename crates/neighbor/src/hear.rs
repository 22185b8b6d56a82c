//! What others say decides what we know.

use std::fmt;

use link::{Instant, MacAddr};

use super::slot::TimerQueue;
use super::{Address, NeighborEvent, NeighborState, NeighborTable};
use base::Place;

/// What a packet says about its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderObservation {
    /// Where the sender is.
    pub mac: MacAddr,
    /// Whether it may answer a request of ours: a reply, to us.
    pub is_reply_to_us: bool,
}

/// What a packet did to the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Nothing: the sender was and stays unknown.
    None,
    /// The sender was entered.
    Added,
    /// The sender was asked for, and here it is.
    Completed,
    /// The sender was known and is where it was.
    Confirmed,
    /// The sender was known and has moved.
    Moved,
    /// The sender has a static entry, which stays as it is.
    StaticConflict,
    /// The sender was not entered: the table is full.
    Refused,
}

impl fmt::Display for Merge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "nothing learned",
            Self::Added => "learned",
            Self::Completed => "learned, as asked",
            Self::Confirmed => "known already",
            Self::Moved => "learned: moved",
            Self::StaticConflict => "not learned: the entry is static",
            Self::Refused => "not learned: the table is full",
        })
    }
}

impl<A: Address, P> NeighborTable<A, P> {
    /// Merges: follows a sender that is in the table, and enters nobody (RFC 826).
    pub fn merge(&mut self, now: Instant, ip: A, observation: SenderObservation) -> Merge {
        self.table.clock.advance(now);
        let Some(place) = self.table.find(ip) else {
            return Merge::None;
        };
        let Some((state, from)) = self.table.get(place).map(|slot| (slot.state, slot.mac)) else {
            return Merge::None;
        };
        match state {
            NeighborState::Static if from == observation.mac => Merge::Confirmed,
            // spec: static-held
            NeighborState::Static => {
                self.report(NeighborEvent::StaticConflict { ip, mac: observation.mac });
                Merge::StaticConflict
            }
            // spec: learn-asked
            NeighborState::Incomplete | NeighborState::Failed => {
                self.complete(place, observation);
                Merge::Completed
            }
            NeighborState::Reachable | NeighborState::Stale | NeighborState::Delay | NeighborState::Probe => {
                self.table.confirm(place);
                self.table.touch_in_use(place);
                if from != observation.mac {
                    self.update_mac(place, from, observation);
                    return Merge::Moved;
                }
                // An answer to our own question is the confirmation that PROBE waits for; what was
                // not asked for proves only that the sender is heard, not that it hears us.
                // spec: rfc4861-confirmation
                if observation.is_reply_to_us && state == NeighborState::Probe {
                    self.change(place, NeighborState::Reachable, TimerQueue::Reachable);
                }
                Merge::Confirmed
            }
        }
    }

    /// Enters a sender; one that is in the table is merged.
    pub fn learn(&mut self, now: Instant, ip: A, observation: SenderObservation) -> Merge {
        let merge = self.merge(now, ip, observation);
        if merge != Merge::None {
            return merge;
        }
        let mac = observation.mac;
        if self.insert(ip, mac, NeighborState::Stale, TimerQueue::Stale).is_none() {
            return Merge::Refused;
        }
        self.report(NeighborEvent::Learned { ip, mac });
        Merge::Added
    }

    /// Fills in an entry that was asked for, and sends what waited for it.
    fn complete(&mut self, place: Place, observation: SenderObservation) {
        let Some(slot) = self.table.get_mut(place) else { return };
        slot.mac = observation.mac;
        slot.failures = 0;
        let in_use = slot.pending > 0;
        let (state, queue) = match (observation.is_reply_to_us, in_use) {
            (true, _) => (NeighborState::Reachable, TimerQueue::Reachable),
            (false, true) => (NeighborState::Delay, TimerQueue::Delay),
            (false, false) => (NeighborState::Stale, TimerQueue::Stale),
        };
        self.change(place, state, queue);
        self.table.confirm(place);
        self.make_ready(place);
    }

    /// Follows a neighbor to its new hardware address, which is as yet unproved.
    fn update_mac(&mut self, place: Place, from: MacAddr, observation: SenderObservation) {
        let Some(slot) = self.table.get_mut(place) else { return };
        // spec: learn-move
        slot.mac = observation.mac;
        let (ip, was) = (slot.ip, slot.state);
        self.report(NeighborEvent::Moved { ip, from, to: observation.mac });
        if observation.is_reply_to_us && was == NeighborState::Probe {
            self.change(place, NeighborState::Reachable, TimerQueue::Reachable);
        } else if was != NeighborState::Stale {
            self.change(place, NeighborState::Stale, TimerQueue::Stale);
        }
    }
}
