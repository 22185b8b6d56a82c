//! What a census counts.

/// What was counted. Every packet is one of the first six.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CensusCounts {
    /// Requests that are neither probes nor announcements.
    pub requests: u64,
    /// Replies that are no announcements.
    pub replies: u64,
    /// Packets whose sender and target protocol address are the same.
    pub announcements: u64,
    /// Requests from 0.0.0.0: somebody asks before using an address (RFC 5227 1.1).
    pub probes: u64,
    /// Packets that claim nothing anybody could believe; [`Census::dropped`](super::Census::dropped) says why.
    pub dropped: u64,
    /// Packets that claim an address for which there is no room.
    pub rejected: u64,
    /// Of all these, those that were sent to all.
    pub broadcast: u64,
    /// Addresses entered.
    pub added: u64,
    /// Times that an address changed its hardware address, in a conflict or not.
    pub changed: u64,
    /// Packets that showed a conflict.
    pub conflicts: u64,
    /// Addresses that were dropped because the census was full.
    pub evicted: u64,
    /// Of these, those that were not gone: one packet alone had claimed them. A conflict about one of them goes
    /// unnoticed, unless two more packets show it.
    pub displaced: u64,
    /// Events that were told a short while before, and not again.
    pub suppressed: u64,
    /// Events that nobody took in time.
    pub events_lost: u64,
}

impl CensusCounts {
    /// All packets.
    pub fn packets(&self) -> u64 {
        [self.requests, self.replies, self.announcements, self.probes, self.dropped, self.rejected]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}
