//! Local addresses, and the classification of destinations and sources.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use inet::{directed_broadcast, is_valid_host};
use ipnet::Ipv4Net;
use link::{DestinationKind, MacAddr, TooManyGroups};

use crate::Ipv4DropReason;

/// The local addresses, the broadcast addresses of their networks, and the joined multicast groups. Local addresses are
/// stored as ranges. A single address is a range of length one.
#[derive(Clone, Debug, Default)]
pub struct LocalAddresses {
    /// First and last address of each range, sorted and without overlap. The addresses are stored as numbers, which are
    /// compared for every datagram.
    ranges: Vec<(u32, u32)>,
    /// Broadcast addresses of the local networks.
    broadcasts: Vec<Ipv4Addr>,
    groups: BTreeSet<Ipv4Addr>,
}

impl LocalAddresses {
    /// Maximum number of joined groups.
    pub const GROUPS: usize = 256;
    /// The multicast group of all hosts on a link (RFC 1112 4).
    pub const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);

    /// Returns the addresses of a host with one address in this network.
    pub fn one(address: Ipv4Net) -> LocalAddresses {
        let mut addresses = LocalAddresses::default();
        addresses.add(address.addr(), address.addr(), address);
        addresses
    }

    /// Adds the addresses from `first` to `last`, and the broadcast addresses of `network`.
    pub fn add(&mut self, first: Ipv4Addr, last: Ipv4Addr, network: Ipv4Net) {
        self.ranges.push((first.into(), last.into()));
        self.ranges.sort_unstable();
        self.ranges.dedup_by(|later, earlier| {
            let joined = later.0 <= earlier.1;
            if joined {
                earlier.1 = earlier.1.max(later.1);
            }
            joined
        });
        // spec: rfc1122-broadcast
        let Some(broadcast) = directed_broadcast(network) else { return };
        // Networks with different prefix lengths may share one of the two addresses.
        for address in [broadcast, network.network()] {
            if !self.broadcasts.contains(&address) {
                self.broadcasts.push(address);
            }
        }
    }

    /// Joins a multicast group, so that datagrams to the group are accepted. An address that is not multicast is
    /// ignored.
    ///
    /// Fails if [`LocalAddresses::GROUPS`] other groups are joined already.
    pub fn join(&mut self, group: Ipv4Addr) -> Result<(), TooManyGroups> {
        if !group.is_multicast() {
            return Ok(());
        }
        if self.groups.len() >= Self::GROUPS && !self.groups.contains(&group) {
            return Err(TooManyGroups);
        }
        self.groups.insert(group);
        Ok(())
    }

    /// Leaves a multicast group, so that datagrams to the group are no longer accepted.
    pub fn leave(&mut self, group: Ipv4Addr) {
        self.groups.remove(&group);
    }

    /// Returns whether `address` is local.
    #[inline]
    pub fn is_local(&self, address: Ipv4Addr) -> bool {
        let address = u32::from(address);
        // Most sets have one range.
        if let [(first, last)] = *self.ranges.as_slice() {
            return first <= address && address <= last;
        }
        let after = self.ranges.partition_point(|(first, _)| *first <= address);
        let range = after.checked_sub(1).and_then(|place| self.ranges.get(place));
        range.is_some_and(|(_, last)| address <= *last)
    }

    /// Returns whether `address` is a broadcast address: 255.255.255.255, or the broadcast address of a local network.
    /// The obsolete form with host bits of zero is also a broadcast address (RFC 1122 3.3.6). A local address is never
    /// a broadcast address.
    pub fn is_broadcast(&self, address: Ipv4Addr) -> bool {
        (address.is_broadcast() || self.broadcasts.contains(&address)) && !self.is_local(address)
    }

    /// Returns whether a datagram to `destination` is unicast, multicast or broadcast to this host. Returns `None` if
    /// the datagram is not addressed to this host.
    pub fn destination_kind(&self, destination: Ipv4Addr) -> Option<DestinationKind> {
        // spec: rfc1122-destination
        if self.is_local(destination) {
            Some(DestinationKind::Unicast)
        } else if self.is_broadcast(destination) {
            Some(DestinationKind::Broadcast)
        } else {
            self.groups.contains(&destination).then_some(DestinationKind::Multicast)
        }
    }

    /// Checks that `source` is valid as the source of a received datagram. Fails with the reason to drop the datagram.
    pub fn check_source(&self, source: Ipv4Addr) -> Result<(), Ipv4DropReason> {
        // spec: rfc1122-source
        if source.is_multicast() {
            Err(Ipv4DropReason::SourceGroup)
        } else if source.is_loopback() {
            Err(Ipv4DropReason::SourceLoopback)
        // spec: source-local
        } else if self.is_local(source) {
            Err(Ipv4DropReason::SourceLocal)
        } else if self.is_broadcast(source) {
            Err(Ipv4DropReason::SourceBroadcast)
        // spec: rfc1122-source
        } else if !is_valid_host(source) {
            Err(Ipv4DropReason::SourceReserved)
        } else {
            Ok(())
        }
    }

    /// Returns whether `address` identifies a single host (RFC 1122 3.2.2). A broadcast, multicast or loopback address
    /// does not, nor does an address in 0.0.0.0/8 or class E.
    pub fn is_host(&self, address: Ipv4Addr) -> bool {
        is_valid_host(address) && !self.is_broadcast(address)
    }
}

/// Returns the MAC address of a multicast group: 01:00:5e and the lower 23 bits of the group (RFC 1112 6.4). Returns
/// `None` for an address that is not multicast.
pub fn multicast_mac(group: Ipv4Addr) -> Option<MacAddr> {
    let [_, b, c, d] = group.octets();
    group.is_multicast().then(|| MacAddr::new([1, 0, 0x5e, b & 0x7f, c, d]))
}

#[cfg(test)]
mod tests;
