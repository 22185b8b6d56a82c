//! Claims on one segment: claims in progress, and claims that a conflict activates.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use base::{EventQueue, Secret};
use link::{Instant, MacAddr};
use neighbor::NeighborTable;

use super::bindings::{LocalBindings, LocalBindingsError};
use super::claim::Claim;
use super::link_local::LinkLocal;
use super::timer::Timer;
use super::{ClaimEvent, Defense, Identity, StartMode};
use crate::packet::{Packet, PacketFields};

/// Local addresses of one segment, and the claims to local and probed addresses.
#[derive(Debug)]
pub(crate) struct Claims {
    locals: LocalBindings,
    defense: Defense,
    events: EventQueue<ClaimEvent>,
    /// Claims by address: at most one for each local or probed address.
    active: BTreeMap<Ipv4Addr, ClaimEntry>,
    /// Deadlines of the claims.
    due: BTreeSet<(Instant, Ipv4Addr)>,
    /// Link-local address, if one is used.
    link_local: Option<LinkLocal>,
    secret: Secret,
    /// Number of keys derived for claims.
    keys: u64,
    /// Number of claims in `active` that are probing.
    probing: usize,
    /// Window of [`Claims::DEFENSES_PER_SECOND`].
    defense_window: Option<Timer>,
    /// Number of defenses in the window.
    defenses: u32,
    /// Number of defenses suppressed by the rate limit.
    pub(crate) suppressed: u64,
    /// Whether the link is down, so that probes would reach no host.
    is_link_down: bool,
    /// Time of the last poll.
    last_now: Instant,
    /// Number of probes and announcements returned.
    pub(crate) packets_sent: u64,
    /// Number of these packets that the device refused.
    pub(crate) packets_refused: u64,
    /// Host that took the last lost address.
    new_owner: Option<Identity>,
}

/// Claim with its start mode and its key in `Claims::due`.
///
/// A claim with [`StartMode::Immediate`] exists only during a conflict.
#[derive(Debug)]
struct ClaimEntry {
    claim: Claim,
    start: StartMode,
    at: Option<Instant>,
}

impl Claims {
    /// Maximum number of claims without a due packet that one poll checks. The next poll checks the rest.
    const MAX_POLLED: usize = 64;
    /// Maximum number of defenses per second over all addresses.
    // spec: defense-rate
    const DEFENSES_PER_SECOND: u32 = 16;

    /// Creates claims for these addresses, with a queue for up to `events` events.
    pub(crate) fn new(locals: LocalBindings, defense: Defense, secret: Secret, events: usize) -> Claims {
        Claims {
            locals,
            defense,
            events: EventQueue::new(events),
            active: BTreeMap::new(),
            due: BTreeSet::new(),
            link_local: None,
            secret,
            keys: 0,
            probing: 0,
            defense_window: None,
            defenses: 0,
            suppressed: 0,
            is_link_down: false,
            last_now: Instant::ORIGIN,
            packets_sent: 0,
            packets_refused: 0,
            new_owner: None,
        }
    }

    /// Returns the local addresses.
    pub(crate) fn locals(&self) -> &LocalBindings {
        &self.locals
    }

    /// Returns the local addresses, to add a range that comes into use immediately.
    pub(crate) fn locals_mut(&mut self) -> &mut LocalBindings {
        &mut self.locals
    }

    /// Removes and returns the oldest event.
    pub(crate) fn take_event(&mut self) -> Option<ClaimEvent> {
        self.events.pop()
    }

    /// Returns the number of events that were dropped because the queue was full.
    pub(crate) fn events_lost(&self) -> u64 {
        self.events.lost()
    }

    /// Starts to use an address: see [`crate::Arp::claim`].
    pub(crate) fn begin(
        &mut self,
        now: Instant,
        identity: Identity,
        start: StartMode,
    ) -> Result<(), LocalBindingsError> {
        let Identity { ip, mac } = identity;
        if self.active.contains_key(&ip) {
            return Err(LocalBindingsError::Overlap);
        }
        self.locals.add_station(mac)?;
        match start {
            // A claim without packets needs no state until there is a conflict.
            StartMode::Immediate => self.locals.add(ip, ip, mac)?,
            StartMode::Announce => {
                self.locals.add(ip, ip, mac)?;
                let mut claim = Claim::immediate(now, identity, self.defense, true);
                // No event: the caller knows that the address is in use.
                let _ = claim.take_event();
                self.insert(claim, start);
            }
            StartMode::Probe => {
                if self.locals.mac_of(ip).is_some() {
                    return Err(LocalBindingsError::Overlap);
                }
                let seed = self.key();
                self.insert(Claim::probe(now, identity, self.defense, seed), start);
                self.events.push(ClaimEvent::Probing { ip });
            }
        }
        Ok(())
    }

    /// Returns whether probing for an address is in progress.
    pub(crate) fn is_probing(&self) -> bool {
        let link_local = self.link_local.as_ref();
        self.probing > 0 || link_local.is_some_and(|link_local| link_local.address().is_none())
    }

    /// Starts the selection of a link-local address.
    pub(crate) fn select_link_local(&mut self, now: Instant, mac: MacAddr) -> Result<(), LocalBindingsError> {
        self.locals.add_station(mac)?;
        let link_local = LinkLocal::new(now, mac, self.defense, self.key());
        self.events.push(ClaimEvent::Probing { ip: link_local.candidate() });
        self.link_local = Some(link_local);
        Ok(())
    }

    /// Notes that the device refused a probe or an announcement for an address: see
    /// [`crate::Arp::claim_packet_refused`].
    // spec: rfc5227-probe-refused, announcement-refused
    pub(crate) fn packet_refused(&mut self, now: Instant, ip: Ipv4Addr) {
        self.packets_refused = self.packets_refused.saturating_add(1);
        self.update(ip, |claim| claim.packet_refused(now));
        if let Some(link_local) = self.link_local.as_mut().filter(|link_local| link_local.candidate() == ip) {
            link_local.packet_refused(now);
        }
    }

    /// Suspends all claims until [`Claims::link_up`].
    // spec: rfc5227-no-carrier
    pub(crate) fn link_down(&mut self) {
        self.is_link_down = true;
    }

    /// Probes for addresses, or announces addresses again, after the link has come up: see [`crate::Arp::link_up`].
    // spec: rfc5227-link-up, rfc3927-link-up, link-up-silent
    pub(crate) fn link_up(&mut self, now: Instant) {
        self.is_link_down = false;
        let announced = self.active.iter().filter(|(_, entry)| entry.start != StartMode::Immediate);
        let announced: Vec<_> = announced.map(|(ip, entry)| (*ip, entry.start)).collect();
        for (ip, start) in announced {
            if start == StartMode::Probe {
                self.locals.remove(ip);
                self.update(ip, |claim| claim.probe_again(now));
                self.events.push(ClaimEvent::Probing { ip });
            } else {
                self.update(ip, |claim| claim.announce_again(now));
            }
        }
        if let Some(link_local) = &mut self.link_local
            && let Some(ip) = link_local.claimed()
        {
            link_local.probe_again(now);
            self.locals.remove(ip);
            self.events.push(ClaimEvent::Probing { ip });
        }
    }

    /// Returns the link-local address, or none if the address is not in use.
    pub(crate) fn link_local_address(&self) -> Option<Ipv4Addr> {
        self.link_local.as_ref().and_then(LinkLocal::address)
    }

    /// Returns the host that took the last local address, if no local address is left and none is being claimed.
    pub(crate) fn new_owner(&self) -> Option<Identity> {
        let over = self.locals.is_empty() && self.active.is_empty() && self.link_local.is_none();
        self.new_owner.filter(|_| over)
    }

    /// Handles an address conflict. Returns whether the packet must be dropped because of a conflict.
    ///
    /// Another host's probe for a claimed address is a conflict too, but such a probe is not dropped.
    #[inline]
    pub(crate) fn is_conflict(&mut self, now: Instant, packet: Packet<'_>) -> bool {
        // True for nearly all packets.
        let is_unrelated = self.active.is_empty()
            && self.link_local.is_none()
            && !self.locals.contains(packet.sender_protocol());
        !is_unrelated && self.receive(now, packet)
    }

    #[cold]
    fn receive(&mut self, now: Instant, packet: Packet<'_>) -> bool {
        let sender = packet.sender_protocol();
        let subject = if sender.is_unspecified() { packet.target_protocol() } else { sender };
        if let Some(mac) = self.locals.mac_of(sender) {
            self.activate_claim(now, Identity { ip: sender, mac }, self.defense);
        }
        let event = self.receive_active(now, subject, packet);
        if let Some(event) = event {
            self.apply_event(event);
        }
        let link_local = self.receive_link_local(now, packet);
        (event.is_some() || link_local) && !sender.is_unspecified()
    }

    /// Returns the next due probe or announcement, to be broadcast.
    ///
    /// An address that comes into use is removed from the neighbor table.
    pub(crate) fn poll<P>(
        &mut self,
        now: Instant,
        neighbors: &mut NeighborTable<Ipv4Addr, P>,
    ) -> Option<PacketFields> {
        if self.is_link_down {
            return None;
        }
        self.check_clock(now);
        let packet = self.poll_active(now, neighbors).or_else(|| self.poll_link_local(now, neighbors))?;
        self.packets_sent = self.packets_sent.saturating_add(1);
        Some(packet)
    }

    fn poll_active<P>(
        &mut self,
        now: Instant,
        neighbors: &mut NeighborTable<Ipv4Addr, P>,
    ) -> Option<PacketFields> {
        // A due claim without a packet moves to a later deadline, so each claim is polled once.
        for _ in 0..self.due.len().min(Claims::MAX_POLLED) {
            let (_, ip) = self.due.first().copied().filter(|(at, _)| *at <= now)?;
            if self.forget_idle(now, ip) {
                continue;
            }
            let (packet, event) = self.update(ip, |claim| (claim.poll(now), claim.take_event()))?;
            if let Some(event) = event {
                self.bind(event, neighbors);
                self.apply_event(event);
            }
            if packet.is_some() {
                return packet;
            }
        }
        None
    }

    fn poll_link_local<P>(
        &mut self,
        now: Instant,
        neighbors: &mut NeighborTable<Ipv4Addr, P>,
    ) -> Option<PacketFields> {
        let link_local = self.link_local.as_mut()?;
        let before = link_local.candidate();
        let packet = link_local.poll(now);
        let (after, event) = (link_local.candidate(), link_local.take_event());
        self.report_new_candidate(before, after);
        if let Some(event) = event {
            self.bind(event, neighbors);
            self.apply_event(event);
        }
        packet
    }

    fn receive_link_local(&mut self, now: Instant, packet: Packet<'_>) -> bool {
        let Some(link_local) = &mut self.link_local else { return false };
        let before = link_local.candidate();
        let Some(event) = link_local.receive(now, packet) else { return false };
        let after = link_local.candidate();
        self.apply_event(event);
        self.report_new_candidate(before, after);
        true
    }

    fn report_new_candidate(&mut self, before: Ipv4Addr, after: Ipv4Addr) {
        if before != after {
            self.events.push(ClaimEvent::Probing { ip: after });
        }
    }

    /// Makes an address local that has come into use, and removes it from the neighbor table.
    fn bind<P>(&mut self, event: ClaimEvent, neighbors: &mut NeighborTable<Ipv4Addr, P>) {
        if let ClaimEvent::Bound { ip, mac } = event {
            // The MAC address was added with the claim, and the IP address is not local yet.
            // spec: rfc5227-answers
            if self.locals.add(ip, ip, mac).is_ok() {
                neighbors.remove(ip);
            }
        }
    }

    /// Reports an event. If the event ends the claim, removes the address.
    fn apply_event(&mut self, event: ClaimEvent) {
        match event {
            ClaimEvent::ProbeConflict { ip, mac } | ClaimEvent::Ceased { ip, mac } => {
                self.locals.remove(ip);
                self.new_owner = Some(Identity { ip, mac });
            }
            ClaimEvent::Probing { .. }
            | ClaimEvent::Bound { .. }
            | ClaimEvent::Conflict { .. }
            | ClaimEvent::Defended { .. } => {}
        }
        self.events.push(event);
    }

    /// Returns a new key for the delays of a claim.
    fn key(&mut self) -> u64 {
        self.keys = self.keys.wrapping_add(1);
        self.secret.key(("claim", self.keys))
    }

    /// Returns when the next packet is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        if self.is_link_down {
            return None;
        }
        let active = self.due.first().map(|(at, _)| *at);
        let link_local = self.link_local.as_ref().and_then(LinkLocal::deadline);
        [active, link_local].into_iter().flatten().min()
    }

    /// Returns whether an address has an active claim, in use or not.
    pub(crate) fn is_claimed(&self, ip: Ipv4Addr) -> bool {
        let link_local = self.link_local.as_ref().and_then(LinkLocal::claimed);
        link_local == Some(ip) || self.active.contains_key(&ip)
    }

    fn insert(&mut self, claim: Claim, start: StartMode) {
        let ip = claim.identity().ip;
        self.probing += usize::from(claim.is_probing());
        self.active.insert(ip, ClaimEntry { claim, start, at: None });
        self.update(ip, |_| ());
    }

    /// Passes a packet to a claim. Suppresses its defense beyond the rate limit.
    fn receive_active(&mut self, now: Instant, ip: Ipv4Addr, packet: Packet<'_>) -> Option<ClaimEvent> {
        let event = self.update(ip, |claim| claim.receive(now, packet)).flatten()?;
        let ClaimEvent::Defended { mac, .. } = event else { return Some(event) };
        // spec: defense-rate
        if self.may_defend(now) {
            return Some(event);
        }
        self.suppressed = self.suppressed.saturating_add(1);
        let entry = self.active.get(&ip);
        if entry.is_some_and(|entry| entry.start == StartMode::Immediate && entry.claim.defends_always()) {
            // No defense was sent, so no interval applies.
            self.forget(ip);
        } else {
            self.update(ip, Claim::suppress_defense);
        }
        Some(ClaimEvent::Conflict { ip, mac })
    }

    /// Returns whether the rate limit permits another defense, and counts the defense.
    fn may_defend(&mut self, now: Instant) -> bool {
        if self.defense_window.as_mut().is_none_or(|window| window.has_expired(now)) {
            self.defense_window = Some(Timer::new(now, Duration::from_secs(1)));
            self.defenses = 0;
        }
        let may = self.defenses < Self::DEFENSES_PER_SECOND;
        self.defenses += u32::from(may);
        may
    }

    /// Removes a claim that a conflict has activated, once the conflict is over. Returns whether the claim was removed.
    // spec: defense-removed
    fn forget_idle(&mut self, now: Instant, ip: Ipv4Addr) -> bool {
        let entry = self.active.get_mut(&ip);
        let is_idle =
            entry.is_some_and(|entry| entry.start == StartMode::Immediate && entry.claim.is_idle(now));
        if is_idle {
            self.forget(ip);
        }
        is_idle
    }

    fn forget(&mut self, ip: Ipv4Addr) {
        if let Some(ClaimEntry { at: Some(at), .. }) = self.active.remove(&ip) {
            self.due.remove(&(at, ip));
        }
    }

    /// Creates a claim for a local address that has none, because of a conflict.
    fn activate_claim(&mut self, now: Instant, identity: Identity, defense: Defense) {
        let link_local = self.link_local.as_ref().and_then(LinkLocal::address);
        if link_local == Some(identity.ip) || self.active.contains_key(&identity.ip) {
            return;
        }
        let mut claim = Claim::immediate(now, identity, defense, false);
        // No event: the address was in use before.
        let _ = claim.take_event();
        self.insert(claim, StartMode::Immediate);
    }

    /// Applies `act` to a claim and updates its deadline. Removes the claim if the claim has ended.
    fn update<R>(&mut self, ip: Ipv4Addr, act: impl FnOnce(&mut Claim) -> R) -> Option<R> {
        let entry = self.active.get_mut(&ip)?;
        let was_probing = entry.claim.is_probing();
        let result = act(&mut entry.claim);
        let is_probing = entry.claim.is_probing();
        let at = match entry.start {
            StartMode::Immediate => entry.claim.end_of_state(),
            StartMode::Announce | StartMode::Probe => entry.claim.deadline(),
        };
        if let Some(before) = std::mem::replace(&mut entry.at, at) {
            self.due.remove(&(before, ip));
        }
        self.due.extend(at.map(|at| (at, ip)));
        if entry.claim.has_ceased() {
            self.active.remove(&ip);
        }
        self.probing = self.probing + usize::from(is_probing) - usize::from(was_probing);
        Some(result)
    }

    /// Makes all claims due if the clock has gone back, so that their timers restart.
    fn check_clock(&mut self, now: Instant) {
        // spec: clocks
        if now < std::mem::replace(&mut self.last_now, now) {
            self.due.clear();
            for (ip, entry) in &mut self.active {
                entry.at = entry.at.map(|_| now);
                self.due.extend(entry.at.map(|at| (at, *ip)));
            }
        }
    }
}

#[cfg(test)]
mod tests;
