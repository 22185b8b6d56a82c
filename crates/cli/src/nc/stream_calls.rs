//! The calls of TCP sockets of the emulated host of `nc`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use host::{AcceptedTcp, SocketError, SocketId, TcpConnect, TcpListen};
use ipnet::IpNet;
use tcp::Status;

use super::nc_host::NcHost;
use crate::failure::Failure;

impl NcHost {
    /// Creates a listener on one local address or all addresses.
    pub(super) fn listen(&mut self, address: Option<Ipv4Addr>, port: u16) -> Result<SocketId, Failure> {
        let addresses = address.map_or(IpNet::default(), |address| IpNet::from(IpAddr::V4(address)));
        let listen =
            TcpListen { addresses, port: Some(port), settings: self.tcp_settings, ..TcpListen::default() };
        self.driver
            .machine_mut()
            .listen_tcp(&listen)
            .map_err(|error| Failure::new(format!("cannot listen on TCP port {port}: {error}")))
    }

    /// Returns the next connection of a listener.
    pub(super) fn accept(&mut self, listener: SocketId) -> Option<AcceptedTcp> {
        self.driver.machine_mut().accept_tcp(listener)
    }

    /// Opens a connection to a peer.
    pub(super) fn open_stream(
        &mut self,
        peer: SocketAddr,
        source_port: Option<u16>,
    ) -> Result<SocketId, Failure> {
        let connect = TcpConnect { source_port, settings: self.tcp_settings, ..TcpConnect::new(peer) };
        let now = self.now();
        self.has_data = true;
        self.driver
            .machine_mut()
            .connect_tcp(now, &connect)
            .map_err(|error| Self::connect_failure(peer, &error))
    }

    /// Writes data to a connection. Returns the number of bytes that the send buffer has accepted.
    pub(super) fn write(&mut self, socket: SocketId, data: &[u8]) -> Result<usize, SocketError> {
        let now = self.now();
        let (host, pool) = self.driver.machine_and_pool();
        let written = host.write_tcp(now, socket, data, pool)?;
        self.has_data |= written > 0;
        Ok(written)
    }

    /// Passes the next received bytes of a connection to `accept`, and removes them. Returns their number.
    pub(super) fn read(&mut self, socket: SocketId, accept: impl FnOnce(&[u8])) -> usize {
        let now = self.now();
        let (host, pool) = self.driver.machine_and_pool();
        let Ok(chunk) = host.tcp_chunk(socket) else { return 0 };
        let length = chunk.len();
        if length > 0 {
            accept(chunk);
            host.consume_tcp(now, socket, length, pool);
            // The peer may wait for a larger window.
            self.has_data = true;
        }
        length
    }

    /// Returns the state of a connection.
    pub(super) fn status(&self, socket: SocketId) -> Result<Status, Failure> {
        let status = self.driver.machine().tcp_status(socket);
        status.map_err(|error| Failure::new(format!("cannot read the state of the connection: {error}")))
    }

    /// Closes the sending direction of a connection.
    pub(super) fn shut_down(&mut self, socket: SocketId) {
        let now = self.now();
        // A connection that has ended has no sending direction.
        if self.driver.machine_mut().shutdown_tcp(now, socket).is_ok() {
            self.has_data = true;
        }
    }

    /// Resets a connection.
    pub(super) fn abort(&mut self, socket: SocketId) {
        let now = self.now();
        let (host, pool) = self.driver.machine_and_pool();
        host.abort_tcp(now, socket, pool);
        self.has_data = true;
    }
}
