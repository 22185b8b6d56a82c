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
        let connections = self.connections.iter_from(connection).map(|(place, held)| {
            let connection = &held.connection;
            let id = (held.owner == Owner::User).then(|| self.connections.id(place));
            let (local, peer) = (connection.local(), connection.peer());
            let (status, info) = (connection.status(), Box::new(connection.info(self.now)));
            let entry = TcpEntry::Connection { id, local, peer, interface: held.interface, status, info };
            (self.places.place(Entry::Connection(place)), entry)
        });
        let half_opens = self.half_opens.iter_from(half_open).map(|(place, row)| {
            let entry = TcpEntry::HalfOpen { local: row.local, peer: row.peer, interface: row.interface() };
            (self.places.place(Entry::HalfOpen(place)), entry)
        });
        let time_waits = self.time_waits.places_from(time_wait).filter_map(|place| {
            let row = self.time_waits.get(place)?;
            let rest = self.time_waits.ends_at(place)?.since(self.now);
            let entry = TcpEntry::TimeWait { local: row.local, peer: row.peer, rest };
            Some((self.places.place(Entry::TimeWait(place)), entry))
        });
        let listeners = self.listeners.iter_from(listener).map(|(place, state)| {
            let entry = TcpEntry::Listener {
                id: self.listeners.id(place),
                binding: state.binding,
                queued: state.queued,
                backlog: state.backlog,
                half_open: state.half_open,
                overflows: state.overflows,
            };
            (self.places.place(Entry::Listener(place)), entry)
        });
        connections.chain(half_opens).chain(time_waits).chain(listeners)
    }
}
