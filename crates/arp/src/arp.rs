//! One segment's ARP: who we are, whom we know, how readily we learn.

use std::net::Ipv4Addr;

use base::{EventQueue, ReasonCounters, Secret};
use ipnet::Ipv4Net;
use link::{Instant, MacAddr};
use neighbor::{NeighborSettings, NeighborTable, Resolution};

use crate::claims::Claims;
use crate::proxy::Proxies;
use crate::{AddError, ArpDropReason, ClaimEvent, Defense, LocalBindings, PacketFields};

/// How readily the sender of a packet is entered into the translation table.
///
/// Under every policy a sender that is in the table already is followed, one that was asked for is
/// filled in, and one that asks for us is entered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LearningPolicy {
    /// A sender is entered for a request alone: a reply nobody asked for teaches nothing.
    // spec: learn-default
    #[default]
    Cautious,
    /// A sender is entered whenever the target is ours, as RFC 826 says.
    Rfc826,
    /// A sender is entered whatever it says, and to whom: announcements teach too.
    Permissive,
}

/// How an [`Arp`] is to behave.
#[derive(Clone, Copy, Debug, Default)]
pub struct ArpConfig {
    /// How readily it learns.
    pub policy: LearningPolicy,
    /// The bounds and times of the translation table.
    pub table: NeighborSettings,
    /// The segment's network, whose broadcast address no sender may have, and within which nobody needs a
    /// proxy.
    pub network: Option<Ipv4Net>,
    /// What to do when somebody else uses an address of ours.
    pub defense: Defense,
}

/// What happened that somebody may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArpEvent {
    /// To an entry of the translation table.
    Neighbor(neighbor::NeighborEvent<Ipv4Addr>),
    /// To a claim to an address (RFC 5227).
    Claim(ClaimEvent),
}

/// What is due on a segment.
#[derive(Debug, PartialEq, Eq)]
pub enum ArpAction<P> {
    /// A probe or an announcement, to be broadcast.
    Broadcast(PacketFields),
    /// Something for a neighbor.
    Neighbor(neighbor::NeighborAction<Ipv4Addr, P>),
}

/// ARP on one segment, with parcels of type `P` that wait for an answer.
///
/// Packets go in by [`Arp::receive`], parcels by [`Arp::resolve`]; what is due comes out by
/// [`Arp::poll`], and events by [`Arp::take_event`].
#[derive(Debug)]
pub struct Arp<P> {
    pub(crate) locals: LocalBindings,
    pub(crate) config: ArpConfig,
    /// The network's broadcast address.
    pub(crate) broadcast: Option<Ipv4Addr>,
    pub(crate) claims: Claims,
    pub(crate) proxies: Proxies,
    pub(crate) neighbors: NeighborTable<Ipv4Addr, P>,
    pub(crate) dropped: ReasonCounters<ArpDropReason>,
    events: EventQueue<ArpEvent>,
}

impl<P> Arp<P> {
    /// How many events wait to be taken at most; what happens beyond that is counted.
    pub const EVENTS: usize = 256;

    /// ARP for the addresses in `locals`, which are in use at once and without a word; [`Arp::claim`] says
    /// more, and probes.
    pub fn new(locals: LocalBindings, config: ArpConfig) -> Arp<P> {
        // Point-to-point networks (RFC 3021) and single addresses have no broadcast address.
        let broadcast = config.network.filter(|network| network.prefix_len() < 31);
        Arp {
            locals,
            config,
            broadcast: broadcast.map(|network| network.broadcast()),
            claims: Claims::new(Secret::new(config.table.seed)),
            proxies: Proxies::default(),
            neighbors: NeighborTable::new(config.table),
            dropped: ReasonCounters::default(),
            events: EventQueue::new(Self::EVENTS),
        }
    }

    /// Where to send a parcel of so many octets: see [`NeighborTable::resolve`]. Refused are addresses that
    /// are ours or that we probe for, and such as no host can have.
    pub fn resolve(&mut self, now: Instant, ip: Ipv4Addr, octets: usize, parcel: P) -> Resolution<P> {
        if !self.is_valid_neighbor(ip) {
            return Resolution::Refused(parcel);
        }
        self.neighbors.resolve(now, ip, octets, parcel)
    }

    /// Enters a neighbor by hand: see [`NeighborTable::add_static`]. Refused are addresses as with
    /// [`Arp::resolve`].
    pub fn add_static(&mut self, now: Instant, ip: Ipv4Addr, mac: MacAddr) -> Result<(), AddError> {
        if !self.is_valid_neighbor(ip) {
            return Err(AddError::InvalidIp);
        }
        if self.locals.has_mac(mac) {
            return Err(AddError::InvalidMac);
        }
        self.neighbors.add_static(now, ip, mac)
    }

    fn is_valid_neighbor(&self, ip: Ipv4Addr) -> bool {
        self.is_valid_host(ip)
            && !ip.is_unspecified()
            && self.locals.mac_of(ip).is_none()
            && !self.claims.is_claimed(ip)
    }

    /// The next thing that is due, to be called until there is none.
    pub fn poll(&mut self, now: Instant) -> Option<ArpAction<P>> {
        let packet = self.poll_claims(now).map(ArpAction::Broadcast);
        packet.or_else(|| self.neighbors.poll(now).map(ArpAction::Neighbor))
    }

    /// When [`Arp::poll`] has something to do next.
    pub fn deadline(&self) -> Option<Instant> {
        [self.claims.deadline(), self.neighbors.deadline()].into_iter().flatten().min()
    }

    /// The translation table.
    pub fn neighbors(&self) -> &NeighborTable<Ipv4Addr, P> {
        &self.neighbors
    }

    /// The translation table, for a person to add to and to remove from.
    pub fn neighbors_mut(&mut self) -> &mut NeighborTable<Ipv4Addr, P> {
        &mut self.neighbors
    }

    /// The addresses that are ours.
    pub fn locals(&self) -> &LocalBindings {
        &self.locals
    }

    /// Packets turned away, by reason.
    pub fn dropped(&self) -> &ReasonCounters<ArpDropReason> {
        &self.dropped
    }

    /// The oldest event not yet taken; those about ourselves go before those about neighbors.
    pub fn take_event(&mut self) -> Option<ArpEvent> {
        self.events.pop().or_else(|| self.neighbors.take_event().map(ArpEvent::Neighbor))
    }

    /// How many events nobody took in time.
    pub fn events_lost(&self) -> u64 {
        self.events.lost().saturating_add(self.neighbors.counts().events_lost)
    }

    pub(crate) fn report(&mut self, event: ArpEvent) {
        self.events.push(event);
    }
}
