//! Who claims one address, and whether they can all be right.

use std::net::Ipv4Addr;
use std::time::Duration;

use link::{Instant, MacAddr};

use arp::{Fields, Operation};

/// Nobody takes an address over and gives it back in so short a time, and nobody who has an answer asks
/// again: two claims so near to each other are of two stations that both are there.
const AT_ONCE: Duration = Duration::from_secs(1);
/// A move and the way back, as when a gateway fails over and comes back, are two changes.
const TO_AND_FRO: u32 = 3;
/// How many stations that had the address are remembered.
const FORMER: usize = 3;

/// The stations that claim one address.
#[derive(Clone, Debug)]
pub(super) struct Claims {
    current: MacAddr,
    /// When it changed last.
    changed: Option<Instant>,
    /// Who had it before, the last one first.
    former: [Option<MacAddr>; FORMER],
    /// How many changes there were, each within the window of the one before.
    together: u32,
    changes: u64,
    /// The last reply: when, and to whom.
    reply: Option<(Instant, MacAddr, Ipv4Addr)>,
    /// The last sign of a conflict: when, and with whom.
    conflict: Option<(Instant, MacAddr)>,
}

/// What a claim comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is who it was.
    Same,
    /// It is somebody else now.
    Moved { from: MacAddr },
    /// It is two.
    Conflict { other: MacAddr },
}

impl Claims {
    /// The first claim.
    pub(super) fn new(now: Instant, packet: &Fields) -> Claims {
        Claims {
            current: packet.sender_hardware,
            changed: None,
            former: [None; FORMER],
            together: 0,
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
    pub(super) fn former(&self) -> Option<MacAddr> {
        self.former.first().copied().flatten()
    }

    /// How often it changed.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// With whom there was a conflict within the window.
    pub(super) fn conflict(&self, now: Instant, window: Duration) -> Option<MacAddr> {
        let (_, other) = self.conflict.filter(|(at, _)| now.since(*at) < window)?;
        // It may have moved to the other since, after a while.
        if other == self.current { self.former() } else { Some(other) }
    }

    /// A further claim.
    pub(super) fn hear(&mut self, now: Instant, packet: &Fields, window: Duration) -> Turn {
        let hardware = packet.sender_hardware;
        let from = self.current;
        if hardware == from {
            self.reply = reply(now, packet).or(self.reply);
            return Turn::Same;
        }
        let is_conflict = self.is_second_reply(now, packet)
            || self.is_back_at_once(now, hardware)
            || self.conflict(now, window).is_some()
            || self.count_change(now, window) >= TO_AND_FRO;
        self.take_over(now, hardware);
        self.reply = reply(now, packet);
        if !is_conflict {
            return Turn::Moved { from };
        }
        self.conflict = Some((now, from));
        Turn::Conflict { other: from }
    }

    /// Whether whoever had it answered the same request just now.
    fn is_second_reply(&self, now: Instant, packet: &Fields) -> bool {
        let second = reply(now, packet).zip(self.reply);
        second.is_some_and(|((now, hardware, protocol), (at, to, whose))| {
            is_at_once(now, at) && (hardware, protocol) == (to, whose)
        })
    }

    /// Whether it just left this station.
    fn is_back_at_once(&self, now: Instant, hardware: MacAddr) -> bool {
        self.former.contains(&Some(hardware)) && self.changed.is_some_and(|changed| is_at_once(now, changed))
    }

    /// Counts the change that is being made, and those before it that belong to it.
    fn count_change(&mut self, now: Instant, window: Duration) -> u32 {
        let belongs = self.changed.is_some_and(|changed| now.since(changed) < window);
        self.together = if belongs { self.together.saturating_add(1) } else { 1 };
        self.together
    }

    fn take_over(&mut self, now: Instant, hardware: MacAddr) {
        let from = std::mem::replace(&mut self.current, hardware);
        self.changed = Some(now);
        self.changes = self.changes.saturating_add(1);
        // Whoever is back had it no more; else the one that left longest ago is forgotten.
        let known = self.former.iter().position(|former| *former == Some(hardware));
        let until = known.unwrap_or(FORMER - 1);
        if let Some(moved) = self.former.get_mut(..=until) {
            moved.rotate_right(1);
        }
        if let Some(first) = self.former.first_mut() {
            *first = Some(from);
        }
    }
}

fn is_at_once(now: Instant, before: Instant) -> bool {
    now >= before && now.since(before) < AT_ONCE
}

/// To whom a packet replies, if it does.
fn reply(now: Instant, packet: &Fields) -> Option<(Instant, MacAddr, Ipv4Addr)> {
    let is_reply = packet.operation == Operation::REPLY && packet.target_protocol != packet.sender_protocol;
    is_reply.then_some((now, packet.target_hardware, packet.target_protocol))
}
