//! TCP sockets: listeners and connections.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use base::list::index;
use inet::{Binding, InterfaceId};
use ipnet::{IpNet, Ipv4Net};
use tap::{Instant, Pool};
use tcp::{
    CloseReason, Connect, ConnectionId, ListenerId, Setting, State, Status, TcpEntry, TcpError, TcpInfo,
    TcpReady, TcpSettings, TcpTotals,
};

use crate::host::Host;
use crate::path_cache::Hop;
use crate::socket_calls::to_ipv4;
use crate::sockets::{SocketError, SocketId, SocketInfo, SocketKind, SocketTable, TcpBacklog};

/// A TCP listener to create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpListen {
    /// Local addresses: 0.0.0.0/0 for all local addresses, a network for its local addresses, or one address.
    pub addresses: IpNet,
    /// Local port, or `None` for a random free port.
    pub port: Option<u16>,
    /// Maximum number of established connections that wait for [`Host::accept_tcp`].
    pub backlog: usize,
    /// Settings of the accepted connections.
    pub settings: TcpSettings,
}

/// A TCP connection to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpConnect {
    /// Local address. `None` selects the address of the route to the destination.
    pub source: Option<IpAddr>,
    /// Local port, or `None` for a free port that depends on the destination (RFC 6056 3.3.3).
    pub source_port: Option<u16>,
    /// Interface of the local address. `None` selects the interface of the route to the destination.
    pub interface: Option<InterfaceId>,
    /// Address and port of the peer.
    pub destination: SocketAddr,
    /// Settings of the connection.
    pub settings: TcpSettings,
}

/// An accepted TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedTcp {
    /// Identifier of the connection.
    pub socket: SocketId,
    /// Local address and port.
    pub local: SocketAddr,
    /// Address and port of the peer.
    pub peer: SocketAddr,
    /// Interface of the connection.
    pub interface: InterfaceId,
}

/// Result of reading from a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpRead {
    /// This number of bytes was read.
    Data(usize),
    /// The peer has closed its direction, and all data was read.
    End,
    /// No data is readable now. The readiness list will have the socket when this changes.
    WouldBlock,
}

/// State of a TCP connection or listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpSocketInfo {
    /// Number of the connection or listener.
    pub number: u32,
    /// Identifier of the socket. `None` for a connection that no user holds.
    pub id: Option<SocketId>,
    /// Local addresses. A connection has one address.
    pub addresses: IpNet,
    /// Local port.
    pub port: u16,
    /// Peer of a connection.
    pub peer: Option<SocketAddr>,
    /// State of a connection.
    pub state: Option<State>,
    /// Queue of a listener.
    pub backlog: Option<TcpBacklog>,
    /// Data to read, in bytes.
    pub received_bytes: usize,
    /// Unacknowledged and unsent data, in bytes.
    pub sending_bytes: usize,
    /// State of an open connection in detail.
    pub details: Option<TcpInfo>,
}

impl Default for TcpListen {
    /// Returns a listener on a random free port of all local addresses, with a backlog of 4,096 connections.
    fn default() -> TcpListen {
        TcpListen {
            addresses: Ipv4Net::default().into(),
            port: None,
            backlog: 4_096,
            settings: TcpSettings::default(),
        }
    }
}

impl TcpConnect {
    /// Returns a connection to this destination from the address that the route selects, with default settings.
    pub fn new(destination: SocketAddr) -> TcpConnect {
        TcpConnect {
            source: None,
            source_port: None,
            interface: None,
            destination,
            settings: TcpSettings::default(),
        }
    }
}

impl Host {
    /// Creates a TCP listener. Fails without a change if the binding is in use or invalid, or if a limit is reached.
    ///
    /// [`Host::accept_tcp`] returns its connections. Several listeners may have the same port if their addresses or
    /// prefix lengths differ: the longest prefix precedes the others.
    // spec: rfc9293-listen-independent
    pub fn listen_tcp(&mut self, listen: &TcpListen) -> Result<SocketId, SocketError> {
        if listen.port == Some(0) {
            return Err(SocketError::PortZero);
        }
        let addresses = self.bindable(listen.addresses)?;
        let binding = Binding { addresses, port: listen.port.unwrap_or_default() };
        let listening = self.shared.tcp.listen(binding, listen.backlog, &listen.settings);
        listening.map(SocketId::from).map_err(|error| refused(error, listen.addresses.addr()))
    }

    /// Removes and returns the first established connection of a listener. Returns `None` if no connection waits.
    pub fn accept_tcp(&mut self, listener: SocketId) -> Option<AcceptedTcp> {
        let id = self.shared.tcp.accept(listener.listener().ok()?)?;
        let addresses = self.shared.tcp.addresses(id)?;
        Some(AcceptedTcp {
            socket: id.into(),
            local: addresses.local.into(),
            peer: addresses.peer.into(),
            interface: addresses.interface,
        })
    }

    /// Opens a TCP connection. The readiness list has the socket when the connection is established or has failed:
    /// see [`Host::tcp_status`]. Data can be written at once.
    ///
    /// Fails without a change if the destination is not the address of another host, if no route or source address
    /// exists, or if a limit is reached.
    // spec: rfc9293-open-unicast, rfc9293-local-address, rfc9293-multihoming
    pub fn connect_tcp(&mut self, now: Instant, connect: &TcpConnect) -> Result<SocketId, SocketError> {
        // spec: tcp-port-zero
        if connect.source_port == Some(0) {
            return Err(SocketError::PortZero);
        }
        let destination = match connect.destination {
            SocketAddr::V4(destination) if destination.port() == 0 => return Err(SocketError::PortZero),
            SocketAddr::V4(destination) => destination,
            SocketAddr::V6(destination) => return Err(SocketError::Ipv6((*destination.ip()).into())),
        };
        let source = connect.source.map(to_ipv4).transpose()?;
        let origin =
            self.select_source(Ipv4Net::default(), (connect.interface, source), *destination.ip())?;
        // RFC 9293 3.9.1.1: "A TCP implementation MUST reject as an error a local OPEN call for an invalid remote IP
        // address (e.g., a broadcast or multicast address) (MUST-46)."
        if let Hop::Group(_) = self.next_hop(&origin, *destination.ip(), true)? {
            return Err(SocketError::InvalidDestination((*destination.ip()).into()));
        }
        let mtu = origin.interface.path_mtu(now, *destination.ip());
        let connect = Connect {
            local: origin.source,
            port: connect.source_port,
            peer: destination,
            interface: origin.interface.id,
            interface_mtu: u16::try_from(origin.interface.config.mtu).unwrap_or(u16::MAX),
            mtu: u16::try_from(mtu).unwrap_or(u16::MAX),
            settings: connect.settings,
        };
        self.now = now;
        let opened = self.shared.tcp.connect(now, &connect);
        opened.map(SocketId::from).map_err(|error| refused(error, (*destination.ip()).into()))
    }

    /// Adds data to the send buffer of a connection. Returns how many bytes the buffer has accepted: less than the length
    /// of `data` if the buffer is full. In this case, the readiness list has the socket when the buffer has capacity
    /// again.
    ///
    /// Fails if the connection has ended, or after [`Host::shutdown_tcp`].
    pub fn write_tcp(
        &mut self,
        now: Instant,
        id: SocketId,
        data: &[u8],
        pool: &mut Pool,
    ) -> Result<usize, SocketError> {
        let id = id.connection()?;
        self.now = now;
        self.shared.tcp.write(now, id, data, pool).map_err(|_| self.write_error(id))
    }

    /// Ends a record: no segment has data that was written before and data that is written later. Returns false if the send
    /// buffer has 1,024 records or the memory is full: the data then has the same record as data that is written later.
    ///
    /// Fails if no more data can be sent, because the connection ended or was shut down.
    pub fn end_record_tcp(&mut self, now: Instant, id: SocketId) -> Result<bool, SocketError> {
        let id = id.connection()?;
        self.now = now;
        self.shared.tcp.end_record(now, id).map_err(|_| self.write_error(id))
    }

    /// Returns why a connection accepts no data.
    fn write_error(&self, id: ConnectionId) -> SocketError {
        match self.shared.tcp.status(id) {
            None => SocketError::Closed,
            Some(status) => status.closed.map_or(SocketError::ShutDown, SocketError::Disconnected),
        }
    }

    /// Reads data of a connection into `buffer`.
    ///
    /// Fails if the connection has ended with an error. The data that was received before is lost.
    pub fn read_tcp(
        &mut self,
        now: Instant,
        id: SocketId,
        buffer: &mut [u8],
        pool: &mut Pool,
    ) -> Result<TcpRead, SocketError> {
        let id = id.connection()?;
        let status = self.shared.tcp.status(id).ok_or(SocketError::Closed)?;
        self.now = now;
        let length = self.shared.tcp.read(now, id, buffer, pool).map_err(|_| SocketError::Closed)?;
        if length > 0 || buffer.is_empty() {
            return Ok(TcpRead::Data(length));
        }
        match status.closed {
            None if !status.is_end_of_data => Ok(TcpRead::WouldBlock),
            None | Some(CloseReason::Closed) => Ok(TcpRead::End),
            Some(reason) => Err(SocketError::Disconnected(reason)),
        }
    }

    /// Returns the next bytes that a connection has received, without a copy: the data of one received frame. Empty if no
    /// data is readable. [`Host::consume_tcp`] removes the bytes.
    pub fn tcp_chunk(&self, id: SocketId) -> Result<&[u8], SocketError> {
        self.shared.tcp.chunk(id.connection()?).ok_or(SocketError::Closed)
    }

    /// Removes bytes from the start of the received data. Does nothing if the connection is closed.
    pub fn consume_tcp(&mut self, now: Instant, id: SocketId, bytes: usize, pool: &mut Pool) {
        if let Ok(id) = id.connection() {
            self.now = now;
            self.shared.tcp.consume(now, id, bytes, pool);
        }
    }

    /// Closes the sending direction of a connection: sends FIN after the data in the send buffer. Data can be read
    /// further.
    pub fn shutdown_tcp(&mut self, now: Instant, id: SocketId) -> Result<(), SocketError> {
        self.now = now;
        self.shared.tcp.shutdown(now, id.connection()?).map_err(|_| SocketError::Closed)
    }

    /// Ends a connection at once: sends a reset, and discards the data in both buffers. The identifier becomes invalid.
    /// Does nothing if the connection is closed.
    pub fn abort_tcp(&mut self, now: Instant, id: SocketId, pool: &mut Pool) {
        if let Ok(id) = id.connection() {
            self.now = now;
            self.shared.tcp.abort(now, id, pool);
        }
    }

    /// Returns the state of a connection.
    pub fn tcp_status(&self, id: SocketId) -> Result<Status, SocketError> {
        self.shared.tcp.status(id.connection()?).ok_or(SocketError::Closed)
    }

    /// Returns the measurements of a connection, or `None` if the connection is closed.
    pub fn tcp_info(&self, id: SocketId) -> Option<TcpInfo> {
        self.shared.tcp.info(id.connection().ok()?)
    }

    /// Returns the states of all TCP connections and listeners after a number: also of half-open connections, connections
    /// in TIME-WAIT, and connections that their users have closed. The numbers ascend.
    pub fn tcp_sockets_after(&self, after: Option<u32>) -> impl Iterator<Item = TcpSocketInfo> {
        self.shared.tcp.entries_after(after).map(|(number, entry)| TcpSocketInfo::new(number, entry))
    }

    /// Returns the states of the TCP sockets of users: connections, then listeners. With `after`, returns those after this
    /// socket, which may be closed.
    pub(crate) fn tcp_sockets(&self, after: Option<SocketId>) -> impl Iterator<Item = SocketInfo> {
        // The place of a closed socket may have another socket.
        let before = after.and_then(|id| self.tcp_number(id)?.checked_sub(1));
        let infos = self.tcp_sockets_after(before).filter_map(|info| info.socket());
        infos.skip_while(move |info| after.is_some_and(|id| info.id <= id))
    }

    /// Returns the state of a TCP socket, or `None` if the socket is closed.
    pub(crate) fn tcp_socket(&self, id: SocketId) -> Option<SocketInfo> {
        let number = self.tcp_number(id)?;
        let info = TcpSocketInfo::new(number, self.shared.tcp.entry(number)?);
        info.socket().filter(|info| info.id == id)
    }

    /// Returns the number of a TCP socket, which may be closed.
    fn tcp_number(&self, id: SocketId) -> Option<u32> {
        let tcp = &self.shared.tcp;
        let number = id.connection().map(|id| tcp.connection_number(id));
        number.or_else(|_| id.listener().map(|id| tcp.listener_number(id))).ok()
    }

    /// Returns the numbers of TCP connections by kind, and the memory of their buffers.
    pub fn tcp_totals(&self) -> TcpTotals {
        self.shared.tcp.totals()
    }

    /// Changes a setting of a connection.
    // spec: rfc9293-service
    pub fn set_tcp(&mut self, now: Instant, id: SocketId, setting: Setting) -> Result<(), SocketError> {
        self.now = now;
        self.shared.tcp.set(now, id.connection()?, setting).map_err(|_| SocketError::Closed)
    }
}

/// Returns the error of a call that creates a TCP socket. `address` is the local address of a listener, or the address of
/// a peer.
fn refused(error: TcpError, address: IpAddr) -> SocketError {
    match error {
        TcpError::AddressInUse => SocketError::AddressInUse,
        TcpError::NoFreePort => SocketError::NoFreePort,
        TcpError::InvalidPeer => SocketError::InvalidDestination(address),
        TcpError::TooManyConnections | TcpError::TooManyListeners => SocketError::TooManySockets,
        TcpError::Closed => SocketError::Closed,
    }
}

impl SocketId {
    /// Returns the identifier of the TCP connection, or an error for another socket.
    pub(crate) fn connection(self) -> Result<ConnectionId, SocketError> {
        let SocketId { table, index, generation } = self;
        match table {
            SocketTable::Connection => Ok(ConnectionId { index, generation }),
            SocketTable::Datagram | SocketTable::Listener => Err(SocketError::Closed),
        }
    }

    /// Returns the identifier of the TCP listener, or an error for another socket.
    pub(crate) fn listener(self) -> Result<ListenerId, SocketError> {
        let SocketId { table, index, generation } = self;
        match table {
            SocketTable::Listener => Ok(ListenerId { index, generation }),
            SocketTable::Datagram | SocketTable::Connection => Err(SocketError::Closed),
        }
    }
}

impl From<ConnectionId> for SocketId {
    fn from(ConnectionId { index, generation }: ConnectionId) -> SocketId {
        SocketId { table: SocketTable::Connection, index, generation }
    }
}

impl From<TcpReady> for SocketId {
    fn from(ready: TcpReady) -> SocketId {
        match ready {
            TcpReady::Connection(id) => id.into(),
            TcpReady::Listener(id) => id.into(),
        }
    }
}

impl From<ListenerId> for SocketId {
    fn from(ListenerId { index, generation }: ListenerId) -> SocketId {
        SocketId { table: SocketTable::Listener, index, generation }
    }
}

impl TcpSocketInfo {
    fn new(number: u32, entry: TcpEntry) -> TcpSocketInfo {
        match entry {
            TcpEntry::Listener { id, binding, queued, backlog, .. } => TcpSocketInfo {
                id: Some(id.into()),
                addresses: binding.addresses.into(),
                port: binding.port,
                peer: None,
                state: None,
                backlog: Some(TcpBacklog { waiting: queued, limit: backlog }),
                ..TcpSocketInfo::without_data(number, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))
            },
            TcpEntry::Connection { id, local, peer, status, info, .. } => TcpSocketInfo {
                id: id.map(SocketId::from),
                peer: Some(peer.into()),
                state: Some(status.state),
                received_bytes: status.readable,
                sending_bytes: index(info.unacknowledged.saturating_add(info.unsent)),
                details: Some(*info),
                ..TcpSocketInfo::without_data(number, local)
            },
            TcpEntry::HalfOpen { local, peer, .. } => TcpSocketInfo {
                peer: Some(peer.into()),
                state: Some(State::SynReceived),
                ..TcpSocketInfo::without_data(number, local)
            },
            TcpEntry::TimeWait { local, peer, .. } => TcpSocketInfo {
                peer: Some(peer.into()),
                state: Some(State::TimeWait),
                ..TcpSocketInfo::without_data(number, local)
            },
        }
    }

    fn without_data(number: u32, local: SocketAddrV4) -> TcpSocketInfo {
        TcpSocketInfo {
            number,
            id: None,
            addresses: IpNet::from(IpAddr::V4(*local.ip())),
            port: local.port(),
            peer: None,
            state: None,
            backlog: None,
            received_bytes: 0,
            sending_bytes: 0,
            details: None,
        }
    }

    /// Returns the state of a socket that a user holds.
    fn socket(&self) -> Option<SocketInfo> {
        Some(SocketInfo {
            id: self.id?,
            kind: if self.backlog.is_some() { SocketKind::TcpListener } else { SocketKind::Tcp },
            addresses: self.addresses,
            port: self.port,
            peer: self.peer,
            broadcast: false,
            state: self.state,
            backlog: self.backlog,
            received_bytes: self.received_bytes,
            sending_bytes: self.sending_bytes,
            dropped: 0,
            failures_lost: 0,
        })
    }
}
