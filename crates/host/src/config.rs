//! Configuration of hosts.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use address::AddressRange;
use arp::{Defense, LINK_LOCAL, LearningPolicy, NeighborSettings, StartMode};
use inet::{InterfaceId, directed_broadcast, is_valid_host};
use ipnet::{IpNet, Ipv4Net};
use ipv4::{Ipv4Fields, RouteError};
use link::{MacAddr, VlanId};
use tap::{Offloads, PortId};

/// The IP addresses of the configured hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostSet {
    /// One host with this address. The network of the address is on the link.
    One(IpNet),
    /// One host that selects a link-local address (RFC 3927).
    LinkLocal,
    /// A host for each address of a range, with consecutive MAC addresses. The range is not a subnet, so the only
    /// broadcast address is 255.255.255.255. Without a gateway, every destination is on the link.
    Range(IpNet),
}

/// Configuration of one or more hosts.
#[derive(Clone, Copy, Debug)]
pub struct HostConfig {
    /// IP addresses.
    pub addresses: HostSet,
    /// MAC address of the first host.
    pub mac: MacAddr,
    /// Maximum payload of a frame, in bytes.
    pub mtu: usize,
    /// Work on transmitted frames that the device does: [`Capabilities::offloads`](tap::Capabilities::offloads).
    pub offloads: Offloads,
    /// Port of the device.
    pub port: PortId,
    /// VLAN of the frames, or `None` for untagged frames.
    pub vlan: Option<VlanId>,
    /// Time to live of replies and errors. Echo requests have
    /// [`EchoRequest::time_to_live`](crate::EchoRequest::time_to_live).
    pub time_to_live: u8,
    /// Gateway to destinations off the link.
    pub gateway: Option<IpAddr>,
    /// How the use of an address starts. A host always probes for a link-local address.
    pub start: StartMode,
    /// How an address is defended when another host uses it.
    pub defense: Defense,
    /// Which senders are added to the ARP cache.
    pub policy: LearningPolicy,
    /// Bounds and timeouts of the ARP cache.
    pub table: NeighborSettings,
}

/// Error of a host configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostConfigError {
    /// The address, or an end of the range, is not valid for a host: a network, broadcast, multicast, loopback or
    /// reserved address.
    Address(IpNet),
    /// IPv6 is not supported.
    Ipv6(IpAddr),
    /// The MAC address is multicast or zero, or too few unicast addresses for the range follow it.
    Mac(MacAddr),
    /// A link-local address cannot be defended without limit (RFC 3927 2.5).
    Defense,
    /// An earlier configuration already has an IP or MAC address of this configuration.
    Duplicate(IpNet),
    /// The interface has 65,536 configurations.
    TooManyHosts,
    /// No identifier is left for another interface.
    TooManyInterfaces,
    /// The host has no such interface.
    NoInterface(InterfaceId),
    /// The source address of a route is not a local address of its interface.
    RouteSource(IpAddr),
    /// The gateway of a route is a local address.
    Gateway(IpAddr),
    /// The route is invalid.
    Route(RouteError),
}

impl HostConfig {
    /// Returns the configuration of a host with this IP address and MAC address, and these defaults:
    ///
    /// - an MTU of 1,500 bytes, no offloads, port 0, no VLAN and no gateway
    /// - immediate use of the address, which is always defended
    /// - the learning policy `cautious`, and an ARP cache of 1,024 entries
    ///
    /// The seed of the table is 0, so that a run can be repeated. A host on a real network needs a seed that other
    /// hosts cannot predict. Set [`NeighborSettings::seed`] to 128 random bits from the operating system, as in
    /// `examples/answer.rs`.
    pub fn new(address: IpNet, mac: MacAddr) -> HostConfig {
        HostConfig {
            addresses: HostSet::One(address),
            mac,
            mtu: 1_500,
            offloads: Offloads::default(),
            port: PortId::new(0),
            vlan: None,
            time_to_live: Ipv4Fields::TIME_TO_LIVE,
            gateway: None,
            start: StartMode::Immediate,
            defense: Defense::Always,
            // spec: learn-default
            policy: LearningPolicy::Cautious,
            table: NeighborSettings {
                pending_per_entry: PENDING_PER_NEIGHBOR,
                ..NeighborSettings::default()
            },
        }
    }

    /// Returns the configuration of a host that selects a link-local address (RFC 3927) and defends the address once.
    /// After the loss of the address, the host selects a new address.
    pub fn link_local(mac: MacAddr) -> HostConfig {
        // spec: rfc3927-once
        HostConfig {
            addresses: HostSet::LinkLocal,
            defense: Defense::Once,
            ..HostConfig::new(Ipv4Net::default().into(), mac)
        }
    }

    /// Returns the configuration of a host for each address of a range. The MAC addresses start at `mac`.
    pub fn range(range: IpNet, mac: MacAddr) -> HostConfig {
        HostConfig { addresses: HostSet::Range(range.trunc()), ..HostConfig::new(range, mac) }
    }

    /// Returns the IPv4 addresses. Fails for IPv6 addresses, which are not supported.
    pub(crate) fn ipv4_hosts(&self) -> Result<Ipv4Hosts, HostConfigError> {
        Ok(match self.addresses {
            HostSet::One(address) => Ipv4Hosts::One(ipv4_network(address)?),
            HostSet::LinkLocal => Ipv4Hosts::LinkLocal,
            HostSet::Range(range) => Ipv4Hosts::Range(ipv4_network(range)?),
        })
    }

    /// Returns the network or range, for messages.
    pub(crate) fn network(&self) -> IpNet {
        match self.addresses {
            HostSet::One(network) | HostSet::Range(network) => network,
            HostSet::LinkLocal => LINK_LOCAL.into(),
        }
    }

    /// Returns the MAC address of the last host.
    pub(crate) fn last_mac(&self) -> MacAddr {
        let range = self.ipv4_hosts().ok().and_then(|hosts| hosts.range(self.mac));
        let steps = range.map_or(0, |range| u32::from(range.last) - u32::from(range.first));
        // `check` has verified that this MAC address exists.
        self.mac.plus(steps.into()).unwrap_or(self.mac)
    }

    /// Returns whether the two configurations have a MAC address in common.
    pub(crate) fn shares_macs_with(&self, other: &HostConfig) -> bool {
        self.mac <= other.last_mac() && other.mac <= self.last_mac()
    }

    pub(crate) fn check(&self) -> Result<(), HostConfigError> {
        let (is_valid, steps) = match self.ipv4_hosts()? {
            Ipv4Hosts::One(network) => (is_host_in(network), 0),
            // spec: rfc3927-once
            Ipv4Hosts::LinkLocal if self.defense == Defense::Always => return Err(HostConfigError::Defense),
            // spec: rfc3927-arp-for-everything
            Ipv4Hosts::LinkLocal if self.gateway.is_some() => {
                return Err(HostConfigError::Route(RouteError::NoGatewayAllowed(LINK_LOCAL)));
            }
            Ipv4Hosts::LinkLocal => (true, 0),
            Ipv4Hosts::Range(range) => {
                let is_valid = is_valid_host(range.network()) && is_valid_host(range.broadcast());
                (is_valid, u32::from(range.broadcast()) - u32::from(range.network()))
            }
        };
        if !is_valid {
            return Err(HostConfigError::Address(self.network()));
        }
        let last = self.mac.plus(steps.into());
        if !self.mac.is_station() || !last.is_some_and(MacAddr::is_station) {
            return Err(HostConfigError::Mac(self.mac));
        }
        Ok(())
    }
}

/// The IPv4 addresses of the configured hosts: see [`HostSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ipv4Hosts {
    One(Ipv4Net),
    LinkLocal,
    Range(Ipv4Net),
}

impl Ipv4Hosts {
    /// Returns the addresses with MAC addresses from `mac` on, or `None` for a link-local host.
    pub(crate) fn range(self, mac: MacAddr) -> Option<AddressRange> {
        match self {
            Self::One(address) => Some(AddressRange::one(address, mac)),
            Self::LinkLocal => None,
            // The range is not a subnet, so it has no broadcast address.
            Self::Range(range) => {
                let (first, last) = (range.network(), range.broadcast());
                Some(AddressRange { first, last, mac, prefix: 32 })
            }
        }
    }
}

/// Returns an IPv4 address. Fails for an IPv6 address, which is not supported.
pub(crate) fn ipv4_address(ip: IpAddr) -> Result<Ipv4Addr, HostConfigError> {
    match ip {
        IpAddr::V4(ip) => Ok(ip),
        IpAddr::V6(_) => Err(HostConfigError::Ipv6(ip)),
    }
}

/// Returns an IPv4 network. Fails for an IPv6 network, which is not supported.
pub(crate) fn ipv4_network(network: IpNet) -> Result<Ipv4Net, HostConfigError> {
    match network {
        IpNet::V4(network) => Ok(network),
        IpNet::V6(_) => Err(HostConfigError::Ipv6(network.addr())),
    }
}

/// Maximum number of pending packets for one neighbor.
const PENDING_PER_NEIGHBOR: usize = 16;

/// Returns whether the address is valid for a host in its network.
fn is_host_in(network: Ipv4Net) -> bool {
    let address = network.addr();
    // A network of one or two addresses (RFC 3021) has no network address and no broadcast address.
    let is_reserved = directed_broadcast(network)
        .is_some_and(|broadcast| address == broadcast || address == network.network());
    !is_reserved && is_valid_host(address)
}

impl fmt::Display for HostConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address} is not the address of a host"),
            Self::Ipv6(ip) => write!(f, "IPv6 is not supported: {ip}"),
            Self::Mac(mac) if mac.is_station() => write!(f, "too few unicast MAC addresses follow {mac}"),
            Self::Mac(mac) => write!(f, "{mac} is not a unicast MAC address"),
            Self::Defense => {
                f.write_str("a link-local address cannot be defended without limit (RFC 3927 2.5)")
            }
            Self::Duplicate(range) => {
                write!(f, "{range} shares IP or MAC addresses with a host that was added before")
            }
            Self::TooManyHosts => f.write_str("too many configurations of hosts (limit 65536)"),
            Self::TooManyInterfaces => f.write_str("too many interfaces (limit 65536)"),
            Self::NoInterface(id) => write!(f, "no interface {id}"),
            Self::RouteSource(ip) => {
                write!(f, "the source {ip} of the route is not an address of its interface")
            }
            Self::Gateway(ip) => write!(f, "the gateway {ip} is a local address"),
            Self::Route(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for HostConfigError {}

impl From<RouteError> for HostConfigError {
    fn from(error: RouteError) -> Self {
        Self::Route(error)
    }
}
