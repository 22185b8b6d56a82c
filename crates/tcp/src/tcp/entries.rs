//! All connections and listeners, for tools that print them.

use std::net::SocketAddrV4;
use std::time::Duration;

use base::Place;
use inet::{Binding, InterfaceId};

use super::connections::Owner;
use super::places::Entry;
use super::{ConnectionId, ListenerId, Tcp};
use crate::{Status, TcpInfo};

/// A connection or a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TcpEntry {
    /// A listener.
    Listener {
        /// Identifier of the listener.
        id: ListenerId,
        /// Local addresses and port.
        binding: Binding,
        /// Number of connections that wait for acceptance.
        queued: usize,
        /// Maximum number of connections that wait for acceptance.
        backlog: usize,
        /// Number of half-open connections.
        half_open: usize,
        /// Number of handshakes that did not complete because the maximum number of connections waited.
        overflows: u64,
    },
    /// A half-open connection.
    HalfOpen {
        /// Local address and port.
        local: SocketAddrV4,
        /// Address and port of the peer.
        peer: SocketAddrV4,
        /// Interface of the path to the peer.
        interface: InterfaceId,
    },
    /// A connection.
    Connection {
        /// Identifier of the connection, or `None` if no user holds it.
        id: Option<ConnectionId>,
        /// Local address and port.
        local: SocketAddrV4,
        /// Address and port of the peer.
        peer: SocketAddrV4,
        /// Interface of the path to the peer.
        interface: InterfaceId,
        /// State.
        status: Status,
        /// State in detail.
        info: Box<TcpInfo>,
    },
    /// A connection in TIME-WAIT that its user has closed.
    TimeWait {
        /// Local address and port.
        local: SocketAddrV4,
        /// Address and port of the peer.
        peer: SocketAddrV4,
        /// Time until the connection ends.
        rest: Duration,
    },
}

impl Tcp {
    /// Returns all connections and listeners after a number, with their numbers: first connections, then half-open
    /// connections, connections in TIME-WAIT, and listeners. The numbers ascend, so that a tool can continue after the
    /// last number that it printed.
    pub fn entries_after(&self, after: Option<u32>) -> impl Iterator<Item = (u32, TcpEntry)> + '_ {
        let first = after.map_or(Some(0), |after| after.checked_add(1));
        let start = first.map(|first| self.places.entry(first));
        let (connection, half_open, time_wait, listener) = match start {
            Some(Entry::Connection(place)) => (place, 0, 0, 0),
            Some(Entry::HalfOpen(place)) => (Place::MAX, place, 0, 0),
            Some(Entry::TimeWait(place)) => (Place::MAX, Place::MAX, place, 0),
            Some(Entry::Listener(place)) => (Place::MAX, Place::MAX, Place::MAX, place),
            None => (Place::MAX, Place::MAX, Place::MAX, Place::MAX),
        };
        let connections = self.connections.iter_from(connection).map(|(place, _)| Entry::Connection(place));
        let half_opens = self.half_opens.iter_from(half_open).map(|(place, _)| Entry::HalfOpen(place));
        let time_waits = self.time_waits.places_from(time_wait).map(Entry::TimeWait);
        let listeners = self.listeners.iter_from(listener).map(|(place, _)| Entry::Listener(place));
        let all = connections.chain(half_opens).chain(time_waits).chain(listeners);
        all.filter_map(|entry| Some((self.places.place(entry), self.entry_at(entry)?)))
    }

    /// Returns the connection or the listener with a number.
    pub fn entry(&self, number: u32) -> Option<TcpEntry> {
        self.entry_at(self.places.entry(number))
    }

    /// Returns the number of a connection, also after its end.
    pub fn connection_number(&self, id: ConnectionId) -> u32 {
        self.places.place(Entry::Connection(id.index))
    }

    /// Returns the number of a listener, also after its end.
    pub fn listener_number(&self, id: ListenerId) -> u32 {
        self.places.place(Entry::Listener(id.index))
    }

    fn entry_at(&self, entry: Entry) -> Option<TcpEntry> {
        Some(match entry {
            Entry::Connection(place) => {
                let held = self.connections.get(place)?;
                let connection = &held.connection;
                TcpEntry::Connection {
                    id: (held.owner == Owner::User).then(|| self.connections.id(place)),
                    local: connection.local(),
                    peer: connection.peer(),
                    interface: held.interface,
                    status: connection.status(),
                    info: Box::new(connection.info(self.now)),
                }
            }
            Entry::HalfOpen(place) => {
                let row = self.half_opens.get(place)?;
                TcpEntry::HalfOpen { local: row.local, peer: row.peer, interface: row.interface() }
            }
            Entry::TimeWait(place) => {
                let row = self.time_waits.get(place)?;
                let rest = self.time_waits.ends_at(place)?.since(self.now);
                TcpEntry::TimeWait { local: row.local, peer: row.peer, rest }
            }
            Entry::Listener(place) => {
                let state = self.listeners.get(place)?;
                TcpEntry::Listener {
                    id: self.listeners.id(place),
                    binding: state.binding,
                    queued: state.queued,
                    backlog: state.backlog,
                    half_open: state.half_open,
                    overflows: state.overflows,
                }
            }
        })
    }
}
