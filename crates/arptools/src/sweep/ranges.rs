//! The addresses of a sweep: ranges, numbered through from 0.

use std::error::Error;
use std::fmt;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

/// Ranges of protocol addresses, in order, none of them twice; each address has a number, from 0 on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetRanges {
    runs: Vec<Run>,
    count: u32,
}

/// Addresses that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: u32,
    last: u32,
    /// The number of the first.
    number: u32,
}

/// Why ranges cannot be swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetRangesError {
    /// There is no address in them.
    Empty,
    /// There are more than [`TargetRanges::MAX_COUNT`]: so many.
    TooMany(u64),
}

impl TargetRanges {
    /// How many addresses there may be: those of a /8.
    pub const MAX_COUNT: u32 = 1 << 24;

    /// These ranges together, in order; what is in several of them is in once. A range that ends before it
    /// begins is empty.
    pub fn new(
        ranges: impl IntoIterator<Item = RangeInclusive<Ipv4Addr>>,
    ) -> Result<TargetRanges, TargetRangesError> {
        let ends = ranges.into_iter().map(|range| (range.start().to_bits(), range.end().to_bits()));
        let mut ends: Vec<(u32, u32)> = ends.filter(|(first, last)| first <= last).collect();
        ends.sort_unstable();
        let mut runs: Vec<Run> = Vec::new();
        for (first, last) in ends {
            match runs.last_mut() {
                Some(run) if first <= run.last.saturating_add(1) => run.last = run.last.max(last),
                _ => runs.push(Run { first, last, number: 0 }),
            }
        }
        let mut count = 0_u64;
        for run in &mut runs {
            run.number = u32::try_from(count).unwrap_or(u32::MAX);
            count += u64::from(run.last - run.first) + 1;
        }
        match u32::try_from(count) {
            Ok(0) => Err(TargetRangesError::Empty),
            Ok(count) if count <= Self::MAX_COUNT => Ok(TargetRanges { runs, count }),
            _ => Err(TargetRangesError::TooMany(count)),
        }
    }

    /// How many addresses there are: one at least.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The ranges, in order; none touches the next.
    pub fn iter(&self) -> impl Iterator<Item = RangeInclusive<Ipv4Addr>> + '_ {
        self.runs.iter().map(|run| Ipv4Addr::from_bits(run.first)..=Ipv4Addr::from_bits(run.last))
    }

    /// Whether an address is in one of them.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        self.number(address).is_some()
    }

    /// The address of a number.
    pub(super) fn address(&self, number: u32) -> Option<Ipv4Addr> {
        let after = self.runs.partition_point(|run| run.number <= number);
        let run = self.runs.get(after.checked_sub(1)?)?;
        let address = run.first.checked_add(number - run.number)?;
        (address <= run.last).then(|| Ipv4Addr::from_bits(address))
    }

    /// The number of an address.
    pub(super) fn number(&self, address: Ipv4Addr) -> Option<u32> {
        let address = address.to_bits();
        let after = self.runs.partition_point(|run| run.first <= address);
        let run = self.runs.get(after.checked_sub(1)?)?;
        (address <= run.last).then(|| run.number + (address - run.first))
    }
}

impl fmt::Display for TargetRangesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no address to ask for"),
            Self::TooMany(count) => {
                write!(
                    f,
                    "{count} addresses are more than the {} of a /8; ask in parts",
                    TargetRanges::MAX_COUNT
                )
            }
        }
    }
}

impl Error for TargetRangesError {}

#[cfg(test)]
mod tests;
