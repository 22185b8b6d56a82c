//! Hashes that nobody can foresee without the seed.

use std::fmt;
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher};

/// Builds hashers that start from a secret: whoever chooses addresses cannot choose where in a table
/// they meet. The same seed gives the same hashes again.
#[derive(Clone)]
pub struct Seeded(DefaultHasher);

impl Seeded {
    /// Hashers of this seed.
    pub fn new(seed: u64) -> Seeded {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(seed);
        Seeded(hasher)
    }

    /// One of `bound` places for this value.
    pub fn place(&self, value: impl Hash, bound: usize) -> usize {
        place_of(self.hash_one(value), bound)
    }
}

/// The one of `bound` places that a hash is for, by its upper bits: no place has more than its share by
/// more than `bound` in 2^64.
pub(crate) fn place_of(hash: u64, bound: usize) -> usize {
    let (_, place) = hash.carrying_mul(u64::try_from(bound).unwrap_or(u64::MAX), 0);
    usize::try_from(place).unwrap_or_default()
}

impl BuildHasher for Seeded {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        self.0.clone()
    }
}

impl fmt::Debug for Seeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The seed is a secret.
        f.write_str("Seeded")
    }
}
