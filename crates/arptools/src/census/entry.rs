//! Entry of a census: one address.

use std::time::Duration;

use link::{Instant, MacAddr};

use super::claims::{ClaimChange, Claimants};
use super::rate::Rate;
use super::{CensusSettings, VlanAddress};
use arp::{Operation, PacketFields};

/// Presence of an address, judged by the time since its last packet. A silent host may still be present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// Last packet less than [`CensusSettings::quiet_after`] ago.
    Fresh,
    /// Last packet less than [`CensusSettings::gone_after`] ago.
    Quiet,
    /// No packet for [`CensusSettings::gone_after`] or longer.
    Gone,
}

/// Entry of an address, as listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CensusEntry {
    /// Claimed address.
    pub address: VlanAddress,
    /// MAC address that claimed the address last.
    pub mac: MacAddr,
    /// MAC address that claimed the address before, if the MAC address changed.
    pub previous: Option<MacAddr>,
    /// Presence, judged by the time since `last`.
    pub presence: Presence,
    /// Other MAC address in a current or recent conflict. The conflict is listed for [`CensusSettings::repeat_after`] or
    /// [`CensusSettings::conflict_window`] after its last packet, whichever is longer.
    pub conflict: Option<MacAddr>,
    /// Time of the first packet.
    pub first: Instant,
    /// Time of the last packet.
    pub last: Instant,
    /// Requests from the address, except announcements.
    pub requests: u64,
    /// Replies from the address, except announcements.
    pub replies: u64,
    /// Announcements of the address.
    pub announcements: u64,
    /// Probes for the address.
    pub probes: u64,
    /// Requests for the address, except probes and announcements.
    pub requested: u64,
    /// Changes of the MAC address.
    pub changes: u64,
    /// Packets from the address in the last ten seconds.
    pub recent: u32,
    /// Number of addresses of the station.
    pub addresses: u32,
}

/// Recorded state of an address.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) claims: Claimants,
    first: Instant,
    pub(super) last: Instant,
    requests: u64,
    replies: u64,
    announcements: u64,
    pub(super) probes: u64,
    pub(super) requested: u64,
    rate: Rate,
}

impl Entry {
    pub(super) fn new(now: Instant, packet: &PacketFields) -> Entry {
        let mut entry = Entry {
            claims: Claimants::new(now, packet),
            first: now,
            last: now,
            requests: 0,
            replies: 0,
            announcements: 0,
            probes: 0,
            requested: 0,
            rate: Rate::default(),
        };
        entry.count(now, packet);
        entry
    }

    /// Records a further packet from the address.
    pub(super) fn record(&mut self, now: Instant, packet: &PacketFields, window: Duration) -> ClaimChange {
        self.last = now;
        self.count(now, packet);
        self.claims.record(now, packet, window)
    }

    /// Returns the listed form of the entry.
    pub(super) fn row(
        &self,
        now: Instant,
        address: VlanAddress,
        settings: &CensusSettings,
        addresses: u32,
    ) -> CensusEntry {
        let silence = now.since(self.last);
        CensusEntry {
            address,
            mac: self.claims.current(),
            previous: self.claims.previous(),
            presence: match silence {
                _ if silence >= settings.gone_after => Presence::Gone,
                _ if silence >= settings.quiet_after => Presence::Quiet,
                _ => Presence::Fresh,
            },
            conflict: self.claims.conflict(now, settings.repeat_after.max(settings.conflict_window)),
            first: self.first,
            last: self.last,
            requests: self.requests,
            replies: self.replies,
            announcements: self.announcements,
            probes: self.probes,
            requested: self.requested,
            changes: self.claims.changes(),
            recent: self.rate.recent(now),
            addresses,
        }
    }

    fn count(&mut self, now: Instant, packet: &PacketFields) {
        let count = match packet {
            _ if packet.sender_protocol == packet.target_protocol => &mut self.announcements,
            PacketFields { operation: Operation::REPLY, .. } => &mut self.replies,
            _ => &mut self.requests,
        };
        *count = count.saturating_add(1);
        self.rate.tick(now);
    }
}

impl CensusEntry {
    /// Returns the number of packets from the address.
    pub fn packets(&self) -> u64 {
        self.requests.saturating_add(self.replies).saturating_add(self.announcements)
    }
}

impl Presence {
    /// Returns the name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Quiet => "quiet",
            Self::Gone => "gone",
        }
    }
}
