//! The claims of one segment: those that are made, and those that a conflict calls up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use base::Secret;
use ipnet::Ipv4Net;
use link::{Instant, MacAddr};

use crate::timer::Timer;
use crate::{
    Arp, ArpEvent, Claim, ClaimEvent, Defense, Identity, LinkLocal, LocalBindingsError, Packet, PacketFields,
};

/// How the use of an address begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartMode {
    /// At once, without a word.
    #[default]
    Immediate,
    /// At once, with two announcements (RFC 5227 2.3).
    Announce,
    /// By probing, and then with two announcements, if nobody objects (RFC 5227 2.1).
    Probe,
}

/// The network that an address of one's own choice is in (RFC 3927).
pub const LINK_LOCAL: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16);

/// What is claimed on one segment.
#[derive(Debug)]
pub(crate) struct Claims {
    /// By the address that each is about. Never more than there are addresses of ours.
    active: BTreeMap<Ipv4Addr, ClaimEntry>,
    /// When each has something to say.
    due: BTreeSet<(Instant, Ipv4Addr)>,
    /// The address of our own choice.
    link_local: Option<LinkLocal>,
    secret: Secret,
    /// How many keys were derived for claims.
    keys: u64,
    /// How many of those made are probing.
    probing: usize,
    /// The probes that the wire may still refuse.
    probes_sent: Vec<Ipv4Addr>,
    /// There were more of those than are kept.
    probes_overflowed: bool,
    /// Runs while [`Claims::DEFENSES_PER_SECOND`] counts, and how many defences there were in it.
    defense_window: Option<Timer>,
    defenses: u32,
    /// Defences left out because there were too many.
    pub(crate) suppressed: u64,
    /// The link is not active: what a claim sends would reach no host.
    is_link_down: bool,
    /// The latest time seen.
    last_now: Instant,
    /// How many probes and announcements there were.
    pub(crate) packets_sent: u64,
    /// Who has the address that was lost last.
    new_owner: Option<Identity>,
}

/// A claim, how it began, and under which time it is filed. A claim started with [`StartMode::Immediate`] exists only during a
/// conflict.
#[derive(Debug)]
struct ClaimEntry {
    claim: Claim,
    start: StartMode,
    at: Option<Instant>,
}

impl<P> Arp<P> {
    /// Begins to use an address. A station that was not ours is from now on.
    ///
    /// Fails if the address is ours already, or the hardware address is no station's.
    pub fn claim(
        &mut self,
        now: Instant,
        identity: Identity,
        start: StartMode,
    ) -> Result<(), LocalBindingsError> {
        let Identity { ip, mac } = identity;
        if self.claims.active.contains_key(&ip) {
            return Err(LocalBindingsError::Overlap);
        }
        self.locals.add_station(mac)?;
        match start {
            // A claim that says nothing needs no state, until there is a conflict.
            StartMode::Immediate => self.add_local(identity)?,
            StartMode::Announce => {
                self.add_local(identity)?;
                let mut claim = Claim::immediate(now, identity, self.config.defense, true);
                // Whoever claims it at once knows that it is in use.
                let _ = claim.take_event();
                self.claims.make(claim, start);
            }
            StartMode::Probe => {
                if self.locals.mac_of(ip).is_some() {
                    return Err(LocalBindingsError::Overlap);
                }
                let seed = self.claims.key();
                self.claims.make(Claim::probe(now, identity, self.config.defense, seed), start);
                self.report(ArpEvent::Claim(ClaimEvent::Probing { ip }));
            }
        }
        Ok(())
    }

    /// Begins to use all addresses from `first` to `last` at once and without a word. The first is at
    /// `mac`, each further one at the hardware address after.
    ///
    /// Fails if one of them is ours already, or there are not as many stations.
    pub fn claim_range(
        &mut self,
        first: Ipv4Addr,
        last: Ipv4Addr,
        mac: MacAddr,
    ) -> Result<(), LocalBindingsError> {
        self.locals.add(first, last, mac)?;
        let entries = self.neighbors.list().into_iter().map(|entry| entry.ip);
        for ip in entries.filter(|ip| (first..=last).contains(ip)) {
            self.neighbors.remove(ip);
        }
        Ok(())
    }

    /// Whether an address is being probed for.
    pub fn is_probing(&self) -> bool {
        let link_local = self.claims.link_local.as_ref();
        self.claims.probing > 0 || link_local.is_some_and(|link_local| link_local.address().is_none())
    }

    /// Selects an address of its own choice, and another whenever that is lost (RFC 3927).
    ///
    /// Fails if the hardware address is no station's.
    pub fn select_link_local(&mut self, now: Instant, mac: MacAddr) -> Result<(), LocalBindingsError> {
        self.locals.add_station(mac)?;
        let link_local = LinkLocal::new(now, mac, self.config.defense, self.claims.key());
        self.report(ArpEvent::Claim(ClaimEvent::Probing { ip: link_local.candidate() }));
        self.claims.link_local = Some(link_local);
        Ok(())
    }

    /// The wire refused some of the frames since [`Arp::transmit_succeeded`], as one that is down does. Probes among them asked no
    /// host, so each claim that has probed since then begins again.
    pub fn transmit_failed(&mut self, now: Instant) {
        let mut probes = std::mem::take(&mut self.claims.probes_sent);
        if std::mem::take(&mut self.claims.probes_overflowed) {
            probes = self.claims.due.iter().map(|(_, ip)| *ip).collect();
            probes.extend(self.claims.link_local.as_ref().map(LinkLocal::candidate));
        }
        for ip in probes {
            self.claims.update(ip, |claim| claim.transmit_failed(now));
            if let Some(link_local) =
                self.claims.link_local.as_mut().filter(|link_local| link_local.candidate() == ip)
            {
                link_local.transmit_failed(now);
            }
        }
    }

    /// The wire took all that was sent.
    pub fn transmit_succeeded(&mut self) {
        self.claims.probes_sent.clear();
        self.claims.probes_overflowed = false;
    }

    /// The link is no longer active: a probe would reach no host, so no claim sends anything until [`Arp::link_up`].
    // spec: rfc5227-no-carrier
    pub fn link_down(&mut self) {
        self.claims.is_link_down = true;
    }

    /// The link has become active after it was not. Each address that was probed for at first is probed for again
    /// before it is used again (RFC 5227 2.1, RFC 3927 2.2); each that was announced is announced again. One whose use
    /// began without a word goes on without one.
    // spec: rfc5227-link-up, rfc3927-link-up, link-up-silent
    pub fn link_up(&mut self, now: Instant) {
        self.claims.is_link_down = false;
        let announced = self.claims.active.iter().filter(|(_, entry)| entry.start != StartMode::Immediate);
        let announced: Vec<_> = announced.map(|(ip, entry)| (*ip, entry.start)).collect();
        for (ip, start) in announced {
            if start == StartMode::Probe {
                self.locals.remove(ip);
                self.claims.update(ip, |claim| claim.probe_again(now));
                self.report(ArpEvent::Claim(ClaimEvent::Probing { ip }));
            } else {
                self.claims.update(ip, |claim| claim.announce_again(now));
            }
        }
        if let Some(link_local) = &mut self.claims.link_local
            && let Some(ip) = link_local.claimed()
        {
            link_local.probe_again(now);
            self.locals.remove(ip);
            self.report(ArpEvent::Claim(ClaimEvent::Probing { ip }));
        }
    }

    /// The address of our own choice, while it is in use.
    pub fn link_local_address(&self) -> Option<Ipv4Addr> {
        self.claims.link_local.as_ref().and_then(LinkLocal::address)
    }

    /// Who has the last address of ours, once there is none left, nor any to come.
    pub fn new_owner(&self) -> Option<Identity> {
        let over =
            self.locals.is_empty() && self.claims.active.is_empty() && self.claims.link_local.is_none();
        self.claims.new_owner.filter(|_| over)
    }

    /// How many probes and announcements there were.
    pub fn claim_packets_sent(&self) -> u64 {
        self.claims.packets_sent
    }

    /// How many conflicts were not met with an announcement because there were too many over all addresses.
    pub fn defenses_suppressed(&self) -> u64 {
        self.claims.suppressed
    }

    /// Whether a packet is a conflict over an address that we use or want; if so, what is to be done
    /// about it is done. Another's probe is one, and is no reason to turn the packet away.
    #[inline]
    pub(crate) fn is_conflict(&mut self, now: Instant, packet: Packet<'_>) -> bool {
        // As nearly all packets are.
        let is_unrelated = self.claims.active.is_empty()
            && self.claims.link_local.is_none()
            && !self.locals.contains(packet.sender_protocol());
        !is_unrelated && self.receive_claim(now, packet)
    }

    #[cold]
    fn receive_claim(&mut self, now: Instant, packet: Packet<'_>) -> bool {
        let sender = packet.sender_protocol();
        let subject = if sender.is_unspecified() { packet.target_protocol() } else { sender };
        if let Some(mac) = self.locals.mac_of(sender) {
            self.claims.activate_claim(now, Identity { ip: sender, mac }, self.config.defense);
        }
        let event = self.claims.receive(now, subject, packet);
        if let Some(event) = event {
            self.apply_event(event);
        }
        let link_local = self.receive_link_local(now, packet);
        (event.is_some() || link_local) && !sender.is_unspecified()
    }

    /// The next probe or announcement that is due, to be broadcast.
    pub(crate) fn poll_claims(&mut self, now: Instant) -> Option<PacketFields> {
        if self.claims.is_link_down {
            return None;
        }
        self.claims.check_clock(now);
        let packet = self.poll_active(now).or_else(|| self.poll_link_local(now))?;
        self.claims.packets_sent = self.claims.packets_sent.saturating_add(1);
        if packet.sender_protocol.is_unspecified() {
            self.claims.note_probe(packet.target_protocol);
        }
        Some(packet)
    }

    fn poll_active(&mut self, now: Instant) -> Option<PacketFields> {
        // One that is due and has nothing to say waits for a later time: each has its turn once.
        for _ in 0..self.claims.due.len().min(Claims::MAX_POLLED) {
            let (_, ip) = self.claims.due.first().copied().filter(|(at, _)| *at <= now)?;
            if self.claims.forget_idle(now, ip) {
                continue;
            }
            let (packet, event) = self.claims.update(ip, |claim| (claim.poll(now), claim.take_event()))?;
            if let Some(event) = event {
                self.apply_event(event);
            }
            if packet.is_some() {
                return packet;
            }
        }
        None
    }

    fn poll_link_local(&mut self, now: Instant) -> Option<PacketFields> {
        let link_local = self.claims.link_local.as_mut()?;
        let before = link_local.candidate();
        let packet = link_local.poll(now);
        let (after, event) = (link_local.candidate(), link_local.take_event());
        self.report_new_candidate(before, after);
        if let Some(event) = event {
            self.apply_event(event);
        }
        packet
    }

    fn receive_link_local(&mut self, now: Instant, packet: Packet<'_>) -> bool {
        let Some(link_local) = &mut self.claims.link_local else { return false };
        let before = link_local.candidate();
        let Some(event) = link_local.receive(now, packet) else { return false };
        let after = link_local.candidate();
        self.apply_event(event);
        self.report_new_candidate(before, after);
        true
    }

    fn report_new_candidate(&mut self, before: Ipv4Addr, after: Ipv4Addr) {
        if before != after {
            self.report(ArpEvent::Claim(ClaimEvent::Probing { ip: after }));
        }
    }

    /// Makes an address ours. Who had it in the table was no neighbor, or is none any more.
    fn add_local(&mut self, Identity { ip, mac }: Identity) -> Result<(), LocalBindingsError> {
        self.locals.add(ip, ip, mac)?;
        self.neighbors.remove(ip);
        Ok(())
    }

    /// Does to our addresses what became of a claim, and tells.
    fn apply_event(&mut self, event: ClaimEvent) {
        match event {
            ClaimEvent::Bound { ip, mac } => {
                // Its station was enlisted with it, and none of ours has the address.
                // spec: rfc5227-answers
                let _ = self.add_local(Identity { ip, mac });
            }
            ClaimEvent::ProbeConflict { ip, mac } | ClaimEvent::Ceased { ip, mac } => {
                self.locals.remove(ip);
                self.claims.new_owner = Some(Identity { ip, mac });
            }
            ClaimEvent::Probing { .. } | ClaimEvent::Conflict { .. } | ClaimEvent::Defended { .. } => {}
        }
        self.report(ArpEvent::Claim(event));
    }
}

impl Claims {
    /// How many claims one poll looks at that have nothing to say: the rest is due at the next.
    const MAX_POLLED: usize = 64;
    /// How many probes are kept that the wire may still refuse.
    const PROBES_SENT: usize = 256;
    /// How many conflicts over all addresses are met with an announcement in one second.
    // spec: defence-rate
    const DEFENSES_PER_SECOND: u32 = 16;

    pub(crate) fn new(secret: Secret) -> Claims {
        Claims {
            active: BTreeMap::new(),
            due: BTreeSet::new(),
            link_local: None,
            secret,
            keys: 0,
            probing: 0,
            probes_sent: Vec::with_capacity(Self::PROBES_SENT),
            probes_overflowed: false,
            defense_window: None,
            defenses: 0,
            suppressed: 0,
            is_link_down: false,
            last_now: Instant::ORIGIN,
            packets_sent: 0,
            new_owner: None,
        }
    }

    /// A key for the waits of one more claim.
    fn key(&mut self) -> u64 {
        self.keys = self.keys.wrapping_add(1);
        self.secret.key(("claim", self.keys))
    }

    /// When there is something to say next.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        if self.is_link_down {
            return None;
        }
        let active = self.due.first().map(|(at, _)| *at);
        let link_local = self.link_local.as_ref().and_then(LinkLocal::deadline);
        [active, link_local].into_iter().flatten().min()
    }

    /// Whether an address is claimed, in use or not.
    pub(crate) fn is_claimed(&self, ip: Ipv4Addr) -> bool {
        let link_local = self.link_local.as_ref().and_then(LinkLocal::claimed);
        link_local == Some(ip) || self.active.contains_key(&ip)
    }

    fn make(&mut self, claim: Claim, start: StartMode) {
        let ip = claim.identity().ip;
        self.probing += usize::from(claim.is_probing());
        self.active.insert(ip, ClaimEntry { claim, start, at: None });
        self.update(ip, |_| ());
    }

    /// Passes a packet to a claim. Withholds its defence beyond the rate limit.
    fn receive(&mut self, now: Instant, ip: Ipv4Addr, packet: Packet<'_>) -> Option<ClaimEvent> {
        let event = self.update(ip, |claim| claim.receive(now, packet)).flatten()?;
        let ClaimEvent::Defended { mac, .. } = event else { return Some(event) };
        // spec: defence-rate
        if self.may_defend(now) {
            return Some(event);
        }
        self.suppressed = self.suppressed.saturating_add(1);
        let entry = self.active.get(&ip);
        if entry.is_some_and(|entry| entry.start == StartMode::Immediate && entry.claim.defends_always()) {
            // Nothing was said, so there is nothing to remember either.
            self.forget(ip);
        } else {
            self.update(ip, Claim::suppress_defense);
        }
        Some(ClaimEvent::Conflict { ip, mac })
    }

    fn may_defend(&mut self, now: Instant) -> bool {
        if self.defense_window.as_mut().is_none_or(|window| window.has_expired(now)) {
            self.defense_window = Some(Timer::new(now, Duration::from_secs(1)));
            self.defenses = 0;
        }
        let may = self.defenses < Self::DEFENSES_PER_SECOND;
        self.defenses += u32::from(may);
        may
    }

    /// Forgets a claim that a conflict called up, once the conflict is over. Returns whether it did.
    // spec: defence-forgotten
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

    fn note_probe(&mut self, ip: Ipv4Addr) {
        if self.probes_sent.len() < Self::PROBES_SENT {
            self.probes_sent.push(ip);
        } else {
            self.probes_overflowed = true;
        }
    }

    /// The claim to an address that was used without one.
    fn activate_claim(&mut self, now: Instant, identity: Identity, defense: Defense) {
        let link_local = self.link_local.as_ref().and_then(LinkLocal::address);
        if link_local == Some(identity.ip) || self.active.contains_key(&identity.ip) {
            return;
        }
        let mut claim = Claim::immediate(now, identity, defense, false);
        // It is in use for long: no news.
        let _ = claim.take_event();
        self.make(claim, StartMode::Immediate);
    }

    /// Does something with a claim, and files it under the time of what it has to say next.
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

    /// Looks at the clock. When it went back, every wait begins anew: late, but not years late.
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
