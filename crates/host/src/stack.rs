//! The protocol layers of one segment, and the addresses of its hosts.

use std::net::Ipv4Addr;

use arp::{Arp, Identity, LINK_LOCAL, LocalBindings, LocalBindingsError, NeighborSettings, StartMode};
use base::{EventQueue, ReasonCounters, Secret};
use icmp::Icmp;
use inet::InterfaceId;
use ipnet::Ipv4Net;
use ipv4::{Identification, Ipv4, LocalAddresses, ReassemblyLimits, Route, Routes};
use link::{EtherType, Link, MacAddr, MacSet};
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
            link: Link::new(MacSet::default(), config.mtu, config.vlan),
            arp: Arp::new(LocalBindings::default(), arp),
            ipv4: Ipv4::new(LocalAddresses::default(), ReassemblyLimits::default(), secret.key("reassembly")),
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

    fn start_hosts(&mut self, now: Instant, config: &HostConfig) -> Result<(), HostConfigError> {
        let (first, last) = config.ends();
        let duplicate = |_| HostConfigError::Duplicate(config.network());
        self.claim_addresses(now, config, first, last).map_err(duplicate)?;
        self.link.local_macs_mut().add(config.mac, config.last_mac());
        self.add_default_routes(config)
    }

    /// Starts to use the addresses of a configuration.
    fn claim_addresses(
        &mut self,
        now: Instant,
        config: &HostConfig,
        first: Ipv4Addr,
        last: Ipv4Addr,
    ) -> Result<(), LocalBindingsError> {
        if config.addresses == HostSet::LinkLocal {
            return self.arp.select_link_local(now, config.mac);
        }
        self.ipv4.addresses_mut().add(first, last, config.broadcast_network());
        // spec: many-hosts
        if config.start == StartMode::Immediate {
            return self.arp.claim_range(first, last, config.mac);
        }
        for (step, ip) in (u32::from(first)..=u32::from(last)).enumerate() {
            let mac = u64::try_from(step).ok().and_then(|step| config.mac.plus(step));
            let mac = mac.ok_or(LocalBindingsError::InvalidMac)?;
            self.arp.claim(now, Identity { ip: ip.into(), mac }, config.start)?;
        }
        Ok(())
    }

    /// Adds the route to the local network, and the default route if there is a gateway.
    fn add_default_routes(&mut self, config: &HostConfig) -> Result<(), HostConfigError> {
        let on_link = match (config.addresses, config.gateway) {
            (HostSet::One(network), _) => network,
            // RFC 3927 2.6.2: "ARP for everything".
            // spec: rfc3927-arp-for-everything
            (HostSet::LinkLocal, _) | (HostSet::Range(_), None) => Ipv4Net::default(),
            // Only the range is on the link. Datagrams to other destinations are sent to the gateway.
            (HostSet::Range(range), Some(_)) => range,
        };
        self.add_route_once(Route::on_link(on_link, INTERFACE))?;
        match config.gateway {
            Some(gateway) => self.add_route_once(Route::through(gateway, Ipv4Net::default(), INTERFACE)),
            None => Ok(()),
        }
    }

    /// Adds a route, unless the table already has the same route.
    fn add_route_once(&mut self, route: Route) -> Result<(), HostConfigError> {
        let route = Route { network: route.network.trunc(), ..route };
        if self.routes.iter().any(|other| other == route) {
            return Ok(());
        }
        self.add_route(route)
    }

    /// Adds a route. Fails if the gateway is a local address, or if the table does not allow the route.
    pub(crate) fn add_route(&mut self, route: Route) -> Result<(), HostConfigError> {
        if let Some(gateway) = route.gateway.filter(|gateway| self.ipv4.addresses().is_local(*gateway)) {
            return Err(HostConfigError::Gateway(gateway));
        }
        self.add_gateway_route(route.gateway)?;
        Ok(self.routes.add(route)?)
    }

    /// Adds a route to a gateway outside a range of hosts. A range is not a subnet, so the gateway is treated as on the
    /// link.
    fn add_gateway_route(&mut self, gateway: Option<Ipv4Addr>) -> Result<(), HostConfigError> {
        let Some(gateway) = gateway.filter(|_| matches!(self.config.addresses, HostSet::Range(_))) else {
            return Ok(());
        };
        if self.routes.on_link(gateway, INTERFACE).is_some() {
            Ok(())
        } else {
            self.add_route_once(Route::on_link(gateway.into(), INTERFACE))
        }
    }

    /// Returns the configurations of all hosts.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &HostConfig> {
        std::iter::once(&self.config).chain(&self.others)
    }

    /// Returns the first host's address and network, while the address is in use.
    pub(crate) fn address(&self) -> Option<Ipv4Net> {
        match self.config.addresses {
            HostSet::One(address) => self.arp.locals().mac_of(address.addr()).map(|_| address),
            HostSet::LinkLocal => Ipv4Net::new(self.arp.link_local_address()?, LINK_LOCAL.prefix_len()).ok(),
            HostSet::Range(range) => self.arp.locals().first().map(|_| range),
        }
    }

    /// Returns whether an address is in use and no host probes for an address.
    pub(crate) fn is_ready(&self) -> bool {
        !self.arp.locals().is_empty() && !self.arp.is_probing()
    }

    /// Returns whether a host is configured to probe for its address before use.
    pub(crate) fn probes(&self) -> bool {
        self.hosts().any(|host| host.start == StartMode::Probe || host.addresses == HostSet::LinkLocal)
    }

    /// Handles a link that has become active.
    pub(crate) fn link_up(&mut self, now: Instant) {
        self.arp.link_up(now);
        self.sync_link_local_address();
    }

    /// Sets the local addresses of IPv4 to the link-local address in use, or to the empty set.
    pub(crate) fn sync_link_local_address(&mut self) {
        if self.config.addresses != HostSet::LinkLocal {
            return;
        }
        match self.address() {
            Some(address) if self.ipv4.addresses().is_local(address.addr()) => {}
            Some(address) => *self.ipv4.addresses_mut() = LocalAddresses::one(address),
            None => *self.ipv4.addresses_mut() = LocalAddresses::default(),
        }
    }

    /// Returns the MAC address of a local IP address that is in use.
    pub(crate) fn mac_of(&self, ip: Ipv4Addr) -> Option<MacAddr> {
        self.arp.locals().mac_of(ip)
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
