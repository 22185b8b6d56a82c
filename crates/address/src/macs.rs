//! Sets of MAC addresses.

use link::MacAddr;

/// Set of MAC addresses, stored as ranges: 65,536 consecutive addresses take no more memory than one address.
#[derive(Clone, Debug, Default)]
pub(crate) struct MacRanges {
    /// First and last address of each range, as numbers. Sorted, disjoint, not adjacent.
    ranges: Vec<(u64, u64)>,
}

impl MacRanges {
    /// Adds all addresses from `first` to `last`, inclusive. Merges overlapping and adjacent ranges.
    pub(crate) fn add(&mut self, first: MacAddr, last: MacAddr) {
        let (mut first, mut last) = (first.number(), last.number());
        let start = self.ranges.partition_point(|range| range.1.saturating_add(1) < first);
        let end = self.ranges.partition_point(|range| range.0 <= last.saturating_add(1));
        for range in self.ranges.drain(start..end.max(start)) {
            first = first.min(range.0);
            last = last.max(range.1);
        }
        self.ranges.insert(start, (first, last));
    }

    /// Removes an address.
    pub(crate) fn remove(&mut self, address: MacAddr) {
        let number = address.number();
        let place = self.ranges.partition_point(|(_, last)| *last < number);
        let Some(range) = self.ranges.get(place).copied().filter(|(first, _)| *first <= number) else {
            return;
        };
        let before = number.checked_sub(1).map(|last| (range.0, last));
        let after = (number + 1, range.1);
        let left = before.into_iter().chain([after]).filter(|(first, last)| first <= last);
        self.ranges.splice(place..=place, left);
    }

    /// Returns whether `address` is in the set.
    #[inline]
    pub(crate) fn contains(&self, address: MacAddr) -> bool {
        let number = address.number();
        // Fast path: most sets have one range.
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
