//! Which protocol addresses are ours.

use std::fmt;
use std::net::Ipv4Addr;

use link::{MacAddr, MacSet};

/// The protocol addresses we answer for, each with its hardware address, kept as ranges: one host
/// is a set of one.
#[derive(Clone, Debug, Default)]
pub struct LocalBindings {
    /// Sorted by first address, without overlap.
    ranges: Vec<Range>,
    /// The hardware addresses, those without a protocol address too.
    stations: MacSet,
}

/// Protocol addresses as numbers: they are compared for every packet.
#[derive(Clone, Copy, Debug)]
struct Range {
    first: u32,
    last: u32,
    /// The first one's hardware address.
    mac: MacAddr,
}

/// A range that cannot be ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalBindingsError {
    /// The last address lies before the first.
    Reversed,
    /// Some of its addresses are ours already.
    Overlap,
    /// There are not as many station addresses from the hardware address on.
    InvalidMac,
}

impl LocalBindings {
    /// The set of one address.
    pub fn single(ip: Ipv4Addr, mac: MacAddr) -> Result<LocalBindings, LocalBindingsError> {
        let mut locals = LocalBindings::default();
        locals.add(ip, ip, mac)?;
        Ok(locals)
    }

    /// Adds all addresses from `first` to `last`; the first has `mac`, each further one the
    /// hardware address after.
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

    /// Puts a range in its place, and makes one of it and its neighbors where they go on alike.
    fn insert(&mut self, place: usize, range: Range) {
        self.ranges.insert(place, range);
        self.join(place);
        if let Some(before) = place.checked_sub(1) {
            self.join(before);
        }
    }

    /// Makes one range of two if the second goes on where the first ends.
    fn join(&mut self, place: usize) {
        let Some([one, next, ..]) = self.ranges.get_mut(place..) else { return };
        let steps = next.first - one.first;
        let goes_on = one.last.checked_add(1) == Some(next.first);
        if goes_on && one.mac.plus(steps.into()) == Some(next.mac) {
            one.last = next.last;
            self.ranges.remove(place + 1);
        }
    }

    /// The lowest protocol address that is ours, and its hardware address.
    pub fn first(&self) -> Option<(Ipv4Addr, MacAddr)> {
        self.ranges.first().map(|range| (range.first.into(), range.mac))
    }

    /// Makes a hardware address ours that has no protocol address yet.
    pub fn add_station(&mut self, mac: MacAddr) -> Result<(), LocalBindingsError> {
        if !mac.is_station() {
            return Err(LocalBindingsError::InvalidMac);
        }
        if !self.stations.contains(mac) {
            self.stations.add(mac, mac);
        }
        Ok(())
    }

    /// Gives one protocol address up. Its hardware address stays ours: the station is still there.
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

    /// Whether no protocol address is ours.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The hardware address of a protocol address that is ours.
    #[inline]
    pub fn mac_of(&self, ip: Ipv4Addr) -> Option<MacAddr> {
        let range = self.range_of(ip)?;
        range.mac.plus(u32::from(ip).wrapping_sub(range.first).into())
    }

    /// Whether a protocol address is one of ours.
    #[inline]
    pub fn contains(&self, ip: Ipv4Addr) -> bool {
        self.range_of(ip).is_some()
    }

    #[inline]
    fn range_of(&self, ip: Ipv4Addr) -> Option<&Range> {
        // Most have one range.
        let range = match self.ranges.as_slice() {
            [range] => range,
            ranges => ranges.get(self.index_of(ip)?)?,
        };
        let ip = u32::from(ip);
        (range.first <= ip && ip <= range.last).then_some(range)
    }

    /// Whether a hardware address is one of ours.
    #[inline]
    pub fn has_mac(&self, mac: MacAddr) -> bool {
        self.stations.contains(mac)
    }

    /// Which range an address is in.
    fn index_of(&self, ip: Ipv4Addr) -> Option<usize> {
        let ip = u32::from(ip);
        let place = self.ranges.partition_point(|range| range.first <= ip).checked_sub(1)?;
        self.ranges.get(place).filter(|range| ip <= range.last).map(|_| place)
    }
}

impl fmt::Display for LocalBindingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reversed => "the last address lies before the first",
            Self::Overlap => "some of these addresses are given already",
            Self::InvalidMac => "hardware addresses must be those of stations: neither zero nor groups, and as many as there are protocol addresses",
        })
    }
}

impl std::error::Error for LocalBindingsError {}

#[cfg(test)]
mod tests;
