//! Which hardware addresses are ours.

use crate::MacAddr;

/// A set of station addresses, kept as ranges: one host is a set of one, and 65,536 hosts with
/// consecutive addresses cost no more.
#[derive(Clone, Debug, Default)]
pub struct Stations {
    /// First and last address of each range, sorted, without overlap.
    ranges: Vec<(MacAddr, MacAddr)>,
}

impl Stations {
    /// The set of one address.
    pub fn one(address: MacAddr) -> Stations {
        let mut stations = Stations::default();
        stations.add(address, address);
        stations
    }

    /// Adds all addresses from `first` to `last`. Ranges that meet become one.
    pub fn add(&mut self, first: MacAddr, last: MacAddr) {
        self.ranges.push((first, last));
        self.ranges.sort_unstable();
        self.ranges.dedup_by(|later, earlier| {
            let joined = earlier.1.plus(1).is_none_or(|next| later.0 <= next);
            if joined {
                earlier.1 = earlier.1.max(later.1);
            }
            joined
        });
    }

    /// Whether `address` is one of them.
    pub fn contains(&self, address: MacAddr) -> bool {
        let after = self.ranges.partition_point(|(first, _)| *first <= address);
        let range = after.checked_sub(1).and_then(|place| self.ranges.get(place));
        range.is_some_and(|(_, last)| address <= *last)
    }
}

#[cfg(test)]
mod tests;
