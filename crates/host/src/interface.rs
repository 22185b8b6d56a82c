//! An interface: the protocol layers of one link, and the addresses of its hosts.

use std::net::Ipv4Addr;

use address::{AddressRange, AddressTable};
use arp::{Arp, LINK_LOCAL, NeighborSettings, ProxyError, StartMode};
use base::{ReasonCounters, Secret};
use icmp::Icmp;
use inet::InterfaceId;
use ipnet::{IpNet, Ipv4Net};
use ipv4::{Identification, Ipv4, PathMtus, ReassemblyLimits, Route, Routes};
use link::{EtherType, Link, MacAddr, VlanId};
use tap::{Frame, Instant, Pool, PortId};
use tcp::{Tcp, TcpDropReason};
use udp::UdpDropReason;

use crate::config::{HostConfig, HostConfigError, HostSet, Ipv4Hosts, ipv4_address};
use crate::event::HostEvent;
use crate::outcome::TxDropReason;
use crate::path_cache::PathCache;
use crate::sockets::{DatagramSocketKind, SocketDropReason, Sockets};
use crate::tx_queue::TxQueues;

/// An interface of a host: the protocol layers of the untagged frames of a port, or of one VLAN of the port.
#[derive(Debug)]
pub struct HostInterface {
    pub(crate) id: InterfaceId,
    /// Configuration with which the interface was created. Its settings apply to all hosts.
    pub(crate) config: HostConfig,
    /// Configurations of the hosts, in the order in which the hosts were added.
    hosts: Vec<HostConfig>,
    /// The local addresses.
    pub(crate) addresses: AddressTable,
    pub(crate) link: Link,
    pub(crate) arp: Arp<PendingPacket>,
    pub(crate) ipv4: Ipv4,
    pub(crate) icmp: Icmp,
    pub(crate) identification: Identification,
    /// Path MTUs of destinations. Two interfaces may have different paths to the same address.
    pub(crate) path_mtus: PathMtus,
    pub(crate) counters: InterfaceCounters,
    /// UDP datagrams dropped, by reason.
    pub(crate) udp_dropped: ReasonCounters<UdpDropReason>,
    /// Datagrams that UDP sockets dropped, by reason.
    udp_socket_dropped: ReasonCounters<SocketDropReason>,
    /// Echo replies that echo sockets dropped, by reason.
    echo_socket_dropped: ReasonCounters<SocketDropReason>,
    /// TCP segments dropped, by reason.
    pub(crate) tcp_dropped: ReasonCounters<TcpDropReason>,
    /// Frames not sent, by reason.
    pub(crate) tx_dropped: ReasonCounters<TxDropReason>,
    /// Packets that wait for the device.
    pub(crate) tx_queues: TxQueues,
}

/// Counters of an interface, in addition to the counters of its layers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InterfaceCounters {
    /// ARP replies sent.
    pub(crate) arp_replies: u64,
    /// Echo replies sent.
    pub(crate) echo_replies: u64,
    /// ICMP errors sent.
    pub(crate) icmp_errors: u64,
    /// Datagrams sent. A datagram that is fragmented, or that the device cuts into segments, is counted once.
    pub(crate) datagrams_sent: u64,
    /// Frames of an unsupported EtherType.
    pub(crate) unsupported_ether_type: u64,
    /// Datagrams for an address that is not in use.
    pub(crate) address_not_in_use: u64,
    /// Datagrams in a frame to another host's MAC address.
    pub(crate) wrong_mac: u64,
    /// Broadcast and multicast datagrams without a listener.
    pub(crate) no_listener: u64,
    /// Datagrams not sent because there is no route to the destination.
    pub(crate) no_route: u64,
    /// UDP datagrams delivered to sockets. A broadcast counts once for each socket.
    pub(crate) udp_delivered: u64,
    /// Datagrams that UDP sockets have sent.
    pub(crate) udp_sent: u64,
    /// TCP segments accepted.
    pub(crate) tcp_accepted: u64,
    /// TCP segments sent.
    pub(crate) tcp_sent: u64,
    /// TCP segments with an invalid option.
    pub(crate) tcp_invalid_options: u64,
    /// Echo requests that sockets have sent.
    pub(crate) echo_requests: u64,
    /// Echo replies delivered to sockets.
    pub(crate) echo_delivered: u64,
    /// Echo replies and ICMP errors without a socket.
    pub(crate) icmp_no_socket: u64,
    /// ICMP errors and unresolved next hops that a socket or the host had no capacity to store.
    pub(crate) failures_lost: u64,
}

/// A packet that waits for the MAC address of its next hop.
#[derive(Debug)]
pub struct PendingPacket {
    pub(crate) ether_type: EtherType,
    /// Source IP address, a local address.
    pub(crate) source: Ipv4Addr,
    /// MAC address of the local host with this address.
    pub(crate) mac: MacAddr,
    /// The payload. A datagram is fragmented only when it departs.
    pub(crate) frame: Frame,
}

/// An interface, with the time, the shared parts and the pool with which it handles and sends packets.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    pub(crate) interface: &'a mut HostInterface,
    pub(crate) shared: &'a mut Shared,
    pub(crate) pool: &'a mut Pool,
}

/// The parts of a host that all its interfaces share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) routes: Routes,
    pub(crate) paths: PathCache,
    pub(crate) sockets: Sockets,
    pub(crate) tcp: Tcp,
}

impl Shared {
    /// Returns whether a datagram of a socket or a TCP segment departs on this interface.
    #[inline]
    pub(crate) fn has_output(&self, interface: InterfaceId) -> bool {
        self.sockets.has_senders(interface) || self.tcp.has_output(interface)
    }
}

impl HostInterface {
    /// Maximum number of configurations: of single hosts, and of ranges of hosts.
    const MAX_CONFIGURATIONS: usize = 65_536;

    /// Creates an interface without addresses. Fails for the configuration of an IPv6 host.
    pub(crate) fn new(id: InterfaceId, config: &HostConfig) -> Result<HostInterface, HostConfigError> {
        let ipv4_hosts = config.ipv4_hosts()?;
        // Hosts with the same seed that start at the same time must not send at the same time. The same applies to one
        // host in two VLANs or on two ports.
        let key = (config.mac.bytes(), config.vlan);
        let mut secret = Secret::new(Secret::new(config.table.seed).seed(key));
        // The random numbers of a host on the first port do not depend on the number of ports.
        if config.port != PortId::default() {
            secret = Secret::new(secret.seed(config.port.number()));
        }
        let arp = arp::ArpConfig {
            policy: config.policy,
            table: NeighborSettings { seed: secret.seed("arp"), ..config.table },
            network: match ipv4_hosts {
                Ipv4Hosts::One(network) => Some(network),
                Ipv4Hosts::LinkLocal => Some(LINK_LOCAL),
                Ipv4Hosts::Range(_) => None,
            },
            defense: config.defense,
        };
        Ok(HostInterface {
            id,
            config: *config,
            hosts: vec![*config],
            addresses: AddressTable::default(),
            link: Link::new(config.mtu, config.vlan),
            arp: Arp::new(arp),
            ipv4: Ipv4::new(ReassemblyLimits::default(), secret.key("reassembly")),
            icmp: Icmp::new(&icmp::IcmpConfig { seed: secret.key("icmp"), ..icmp::IcmpConfig::default() }),
            identification: Identification::new(secret.key("identification")),
            path_mtus: PathMtus::new(secret.key("path MTUs")),
            counters: InterfaceCounters::default(),
            udp_dropped: ReasonCounters::default(),
            udp_socket_dropped: ReasonCounters::default(),
            echo_socket_dropped: ReasonCounters::default(),
            tcp_dropped: ReasonCounters::default(),
            tx_dropped: ReasonCounters::default(),
            tx_queues: TxQueues::new(),
        })
    }

    /// Adds hosts to the interface, and returns the routes of the host with the routes of the configuration. All hosts
    /// of an interface share one neighbor table. A configuration that is refused changes nothing.
    // spec: refused-without-effect
    pub(crate) fn add(
        &mut self,
        now: Instant,
        config: &HostConfig,
        routes: &Routes,
    ) -> Result<Routes, HostConfigError> {
        config.check()?;
        let mut hosts = self.hosts.iter().filter(|host| !self.is_lost(host));
        if hosts.any(|other| other.shares_macs_with(config)) {
            return Err(HostConfigError::Duplicate(config.network()));
        }
        if self.hosts.len() >= Self::MAX_CONFIGURATIONS {
            return Err(HostConfigError::TooManyHosts);
        }
        let routes = self.start(now, config, routes)?;
        let mut hosts = std::mem::take(&mut self.hosts);
        hosts.retain(|host| !self.is_lost(host));
        hosts.push(*config);
        self.hosts = hosts;
        Ok(routes)
    }

    /// Returns whether another host has taken the address of a single host.
    fn is_lost(&self, host: &HostConfig) -> bool {
        let HostSet::One(IpNet::V4(network)) = host.addresses else { return false };
        !self.addresses.contains(network.addr())
    }

    /// Removes the host with an address, and returns the routes of the host without the routes that need the address.
    /// Returns `None` without a change if the address is not local.
    // spec: address-removed
    pub(crate) fn remove_address(&mut self, ip: Ipv4Addr, routes: &Routes) -> Option<Routes> {
        let mac = self.arp.release(&mut self.addresses, ip)?;
        let network_of = |host: &HostConfig| match host.addresses {
            HostSet::One(IpNet::V4(network)) => Some(network),
            _ => None,
        };
        let is_removed = |host: &HostConfig| match host.addresses {
            HostSet::One(network) => network.addr() == ip,
            HostSet::LinkLocal => host.mac == mac,
            HostSet::Range(_) => false,
        };
        let removed = self.hosts.iter().find(|host| is_removed(host)).and_then(network_of);
        self.hosts.retain(|host| !is_removed(host));
        let unused = removed.map(|network| network.trunc()).filter(|network| {
            !self.hosts.iter().filter_map(network_of).any(|other| other.trunc() == *network)
        });
        let on_link = unused.map(|network| Route::on_link(network, self.id));
        let mut routes = routes.clone();
        routes.retain(|route| {
            Some(*route) != on_link && (route.interface != self.id || route.source != Some(ip))
        });
        Some(routes)
    }

    /// Starts the hosts of a configuration: see [`HostInterface::add`].
    pub(crate) fn start(
        &mut self,
        now: Instant,
        config: &HostConfig,
        routes: &Routes,
    ) -> Result<Routes, HostConfigError> {
        let duplicate = |_| HostConfigError::Duplicate(config.network());
        let Some(range) = config.ipv4_hosts()?.range(config.mac) else {
            self.arp.select_link_local(now, &mut self.addresses, config.mac).map_err(duplicate)?;
            return Ok(routes.clone());
        };
        self.addresses.check(range).map_err(duplicate)?;
        let is_in_range = |gateway: &Ipv4Addr| (range.first..=range.last).contains(gateway);
        let mut gateways =
            routes.iter().filter(|route| route.interface == self.id).filter_map(|route| route.gateway);
        if let Some(gateway) = gateways.find(is_in_range) {
            return Err(HostConfigError::Gateway(gateway.into()));
        }
        let routes = self.routes_with(config, range, routes)?;
        // spec: many-hosts
        self.arp.claim(now, &mut self.addresses, range, config.start).map_err(duplicate)?;
        Ok(routes)
    }

    /// Returns the routes with those of a configuration: the route to the local network, and the default route if there
    /// is a gateway. A link-local host needs no route, because all its datagrams stay on the link.
    fn routes_with(
        &self,
        config: &HostConfig,
        range: AddressRange,
        routes: &Routes,
    ) -> Result<Routes, HostConfigError> {
        let mut routes = routes.clone();
        let on_link = match (config.ipv4_hosts()?, config.gateway) {
            (Ipv4Hosts::One(network), _) => network,
            // Only the range is on the link. Datagrams to other destinations are sent to the gateway.
            (Ipv4Hosts::Range(range), Some(_)) => range,
            (Ipv4Hosts::LinkLocal | Ipv4Hosts::Range(_), _) => Ipv4Net::default(),
        };
        add_route_once(&mut routes, Route::on_link(on_link, self.id))?;
        let Some(gateway) = config.gateway.map(ipv4_address).transpose()? else { return Ok(routes) };
        if (range.first..=range.last).contains(&gateway) {
            return Err(HostConfigError::Gateway(gateway.into()));
        }
        let default_route = Route::through(gateway, Ipv4Net::default(), self.id);
        if !routes.iter().any(|other| other == default_route) {
            self.add_route(&mut routes, default_route)?;
        }
        Ok(routes)
    }

    /// Adds a route through this interface. Fails if the gateway is a local address, or if the table does not allow the
    /// route.
    pub(crate) fn add_route(&self, routes: &mut Routes, route: Route) -> Result<(), HostConfigError> {
        if let Some(gateway) = route.gateway {
            if self.addresses.contains(gateway) {
                return Err(HostConfigError::Gateway(gateway.into()));
            }
            self.add_gateway_route(routes, gateway)?;
        }
        Ok(routes.add(route)?)
    }

    /// Returns whether a gateway is on the link of this interface. A range of hosts is not a subnet, so every gateway
    /// is treated as on its link.
    pub(crate) fn reaches(&self, gateway: Ipv4Addr, routes: &Routes) -> bool {
        let is_range = |host: &HostConfig| matches!(host.addresses, HostSet::Range(_));
        self.hosts.first().is_some_and(is_range) || routes.on_link(gateway, self.id).is_some()
    }

    /// Adds a route to a gateway outside a range of hosts.
    fn add_gateway_route(&self, routes: &mut Routes, gateway: Ipv4Addr) -> Result<(), HostConfigError> {
        if !self.reaches(gateway, routes) || routes.on_link(gateway, self.id).is_some() {
            return Ok(());
        }
        add_route_once(routes, Route::on_link(gateway.into(), self.id))
    }

    /// Returns the identifier.
    pub fn id(&self) -> InterfaceId {
        self.id
    }

    /// Returns the port.
    pub fn port(&self) -> PortId {
        self.config.port
    }

    /// Returns the VLAN, or `None` for the interface of untagged frames.
    pub fn vlan(&self) -> Option<VlanId> {
        self.config.vlan
    }

    /// Returns the MTU: the longest payload of a frame, in bytes.
    pub fn mtu(&self) -> usize {
        self.config.mtu
    }

    /// Returns the link layer.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Returns the local addresses.
    pub fn addresses(&self) -> &AddressTable {
        &self.addresses
    }

    /// Returns the ARP layer.
    pub fn arp(&self) -> &Arp<PendingPacket> {
        &self.arp
    }

    /// Returns the ARP layer, to change its neighbor table.
    pub fn arp_mut(&mut self) -> &mut Arp<PendingPacket> {
        &mut self.arp
    }

    /// Replies to ARP requests for the hosts in a range: see [`Arp::add_proxy`].
    pub fn add_proxy(&mut self, range: Ipv4Net, mac: MacAddr) -> Result<(), ProxyError> {
        self.arp.add_proxy(&self.addresses, range, mac)
    }

    /// Sets the MTU of the link.
    pub(crate) fn set_mtu(&mut self, mtu: usize) {
        self.config.mtu = mtu;
        for host in &mut self.hosts {
            host.mtu = mtu;
        }
        self.link.set_mtu(mtu);
    }

    /// Returns the IPv4 layer.
    pub fn ipv4(&self) -> &Ipv4 {
        &self.ipv4
    }

    /// Returns the configurations of all hosts.
    pub fn hosts(&self) -> impl Iterator<Item = &HostConfig> {
        self.hosts.iter()
    }

    /// Returns the first host's address and network, while the address is in use. For a range, returns the lowest
    /// address in use.
    pub fn address(&self) -> Option<IpNet> {
        self.ipv4_address().map(IpNet::V4)
    }

    /// Returns the first host's IPv4 address: see [`HostInterface::address`].
    pub(crate) fn ipv4_address(&self) -> Option<Ipv4Net> {
        let in_use = |address: Ipv4Net| self.addresses.mac_of(address.addr()).map(|_| address);
        let first = self.hosts.first()?;
        match first.ipv4_hosts().ok()? {
            Ipv4Hosts::One(address) => in_use(address),
            Ipv4Hosts::LinkLocal => {
                let address = self.arp.link_local_address(first.mac)?;
                Ipv4Net::new(address, LINK_LOCAL.prefix_len()).ok()
            }
            Ipv4Hosts::Range(range) => in_use(range.trunc()).or_else(|| {
                let mut addresses = self.addresses.in_use().map(|(ip, _)| ip);
                Ipv4Net::new(addresses.find(|ip| range.contains(ip))?, range.prefix_len()).ok()
            }),
        }
    }

    /// Returns whether an address is in use and no host probes for an address.
    pub(crate) fn is_ready(&self) -> bool {
        self.addresses.has_address_in_use() && !self.arp.is_probing()
    }

    /// Returns whether a host is configured to probe for its address before use.
    pub(crate) fn probes(&self) -> bool {
        self.hosts().any(|host| host.start == StartMode::Probe || host.addresses == HostSet::LinkLocal)
    }

    /// Removes and returns an event.
    pub(crate) fn take_event(&mut self) -> Option<HostEvent> {
        let id = self.id;
        self.arp.take_event().map(|event| HostEvent::Arp(id, event))
    }

    /// Returns the MTU of the path to a destination, in bytes.
    #[inline]
    pub(crate) fn path_mtu(&self, now: Instant, destination: Ipv4Addr) -> usize {
        let mtu = self.config.mtu;
        self.path_mtus.get(now, destination).map_or(mtu, |path_mtu| mtu.min(path_mtu.into()))
    }

    /// Counts a datagram that a socket receives.
    #[inline]
    pub(crate) fn count_delivered(&mut self, kind: DatagramSocketKind) {
        let counter = match kind {
            DatagramSocketKind::Udp => &mut self.counters.udp_delivered,
            DatagramSocketKind::Echo => &mut self.counters.echo_delivered,
        };
        *counter = counter.saturating_add(1);
    }

    /// Returns the datagrams that sockets of a kind dropped, by reason.
    pub(crate) fn socket_dropped(&self, kind: DatagramSocketKind) -> &ReasonCounters<SocketDropReason> {
        match kind {
            DatagramSocketKind::Udp => &self.udp_socket_dropped,
            DatagramSocketKind::Echo => &self.echo_socket_dropped,
        }
    }

    /// Returns the datagrams that sockets of a kind dropped, to count another one.
    pub(crate) fn socket_dropped_mut(
        &mut self,
        kind: DatagramSocketKind,
    ) -> &mut ReasonCounters<SocketDropReason> {
        match kind {
            DatagramSocketKind::Udp => &mut self.udp_socket_dropped,
            DatagramSocketKind::Echo => &mut self.echo_socket_dropped,
        }
    }

    /// Counts a frame that is not sent.
    // spec: drops-counted
    pub(crate) fn count_tx_dropped(&mut self, reason: TxDropReason) -> TxDropReason {
        self.tx_dropped.count(reason);
        reason
    }
}

/// Adds a route, unless the table already has the same route.
fn add_route_once(routes: &mut Routes, route: Route) -> Result<(), HostConfigError> {
    let route = Route { network: route.network.trunc(), ..route };
    if routes.iter().any(|other| other == route) {
        return Ok(());
    }
    Ok(routes.add(route)?)
}
