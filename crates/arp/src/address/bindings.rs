//! Local IP addresses and MAC addresses.

use std::fmt;
use std::net::Ipv4Addr;

use link::{MacAddr, MacSet};

/// Local IP addresses, each with its MAC address, stored as ranges. A single host is a range of one address.
#[derive(Clone, Debug, Default)]
pub struct LocalBindings {
    /// Ranges sorted by first address, without overlap.
    ranges: Vec<Range>,
    /// Local MAC addresses, with or without an IP address.
    stations: MacSet,
}

/// Range of IP addresses, as numbers because the addresses are compared for every packet.
#[derive(Clone, Copy, Debug)]
struct Range {
    first: u32,
    last: u32,
    /// MAC address of the first address.
    mac: MacAddr,
}

/// Error of a range of local addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalBindingsError {
    /// The last address precedes the first.
    Reversed,
    /// An address of the range is already local or claimed.
    Overlap,
    /// A MAC address of the range is zero or multicast.
    InvalidMac,
}

impl LocalBindings {
    /// Creates a set of one address.
    ///
    /// Fails if the MAC address is zero or multicast.
    pub fn single(ip: Ipv4Addr, mac: MacAddr) -> Result<LocalBindings, LocalBindingsError> {
        let mut locals = LocalBindings::default();
        locals.add(ip, ip, mac)?;
        Ok(locals)
    }

    /// Adds all addresses from `first` to `last`.
    ///
    /// The first address gets the MAC address `mac`, and each further address gets the next MAC address. Fails if the
    /// range is reversed, overlaps a local range, or would need a MAC address that is zero or multicast.
    pub fn add(&mut self, first: Ipv4Addr, last: Ipv4Addr, mac: MacAddr) -> Result<(), LocalBindingsError> {
        let (first, last) = (u32::from(first), u32::from(last));
        let steps = last.checked_sub(first).ok_or(LocalBindingsError::Reversed)?;
        let stations = mac.plus(steps.into()).is_some_and(MacAddr::is_station);
        if !stations || !mac.is_station() {
            return Err(LocalBindingsError::InvalidMac);
        }
        let place = self.ranges.partition_point(|range| range.first <= last);
        let before = place.checked_sub(1).and_then(|place| self.ranges.get(place));
        if before.is_some_and(|range| range.last >= first) {
            return Err(LocalBindingsError::Overlap);
        }
        self.insert(place, Range { first, last, mac });
        self.stations.add(mac, mac.plus(steps.into()).unwrap_or(mac));
        Ok(())
    }

    /// Inserts a range and merges the range with the adjacent ranges where addresses and MAC addresses are consecutive.
    fn insert(&mut self, place: usize, range: Range) {
        self.ranges.insert(place, range);
        self.join(place);
        if let Some(before) = place.checked_sub(1) {
            self.join(before);
        }
    }

    /// Merges the range at `place` with the next range if their addresses and MAC addresses are consecutive.
    fn join(&mut self, place: usize) {
        let Some([one, next, ..]) = self.ranges.get_mut(place..) else { return };
        let steps = next.first - one.first;
        let is_adjacent = one.last.checked_add(1) == Some(next.first);
        if is_adjacent && one.mac.plus(steps.into()) == Some(next.mac) {
            one.last = next.last;
            self.ranges.remove(place + 1);
        }
    }

    /// Returns the lowest local IP address and its MAC address.
    pub fn first(&self) -> Option<(Ipv4Addr, MacAddr)> {
        self.ranges.first().map(|range| (range.first.into(), range.mac))
    }

    /// Adds a local MAC address that has no IP address yet.
    ///
    /// Fails if the MAC address is zero or multicast.
    pub fn add_station(&mut self, mac: MacAddr) -> Result<(), LocalBindingsError> {
        if !mac.is_station() {
            return Err(LocalBindingsError::InvalidMac);
        }
        if !self.stations.contains(mac) {
            self.stations.add(mac, mac);
        }
        Ok(())
    }

    /// Removes one IP address. Its MAC address stays local.
    pub fn remove(&mut self, ip: Ipv4Addr) {
        let Some(place) = self.index_of(ip) else { return };
        let Range { first, last, mac } = self.ranges.remove(place);
        let number = u32::from(ip);
        let before = number.checked_sub(1).filter(|last| *last >= first);
        let after = number.checked_add(1).filter(|next| *next <= last);
        let rest = after.and_then(|next| {
            let mac = mac.plus(u64::from(next - first))?;
            Some(Range { first: next, last, mac })
        });
        let kept = before.map(|end| Range { first, last: end, mac });
        self.ranges.splice(place..place, kept.into_iter().chain(rest));
    }

    /// Returns whether no IP address is local.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Returns the MAC address of a local IP address.
    #[inline]
    pub fn mac_of(&self, ip: Ipv4Addr) -> Option<MacAddr> {
        let range = self.range_of(ip)?;
        range.mac.plus(u32::from(ip).wrapping_sub(range.first).into())
    }

    /// Returns whether an IP address is local.
    #[inline]
    pub fn contains(&self, ip: Ipv4Addr) -> bool {
        self.range_of(ip).is_some()
    }

    #[inline]
    fn range_of(&self, ip: Ipv4Addr) -> Option<&Range> {
        // Most hosts have one range.
        let range = match self.ranges.as_slice() {
            [range] => range,
            ranges => ranges.get(self.index_of(ip)?)?,
        };
        let ip = u32::from(ip);
        (range.first <= ip && ip <= range.last).then_some(range)
    }

    /// Returns whether a MAC address is local.
    #[inline]
    pub fn has_mac(&self, mac: MacAddr) -> bool {
        self.stations.contains(mac)
    }

    /// Returns the index of the range that contains an address.
    fn index_of(&self, ip: Ipv4Addr) -> Option<usize> {
        let ip = u32::from(ip);
        let place = self.ranges.partition_point(|range| range.first <= ip).checked_sub(1)?;
        self.ranges.get(place).filter(|range| ip <= range.last).map(|_| place)
    }
}

impl fmt::Display for LocalBindingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reversed => "last address precedes first address",
            Self::Overlap => "address is already in use by this host",
            Self::InvalidMac => "MAC address of a host is zero or multicast (each IP address needs its own)",
        })
    }
}

impl std::error::Error for LocalBindingsError {}

#[cfg(test)]
mod tests;
