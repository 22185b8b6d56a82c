//! Rate limit of repeated events.

use std::collections::VecDeque;
use std::time::Duration;

use link::{Instant, MacAddr};

use super::VlanAddress;
use arp::ArpDropReason;

/// Key of a rate-limited event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventKey {
    Probe(VlanAddress, MacAddr),
    Announcement(VlanAddress, MacAddr),
    /// Source of the frame, and sender in the packet.
    Mismatch(MacAddr, MacAddr),
    Invalid(MacAddr, ArpDropReason),
    /// Address and its two stations, the lower MAC address first.
    Conflict(VlanAddress, MacAddr, MacAddr),
    Flood(Option<MacAddr>),
    Full,
}

/// Rate limit with the keys of the last reported events, oldest first.
#[derive(Debug)]
pub(super) struct RateLimit {
    interval: Duration,
    reported: VecDeque<(Instant, EventKey)>,
}

/// Maximum number of remembered keys. With more keys, events are reported more often.
const MAX_KEYS: usize = 256;

impl RateLimit {
    pub(super) fn new(interval: Duration) -> RateLimit {
        RateLimit { interval, reported: VecDeque::new() }
    }

    /// Returns whether an event may be reported. If so, remembers the event as reported.
    pub(super) fn admits(&mut self, now: Instant, key: EventKey) -> bool {
        let place = self.reported.iter().position(|(_, reported)| *reported == key);
        if let Some((at, _)) = place.and_then(|place| self.reported.get(place)) {
            // If the clock has gone back, all events are reported again.
            if now >= *at && now.since(*at) < self.interval {
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
    /// Returns the key of a conflict, independent of the order of the two stations.
    pub(super) fn conflict(address: VlanAddress, one: MacAddr, other: MacAddr) -> EventKey {
        EventKey::Conflict(address, one.min(other), one.max(other))
    }
}
