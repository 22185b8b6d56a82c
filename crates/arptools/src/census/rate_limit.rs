//! What was told a short while ago.

use std::collections::VecDeque;
use std::time::Duration;

use link::{Instant, MacAddr};

use super::VlanAddress;
use arp::ArpDropReason;

/// What an event is about, as far as telling it twice is a nuisance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventKey {
    Probe(VlanAddress, MacAddr),
    Announcement(VlanAddress, MacAddr),
    /// Who sent the frame, and whom the packet names.
    Mismatch(MacAddr, MacAddr),
    Invalid(MacAddr, ArpDropReason),
    /// Between these two, the lower one first.
    Conflict(VlanAddress, MacAddr, MacAddr),
    Flood(Option<MacAddr>),
    Full,
}

/// The topics told last, oldest first.
#[derive(Debug)]
pub(super) struct RateLimit {
    again: Duration,
    reported: VecDeque<(Instant, EventKey)>,
}

/// How many topics are remembered: whoever has more to say is told more often.
const MAX_KEYS: usize = 256;

impl RateLimit {
    pub(super) fn new(again: Duration) -> RateLimit {
        RateLimit { again, reported: VecDeque::new() }
    }

    /// Whether a topic is worth a word again; it is taken for told then.
    pub(super) fn admits(&mut self, now: Instant, key: EventKey) -> bool {
        let place = self.reported.iter().position(|(_, reported)| *reported == key);
        if let Some((at, _)) = place.and_then(|place| self.reported.get(place)) {
            // A clock that went back makes everything news.
            if now >= *at && now.since(*at) < self.again {
                return false;
            }
        }
        if let Some(place) = place {
            self.reported.remove(place);
        } else if self.reported.len() >= MAX_KEYS {
            self.reported.pop_front();
        }
        self.reported.push_back((now, key));
        true
    }
}

impl EventKey {
    /// A conflict between two stations, whichever is heard first.
    pub(super) fn conflict(address: VlanAddress, one: MacAddr, other: MacAddr) -> EventKey {
        EventKey::Conflict(address, one.min(other), one.max(other))
    }
}
