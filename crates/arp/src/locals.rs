//! Which protocol addresses are ours.

use std::fmt;
use std::net::Ipv4Addr;

use link::{MacAddr, MacSet};

/// The protocol addresses we answer for, each with its hardware address, kept as ranges: one host
/// is a set of one.
#[derive(Clone, Debug, Default)]
pub struct Locals {
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
    hardware: MacAddr,
}

/// A range that cannot be ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalsError {
    /// The last address lies before the first.
    Backwards,
    /// Some of its addresses are ours already.
    Overlap,
    /// There are not as many station addresses from the hardware address on.
    Hardware,
}

impl Locals {
    /// The set of one address.
    pub fn one(protocol: Ipv4Addr, hardware: MacAddr) -> Result<Locals, LocalsError> {
        let mut locals = Locals::default();
        locals.add(protocol, protocol, hardware)?;
        Ok(locals)
    }

    /// Adds all addresses from `first` to `last`; the first has `hardware`, each further one the
    /// hardware address after.
    pub fn add(&mut self, first: Ipv4Addr, last: Ipv4Addr, hardware: MacAddr) -> Result<(), LocalsError> {
        let (first, last) = (u32::from(first), u32::from(last));
        let steps = last.checked_sub(first).ok_or(LocalsError::Backwards)?;
        let stations = hardware.plus(steps.into()).is_some_and(MacAddr::is_station);
        if !stations || !hardware.is_station() {
            return Err(LocalsError::Hardware);
        }
        let place = self.ranges.partition_point(|range| range.first <= last);
        let before = place.checked_sub(1).and_then(|place| self.ranges.get(place));
        if before.is_some_and(|range| range.last >= first) {
            return Err(LocalsError::Overlap);
        }
        self.insert(place, Range { first, last, hardware });
        self.stations.add(hardware, hardware.plus(steps.into()).unwrap_or(hardware));
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
        if goes_on && one.hardware.plus(steps.into()) == Some(next.hardware) {
            one.last = next.last;
            self.ranges.remove(place + 1);
        }
    }

    /// The lowest protocol address that is ours, and its hardware address.
    pub fn first(&self) -> Option<(Ipv4Addr, MacAddr)> {
        self.ranges.first().map(|range| (range.first.into(), range.hardware))
    }

    /// Makes a hardware address ours that has no protocol address yet.
    pub fn enlist(&mut self, hardware: MacAddr) -> Result<(), LocalsError> {
        if !hardware.is_station() {
            return Err(LocalsError::Hardware);
        }
        if !self.stations.contains(hardware) {
            self.stations.add(hardware, hardware);
        }
        Ok(())
    }

    /// Gives one protocol address up. Its hardware address stays ours: the station is still there.
    pub fn remove(&mut self, protocol: Ipv4Addr) {
        let Some(place) = self.place_of(protocol) else { return };
        let Range { first, last, hardware } = self.ranges.remove(place);
        let number = u32::from(protocol);
        let before = number.checked_sub(1).filter(|last| *last >= first);
        let after = number.checked_add(1).filter(|next| *next <= last);
        let rest = after.and_then(|next| {
            let hardware = hardware.plus(u64::from(next - first))?;
            Some(Range { first: next, last, hardware })
        });
        let kept = before.map(|end| Range { first, last: end, hardware });
        self.ranges.splice(place..place, kept.into_iter().chain(rest));
    }

    /// Whether no protocol address is ours.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The hardware address of a protocol address that is ours.
    #[inline]
    pub fn hardware_of(&self, protocol: Ipv4Addr) -> Option<MacAddr> {
        let range = self.range_of(protocol)?;
        range.hardware.plus(u32::from(protocol).wrapping_sub(range.first).into())
    }

    /// Whether a protocol address is one of ours.
    #[inline]
    pub fn has(&self, protocol: Ipv4Addr) -> bool {
        self.range_of(protocol).is_some()
    }

    #[inline]
    fn range_of(&self, protocol: Ipv4Addr) -> Option<&Range> {
        // Most have one range.
        let range = match self.ranges.as_slice() {
            [range] => range,
            ranges => ranges.get(self.place_of(protocol)?)?,
        };
        let protocol = u32::from(protocol);
        (range.first <= protocol && protocol <= range.last).then_some(range)
    }

    /// Whether a hardware address is one of ours.
    #[inline]
    pub fn has_hardware(&self, hardware: MacAddr) -> bool {
        self.stations.contains(hardware)
    }

    /// Which range an address is in.
    fn place_of(&self, protocol: Ipv4Addr) -> Option<usize> {
        let protocol = u32::from(protocol);
        let place = self.ranges.partition_point(|range| range.first <= protocol).checked_sub(1)?;
        self.ranges.get(place).filter(|range| protocol <= range.last).map(|_| place)
    }
}

impl fmt::Display for LocalsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backwards => "the last address lies before the first",
            Self::Overlap => "some of these addresses are given already",
            Self::Hardware => "hardware addresses must be those of stations: neither zero nor groups, and as many as there are protocol addresses",
        })
    }
}

impl std::error::Error for LocalsError {}

#[cfg(test)]
mod tests;
