//! Pseudorandom numbers from a seed: the same seed gives the same sequence.

use std::num::NonZeroU64;
use std::time::Duration;

/// The generator `SplitMix64`: small, fast, uniform, not cryptographic.
///
/// An observer of its numbers can compute its seed. Each use therefore has its own seed, derived by a
/// [`crate::Secret`].
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Creates the generator with this seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// Returns the next number of the sequence.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number in `0..=last`. The remainder favors small numbers by less than `last` in 2^64.
    pub fn up_to(&mut self, last: u64) -> u64 {
        self.draw() % NonZeroU64::MIN.saturating_add(last)
    }

    /// Returns a duration in `shortest..=longest`, in whole nanoseconds. Returns `shortest` if the bounds are reversed.
    pub fn between(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let range = longest.saturating_sub(shortest).as_nanos();
        let extra = self.up_to(u64::try_from(range).unwrap_or(u64::MAX));
        shortest.saturating_add(Duration::from_nanos(extra))
    }
}

#[cfg(test)]
mod tests;
