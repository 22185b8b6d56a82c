//! The claims of one segment: those that are made, and those that a conflict calls up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use base::Secret;
use ipnet::Ipv4Net;
use link::{Instant, MacAddr};

use crate::wait::Wait;
use crate::{Arp, Claim, ClaimEvent, Defence, Event, Fields, Identity, LinkLocal, LocalsError, Packet};

/// How the use of an address begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// At once, without a word.
    #[default]
    AtOnce,
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
    made: BTreeMap<Ipv4Addr, Filed>,
    /// When each has something to say.
    due: BTreeSet<(Instant, Ipv4Addr)>,
    /// The address of our own choice.
    chosen: Option<LinkLocal>,
    secret: Secret,
    /// How many keys were derived for claims.
    keys: u64,
    /// How many of those made are probing.
    probing: usize,
    /// The probes that the wire may still refuse.
    probes_sent: Vec<Ipv4Addr>,
    /// There were more of those than are kept.
    probes_overflowed: bool,
    /// Runs while [`Claims::DEFENCES`] counts, and how many defences there were in it.
    defence_window: Option<Wait>,
    defences: u32,
    /// Defences left out because there were too many.
    pub(crate) withheld: u64,
    /// The link is not active: what a claim sends would reach no host.
    is_link_down: bool,
    /// The latest time seen.
    latest: Instant,
    /// How many probes and announcements there were.
    pub(crate) said: u64,
    /// Who has the address that was lost last.
    lost: Option<Identity>,
}

/// A claim, how it began, and under which time it is filed. A claim started with [`Start::AtOnce`] exists only during a
/// conflict.
#[derive(Debug)]
struct Filed {
    claim: Claim,
    start: Start,
    at: Option<Instant>,
}

impl<P> Arp<P> {
    /// Begins to use an address. A station that was not ours is from now on.
    ///
    /// Fails if the address is ours already, or the hardware address is no station's.
    pub fn claim(&mut self, now: Instant, identity: Identity, start: Start) -> Result<(), LocalsError> {
        let Identity { protocol, hardware } = identity;
        if self.claims.made.contains_key(&protocol) {
            return Err(LocalsError::Overlap);
        }
        self.locals.enlist(hardware)?;
        match start {
            // A claim that says nothing needs no state, until there is a conflict.
            Start::AtOnce => self.own(identity)?,
            Start::Announce => {
                self.own(identity)?;
                let mut claim = Claim::at_once(now, identity, self.config.defence, true);
                // Whoever claims it at once knows that it is in use.
                let _ = claim.take_event();
                self.claims.make(claim, start);
            }
            Start::Probe => {
                if self.locals.hardware_of(protocol).is_some() {
                    return Err(LocalsError::Overlap);
                }
                let seed = self.claims.key();
                self.claims.make(Claim::probe(now, identity, self.config.defence, seed), start);
                self.report(Event::Claim(ClaimEvent::Probing { protocol }));
            }
        }
        Ok(())
    }

    /// Begins to use all addresses from `first` to `last` at once and without a word. The first is at
    /// `hardware`, each further one at the hardware address after.
    ///
    /// Fails if one of them is ours already, or there are not as many stations.
    pub fn claim_all(
        &mut self,
        first: Ipv4Addr,
        last: Ipv4Addr,
        hardware: MacAddr,
    ) -> Result<(), LocalsError> {
        self.locals.add(first, last, hardware)?;
        let entries = self.neighbors.list().into_iter().map(|entry| entry.protocol);
        for protocol in entries.filter(|protocol| (first..=last).contains(protocol)) {
            self.neighbors.remove(protocol);
        }
        Ok(())
    }

    /// Whether an address is being probed for.
    pub fn is_probing(&self) -> bool {
        let chosen = self.claims.chosen.as_ref();
        self.claims.probing > 0 || chosen.is_some_and(|chosen| chosen.address().is_none())
    }

    /// Selects an address of its own choice, and another whenever that is lost (RFC 3927).
    ///
    /// Fails if the hardware address is no station's.
    pub fn select(&mut self, now: Instant, hardware: MacAddr) -> Result<(), LocalsError> {
        self.locals.enlist(hardware)?;
        let chosen = LinkLocal::new(now, hardware, self.config.defence, self.claims.key());
        self.report(Event::Claim(ClaimEvent::Probing { protocol: chosen.candidate() }));
        self.claims.chosen = Some(chosen);
        Ok(())
    }

    /// The wire refused some of the frames since [`Arp::transmitted`], as one that is down does. Probes among them asked no
    /// host, so each claim that has probed since then begins again.
    pub fn unheard(&mut self, now: Instant) {
        let mut probes = std::mem::take(&mut self.claims.probes_sent);
        if std::mem::take(&mut self.claims.probes_overflowed) {
            probes = self.claims.due.iter().map(|(_, protocol)| *protocol).collect();
            probes.extend(self.claims.chosen.as_ref().map(LinkLocal::candidate));
        }
        for protocol in probes {
            self.claims.touch(protocol, |claim| claim.unheard(now));
            if let Some(chosen) = self.claims.chosen.as_mut().filter(|chosen| chosen.candidate() == protocol)
            {
                chosen.unheard(now);
            }
        }
    }

    /// The wire took all that was sent.
    pub fn transmitted(&mut self) {
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
        let spoken = self.claims.made.iter().filter(|(_, filed)| filed.start != Start::AtOnce);
        let spoken: Vec<_> = spoken.map(|(protocol, filed)| (*protocol, filed.start)).collect();
        for (protocol, start) in spoken {
            if start == Start::Probe {
                self.locals.remove(protocol);
                self.claims.touch(protocol, |claim| claim.probe_again(now));
                self.report(Event::Claim(ClaimEvent::Probing { protocol }));
            } else {
                self.claims.touch(protocol, |claim| claim.announce_again(now));
            }
        }
        if let Some(chosen) = &mut self.claims.chosen
            && let Some(protocol) = chosen.wanted()
        {
            chosen.probe_again(now);
            self.locals.remove(protocol);
            self.report(Event::Claim(ClaimEvent::Probing { protocol }));
        }
    }

    /// The address of our own choice, while it is in use.
    pub fn selected(&self) -> Option<Ipv4Addr> {
        self.claims.chosen.as_ref().and_then(LinkLocal::address)
    }

    /// Who has the last address of ours, once there is none left, nor any to come.
    pub fn ceased(&self) -> Option<Identity> {
        let over = self.locals.is_empty() && self.claims.made.is_empty() && self.claims.chosen.is_none();
        self.claims.lost.filter(|_| over)
    }

    /// How many probes and announcements there were.
    pub fn said(&self) -> u64 {
        self.claims.said
    }

    /// How many conflicts were not met with an announcement because there were too many over all addresses.
    pub fn defences_withheld(&self) -> u64 {
        self.claims.withheld
    }

    /// Whether a packet is a conflict over an address that we use or want; if so, what is to be done
    /// about it is done. Another's probe is one, and is no reason to turn the packet away.
    #[inline]
    pub(crate) fn is_conflict(&mut self, now: Instant, packet: Packet<'_>) -> bool {
        // As nearly all packets are.
        let is_nobodys = self.claims.made.is_empty()
            && self.claims.chosen.is_none()
            && !self.locals.has(packet.sender_protocol());
        !is_nobodys && self.hear_claim(now, packet)
    }

    #[cold]
    fn hear_claim(&mut self, now: Instant, packet: Packet<'_>) -> bool {
        let sender = packet.sender_protocol();
        let subject = if sender.is_unspecified() { packet.target_protocol() } else { sender };
        if let Some(hardware) = self.locals.hardware_of(sender) {
            self.claims.call_up(now, Identity { protocol: sender, hardware }, self.config.defence);
        }
        let event = self.claims.receive(now, subject, packet);
        if let Some(event) = event {
            self.settle(event);
        }
        let chosen = self.hear_chosen(now, packet);
        (event.is_some() || chosen) && !sender.is_unspecified()
    }

    /// The next probe or announcement that is due, to be broadcast.
    pub(crate) fn poll_claims(&mut self, now: Instant) -> Option<Fields> {
        if self.claims.is_link_down {
            return None;
        }
        self.claims.notice(now);
        let said = self.poll_made(now).or_else(|| self.poll_chosen(now))?;
        self.claims.said = self.claims.said.saturating_add(1);
        if said.sender_protocol.is_unspecified() {
            self.claims.note_probe(said.target_protocol);
        }
        Some(said)
    }

    fn poll_made(&mut self, now: Instant) -> Option<Fields> {
        // One that is due and has nothing to say waits for a later time: each has its turn once.
        for _ in 0..self.claims.due.len().min(Claims::STEPS) {
            let (_, protocol) = self.claims.due.first().copied().filter(|(at, _)| *at <= now)?;
            if self.claims.forget_idle(now, protocol) {
                continue;
            }
            let (said, news) = self.claims.touch(protocol, |claim| (claim.poll(now), claim.take_event()))?;
            if let Some(event) = news {
                self.settle(event);
            }
            if said.is_some() {
                return said;
            }
        }
        None
    }

    fn poll_chosen(&mut self, now: Instant) -> Option<Fields> {
        let chosen = self.claims.chosen.as_mut()?;
        let before = chosen.candidate();
        let said = chosen.poll(now);
        let (after, news) = (chosen.candidate(), chosen.take_event());
        self.follow_choice(before, after);
        if let Some(event) = news {
            self.settle(event);
        }
        said
    }

    fn hear_chosen(&mut self, now: Instant, packet: Packet<'_>) -> bool {
        let Some(chosen) = &mut self.claims.chosen else { return false };
        let before = chosen.candidate();
        let Some(event) = chosen.receive(now, packet) else { return false };
        let after = chosen.candidate();
        self.settle(event);
        self.follow_choice(before, after);
        true
    }

    fn follow_choice(&mut self, before: Ipv4Addr, after: Ipv4Addr) {
        if before != after {
            self.report(Event::Claim(ClaimEvent::Probing { protocol: after }));
        }
    }

    /// Makes an address ours. Who had it in the table was no neighbor, or is none any more.
    fn own(&mut self, Identity { protocol, hardware }: Identity) -> Result<(), LocalsError> {
        self.locals.add(protocol, protocol, hardware)?;
        self.neighbors.remove(protocol);
        Ok(())
    }

    /// Does to our addresses what became of a claim, and tells.
    fn settle(&mut self, event: ClaimEvent) {
        match event {
            ClaimEvent::Bound { protocol, hardware } => {
                // Its station was enlisted with it, and none of ours has the address.
                // spec: rfc5227-answers
                let _ = self.own(Identity { protocol, hardware });
            }
            ClaimEvent::ProbeConflict { protocol, hardware } | ClaimEvent::Ceased { protocol, hardware } => {
                self.locals.remove(protocol);
                self.claims.lost = Some(Identity { protocol, hardware });
            }
            ClaimEvent::Probing { .. } | ClaimEvent::Conflict { .. } | ClaimEvent::Defended { .. } => {}
        }
        self.report(Event::Claim(event));
    }
}

impl Claims {
    /// How many claims one poll looks at that have nothing to say: the rest is due at the next.
    const STEPS: usize = 64;
    /// How many probes are kept that the wire may still refuse.
    const PROBES_SENT: usize = 256;
    /// How many conflicts over all addresses are met with an announcement in one second.
    // spec: defence-rate
    const DEFENCES: u32 = 16;

    pub(crate) fn new(secret: Secret) -> Claims {
        Claims {
            made: BTreeMap::new(),
            due: BTreeSet::new(),
            chosen: None,
            secret,
            keys: 0,
            probing: 0,
            probes_sent: Vec::with_capacity(Self::PROBES_SENT),
            probes_overflowed: false,
            defence_window: None,
            defences: 0,
            withheld: 0,
            is_link_down: false,
            latest: Instant::ORIGIN,
            said: 0,
            lost: None,
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
        let made = self.due.first().map(|(at, _)| *at);
        let chosen = self.chosen.as_ref().and_then(LinkLocal::deadline);
        [made, chosen].into_iter().flatten().min()
    }

    /// Whether an address is claimed, in use or not.
    pub(crate) fn is_wanted(&self, protocol: Ipv4Addr) -> bool {
        let chosen = self.chosen.as_ref().and_then(LinkLocal::wanted);
        chosen == Some(protocol) || self.made.contains_key(&protocol)
    }

    fn make(&mut self, claim: Claim, start: Start) {
        let protocol = claim.identity().protocol;
        self.probing += usize::from(claim.is_probing());
        self.made.insert(protocol, Filed { claim, start, at: None });
        self.touch(protocol, |_| ());
    }

    /// Passes a packet to a claim. Withholds its defence beyond the rate limit.
    fn receive(&mut self, now: Instant, protocol: Ipv4Addr, packet: Packet<'_>) -> Option<ClaimEvent> {
        let event = self.touch(protocol, |claim| claim.receive(now, packet)).flatten()?;
        let ClaimEvent::Defended { hardware, .. } = event else { return Some(event) };
        // spec: defence-rate
        if self.may_defend(now) {
            return Some(event);
        }
        self.withheld = self.withheld.saturating_add(1);
        let filed = self.made.get(&protocol);
        if filed.is_some_and(|filed| filed.start == Start::AtOnce && filed.claim.is_kept_always()) {
            // Nothing was said, so there is nothing to remember either.
            self.forget(protocol);
        } else {
            self.touch(protocol, Claim::withhold_defence);
        }
        Some(ClaimEvent::Conflict { protocol, hardware })
    }

    fn may_defend(&mut self, now: Instant) -> bool {
        if self.defence_window.as_mut().is_none_or(|window| window.is_over(now)) {
            self.defence_window = Some(Wait::new(now, Duration::from_secs(1)));
            self.defences = 0;
        }
        let may = self.defences < Self::DEFENCES;
        self.defences += u32::from(may);
        may
    }

    /// Forgets a claim that a conflict called up, once the conflict is over. Returns whether it did.
    // spec: defence-forgotten
    fn forget_idle(&mut self, now: Instant, protocol: Ipv4Addr) -> bool {
        let filed = self.made.get_mut(&protocol);
        let is_idle = filed.is_some_and(|filed| filed.start == Start::AtOnce && filed.claim.is_idle(now));
        if is_idle {
            self.forget(protocol);
        }
        is_idle
    }

    fn forget(&mut self, protocol: Ipv4Addr) {
        if let Some(Filed { at: Some(at), .. }) = self.made.remove(&protocol) {
            self.due.remove(&(at, protocol));
        }
    }

    fn note_probe(&mut self, protocol: Ipv4Addr) {
        if self.probes_sent.len() < Self::PROBES_SENT {
            self.probes_sent.push(protocol);
        } else {
            self.probes_overflowed = true;
        }
    }

    /// The claim to an address that was used without one.
    fn call_up(&mut self, now: Instant, identity: Identity, defence: Defence) {
        let chosen = self.chosen.as_ref().and_then(LinkLocal::address);
        if chosen == Some(identity.protocol) || self.made.contains_key(&identity.protocol) {
            return;
        }
        let mut claim = Claim::at_once(now, identity, defence, false);
        // It is in use for long: no news.
        let _ = claim.take_event();
        self.make(claim, Start::AtOnce);
    }

    /// Does something with a claim, and files it under the time of what it has to say next.
    fn touch<R>(&mut self, protocol: Ipv4Addr, act: impl FnOnce(&mut Claim) -> R) -> Option<R> {
        let filed = self.made.get_mut(&protocol)?;
        let was_probing = filed.claim.is_probing();
        let result = act(&mut filed.claim);
        let is_probing = filed.claim.is_probing();
        let at = match filed.start {
            Start::AtOnce => filed.claim.end_of_state(),
            Start::Announce | Start::Probe => filed.claim.deadline(),
        };
        if let Some(before) = std::mem::replace(&mut filed.at, at) {
            self.due.remove(&(before, protocol));
        }
        self.due.extend(at.map(|at| (at, protocol)));
        if filed.claim.has_ceased() {
            self.made.remove(&protocol);
        }
        self.probing = self.probing + usize::from(is_probing) - usize::from(was_probing);
        Some(result)
    }

    /// Looks at the clock. When it went back, every wait begins anew: late, but not years late.
    fn notice(&mut self, now: Instant) {
        // spec: clocks
        if now < std::mem::replace(&mut self.latest, now) {
            self.due.clear();
            for (protocol, filed) in &mut self.made {
                filed.at = filed.at.map(|_| now);
                self.due.extend(filed.at.map(|at| (at, *protocol)));
            }
        }
    }
}

#[cfg(test)]
mod tests;
