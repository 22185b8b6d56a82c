//! Target addresses of a sweep: ranges with numbered addresses.

use std::error::Error;
use std::fmt;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

/// Sorted ranges of IP addresses without duplicates. Addresses are numbered from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetRanges {
    runs: Vec<Run>,
    count: u32,
}

/// Range of consecutive addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: u32,
    last: u32,
    /// Number of the first address.
    number: u32,
}

/// Error of target ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetRangesError {
    /// The ranges contain no address.
    Empty,
    /// The ranges contain this number of addresses, more than [`TargetRanges::MAX_COUNT`].
    TooMany(u64),
}

impl TargetRanges {
    /// Maximum number of addresses: a /8.
    pub const MAX_COUNT: u32 = 1 << 24;

    /// Sorts and merges ranges. A range that ends before it starts is empty.
    ///
    /// Fails if there is no address, or if there are more than [`TargetRanges::MAX_COUNT`].
    pub fn new(
        ranges: impl IntoIterator<Item = RangeInclusive<Ipv4Addr>>,
    ) -> Result<TargetRanges, TargetRangesError> {
        TargetRanges::excluding(ranges, [])
    }

    /// Sorts and merges ranges, without the addresses of `excluded`.
    ///
    /// Fails if there is no address, or if there are more than [`TargetRanges::MAX_COUNT`].
    pub fn excluding(
        ranges: impl IntoIterator<Item = RangeInclusive<Ipv4Addr>>,
        excluded: impl IntoIterator<Item = RangeInclusive<Ipv4Addr>>,
    ) -> Result<TargetRanges, TargetRangesError> {
        let excluded = merged(excluded);
        let ends = merged(ranges).into_iter().flat_map(|ends| difference(ends, &excluded));
        let mut count = 0_u64;
        let mut runs = Vec::new();
        for (first, last) in ends {
            runs.push(Run { first, last, number: u32::try_from(count).unwrap_or(u32::MAX) });
            count += u64::from(last - first) + 1;
        }
        match u32::try_from(count) {
            Ok(0) => Err(TargetRangesError::Empty),
            Ok(count) if count <= Self::MAX_COUNT => Ok(TargetRanges { runs, count }),
            _ => Err(TargetRangesError::TooMany(count)),
        }
    }

    /// Returns the number of addresses, at least 1.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns the ranges in ascending order. Adjacent ranges are merged.
    pub fn iter(&self) -> impl Iterator<Item = RangeInclusive<Ipv4Addr>> + '_ {
        self.runs.iter().map(|run| Ipv4Addr::from_bits(run.first)..=Ipv4Addr::from_bits(run.last))
    }

    /// Returns whether an address is in one of the ranges.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        self.number(address).is_some()
    }

    /// Returns the address with this number.
    pub(super) fn address(&self, number: u32) -> Option<Ipv4Addr> {
        let after = self.runs.partition_point(|run| run.number <= number);
        let run = self.runs.get(after.checked_sub(1)?)?;
        let address = run.first.checked_add(number - run.number)?;
        (address <= run.last).then(|| Ipv4Addr::from_bits(address))
    }

    /// Returns the number of an address.
    pub(super) fn number(&self, address: Ipv4Addr) -> Option<u32> {
        let address = address.to_bits();
        let after = self.runs.partition_point(|run| run.first <= address);
        let run = self.runs.get(after.checked_sub(1)?)?;
        (address <= run.last).then(|| run.number + (address - run.first))
    }
}

/// Sorts ranges, and merges adjacent ranges. Returns the first and the last address of each.
fn merged(ranges: impl IntoIterator<Item = RangeInclusive<Ipv4Addr>>) -> Vec<(u32, u32)> {
    let ends = ranges.into_iter().map(|range| (range.start().to_bits(), range.end().to_bits()));
    let mut ends: Vec<(u32, u32)> = ends.filter(|(first, last)| first <= last).collect();
    ends.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::new();
    for (first, last) in ends {
        match merged.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => merged.push((first, last)),
        }
    }
    merged
}

/// Returns the parts of a range that are in none of the sorted ranges `excluded`.
fn difference((first, last): (u32, u32), excluded: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut parts = Vec::new();
    let mut next = Some(first);
    let start = excluded.partition_point(|(_, end)| *end < first);
    let overlapping = excluded.iter().skip(start).take_while(|(begin, _)| *begin <= last);
    for (begin, end) in overlapping {
        let before = begin.checked_sub(1);
        parts.extend(next.zip(before).filter(|(first, last)| first <= last));
        next = end.checked_add(1);
    }
    parts.extend(next.map(|first| (first, last)).filter(|(first, last)| first <= last));
    parts
}

impl fmt::Display for TargetRangesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no target addresses"),
            Self::TooMany(count) => {
                write!(f, "too many target addresses: {count} (limit {}, a /8)", TargetRanges::MAX_COUNT)
            }
        }
    }
}

impl Error for TargetRangesError {}

#[cfg(test)]
mod tests;
