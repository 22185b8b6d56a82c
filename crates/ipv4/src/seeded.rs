//! Hashes that nobody can foresee without the seed.

use std::fmt;
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher};

/// Builds hashers that start from a secret: whoever chooses addresses cannot choose where in a table
/// they meet. The same seed gives the same hashes again.
#[derive(Clone, Copy)]
pub struct Seeded(u64);

impl Seeded {
    /// Hashers of this seed.
    pub const fn new(seed: u64) -> Seeded {
        Seeded(seed)
    }

    /// One of `bound` places for this value. The remainder favours low ones by less than `bound` in
    /// 2^64.
    pub fn place(&self, value: impl Hash, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.hash_one(value) % bound).unwrap_or_default()
    }
}

impl BuildHasher for Seeded {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.0);
        hasher
    }
}

impl fmt::Debug for Seeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The seed is a secret.
        f.write_str("Seeded")
    }
}
