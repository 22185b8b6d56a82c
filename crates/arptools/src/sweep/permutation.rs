//! Pseudorandom order of numbers in constant memory.

use base::Random;

/// Permutation of the numbers below a count, determined by a seed.
///
/// A Feistel network permutes the numbers below the next power of four. The network is applied repeatedly until the
/// result is below the count.
#[derive(Clone, Debug)]
pub(super) struct Permutation {
    count: u32,
    /// Number of bits in each half.
    half: u32,
    keys: [u64; 4],
}

impl Permutation {
    /// Creates the permutation of the numbers below `count` for a seed.
    pub(super) fn new(count: u32, seed: u64) -> Permutation {
        let bits = u32::BITS - count.saturating_sub(1).leading_zeros();
        let mut random = Random::new(seed);
        Permutation { count, half: bits.div_ceil(2).max(1), keys: std::array::from_fn(|_| random.draw()) }
    }

    /// Returns the number at a place below the count.
    pub(super) fn number(&self, place: u32) -> u32 {
        // Terminates because the cycle contains `place`, which is below the count.
        let mut number = self.mix(place);
        while number >= self.count && number != place {
            number = self.mix(number);
        }
        number
    }

    fn mix(&self, number: u32) -> u32 {
        let mask = (1_u64 << self.half) - 1;
        let (mut left, mut right) = (u64::from(number) >> self.half & mask, u64::from(number) & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (Random::new(key ^ right).draw() & mask));
        }
        u32::try_from(left << self.half | right).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn permutation_contains_every_number_once(count in 1_u32..2_000, seed in any::<u64>()) {
            let permutation = Permutation::new(count, seed);
            let mut numbers: Vec<_> = (0..count).map(|place| permutation.number(place)).collect();
            numbers.sort_unstable();
            prop_assert!(numbers.into_iter().eq(0..count));
        }
    }

    #[test]
    fn permutation_depends_on_seed() {
        let order =
            |seed| (0..256).map(|place| Permutation::new(256, seed).number(place)).collect::<Vec<_>>();
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
        assert!(order(1).into_iter().zip(0..).filter(|(number, place)| number == place).count() < 16);
    }
}
