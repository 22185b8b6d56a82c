//! The layers of one segment, and who we are there.

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use arp::{Arp, Identity, LINK_LOCAL, Locals, LocalsError, Settings, Start};
use base::{ReasonCounters, Secret};
use icmp::Icmp;
use ipnet::Ipv4Net;
use ipv4::{Identification, Ipv4, LocalAddresses, ReassemblyLimits, Route, Routes};
use link::{Link, MacAddr, MacSet};
use tap::{Batch, Instant, Pool};

use crate::output::{PendingPacket, TxDropReason};
use crate::{HostConfig, HostConfigError, HostEvent, HostSet, UdpDropReason};

/// The layers of one segment: a wire, or one VLAN on it.
#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) config: HostConfig,
    /// Who else is here, beside the first.
    pub(crate) others: Vec<HostConfig>,
    pub(crate) link: Link,
    pub(crate) arp: Arp<PendingPacket>,
    pub(crate) ipv4: Ipv4,
    pub(crate) icmp: Icmp,
    pub(crate) udp: ReasonCounters<UdpDropReason>,
    /// Frames that were not sent, by reason.
    pub(crate) unsent: ReasonCounters<TxDropReason>,
    pub(crate) routes: Routes,
    pub(crate) identification: Identification,
    pub(crate) counts: Counts,
    events: VecDeque<HostEvent>,
    /// What the data of echo replies is compared with.
    pub(crate) echo_data: Vec<u8>,
}

/// What the host itself counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// ARP requests answered.
    pub(crate) answered: u64,
    /// Echo requests answered.
    pub(crate) echoed: u64,
    /// ICMP errors sent.
    pub(crate) errors: u64,
    /// Datagrams sent, each once however many fragments it took.
    pub(crate) datagrams: u64,
    /// Frames of a protocol that nobody here speaks.
    pub(crate) unspoken: u64,
    /// Datagrams for an address that is not in use.
    pub(crate) not_in_use: u64,
    /// Datagrams to another station than their address's.
    pub(crate) wrong_station: u64,
    /// Datagrams to many that nobody here wants.
    pub(crate) unwanted: u64,
    /// Not sent, for no route leads there.
    pub(crate) unroutable: u64,
    /// Events that nobody took in time.
    pub(crate) events_lost: u64,
}

/// Where frames come from and where they go.
pub(crate) struct Out<'a> {
    pub(crate) departing: &'a mut Batch,
    pub(crate) pool: &'a mut Pool,
}

impl Stack {
    /// How many events wait to be taken at most; what happens beyond that is counted.
    const EVENTS: usize = 256;

    pub(crate) fn new(now: Instant, config: &HostConfig) -> Result<Stack, HostConfigError> {
        config.check()?;
        // Stations that start together must not send together, even with the same seed, nor one station in two VLANs.
        let secret = Secret::new(Secret::new(config.table.seed).seed((config.mac.octets(), config.vlan)));
        let arp = arp::Config {
            policy: config.policy,
            table: Settings { seed: secret.seed("arp"), ..config.table },
            network: match config.addresses {
                HostSet::One(network) => Some(network),
                HostSet::LinkLocal => Some(LINK_LOCAL),
                HostSet::Range(_) => None,
            },
            defence: config.defence,
        };
        let mut stack = Stack {
            config: *config,
            others: Vec::new(),
            link: Link::new(MacSet::default(), config.mtu, config.vlan),
            arp: Arp::new(Locals::default(), arp),
            ipv4: Ipv4::new(LocalAddresses::default(), ReassemblyLimits::default(), secret.key("reassembly")),
            icmp: Icmp::new(&icmp::IcmpConfig { seed: secret.key("icmp"), ..icmp::IcmpConfig::default() }),
            udp: ReasonCounters::default(),
            unsent: ReasonCounters::default(),
            routes: Routes::default(),
            identification: Identification::new(secret.key("identification")),
            counts: Counts::default(),
            events: VecDeque::with_capacity(Self::EVENTS),
            echo_data: Vec::new(),
        };
        stack.join(now, config)?;
        Ok(stack)
    }

    /// Adds hosts that share this segment with the first, and its translation table.
    pub(crate) fn add(&mut self, now: Instant, config: &HostConfig) -> Result<(), HostConfigError> {
        config.check()?;
        if self.hosts().any(|other| other.shares_stations_with(config)) {
            return Err(HostConfigError::Duplicate(config.network()));
        }
        self.join(now, config)?;
        self.others.push(*config);
        Ok(())
    }

    fn join(&mut self, now: Instant, config: &HostConfig) -> Result<(), HostConfigError> {
        let (first, last) = config.ends();
        let taken = |_| HostConfigError::Duplicate(config.network());
        self.begin(now, config, first, last).map_err(taken)?;
        self.link.local_macs_mut().add(config.mac, config.last_mac());
        self.set_out(config)
    }

    /// Begins to use the addresses.
    fn begin(
        &mut self,
        now: Instant,
        config: &HostConfig,
        first: Ipv4Addr,
        last: Ipv4Addr,
    ) -> Result<(), LocalsError> {
        if config.addresses == HostSet::LinkLocal {
            return self.arp.select(now, config.mac);
        }
        self.ipv4.addresses_mut().add(first, last, config.broadcasts());
        // spec: many-hosts
        if config.start == Start::AtOnce {
            return self.arp.claim_all(first, last, config.mac);
        }
        for (step, protocol) in (u32::from(first)..=u32::from(last)).enumerate() {
            let hardware = u64::try_from(step).ok().and_then(|step| config.mac.plus(step));
            let hardware = hardware.ok_or(LocalsError::Hardware)?;
            self.arp.claim(now, Identity { protocol: protocol.into(), hardware }, config.start)?;
        }
        Ok(())
    }

    /// The routes that lead out from the addresses.
    fn set_out(&mut self, config: &HostConfig) -> Result<(), HostConfigError> {
        let on_link = match (config.addresses, config.gateway) {
            (HostSet::One(network), _) => network,
            // RFC 3927 2.6.2: "ARP for everything".
            // spec: rfc3927-arp-for-everything
            (HostSet::LinkLocal, _) | (HostSet::Range(_), None) => Ipv4Net::default(),
            // Whoever is no neighbor is behind the gateway.
            (HostSet::Range(range), Some(_)) => range,
        };
        self.put(Route { network: on_link, gateway: None })?;
        match config.gateway {
            Some(_) => self.put(Route { network: Ipv4Net::default(), gateway: config.gateway }),
            None => Ok(()),
        }
    }

    /// Adds a route, unless it is here already.
    fn put(&mut self, route: Route) -> Result<(), HostConfigError> {
        let route = Route { network: route.network.trunc(), ..route };
        if self.routes.iter().any(|other| other == route) {
            return Ok(());
        }
        self.add_route(route)
    }

    /// Adds a route, which leads to somebody else.
    pub(crate) fn add_route(&mut self, route: Route) -> Result<(), HostConfigError> {
        if let Some(ours) = route.gateway.filter(|gateway| self.ipv4.addresses().is_ours(*gateway)) {
            return Err(HostConfigError::Gateway(ours));
        }
        self.reach(route.gateway)?;
        Ok(self.routes.add(route)?)
    }

    /// A range of hosts is no network: a gateway beyond it is a neighbor all the same.
    fn reach(&mut self, gateway: Option<Ipv4Addr>) -> Result<(), HostConfigError> {
        let Some(gateway) = gateway.filter(|_| matches!(self.config.addresses, HostSet::Range(_))) else {
            return Ok(());
        };
        if self.routes.on_link(gateway).is_some() {
            Ok(())
        } else {
            self.put(Route { network: Ipv4Net::from(gateway), gateway: None })
        }
    }

    /// All who are here.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &HostConfig> {
        std::iter::once(&self.config).chain(&self.others)
    }

    /// The first host's address and network, while the address is in use.
    pub(crate) fn address(&self) -> Option<Ipv4Net> {
        match self.config.addresses {
            HostSet::One(address) => self.arp.locals().hardware_of(address.addr()).map(|_| address),
            HostSet::LinkLocal => Ipv4Net::new(self.arp.selected()?, LINK_LOCAL.prefix_len()).ok(),
            HostSet::Range(range) => self.arp.locals().first().map(|_| range),
        }
    }

    /// Whether all who are here can answer.
    pub(crate) fn is_ready(&self) -> bool {
        !self.arp.locals().is_empty() && !self.arp.is_probing()
    }

    /// Whether a host here probes for its address before it uses it.
    pub(crate) fn probes(&self) -> bool {
        self.hosts().any(|host| host.start == Start::Probe || host.addresses == HostSet::LinkLocal)
    }

    /// The link has become active after it was not.
    pub(crate) fn link_up(&mut self, now: Instant) {
        self.arp.link_up(now);
        self.follow_choice();
    }

    /// Follows an address of our own choice to where it is now; one that was lost is another's.
    pub(crate) fn follow_choice(&mut self) {
        if self.config.addresses != HostSet::LinkLocal {
            return;
        }
        match self.address() {
            Some(address) if self.ipv4.addresses().is_ours(address.addr()) => {}
            Some(address) => *self.ipv4.addresses_mut() = LocalAddresses::one(address),
            None => *self.ipv4.addresses_mut() = LocalAddresses::default(),
        }
    }

    /// The hardware address of an address of ours that is in use.
    pub(crate) fn hardware_of(&self, ours: Ipv4Addr) -> Option<MacAddr> {
        self.arp.locals().hardware_of(ours)
    }

    /// The oldest event not yet taken; those about datagrams go before those about neighbors.
    pub(crate) fn take_event(&mut self) -> Option<HostEvent> {
        self.events.pop_front().or_else(|| self.arp.take_event().map(HostEvent::Arp))
    }

    pub(crate) fn tell(&mut self, event: HostEvent) {
        if self.events.len() < Self::EVENTS {
            self.events.push_back(event);
        } else {
            self.counts.events_lost = self.counts.events_lost.saturating_add(1);
        }
    }
}
