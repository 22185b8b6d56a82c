//! Configuration of hosts.

use std::fmt;
use std::net::Ipv4Addr;

use address::AddressRange;
use arp::{Defense, LINK_LOCAL, LearningPolicy, NeighborSettings, StartMode};
use inet::{InterfaceId, directed_broadcast, is_valid_host};
use ipnet::Ipv4Net;
use ipv4::{Ipv4Fields, RouteError};
use link::{MacAddr, VlanId};
use tap::PortId;

/// The IP addresses of the configured hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostSet {
    /// One host with this address. The network of the address is on the link.
    One(Ipv4Net),
    /// One host that selects a link-local address (RFC 3927).
    LinkLocal,
    /// A host for each address of a range, with consecutive MAC addresses. The range is not a subnet, so the only
    /// broadcast address is 255.255.255.255. Without a gateway, every destination is on the link.
    Range(Ipv4Net),
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
    /// Port of the device.
    pub port: PortId,
    /// VLAN of the frames, or `None` for untagged frames.
    pub vlan: Option<VlanId>,
    /// Time to live of replies and errors. Echo requests have
    /// [`EchoRequest::time_to_live`](crate::EchoRequest::time_to_live).
    pub time_to_live: u8,
    /// Gateway to destinations off the link.
    pub gateway: Option<Ipv4Addr>,
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
    Address(Ipv4Net),
    /// The MAC address is multicast or zero, or too few unicast addresses for the range follow it.
    Mac(MacAddr),
    /// A link-local address cannot be defended without limit (RFC 3927 2.5).
    Defense,
    /// An earlier configuration already has an IP or MAC address of this configuration.
    Duplicate(Ipv4Net),
    /// No identifier is left for another interface.
    TooManyInterfaces,
    /// The host has no such interface.
    NoInterface(InterfaceId),
    /// The source address of a route is not a local address of its interface.
    RouteSource(Ipv4Addr),
    /// The gateway is a local address.
    Gateway(Ipv4Addr),
    /// The route is invalid.
    Route(RouteError),
}

impl HostConfig {
    /// Returns the configuration of a host with this IP address and MAC address, and these defaults:
    ///
    /// - an MTU of 1,500 bytes, port 0, no VLAN and no gateway
    /// - immediate use of the address, which is always defended
    /// - the learning policy `cautious`, and an ARP cache of 1,024 entries
    ///
    /// The seed of the table is 0, so that a run can be repeated. A host on a real network needs a seed that other
    /// hosts cannot predict. Set [`NeighborSettings::seed`] to 128 random bits from the operating system, as in
    /// `examples/answer.rs`.
    pub fn new(address: Ipv4Net, mac: MacAddr) -> HostConfig {
        HostConfig {
            addresses: HostSet::One(address),
            mac,
            mtu: 1_500,
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
            ..HostConfig::new(Ipv4Net::default(), mac)
        }
    }

    /// Returns the configuration of a host for each address of a range. The MAC addresses start at `mac`.
    pub fn range(range: Ipv4Net, mac: MacAddr) -> HostConfig {
        HostConfig { addresses: HostSet::Range(range.trunc()), ..HostConfig::new(range, mac) }
    }

    /// Returns the addresses, or `None` for a link-local host.
    pub(crate) fn range_of_addresses(&self) -> Option<AddressRange> {
        match self.addresses {
            HostSet::One(address) => Some(AddressRange::one(address, self.mac)),
            HostSet::LinkLocal => None,
            // The range is not a subnet, so it has no broadcast address.
            HostSet::Range(range) => {
                let (first, last) = (range.network(), range.broadcast());
                Some(AddressRange { first, last, mac: self.mac, prefix: 32 })
            }
        }
    }

    /// Returns the network or range, for messages.
    pub(crate) fn network(&self) -> Ipv4Net {
        match self.addresses {
            HostSet::One(network) | HostSet::Range(network) => network,
            HostSet::LinkLocal => LINK_LOCAL,
        }
    }

    /// Returns the MAC address of the last host.
    pub(crate) fn last_mac(&self) -> MacAddr {
        let steps =
            self.range_of_addresses().map_or(0, |range| u32::from(range.last) - u32::from(range.first));
        // `check` has verified that this MAC address exists.
        self.mac.plus(steps.into()).unwrap_or(self.mac)
    }

    /// Returns whether the two configurations have a MAC address in common.
    pub(crate) fn shares_macs_with(&self, other: &HostConfig) -> bool {
        self.mac <= other.last_mac() && other.mac <= self.last_mac()
    }

    pub(crate) fn check(&self) -> Result<(), HostConfigError> {
        let (invalid, steps) = match self.addresses {
            HostSet::One(network) => (Some(network).filter(|network| !is_host_in(*network)), 0),
            // spec: rfc3927-once
            HostSet::LinkLocal if self.defense == Defense::Always => return Err(HostConfigError::Defense),
            // spec: rfc3927-arp-for-everything
            HostSet::LinkLocal if self.gateway.is_some() => {
                return Err(HostConfigError::Route(RouteError::NoGatewayAllowed(LINK_LOCAL)));
            }
            HostSet::LinkLocal => (None, 0),
            HostSet::Range(range) => {
                let is_valid = is_valid_host(range.network()) && is_valid_host(range.broadcast());
                (Some(range).filter(|_| !is_valid), u32::from(range.broadcast()) - u32::from(range.network()))
            }
        };
        if let Some(network) = invalid {
            return Err(HostConfigError::Address(network));
        }
        let last = self.mac.plus(steps.into());
        if !self.mac.is_station() || !last.is_some_and(MacAddr::is_station) {
            return Err(HostConfigError::Mac(self.mac));
        }
        Ok(())
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
            Self::Mac(mac) if mac.is_station() => write!(f, "too few unicast MAC addresses follow {mac}"),
            Self::Mac(mac) => write!(f, "{mac} is not a unicast MAC address"),
            Self::Defense => {
                f.write_str("a link-local address cannot be defended without limit (RFC 3927 2.5)")
            }
            Self::Duplicate(range) => {
                write!(f, "{range} shares IP or MAC addresses with a host that was added before")
            }
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
