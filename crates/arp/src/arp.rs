//! One segment's ARP: who we are, whom we know, how readily we learn.

use std::net::Ipv4Addr;

use base::{EventQueue, ReasonCounters, Secret};
use ipnet::Ipv4Net;
use link::{Instant, MacAddr};
use neighbor::{NeighborTable, Resolution, Settings};

use crate::claims::Claims;
use crate::proxy::Proxies;
use crate::{AddError, ClaimEvent, Defence, Dropped, Fields, Locals};

/// How readily the sender of a packet is entered into the translation table.
///
/// Under every policy a sender that is in the table already is followed, one that was asked for is
/// filled in, and one that asks for us is entered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
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
pub struct Config {
    /// How readily it learns.
    pub policy: Policy,
    /// The bounds and times of the translation table.
    pub table: Settings,
    /// The segment's network, whose broadcast address no sender may have, and within which nobody needs a
    /// proxy.
    pub network: Option<Ipv4Net>,
    /// What to do when somebody else uses an address of ours.
    pub defence: Defence,
}

/// What happened that somebody may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// To an entry of the translation table.
    Neighbor(neighbor::Event<Ipv4Addr>),
    /// To a claim to an address (RFC 5227).
    Claim(ClaimEvent),
}

/// What is due on a segment.
#[derive(Debug, PartialEq, Eq)]
pub enum Due<P> {
    /// A probe or an announcement, to be broadcast.
    Say(Fields),
    /// Something for a neighbor.
    Neighbor(neighbor::Due<Ipv4Addr, P>),
}

/// ARP on one segment, with parcels of type `P` that wait for an answer.
///
/// Packets go in by [`Arp::receive`], parcels by [`Arp::resolve`]; what is due comes out by
/// [`Arp::poll`], and events by [`Arp::take_event`].
#[derive(Debug)]
pub struct Arp<P> {
    pub(crate) locals: Locals,
    pub(crate) config: Config,
    /// The network's broadcast address.
    pub(crate) broadcast: Option<Ipv4Addr>,
    pub(crate) claims: Claims,
    pub(crate) proxies: Proxies,
    pub(crate) neighbors: NeighborTable<Ipv4Addr, P>,
    pub(crate) dropped: ReasonCounters<Dropped>,
    events: EventQueue<Event>,
}

impl<P> Arp<P> {
    /// How many events wait to be taken at most; what happens beyond that is counted.
    pub const EVENTS: usize = 256;

    /// ARP for the addresses in `locals`, which are in use at once and without a word; [`Arp::claim`] says
    /// more, and probes.
    pub fn new(locals: Locals, config: Config) -> Arp<P> {
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
    pub fn resolve(&mut self, now: Instant, protocol: Ipv4Addr, octets: usize, parcel: P) -> Resolution<P> {
        if !self.may_be_a_neighbor(protocol) {
            return Resolution::Refused(parcel);
        }
        self.neighbors.resolve(now, protocol, octets, parcel)
    }

    /// Enters a neighbor by hand: see [`NeighborTable::add_static`]. Refused are addresses as with
    /// [`Arp::resolve`].
    pub fn add_static(
        &mut self,
        now: Instant,
        protocol: Ipv4Addr,
        hardware: MacAddr,
    ) -> Result<(), AddError> {
        if !self.may_be_a_neighbor(protocol) {
            return Err(AddError::Protocol);
        }
        if self.locals.has_hardware(hardware) {
            return Err(AddError::Hardware);
        }
        self.neighbors.add_static(now, protocol, hardware)
    }

    fn may_be_a_neighbor(&self, protocol: Ipv4Addr) -> bool {
        self.may_be_a_host(protocol)
            && !protocol.is_unspecified()
            && self.locals.hardware_of(protocol).is_none()
            && !self.claims.is_wanted(protocol)
    }

    /// The next thing that is due, to be called until there is none.
    pub fn poll(&mut self, now: Instant) -> Option<Due<P>> {
        let said = self.poll_claims(now).map(Due::Say);
        said.or_else(|| self.neighbors.poll(now).map(Due::Neighbor))
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
    pub fn locals(&self) -> &Locals {
        &self.locals
    }

    /// Packets turned away, by reason.
    pub fn dropped(&self) -> &ReasonCounters<Dropped> {
        &self.dropped
    }

    /// The oldest event not yet taken; those about ourselves go before those about neighbors.
    pub fn take_event(&mut self) -> Option<Event> {
        self.events.pop().or_else(|| self.neighbors.take_event().map(Event::Neighbor))
    }

    /// How many events nobody took in time.
    pub fn events_lost(&self) -> u64 {
        self.events.lost().saturating_add(self.neighbors.counts().events_lost)
    }

    pub(crate) fn report(&mut self, event: Event) {
        self.events.push(event);
    }
}
