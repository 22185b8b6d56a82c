//! Hashes for tables, under a secret key.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};

use crate::Random;

/// Builds the hashers of a hash table. A sender that chooses addresses cannot foresee which of them share a bucket.
///
/// The same seed gives the same hashes again. Two products with a secret factor are cheap, and enough as long as no
/// observer sees a hash: numbers that appear on the wire come from a [`crate::Secret`].
#[derive(Clone)]
pub struct KeyedHash {
    start: u64,
    factor: u64,
}

/// Folds bytes into 64 bits by products with a secret factor.
#[derive(Clone)]
pub struct KeyedHasher {
    state: u64,
    factor: u64,
}

impl KeyedHash {
    /// Derives the key from a seed.
    pub fn new(seed: u64) -> KeyedHash {
        let mut random = Random::new(seed);
        KeyedHash { start: random.draw(), factor: random.draw() | 1 }
    }

    /// Returns the bucket of a value, below `buckets`. No bucket gets more than its share by more than `buckets` in
    /// 2^64.
    #[inline]
    pub fn bucket(&self, value: impl Hash, buckets: usize) -> usize {
        let (_, bucket) = self.hash_one(value).carrying_mul(u64::try_from(buckets).unwrap_or(u64::MAX), 0);
        usize::try_from(bucket).unwrap_or_default()
    }
}

impl BuildHasher for KeyedHash {
    type Hasher = KeyedHasher;

    #[inline]
    fn build_hasher(&self) -> KeyedHasher {
        KeyedHasher { state: self.start, factor: self.factor }
    }
}

impl KeyedHasher {
    /// Returns both halves of the product with the factor, in one word.
    #[inline]
    fn fold(&self, word: u64) -> u64 {
        let (low, high) = (self.state ^ word).carrying_mul(self.factor, 0);
        low ^ high
    }
}

impl Hasher for KeyedHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.state = self.fold(u64::from_le_bytes(word));
        }
    }

    /// Folds once more, because one product leaves consecutive addresses too much alike.
    #[inline]
    fn finish(&self) -> u64 {
        self.fold(0)
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key is secret.
        f.write_str("KeyedHash")
    }
}

impl fmt::Debug for KeyedHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHasher")
    }
}

#[cfg(test)]
mod tests;
