//! Which hardware addresses are ours.

use crate::MacAddr;

/// A set of station addresses, kept as ranges: one host is a set of one, and 65,536 hosts with
/// consecutive addresses cost no more.
#[derive(Clone, Debug, Default)]
pub struct MacSet {
    /// First and last address of each range as numbers, sorted, without overlap: a number is made once of an
    /// address that is looked for.
    ranges: Vec<(u64, u64)>,
}

impl MacSet {
    /// The set of one address.
    pub fn one(address: MacAddr) -> MacSet {
        let mut stations = MacSet::default();
        stations.add(address, address);
        stations
    }

    /// Adds all addresses from `first` to `last`. Ranges that meet become one.
    pub fn add(&mut self, first: MacAddr, last: MacAddr) {
        self.ranges.push((first.number(), last.number()));
        self.ranges.sort_unstable();
        self.ranges.dedup_by(|later, earlier| {
            let joined = later.0 <= earlier.1.saturating_add(1);
            if joined {
                earlier.1 = earlier.1.max(later.1);
            }
            joined
        });
    }

    /// Whether `address` is one of them.
    #[inline]
    pub fn contains(&self, address: MacAddr) -> bool {
        let number = address.number();
        // Most have one range.
        if let [(first, last)] = *self.ranges.as_slice() {
            return first <= number && number <= last;
        }
        let after = self.ranges.partition_point(|(first, _)| *first <= number);
        let range = after.checked_sub(1).and_then(|place| self.ranges.get(place));
        range.is_some_and(|(_, last)| number <= *last)
    }
}

#[cfg(test)]
mod tests;
