//! Randomness from a seed.

use std::time::Duration;

/// A generator whose numbers follow from its seed alone: a run can be replayed. It is not for
/// secrets. The steps are those of `SplitMix64`.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next number, uniform over all 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A time span, uniform from `least` to `most`, to the nanosecond.
    pub(crate) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let nanoseconds = u64::try_from(most.saturating_sub(least).as_nanos()).unwrap_or(u64::MAX);
        least + Duration::from_nanos(self.next() % nanoseconds.saturating_add(1).max(1))
    }
}
