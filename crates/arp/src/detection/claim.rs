//! Claim to one IP address: probing, announcements, defense (RFC 5227).

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

/// Claim of one station to one IP address, from the first probe until the claim ends.
///
/// [`Claim::receive`] processes packets. [`Claim::poll`] returns packets to broadcast. The caller drops packets with
/// invalid senders, as [`crate::Arp::receive`] does, and answers requests while [`Claim::is_in_use`] returns true.
///
/// A claim that starts with probing probes once. It probes again only after [`Claim::probe_again`], when the link comes
/// up (RFC 5227 2.1), and after [`Claim::packet_refused`]. A clock that stands still or goes back can delay packets,
/// but no packet is sent early.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    identity: Identity,
    defense: Defense,
    random: Random,
    phase: Phase,
    /// Timer since the last defense.
    defend_timer: Option<Timer>,
    /// Whether the address came into use and no event has reported this yet.
    newly_bound: bool,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Probes are being sent. The timer runs until the next probe. After the last probe, the timer runs until the
    /// address is in use.
    Probing { probes_left: u32, timer: Timer },
    /// The address is in use. The timer runs until the next announcement.
    InUse { announcements_left: u32, timer: Timer, defense_due: Option<Instant> },
    /// The claim has ended because another station uses the address.
    Ceased,
}

impl Claim {
    /// Starts to probe for an address, which comes into use if there is no conflict.
    ///
    /// The delays depend on `seed`: stations that start together need different seeds.
    pub(crate) fn probe(now: Instant, identity: Identity, defense: Defense, seed: u64) -> Claim {
        let mut random = Random::new(seed);
        // spec: rfc5227-probe-times
        let timer = Timer::new(now, random.between(Duration::ZERO, PROBE_WAIT));
        let phase = Phase::Probing { probes_left: PROBE_NUM, timer };
        Claim { identity, defense, random, phase, defend_timer: None, newly_bound: false }
    }

    /// Starts to use an address without probing, with announcements if `announce`.
    pub(crate) fn immediate(now: Instant, identity: Identity, defense: Defense, announce: bool) -> Claim {
        let phase = Phase::in_use(now, if announce { ANNOUNCE_NUM } else { 0 });
        Claim { identity, defense, random: Random::new(0), phase, defend_timer: None, newly_bound: true }
    }

    /// Returns the claimed IP address and the MAC address of the claiming station.
    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    /// Returns whether the address is in use: from the end of probing, or from the start without probing. The use ends
    /// with the claim, or when probing starts again.
    ///
    /// While the address is in use, the host answers requests for the address, including probes (RFC 5227 2.5).
    pub(crate) fn is_in_use(&self) -> bool {
        // spec: rfc5227-in-use
        matches!(self.phase, Phase::InUse { .. })
    }

    /// Returns whether the claim has ended. A claim that has ended sends no packets.
    pub(crate) fn has_ceased(&self) -> bool {
        matches!(self.phase, Phase::Ceased)
    }

    /// Processes a packet. Returns an event if the packet is a conflict.
    pub(crate) fn receive(&mut self, now: Instant, packet: Packet<'_>) -> Option<ClaimEvent> {
        let mac = packet.sender_hardware();
        // spec: rfc5227-echo
        if mac == self.identity.mac {
            // Echo of the station's own packet, from a switch or a loop.
            return None;
        }
        let ip = self.identity.ip;
        let is_used = packet.sender_protocol() == ip;
        match self.phase {
            // Before the first announcement the claim can still end without harm, even if the timer has expired and
            // `poll` is late.
            // spec: rfc5227-probe-conflict, rfc5227-simultaneous-probe, rfc5227-given-up
            Phase::Probing { .. } if is_used || self.is_probed_by(packet) => {
                self.phase = Phase::Ceased;
                Some(ClaimEvent::ProbeConflict { ip, mac })
            }
            // spec: rfc5227-conflict
            Phase::InUse { .. } if is_used => Some(self.handle_conflict(now, mac)),
            _ => None,
        }
    }

    /// Notes that the device refused the last packet, which reached no host. After a refused probe, probing starts
    /// again. A refused announcement is repeated.
    pub(crate) fn packet_refused(&mut self, now: Instant) {
        match &mut self.phase {
            // spec: rfc5227-probe-refused
            Phase::Probing { probes_left, timer } if *probes_left < PROBE_NUM => {
                *probes_left = PROBE_NUM;
                *timer = Timer::new(now, self.random.between(PROBE_MIN, PROBE_MAX));
            }
            // spec: announcement-refused
            Phase::InUse { announcements_left, timer, .. } => {
                *announcements_left = announcements_left.saturating_add(1).min(ANNOUNCE_NUM);
                *timer = Timer::new(now, ANNOUNCE_INTERVAL);
            }
            Phase::Probing { .. } | Phase::Ceased => {}
        }
    }

    /// Probes for the address again after the link has come up, because another host may have started to use the
    /// address.
    ///
    /// The address is out of use until probing ends. A claim that has ended stays ended.
    // spec: rfc5227-link-up
    pub(crate) fn probe_again(&mut self, now: Instant) {
        if !self.has_ceased() {
            let timer = Timer::new(now, self.random.between(Duration::ZERO, PROBE_WAIT));
            self.phase = Phase::Probing { probes_left: PROBE_NUM, timer };
            // `defend_timer` is kept, so that DEFEND_INTERVAL holds even if the link was down between two defenses.
            self.newly_bound = false;
        }
    }

    /// Sends all announcements again if the address is in use.
    pub(crate) fn announce_again(&mut self, now: Instant) {
        if self.is_in_use() {
            self.phase = Phase::in_use(now, ANNOUNCE_NUM);
        }
    }

    /// Cancels the announcement that defends the address. The defend timer keeps running.
    pub(crate) fn suppress_defense(&mut self) {
        if let Phase::InUse { defense_due, .. } = &mut self.phase {
            *defense_due = None;
        }
    }

    /// Returns whether conflicts never end the claim.
    pub(crate) fn defends_always(&self) -> bool {
        self.defense == Defense::Always
    }

    /// Returns whether the address was defended within the last [`DEFEND_INTERVAL`].
    pub(crate) fn is_defending(&mut self, now: Instant) -> bool {
        self.defend_timer.as_mut().is_some_and(|defend_timer| !defend_timer.has_expired(now))
    }

    /// Ends the claim.
    pub(crate) fn cease(&mut self) {
        self.phase = Phase::Ceased;
        self.newly_bound = false;
    }

    /// Returns whether probing is in progress.
    pub(crate) fn is_probing(&self) -> bool {
        matches!(self.phase, Phase::Probing { .. })
    }

    /// Returns when the next packet is due, or else when the defend timer expires.
    pub(crate) fn end_of_state(&self) -> Option<Instant> {
        if self.has_ceased() { None } else { self.deadline().or_else(|| self.defend_timer?.deadline()) }
    }

    /// Returns whether the address is in use, no packet is due and the defend timer has expired.
    pub(crate) fn is_idle(&mut self, now: Instant) -> bool {
        self.is_in_use() && self.deadline().is_none() && !self.is_defending(now)
    }

    /// Returns the next due packet, to be broadcast. Call this method until it returns none.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<PacketFields> {
        self.poll_probing(now).or_else(|| self.poll_in_use(now))
    }

    /// Returns when [`Claim::poll`] returns the next packet, or none if no packet is scheduled.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::InUse { defense_due: Some(due), .. } => Some(due),
            Phase::Probing { timer, .. } | Phase::InUse { announcements_left: 1.., timer, .. } => {
                timer.deadline()
            }
            Phase::InUse { .. } | Phase::Ceased => None,
        }
    }

    /// Returns [`ClaimEvent::Bound`] once after the address came into use. Call this method after [`Claim::poll`].
    pub(crate) fn take_event(&mut self) -> Option<ClaimEvent> {
        let Identity { ip, mac } = self.identity;
        std::mem::take(&mut self.newly_bound).then_some(ClaimEvent::Bound { ip, mac })
    }

    /// Returns whether a packet is another station's probe for the same address.
    ///
    /// A request from a host that has an address is not a conflict, because the request only resolves the claimed
    /// address.
    fn is_probed_by(&self, packet: Packet<'_>) -> bool {
        // spec: rfc5227-simultaneous-probe, rfc5227-plain-request
        packet.operation() == Operation::REQUEST
            && packet.sender_protocol().is_unspecified()
            && packet.target_protocol() == self.identity.ip
    }

    /// Handles a packet of another station that uses the address.
    fn handle_conflict(&mut self, now: Instant, mac: MacAddr) -> ClaimEvent {
        let ip = self.identity.ip;
        let is_defending = self.is_defending(now);
        match (self.defense, is_defending) {
            // spec: rfc5227-cease, rfc5227-once, rfc5227-given-up
            (Defense::Cease, _) | (Defense::Once, true) => {
                self.cease();
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

    /// Returns the next due probe. [`ANNOUNCE_WAIT`] after the last probe, the address comes into use.
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
        // The timer starts now, not when the probe was due, so that the interval on the wire is correct.
        *timer = Timer::new(now, span);
        Some(self.identity.probe())
    }

    /// Returns the next due announcement: a defense or one of the first [`ANNOUNCE_NUM`].
    fn poll_in_use(&mut self, now: Instant) -> Option<PacketFields> {
        let Phase::InUse { announcements_left, timer, defense_due } = &mut self.phase else {
            return None;
        };
        if defense_due.take().is_some() {
            // spec: rfc5227-defend-interval
            // The timer restarts at transmission, so that DEFEND_INTERVAL holds even if `poll` is late.
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
        // The announcement may repeat a defense that the device refused.
        // spec: rfc5227-defend-interval
        if let Some(defend_timer) = &mut self.defend_timer
            && !defend_timer.has_expired(now)
        {
            *defend_timer = Timer::new(now, DEFEND_INTERVAL);
        }
        Some(self.identity.announcement())
    }
}

impl Identity {
    /// Returns a probe: a request from 0.0.0.0, which updates no ARP cache (RFC 5227 2.1.1).
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

    /// Returns an announcement: a request from and for the address, which updates ARP caches (RFC 5227 2.3).
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
