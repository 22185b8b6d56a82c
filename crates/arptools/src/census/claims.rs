//! Claims of stations to one address, and detection of conflicts.

use std::net::Ipv4Addr;
use std::time::Duration;

use link::{Instant, MacAddr};

use arp::{Operation, PacketFields};

/// Maximum time between two claims that are treated as simultaneous.
///
/// A failover and its return take longer, and a requester does not repeat an answered request within this time. Two
/// claims within this time therefore come from two stations that are both present.
const SIMULTANEOUS: Duration = Duration::from_secs(1);
/// Number of changes in a row that are reported as a conflict. A failover and its return are only two changes.
const ALTERNATION_LIMIT: u32 = 3;
/// Number of former stations that are remembered.
const FORMER: usize = 3;

/// Stations that claim one address.
#[derive(Clone, Debug)]
pub(super) struct Claimants {
    current: MacAddr,
    /// Time of the last change.
    changed: Option<Instant>,
    /// Former stations, most recent first.
    previous: [Option<MacAddr>; FORMER],
    /// Number of changes in a row, each within the window after the previous one.
    changes_in_window: u32,
    changes: u64,
    /// Last reply: its time, target MAC address and target IP address.
    reply: Option<(Instant, MacAddr, Ipv4Addr)>,
    /// Last conflict: its time and the other station.
    conflict: Option<(Instant, MacAddr)>,
}

/// Result of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClaimChange {
    /// The same station claims the address.
    Same,
    /// The address has moved to another station.
    Moved { from: MacAddr },
    /// Two stations claim the address.
    Conflict { other: MacAddr },
}

impl Claimants {
    /// Records the first claim.
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

    /// Returns the station that claimed the address last.
    pub(super) fn current(&self) -> MacAddr {
        self.current
    }

    /// Returns the station that claimed the address before.
    pub(super) fn previous(&self) -> Option<MacAddr> {
        self.previous.first().copied().flatten()
    }

    /// Returns the number of changes.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Returns the other station of a conflict within the window.
    pub(super) fn conflict(&self, now: Instant, window: Duration) -> Option<MacAddr> {
        let (_, other) = self.conflict.filter(|(at, _)| now.since(*at) < window)?;
        // The address may have moved to the other station since the conflict.
        if other == self.current { self.previous() } else { Some(other) }
    }

    /// Records a further claim.
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

    /// Returns whether another station has just answered the same request.
    fn is_second_reply(&self, now: Instant, packet: &PacketFields) -> bool {
        let second = reply(now, packet).zip(self.reply);
        second.is_some_and(|((now, mac, ip), (at, to, target))| {
            is_simultaneous(now, at) && (mac, ip) == (to, target)
        })
    }

    /// Returns whether the address has just moved away from this station.
    fn is_immediate_return(&self, now: Instant, mac: MacAddr) -> bool {
        self.previous.contains(&Some(mac))
            && self.changed.is_some_and(|changed| is_simultaneous(now, changed))
    }

    /// Counts a change. Returns the number of changes in a row.
    fn count_change(&mut self, now: Instant, window: Duration) -> u32 {
        let is_in_window = self.changed.is_some_and(|changed| now.since(changed) < window);
        self.changes_in_window = if is_in_window { self.changes_in_window.saturating_add(1) } else { 1 };
        self.changes_in_window
    }

    fn take_over(&mut self, now: Instant, mac: MacAddr) {
        let from = std::mem::replace(&mut self.current, mac);
        self.changed = Some(now);
        self.changes = self.changes.saturating_add(1);
        // Removes the returning station from the former stations, or else the oldest former station.
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

/// Returns the time and target of a packet if it is a reply and not an announcement.
fn reply(now: Instant, packet: &PacketFields) -> Option<(Instant, MacAddr, Ipv4Addr)> {
    let is_reply = packet.operation == Operation::REPLY && packet.target_protocol != packet.sender_protocol;
    is_reply.then_some((now, packet.target_hardware, packet.target_protocol))
}
