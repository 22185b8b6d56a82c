//! Keyed hashes for hash tables.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};

use crate::Random;

/// Builds the hashers of a hash table. An attacker that chooses addresses cannot predict which addresses share a
/// bucket.
///
/// The same seed gives the same hashes. A hash takes two multiplications by a secret factor. The key stays secret only
/// if no observer sees a hash. Numbers that appear on the wire come from a [`crate::Secret`] instead.
#[derive(Clone)]
pub struct KeyedHash {
    start: u64,
    factor: u64,
}

/// Folds bytes into 64 bits by multiplications with a secret factor.
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

    /// Returns the bucket of a value: a number below `buckets`, or 0 if `buckets` is 0.
    ///
    /// Buckets are equally likely, up to a bias of `buckets` in 2^64.
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
    /// Multiplies by the factor, and XORs both halves of the product into one word.
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

    /// Folds again: after one multiplication the hashes of consecutive addresses are too similar.
    #[inline]
    fn finish(&self) -> u64 {
        self.fold(0)
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Omits the key, which is secret.
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
