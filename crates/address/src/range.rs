//! Ranges of IP addresses.

use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use link::MacAddr;

/// Consecutive IP addresses with consecutive MAC addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    /// First address.
    pub first: Ipv4Addr,
    /// Last address.
    pub last: Ipv4Addr,
    /// MAC address of the first address. Each further address has the next MAC address.
    pub mac: MacAddr,
    /// Prefix length of the network that contains the addresses. With 32, the addresses have no network. With 31 or 32,
    /// there are no broadcast addresses (RFC 3021).
    pub prefix: u8,
}

/// Error of adding local addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// The last address precedes the first.
    Reversed,
    /// An address of the range is already local.
    Overlap,
    /// A MAC address is zero or multicast.
    InvalidMac,
    /// The prefix length exceeds 32, or the addresses are not in one network.
    InvalidPrefix,
}

impl AddressRange {
    /// Returns the range of one address.
    pub fn one(address: Ipv4Net, mac: MacAddr) -> AddressRange {
        AddressRange { first: address.addr(), last: address.addr(), mac, prefix: address.prefix_len() }
    }

    /// Returns the addresses of the range with their MAC addresses.
    pub fn iter(self) -> impl Iterator<Item = (Ipv4Addr, MacAddr)> {
        (u32::from(self.first)..=u32::from(self.last)).filter_map(move |number| {
            let mac = self.mac.plus((number - u32::from(self.first)).into())?;
            Some((number.into(), mac))
        })
    }

    /// Returns the MAC address of the last address. Fails if the range is invalid.
    pub(crate) fn check(self) -> Result<MacAddr, AddressError> {
        let (first, last) = (u32::from(self.first), u32::from(self.last));
        let steps = last.checked_sub(first).ok_or(AddressError::Reversed)?;
        let network = Ipv4Net::new(self.first, self.prefix).map_err(|_| AddressError::InvalidPrefix)?;
        if self.prefix < 32 && !network.contains(&self.last) {
            return Err(AddressError::InvalidPrefix);
        }
        let last_mac = self.mac.plus(steps.into()).filter(|mac| mac.is_station() && self.mac.is_station());
        last_mac.ok_or(AddressError::InvalidMac)
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reversed => "last address precedes first address",
            Self::Overlap => "address is already in use by this host",
            Self::InvalidMac => "MAC address of a host is zero or multicast (each IP address needs its own)",
            Self::InvalidPrefix => "addresses are not in one network of this prefix length",
        })
    }
}

impl std::error::Error for AddressError {}
