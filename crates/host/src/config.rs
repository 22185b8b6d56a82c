//! Who the host is.

use std::fmt;
use std::net::Ipv4Addr;

use arp::{Defence, Policy, Settings, Start};
use ipnet::Ipv4Net;
use link::{MacAddr, VlanId};

/// What a host is to be.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Its protocol address, and the network that lies on the wire. None: one of its own choice, link-local
    /// (RFC 3927).
    pub address: Option<Ipv4Net>,
    /// Its hardware address.
    pub hardware: MacAddr,
    /// The longest payload of a frame, in octets.
    pub mtu: usize,
    /// The VLAN it is in, if it is in one.
    pub vlan: Option<VlanId>,
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
pub enum ConfigError {
    /// The address is a network's, a broadcast, a group's, loopback, or 0.0.0.0.
    Address(Ipv4Net),
    /// The hardware address is a group's or zero.
    Hardware(MacAddr),
    /// An address of its own choice cannot be defended for ever (RFC 3927 2.5).
    Defence,
}

impl Config {
    /// A host with this address and hardware address, and all else as usual: an MTU of 1,500 octets,
    /// no VLAN, in use at once, defended for ever, the policy `cautious`, a table of 1,024 entries with
    /// seed 0.
    pub fn new(address: Ipv4Net, hardware: MacAddr) -> Config {
        Config { address: Some(address), defence: Defence::Always, ..Config::link_local(hardware) }
    }

    /// A host that selects its own address (RFC 3927), defends it once, and selects another when that is
    /// lost.
    pub fn link_local(hardware: MacAddr) -> Config {
        Config {
            address: None,
            hardware,
            start: Start::AtOnce,
            // spec: rfc3927-once
            defence: Defence::Once,
            mtu: 1_500,
            vlan: None,
            // spec: learn-default
            policy: Policy::Cautious,
            table: Settings::default(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if let Some(network) = self.address.filter(|network| !may_be_a_host(*network)) {
            return Err(ConfigError::Address(network));
        }
        if !self.hardware.is_station() {
            return Err(ConfigError::Hardware(self.hardware));
        }
        // spec: rfc3927-once
        if self.address.is_none() && self.defence == Defence::Always {
            return Err(ConfigError::Defence);
        }
        Ok(())
    }
}

/// Whether the address may be one host's in this network.
fn may_be_a_host(network: Ipv4Net) -> bool {
    let address = network.addr();
    // A network of two (RFC 3021) or one address has neither network nor broadcast address.
    let reserved =
        network.prefix_len() < 31 && (address == network.network() || address == network.broadcast());
    !reserved && is_host(address)
}

fn is_host(address: Ipv4Addr) -> bool {
    !(address.is_unspecified() || address.is_broadcast() || address.is_multicast() || address.is_loopback())
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(
                f,
                "{address} is no host's address: it is a network's, a broadcast, a group's, loopback or zero; choose one such as 10.0.0.2/24"
            ),
            Self::Hardware(address) => write!(
                f,
                "{address} is no station's hardware address: it is a group's or zero; choose one such as 02:00:00:00:00:02"
            ),
            Self::Defence => f.write_str(
                "an address of one's own choice cannot be defended for ever (RFC 3927 2.5); choose `once` or `cease`",
            ),
        }
    }
}

impl std::error::Error for ConfigError {}
