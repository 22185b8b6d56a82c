//! Special-purpose IPv4 addresses: reserved blocks and broadcast addresses.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use ipnet::Ipv4Net;

/// First bytes of the addresses that no host may have (RFC 1122 3.2.1.3): "this network", loopback, multicast (from
/// 224), and class E (from 240). Class E includes the limited broadcast address.
const RESERVED: [RangeInclusive<u8>; 3] = [0..=0, 127..=127, 224..=255];

/// Returns whether a host may have this address in some network (RFC 1122 3.2.1.3).
#[inline]
pub fn is_valid_host(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    !matches!(first, 0 | 127 | 224..=255)
}

/// Returns whether one reserved block contains all addresses from `first` to `last`, so that no host may have an
/// address of the range.
#[inline]
pub fn is_reserved_range(first: Ipv4Addr, last: Ipv4Addr) -> bool {
    let ([first, ..], [last, ..]) = (first.octets(), last.octets());
    RESERVED.iter().any(|range| range.contains(&first) && range.contains(&last))
}

/// Returns whether an address is in a network. The host bits of the network are ignored.
///
/// The comparison is for addresses of packets: it compares only the prefix, whereas [`Ipv4Net::contains`] computes both
/// ends of the network.
#[inline]
pub fn is_in_network(address: Ipv4Addr, network: Ipv4Net) -> bool {
    let differs = address.to_bits() ^ network.addr().to_bits();
    differs.leading_zeros() >= network.prefix_len().into()
}

/// Returns the directed broadcast address of a network. A /31 (RFC 3021) and a /32 have none.
pub fn directed_broadcast(network: Ipv4Net) -> Option<Ipv4Addr> {
    // spec: rfc3021-no-broadcast
    (network.prefix_len() < 31).then(|| network.broadcast())
}

#[cfg(test)]
mod tests;
