//! The addresses of a sweep: ranges, numbered through from 0.

use std::error::Error;
use std::fmt;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

/// Ranges of protocol addresses, in order, none of them twice; each address has a number, from 0 on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranges {
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
pub enum RangesError {
    /// There is no address in them.
    Empty,
    /// There are more than [`Ranges::MOST`]: so many.
    TooMany(u64),
}

impl Ranges {
    /// How many addresses there may be: those of a /8.
    pub const MOST: u32 = 1 << 24;

    /// These ranges together, in order; what is in several of them is in once. A range that ends before it
    /// begins is empty.
    pub fn new(ranges: impl IntoIterator<Item = RangeInclusive<Ipv4Addr>>) -> Result<Ranges, RangesError> {
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
            Ok(0) => Err(RangesError::Empty),
            Ok(count) if count <= Self::MOST => Ok(Ranges { runs, count }),
            _ => Err(RangesError::TooMany(count)),
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

impl fmt::Display for RangesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no address to ask for"),
            Self::TooMany(count) => {
                write!(f, "{count} addresses are more than the {} of a /8; ask in parts", Ranges::MOST)
            }
        }
    }
}

impl Error for RangesError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: [u8; 4], last: [u8; 4]) -> RangeInclusive<Ipv4Addr> {
        first.into()..=last.into()
    }

    #[test]
    fn what_overlaps_or_touches_is_one_range_and_every_address_has_one_number() {
        let ranges = Ranges::new([
            range([10, 0, 1, 0], [10, 0, 1, 3]),
            range([10, 0, 0, 4], [10, 0, 0, 7]),
            range([10, 0, 0, 0], [10, 0, 0, 3]),
            range([10, 0, 1, 2], [10, 0, 1, 2]),
            range([10, 0, 9, 2], [10, 0, 9, 1]),
        ])
        .unwrap();
        assert_eq!(ranges.count(), 12);
        let whole: Vec<_> = ranges.iter().collect();
        assert_eq!(whole, [range([10, 0, 0, 0], [10, 0, 0, 7]), range([10, 0, 1, 0], [10, 0, 1, 3])]);
        for number in 0..12 {
            let address = ranges.address(number).unwrap();
            assert_eq!(ranges.number(address), Some(number));
        }
        assert_eq!(ranges.address(8), Some(Ipv4Addr::new(10, 0, 1, 0)));
        assert_eq!((ranges.address(12), ranges.address(u32::MAX)), (None, None));
        for outside in [[9, 255, 255, 255], [10, 0, 0, 8], [10, 0, 0, 255], [10, 0, 1, 4], [255; 4]] {
            assert!(!ranges.contains(outside.into()), "{outside:?}");
        }
    }

    #[test]
    fn the_first_and_the_last_of_all_addresses_are_addresses_like_others() {
        let (low, high) = (range([0; 4], [0, 0, 0, 9]), range([255, 255, 255, 248], [255; 4]));
        let ranges = Ranges::new([
            high.clone(),
            range([255; 4], [255; 4]),
            low.clone(),
            range([0, 0, 0, 8], [0, 0, 0, 9]),
        ]);
        let ranges = ranges.unwrap();
        assert_eq!((ranges.count(), ranges.iter().collect::<Vec<_>>()), (18, vec![low, high]));
        assert_eq!((ranges.number([0; 4].into()), ranges.number([255; 4].into())), (Some(0), Some(17)));
        assert_eq!((ranges.address(17), ranges.address(18)), (Some([255; 4].into()), None));
        assert!(!ranges.contains([255, 255, 255, 247].into()) && !ranges.contains([0, 0, 0, 10].into()));
    }

    #[test]
    fn the_bound_is_a_slash_8_and_nothing_is_none() {
        let most = Ranges::new([range([10, 0, 0, 0], [10, 255, 255, 255])]).unwrap();
        assert_eq!(most.count(), Ranges::MOST);
        assert_eq!(Ranges::new([]), Err(RangesError::Empty));
        let more = Ranges::new([range([10, 0, 0, 0], [11, 0, 0, 0])]);
        assert_eq!(more, Err(RangesError::TooMany(16_777_217)));
        let all = Ranges::new([range([0; 4], [255; 4]), range([0; 4], [255; 4])]);
        assert_eq!(all, Err(RangesError::TooMany(1 << 32)));
        assert!(all.unwrap_err().to_string().contains("more than the 16777216 of a /8"));
    }
}
