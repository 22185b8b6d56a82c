//! The calls that all kinds of sockets share: addresses, failures, readiness, closing.

use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};

use inet::{InterfaceId, is_in_network, is_valid_host};
use ipnet::{IpNet, Ipv4Net};
use ipv4::Ipv4Fields;
use link::MacAddr;
use tap::{Exchange, Frame, Instant, Offloads, Pool};

use crate::egress;
use crate::host::Host;
use crate::interface::{Context, HostInterface};
use crate::path_cache::{CachedPath, Hop, PathKey, PathPlace};
use crate::sockets::{SocketError, SocketFailure, SocketId, SocketInfo, SocketPacket, SocketTable};

/// Default limit of a receive or send buffer in bytes, as on Linux.
pub(crate) const BUFFER: usize = 212_992;

/// The interface that sends a datagram, the source address, which is in use on the interface, and its MAC address.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) interface: &'a HostInterface,
    pub(crate) source: Ipv4Addr,
    pub(crate) mac: MacAddr,
}

/// The interface, path, addresses and IP header fields of a datagram to send.
pub(crate) struct Outgoing {
    pub(crate) interface: InterfaceId,
    pub(crate) path: PathPlace,
    /// Source. The port of an echo request is its identifier.
    pub(crate) source: SocketAddrV4,
    /// Destination. The port of an echo request is 0.
    pub(crate) destination: SocketAddrV4,
    pub(crate) fields: Ipv4Fields,
    /// Work that is left to the device. A datagram that may be fragmented leaves none.
    pub(crate) offloads: Offloads,
}

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
    /// or that has capacity again after [`SocketError::SendBufferFull`]; a TCP listener with a new connection; or a TCP
    /// connection that is established, has received data or its end, has ended, or has capacity again after
    /// [`Host::write_tcp`] accepted only a part of the data.
    ///
    /// The list has each socket once, and only after a change. Receive until no datagram and no failure is left before
    /// the next call, or remember the socket.
    #[inline]
    pub fn poll_ready(&mut self) -> Option<SocketId> {
        self.shared.sockets.poll_ready().or_else(|| self.shared.tcp.poll_ready().map(SocketId::from))
    }

    /// Closes a socket, and returns the frames in its buffers to the pool. The identifier becomes invalid. Does nothing
    /// if the socket is closed.
    ///
    /// A TCP connection sends the data in its send buffer and a FIN, and then ends by itself; with unread data, it sends a
    /// reset. A TCP listener resets the connections that wait to be accepted.
    pub fn close(&mut self, now: Instant, id: SocketId, pool: &mut Pool) {
        self.now = now;
        if let Ok(connection) = id.connection() {
            self.shared.tcp.close(now, connection, pool);
        } else if let Ok(listener) = id.listener() {
            self.shared.tcp.close_listener(now, listener, pool);
        } else {
            self.shared.sockets.close(id, pool);
        }
    }

    /// Returns the path MTU to a destination in bytes: the MTU of the interface, or the smaller MTU that ICMP errors have
    /// reported in the last ten minutes. Returns `None` without a route.
    // spec: rfc8085-path-mtu
    pub fn path_mtu(&self, now: Instant, destination: IpAddr) -> Option<usize> {
        let IpAddr::V4(destination) = destination else { return None };
        let route = self.shared.routes.route(destination, None)?;
        Some(self.interfaces.get(route.interface)?.path_mtu(now, destination))
    }

    /// Returns the state of a socket, or `None` if the socket is closed.
    pub fn socket(&self, id: SocketId) -> Option<SocketInfo> {
        if id.table == SocketTable::Datagram {
            return self.shared.sockets.info(id);
        }
        self.tcp_socket(id)
    }

    /// Returns the states of all sockets: UDP and echo sockets, then TCP connections, then TCP listeners.
    pub fn sockets(&self) -> impl Iterator<Item = SocketInfo> {
        self.shared.sockets.infos(None).chain(self.tcp_sockets(None))
    }

    /// Returns the states of the sockets that follow a socket in the order of [`Host::sockets`]. The socket may be
    /// closed.
    pub fn sockets_after(&self, id: SocketId) -> impl Iterator<Item = SocketInfo> {
        let is_datagram = id.table == SocketTable::Datagram;
        let datagram = is_datagram.then(|| self.shared.sockets.infos(Some(id)));
        datagram.into_iter().flatten().chain(self.tcp_sockets(Some(id)))
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

    /// Returns the path of a datagram, from the addresses of a socket: interface, source address and next hop. With an
    /// `interface`, the source is an address of this interface.
    #[expect(clippy::inline_always, reason = "results in memory take more instructions than the function")]
    #[inline(always)]
    pub(crate) fn path(
        &mut self,
        (addresses, has_broadcasts): (Ipv4Net, bool),
        (interface, source): (Option<InterfaceId>, Option<Ipv4Addr>),
        destination: Ipv4Addr,
    ) -> Result<PathPlace, SocketError> {
        let (is_cached, source) = match source {
            // A key represents an unspecified source as no source.
            Some(source) => (!source.is_unspecified() && is_in_network(source, addresses), Some(source)),
            None if addresses.prefix_len() == 32 => (true, Some(addresses.addr())),
            // The address that the route selects may not be an address of the socket.
            None => (addresses.prefix_len() == 0, None),
        };
        if is_cached
            && let Some((place, path)) = self.shared.paths.find(PathKey::new(interface, source, destination))
            && let Some(interface) = self.interfaces.get(path.interface)
            && path.is_valid(&self.shared.routes, &interface.addresses)
        {
            let is_allowed = has_broadcasts || path.hop != Hop::Group(MacAddr::BROADCAST);
            return if is_allowed { Ok(place) } else { Err(SocketError::Broadcast) };
        }
        self.select_path((addresses, has_broadcasts), (interface, source), destination)
    }

    /// Returns the interface and the source address of a path that [`Host::path`] has returned.
    #[inline]
    pub(crate) fn origin(&self, place: PathPlace) -> Option<(&HostInterface, Ipv4Addr)> {
        let path = self.shared.paths.get(place)?;
        Some((self.interfaces.get(path.interface)?, path.source))
    }

    /// Selects the path of a datagram, and adds the path to the cache: see [`Host::path`].
    #[cold]
    fn select_path(
        &mut self,
        (addresses, has_broadcasts): (Ipv4Net, bool),
        (interface, source): (Option<InterfaceId>, Option<Ipv4Addr>),
        destination: Ipv4Addr,
    ) -> Result<PathPlace, SocketError> {
        let origin = self.select_source(addresses, (interface, source), destination)?;
        let hop = self.next_hop(&origin, destination, has_broadcasts)?;
        let (id, from) = (origin.interface.id, origin.source);
        // Without an interface, the addresses of another interface may select the path. Without a source address, the
        // addresses of the socket may.
        let routes = &self.shared.routes;
        let is_routed = || routes.route(destination, None).is_none_or(|route| route.interface == id);
        let is_any_source = source.is_some() || addresses.prefix_len() == 0;
        let key = if is_any_source && (interface.is_some() || is_routed()) {
            PathKey::new(interface, source, destination)
        } else {
            PathKey::new(Some(id), Some(from), destination)
        };
        let tables = (routes, &origin.interface.addresses);
        let path = CachedPath::new(key, tables, id, (from, origin.mac), hop);
        Ok(self.shared.paths.insert(path))
    }

    /// Selects the interface and the source address of a datagram, from the addresses of a socket. With an `interface`,
    /// the source is an address of this interface.
    // spec: rfc1122-strong-model, rfc1122-source-address, rfc1122-udp-source
    pub(crate) fn select_source(
        &self,
        addresses: Ipv4Net,
        (interface, source): (Option<InterfaceId>, Option<Ipv4Addr>),
        destination: Ipv4Addr,
    ) -> Result<Origin<'_>, SocketError> {
        // A reply has both, and needs no route for its source.
        if let (Some(id), Some(source)) = (interface, source)
            && is_in_network(source, addresses)
            && let Some(origin) = self.interfaces.get(id).and_then(|interface| Origin::of(interface, source))
        {
            return Ok(origin);
        }
        self.route_source(addresses, (interface, source), destination)
    }

    /// Selects the interface and the source address by the route to the destination: see [`Host::select_source`].
    fn route_source(
        &self,
        addresses: Ipv4Net,
        (interface, source): (Option<InterfaceId>, Option<Ipv4Addr>),
        destination: Ipv4Addr,
    ) -> Result<Origin<'_>, SocketError> {
        let single = (addresses.prefix_len() == 32).then(|| addresses.addr());
        let source = match source {
            None => single,
            Some(source) if is_in_network(source, addresses) => Some(source),
            Some(source) => return Err(SocketError::AddressNotLocal(source.into())),
        };
        let route = self.shared.routes.route(destination, interface);
        let routed = interface.or(route.map(|route| route.interface)).unwrap_or_default();
        let Some(source) = source else {
            let interface = self.interfaces.get(routed).ok_or(SocketError::NoSourceAddress)?;
            let by_route = route.and_then(|route| route.source);
            let first = interface.ipv4_address().map(|network| network.addr());
            let source = by_route
                .or(first)
                .filter(|source| is_in_network(*source, addresses))
                .or_else(|| interface.addresses.first_in_use(addresses));
            return source
                .and_then(|source| Origin::of(interface, source))
                .ok_or(SocketError::NoSourceAddress);
        };
        let mut found = self.interfaces.get(routed).and_then(|interface| Origin::of(interface, source));
        if interface.is_none() {
            found =
                found.or_else(|| self.interfaces.iter().find_map(|interface| Origin::of(interface, source)));
        }
        match found {
            Some(origin) => Ok(origin),
            None if self.interfaces.iter().any(|interface| interface.addresses.contains(source)) => {
                Err(SocketError::NoSourceAddress)
            }
            None if single == Some(source) => Err(SocketError::NoSourceAddress),
            None => Err(SocketError::AddressNotLocal(source.into())),
        }
    }

    /// Returns the next hop of a datagram, if a socket can send to the destination.
    pub(crate) fn next_hop(
        &self,
        origin: &Origin<'_>,
        destination: Ipv4Addr,
        has_broadcasts: bool,
    ) -> Result<Hop, SocketError> {
        let Origin { interface, source, .. } = *origin;
        match egress::next_hop(interface, &self.shared.routes, source, destination) {
            Some(Hop::Group(MacAddr::BROADCAST)) if !has_broadcasts => Err(SocketError::Broadcast),
            Some(Hop::Group(group)) => Ok(Hop::Group(group)),
            _ if destination == source || !is_valid_host(destination) => {
                Err(SocketError::InvalidDestination(destination.into()))
            }
            Some(hop) => Ok(hop),
            None => Err(SocketError::NoRoute(destination.into())),
        }
    }

    /// Sets the identification of a datagram that may be fragmented. RFC 6864 4.1: other datagrams may have any
    /// identification, so they have 0.
    #[inline]
    pub(crate) fn identify(&mut self, outgoing: &mut Outgoing) {
        let fields = &mut outgoing.fields;
        if !fields.dont_fragment
            && let Some(interface) = self.interfaces.get_mut(outgoing.interface)
        {
            fields.identification =
                interface.identification.next(fields.source, fields.destination, fields.protocol);
        }
    }

    /// Sends a datagram with its headers. The datagram joins the data queue if no datagram of a socket waits for the
    /// interface, the queue has less than a batch of packets, the datagram fits the MTU, and the next hop is known.
    /// Otherwise, the datagram is added to the send buffer of its socket.
    // spec: socket-output
    #[expect(clippy::inline_always, reason = "results in memory take more instructions than the function")]
    #[inline(always)]
    pub(crate) fn send_packet(
        &mut self,
        now: Instant,
        id: SocketId,
        outgoing: &Outgoing,
        mut frame: Frame,
        pool: &mut Pool,
    ) -> Result<(), SocketError> {
        self.now = now;
        let Outgoing { interface: on, path, source, destination, fields, .. } = *outgoing;
        if !self.shared.sockets.has_senders(on)
            && let Some(interface) = self.interfaces.get_mut(on)
            && interface.tx_queues.data.len() < Exchange::BATCH
            && frame.len() <= interface.config.mtu
        {
            let cx = &mut Context { now, interface, shared: &mut self.shared, pool };
            match egress::send_to_known(cx, path, frame) {
                None => return Ok(()),
                Some(unsent) => frame = unsent,
            }
        }
        let Ipv4Fields { time_to_live, type_of_service, .. } = fields;
        let packet = SocketPacket {
            frame,
            source,
            destination,
            interface: on,
            time_to_live,
            type_of_service,
            at: now,
        };
        self.shared.sockets.queue(id, packet).map_err(|(frame, error)| {
            pool.give(frame);
            error
        })
    }
}

impl Origin<'_> {
    /// Returns the origin of datagrams with a source address, or `None` if the interface does not have the address in
    /// use.
    #[inline]
    fn of(interface: &HostInterface, source: Ipv4Addr) -> Option<Origin<'_>> {
        Some(Origin { interface, source, mac: interface.addresses.mac_of(source)? })
    }
}

/// Returns the default time to live of a datagram of a socket.
#[inline]
pub(crate) fn default_time_to_live(interface: &HostInterface, destination: Ipv4Addr) -> u8 {
    // RFC 1112 6.1: the time to live "should default to 1 for all multicast IP datagrams".
    if destination.is_multicast() { 1 } else { interface.config.time_to_live }
}

/// Returns an IPv4 address.
pub(crate) fn to_ipv4(address: IpAddr) -> Result<Ipv4Addr, SocketError> {
    match address {
        IpAddr::V4(address) => Ok(address),
        IpAddr::V6(_) => Err(SocketError::Ipv6(address)),
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
