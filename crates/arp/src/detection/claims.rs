//! Claims on one segment: claims in progress, and claims that a conflict activates.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::time::Duration;

use address::{AddressError, AddressRange, AddressState, AddressTable};
use base::Secret;
use link::{Instant, MacAddr};
use neighbor::NeighborTable;

use super::claim::Claim;
use super::events::ClaimEvents;
use super::link_local::LinkLocal;
use super::timer::Timer;
use super::{ClaimEvent, Defense, Identity, StartMode};
use crate::constants::DEFEND_INTERVAL;
use crate::packet::{Packet, PacketFields};

/// Claims to the addresses of one segment, which set the states of the addresses in the address table.
#[derive(Debug)]
pub(crate) struct Claims {
    defense: Defense,
    events: ClaimEvents,
    /// Claims by address: at most one for each local or probed address.
    active: BTreeMap<Ipv4Addr, ClaimEntry>,
    /// Deadlines of the claims.
    due: BTreeSet<(Instant, Ipv4Addr)>,
    /// Link-local addresses, one for each host with such an address.
    link_locals: Vec<LinkLocal>,
    /// Addresses in conflict, in the order of the next check: see [`Claims::end_conflicts`].
    conflicts: VecDeque<(Timer, Ipv4Addr)>,
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

    /// Creates an empty set of claims, with a queue for up to `events` events.
    pub(crate) fn new(defense: Defense, secret: Secret, events: usize) -> Claims {
        Claims {
            defense,
            events: ClaimEvents::new(events),
            active: BTreeMap::new(),
            due: BTreeSet::new(),
            link_locals: Vec::new(),
            conflicts: VecDeque::new(),
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

    /// Removes and returns the next event.
    pub(crate) fn take_event(&mut self) -> Option<ClaimEvent> {
        self.events.take()
    }

    /// Returns the number of events that were dropped because the queue was full.
    pub(crate) fn events_lost(&self) -> u64 {
        self.events.lost()
    }

    /// Starts to use addresses: see [`crate::Arp::claim`].
    pub(crate) fn begin(
        &mut self,
        now: Instant,
        table: &mut AddressTable,
        range: AddressRange,
        start: StartMode,
    ) -> Result<(), AddressError> {
        match start {
            // A claim without packets needs no state until there is a conflict.
            StartMode::Immediate => return table.add(range),
            StartMode::Announce => table.add(range)?,
            StartMode::Probe => table.add_tentative(range)?,
        }
        for (ip, mac) in range.iter() {
            let identity = Identity { ip, mac };
            if start == StartMode::Probe {
                let seed = self.key();
                self.insert(Claim::probe(now, identity, self.defense, seed), start);
                self.events.push(ClaimEvent::Probing { ip });
            } else {
                let mut claim = Claim::immediate(now, identity, self.defense, true);
                // No event: the caller knows that the address is in use.
                let _ = claim.take_event();
                self.insert(claim, start);
            }
        }
        Ok(())
    }

    /// Ends the claim to an address that is no longer local: see [`crate::Arp::release`].
    pub(crate) fn release(&mut self, table: &AddressTable, ip: Ipv4Addr) {
        if let Some(entry) = self.active.remove(&ip) {
            self.probing -= usize::from(entry.claim.is_probing());
            if let Some(at) = entry.at {
                self.due.remove(&(at, ip));
            }
        }
        self.link_locals.retain(|link_local| link_local.claimed() != Some(ip));
        self.conflicts.retain(|(_, other)| *other != ip);
        // The last address was removed on request, not lost to another host.
        if !table.has_address_in_use() {
            self.new_owner = None;
        }
    }

    /// Returns whether probing for an address is in progress.
    pub(crate) fn is_probing(&self) -> bool {
        self.probing > 0 || self.link_locals.iter().any(|link_local| link_local.address().is_none())
    }

    /// Starts the selection of a link-local address.
    pub(crate) fn select_link_local(
        &mut self,
        now: Instant,
        table: &mut AddressTable,
        mac: MacAddr,
    ) -> Result<(), AddressError> {
        table.add_station(mac)?;
        let link_local = LinkLocal::new(now, table, mac, self.defense, self.key());
        self.events.push(ClaimEvent::Probing { ip: link_local.candidate() });
        self.link_locals.push(link_local);
        Ok(())
    }

    /// Notes that the device refused a probe or an announcement for an address: see
    /// [`crate::Arp::claim_packet_refused`].
    // spec: rfc5227-probe-refused, announcement-refused
    pub(crate) fn packet_refused(&mut self, now: Instant, ip: Ipv4Addr) {
        self.packets_refused = self.packets_refused.saturating_add(1);
        self.update(ip, |claim| claim.packet_refused(now));
        if let Some(link_local) = self.link_local_mut(ip) {
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
    pub(crate) fn link_up(&mut self, now: Instant, table: &mut AddressTable) {
        self.is_link_down = false;
        let announced = self.active.iter().filter(|(_, entry)| entry.start != StartMode::Immediate);
        let announced: Vec<_> = announced.map(|(ip, entry)| (*ip, entry.start)).collect();
        for (ip, start) in announced {
            if start == StartMode::Probe {
                table.set_state(ip, AddressState::Tentative);
                self.update(ip, |claim| claim.probe_again(now));
                self.events.push(ClaimEvent::Probing { ip });
            } else {
                self.update(ip, |claim| claim.announce_again(now));
            }
        }
        for link_local in &mut self.link_locals {
            if let Some(ip) = link_local.claimed() {
                link_local.probe_again(now);
                table.set_state(ip, AddressState::Tentative);
                self.events.push(ClaimEvent::Probing { ip });
            }
        }
        let in_conflict = |ip| matches!(table.state(ip), Some(AddressState::Conflict { .. }));
        self.conflicts.retain(|(_, ip)| in_conflict(*ip));
    }

    /// Returns the link-local address of the host with this MAC address, or `None` if no such address is in use.
    pub(crate) fn link_local_address(&self, mac: MacAddr) -> Option<Ipv4Addr> {
        let link_local = self.link_locals.iter().find(|link_local| link_local.mac() == mac);
        link_local.and_then(LinkLocal::address)
    }

    /// Returns the host that took the last local address, if no local address is left and none is being claimed.
    pub(crate) fn new_owner(&self, table: &AddressTable) -> Option<Identity> {
        let over = !table.has_address_in_use() && self.active.is_empty() && self.link_locals.is_empty();
        self.new_owner.filter(|_| over)
    }

    /// Handles an address conflict. Returns whether the sender has an address of this host.
    ///
    /// Another host's probe for an address that this host probes for is a conflict too, but such a sender has no
    /// address.
    #[inline]
    pub(crate) fn is_conflict(&mut self, now: Instant, table: &mut AddressTable, packet: Packet<'_>) -> bool {
        let sender = packet.sender_protocol();
        // False for nearly all packets.
        let is_related = sender.is_unspecified() || table.contains(sender);
        is_related && self.receive(now, table, packet)
    }

    #[cold]
    fn receive(&mut self, now: Instant, table: &mut AddressTable, packet: Packet<'_>) -> bool {
        let sender = packet.sender_protocol();
        let subject = if sender.is_unspecified() { packet.target_protocol() } else { sender };
        if let Some(mac) = table.mac_of(sender) {
            self.activate_claim(now, Identity { ip: sender, mac }, self.defense);
        }
        let event = self.receive_active(now, table, subject, packet);
        let event = event.or_else(|| self.receive_link_local(now, table, subject, packet));
        if let Some(ClaimEvent::Conflict { ip, mac } | ClaimEvent::Defended { ip, mac }) = event {
            self.start_conflict(now, table, ip, mac);
        }
        event.is_some() && !sender.is_unspecified()
    }

    /// Sets the state of an address in use that another host uses too.
    // spec: conflict-of-one-address
    fn start_conflict(&mut self, now: Instant, table: &mut AddressTable, ip: Ipv4Addr, with: MacAddr) {
        // Every address in this state is listed, so the list is not searched for each packet.
        let is_listed = matches!(table.state(ip), Some(AddressState::Conflict { .. }));
        if !is_listed && self.conflicts.len() >= AddressTable::CONFLICTS {
            return;
        }
        if table.set_state(ip, AddressState::Conflict { with }) && !is_listed {
            self.conflicts.push_back((Timer::new(now, DEFEND_INTERVAL), ip));
        }
    }

    /// Ends the conflicts that are over. A conflict lasts as long as this host defends the address, or the other host
    /// is in the neighbor table.
    // spec: conflict-of-one-address
    fn end_conflicts<P>(
        &mut self,
        now: Instant,
        table: &mut AddressTable,
        neighbors: &NeighborTable<Ipv4Addr, P>,
    ) {
        for _ in 0..self.conflicts.len().min(Claims::MAX_POLLED) {
            let Some((timer, ip)) = self.conflicts.front_mut() else { return };
            if !timer.has_expired(now) {
                return;
            }
            let ip = *ip;
            self.conflicts.pop_front();
            let is_in_conflict = matches!(table.state(ip), Some(AddressState::Conflict { .. }));
            if is_in_conflict && (neighbors.get(ip).is_some() || self.is_defending(now, ip)) {
                self.conflicts.push_back((Timer::new(now, DEFEND_INTERVAL), ip));
            } else if is_in_conflict {
                table.set_state(ip, AddressState::Preferred);
            }
        }
    }

    /// Returns whether an address was defended within the last [`DEFEND_INTERVAL`].
    fn is_defending(&mut self, now: Instant, ip: Ipv4Addr) -> bool {
        let claim = self.active.get_mut(&ip).map(|entry| &mut entry.claim);
        if let Some(claim) = claim {
            return claim.is_defending(now);
        }
        self.link_local_mut(ip).is_some_and(|link_local| link_local.is_defending(now))
    }

    /// Returns the next due probe or announcement, to be broadcast.
    ///
    /// An address that comes into use is removed from the neighbor table.
    pub(crate) fn poll<P>(
        &mut self,
        now: Instant,
        table: &mut AddressTable,
        neighbors: &mut NeighborTable<Ipv4Addr, P>,
    ) -> Option<PacketFields> {
        if self.is_link_down {
            return None;
        }
        self.check_clock(now);
        self.end_conflicts(now, table, neighbors);
        let packet = self
            .poll_active(now, table, neighbors)
            .or_else(|| self.poll_link_locals(now, table, neighbors))?;
        self.packets_sent = self.packets_sent.saturating_add(1);
        Some(packet)
    }

    fn poll_active<P>(
        &mut self,
        now: Instant,
        table: &mut AddressTable,
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
                bind(event, table, neighbors);
                self.report(event);
            }
            if packet.is_some() {
                return packet;
            }
        }
        None
    }

    fn poll_link_locals<P>(
        &mut self,
        now: Instant,
        table: &mut AddressTable,
        neighbors: &mut NeighborTable<Ipv4Addr, P>,
    ) -> Option<PacketFields> {
        for link_local in &mut self.link_locals {
            let before = link_local.candidate();
            let packet = link_local.poll(now, table);
            let after = link_local.candidate();
            if before != after {
                self.events.push(ClaimEvent::Probing { ip: after });
            }
            if let Some(event) = link_local.take_event() {
                bind(event, table, neighbors);
                self.events.push(event);
            }
            if packet.is_some() {
                return packet;
            }
        }
        None
    }

    fn receive_link_local(
        &mut self,
        now: Instant,
        table: &mut AddressTable,
        subject: Ipv4Addr,
        packet: Packet<'_>,
    ) -> Option<ClaimEvent> {
        let link_local = self.link_local_mut(subject)?;
        let event = link_local.receive(now, table, packet)?;
        let after = link_local.candidate();
        self.report(event);
        if after != subject {
            self.events.push(ClaimEvent::Probing { ip: after });
        }
        Some(event)
    }

    /// Returns the host that claims a link-local address, in use or not.
    fn link_local_mut(&mut self, ip: Ipv4Addr) -> Option<&mut LinkLocal> {
        self.link_locals.iter_mut().find(|link_local| link_local.claimed() == Some(ip))
    }

    /// Reports an event, and notes the new owner of an address that is lost.
    fn report(&mut self, event: ClaimEvent) {
        if let ClaimEvent::ProbeConflict { ip, mac } | ClaimEvent::Ceased { ip, mac } = event {
            self.new_owner = Some(Identity { ip, mac });
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
        let conflict = self.conflicts.front().and_then(|(timer, _)| timer.deadline());
        let link_locals = self.link_locals.iter().filter_map(LinkLocal::deadline);
        link_locals.chain(active).chain(conflict).min()
    }

    fn insert(&mut self, claim: Claim, start: StartMode) {
        let ip = claim.identity().ip;
        self.probing += usize::from(claim.is_probing());
        self.active.insert(ip, ClaimEntry { claim, start, at: None });
        self.update(ip, |_| ());
    }

    /// Passes a packet to a claim, and reports its event. Suppresses its defense beyond the rate limit.
    fn receive_active(
        &mut self,
        now: Instant,
        table: &mut AddressTable,
        ip: Ipv4Addr,
        packet: Packet<'_>,
    ) -> Option<ClaimEvent> {
        let mut event = self.update(ip, |claim| claim.receive(now, packet)).flatten()?;
        match event {
            ClaimEvent::ProbeConflict { .. } | ClaimEvent::Ceased { .. } => table.remove(ip),
            // spec: defense-rate
            ClaimEvent::Defended { mac, .. } if !self.may_defend(now) => {
                self.suppress_defense(ip);
                event = ClaimEvent::Conflict { ip, mac };
            }
            _ => {}
        }
        self.report(event);
        Some(event)
    }

    /// Cancels a defense that the rate limit does not permit.
    fn suppress_defense(&mut self, ip: Ipv4Addr) {
        self.suppressed = self.suppressed.saturating_add(1);
        let entry = self.active.get(&ip);
        if entry.is_some_and(|entry| entry.start == StartMode::Immediate && entry.claim.defends_always()) {
            // No defense was sent, so no interval applies.
            self.forget(ip);
        } else {
            self.update(ip, Claim::suppress_defense);
        }
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
        if self.active.contains_key(&identity.ip) || self.link_local_mut(identity.ip).is_some() {
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
            for (timer, _) in &mut self.conflicts {
                *timer = Timer::new(now, DEFEND_INTERVAL);
            }
        }
    }
}

/// Sets the state of an address that has come into use, and removes the address from the neighbor table.
fn bind<P>(event: ClaimEvent, table: &mut AddressTable, neighbors: &mut NeighborTable<Ipv4Addr, P>) {
    // spec: rfc5227-answers
    if let ClaimEvent::Bound { ip, .. } = event
        && table.set_state(ip, AddressState::Preferred)
    {
        neighbors.remove(ip);
    }
}

#[cfg(test)]
mod tests;
