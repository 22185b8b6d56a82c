//! The table of local addresses.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use inet::{directed_broadcast, is_valid_host};
use ipnet::Ipv4Net;
use link::{DestinationKind, LocalMacs, MacAddr, TooManyGroups};

use crate::exceptions::Exceptions;
use crate::macs::MacRanges;
use crate::range::{AddressError, AddressRange};
use crate::state::AddressState;

/// The local addresses of an interface: IP addresses with states, MAC addresses, broadcast addresses, and joined
/// multicast groups.
///
/// An address is in use if its state is [`AddressState::Preferred`] or [`AddressState::Conflict`].
#[derive(Clone, Debug, Default)]
pub struct AddressTable {
    /// Sorted by first address, without overlap.
    rows: Vec<Row>,
    /// MAC addresses of the local hosts, with or without an IP address.
    stations: MacRanges,
    /// Local addresses with a state other than [`AddressState::Preferred`].
    exceptions: Exceptions,
    /// Number of local addresses.
    addresses: u64,
    /// Broadcast addresses of the networks of the rows.
    broadcasts: Vec<Ipv4Addr>,
    groups: BTreeSet<Ipv4Addr>,
    generation: u64,
}

/// Range of IP addresses, as numbers because the addresses are compared for every packet.
#[derive(Clone, Copy, Debug)]
struct Row {
    first: u32,
    last: u32,
    /// MAC address of the first address.
    mac: MacAddr,
    prefix: u8,
}

impl AddressTable {
    /// Maximum number of addresses in the state [`AddressState::Conflict`].
    pub const CONFLICTS: usize = 1_024;
    /// Maximum number of joined groups.
    pub const GROUPS: usize = 256;
    /// The multicast group of all hosts on a link (RFC 1112 4).
    pub const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);

    /// Returns the table of a single host with one address, which is in use. Fails if the MAC address is zero or
    /// multicast.
    pub fn one(address: Ipv4Net, mac: MacAddr) -> Result<AddressTable, AddressError> {
        let mut table = AddressTable::default();
        table.add(AddressRange::one(address, mac))?;
        Ok(table)
    }

    /// Adds addresses, which are in use immediately. Their MAC addresses become local, and so do the broadcast
    /// addresses of their network.
    ///
    /// Fails without a change if the range is invalid or has a local address.
    pub fn add(&mut self, range: AddressRange) -> Result<(), AddressError> {
        self.check(range)?;
        let last_mac = range.check()?;
        self.generation += 1;
        let (first, last) = (u32::from(range.first), u32::from(range.last));
        let place = self.rows.partition_point(|row| row.first <= last);
        let row = Row { first, last, mac: range.mac, prefix: range.prefix };
        self.rows.insert(place, row);
        self.join_rows(place);
        if let Some(before) = place.checked_sub(1) {
            self.join_rows(before);
        }
        self.addresses += u64::from(last - first) + 1;
        self.stations.add(range.mac, last_mac);
        add_broadcasts(&mut self.broadcasts, row);
        Ok(())
    }

    /// Checks that addresses can be added: see [`AddressTable::add`].
    pub fn check(&self, range: AddressRange) -> Result<(), AddressError> {
        range.check()?;
        let place = self.rows.partition_point(|row| row.first <= u32::from(range.last));
        let before = place.checked_sub(1).and_then(|place| self.rows.get(place));
        let overlaps = before.is_some_and(|row| row.last >= u32::from(range.first));
        if overlaps { Err(AddressError::Overlap) } else { Ok(()) }
    }

    /// Adds addresses in the state [`AddressState::Tentative`]: see [`AddressTable::add`].
    pub fn add_tentative(&mut self, range: AddressRange) -> Result<(), AddressError> {
        self.add(range)?;
        self.exceptions.set(range.first.into(), range.last.into(), AddressState::Tentative);
        Ok(())
    }

    /// Adds a local MAC address that has no IP address yet.
    ///
    /// Fails if the MAC address is zero or multicast.
    pub fn add_station(&mut self, mac: MacAddr) -> Result<(), AddressError> {
        if !mac.is_station() {
            return Err(AddressError::InvalidMac);
        }
        self.generation += 1;
        self.stations.add(mac, mac);
        Ok(())
    }

    /// Removes an IP address. Its MAC address stays local.
    pub fn remove(&mut self, ip: Ipv4Addr) {
        let Some(place) = self.index_of(ip) else { return };
        // The state counts as a change of the table.
        self.set_state(ip, AddressState::Preferred);
        self.addresses -= 1;
        let row = self.rows.remove(place);
        let number = u32::from(ip);
        let before = number.checked_sub(1).filter(|last| *last >= row.first);
        let after = number.checked_add(1).filter(|first| *first <= row.last);
        let before = before.map(|last| Row { last, ..row });
        let after = after.and_then(|first| Some(Row { first, mac: row.mac_of(first)?, ..row }));
        self.rows.splice(place..place, before.into_iter().chain(after));
        // The hosts of a range have no broadcast address, and may lose many addresses one by one.
        if row.prefix < 31 {
            self.broadcasts.clear();
            for row in &self.rows {
                add_broadcasts(&mut self.broadcasts, *row);
            }
        }
    }

    /// Removes an IP address and its MAC address, which stays local only if another IP address has it. Returns the MAC
    /// address, or `None` if the IP address is not local.
    pub fn release(&mut self, ip: Ipv4Addr) -> Option<MacAddr> {
        let mac = self.row_of(ip)?.mac_of(ip.into())?;
        self.remove(ip);
        let is_shared = self
            .rows
            .iter()
            .any(|row| row.mac <= mac && row.mac_of(row.last).is_some_and(|last| mac <= last));
        if !is_shared {
            self.stations.remove(mac);
        }
        Some(mac)
    }

    /// Sets the state of a local address. Returns false without a change if the address is not local, or if
    /// [`AddressTable::CONFLICTS`] other addresses are in conflict.
    pub fn set_state(&mut self, ip: Ipv4Addr, state: AddressState) -> bool {
        let Some(before) = self.state(ip) else { return false };
        let is_conflict = |state| matches!(state, AddressState::Conflict { .. });
        if is_conflict(state) && !is_conflict(before) && self.exceptions.conflicts() >= Self::CONFLICTS {
            return false;
        }
        self.generation += 1;
        self.exceptions.set(ip.into(), ip.into(), state);
        true
    }

    /// Joins a multicast group, so that datagrams to the group are accepted. An address that is not multicast is
    /// ignored.
    ///
    /// Fails if [`AddressTable::GROUPS`] other groups are joined already.
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

    /// Returns the number of changes of addresses and their states. A result that was computed from the table is valid
    /// while the number stays the same. Joined groups do not count.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns whether an IP address is local, in use or not.
    #[inline]
    pub fn contains(&self, ip: Ipv4Addr) -> bool {
        self.row_of(ip).is_some()
    }

    /// Returns the state of a local IP address, or `None` if the address is not local.
    #[inline]
    pub fn state(&self, ip: Ipv4Addr) -> Option<AddressState> {
        self.row_of(ip)?;
        Some(self.exceptions.get(ip.into()).unwrap_or(AddressState::Preferred))
    }

    /// Returns the MAC address of an IP address in use.
    #[inline]
    pub fn mac_of(&self, ip: Ipv4Addr) -> Option<MacAddr> {
        let row = self.row_of(ip)?;
        if self.is_tentative(ip) {
            return None;
        }
        row.mac_of(ip.into())
    }

    /// Returns whether a MAC address is local.
    #[inline]
    pub fn has_mac(&self, mac: MacAddr) -> bool {
        self.stations.contains(mac)
    }

    /// Returns whether any IP address is in use.
    pub fn has_address_in_use(&self) -> bool {
        self.addresses > self.exceptions.tentative()
    }

    /// Returns the IP addresses in use with their MAC addresses, in ascending order.
    pub fn in_use(&self) -> impl Iterator<Item = (Ipv4Addr, MacAddr)> {
        let is_tentative = |state| state == AddressState::Tentative;
        self.rows.iter().flat_map(move |row| {
            let mut next = Some(row.first);
            std::iter::from_fn(move || {
                let ip = self.exceptions.find((next?, row.last), None, is_tentative)?;
                next = ip.checked_add(1);
                Some((ip.into(), row.mac_of(ip)?))
            })
        })
    }

    /// Returns the local addresses from `first` on, in ascending order. The addresses of a range are consecutive and
    /// have the same state.
    pub fn ranges_from(&self, first: Ipv4Addr) -> impl Iterator<Item = (AddressRange, AddressState)> {
        let first = u32::from(first);
        let place = self.rows.partition_point(|row| row.last < first);
        self.rows.iter().skip(place).flat_map(move |row| {
            let mut next = Some(row.first.max(first));
            std::iter::from_fn(move || {
                let ip = next.filter(|ip| *ip <= row.last)?;
                let (state, last) = self.exceptions.run_from(ip, row.last);
                next = last.checked_add(1);
                let mac = row.mac_of(ip)?;
                let range = AddressRange { first: ip.into(), last: last.into(), mac, prefix: row.prefix };
                Some((range, state))
            })
        })
    }

    /// Returns whether any address of a network is local.
    pub fn contains_any(&self, network: Ipv4Net) -> bool {
        self.rows_in(network).next().is_some()
    }

    /// Returns the lowest address of a network that is in use.
    pub fn first_in_use(&self, network: Ipv4Net) -> Option<Ipv4Addr> {
        let (first, last) = (u32::from(network.network()), u32::from(network.broadcast()));
        let is_tentative = |state| state == AddressState::Tentative;
        let in_use =
            |row: &Row| self.exceptions.find((row.first.max(first), row.last.min(last)), None, is_tentative);
        self.rows_in(network).find_map(in_use).map(Ipv4Addr::from)
    }

    /// Returns the rows with addresses of a network, in ascending order.
    fn rows_in(&self, network: Ipv4Net) -> impl Iterator<Item = &Row> {
        let (first, last) = (u32::from(network.network()), u32::from(network.broadcast()));
        let start = self.rows.partition_point(|row| row.last < first);
        self.rows.iter().skip(start).take_while(move |row| row.first <= last)
    }

    /// Returns the IP and MAC address of the local host that sends an ARP request for `target`.
    ///
    /// The address is in use and differs from `target`. An address without a conflict is preferred, and among these
    /// addresses one in the network of `target`.
    pub fn source_for(&self, target: Ipv4Addr) -> Option<(Ipv4Addr, MacAddr)> {
        if !self.has_address_in_use() {
            return None;
        }
        let except = Some(u32::from(target));
        let find = |row: &Row, is_passed: fn(AddressState) -> bool| {
            let ip = self.exceptions.find((row.first, row.last), except, is_passed)?;
            Some((ip.into(), row.mac_of(ip)?))
        };
        let preferred = |row| find(row, |_| true);
        let in_use = |row| find(row, |state| state == AddressState::Tentative);
        let mut near = self.rows.iter().filter(|row| row.has_network_of(target.into()));
        near.find_map(preferred)
            .or_else(|| self.rows.iter().find_map(preferred))
            .or_else(|| self.rows.iter().find_map(in_use))
    }

    /// Returns whether `ip` is a broadcast address: 255.255.255.255, or the broadcast address of a local network.
    /// The obsolete form with host bits of zero is also a broadcast address (RFC 1122 3.3.6). A local address is never
    /// a broadcast address.
    #[inline]
    pub fn is_broadcast(&self, ip: Ipv4Addr) -> bool {
        (ip.is_broadcast() || self.broadcasts.contains(&ip)) && !self.contains(ip)
    }

    /// Returns whether `ip` identifies a single host (RFC 1122 3.2.2). A broadcast, multicast or loopback address does
    /// not, nor does an address in 0.0.0.0/8 or class E.
    pub fn is_host(&self, ip: Ipv4Addr) -> bool {
        is_valid_host(ip) && !self.is_broadcast(ip)
    }

    /// Returns whether a datagram to `destination` is unicast, multicast or broadcast to the local hosts. Returns
    /// `None` if the datagram is not addressed to them. A local address is a destination even if it is not in use.
    #[expect(clippy::inline_always, reason = "the callers read the same row")]
    #[inline(always)]
    pub fn destination_kind(&self, destination: Ipv4Addr) -> Option<DestinationKind> {
        // spec: rfc1122-destination
        if self.contains(destination) {
            Some(DestinationKind::Unicast)
        } else if self.is_broadcast(destination) {
            Some(DestinationKind::Broadcast)
        } else {
            self.groups.contains(&destination).then_some(DestinationKind::Multicast)
        }
    }

    /// Returns whether an address is in the state [`AddressState::Tentative`].
    #[inline]
    fn is_tentative(&self, ip: Ipv4Addr) -> bool {
        self.exceptions.tentative() > 0 && self.exceptions.get(ip.into()) == Some(AddressState::Tentative)
    }

    #[inline]
    fn row_of(&self, ip: Ipv4Addr) -> Option<&Row> {
        // Most tables have one row.
        let row = match self.rows.as_slice() {
            [row] => row,
            rows => rows.get(self.index_of(ip)?)?,
        };
        row.contains(ip.into()).then_some(row)
    }

    /// Returns the index of the row that contains an address.
    fn index_of(&self, ip: Ipv4Addr) -> Option<usize> {
        let ip = u32::from(ip);
        let place = self.rows.partition_point(|row| row.first <= ip).checked_sub(1)?;
        self.rows.get(place).filter(|row| row.contains(ip)).map(|_| place)
    }

    /// Merges the row at `place` with the next row if their addresses and MAC addresses are consecutive and in the same
    /// network.
    fn join_rows(&mut self, place: usize) {
        let Some([one, next, ..]) = self.rows.get_mut(place..) else { return };
        let is_adjacent = one.last.checked_add(1) == Some(next.first);
        let is_same_network =
            one.prefix == next.prefix && (one.prefix == 32 || one.has_network_of(next.first));
        if is_adjacent && is_same_network && one.mac_of(next.first) == Some(next.mac) {
            one.last = next.last;
            self.rows.remove(place + 1);
        }
    }
}

impl LocalMacs for AddressTable {
    #[inline]
    fn has_mac(&self, mac: MacAddr) -> bool {
        AddressTable::has_mac(self, mac)
    }
}

impl Row {
    #[inline]
    fn contains(&self, ip: u32) -> bool {
        self.first <= ip && ip <= self.last
    }

    /// Returns the MAC address of an address at or after the first.
    #[inline]
    fn mac_of(&self, ip: u32) -> Option<MacAddr> {
        match ip.wrapping_sub(self.first) {
            0 => Some(self.mac),
            offset => self.mac.plus(offset.into()),
        }
    }

    /// Returns whether an address is in the network of the row. A prefix of 32 is no network.
    fn has_network_of(&self, ip: u32) -> bool {
        self.prefix < 32 && (self.first ^ ip).leading_zeros() >= self.prefix.into()
    }
}

/// Adds the broadcast addresses of a row's network.
fn add_broadcasts(broadcasts: &mut Vec<Ipv4Addr>, row: Row) {
    // spec: rfc1122-broadcast
    let Ok(network) = Ipv4Net::new(row.first.into(), row.prefix) else { return };
    let Some(broadcast) = directed_broadcast(network) else { return };
    // Networks with different prefix lengths may share one of the two addresses.
    for address in [broadcast, network.network()] {
        if !broadcasts.contains(&address) {
            broadcasts.push(address);
        }
    }
}

#[cfg(test)]
mod tests;
