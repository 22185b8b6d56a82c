//! IPv4 addresses that name no host, for the protocols that share a link.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

/// First bytes of the addresses that name no host (RFC 1122 3.2.1.3): "this network", loopback, and from 224 on
/// groups and class E, which has the limited broadcast.
const RESERVED: [RangeInclusive<u8>; 3] = [0..=0, 127..=127, 224..=255];

/// Whether `address` can be a host's in some network: RFC 1122 3.2.1.3.
#[inline]
pub fn may_be_a_host(address: Ipv4Addr) -> bool {
    !holds_no_host(address, address)
}

/// Whether no address of a network can be a host's; `first` and `last` are its ends.
#[inline]
pub fn holds_no_host(first: Ipv4Addr, last: Ipv4Addr) -> bool {
    let ([first, ..], [last, ..]) = (first.octets(), last.octets());
    RESERVED.iter().any(|range| range.contains(&first) && range.contains(&last))
}

#[cfg(test)]
mod tests;
