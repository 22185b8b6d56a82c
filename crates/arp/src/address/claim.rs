//! The claim to one IP address: probing, announcing, defending (RFC 5227).

use std::net::Ipv4Addr;
use std::time::Duration;

use base::Random;
use link::{Instant, MacAddr};

use super::timer::Timer;
use super::{ClaimEvent, Defense, Identity};
use crate::constants::{
    ANNOUNCE_INTERVAL, ANNOUNCE_NUM, ANNOUNCE_WAIT, DEFEND_INTERVAL, PROBE_MAX, PROBE_MIN, PROBE_NUM,
    PROBE_WAIT,
};
use crate::packet::{Operation, Packet, PacketFields};

/// The claim of one station to one protocol address, from the first probe to the day it is given up.
///
/// Packets go in by [`Claim::receive`]; what is due comes out by [`Claim::poll`], always to be
/// broadcast. The caller turns away senders that cannot be, as [`crate::Arp::receive`] does, and
/// answers requests while [`Claim::is_in_use`] says so.
///
/// Probes once, and again only after [`Claim::probe_again`], when the link has become active (RFC 5227 2.1). A clock that
/// stands still or goes back makes it late, never early.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    identity: Identity,
    defense: Defense,
    random: Random,
    phase: Phase,
    /// Runs since the last defense.
    defend_timer: Option<Timer>,
    /// The address came into use, and no event has reported it yet.
    newly_bound: bool,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Probes are sent. The timer runs until the next probe; after the last one, until the end of the probing.
    Probing { probes_left: u32, timer: Timer },
    /// The address is ours. The wait is for the next announcement.
    InUse { announcements_left: u32, timer: Timer, defense_due: Option<Instant> },
    /// Another station uses the address.
    Ceased,
}

impl Claim {
    /// Probes for an address, and uses it if there is no conflict. The waits are drawn from `seed`: stations that start
    /// together need different seeds.
    pub(crate) fn probe(now: Instant, identity: Identity, defense: Defense, seed: u64) -> Claim {
        let mut random = Random::new(seed);
        // spec: rfc5227-probe-times
        let timer = Timer::new(now, random.between(Duration::ZERO, PROBE_WAIT));
        let phase = Phase::Probing { probes_left: PROBE_NUM, timer };
        Claim { identity, defense, random, phase, defend_timer: None, newly_bound: false }
    }

    /// Uses an address without probing, with announcements or without a word.
    pub(crate) fn immediate(now: Instant, identity: Identity, defense: Defense, announce: bool) -> Claim {
        let phase = Phase::in_use(now, if announce { ANNOUNCE_NUM } else { 0 });
        Claim { identity, defense, random: Random::new(0), phase, defend_timer: None, newly_bound: true }
    }

    /// Who claims what.
    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    /// Whether the address is ours: from the first announcement until it is given up. Requests for it,
    /// probes among them, are then to be answered (RFC 5227 2.5).
    pub(crate) fn is_in_use(&self) -> bool {
        // spec: rfc5227-in-use
        matches!(self.phase, Phase::InUse { .. })
    }

    /// Whether the claim is given up. Nothing is ever sent for it again.
    pub(crate) fn has_ceased(&self) -> bool {
        matches!(self.phase, Phase::Ceased)
    }

    /// Hears a packet, and says what came of it if it is a conflict.
    pub(crate) fn receive(&mut self, now: Instant, packet: Packet<'_>) -> Option<ClaimEvent> {
        let mac = packet.sender_hardware();
        // spec: rfc5227-echo
        if mac == self.identity.mac {
            // Our own packet, come back by a switch or a loop.
            return None;
        }
        let ip = self.identity.ip;
        let is_used = packet.sender_protocol() == ip;
        match self.phase {
            // Until we have announced it we may still leave without harm, even if the wait for
            // objections is over and `poll` is late.
            // spec: rfc5227-probe-conflict, rfc5227-rival-probe, rfc5227-given-up
            Phase::Probing { .. } if is_used || self.is_probed_by(packet) => {
                self.phase = Phase::Ceased;
                Some(ClaimEvent::ProbeConflict { ip, mac })
            }
            // spec: rfc5227-conflict
            Phase::InUse { .. } if is_used => Some(self.handle_conflict(now, mac)),
            _ => None,
        }
    }

    /// The device refused the last packet: a probing that it belonged to starts again.
    pub(crate) fn transmit_failed(&mut self, now: Instant) {
        // spec: rfc5227-unheard
        if let Phase::Probing { probes_left, timer } = &mut self.phase
            && *probes_left < PROBE_NUM
        {
            *probes_left = PROBE_NUM;
            *timer = Timer::new(now, self.random.between(PROBE_MIN, PROBE_MAX));
        }
    }

    /// The link has become active: others may use the address by now, so it is probed for again, and out of use until
    /// then. A claim that has ceased stays so.
    // spec: rfc5227-link-up
    pub(crate) fn probe_again(&mut self, now: Instant) {
        if !self.has_ceased() {
            let timer = Timer::new(now, self.random.between(Duration::ZERO, PROBE_WAIT));
            self.phase = Phase::Probing { probes_left: PROBE_NUM, timer };
            // The guard stays: two defenses lie far enough apart even if the link was inactive between them.
            self.newly_bound = false;
        }
    }

    /// Announces an address in use once more, as often as at first.
    pub(crate) fn announce_again(&mut self, now: Instant) {
        if self.is_in_use() {
            self.phase = Phase::in_use(now, ANNOUNCE_NUM);
        }
    }

    /// Leaves out the announcement that defends the address. That there was a conflict is remembered.
    pub(crate) fn suppress_defense(&mut self) {
        if let Phase::InUse { defense_due, .. } = &mut self.phase {
            *defense_due = None;
        }
    }

    /// Whether no number of conflicts ends it.
    pub(crate) fn defends_always(&self) -> bool {
        self.defense == Defense::Always
    }

    pub(crate) fn is_probing(&self) -> bool {
        matches!(self.phase, Phase::Probing { .. })
    }

    /// When it has something to say, or when it no longer has a conflict to remember.
    pub(crate) fn end_of_state(&self) -> Option<Instant> {
        if self.has_ceased() { None } else { self.deadline().or_else(|| self.defend_timer?.deadline()) }
    }

    /// Whether it is in use, has nothing to say, and no conflict to remember: a claim made now would do as well.
    pub(crate) fn is_idle(&mut self, now: Instant) -> bool {
        self.is_in_use()
            && self.deadline().is_none()
            && self.defend_timer.as_mut().is_none_or(|defend_timer| defend_timer.has_expired(now))
    }

    /// The next packet that is due, to be broadcast. Call it until there is none.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<PacketFields> {
        self.poll_probing(now).or_else(|| self.poll_in_use(now))
    }

    /// When [`Claim::poll`] has something next; none if only a packet can change that.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::InUse { defense_due: Some(due), .. } => Some(due),
            Phase::Probing { timer, .. } | Phase::InUse { announcements_left: 1.., timer, .. } => {
                timer.deadline()
            }
            Phase::InUse { .. } | Phase::Ceased => None,
        }
    }

    /// What the passing of time brought: [`ClaimEvent::Bound`], once. Look after [`Claim::poll`].
    pub(crate) fn take_event(&mut self) -> Option<ClaimEvent> {
        let Identity { ip, mac } = self.identity;
        std::mem::take(&mut self.newly_bound).then_some(ClaimEvent::Bound { ip, mac })
    }

    /// Whether somebody else probes for the address at the same time as we do. A request by one who
    /// has an address is no conflict: it may be a host that looks for the address we want.
    fn is_probed_by(&self, packet: Packet<'_>) -> bool {
        // spec: rfc5227-rival-probe, rfc5227-plain-request
        packet.operation() == Operation::REQUEST
            && packet.sender_protocol().is_unspecified()
            && packet.target_protocol() == self.identity.ip
    }

    /// Somebody else uses the address that we use.
    fn handle_conflict(&mut self, now: Instant, mac: MacAddr) -> ClaimEvent {
        let ip = self.identity.ip;
        let is_recent = self.defend_timer.as_mut().is_some_and(|defend_timer| !defend_timer.has_expired(now));
        match (self.defense, is_recent) {
            // spec: rfc5227-cease, rfc5227-once, rfc5227-given-up
            (Defense::Cease, _) | (Defense::Once, true) => {
                self.phase = Phase::Ceased;
                self.newly_bound = false;
                ClaimEvent::Ceased { ip, mac }
            }
            // spec: rfc5227-always, rfc5227-defend-interval
            (Defense::Always, true) => ClaimEvent::Conflict { ip, mac },
            // spec: rfc5227-once, rfc5227-always, rfc5227-defend-interval
            (Defense::Once | Defense::Always, false) => {
                self.defend_timer = Some(Timer::new(now, DEFEND_INTERVAL));
                if let Phase::InUse { defense_due, .. } = &mut self.phase {
                    *defense_due = Some(now);
                }
                ClaimEvent::Defended { ip, mac }
            }
        }
    }

    /// The next probe that is due. After the last one, and the wait for objections, the address comes
    /// into use.
    fn poll_probing(&mut self, now: Instant) -> Option<PacketFields> {
        let Phase::Probing { probes_left, timer } = &mut self.phase else {
            return None;
        };
        if !timer.has_expired(now) {
            return None;
        }
        let Some(rest) = probes_left.checked_sub(1) else {
            // spec: rfc5227-probe-once, rfc5227-in-use
            self.phase = Phase::in_use(now, ANNOUNCE_NUM);
            self.newly_bound = true;
            return None;
        };
        // spec: rfc5227-probe-times, rfc5227-announce-times
        let span = if rest == 0 { ANNOUNCE_WAIT } else { self.random.between(PROBE_MIN, PROBE_MAX) };
        *probes_left = rest;
        // Counted from now, not from when the probe was due: the gap is what others see.
        *timer = Timer::new(now, span);
        Some(self.identity.probe())
    }

    /// The next announcement that is due, be it a defense or one of the first.
    fn poll_in_use(&mut self, now: Instant) -> Option<PacketFields> {
        let Phase::InUse { announcements_left, timer, defense_due } = &mut self.phase else {
            return None;
        };
        if defense_due.take().is_some() {
            // spec: rfc5227-defend-interval
            // Counted from here too: where `poll` is late, two defenses still lie far enough apart.
            self.defend_timer = Some(Timer::new(now, DEFEND_INTERVAL));
            return Some(self.identity.announcement());
        }
        let rest = announcements_left.checked_sub(1)?;
        if !timer.has_expired(now) {
            return None;
        }
        // spec: rfc5227-announce-times
        *announcements_left = rest;
        *timer = Timer::new(now, ANNOUNCE_INTERVAL);
        Some(self.identity.announcement())
    }
}

impl Identity {
    /// A request with sender protocol address 0.0.0.0, which teaches nobody anything (RFC 5227 2.1.1).
    fn probe(self) -> PacketFields {
        // spec: rfc5227-probe, rfc5227-probe-target
        PacketFields {
            operation: Operation::REQUEST,
            sender_hardware: self.mac,
            sender_protocol: Ipv4Addr::UNSPECIFIED,
            target_hardware: MacAddr::ZERO,
            target_protocol: self.ip,
        }
    }

    /// A probe that says who asks: whoever knew the address elsewhere learns better (RFC 5227 2.3).
    fn announcement(self) -> PacketFields {
        // spec: rfc5227-announcement
        PacketFields { sender_protocol: self.ip, ..self.probe() }
    }
}

impl Phase {
    fn in_use(now: Instant, announcements_left: u32) -> Phase {
        Phase::InUse { announcements_left, timer: Timer::new(now, Duration::ZERO), defense_due: None }
    }
}

#[cfg(test)]
mod tests;
