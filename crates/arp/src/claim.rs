//! The claim to one protocol address: probing, announcing, defending (RFC 5227).

use std::net::Ipv4Addr;
use std::time::Duration;

use link::{Instant, MacAddr};

use crate::constants::{
    ANNOUNCE_INTERVAL, ANNOUNCE_NUM, ANNOUNCE_WAIT, DEFEND_INTERVAL, PROBE_MAX, PROBE_MIN, PROBE_NUM,
    PROBE_WAIT,
};
use crate::wait::Wait;
use crate::{Fields, Operation, Packet};
use base::Random;

/// Who claims what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The protocol address that is claimed.
    pub protocol: Ipv4Addr,
    /// The hardware address of the station that claims it.
    pub hardware: MacAddr,
}

/// What to do when somebody else uses an address that we use (RFC 5227 2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Defence {
    /// Cease at once: 2.4 (a).
    Cease,
    /// Defend by one announcement; cease if there is another conflict within
    /// [`DEFEND_INTERVAL`]: 2.4 (b).
    Once,
    /// Defend for ever, by one announcement per [`DEFEND_INTERVAL`] at most: 2.4 (c). For an address
    /// that a person configured: two forged packets must not silence a host.
    // spec: rfc5227-default
    #[default]
    Always,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimEvent {
    /// Others are asked whether they have the address (RFC 5227 2.1).
    Probing {
        /// The protocol address.
        protocol: Ipv4Addr,
    },
    /// The address is ours, and in use from now on (RFC 5227 2.3).
    Bound {
        /// The protocol address.
        protocol: Ipv4Addr,
        /// Our hardware address.
        hardware: MacAddr,
    },
    /// Another host has the address or probes for it too: the address is given up (RFC 5227 2.1.1). It was in use before
    /// if the link has become active since.
    ProbeConflict {
        /// The protocol address.
        protocol: Ipv4Addr,
        /// Who else wants it.
        hardware: MacAddr,
    },
    /// Another host uses the address. No announcement is sent: the last defence is less than [`DEFEND_INTERVAL`] old, or
    /// too many addresses were defended lately. The address stays in use.
    Conflict {
        /// The protocol address.
        protocol: Ipv4Addr,
        /// Who else uses it.
        hardware: MacAddr,
    },
    /// Somebody else uses the address, and we defend it: an announcement is due.
    Defended {
        /// The protocol address.
        protocol: Ipv4Addr,
        /// Who else uses it.
        hardware: MacAddr,
    },
    /// Somebody else uses the address, and we no longer do.
    Ceased {
        /// The protocol address.
        protocol: Ipv4Addr,
        /// Who has it now.
        hardware: MacAddr,
    },
}

/// The claim of one station to one protocol address, from the first probe to the day it is given up.
///
/// Packets go in by [`Claim::receive`]; what is due comes out by [`Claim::poll`], always to be
/// broadcast. The caller turns away senders that cannot be, as [`crate::Arp::receive`] does, and
/// answers requests while [`Claim::is_in_use`] says so.
///
/// Probes once, and again only after [`Claim::probe_again`], when the link has become active (RFC 5227 2.1). A clock that
/// stands still or goes back makes it late, never early.
#[derive(Clone, Debug)]
pub struct Claim {
    identity: Identity,
    defence: Defence,
    random: Random,
    phase: Phase,
    /// Runs since the last defence.
    guard: Option<Wait>,
    /// The address came into use, and nobody was told.
    bound: bool,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Asking whether anybody has the address. The wait is for the next probe; after the last, for
    /// objections.
    Probing { probes_left: u32, wait: Wait },
    /// The address is ours. The wait is for the next announcement.
    InUse { announcements_left: u32, wait: Wait, defence_due: Option<Instant> },
    /// The address is somebody else's.
    Ceased,
}

impl Claim {
    /// Begins to probe for an address, and uses it if nobody objects. The waits are drawn from `seed`:
    /// stations that start together must not have the same.
    pub fn probe(now: Instant, identity: Identity, defence: Defence, seed: u64) -> Claim {
        let mut random = Random::new(seed);
        // spec: rfc5227-probe-times
        let wait = Wait::new(now, random.between(Duration::ZERO, PROBE_WAIT));
        let phase = Phase::Probing { probes_left: PROBE_NUM, wait };
        Claim { identity, defence, random, phase, guard: None, bound: false }
    }

    /// Uses an address without probing, with announcements or without a word.
    pub fn at_once(now: Instant, identity: Identity, defence: Defence, announce: bool) -> Claim {
        let phase = Phase::in_use(now, if announce { ANNOUNCE_NUM } else { 0 });
        Claim { identity, defence, random: Random::new(0), phase, guard: None, bound: true }
    }

    /// Who claims what.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Whether the address is ours: from the first announcement until it is given up. Requests for it,
    /// probes among them, are then to be answered (RFC 5227 2.5).
    pub fn is_in_use(&self) -> bool {
        // spec: rfc5227-in-use
        matches!(self.phase, Phase::InUse { .. })
    }

    /// Whether the claim is given up. Nothing is ever sent for it again.
    pub fn has_ceased(&self) -> bool {
        matches!(self.phase, Phase::Ceased)
    }

    /// Hears a packet, and says what came of it if it is a conflict.
    pub fn receive(&mut self, now: Instant, packet: Packet<'_>) -> Option<ClaimEvent> {
        let hardware = packet.sender_hardware();
        // spec: rfc5227-echo
        if hardware == self.identity.hardware {
            // Our own packet, come back by a switch or a loop.
            return None;
        }
        let protocol = self.identity.protocol;
        let is_used = packet.sender_protocol() == protocol;
        match self.phase {
            // Until we have announced it we may still leave without harm, even if the wait for
            // objections is over and `poll` is late.
            // spec: rfc5227-probe-conflict, rfc5227-rival-probe, rfc5227-given-up
            Phase::Probing { .. } if is_used || self.is_probed_by(packet) => {
                self.phase = Phase::Ceased;
                Some(ClaimEvent::ProbeConflict { protocol, hardware })
            }
            // spec: rfc5227-conflict
            Phase::InUse { .. } if is_used => Some(self.meet(now, hardware)),
            _ => None,
        }
    }

    /// The wire refused what was sent last: whoever was probing has asked nobody, and begins again.
    pub fn unheard(&mut self, now: Instant) {
        // spec: rfc5227-unheard
        if let Phase::Probing { probes_left, wait } = &mut self.phase
            && *probes_left < PROBE_NUM
        {
            *probes_left = PROBE_NUM;
            *wait = Wait::new(now, self.random.between(PROBE_MIN, PROBE_MAX));
        }
    }

    /// The link has become active: others may use the address by now, so it is probed for again, and out of use until
    /// then. A claim that has ceased stays so.
    // spec: rfc5227-link-up
    pub fn probe_again(&mut self, now: Instant) {
        if !self.has_ceased() {
            let wait = Wait::new(now, self.random.between(Duration::ZERO, PROBE_WAIT));
            self.phase = Phase::Probing { probes_left: PROBE_NUM, wait };
            // The guard stays: two defences lie far enough apart even if the link was inactive between them.
            self.bound = false;
        }
    }

    /// Announces an address in use once more, as often as at first.
    pub(crate) fn announce_again(&mut self, now: Instant) {
        if self.is_in_use() {
            self.phase = Phase::in_use(now, ANNOUNCE_NUM);
        }
    }

    /// Leaves out the announcement that defends the address. That there was a conflict is remembered.
    pub(crate) fn withhold_defence(&mut self) {
        if let Phase::InUse { defence_due, .. } = &mut self.phase {
            *defence_due = None;
        }
    }

    /// Whether no number of conflicts ends it.
    pub(crate) fn is_kept_always(&self) -> bool {
        self.defence == Defence::Always
    }

    pub(crate) fn is_probing(&self) -> bool {
        matches!(self.phase, Phase::Probing { .. })
    }

    /// When it has something to say, or when it no longer has a conflict to remember.
    pub(crate) fn end_of_state(&self) -> Option<Instant> {
        if self.has_ceased() { None } else { self.deadline().or_else(|| self.guard?.deadline()) }
    }

    /// Whether it is in use, has nothing to say, and no conflict to remember: a claim made now would do as well.
    pub(crate) fn is_idle(&mut self, now: Instant) -> bool {
        self.is_in_use()
            && self.deadline().is_none()
            && self.guard.as_mut().is_none_or(|guard| guard.is_over(now))
    }

    /// The next packet that is due, to be broadcast. Call it until there is none.
    pub fn poll(&mut self, now: Instant) -> Option<Fields> {
        self.poll_probing(now).or_else(|| self.poll_in_use(now))
    }

    /// When [`Claim::poll`] has something next; none if only a packet can change that.
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::InUse { defence_due: Some(due), .. } => Some(due),
            Phase::Probing { wait, .. } | Phase::InUse { announcements_left: 1.., wait, .. } => {
                wait.deadline()
            }
            Phase::InUse { .. } | Phase::Ceased => None,
        }
    }

    /// What the passing of time brought: [`ClaimEvent::Bound`], once. Look after [`Claim::poll`].
    pub fn take_event(&mut self) -> Option<ClaimEvent> {
        let Identity { protocol, hardware } = self.identity;
        std::mem::take(&mut self.bound).then_some(ClaimEvent::Bound { protocol, hardware })
    }

    /// Whether somebody else probes for the address at the same time as we do. A request by one who
    /// has an address is no conflict: it may be a host that looks for the address we want.
    fn is_probed_by(&self, packet: Packet<'_>) -> bool {
        // spec: rfc5227-rival-probe, rfc5227-plain-request
        packet.operation() == Operation::REQUEST
            && packet.sender_protocol().is_unspecified()
            && packet.target_protocol() == self.identity.protocol
    }

    /// Somebody else uses the address that we use.
    fn meet(&mut self, now: Instant, hardware: MacAddr) -> ClaimEvent {
        let protocol = self.identity.protocol;
        let is_recent = self.guard.as_mut().is_some_and(|guard| !guard.is_over(now));
        match (self.defence, is_recent) {
            // spec: rfc5227-cease, rfc5227-once, rfc5227-given-up
            (Defence::Cease, _) | (Defence::Once, true) => {
                self.phase = Phase::Ceased;
                self.bound = false;
                ClaimEvent::Ceased { protocol, hardware }
            }
            // spec: rfc5227-always, rfc5227-defend-interval
            (Defence::Always, true) => ClaimEvent::Conflict { protocol, hardware },
            // spec: rfc5227-once, rfc5227-always, rfc5227-defend-interval
            (Defence::Once | Defence::Always, false) => {
                self.guard = Some(Wait::new(now, DEFEND_INTERVAL));
                if let Phase::InUse { defence_due, .. } = &mut self.phase {
                    *defence_due = Some(now);
                }
                ClaimEvent::Defended { protocol, hardware }
            }
        }
    }

    /// The next probe that is due. After the last one, and the wait for objections, the address comes
    /// into use.
    fn poll_probing(&mut self, now: Instant) -> Option<Fields> {
        let Phase::Probing { probes_left, wait } = &mut self.phase else {
            return None;
        };
        if !wait.is_over(now) {
            return None;
        }
        let Some(rest) = probes_left.checked_sub(1) else {
            // spec: rfc5227-probe-once, rfc5227-in-use
            self.phase = Phase::in_use(now, ANNOUNCE_NUM);
            self.bound = true;
            return None;
        };
        // spec: rfc5227-probe-times, rfc5227-announce-times
        let span = if rest == 0 { ANNOUNCE_WAIT } else { self.random.between(PROBE_MIN, PROBE_MAX) };
        *probes_left = rest;
        // Counted from now, not from when the probe was due: the gap is what others see.
        *wait = Wait::new(now, span);
        Some(self.identity.probe())
    }

    /// The next announcement that is due, be it a defence or one of the first.
    fn poll_in_use(&mut self, now: Instant) -> Option<Fields> {
        let Phase::InUse { announcements_left, wait, defence_due } = &mut self.phase else {
            return None;
        };
        if defence_due.take().is_some() {
            // spec: rfc5227-defend-interval
            // Counted from here too: where `poll` is late, two defences still lie far enough apart.
            self.guard = Some(Wait::new(now, DEFEND_INTERVAL));
            return Some(self.identity.announcement());
        }
        let rest = announcements_left.checked_sub(1)?;
        if !wait.is_over(now) {
            return None;
        }
        // spec: rfc5227-announce-times
        *announcements_left = rest;
        *wait = Wait::new(now, ANNOUNCE_INTERVAL);
        Some(self.identity.announcement())
    }
}

impl Identity {
    /// A request with sender protocol address 0.0.0.0, which teaches nobody anything (RFC 5227 2.1.1).
    fn probe(self) -> Fields {
        // spec: rfc5227-probe, rfc5227-probe-target
        Fields {
            operation: Operation::REQUEST,
            sender_hardware: self.hardware,
            sender_protocol: Ipv4Addr::UNSPECIFIED,
            target_hardware: MacAddr::ZERO,
            target_protocol: self.protocol,
        }
    }

    /// A probe that says who asks: whoever knew the address elsewhere learns better (RFC 5227 2.3).
    fn announcement(self) -> Fields {
        // spec: rfc5227-announcement
        Fields { sender_protocol: self.protocol, ..self.probe() }
    }
}

impl Phase {
    fn in_use(now: Instant, announcements_left: u32) -> Phase {
        Phase::InUse { announcements_left, wait: Wait::new(now, Duration::ZERO), defence_due: None }
    }
}

#[cfg(test)]
mod tests;
