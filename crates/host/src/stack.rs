//! The protocol layers of one segment, and the addresses of its hosts.

use std::net::Ipv4Addr;

use address::{AddressRange, AddressTable};
use arp::{Arp, LINK_LOCAL, NeighborSettings, StartMode};
use base::{EventQueue, ReasonCounters, Secret};
use icmp::Icmp;
use inet::InterfaceId;
use ipnet::Ipv4Net;
use ipv4::{Identification, Ipv4, ReassemblyLimits, Route, Routes};
use link::{EtherType, Link, MacAddr};
use tap::{Frame, Instant};

use crate::config::{HostConfig, HostConfigError, HostSet};
use crate::event::HostEvent;
use crate::outcome::TxDropReason;
use crate::tx_queue::TxQueues;
use crate::udp::UdpDropReason;

/// Interface of the routes of a stack. Each stack has a routing table of its own.
pub(crate) const INTERFACE: InterfaceId = InterfaceId(0);

/// The protocol layers of one segment: of the untagged link, or of one VLAN.
#[derive(Debug)]
pub(crate) struct Stack {
    /// Number of the stack in its host.
    pub(crate) number: u16,
    /// Configuration of the first hosts.
    pub(crate) config: HostConfig,
    /// Configurations of the hosts added later.
    others: Vec<HostConfig>,
    /// The local addresses.
    pub(crate) addresses: AddressTable,
    pub(crate) link: Link,
    pub(crate) arp: Arp<PendingPacket>,
    pub(crate) ipv4: Ipv4,
    pub(crate) icmp: Icmp,
    pub(crate) routes: Routes,
    pub(crate) identification: Identification,
    pub(crate) counters: StackCounters,
    /// UDP datagrams dropped, by reason.
    pub(crate) udp_dropped: ReasonCounters<UdpDropReason>,
    /// Frames not sent, by reason.
    pub(crate) tx_dropped: ReasonCounters<TxDropReason>,
    /// Packets that wait for the device.
    pub(crate) tx_queues: TxQueues,
    pub(crate) events: EventQueue<HostEvent>,
    /// Expected data of echo replies.
    pub(crate) expected_echo_data: Vec<u8>,
}

/// Counters of a stack, in addition to the counters of its layers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StackCounters {
    /// ARP replies sent.
    pub(crate) arp_replies: u64,
    /// Echo replies sent.
    pub(crate) echo_replies: u64,
    /// ICMP errors sent.
    pub(crate) icmp_errors: u64,
    /// Datagrams sent. A fragmented datagram is counted once.
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

impl Stack {
    /// Maximum number of events in the queue. Further events are lost and counted.
    const EVENTS: usize = 256;

    pub(crate) fn new(now: Instant, number: u16, config: &HostConfig) -> Result<Stack, HostConfigError> {
        config.check()?;
        // Hosts with the same seed that start at the same time must not send at the same time. The same applies to one
        // host in two VLANs.
        let secret = Secret::new(Secret::new(config.table.seed).seed((config.mac.bytes(), config.vlan)));
        let arp = arp::ArpConfig {
            policy: config.policy,
            table: NeighborSettings { seed: secret.seed("arp"), ..config.table },
            network: match config.addresses {
                HostSet::One(network) => Some(network),
                HostSet::LinkLocal => Some(LINK_LOCAL),
                HostSet::Range(_) => None,
            },
            defense: config.defense,
        };
        let mut stack = Stack {
            number,
            config: *config,
            others: Vec::new(),
            addresses: AddressTable::default(),
            link: Link::new(config.mtu, config.vlan),
            arp: Arp::new(arp),
            ipv4: Ipv4::new(ReassemblyLimits::default(), secret.key("reassembly")),
            icmp: Icmp::new(&icmp::IcmpConfig { seed: secret.key("icmp"), ..icmp::IcmpConfig::default() }),
            routes: Routes::default(),
            identification: Identification::new(secret.key("identification")),
            counters: StackCounters::default(),
            udp_dropped: ReasonCounters::default(),
            tx_dropped: ReasonCounters::default(),
            tx_queues: TxQueues::new(),
            events: EventQueue::new(Self::EVENTS),
            expected_echo_data: Vec::new(),
        };
        stack.start_hosts(now, config)?;
        Ok(stack)
    }

    /// Adds hosts to the segment. All hosts of a segment share one neighbor table.
    pub(crate) fn add(&mut self, now: Instant, config: &HostConfig) -> Result<(), HostConfigError> {
        config.check()?;
        if self.hosts().any(|other| other.shares_macs_with(config)) {
            return Err(HostConfigError::Duplicate(config.network()));
        }
        self.start_hosts(now, config)?;
        self.others.push(*config);
        Ok(())
    }

    /// Adds the addresses and routes of a configuration. A configuration that is refused changes nothing.
    // spec: refused-without-effect
    fn start_hosts(&mut self, now: Instant, config: &HostConfig) -> Result<(), HostConfigError> {
        let duplicate = |_| HostConfigError::Duplicate(config.network());
        let Some(range) = config.range_of_addresses() else {
            return self.arp.select_link_local(now, &mut self.addresses, config.mac).map_err(duplicate);
        };
        self.addresses.check(range).map_err(duplicate)?;
        let routes = self.routes_with(config, range)?;
        // spec: many-hosts
        self.arp.claim(now, &mut self.addresses, range, config.start).map_err(duplicate)?;
        self.routes = routes;
        Ok(())
    }

    /// Returns the routes with those of a configuration: the route to the local network, and the default route if there
    /// is a gateway. A link-local host needs no route, because all its datagrams stay on the link.
    fn routes_with(&self, config: &HostConfig, range: AddressRange) -> Result<Routes, HostConfigError> {
        let mut routes = self.routes.clone();
        let on_link = match (config.addresses, config.gateway) {
            (HostSet::One(network), _) => network,
            // Only the range is on the link. Datagrams to other destinations are sent to the gateway.
            (HostSet::Range(range), Some(_)) => range,
            (HostSet::LinkLocal | HostSet::Range(_), _) => Ipv4Net::default(),
        };
        add_route_once(&mut routes, Route::on_link(on_link, INTERFACE))?;
        let Some(gateway) = config.gateway else { return Ok(routes) };
        if (range.first..=range.last).contains(&gateway) {
            return Err(HostConfigError::Gateway(gateway));
        }
        let default_route = Route::through(gateway, Ipv4Net::default(), INTERFACE);
        if !routes.iter().any(|other| other == default_route) {
            self.add_route_to(&mut routes, default_route)?;
        }
        Ok(routes)
    }

    /// Returns the routes with another route. Fails if the gateway is a local address, or if the table does not allow
    /// the route.
    pub(crate) fn routes_with_route(&self, route: Route) -> Result<Routes, HostConfigError> {
        let mut routes = self.routes.clone();
        self.add_route_to(&mut routes, route)?;
        Ok(routes)
    }

    fn add_route_to(&self, routes: &mut Routes, route: Route) -> Result<(), HostConfigError> {
        if let Some(gateway) = route.gateway {
            if self.addresses.contains(gateway) {
                return Err(HostConfigError::Gateway(gateway));
            }
            self.add_gateway_route(routes, gateway)?;
        }
        Ok(routes.add(route)?)
    }

    /// Adds a route to a gateway outside a range of hosts. A range is not a subnet, so the gateway is treated as on the
    /// link.
    fn add_gateway_route(&self, routes: &mut Routes, gateway: Ipv4Addr) -> Result<(), HostConfigError> {
        let is_range = matches!(self.config.addresses, HostSet::Range(_));
        if !is_range || routes.on_link(gateway, INTERFACE).is_some() {
            return Ok(());
        }
        add_route_once(routes, Route::on_link(gateway.into(), INTERFACE))
    }

    /// Returns the configurations of all hosts.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &HostConfig> {
        std::iter::once(&self.config).chain(&self.others)
    }

    /// Returns the first host's address and network, while the address is in use. For a range, returns the lowest
    /// address in use.
    pub(crate) fn address(&self) -> Option<Ipv4Net> {
        let in_use = |address: Ipv4Net| self.addresses.mac_of(address.addr()).map(|_| address);
        match self.config.addresses {
            HostSet::One(address) => in_use(address),
            HostSet::LinkLocal => {
                let address = self.arp.link_local_address(self.config.mac)?;
                Ipv4Net::new(address, LINK_LOCAL.prefix_len()).ok()
            }
            HostSet::Range(range) => in_use(range.trunc()).or_else(|| {
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

    /// Removes and returns an event. Events of datagrams precede events of ARP.
    pub(crate) fn take_event(&mut self) -> Option<HostEvent> {
        self.events.pop().or_else(|| self.arp.take_event().map(HostEvent::Arp))
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
