//! A host: its interfaces, its routes and its ports.

use std::net::{IpAddr, Ipv4Addr};

use address::AddressTable;
use arp::{AddError, Arp, Identity, ProxyError};
use base::Secret;
use inet::InterfaceId;
use ipnet::{IpNet, Ipv4Net};
use ipv4::{Ipv4, Route, RouteError, Routes};
use link::{EtherType, Link, MacAddr};
use tap::{Batch, DeviceEvent, Exchange, Frame, Instant, Machine, Pool, PortId, Token};
use tcp::{Tcp, TcpLimits};

use crate::config::{HostConfig, HostConfigError, HostSet, ipv4_address, ipv4_network};
use crate::counters::{self, Counter};
use crate::event::HostEvent;
use crate::interface::{Context, HostInterface, PendingPacket, Shared};
use crate::interfaces::{Interfaces, PortState};
use crate::outcome::{DropReason, FrameOutcome, SendOutcome, TxDropReason};
use crate::output::ArpSender;
use crate::path_cache::PathCache;
use crate::sockets::{SocketLimits, Sockets};
use crate::tx_queue::TxQueues;
use crate::{egress, ingress, output};

/// One or more hosts, on one or more devices.
///
/// The host implements the strong end-system model (RFC 1122 3.3.4.2): a datagram is accepted only on the interface of
/// its destination address, and leaves by the interface of its source address.
#[derive(Debug)]
pub struct Host {
    pub(crate) interfaces: Interfaces,
    /// The ports of the interfaces.
    ports: Vec<PortState>,
    pub(crate) shared: Shared,
    /// Time of the latest call that sends or transmits.
    pub(crate) now: Instant,
    /// Frames received on ports without an interface.
    no_interface: u64,
}

impl Host {
    /// Maximum MTU: the longest payload of a small frame of a pool.
    const MTU: usize = 65_534;
    /// Maximum number of packets that [`Host::send`] has queued, on each interface. A datagram that departs in fragments
    /// is one packet. Datagrams of sockets take up to [`Exchange::BATCH`] of these places.
    pub const DATA_QUEUE: usize = TxQueues::DATA;

    /// Creates a host with one interface. The host starts at `now`.
    pub fn new(now: Instant, config: &HostConfig) -> Result<Host, HostConfigError> {
        config.check()?;
        let config = Self::capped(config);
        let mut first = HostInterface::new(InterfaceId(0), &config)?;
        let routes = first.start(now, &config, &Routes::default())?;
        let (interfaces, ports) = (Interfaces::new(first), vec![PortState::new(config.port)]);
        // Hosts with the same seed must not select the same ports.
        let secret =
            Secret::new(Secret::new(config.table.seed).seed(("sockets", config.mac.bytes(), config.vlan)));
        let tcp = Tcp::new(TcpLimits::default(), Secret::new(secret.seed("tcp")));
        let sockets = Sockets::new(SocketLimits::default(), secret);
        let shared = Shared { routes, paths: PathCache::new(), sockets, tcp };
        Ok(Host { interfaces, ports, shared, now, no_interface: 0 })
    }

    /// Returns the host with these limits of its sockets. The limits apply to a host without sockets: bind sockets
    /// afterwards.
    #[must_use]
    pub fn with_socket_limits(self, limits: SocketLimits) -> Host {
        let sockets = self.shared.sockets.with_limits(limits);
        // The bindings start with generation 0 again.
        Host { shared: Shared { sockets, paths: PathCache::new(), ..self.shared }, ..self }
    }

    /// Returns the host with these limits of its TCP connections. The limits apply to a host without connections and
    /// listeners: create them afterwards.
    #[must_use]
    pub fn with_tcp_limits(self, limits: TcpLimits) -> Host {
        let tcp = self.shared.tcp.with_limits(limits);
        Host { shared: Shared { tcp, ..self.shared }, ..self }
    }

    /// Adds hosts to the interface of their port and VLAN, which is created if necessary. Returns the interface.
    ///
    /// The hosts of an interface share the neighbor table, the storage for fragments, and the rate limits of ICMP
    /// errors. The policies of its first configuration apply to all its hosts.
    ///
    /// Fails without a change if the configuration is invalid or has an address of another host.
    pub fn add(&mut self, now: Instant, config: &HostConfig) -> Result<InterfaceId, HostConfigError> {
        let mut of_port = self.interfaces.of_port_mut(config.port);
        if let Some(interface) = of_port.find(|interface| interface.vlan() == config.vlan) {
            self.shared.routes = interface.add(now, config, &self.shared.routes)?;
            return Ok(interface.id());
        }
        drop(of_port);
        config.check()?;
        let id = self.interfaces.next_id().ok_or(HostConfigError::TooManyInterfaces)?;
        let port = self.ports.iter().find(|port| port.id == config.port).copied();
        let port_mtu = port.filter(|port| port.mtu_limit.is_some()).and_then(|_| self.mtu_of(config.port));
        let config = Self::capped(&HostConfig { mtu: port_mtu.unwrap_or(config.mtu), ..*config });
        let mut interface = HostInterface::new(id, &config)?;
        self.shared.routes = interface.start(now, &config, &self.shared.routes)?;
        match port {
            None => self.ports.push(PortState::new(config.port)),
            Some(port) if !port.is_link_active => interface.arp.link_down(),
            Some(_) => {}
        }
        self.interfaces.push(interface);
        Ok(id)
    }

    /// Adds an address to an interface: a host with its own MAC address, by default the next after the hosts of the port.
    /// The address comes into use as [`HostConfig::start`] of the interface's first configuration defines, and the
    /// network of the address is on the link. Returns the MAC address.
    ///
    /// The pool needs no more frames. Fails without a change for the reasons of [`Host::add`], or if the address is the
    /// gateway of a route of the interface.
    // spec: address-added
    pub fn add_address(
        &mut self,
        now: Instant,
        id: InterfaceId,
        address: IpNet,
        mac: Option<MacAddr>,
    ) -> Result<MacAddr, HostConfigError> {
        let interface = self.interfaces.get(id).ok_or(HostConfigError::NoInterface(id))?;
        let mac = mac.map_or_else(|| self.next_mac(id), Ok)?;
        let config = HostConfig { addresses: HostSet::One(address), mac, gateway: None, ..interface.config };
        self.add(now, &config)?;
        Ok(mac)
    }

    /// Returns the MAC address that [`Host::add_address`] uses by default: the address after those of all hosts of the
    /// port, or the first MAC address of the interface if the port has no host.
    pub fn next_mac(&self, id: InterfaceId) -> Result<MacAddr, HostConfigError> {
        let interface = self.interfaces.get(id).ok_or(HostConfigError::NoInterface(id))?;
        let Some((_, last)) = self.mac_range(interface.port()) else { return Ok(interface.config.mac) };
        last.plus(1).filter(|mac| mac.is_station()).ok_or(HostConfigError::Mac(last))
    }

    /// Returns the lowest and the highest MAC address of the hosts of a port.
    pub fn mac_range(&self, port: PortId) -> Option<(MacAddr, MacAddr)> {
        let hosts = || self.interfaces.of_port(port).flat_map(HostInterface::hosts);
        let first = hosts().map(|host| host.mac).min()?;
        Some((first, hosts().map(HostConfig::last_mac).max()?))
    }

    /// Removes the host with an address from an interface. The routes that need the address are removed too: the route
    /// to its network, unless another host of the interface is in the network, the routes with this source, and the
    /// routes through gateways that are no longer on the link. Sockets with this address stay, but can send nothing.
    ///
    /// Returns whether the address was local. An interface may lose all its addresses this way, and
    /// [`Host::add_address`] adds addresses again.
    // spec: address-removed
    pub fn remove_address(&mut self, id: InterfaceId, ip: IpAddr) -> bool {
        let (Some(interface), IpAddr::V4(ip)) = (self.interfaces.get_mut(id), ip) else { return false };
        let Some(routes) = interface.remove_address(ip, &self.shared.routes) else { return false };
        self.shared.routes = routes;
        true
    }

    /// Returns the configuration with an MTU that a small frame of a pool can hold.
    fn capped(config: &HostConfig) -> HostConfig {
        HostConfig { mtu: config.mtu.min(Self::MTU), ..*config }
    }

    /// Returns the largest MTU of the interfaces of a port. The MTUs may differ only before the first state of the
    /// link.
    fn mtu_of(&self, port: PortId) -> Option<usize> {
        self.interfaces.of_port(port).map(|interface| interface.config.mtu).max()
    }

    /// Sends the payload in `frame` to a neighbor on the link. The frame is pending until the neighbor is resolved. The
    /// payload is copied only for fragmentation, if the payload is a datagram longer than the MTU.
    ///
    /// The route to the neighbor selects the interface. Without a route, the first interface sends the payload.
    pub fn send(
        &mut self,
        now: Instant,
        neighbor: IpAddr,
        ether_type: EtherType,
        frame: Frame,
        pool: &mut Pool,
    ) -> SendOutcome {
        let IpAddr::V4(neighbor) = neighbor else {
            pool.give(frame);
            return self.refuse_ipv6();
        };
        let id = self.shared.routes.route(neighbor, None).map_or(InterfaceId(0), |route| route.interface);
        let mut cx = self.context(now, id, pool);
        egress::send_payload(&mut cx, neighbor, ether_type, frame).unwrap_or_else(SendOutcome::Dropped)
    }

    /// Counts a packet with an IPv6 address.
    fn refuse_ipv6(&mut self) -> SendOutcome {
        SendOutcome::Dropped(self.interfaces.first_mut().count_tx_dropped(TxDropReason::Ipv6))
    }

    /// Returns the context for sending on an interface, and records the time.
    fn context<'a>(&'a mut self, now: Instant, id: InterfaceId, pool: &'a mut Pool) -> Context<'a> {
        self.now = now;
        let interface = self.interfaces.get_mut_or_first(id);
        pool.grow(interface.config.mtu);
        Context { now, interface, shared: &mut self.shared, pool }
    }

    /// Drops the packets of a port that were queued before the link became active.
    // spec: rfc5227-silence
    fn drop_stale_packets(&mut self, port: PortId, departing: &mut Batch, pool: &mut Pool) {
        for interface in self.interfaces.of_port_mut(port) {
            while let Some(frame) = departing.pop().or_else(|| interface.tx_queues.pop()) {
                pool.give(frame);
                interface.count_tx_dropped(TxDropReason::NoSourceAddress);
            }
        }
    }

    // spec: link-mtu
    fn set_mtu(&mut self, port: PortId, mtu: usize) {
        let configured = self.interfaces.of_port(port).next().map_or(Self::MTU, |first| first.config.mtu);
        let Some(state) = self.ports.iter_mut().find(|state| state.id == port) else { return };
        let limit = *state.mtu_limit.get_or_insert(if configured < mtu { configured } else { Self::MTU });
        let mtu = mtu.min(limit);
        for interface in self.interfaces.of_port_mut(port) {
            interface.set_mtu(mtu);
        }
    }

    /// Returns whether the link of a port is active: up and with a carrier. Before the first state of the link, it is
    /// treated as active.
    pub fn is_link_active(&self, port: PortId) -> bool {
        self.ports.iter().any(|state| state.id == port && state.is_link_active)
    }

    /// Returns the number of frames of a pool that never runs out. The number includes received frames, queued packets,
    /// datagrams in the queues of sockets, data in the receive buffers of TCP connections, departing frames, frames in
    /// flight, and pending packets. It also includes packets that ARP has returned and that the host has not taken yet.
    pub fn pool_size(&self) -> usize {
        // spec: pool-bound
        let waiting = |interface: &HostInterface| TxQueues::CAPACITY + 2 * interface.config.table.pending;
        let mtus = self.interfaces.iter().map(|interface| interface.config.mtu);
        let capacity = Frame::capacity_for(mtus.min().unwrap_or_default());
        let tcp = self.shared.tcp.limits().memory;
        // Received data in order may take a quarter more.
        let memory = self.shared.sockets.limits().memory.saturating_add(tcp).saturating_add(tcp / 4);
        let in_sockets = memory / capacity;
        3 * Exchange::BATCH * self.ports.len()
            + self.interfaces.iter().map(waiting).sum::<usize>()
            + in_sockets
    }

    /// Returns the configuration with which the first interface was created. Its settings apply to all hosts of the
    /// interface.
    pub fn config(&self) -> &HostConfig {
        &self.interfaces.first().config
    }

    /// Returns the configurations of all hosts, grouped by interface. The configuration of a range has also the hosts of
    /// the range that were removed.
    pub fn hosts(&self) -> impl Iterator<Item = &HostConfig> {
        self.interfaces.iter().flat_map(HostInterface::hosts)
    }

    /// Returns the interfaces, in the order of their identifiers.
    pub fn interfaces(&self) -> impl Iterator<Item = &HostInterface> {
        self.interfaces.iter()
    }

    /// Returns an interface.
    pub fn interface(&self, id: InterfaceId) -> Option<&HostInterface> {
        self.interfaces.get(id)
    }

    /// Returns an interface for modification.
    pub fn interface_mut(&mut self, id: InterfaceId) -> Option<&mut HostInterface> {
        self.interfaces.get_mut(id)
    }

    /// Returns the first host's address and network, while the address is in use.
    pub fn address(&self) -> Option<IpNet> {
        self.interfaces.first().address()
    }

    /// Returns whether all hosts can answer: each interface has an address in use, and no host probes for an address. A
    /// host that is configured to probe is not ready while the link is not active.
    pub fn is_ready(&self) -> bool {
        let is_ready = |interface: &HostInterface| {
            interface.is_ready() && (self.is_link_active(interface.port()) || !interface.probes())
        };
        self.interfaces.iter().all(is_ready)
    }

    /// Returns the IP and MAC address of the station that took the last local address. Returns `None` while an address
    /// is in use or being claimed.
    pub fn ceased(&self) -> Option<Identity> {
        let mut lost = None;
        for interface in self.interfaces.iter() {
            lost = Some(interface.arp.new_owner(&interface.addresses)?);
        }
        lost
    }

    /// Returns the link layer of the first interface.
    pub fn link(&self) -> &Link {
        &self.interfaces.first().link
    }

    /// Returns the ARP layer of the first interface.
    pub fn arp(&self) -> &Arp<PendingPacket> {
        &self.interfaces.first().arp
    }

    /// Returns the ARP layers of all interfaces.
    pub fn arps(&self) -> impl Iterator<Item = &Arp<PendingPacket>> {
        self.interfaces.iter().map(HostInterface::arp)
    }

    /// Adds a static neighbor to the first interface: see [`Arp::add_static`].
    pub fn add_static(&mut self, now: Instant, ip: Ipv4Addr, mac: MacAddr) -> Result<(), AddError> {
        let interface = self.interfaces.first_mut();
        add_static(interface, &mut self.shared, now, (ip, mac))
    }

    /// Adds a static neighbor to an interface: see [`Arp::add_static`]. Returns `None` if the host has no such interface.
    pub fn add_static_on(
        &mut self,
        now: Instant,
        id: InterfaceId,
        ip: Ipv4Addr,
        mac: MacAddr,
    ) -> Option<Result<(), AddError>> {
        let interface = self.interfaces.get_mut(id)?;
        Some(add_static(interface, &mut self.shared, now, (ip, mac)))
    }

    /// Replies to ARP requests for the hosts in a range, on the first interface: see [`Arp::add_proxy`].
    pub fn add_proxy(&mut self, range: Ipv4Net, mac: MacAddr) -> Result<(), ProxyError> {
        self.interfaces.first_mut().add_proxy(range, mac)
    }

    /// Returns the local addresses of the first interface.
    pub fn addresses(&self) -> &AddressTable {
        &self.interfaces.first().addresses
    }

    /// Returns the ARP layer of the first interface, to change its neighbor table.
    pub fn arp_mut(&mut self) -> &mut Arp<PendingPacket> {
        &mut self.interfaces.first_mut().arp
    }

    /// Returns the IPv4 layer of the first interface.
    pub fn ipv4(&self) -> &Ipv4 {
        &self.interfaces.first().ipv4
    }

    /// Returns the routes.
    pub fn routes(&self) -> &Routes {
        &self.shared.routes
    }

    /// Adds a route to a network through a gateway, on each interface that has the gateway on its link. Fails without a
    /// change if no interface has it, or if one of these interfaces refuses the route.
    // spec: refused-without-effect
    pub fn add_route(&mut self, network: IpNet, gateway: IpAddr) -> Result<(), HostConfigError> {
        self.add_routes(ipv4_network(network)?, ipv4_address(gateway)?, |_, _| 0)
    }

    /// Adds a default gateway, on each interface that has the gateway on its link. The gateway is used while all default
    /// gateways that were added before have failed: see [`Routes::fail`]. Fails as [`Host::add_route`] does.
    // RFC 1122 3.3.1.6: "The following information MUST be configurable: [...] A list of default gateways, with a preference
    // level."
    // spec: rfc1122-default-gateways
    pub fn add_gateway(&mut self, gateway: IpAddr) -> Result<(), HostConfigError> {
        self.add_routes(Ipv4Net::default(), ipv4_address(gateway)?, |routes, interface| {
            let is_other =
                |route: &Route| route.network == Ipv4Net::default() && route.interface == interface;
            let metrics = routes.iter().filter(is_other).map(|route| route.metric);
            metrics.max().map_or(0, |metric| metric.saturating_add(1))
        })
    }

    /// Adds a route through a gateway, on each interface that has the gateway on its link. `metric` returns the metric of
    /// the route through an interface.
    fn add_routes(
        &mut self,
        network: Ipv4Net,
        gateway: Ipv4Addr,
        metric: impl Fn(&Routes, InterfaceId) -> u32,
    ) -> Result<(), HostConfigError> {
        let mut routes = self.shared.routes.clone();
        let mut added = Err(HostConfigError::Route(RouteError::NotOnLink(gateway)));
        for interface in
            self.interfaces.iter().filter(|interface| interface.reaches(gateway, &self.shared.routes))
        {
            let route = Route::through(gateway, network, interface.id);
            let metric = metric(&routes, interface.id);
            interface.add_route(&mut routes, Route { metric, ..route })?;
            added = Ok(());
        }
        added?;
        self.shared.routes = routes;
        Ok(())
    }

    /// Adds a route with an interface, a source address and a metric. Fails if the host has no such interface, or if
    /// the source is not a local address of the interface.
    pub fn add_route_on(&mut self, route: Route) -> Result<(), HostConfigError> {
        let interface =
            self.interfaces.get(route.interface).ok_or(HostConfigError::NoInterface(route.interface))?;
        if let Some(source) = route.source.filter(|source| !interface.addresses.contains(*source)) {
            return Err(HostConfigError::RouteSource(source.into()));
        }
        let mut routes = self.shared.routes.clone();
        interface.add_route(&mut routes, route)?;
        self.shared.routes = routes;
        Ok(())
    }

    /// Removes the route to a network through an interface: see [`Routes::remove`].
    pub fn remove_route(&mut self, network: Ipv4Net, interface: InterfaceId) -> Result<Route, RouteError> {
        self.shared.routes.remove(network, interface)
    }

    /// Removes and returns an event of the first interface that has an event.
    pub fn take_event(&mut self) -> Option<HostEvent> {
        self.interfaces.iter_mut().find_map(HostInterface::take_event)
    }

    /// Returns all counters, including zeros, lowest layer first. Counters of several interfaces are added up.
    pub fn counters(&self) -> Vec<Counter> {
        let mut all: Vec<Counter> = Vec::new();
        for counter in self.interfaces.iter().flat_map(counters::of_interface) {
            match all.iter_mut().find(|other| other.layer == counter.layer && other.name == counter.name) {
                Some(other) => other.count = other.count.saturating_add(counter.count),
                None => all.push(counter),
            }
        }
        let end = all.iter().rposition(|counter| counter.layer == "tcp").map_or(all.len(), |last| last + 1);
        all.splice(end..end, counters::of_tcp(&self.shared.tcp.counters()));
        all.push(counters::paths_selected(self.shared.paths.selected()));
        all.push(counters::no_interface(self.no_interface));
        all
    }

    /// Returns the number of ARP replies sent.
    pub fn arp_replies(&self) -> u64 {
        self.interfaces.iter().map(|interface| interface.counters.arp_replies).sum()
    }

    /// Returns the number of echo replies sent.
    pub fn echo_replies(&self) -> u64 {
        self.interfaces.iter().map(|interface| interface.counters.echo_replies).sum()
    }

    /// Returns the number of received frames with an unsupported EtherType.
    pub fn unsupported_protocol(&self) -> u64 {
        self.interfaces.iter().map(|interface| interface.counters.unsupported_ether_type).sum()
    }

    /// Returns the number of frames not sent for this reason.
    pub fn tx_dropped(&self, reason: TxDropReason) -> u64 {
        self.interfaces.iter().map(|interface| interface.tx_dropped.get(reason)).sum()
    }

    /// Returns how many frames were not sent, for any reason.
    pub fn unsent(&self) -> u64 {
        self.interfaces.iter().flat_map(|interface| interface.tx_dropped.iter()).map(|(_, count)| count).sum()
    }
}

/// Adds a static neighbor to an interface, and sends the TCP segments that wait for the neighbor.
// spec: tcp-unresolved
fn add_static(
    interface: &mut HostInterface,
    shared: &mut Shared,
    now: Instant,
    (ip, mac): (Ipv4Addr, MacAddr),
) -> Result<(), AddError> {
    interface.arp.add_static(now, &interface.addresses, ip, mac)?;
    shared.tcp.resolved(now, interface.id, ip);
    Ok(())
}

/// A [`tap::Exchange`] moves the frames between the host and one of its devices.
impl Machine for Host {
    type Outcome = FrameOutcome;

    /// Returns whether the host has capacity for the replies to a batch of received frames. Packets that the user sends
    /// do not count.
    // spec: receive-bound
    fn accepts_frames(&self, port: PortId) -> bool {
        let has_capacity =
            |interface: &HostInterface| interface.tx_queues.control.free_capacity() >= Exchange::BATCH;
        self.interfaces.of_port(port).all(has_capacity)
    }

    /// Reads the neighbor table for the senders of the frames, if an interface of the port has a large table.
    #[inline]
    fn prefetch(&self, port: PortId, frames: &Batch) {
        if frames.len() > 1 {
            ingress::prefetch(&self.interfaces, port, frames);
        }
    }

    /// Handles one received frame. A reply is queued. A frame without further use returns to `pool`.
    #[inline]
    fn receive(&mut self, now: Instant, port: PortId, frame: Frame, pool: &mut Pool) -> FrameOutcome {
        let outcome = ingress::receive(&mut self.interfaces, &mut self.shared, port, now, frame, pool);
        outcome.unwrap_or_else(|| {
            // spec: drops-counted
            self.no_interface = self.no_interface.saturating_add(1);
            FrameOutcome::Dropped(DropReason::NoInterface)
        })
    }

    /// Runs the timers that are due, and adds queued packets to `departing` while it has capacity: see the
    /// [order](crate#congestion).
    fn transmit(&mut self, now: Instant, port: PortId, departing: &mut Batch, pool: &mut Pool) {
        let Some(mtu) = self.mtu_of(port) else { return };
        pool.grow(mtu);
        self.now = now;
        self.shared.tcp.poll(now, pool);
        if let Some(port) = self.ports.iter_mut().find(|state| state.id == port) {
            output::transmit(&mut self.interfaces, &mut self.shared, port, now, departing, pool);
        }
    }

    /// Handles the refusal of a frame. A refused probe or announcement concerns only its address, and a refused request
    /// only the resolution that sent it.
    // spec: rfc5227-probe-refused, announcement-refused, request-refused
    fn refused(&mut self, now: Instant, _port: PortId, token: Token) {
        let Some((id, sender)) = ArpSender::of_token(token) else { return };
        let Some(interface) = self.interfaces.get_mut(id) else { return };
        match sender {
            ArpSender::Claim(ip) => interface.arp.claim_packet_refused(now, ip),
            ArpSender::Resolution(ip) => interface.arp.request_refused(now, ip),
        }
    }

    /// Handles a new state of the link. Before the first event, the link is treated as active.
    ///
    /// The MTU of the state applies immediately to sent and received frames. A [`HostConfig::mtu`] below the MTU of the
    /// first state limits the MTU of all later states.
    ///
    /// While the link is not active (up and with a carrier), no probe is sent, and a host that probes is not ready.
    /// When the link becomes active, the host probes again for each address that was claimed with a probe: see
    /// [`Arp::link_up`]. In this case, the packets in the transmit queues and in `departing` are dropped.
    // spec: rfc5227-link-up, rfc3927-link-up, rfc5227-no-carrier
    fn device_event(
        &mut self,
        now: Instant,
        port: PortId,
        event: DeviceEvent,
        departing: &mut Batch,
        pool: &mut Pool,
    ) {
        let DeviceEvent::Link(state) = event;
        let Some(link) = self.ports.iter_mut().find(|link| link.id == port) else { return };
        let was_active = std::mem::replace(&mut link.is_link_active, state.carries_frames());
        let mut is_probing = false;
        for interface in self.interfaces.of_port_mut(port) {
            if !state.carries_frames() {
                interface.arp.link_down();
            } else if !was_active {
                interface.arp.link_up(now, &mut interface.addresses);
                is_probing |= interface.arp.is_probing();
            }
        }
        if is_probing {
            self.drop_stale_packets(port, departing, pool);
        }
        self.set_mtu(port, state.mtu);
    }

    /// Returns the time at which the next timer is due, or `None` if no timer runs. After [`Host::send`] and the send
    /// calls of sockets, returns the time of the call.
    fn deadline(&self) -> Option<Instant> {
        // The interfaces of a congested port have no deadline: the turn after the device becomes writable serves them.
        let is_served = |interface: &&HostInterface| {
            !self.ports.iter().any(|port| port.id == interface.port() && port.is_congested)
        };
        let deadline = |interface: &HostInterface| output::deadline(interface, &self.shared, self.now);
        let connections = self.shared.tcp.deadline();
        self.interfaces.iter().filter(is_served).filter_map(deadline).chain(connections).min()
    }
}

#[cfg(test)]
mod tests;
