//! Who claims one address, and whether they can all be right.

use std::net::Ipv4Addr;
use std::time::Duration;

use link::{Instant, MacAddr};

use arp::{Operation, PacketFields};

/// Nobody takes an address over and gives it back in so short a time, and nobody who has an answer asks
/// again: two claims so near to each other are of two stations that both are there.
const SIMULTANEOUS: Duration = Duration::from_secs(1);
/// A move and the way back, as when a gateway fails over and comes back, are two changes.
const ALTERNATION_LIMIT: u32 = 3;
/// How many stations that had the address are remembered.
const FORMER: usize = 3;

/// The stations that claim one address.
#[derive(Clone, Debug)]
pub(super) struct Claimants {
    current: MacAddr,
    /// When it changed last.
    changed: Option<Instant>,
    /// Who had it before, the last one first.
    previous: [Option<MacAddr>; FORMER],
    /// How many changes there were, each within the window of the one before.
    changes_in_window: u32,
    changes: u64,
    /// The last reply: when, and to whom.
    reply: Option<(Instant, MacAddr, Ipv4Addr)>,
    /// The last sign of a conflict: when, and with whom.
    conflict: Option<(Instant, MacAddr)>,
}

/// What a claim comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClaimChange {
    /// It is who it was.
    Same,
    /// It is somebody else now.
    Moved { from: MacAddr },
    /// It is two.
    Conflict { other: MacAddr },
}

impl Claimants {
    /// The first claim.
    pub(super) fn new(now: Instant, packet: &PacketFields) -> Claimants {
        Claimants {
            current: packet.sender_hardware,
            changed: None,
            previous: [None; FORMER],
            changes_in_window: 0,
            changes: 0,
            reply: reply(now, packet),
            conflict: None,
        }
    }

    /// Who claimed it last.
    pub(super) fn current(&self) -> MacAddr {
        self.current
    }

    /// Who claimed it before that.
    pub(super) fn previous(&self) -> Option<MacAddr> {
        self.previous.first().copied().flatten()
    }

    /// How often it changed.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// With whom there was a conflict within the window.
    pub(super) fn conflict(&self, now: Instant, window: Duration) -> Option<MacAddr> {
        let (_, other) = self.conflict.filter(|(at, _)| now.since(*at) < window)?;
        // It may have moved to the other since, after a while.
        if other == self.current { self.previous() } else { Some(other) }
    }

    /// A further claim.
    pub(super) fn record(&mut self, now: Instant, packet: &PacketFields, window: Duration) -> ClaimChange {
        let mac = packet.sender_hardware;
        let from = self.current;
        if mac == from {
            self.reply = reply(now, packet).or(self.reply);
            return ClaimChange::Same;
        }
        let is_conflict = self.is_second_reply(now, packet)
            || self.is_immediate_return(now, mac)
            || self.conflict(now, window).is_some()
            || self.count_change(now, window) >= ALTERNATION_LIMIT;
        self.take_over(now, mac);
        self.reply = reply(now, packet);
        if !is_conflict {
            return ClaimChange::Moved { from };
        }
        self.conflict = Some((now, from));
        ClaimChange::Conflict { other: from }
    }

    /// Whether whoever had it answered the same request just now.
    fn is_second_reply(&self, now: Instant, packet: &PacketFields) -> bool {
        let second = reply(now, packet).zip(self.reply);
        second.is_some_and(|((now, mac, ip), (at, to, target))| {
            is_simultaneous(now, at) && (mac, ip) == (to, target)
        })
    }

    /// Whether it just left this station.
    fn is_immediate_return(&self, now: Instant, mac: MacAddr) -> bool {
        self.previous.contains(&Some(mac))
            && self.changed.is_some_and(|changed| is_simultaneous(now, changed))
    }

    /// Counts the change that is being made, and those before it that belong to it.
    fn count_change(&mut self, now: Instant, window: Duration) -> u32 {
        let belongs = self.changed.is_some_and(|changed| now.since(changed) < window);
        self.changes_in_window = if belongs { self.changes_in_window.saturating_add(1) } else { 1 };
        self.changes_in_window
    }

    fn take_over(&mut self, now: Instant, mac: MacAddr) {
        let from = std::mem::replace(&mut self.current, mac);
        self.changed = Some(now);
        self.changes = self.changes.saturating_add(1);
        // Whoever is back had it no more; else the one that left longest ago is forgotten.
        let known = self.previous.iter().position(|previous| *previous == Some(mac));
        let until = known.unwrap_or(FORMER - 1);
        if let Some(moved) = self.previous.get_mut(..=until) {
            moved.rotate_right(1);
        }
        if let Some(first) = self.previous.first_mut() {
            *first = Some(from);
        }
    }
}

fn is_simultaneous(now: Instant, before: Instant) -> bool {
    now >= before && now.since(before) < SIMULTANEOUS
}

/// To whom a packet replies, if it does.
fn reply(now: Instant, packet: &PacketFields) -> Option<(Instant, MacAddr, Ipv4Addr)> {
    let is_reply = packet.operation == Operation::REPLY && packet.target_protocol != packet.sender_protocol;
    is_reply.then_some((now, packet.target_hardware, packet.target_protocol))
}
