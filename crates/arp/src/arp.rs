//! One segment's ARP: who we are, whom we know, how readily we learn.

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use link::{MacAddr, Tally};

use crate::{Dropped, Locals, Table};

/// How readily the sender of a packet is entered into the translation table.
///
/// Under either policy a sender that is in the table already is updated, and one that asks for us
/// is entered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// A sender is entered for a request alone: a reply nobody asked for teaches nothing.
    // spec: learn-default
    #[default]
    Cautious,
    /// A sender is entered whenever the target is ours, as RFC 826 says.
    Rfc826,
}

/// How an [`Arp`] is to behave.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// How readily it learns.
    pub policy: Policy,
    /// The most entries the translation table may hold.
    pub entries: usize,
    /// A number that strangers do not know: it keeps them from aiming at one bucket of the table.
    pub seed: u64,
    /// The segment's network, whose broadcast address no sender may have.
    pub network: Option<Ipv4Net>,
}

/// What happened that somebody may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A sender was entered.
    Learned {
        /// Its protocol address.
        protocol: Ipv4Addr,
        /// Its hardware address.
        hardware: MacAddr,
    },
    /// An address that was known is said to be somewhere else now, and the table followed.
    Moved {
        /// The protocol address.
        protocol: Ipv4Addr,
        /// Where it was.
        from: MacAddr,
        /// Where it is.
        to: MacAddr,
    },
    /// A sender was not entered, for the table is full.
    Refused {
        /// Its protocol address.
        protocol: Ipv4Addr,
        /// Its hardware address.
        hardware: MacAddr,
    },
    /// Somebody else uses an address of ours (RFC 5227 2.4).
    Conflict {
        /// The protocol address.
        protocol: Ipv4Addr,
        /// Who else uses it.
        hardware: MacAddr,
    },
}

/// ARP on one segment. Packets go in by [`Arp::receive`], events come out by [`Arp::take_event`].
#[derive(Debug)]
pub struct Arp {
    pub(crate) locals: Locals,
    pub(crate) config: Config,
    pub(crate) table: Table<Ipv4Addr>,
    pub(crate) dropped: Tally<Dropped>,
    pub(crate) refused: u64,
    events: VecDeque<Event>,
    events_lost: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config { policy: Policy::default(), entries: 1_024, seed: 0, network: None }
    }
}

impl Arp {
    /// How many events wait to be taken at most; what happens beyond that is counted.
    pub const EVENTS: usize = 256;

    /// ARP for the addresses in `locals`.
    pub fn new(locals: Locals, config: Config) -> Arp {
        Arp {
            locals,
            config,
            table: Table::new(config.entries, config.seed),
            dropped: Tally::default(),
            refused: 0,
            events: VecDeque::with_capacity(Self::EVENTS),
            events_lost: 0,
        }
    }

    /// The translation table.
    pub fn table(&self) -> &Table<Ipv4Addr> {
        &self.table
    }

    /// The addresses that are ours.
    pub fn locals(&self) -> &Locals {
        &self.locals
    }

    /// Packets turned away, by reason.
    pub fn dropped(&self) -> &Tally<Dropped> {
        &self.dropped
    }

    /// How many senders were not entered because the table was full.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// The oldest event not yet taken.
    pub fn take_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// How many events nobody took in time.
    pub fn events_lost(&self) -> u64 {
        self.events_lost
    }

    pub(crate) fn report(&mut self, event: Event) {
        if self.events.len() < Self::EVENTS {
            self.events.push_back(event);
        } else {
            self.events_lost = self.events_lost.saturating_add(1);
        }
    }
}
