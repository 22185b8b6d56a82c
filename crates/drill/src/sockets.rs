//! The descriptors of a script and their sockets.

use std::collections::HashMap;
use std::ffi::c_int;
use std::net::{SocketAddr, SocketAddrV4};
use std::os::fd::RawFd;

use host::{SocketError, SocketId, TcpConnect, TcpListen, TcpRead};
use ipnet::{IpNet, Ipv4Net};
use tcp::{CloseReason, Setting, State, TcpSettings};

use crate::epoll::Epoll;
use crate::errno::{CallResult, Errno};
use crate::kernel_settings;
use crate::network::Network;

/// The host and the sockets of a script.
pub(crate) struct Sockets {
    pub(crate) network: Network,
    table: HashMap<RawFd, Socket>,
    epolls: HashMap<RawFd, Epoll>,
}

/// A socket of a script.
#[expect(clippy::struct_excessive_bools, reason = "each property is independent of the others")]
pub(crate) struct Socket {
    pub(crate) role: Role,
    pub(crate) is_blocking: bool,
    /// The settings of the connection, of the connections of the listener, or of a later connection.
    pub(crate) settings: TcpSettings,
    /// Whether `recvmsg` reports the number of unread bytes (`TCP_INQ`).
    pub(crate) reports_unread: bool,
    /// Whether a small segment waits for more data (`TCP_CORK`).
    pub(crate) is_corked: bool,
    /// Whether the last call has announced more data (`MSG_MORE`).
    expects_more: bool,
}

/// State of a socket.
pub(crate) enum Role {
    /// Neither a listener nor a connection.
    New {
        /// The address of `bind`.
        local: Option<SocketAddrV4>,
    },
    Listener(Listener),
    Connection(Connection),
}

/// A listener of a script.
pub(crate) struct Listener {
    id: SocketId,
    listen: TcpListen,
}

/// A connection of a script.
#[derive(Clone, Copy)]
pub(crate) struct Connection {
    pub(crate) id: SocketId,
    is_read_shut: bool,
    is_write_shut: bool,
    reported: Reported,
}

/// What the calls of a script have returned about a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reported {
    Nothing,
    /// The connection is established.
    Established,
    /// The reason for the end of the connection.
    End,
}

impl Sockets {
    pub(crate) fn new(network: Network) -> Sockets {
        Sockets { network, table: HashMap::new(), epolls: HashMap::new() }
    }

    /// Returns whether calls of a descriptor may block.
    pub(crate) fn is_blocking(&self, descriptor: RawFd) -> bool {
        self.table.get(&descriptor).is_some_and(|socket| socket.is_blocking)
    }

    pub(crate) fn set_blocking(&mut self, descriptor: RawFd, is_blocking: bool) -> CallResult<()> {
        self.socket_mut(descriptor)?.is_blocking = is_blocking;
        Ok(())
    }

    /// Returns whether a descriptor has a socket.
    pub(crate) fn contains(&self, descriptor: RawFd) -> bool {
        self.table.contains_key(&descriptor)
    }

    /// Adds a socket for a new descriptor.
    pub(crate) fn open(&mut self, descriptor: RawFd, is_blocking: bool) {
        let role = Role::New { local: None };
        let settings = kernel_settings::read();
        self.table.insert(descriptor, Socket::new(role, is_blocking, settings));
    }

    pub(crate) fn bind(&mut self, descriptor: RawFd, address: SocketAddrV4) -> CallResult<()> {
        match &mut self.socket_mut(descriptor)?.role {
            Role::New { local: local @ None } => {
                *local = Some(address);
                Ok(())
            }
            _ => Err(Errno::INVALID),
        }
    }

    pub(crate) fn listen(&mut self, descriptor: RawFd, backlog: c_int) -> CallResult<()> {
        let socket = self.table.get_mut(&descriptor).ok_or(Errno::BAD_DESCRIPTOR)?;
        let Role::New { local } = socket.role else { return Err(Errno::INVALID) };
        let addresses = match local {
            Some(local) if !local.ip().is_unspecified() => Ipv4Net::from(*local.ip()),
            _ => Ipv4Net::default(),
        };
        let listen = TcpListen {
            addresses: IpNet::V4(addresses),
            port: local.map(|local| local.port()).filter(|port| *port != 0),
            backlog: usize::try_from(backlog).unwrap_or(0),
            settings: socket.settings,
        };
        let id = self.network.host.listen_tcp(&listen)?;
        socket.role = Role::Listener(Listener { id, listen });
        Ok(())
    }

    /// Replaces a listener by a listener with the current settings of its socket. Does nothing if the descriptor is no
    /// listener.
    pub(crate) fn listen_again(&mut self, descriptor: RawFd) -> CallResult<()> {
        let socket = self.table.get_mut(&descriptor).ok_or(Errno::BAD_DESCRIPTOR)?;
        let settings = socket.settings;
        if let Role::Listener(Listener { id, listen }) = &mut socket.role {
            let now = self.network.now();
            let Network { host, pool, .. } = &mut self.network;
            host.close(now, *id, pool);
            listen.settings = settings;
            *id = host.listen_tcp(listen)?;
        }
        Ok(())
    }

    /// Accepts a connection. `new_descriptor` creates its descriptor.
    pub(crate) fn accept(
        &mut self,
        descriptor: RawFd,
        new_descriptor: impl FnOnce() -> CallResult<RawFd>,
    ) -> CallResult<(RawFd, SocketAddrV4)> {
        let socket = self.socket(descriptor)?;
        let Role::Listener(listener) = &socket.role else { return Err(Errno::INVALID) };
        let (settings, is_corked) = (socket.settings, socket.is_corked);
        let accepted = self.network.host.accept_tcp(listener.id).ok_or(Errno::WOULD_BLOCK)?;
        let SocketAddr::V4(peer) = accepted.peer else { return Err(Errno::INVALID) };
        let reported = Reported::Established;
        let role = Role::Connection(Connection { reported, ..Connection::new(accepted.socket) });
        let new = new_descriptor()?;
        self.table.insert(new, Socket { is_corked, ..Socket::new(role, true, settings) });
        self.cork(new)?;
        Ok((new, peer))
    }

    /// Starts a connection, or returns the state of the connection that an earlier call has started.
    pub(crate) fn connect(&mut self, descriptor: RawFd, peer: SocketAddrV4) -> CallResult<()> {
        let now = self.network.now();
        let socket = self.table.get_mut(&descriptor).ok_or(Errno::BAD_DESCRIPTOR)?;
        match &mut socket.role {
            Role::New { local } => {
                let connect = TcpConnect {
                    source: local
                        .map(|local| (*local.ip()).into())
                        .filter(|ip: &std::net::IpAddr| !ip.is_unspecified()),
                    source_port: local.map(|local| local.port()).filter(|port| *port != 0),
                    interface: None,
                    destination: peer.into(),
                    settings: socket.settings,
                };
                let id = self.network.host.connect_tcp(now, &connect)?;
                socket.role = Role::Connection(Connection::new(id));
                let is_blocking = socket.is_blocking;
                self.cork(descriptor)?;
                if is_blocking { Err(Errno::WOULD_BLOCK) } else { Err(Errno(libc::EINPROGRESS)) }
            }
            Role::Listener(_) => Err(Errno(libc::EISCONN)),
            Role::Connection(connection) if connection.reported != Reported::Nothing => {
                Err(Errno(libc::EISCONN))
            }
            Role::Connection(connection) => {
                let status = self.network.host.tcp_status(connection.id)?;
                if let Some(reason) = status.closed {
                    connection.reported = Reported::End;
                    return Err(failure(reason).unwrap_or(Errno(libc::ECONNABORTED)));
                }
                match status.state {
                    State::SynSent | State::SynReceived if socket.is_blocking => Err(Errno::WOULD_BLOCK),
                    State::SynSent | State::SynReceived => Err(Errno(libc::EALREADY)),
                    _ => {
                        connection.reported = Reported::Established;
                        Ok(())
                    }
                }
            }
        }
    }

    /// Reads received data. Returns 0 at the end of the data.
    pub(crate) fn read(&mut self, descriptor: RawFd, buffer: &mut [u8]) -> CallResult<usize> {
        let (now, connection) = (self.network.now(), self.connection(descriptor)?);
        let Network { host, pool, .. } = &mut self.network;
        let read = match host.read_tcp(now, connection.id, buffer, pool) {
            Ok(TcpRead::Data(length)) => return Ok(length),
            // Linux reports the failure of a connection once, and then the end of the data.
            Err(SocketError::Disconnected(_)) => TcpRead::End,
            read => read?,
        };
        if let Some(errno) = self.take_failure(descriptor)? {
            return Err(errno);
        }
        if connection.is_read_shut || read == TcpRead::End { Ok(0) } else { Err(Errno::WOULD_BLOCK) }
    }

    /// Writes data to the send buffer. Returns the number of bytes that the buffer took.
    pub(crate) fn write(&mut self, descriptor: RawFd, data: &[u8]) -> CallResult<usize> {
        let (now, connection) = (self.network.now(), self.connection(descriptor)?);
        if let Some(errno) = self.take_failure(descriptor)? {
            return Err(errno);
        }
        let status = self.network.host.tcp_status(connection.id)?;
        if connection.is_write_shut || status.closed.is_some() {
            return Err(Errno::BROKEN_PIPE);
        }
        if matches!(status.state, State::SynSent | State::SynReceived) {
            return Err(Errno::WOULD_BLOCK);
        }
        let Network { host, pool, .. } = &mut self.network;
        match host.write_tcp(now, connection.id, data, pool)? {
            0 if !data.is_empty() => Err(Errno::WOULD_BLOCK),
            length => Ok(length),
        }
    }

    /// Ends a record at the end of the written data (`MSG_EOR`). Without a place for the end, later data has the same record.
    pub(crate) fn end_record(&mut self, descriptor: RawFd) -> CallResult<()> {
        let (now, id) = (self.network.now(), self.connection(descriptor)?.id);
        self.network.host.end_record_tcp(now, id)?;
        Ok(())
    }

    /// Records whether the call that follows announces more data (`MSG_MORE`).
    pub(crate) fn expect_more(&mut self, descriptor: RawFd, expects_more: bool) -> CallResult<()> {
        let socket = self.socket_mut(descriptor)?;
        if std::mem::replace(&mut socket.expects_more, expects_more) != expects_more {
            self.cork(descriptor)?;
        }
        Ok(())
    }

    /// Ends the wait of all sockets for the announced data. Linux sends such data with the next received segment.
    pub(crate) fn stop_expecting_more(&mut self) -> CallResult<()> {
        let is_expecting =
            |(descriptor, socket): (&RawFd, &Socket)| socket.expects_more.then_some(*descriptor);
        let expecting: Vec<_> = self.table.iter().filter_map(is_expecting).collect();
        for descriptor in expecting {
            self.expect_more(descriptor, false)?;
            self.network.settle();
        }
        Ok(())
    }

    /// Applies `TCP_CORK` and `MSG_MORE` to a connection.
    pub(crate) fn cork(&mut self, descriptor: RawFd) -> CallResult<()> {
        let socket = self.socket(descriptor)?;
        self.set_cork(descriptor, socket.is_corked || socket.expects_more)
    }

    /// Sends the data that waits for more data. Linux does so for `TCP_NODELAY`.
    pub(crate) fn push(&mut self, descriptor: RawFd) -> CallResult<()> {
        self.set_cork(descriptor, false)?;
        self.network.settle();
        self.cork(descriptor)
    }

    fn set_cork(&mut self, descriptor: RawFd, is_corked: bool) -> CallResult<()> {
        let (now, Role::Connection(connection)) = (self.network.now(), &self.socket(descriptor)?.role) else {
            return Ok(());
        };
        let id = connection.id;
        Ok(self.network.host.set_tcp(now, id, Setting::Cork(is_corked))?)
    }

    pub(crate) fn shutdown(&mut self, descriptor: RawFd, how: c_int) -> CallResult<()> {
        let now = self.network.now();
        let Role::Connection(connection) =
            &mut self.table.get_mut(&descriptor).ok_or(Errno::BAD_DESCRIPTOR)?.role
        else {
            return Err(Errno::NOT_CONNECTED);
        };
        if ![libc::SHUT_RD, libc::SHUT_WR, libc::SHUT_RDWR].contains(&how) {
            return Err(Errno::INVALID);
        }
        connection.is_read_shut |= how != libc::SHUT_WR;
        if how != libc::SHUT_RD {
            connection.is_write_shut = true;
            self.network.host.shutdown_tcp(now, connection.id)?;
        }
        Ok(())
    }

    pub(crate) fn close(&mut self, descriptor: RawFd) -> CallResult<()> {
        if self.epolls.remove(&descriptor).is_some() {
            return Ok(());
        }
        for epoll in self.epolls.values_mut() {
            epoll.forget(descriptor);
        }
        let socket = self.table.remove(&descriptor).ok_or(Errno::BAD_DESCRIPTOR)?;
        let now = self.network.now();
        let Network { host, pool, .. } = &mut self.network;
        match socket.role {
            Role::New { .. } => {}
            Role::Listener(Listener { id, .. }) | Role::Connection(Connection { id, .. }) => {
                host.close(now, id, pool);
            }
        }
        Ok(())
    }

    /// Adds an epoll instance for a new descriptor.
    pub(crate) fn open_epoll(&mut self, descriptor: RawFd) {
        self.epolls.insert(descriptor, Epoll::default());
    }

    /// Changes which connections an epoll instance watches. `requested` are events and flags, and `data` accompanies the
    /// events.
    pub(crate) fn control_epoll(
        &mut self,
        epoll: RawFd,
        operation: c_int,
        descriptor: RawFd,
        requested: u32,
        data: u64,
    ) -> CallResult<()> {
        self.connection(descriptor)?;
        let epoll = self.epolls.get_mut(&epoll).ok_or(Errno::BAD_DESCRIPTOR)?;
        epoll.control(operation, descriptor, requested, data)
    }

    /// Returns up to `maximum` events of an epoll instance, with the values that accompany them.
    pub(crate) fn wait_epoll(&mut self, epoll: RawFd, maximum: usize) -> CallResult<Vec<(u32, u64)>> {
        let mut instance = self.epolls.remove(&epoll).ok_or(Errno::BAD_DESCRIPTOR)?;
        let events = instance.wait(self, maximum);
        self.epolls.insert(epoll, instance);
        events
    }

    /// Returns the number of unread bytes of a connection, if `recvmsg` reports it. Linux reports 1 instead of 0 after the
    /// FIN of the peer.
    pub(crate) fn reported_unread(&self, descriptor: RawFd) -> CallResult<Option<c_int>> {
        if !self.socket(descriptor)?.reports_unread {
            return Ok(None);
        }
        let status = self.network.host.tcp_status(self.connection(descriptor)?.id)?;
        let unread = status.readable.max(usize::from(status.is_end_of_data));
        Ok(Some(c_int::try_from(unread).unwrap_or(c_int::MAX)))
    }

    /// Returns the reason for the end of a connection, unless a call has returned the reason before.
    pub(crate) fn take_failure(&mut self, descriptor: RawFd) -> CallResult<Option<Errno>> {
        let socket = self.table.get_mut(&descriptor).ok_or(Errno::BAD_DESCRIPTOR)?;
        let Role::Connection(connection) = &mut socket.role else { return Ok(None) };
        let status = self.network.host.tcp_status(connection.id)?;
        if connection.reported == Reported::End || status.closed.is_none() {
            return Ok(None);
        }
        connection.reported = Reported::End;
        Ok(status.closed.and_then(failure))
    }

    /// Returns the connection of a descriptor.
    pub(crate) fn connection(&self, descriptor: RawFd) -> CallResult<Connection> {
        match self.socket(descriptor)?.role {
            Role::Connection(connection) => Ok(connection),
            _ => Err(Errno::NOT_CONNECTED),
        }
    }

    pub(crate) fn socket(&self, descriptor: RawFd) -> CallResult<&Socket> {
        self.table.get(&descriptor).ok_or(Errno::BAD_DESCRIPTOR)
    }

    pub(crate) fn socket_mut(&mut self, descriptor: RawFd) -> CallResult<&mut Socket> {
        self.table.get_mut(&descriptor).ok_or(Errno::BAD_DESCRIPTOR)
    }
}

impl Socket {
    fn new(role: Role, is_blocking: bool, settings: TcpSettings) -> Socket {
        Socket { role, is_blocking, settings, reports_unread: false, is_corked: false, expects_more: false }
    }
}

impl Connection {
    fn new(id: SocketId) -> Connection {
        Connection { id, is_read_shut: false, is_write_shut: false, reported: Reported::Nothing }
    }
}

/// Returns the error of a connection that ended, or `None` if both sides closed the connection.
fn failure(reason: CloseReason) -> Option<Errno> {
    match reason {
        CloseReason::Closed => None,
        CloseReason::Reset => Some(Errno(libc::ECONNRESET)),
        CloseReason::Refused => Some(Errno(libc::ECONNREFUSED)),
        CloseReason::TimedOut => Some(Errno(libc::ETIMEDOUT)),
        CloseReason::Unreachable => Some(Errno(libc::EHOSTUNREACH)),
    }
}
