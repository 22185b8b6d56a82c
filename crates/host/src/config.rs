//! Who the host is.

use std::fmt;
use std::net::Ipv4Addr;

use arp::{Defence, LINK_LOCAL, Policy, Settings, Start};
use inet::{directed_broadcast, is_valid_host};
use ipnet::Ipv4Net;
use ipv4::{Ipv4Fields, RouteError};
use link::{MacAddr, VlanId};

/// Which protocol addresses are the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostSet {
    /// This one; the network lies on the wire.
    One(Ipv4Net),
    /// One of its own choice (RFC 3927).
    LinkLocal,
    /// All of a range, as if each were a host of its own, with consecutive hardware addresses. The range
    /// is no network: without a gateway every destination is on the wire, and none but 255.255.255.255
    /// is broadcast.
    Range(Ipv4Net),
}

/// What a host is to be.
#[derive(Clone, Copy, Debug)]
pub struct HostConfig {
    /// Its protocol address.
    pub addresses: HostSet,
    /// Its hardware address; that of the first address, if there are more.
    pub mac: MacAddr,
    /// The longest payload of a frame, in octets.
    pub mtu: usize,
    /// The VLAN it is in, if it is in one.
    pub vlan: Option<VlanId>,
    /// The time to live of what it sends, where the sender chooses no other.
    pub time_to_live: u8,
    /// The gateway to what is not on the wire.
    pub gateway: Option<Ipv4Addr>,
    /// How the use of the address begins. One of its own choice is always probed for.
    pub start: Start,
    /// What to do when somebody else uses the address.
    pub defence: Defence,
    /// How readily it learns who is there.
    pub policy: Policy,
    /// The bounds and times of its translation table.
    pub table: Settings,
}

/// Why nobody can be such a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostConfigError {
    /// The address is a network's, a broadcast, a group's, loopback, or 0.0.0.0.
    Address(Ipv4Net),
    /// The hardware address is a group's or zero, or there are not enough after it.
    Mac(MacAddr),
    /// An address of its own choice cannot be defended for ever (RFC 3927 2.5).
    Defence,
    /// One of the addresses, or of the hardware addresses, is another's of these hosts.
    Duplicate(Ipv4Net),
    /// The gateway is one of these hosts.
    Gateway(Ipv4Addr),
    /// The gateway, or a route, cannot be.
    Route(RouteError),
}

impl HostConfig {
    /// A host with this address and hardware address, and all else as usual: an MTU of 1,500 octets,
    /// no VLAN, no gateway, in use at once, defended for ever, the policy `cautious`, a table of 1,024
    /// entries.
    ///
    /// The seed of the table is 0, so that a run can be repeated, and strangers can foresee what follows from it. A host
    /// on a real wire needs a random one: set [`Settings::seed`] to 128 bits from the operating system, as
    /// `examples/answer.rs` does.
    pub fn new(address: Ipv4Net, mac: MacAddr) -> HostConfig {
        HostConfig {
            addresses: HostSet::One(address),
            mac,
            mtu: 1_500,
            vlan: None,
            time_to_live: Ipv4Fields::TIME_TO_LIVE,
            gateway: None,
            start: Start::AtOnce,
            defence: Defence::Always,
            // spec: learn-default
            policy: Policy::Cautious,
            table: Settings { parcels_each: PARCELS_EACH, ..Settings::default() },
        }
    }

    /// A host that selects its own address (RFC 3927), defends it once, and selects another when that is
    /// lost.
    pub fn link_local(mac: MacAddr) -> HostConfig {
        // spec: rfc3927-once
        HostConfig {
            addresses: HostSet::LinkLocal,
            defence: Defence::Once,
            ..HostConfig::new(Ipv4Net::default(), mac)
        }
    }

    /// A host for each address of a range, with hardware addresses from `mac` on.
    pub fn range(range: Ipv4Net, mac: MacAddr) -> HostConfig {
        HostConfig { addresses: HostSet::Range(range.trunc()), ..HostConfig::new(range, mac) }
    }

    /// The first and the last address; 0.0.0.0 twice where it is not known yet.
    pub(crate) fn ends(&self) -> (Ipv4Addr, Ipv4Addr) {
        match self.addresses {
            HostSet::One(address) => (address.addr(), address.addr()),
            HostSet::LinkLocal => (Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED),
            HostSet::Range(range) => (range.network(), range.broadcast()),
        }
    }

    /// The addresses, for a message.
    pub(crate) fn network(&self) -> Ipv4Net {
        match self.addresses {
            HostSet::One(network) | HostSet::Range(network) => network,
            HostSet::LinkLocal => LINK_LOCAL,
        }
    }

    /// The network whose broadcast addresses are for us: of a range, none are.
    pub(crate) fn broadcasts(&self) -> Ipv4Net {
        match self.addresses {
            HostSet::One(network) => network,
            HostSet::LinkLocal => LINK_LOCAL,
            HostSet::Range(range) => Ipv4Net::from(range.network()),
        }
    }

    /// The last hardware address.
    pub(crate) fn last_mac(&self) -> MacAddr {
        let (first, last) = self.ends();
        // That there are as many, the check has shown.
        self.mac.plus(u64::from(u32::from(last) - u32::from(first))).unwrap_or(self.mac)
    }

    /// Whether some hardware address is one of both.
    pub(crate) fn shares_stations_with(&self, other: &HostConfig) -> bool {
        self.mac <= other.last_mac() && other.mac <= self.last_mac()
    }

    pub(crate) fn check(&self) -> Result<(), HostConfigError> {
        let (bad, steps) = match self.addresses {
            HostSet::One(network) => (Some(network).filter(|network| !is_host_in(*network)), 0),
            // spec: rfc3927-once
            HostSet::LinkLocal if self.defence == Defence::Always => return Err(HostConfigError::Defence),
            HostSet::LinkLocal => (None, 0),
            HostSet::Range(range) => {
                let hosts = is_valid_host(range.network()) && is_valid_host(range.broadcast());
                (Some(range).filter(|_| !hosts), u32::from(range.broadcast()) - u32::from(range.network()))
            }
        };
        if let Some(network) = bad {
            return Err(HostConfigError::Address(network));
        }
        let last = self.mac.plus(steps.into());
        if !self.mac.is_station() || !last.is_some_and(MacAddr::is_station) {
            return Err(HostConfigError::Mac(self.mac));
        }
        Ok(())
    }
}

/// How many datagrams may wait for one neighbor.
const PARCELS_EACH: usize = 16;

/// Whether the address may be one host's in this network.
fn is_host_in(network: Ipv4Net) -> bool {
    let address = network.addr();
    // A network of two (RFC 3021) or one address has neither network nor broadcast address.
    let is_reserved = directed_broadcast(network)
        .is_some_and(|broadcast| address == broadcast || address == network.network());
    !is_reserved && is_valid_host(address)
}

impl fmt::Display for HostConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(
                f,
                "{address} is no host's address: it is a network's, a broadcast, a group's, loopback or zero; choose one such as 10.0.0.2/24"
            ),
            Self::Mac(address) => write!(
                f,
                "{address} is no station's hardware address, or not as many follow it as there are hosts: choose one such as 02:00:00:00:00:02"
            ),
            Self::Defence => f.write_str(
                "an address of one's own choice cannot be defended for ever (RFC 3927 2.5); choose `once` or `cease`",
            ),
            Self::Duplicate(range) => {
                write!(f, "some addresses of {range}, or their hardware addresses, are given to hosts before it; choose others")
            }
            Self::Gateway(address) => {
                write!(f, "{address} is our own address, and no gateway of ours; name another")
            }
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
