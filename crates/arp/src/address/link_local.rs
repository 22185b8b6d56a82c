//! Selection of a link-local address (RFC 3927).

use std::net::Ipv4Addr;

use base::{Random, Secret};
use link::{Instant, MacAddr};

use super::claim::Claim;
use super::timer::Timer;
use super::{ClaimEvent, Defense, Identity};
use crate::constants::{MAX_CONFLICTS, RATE_LIMIT_INTERVAL};
use crate::packet::{Packet, PacketFields};

/// Selects an address in 169.254.1.0..=169.254.254.255, claims it, and selects another when it is lost
/// (RFC 3927 2).
///
/// It never stops trying. After [`MAX_CONFLICTS`] conflicts it tries at most one new address per
/// [`RATE_LIMIT_INTERVAL`]; an address that was kept for longer than that is replaced at once.
///
/// What [`LinkLocal::poll`] gives is to be broadcast. So are the caller's own replies for this
/// address, for that is how hosts with the same one find each other (RFC 3927 2.5).
#[derive(Clone, Debug)]
pub(crate) struct LinkLocal {
    mac: MacAddr,
    defense: Defense,
    addresses: Random,
    secret: Secret,
    /// How many candidates were selections.
    selections: u64,
    claim: Claim,
    /// Runs since the candidate was selections.
    retry_timer: Timer,
    /// How many addresses were given up, in use or not.
    conflicts: u32,
}

impl LinkLocal {
    /// Selects the first candidate and begins to probe for it.
    ///
    /// The candidates follow from `mac` alone: a station has the same address after each start,
    /// unless it is taken (RFC 3927 2.1). The waits are drawn from `seed`. RFC 3927 2.5 leaves the choice
    /// between [`Defense::Cease`] and [`Defense::Once`]; [`Defense::Always`] is taken for the latter.
    pub(crate) fn new(now: Instant, mac: MacAddr, defense: Defense, seed: u64) -> LinkLocal {
        let [a, b, c, d, e, f] = mac.bytes();
        // spec: rfc3927-seed
        let mut addresses = Random::new(u64::from_be_bytes([0, 0, a, b, c, d, e, f]));
        // spec: rfc3927-once
        let defense = if defense == Defense::Cease { defense } else { Defense::Once };
        let secret = Secret::new(seed.into());
        let (claim, retry_timer) = select(now, mac, defense, &mut addresses, secret.key(0_u64));
        LinkLocal { mac, defense, addresses, secret, selections: 1, claim, retry_timer, conflicts: 0 }
    }

    /// The address, while it is in use.
    pub(crate) fn address(&self) -> Option<Ipv4Addr> {
        self.claim.is_in_use().then_some(self.candidate())
    }

    /// The address that is claimed at the moment, in use or not.
    pub(crate) fn claimed(&self) -> Option<Ipv4Addr> {
        (!self.claim.has_ceased()).then_some(self.candidate())
    }

    /// The address that is claimed at the moment, or was last.
    pub(crate) fn candidate(&self) -> Ipv4Addr {
        self.claim.identity().ip
    }

    /// Hears a packet, and says what came of it if it is a conflict. Where that took the candidate
    /// away, the next is selections already, unless there were too many.
    pub(crate) fn receive(&mut self, now: Instant, packet: Packet<'_>) -> Option<ClaimEvent> {
        let event = self.claim.receive(now, packet)?;
        if self.claim.has_ceased() {
            self.conflicts = self.conflicts.saturating_add(1);
            // spec: rfc5227-rate, rfc3927-next
            if self.conflicts < MAX_CONFLICTS {
                self.select(now);
            }
        }
        Some(event)
    }

    /// The wire refused what was sent last: see [`Claim::transmit_failed`].
    pub(crate) fn transmit_failed(&mut self, now: Instant) {
        self.claim.transmit_failed(now);
    }

    /// The link has become active: the same candidate is probed for again (RFC 3927 2.2).
    // spec: rfc3927-link-up
    pub(crate) fn probe_again(&mut self, now: Instant) {
        self.claim.probe_again(now);
    }

    /// The next packet that is due, to be broadcast. Call it until there is none.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<PacketFields> {
        // spec: rfc5227-rate, rfc3927-next
        if self.claim.has_ceased() && self.retry_timer.has_expired(now) {
            self.select(now);
        }
        self.claim.poll(now)
    }

    /// When [`LinkLocal::poll`] has something to do next; none if only a packet can change that.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        if self.claim.has_ceased() { self.retry_timer.deadline() } else { self.claim.deadline() }
    }

    /// What the passing of time brought: [`ClaimEvent::Bound`], once for each address that came into
    /// use. Look after [`LinkLocal::poll`].
    pub(crate) fn take_event(&mut self) -> Option<ClaimEvent> {
        self.claim.take_event()
    }

    fn select(&mut self, now: Instant) {
        let seed = self.secret.key(self.selections);
        self.selections = self.selections.wrapping_add(1);
        (self.claim, self.retry_timer) = select(now, self.mac, self.defense, &mut self.addresses, seed);
    }
}

/// The claim to the next candidate, and the wait before another may follow it.
fn select(now: Instant, mac: MacAddr, defense: Defense, addresses: &mut Random, seed: u64) -> (Claim, Timer) {
    let identity = Identity { ip: draw(addresses), mac };
    let claim = Claim::probe(now, identity, defense, seed);
    (claim, Timer::new(now, RATE_LIMIT_INTERVAL))
}

/// An address of the prefix. Its first and its last 256 are reserved (RFC 3927 2.1).
fn draw(addresses: &mut Random) -> Ipv4Addr {
    // spec: rfc3927-range
    let [.., high, low] = (0x0100 + addresses.up_to(0xfeff - 0x0100)).to_be_bytes();
    Ipv4Addr::new(169, 254, high, low)
}

#[cfg(test)]
mod tests;
