//! What others say decides what we know.

use std::fmt;

use link::{Instant, MacAddr};

use super::slot::Row;
use super::{Address, Event, NeighborTable, State};
use base::Place;

/// What a packet says about its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Where the sender is.
    pub hardware: MacAddr,
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
    Held,
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
            Self::Held => "not learned: the entry is static",
            Self::Refused => "not learned: the table is full",
        })
    }
}

impl<A: Address, P> NeighborTable<A, P> {
    /// Merges: follows a sender that is in the table, and enters nobody (RFC 826).
    pub fn merge(&mut self, now: Instant, protocol: A, heard: Heard) -> Merge {
        self.table.clock.tell(now);
        let Some(place) = self.table.find(protocol) else {
            return Merge::None;
        };
        let Some((state, from)) = self.table.get(place).map(|slot| (slot.state, slot.hardware)) else {
            return Merge::None;
        };
        match state {
            State::Static if from == heard.hardware => Merge::Confirmed,
            // spec: static-held
            State::Static => {
                self.report(Event::Held { protocol, hardware: heard.hardware });
                Merge::Held
            }
            // spec: learn-asked
            State::Incomplete | State::Failed => {
                self.complete(place, heard);
                Merge::Completed
            }
            State::Reachable | State::Stale | State::Delay | State::Probe => {
                self.table.confirm(place);
                self.table.touch_in_use(place);
                if from != heard.hardware {
                    self.follow(place, from, heard);
                    return Merge::Moved;
                }
                // An answer to our own question is the confirmation that PROBE waits for; what was
                // not asked for proves only that the sender is heard, not that it hears us.
                // spec: rfc4861-confirmation
                if heard.is_reply_to_us && state == State::Probe {
                    self.change(place, State::Reachable, Row::Reachable);
                }
                Merge::Confirmed
            }
        }
    }

    /// Enters a sender; one that is in the table is merged.
    pub fn learn(&mut self, now: Instant, protocol: A, heard: Heard) -> Merge {
        let merge = self.merge(now, protocol, heard);
        if merge != Merge::None {
            return merge;
        }
        let hardware = heard.hardware;
        if self.insert(protocol, hardware, State::Stale, Row::Stale).is_none() {
            return Merge::Refused;
        }
        self.report(Event::Learned { protocol, hardware });
        Merge::Added
    }

    /// Fills in an entry that was asked for, and sends what waited for it.
    fn complete(&mut self, place: Place, heard: Heard) {
        let Some(slot) = self.table.get_mut(place) else { return };
        slot.hardware = heard.hardware;
        slot.failures = 0;
        let in_use = slot.parcels > 0;
        let (state, row) = match (heard.is_reply_to_us, in_use) {
            (true, _) => (State::Reachable, Row::Reachable),
            (false, true) => (State::Delay, Row::Delay),
            (false, false) => (State::Stale, Row::Stale),
        };
        self.change(place, state, row);
        self.table.confirm(place);
        self.make_ready(place);
    }

    /// Follows a neighbor to its new hardware address, which is as yet unproved.
    fn follow(&mut self, place: Place, from: MacAddr, heard: Heard) {
        let Some(slot) = self.table.get_mut(place) else { return };
        // spec: learn-move
        slot.hardware = heard.hardware;
        let (protocol, was) = (slot.protocol, slot.state);
        self.report(Event::Moved { protocol, from, to: heard.hardware });
        if heard.is_reply_to_us && was == State::Probe {
            self.change(place, State::Reachable, Row::Reachable);
        } else if was != State::Stale {
            self.change(place, State::Stale, Row::Stale);
        }
    }
}
