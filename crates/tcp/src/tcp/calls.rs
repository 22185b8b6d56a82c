//! Calls of users.

use std::net::SocketAddrV4;
use std::time::Duration;

use base::Place;
use inet::{Binding, EphemeralPorts, InterfaceId, is_valid_host};
use tap::{Instant, Pool};

use super::connections::{Held, Owner, Wait};
use super::listeners::Listener;
use super::places::{Entry, Places};
use super::time_wait::TimeWaits;
use super::{Addresses, Connect, ConnectionId, ListenerId, Tcp, TcpError};
use crate::{Connection, Resources, SequenceNumber, Setting, Start, State, Status, TcpInfo, TcpSettings};

impl Tcp {
    /// Creates a listener for local addresses and a port. Port 0 selects a free ephemeral port.
    ///
    /// Up to `backlog` established connections wait for [`Tcp::accept`], and at least one. Fails without a change if
    /// another listener has the same addresses and the same port, or if the maximum number of listeners exists.
    // spec: rfc9293-listen-independent
    pub fn listen(
        &mut self,
        local: Binding,
        backlog: usize,
        settings: &TcpSettings,
    ) -> Result<ListenerId, TcpError> {
        let place = self.listeners.vacant().ok_or(TcpError::TooManyListeners)?;
        let port = match local.port {
            0 => {
                let listeners = &self.listeners;
                self.ports.select(|port| !listeners.has_port(port)).ok_or(TcpError::NoFreePort)?
            }
            port => port,
        };
        let binding = Binding { addresses: local.addresses.trunc(), port };
        self.places.insert_listener(place, binding).map_err(|_| TcpError::AddressInUse)?;
        Ok(self.listeners.insert(place, Listener::new(binding, backlog, settings)))
    }

    /// Returns the addresses and the port of a listener.
    pub fn binding(&self, id: ListenerId) -> Option<Binding> {
        self.listeners.get(self.listeners.place(id)?).map(|listener| listener.binding)
    }

    /// Removes and returns the first connection that waits for acceptance.
    pub fn accept(&mut self, id: ListenerId) -> Option<ConnectionId> {
        let listener = self.listeners.get_mut(self.listeners.place(id)?)?;
        let place = listener.queue.first()?;
        self.connections.unlink_from_backlog(&mut listener.queue, place);
        listener.queued = listener.queued.saturating_sub(1);
        self.connections.get_mut(place)?.owner = Owner::User;
        self.refresh(place);
        Some(self.connections.id(place))
    }

    /// Closes a listener: resets the connections that wait for acceptance, and the half-open connections.
    // spec: tcp-listener-close
    pub fn close_listener(&mut self, now: Instant, id: ListenerId, pool: &mut Pool) {
        self.now = now;
        let Some(place) = self.listeners.place(id) else { return };
        while let Some(waiting) = self.listeners.get(place).and_then(|listener| listener.queue.first()) {
            self.abort_at(now, waiting, pool);
        }
        let mut from = 0;
        while let Some(half_open) = self.half_opens.of_listener(place, from) {
            // RFC 9293 3.10.5, SYN-RECEIVED: "Send a reset segment: <SEQ=SND.NXT><CTL=RST>". The peer may have sent the last
            // ACK of the handshake already, and then waits for data.
            if let Some((interface, reset)) = self.reset_of_half_open(now, half_open) {
                self.send_reset(interface, Some(reset), self.service_of(place));
            }
            self.remove_half_open(half_open);
            from = half_open;
        }
        self.places.remove(Entry::Listener(place));
        self.listeners.remove(place);
    }

    /// Opens a connection. Its SYN is due.
    ///
    /// Fails without a change if the addresses and ports are those of another connection, if no ephemeral port is free,
    /// if the peer is invalid, or if the maximum number of connections exists.
    // spec: rfc9293-local-address
    pub fn connect(&mut self, now: Instant, connect: &Connect) -> Result<ConnectionId, TcpError> {
        self.now = now;
        let peer = connect.peer;
        // RFC 9293 3.9.1.1: "A TCP implementation MUST reject as an error a local OPEN call for an invalid remote IP
        // address (e.g., a broadcast or multicast address) (MUST-46)."
        // spec: rfc9293-open-unicast
        if peer.port() == 0 || !is_valid_host(*peer.ip()) || *peer.ip() == connect.local {
            return Err(TcpError::InvalidPeer);
        }
        let place = self.connections.vacant().ok_or(TcpError::TooManyConnections)?;
        let local = SocketAddrV4::new(connect.local, self.local_port(now, connect)?);
        let above = self.replace_time_wait(now, connect.interface, (local, peer));
        let inserted = self.places.insert(Entry::Connection(place), connect.interface, local, peer);
        inserted.map_err(|_| TcpError::AddressInUse)?;
        let start = Start {
            local,
            peer,
            initial_sequence: self.initial_sequence(now, (local, peer), above),
            timestamp_offset: self.numbers.timestamp_offset(*local.ip(), *peer.ip()),
            mtu: connect.interface_mtu,
        };
        let mut connection = Connection::open(now, &connect.settings, &start);
        connection.set_mtu(now, connect.mtu);
        self.connections.insert(Held::new(connection, connect.interface, Owner::User));
        self.counters.active_opens += 1;
        self.refresh(place);
        Ok(self.connections.id(place))
    }

    /// Returns the local port of a connection to open.
    // spec: tcp-ephemeral-ports
    fn local_port(&mut self, now: Instant, connect: &Connect) -> Result<u16, TcpError> {
        if let Some(port) = connect.port {
            return Ok(port);
        }
        let Connect { local, peer, interface, .. } = *connect;
        let Tcp { places, ports, time_waits, .. } = self;
        let entry = |places: &Places, port| places.find(interface, SocketAddrV4::new(local, port), peer);
        let free = ports.select_for(local, peer, |port| entry(places, port).is_none());
        // A port in TIME-WAIT is taken last.
        let reused = |ports: &mut EphemeralPorts| {
            ports.select_for(local, peer, |port| match entry(places, port) {
                Some(Entry::TimeWait(place)) => may_reuse(now, time_waits, place),
                _ => false,
            })
        };
        free.or_else(|| reused(ports)).ok_or(TcpError::NoFreePort)
    }

    /// Removes the connection in TIME-WAIT that a new connection to the same peer replaces. Returns its last sequence
    /// number.
    fn replace_time_wait(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        (local, peer): (SocketAddrV4, SocketAddrV4),
    ) -> Option<SequenceNumber> {
        let Some(Entry::TimeWait(place)) = self.places.find(interface, local, peer) else { return None };
        if !may_reuse(now, &self.time_waits, place) {
            return None;
        }
        let last = self.time_waits.get(place)?.send_next;
        self.counters.time_wait_reused += 1;
        self.remove_time_wait(place);
        Some(last)
    }

    /// Returns addresses and interface of a connection.
    pub fn addresses(&self, id: ConnectionId) -> Option<Addresses> {
        let held = self.connections.get(self.connections.place(id)?)?;
        let (local, peer) = (held.connection.local(), held.connection.peer());
        Some(Addresses { local, peer, interface: held.interface })
    }

    /// Appends data to the send buffer of a connection. Returns the number of bytes that the buffer took. If it did not
    /// take all bytes, the connection becomes ready when its buffer has capacity.
    ///
    /// Fails if no more data can be sent, because the connection ended or was shut down.
    pub fn write(
        &mut self,
        now: Instant,
        id: ConnectionId,
        data: &[u8],
        pool: &mut Pool,
    ) -> Result<usize, TcpError> {
        let (place, (can_write, written, writable)) = self.with_user(now, id, pool, |connection, cx| {
            let written = connection.write(now, data, cx);
            (connection.can_write(), written, connection.status().writable)
        })?;
        if !can_write {
            return Err(TcpError::Closed);
        }
        match written < data.len() {
            true if writable > 0 => self.connections.wait_for_memory(place, self.memory.used()),
            true => self.connections.wait_for(place, Wait::Buffer),
            false => self.connections.wait_for(place, Wait::Nothing),
        }
        self.refresh(place);
        Ok(written)
    }

    /// Ends a record of a connection: no segment has data that was written before and data that is written later. Returns
    /// false if the send buffer has 1,024 records or the memory is full: the data then has the same record as data that is
    /// written later.
    ///
    /// Fails if no more data can be sent, because the connection ended or was shut down.
    pub fn end_record(&mut self, now: Instant, id: ConnectionId) -> Result<bool, TcpError> {
        self.now = now;
        let place = self.connections.place(id).ok_or(TcpError::Closed)?;
        let connection = &mut self.connections.get_mut(place).ok_or(TcpError::Closed)?.connection;
        if !connection.can_write() {
            return Err(TcpError::Closed);
        }
        let is_ended = connection.end_record(now, &mut self.memory);
        self.refresh(place);
        Ok(is_ended)
    }

    /// Copies received data of a connection to `buffer`. Returns the number of bytes.
    pub fn read(
        &mut self,
        now: Instant,
        id: ConnectionId,
        buffer: &mut [u8],
        pool: &mut Pool,
    ) -> Result<usize, TcpError> {
        let (place, length) =
            self.with_user(now, id, pool, |connection, cx| connection.read(now, buffer, cx))?;
        self.note_read(now, place, pool);
        Ok(length)
    }

    /// Returns the first received data of a connection, without a copy. The bytes are in order, but need not be all
    /// received bytes.
    pub fn chunk(&self, id: ConnectionId) -> Option<&[u8]> {
        Some(self.connections.get(self.connections.place(id)?)?.connection.chunk())
    }

    /// Removes the first received bytes of a connection, after its user has processed them.
    pub fn consume(&mut self, now: Instant, id: ConnectionId, bytes: usize, pool: &mut Pool) {
        let consumed = self.with_user(now, id, pool, |connection, cx| connection.consume(now, bytes, cx));
        if let Ok((place, ())) = consumed {
            self.note_read(now, place, pool);
        }
    }

    /// Ends the transmission of data: a FIN follows the written data. Received data can still be read.
    pub fn shutdown(&mut self, now: Instant, id: ConnectionId) -> Result<(), TcpError> {
        self.now = now;
        let place = self.connections.place(id).ok_or(TcpError::Closed)?;
        self.connections.get_mut(place).ok_or(TcpError::Closed)?.connection.shutdown(now);
        self.refresh(place);
        Ok(())
    }

    /// Closes a connection for its user. The written data and a FIN are sent, or a reset if unread data is lost. The
    /// identifier becomes invalid.
    pub fn close(&mut self, now: Instant, id: ConnectionId, pool: &mut Pool) {
        let closed = self.with_user(now, id, pool, |connection, cx| connection.close(now, cx));
        let Ok((place, reset)) = closed else { return };
        self.connections.orphan(place);
        let Some(held) = self.connections.get(place) else { return };
        let (interface, is_open) = (held.interface, held.connection.state() != State::Closed);
        let service = held.connection.service();
        self.send_reset(interface, reset, service);
        // spec: tcp-orphans
        if is_open && self.connections.orphans > self.limits.orphans {
            self.counters.orphans_reset += 1;
            return self.abort_at(now, place, pool);
        }
        self.settle(now, place, pool);
    }

    /// Ends a connection immediately: sends a reset, and discards its data. The identifier becomes invalid.
    pub fn abort(&mut self, now: Instant, id: ConnectionId, pool: &mut Pool) {
        self.now = now;
        if let Some(place) = self.connections.place(id) {
            self.abort_at(now, place, pool);
        }
    }

    /// Returns the state of a connection, or `None` if its user has closed it.
    pub fn status(&self, id: ConnectionId) -> Option<Status> {
        Some(self.connections.get(self.connections.place(id)?)?.connection.status())
    }

    /// Returns the state of a connection in detail, at the time of the last call.
    pub fn info(&self, id: ConnectionId) -> Option<TcpInfo> {
        Some(self.connections.get(self.connections.place(id)?)?.connection.info(self.now))
    }

    /// Changes a setting of a connection.
    // spec: rfc9293-service
    pub fn set(&mut self, now: Instant, id: ConnectionId, setting: Setting) -> Result<(), TcpError> {
        self.now = now;
        let place = self.connections.place(id).ok_or(TcpError::Closed)?;
        self.connections.get_mut(place).ok_or(TcpError::Closed)?.connection.set(now, setting);
        self.refresh(place);
        Ok(())
    }

    /// Ends a connection immediately, sends its reset, and removes it.
    fn abort_at(&mut self, now: Instant, place: Place, pool: &mut Pool) {
        let Some(held) = self.connections.get_mut(place) else { return };
        let (interface, owner) = (held.interface, held.owner);
        let service = held.connection.service();
        let reset = held.connection.abort(now, &mut Resources { memory: &mut self.memory, pool });
        self.send_reset(interface, reset, service);
        if owner == Owner::User {
            self.connections.orphan(place);
        }
        self.settle(now, place, pool);
    }

    /// Calls a function with a connection of a user, and with what it uses to store data. Returns the place of the
    /// connection, and the result of the function.
    fn with_user<R>(
        &mut self,
        now: Instant,
        id: ConnectionId,
        pool: &mut Pool,
        call: impl FnOnce(&mut Connection, &mut Resources<'_>) -> R,
    ) -> Result<(Place, R), TcpError> {
        self.now = now;
        let place = self.connections.place(id).ok_or(TcpError::Closed)?;
        let held = self.connections.get_mut(place).ok_or(TcpError::Closed)?;
        let result = call(&mut held.connection, &mut Resources { memory: &mut self.memory, pool });
        Ok((place, result))
    }

    /// Updates a connection after its user has read data.
    fn note_read(&mut self, now: Instant, place: Place, pool: &mut Pool) {
        if let Some(held) = self.connections.get_mut(place) {
            held.note_read();
        }
        self.settle(now, place, pool);
    }
}

/// Returns whether a connection in TIME-WAIT may be replaced by a new connection to the same peer: the timestamps of both
/// connections differ, so the peer can distinguish their segments (RFC 7323 5.3).
fn may_reuse(now: Instant, time_waits: &TimeWaits, place: Place) -> bool {
    time_waits.get(place).is_some_and(|state| state.timestamp.is_some())
        && time_waits.age(now, place).is_some_and(|age| age >= Duration::from_secs(1))
}
