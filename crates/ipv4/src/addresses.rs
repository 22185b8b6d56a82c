//! Local addresses, and the kinds of destinations and sources.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use inet::{directed_broadcast, is_valid_host};
use ipnet::Ipv4Net;
use link::{DestinationKind, MacAddr, TooManyGroups};

use crate::Ipv4DropReason;

/// The local addresses, the networks they are in, and the joined groups. Addresses are kept as ranges: one host is a
/// set of one.
#[derive(Clone, Debug, Default)]
pub struct LocalAddresses {
    /// First and last address of each range as numbers, which are compared for every datagram; sorted,
    /// without overlap.
    ranges: Vec<(u32, u32)>,
    /// The broadcast addresses of the local networks.
    broadcasts: Vec<Ipv4Addr>,
    groups: BTreeSet<Ipv4Addr>,
}

impl LocalAddresses {
    /// Maximum number of joined groups.
    pub const GROUPS: usize = 256;
    /// The group of all hosts on a segment (RFC 1112 4).
    pub const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);

    /// Creates the set of one address in its network.
    pub fn one(address: Ipv4Net) -> LocalAddresses {
        let mut addresses = LocalAddresses::default();
        addresses.add(address.addr(), address.addr(), address);
        addresses
    }

    /// Adds all addresses from `first` to `last`, which are in this network.
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
        // Networks of two lengths may share one of both.
        for address in [broadcast, network.network()] {
            if !self.broadcasts.contains(&address) {
                self.broadcasts.push(address);
            }
        }
    }

    /// Accepts datagrams to `group` from now on. Ignores an address that is no group.
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

    /// Stops accepting datagrams to `group`.
    pub fn leave(&mut self, group: Ipv4Addr) {
        self.groups.remove(&group);
    }

    /// Returns whether `address` is local.
    #[inline]
    pub fn is_local(&self, address: Ipv4Addr) -> bool {
        let address = u32::from(address);
        // Most have one range.
        if let [(first, last)] = *self.ranges.as_slice() {
            return first <= address && address <= last;
        }
        let after = self.ranges.partition_point(|(first, _)| *first <= address);
        let range = after.checked_sub(1).and_then(|place| self.ranges.get(place));
        range.is_some_and(|(_, last)| address <= *last)
    }

    /// Returns whether `address` is a broadcast address: the limited broadcast, or that of a local network, also in its
    /// old form with zeros (RFC 1122 3.3.6). A local address never is.
    pub fn is_broadcast(&self, address: Ipv4Addr) -> bool {
        (address.is_broadcast() || self.broadcasts.contains(&address)) && !self.is_local(address)
    }

    /// Returns how a datagram to `destination` is addressed to this host; none if it is not.
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

    /// Rejects sources that cannot have sent a datagram to this host.
    pub fn check_source(&self, source: Ipv4Addr) -> Result<(), Ipv4DropReason> {
        // spec: rfc1122-source
        if source.is_multicast() {
            Err(Ipv4DropReason::SourceGroup)
        } else if source.is_loopback() {
            Err(Ipv4DropReason::SourceLoopback)
        // spec: source-ours
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

    /// Returns whether `address` names exactly one host: not "this network" (0.0.0.0/8), loopback, a broadcast, a group
    /// or an address of class E (RFC 1122 3.2.2).
    pub fn is_host(&self, address: Ipv4Addr) -> bool {
        is_valid_host(address) && !self.is_broadcast(address)
    }
}

/// Returns the Ethernet address of a multicast group: 01:00:5e and the lower 23 bits (RFC 1112 6.4).
pub fn multicast_mac(group: Ipv4Addr) -> Option<MacAddr> {
    let [_, b, c, d] = group.octets();
    group.is_multicast().then(|| MacAddr::new([1, 0, 0x5e, b & 0x7f, c, d]))
}

#[cfg(test)]
mod tests;
