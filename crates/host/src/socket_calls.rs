//! The calls that all kinds of sockets share: addresses, failures, readiness, closing.

use std::net::{IpAddr, Ipv4Addr};

use inet::{InterfaceId, is_valid_host};
use ipnet::{IpNet, Ipv4Net};
use ipv4::Ipv4Fields;
use tap::{Frame, Instant, Pool};

use crate::host::Host;
use crate::interface::HostInterface;
use crate::sockets::{SocketError, SocketFailure, SocketId, SocketInfo, SocketPacket};

/// Default limit of a receive or send buffer in bytes, as on Linux.
pub(crate) const BUFFER: usize = 212_992;

impl Host {
    /// Removes and returns the first failure of a socket: an ICMP error about a datagram of the socket, or a next hop
    /// that did not answer.
    ///
    /// A failure does not change the socket. A forged ICMP error can cause a failure, if it contains the addresses and
    /// ports of the socket.
    pub fn take_socket_error(&mut self, id: SocketId) -> Option<SocketFailure> {
        self.shared.sockets.take_failure(id)
    }

    /// Removes and returns the first socket of the readiness list: a socket that has received a datagram or a failure,
    /// or that has capacity again after [`SocketError::SendBufferFull`].
    ///
    /// The list has each socket once, and only after a change. Receive until no datagram and no failure is left before
    /// the next call, or remember the socket.
    #[inline]
    pub fn poll_ready(&mut self) -> Option<SocketId> {
        self.shared.sockets.poll_ready()
    }

    /// Closes a socket, and returns the frames in its buffers to the pool. The identifier becomes invalid. Does nothing
    /// if the socket is closed.
    pub fn close(&mut self, id: SocketId, pool: &mut Pool) {
        self.shared.sockets.close(id, pool);
    }

    /// Returns the path MTU to a destination in bytes: the MTU of the interface, or the smaller MTU that ICMP errors have
    /// reported in the last ten minutes. Returns `None` without a route.
    // spec: rfc8085-path-mtu
    pub fn path_mtu(&self, now: Instant, destination: IpAddr) -> Option<usize> {
        let IpAddr::V4(destination) = destination else { return None };
        let route = self.shared.routes.route(destination, None)?;
        Some(self.path_mtu_on(now, route.interface, destination))
    }

    /// Returns the state of a socket, or `None` if the socket is closed.
    pub fn socket(&self, id: SocketId) -> Option<SocketInfo> {
        self.shared.sockets.info(id)
    }

    /// Returns the states of all sockets.
    pub fn sockets(&self) -> impl Iterator<Item = SocketInfo> {
        self.shared.sockets.infos(None)
    }

    /// Returns the states of the sockets that follow a socket in the order of [`Host::sockets`]. The socket may be
    /// closed.
    pub fn sockets_after(&self, id: SocketId) -> impl Iterator<Item = SocketInfo> {
        self.shared.sockets.infos(Some(id))
    }

    /// Returns the number of datagrams in the buffers of all sockets. Each takes a frame of the pool.
    pub fn queued_datagrams(&self) -> usize {
        self.shared.sockets.datagrams()
    }

    /// Checks the addresses of a binding.
    pub(crate) fn bindable(&self, addresses: IpNet) -> Result<Ipv4Net, SocketError> {
        let IpNet::V4(addresses) = addresses else { return Err(SocketError::Ipv6(addresses.addr())) };
        // spec: multicast-refused
        if addresses.addr().is_multicast() {
            return Err(SocketError::Multicast(addresses.addr().into()));
        }
        let is_local = |interface: &HostInterface| interface.addresses.contains_any(addresses);
        // A host without any address yet can be bound to all of its addresses.
        if addresses.prefix_len() == 0 || self.interfaces.iter().any(is_local) {
            Ok(addresses.trunc())
        } else {
            Err(SocketError::AddressNotLocal(addresses.addr().into()))
        }
    }

    /// Selects the interface and the source address of a datagram, from the addresses of a socket. With an `interface`,
    /// the source is an address of this interface.
    // spec: rfc1122-strong-model, rfc1122-source-address, rfc1122-udp-source
    pub(crate) fn select_source(
        &self,
        addresses: Ipv4Net,
        (interface, source): (Option<InterfaceId>, Option<IpAddr>),
        destination: Ipv4Addr,
    ) -> Result<(InterfaceId, Ipv4Addr), SocketError> {
        let single = (addresses.prefix_len() == 32).then(|| addresses.addr());
        let source = match source {
            None => single,
            Some(IpAddr::V4(source)) if addresses.contains(&source) => Some(source),
            Some(source @ IpAddr::V4(_)) => return Err(SocketError::AddressNotLocal(source)),
            Some(source) => return Err(SocketError::Ipv6(source)),
        };
        let route = self.shared.routes.route(destination, interface);
        let routed = interface.or(route.map(|route| route.interface)).unwrap_or_default();
        let Some(source) = source else {
            let interface = self.interfaces.get(routed).ok_or(SocketError::NoSourceAddress)?;
            let by_route = route.and_then(|route| route.source);
            let first = interface.ipv4_address().map(|network| network.addr());
            let source = by_route
                .or(first)
                .filter(|source| addresses.contains(source))
                .or_else(|| interface.addresses.first_in_use(addresses));
            return Ok((routed, source.ok_or(SocketError::NoSourceAddress)?));
        };
        let is_in_use = |interface: &&HostInterface| interface.addresses.mac_of(source).is_some();
        let mut found = self.interfaces.get(routed).filter(is_in_use);
        if interface.is_none() {
            found = found.or_else(|| self.interfaces.iter().find(is_in_use));
        }
        match found {
            Some(interface) => Ok((interface.id, source)),
            None if self.interfaces.iter().any(|interface| interface.addresses.contains(source)) => {
                Err(SocketError::NoSourceAddress)
            }
            None if single == Some(source) => Err(SocketError::NoSourceAddress),
            None => Err(SocketError::AddressNotLocal(source.into())),
        }
    }

    /// Checks that a socket can send from a source address on an interface to a destination.
    pub(crate) fn check_destination(
        &self,
        interface: InterfaceId,
        source: Ipv4Addr,
        destination: Ipv4Addr,
        has_broadcasts: bool,
    ) -> Result<(), SocketError> {
        let addresses = self.interfaces.get(interface).map(|interface| &interface.addresses);
        if addresses.is_some_and(|addresses| addresses.is_broadcast(destination)) {
            return if has_broadcasts { Ok(()) } else { Err(SocketError::Broadcast) };
        }
        if destination == source || !(is_valid_host(destination) || destination.is_multicast()) {
            return Err(SocketError::InvalidDestination(destination.into()));
        }
        let hop = self.shared.routes.next_hop(source, destination, interface);
        hop.map(|_| ()).ok_or(SocketError::NoRoute(destination.into()))
    }

    /// Returns the path MTU to a destination on an interface, in bytes.
    pub(crate) fn path_mtu_on(&self, now: Instant, interface: InterfaceId, destination: Ipv4Addr) -> usize {
        self.interfaces.get(interface).map_or(0, |interface| {
            let (mtu, path_mtu) = (interface.config.mtu, interface.path_mtus.get(now, destination));
            path_mtu.map_or(mtu, |path_mtu| mtu.min(path_mtu.into()))
        })
    }

    /// Returns the default time to live of a datagram.
    pub(crate) fn time_to_live(&self, interface: InterfaceId, destination: Ipv4Addr) -> u8 {
        // RFC 1112 6.1: the time to live "should default to 1 for all multicast IP datagrams".
        if destination.is_multicast() {
            return 1;
        }
        let interface = self.interfaces.get(interface);
        interface.map_or(Ipv4Fields::TIME_TO_LIVE, |interface| interface.config.time_to_live)
    }

    /// Sets the identification of a datagram that may be fragmented. RFC 6864 4.1: other datagrams may have any
    /// identification, so they have 0.
    pub(crate) fn identify(&mut self, interface: InterfaceId, fields: &mut Ipv4Fields) {
        if !fields.dont_fragment
            && let Some(interface) = self.interfaces.get_mut(interface)
        {
            fields.identification =
                interface.identification.next(fields.source, fields.destination, fields.protocol);
        }
    }

    /// Adds a datagram with its headers to the send buffer of its socket.
    pub(crate) fn queue_packet(
        &mut self,
        now: Instant,
        id: SocketId,
        packet: SocketPacket,
        pool: &mut Pool,
    ) -> Result<(), SocketError> {
        self.sent_at = now;
        self.shared.sockets.queue(id, packet).map_err(|(frame, error)| {
            pool.give(frame);
            error
        })
    }
}

/// Returns a frame with this data, and with headroom for the headers. The frame is large if a small frame has no
/// capacity for data and headers.
pub(crate) fn frame_with(data: &[u8], headers: usize, pool: &mut Pool) -> Result<Frame, SocketError> {
    let is_small = data.len().saturating_add(headers) <= pool.mtu();
    let frame = if is_small { pool.take() } else { pool.take_large() };
    let mut frame = frame.ok_or(SocketError::NoFrame)?;
    let filled = frame.fill(|bytes| {
        let bytes = bytes.get_mut(..data.len()).ok_or(std::io::ErrorKind::InvalidInput)?;
        bytes.copy_from_slice(data);
        Ok(data.len())
    });
    if filled.is_err() {
        pool.give(frame);
        return Err(SocketError::TooLong { limit: pool.mtu() });
    }
    Ok(frame)
}
