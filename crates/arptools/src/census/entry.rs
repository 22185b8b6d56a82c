//! One address of a census.

use std::time::Duration;

use link::{Instant, MacAddr};

use super::claims::{ClaimChange, Claimants};
use super::rate::Rate;
use super::{CensusSettings, VlanAddress};
use arp::{Operation, PacketFields};

/// Whether somebody is there, as far as silence tells: who has nothing to ask may be there all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// Heard a short while ago.
    Fresh,
    /// Not heard for a while.
    Quiet,
    /// Not heard for so long that nobody counts on it.
    Gone,
}

/// One address, as it is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CensusEntry {
    /// The address.
    pub address: VlanAddress,
    /// Who claimed it last.
    pub mac: MacAddr,
    /// Who claimed it before that.
    pub previous: Option<MacAddr>,
    /// Whether it is there.
    pub presence: Presence,
    /// With whom it is in conflict, or was until a short while ago ([`CensusSettings::repeat_after`] or [`CensusSettings::conflict_window`],
    /// whichever is longer).
    pub conflict: Option<MacAddr>,
    /// When it was heard first.
    pub first: Instant,
    /// When it was heard last.
    pub last: Instant,
    /// Its requests that are neither probes nor announcements.
    pub requests: u64,
    /// Its replies that are no announcements.
    pub replies: u64,
    /// Its announcements.
    pub announcements: u64,
    /// Probes for it.
    pub probes: u64,
    /// How often others asked for it.
    pub requested: u64,
    /// How often its hardware address changed.
    pub changes: u64,
    /// How many of its packets were heard in the last ten seconds.
    pub recent: u32,
    /// How many addresses its station has.
    pub addresses: u32,
}

/// One address.
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

    /// A further packet from the address.
    pub(super) fn record(&mut self, now: Instant, packet: &PacketFields, window: Duration) -> ClaimChange {
        self.last = now;
        self.count(now, packet);
        self.claims.record(now, packet, window)
    }

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
    /// All packets from the address.
    pub fn packets(&self) -> u64 {
        self.requests.saturating_add(self.replies).saturating_add(self.announcements)
    }
}

impl Presence {
    /// Its name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Quiet => "quiet",
            Self::Gone => "gone",
        }
    }
}
