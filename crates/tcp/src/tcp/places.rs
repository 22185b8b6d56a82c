//! What a segment is for: a connection, a half-open connection, a connection in TIME-WAIT, or a listener.

use std::net::{Ipv4Addr, SocketAddrV4};

use base::Place;
use inet::{Binding, BindingInUse, Demultiplexer, InterfaceId};
use ipnet::Ipv4Net;

use super::TcpLimits;

/// A place in one of the four tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Connection(Place),
    HalfOpen(Place),
    TimeWait(Place),
    Listener(Place),
}

/// Index of all four tables by interfaces, addresses and ports. An interface, two addresses and two ports have at most one
/// entry, apart from listeners.
#[derive(Debug)]
pub(super) struct Places {
    /// The places of the tables follow each other: connections, half-open connections, TIME-WAIT, listeners.
    demultiplexer: Demultiplexer,
    half_open: Place,
    time_wait: Place,
    listeners: Place,
}

impl Places {
    pub(super) fn new(limits: &TcpLimits, seed: u64) -> Places {
        let half_open = limits.connections;
        let time_wait = half_open + limits.half_open;
        let listeners = time_wait + limits.time_wait;
        let place = |number| Place::try_from(number).unwrap_or(Place::MAX);
        Places {
            // spec: tcp-hash-keyed
            demultiplexer: Demultiplexer::new(listeners + limits.listeners, seed),
            half_open: place(half_open),
            time_wait: place(time_wait),
            listeners: place(listeners),
        }
    }

    /// Returns the entry of a segment from `peer` to `local` on an interface.
    // spec: rfc9293-listen-independent, tcp-interface
    pub(super) fn find(
        &self,
        interface: InterfaceId,
        local: SocketAddrV4,
        peer: SocketAddrV4,
    ) -> Option<Entry> {
        self.demultiplexer.find_on(interface, local, peer).map(|place| self.entry(place))
    }

    /// Returns the listener of a local address and port.
    pub(super) fn listener(&self, local: SocketAddrV4) -> Option<Place> {
        // The peers of all other entries have an interface.
        match self
            .demultiplexer
            .find(local, SocketAddrV4::new(*local.ip(), 0))
            .map(|place| self.entry(place))?
        {
            Entry::Listener(place) => Some(place),
            Entry::Connection(_) | Entry::HalfOpen(_) | Entry::TimeWait(_) => None,
        }
    }

    /// Adds an entry for an interface, two addresses and two ports. Fails if they have an entry already.
    pub(super) fn insert(
        &mut self,
        entry: Entry,
        interface: InterfaceId,
        local: SocketAddrV4,
        peer: SocketAddrV4,
    ) -> Result<(), BindingInUse> {
        let binding = Binding { addresses: exactly(*local.ip()), port: local.port() };
        self.demultiplexer.insert_on(interface, self.place(entry), binding, peer)
    }

    /// Adds a listener. Fails if another listener has the same binding.
    pub(super) fn insert_listener(&mut self, place: Place, local: Binding) -> Result<(), BindingInUse> {
        self.demultiplexer.insert(self.place(Entry::Listener(place)), local, None)
    }

    pub(super) fn remove(&mut self, entry: Entry) {
        self.demultiplexer.remove(self.place(entry));
    }

    /// Returns the number of an entry: its place among all tables.
    pub(super) fn place(&self, entry: Entry) -> Place {
        match entry {
            Entry::Connection(place) => place,
            Entry::HalfOpen(place) => self.half_open.saturating_add(place),
            Entry::TimeWait(place) => self.time_wait.saturating_add(place),
            Entry::Listener(place) => self.listeners.saturating_add(place),
        }
    }

    /// Returns the entry with a number.
    pub(super) fn entry(&self, number: Place) -> Entry {
        if number < self.half_open {
            Entry::Connection(number)
        } else if number < self.time_wait {
            Entry::HalfOpen(number - self.half_open)
        } else if number < self.listeners {
            Entry::TimeWait(number - self.time_wait)
        } else {
            Entry::Listener(number - self.listeners)
        }
    }
}

fn exactly(address: Ipv4Addr) -> Ipv4Net {
    address.into()
}
