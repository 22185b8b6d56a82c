//! Counts of a census.

/// Counts of a census. Every packet is counted in exactly one of the first six counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CensusCounts {
    /// Requests, except probes and announcements.
    pub requests: u64,
    /// Replies, except announcements.
    pub replies: u64,
    /// Announcements: packets with equal sender and target IP addresses.
    pub announcements: u64,
    /// Probes: requests from 0.0.0.0 (RFC 5227 1.1).
    pub probes: u64,
    /// Invalid packets, by reason in [`Census::dropped`](super::Census::dropped).
    pub dropped: u64,
    /// Packets with a claim that was not recorded because the census was full.
    pub rejected: u64,
    /// Packets in broadcast or multicast frames.
    pub broadcast: u64,
    /// Added addresses.
    pub added: u64,
    /// Changes of the MAC address of an IP address, with or without a conflict.
    pub changed: u64,
    /// Packets that showed a conflict.
    pub conflicts: u64,
    /// Addresses evicted because the census was full.
    pub evicted: u64,
    /// Evicted addresses that were not gone. Each had a single packet. A conflict of such an address is missed unless
    /// two more packets show the conflict.
    pub displaced: u64,
    /// Events that were not reported because of the rate limit.
    pub suppressed: u64,
    /// Events that were dropped because the queue was full.
    pub events_lost: u64,
}

impl CensusCounts {
    /// Returns the sum of two counts.
    #[must_use]
    pub fn plus(self, other: CensusCounts) -> CensusCounts {
        CensusCounts {
            requests: self.requests.saturating_add(other.requests),
            replies: self.replies.saturating_add(other.replies),
            announcements: self.announcements.saturating_add(other.announcements),
            probes: self.probes.saturating_add(other.probes),
            dropped: self.dropped.saturating_add(other.dropped),
            rejected: self.rejected.saturating_add(other.rejected),
            broadcast: self.broadcast.saturating_add(other.broadcast),
            added: self.added.saturating_add(other.added),
            changed: self.changed.saturating_add(other.changed),
            conflicts: self.conflicts.saturating_add(other.conflicts),
            evicted: self.evicted.saturating_add(other.evicted),
            displaced: self.displaced.saturating_add(other.displaced),
            suppressed: self.suppressed.saturating_add(other.suppressed),
            events_lost: self.events_lost.saturating_add(other.events_lost),
        }
    }

    /// Returns the number of packets.
    pub fn packets(&self) -> u64 {
        [self.requests, self.replies, self.announcements, self.probes, self.dropped, self.rejected]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}
