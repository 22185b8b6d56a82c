//! One address of a census.

use std::time::Duration;

use link::{Instant, MacAddr};

use super::claims::{Claims, Turn};
use super::rate::Rate;
use super::{Settings, Subject};
use arp::{Fields, Operation};

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
pub struct Row {
    /// The address.
    pub subject: Subject,
    /// Who claimed it last.
    pub hardware: MacAddr,
    /// Who claimed it before that.
    pub former: Option<MacAddr>,
    /// Whether it is there.
    pub presence: Presence,
    /// With whom it is in conflict, or was until a short while ago ([`Settings::again`] or [`Settings::window`],
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
    pub asked: u64,
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
    pub(super) claims: Claims,
    first: Instant,
    pub(super) last: Instant,
    requests: u64,
    replies: u64,
    announcements: u64,
    pub(super) probes: u64,
    pub(super) asked: u64,
    rate: Rate,
}

impl Entry {
    pub(super) fn new(now: Instant, packet: &Fields) -> Entry {
        let mut entry = Entry {
            claims: Claims::new(now, packet),
            first: now,
            last: now,
            requests: 0,
            replies: 0,
            announcements: 0,
            probes: 0,
            asked: 0,
            rate: Rate::default(),
        };
        entry.count(now, packet);
        entry
    }

    /// A further packet from the address.
    pub(super) fn hear(&mut self, now: Instant, packet: &Fields, window: Duration) -> Turn {
        self.last = now;
        self.count(now, packet);
        self.claims.hear(now, packet, window)
    }

    pub(super) fn row(&self, now: Instant, subject: Subject, settings: &Settings, addresses: u32) -> Row {
        let silence = now.since(self.last);
        Row {
            subject,
            hardware: self.claims.current(),
            former: self.claims.former(),
            presence: match silence {
                _ if silence >= settings.gone => Presence::Gone,
                _ if silence >= settings.quiet => Presence::Quiet,
                _ => Presence::Fresh,
            },
            conflict: self.claims.conflict(now, settings.again.max(settings.window)),
            first: self.first,
            last: self.last,
            requests: self.requests,
            replies: self.replies,
            announcements: self.announcements,
            probes: self.probes,
            asked: self.asked,
            changes: self.claims.changes(),
            recent: self.rate.recent(now),
            addresses,
        }
    }

    fn count(&mut self, now: Instant, packet: &Fields) {
        let count = match packet {
            _ if packet.sender_protocol == packet.target_protocol => &mut self.announcements,
            Fields { operation: Operation::REPLY, .. } => &mut self.replies,
            _ => &mut self.requests,
        };
        *count = count.saturating_add(1);
        self.rate.tick(now);
    }
}

impl Row {
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
