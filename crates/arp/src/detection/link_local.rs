//! Selection of a link-local address (RFC 3927).

use std::net::Ipv4Addr;

use address::{AddressRange, AddressTable};
use base::{Random, Secret};
use link::{Instant, MacAddr};

use super::claim::Claim;
use super::timer::Timer;
use super::{ClaimEvent, Defense, Identity, LINK_LOCAL};
use crate::constants::{MAX_CONFLICTS, RATE_LIMIT_INTERVAL};
use crate::packet::{Packet, PacketFields};

/// Selects an address in 169.254.1.0..=169.254.254.255, claims it, and selects another after a conflict (RFC 3927 2).
///
/// The number of attempts is unlimited. After [`MAX_CONFLICTS`] conflicts, at most one new address is tried per
/// [`RATE_LIMIT_INTERVAL`]. An address that was kept for longer is replaced immediately. No candidate is an address of
/// another local host. The claimed address is in the address table, and its state is set by [`super::Claims`].
///
/// Packets from [`LinkLocal::poll`] must be broadcast. The caller also broadcasts its replies for this address, so that
/// hosts with the same address detect the conflict (RFC 3927 2.5).
#[derive(Clone, Debug)]
pub(crate) struct LinkLocal {
    mac: MacAddr,
    defense: Defense,
    addresses: Random,
    secret: Secret,
    /// Number of candidates selected so far.
    selections: u64,
    claim: Claim,
    /// Runs since the candidate was selected.
    retry_timer: Timer,
    /// Number of conflicts that ended a claim, in use or not.
    conflicts: u32,
}

impl LinkLocal {
    /// Selects the first candidate and starts to probe for the candidate.
    ///
    /// The candidates depend only on `mac`, so that a station gets the same address after each start unless another
    /// host uses this address (RFC 3927 2.1). The delays depend on `seed`. RFC 3927 2.5 permits [`Defense::Cease`] and
    /// [`Defense::Once`]. [`Defense::Always`] is treated as [`Defense::Once`].
    pub(crate) fn new(
        now: Instant,
        table: &mut AddressTable,
        mac: MacAddr,
        defense: Defense,
        seed: u64,
    ) -> LinkLocal {
        let [a, b, c, d, e, f] = mac.bytes();
        // spec: rfc3927-seed
        let mut addresses = Random::new(u64::from_be_bytes([0, 0, a, b, c, d, e, f]));
        // spec: rfc3927-once
        let defense = if defense == Defense::Cease { defense } else { Defense::Once };
        let secret = Secret::new(seed.into());
        let (claim, retry_timer) = select(now, table, mac, defense, &mut addresses, secret.key(0_u64));
        LinkLocal { mac, defense, addresses, secret, selections: 1, claim, retry_timer, conflicts: 0 }
    }

    /// Returns the MAC address of the host.
    pub(crate) fn mac(&self) -> MacAddr {
        self.mac
    }

    /// Returns the address, or none if the address is not in use.
    pub(crate) fn address(&self) -> Option<Ipv4Addr> {
        self.claim.is_in_use().then_some(self.candidate())
    }

    /// Returns the claimed address, in use or not.
    pub(crate) fn claimed(&self) -> Option<Ipv4Addr> {
        (!self.claim.has_ceased()).then_some(self.candidate())
    }

    /// Returns the claimed address, or the last claimed address if its claim has ended.
    pub(crate) fn candidate(&self) -> Ipv4Addr {
        self.claim.identity().ip
    }

    /// Processes a packet. Returns an event if the packet is a conflict.
    ///
    /// If the conflict ends the claim, this selects the next candidate, unless the rate limit applies.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        table: &mut AddressTable,
        packet: Packet<'_>,
    ) -> Option<ClaimEvent> {
        let event = self.claim.receive(now, packet)?;
        if self.claim.has_ceased() {
            table.remove(self.candidate());
            self.conflicts = self.conflicts.saturating_add(1);
            // spec: rfc5227-rate, rfc3927-next
            if self.conflicts < MAX_CONFLICTS {
                self.select(now, table);
            }
        }
        Some(event)
    }

    /// Notes that the device refused the last packet: see [`Claim::packet_refused`].
    pub(crate) fn packet_refused(&mut self, now: Instant) {
        self.claim.packet_refused(now);
    }

    /// Probes for the same candidate again after the link has come up (RFC 3927 2.2).
    // spec: rfc3927-link-up
    pub(crate) fn probe_again(&mut self, now: Instant) {
        self.claim.probe_again(now);
    }

    /// Returns the next due packet, to be broadcast. Call this method until it returns none.
    pub(crate) fn poll(&mut self, now: Instant, table: &mut AddressTable) -> Option<PacketFields> {
        // spec: rfc5227-rate, rfc3927-next
        if self.claim.has_ceased() && self.retry_timer.has_expired(now) {
            self.select(now, table);
        }
        self.claim.poll(now)
    }

    /// Returns whether the address was defended within the last [`crate::constants::DEFEND_INTERVAL`].
    pub(crate) fn is_defending(&mut self, now: Instant) -> bool {
        self.claim.is_defending(now)
    }

    /// Returns when [`LinkLocal::poll`] has its next action, or none if no action is scheduled.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        if self.claim.has_ceased() { self.retry_timer.deadline() } else { self.claim.deadline() }
    }

    /// Returns [`ClaimEvent::Bound`] once for each address that came into use. Call this method after
    /// [`LinkLocal::poll`].
    pub(crate) fn take_event(&mut self) -> Option<ClaimEvent> {
        self.claim.take_event()
    }

    fn select(&mut self, now: Instant, table: &mut AddressTable) {
        let seed = self.secret.key(self.selections);
        self.selections = self.selections.wrapping_add(1);
        (self.claim, self.retry_timer) =
            select(now, table, self.mac, self.defense, &mut self.addresses, seed);
    }
}

/// Maximum number of addresses drawn for one candidate.
const DRAWS: usize = 64;

/// Returns the claim to the next candidate, and the timer of the rate limit. If the drawn addresses are all local, the
/// claim has ended.
fn select(
    now: Instant,
    table: &mut AddressTable,
    mac: MacAddr,
    defense: Defense,
    addresses: &mut Random,
    seed: u64,
) -> (Claim, Timer) {
    // spec: many-link-local
    let mut ip = draw(addresses);
    let mut draws = 1;
    while table.contains(ip) && draws < DRAWS {
        ip = draw(addresses);
        draws += 1;
    }
    let mut claim = Claim::probe(now, Identity { ip, mac }, defense, seed);
    let range = AddressRange { first: ip, last: ip, mac, prefix: LINK_LOCAL.prefix_len() };
    if table.add_tentative(range).is_err() {
        claim.cease();
    }
    (claim, Timer::new(now, RATE_LIMIT_INTERVAL))
}

/// Returns a random address of the prefix. The first and the last 256 addresses are reserved (RFC 3927 2.1).
fn draw(addresses: &mut Random) -> Ipv4Addr {
    // spec: rfc3927-range
    let [.., high, low] = (0x0100 + addresses.up_to(0xfeff - 0x0100)).to_be_bytes();
    Ipv4Addr::new(169, 254, high, low)
}

#[cfg(test)]
mod tests;
