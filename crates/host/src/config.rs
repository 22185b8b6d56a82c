//! Who the host is.

use std::fmt;
use std::net::Ipv4Addr;

use arp::{Policy, Settings};
use ipnet::Ipv4Net;
use link::{MacAddr, VlanId};

/// What a host is to be.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Its protocol address, and the network that lies on the wire.
    pub address: Ipv4Net,
    /// Its hardware address.
    pub hardware: MacAddr,
    /// The longest payload of a frame, in octets.
    pub mtu: usize,
    /// The VLAN it is in, if it is in one.
    pub vlan: Option<VlanId>,
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
}

impl Config {
    /// A host with this address and hardware address, and all else as usual: an MTU of 1,500 octets,
    /// no VLAN, the policy `cautious`, a table of 1,024 entries with seed 0.
    pub fn new(address: Ipv4Net, hardware: MacAddr) -> Config {
        Config {
            address,
            hardware,
            mtu: 1_500,
            vlan: None,
            // spec: learn-default
            policy: Policy::Cautious,
            table: Settings::default(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let (address, network) = (self.address.addr(), self.address);
        // A network of two (RFC 3021) or one address has neither network nor broadcast address.
        let reserved =
            network.prefix_len() < 31 && (address == network.network() || address == network.broadcast());
        if reserved || !is_host(address) {
            return Err(ConfigError::Address(network));
        }
        if !self.hardware.is_station() {
            return Err(ConfigError::Hardware(self.hardware));
        }
        Ok(())
    }
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
        }
    }
}

impl std::error::Error for ConfigError {}
