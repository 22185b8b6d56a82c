//! Keys that are derived from one secret.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A secret number from which keys are derived, each under its own label.
///
/// An attacker may learn one key, for example from times or numbers on the wire. No known method computes another key
/// from this key: a key is the standard library's hash (currently `SipHash`) of the secret and the label.
///
/// The same secret gives the same keys, so a run can be repeated. To be unpredictable, the secret needs 128 bits from
/// the operating system's random number generator.
#[derive(Clone)]
pub struct Secret {
    /// A hasher that has absorbed the secret.
    keyed: DefaultHasher,
}

impl Secret {
    /// Creates the secret with this number.
    pub fn new(seed: u128) -> Secret {
        let mut keyed = DefaultHasher::new();
        keyed.write_u128(seed);
        Secret { keyed }
    }

    /// Returns the key of a label.
    // spec: key-separation
    #[inline]
    pub fn key(&self, label: impl Hash) -> u64 {
        self.hash(label, 0)
    }

    /// Returns the key of numbers. The hash of one slice takes fewer instructions than the hash of each number.
    ///
    /// A secret has keys of labels or keys of numbers, not both: a label may be equal to numbers.
    // spec: key-separation
    #[inline]
    pub fn key_of_numbers<const N: usize>(&self, numbers: [u64; N]) -> u64 {
        let mut hasher = self.keyed.clone();
        hasher.write(numbers.map(u64::to_le_bytes).as_flattened());
        hasher.finish()
    }

    /// Returns the number of a further secret, for a layer that derives its own keys.
    // spec: key-separation
    pub fn seed(&self, label: impl Hash) -> u128 {
        let (high, low) = (self.hash(&label, 1), self.hash(&label, 2));
        (u128::from(high) << 64) | u128::from(low)
    }

    /// Returns the hash of the label and `part`. The label comes first: a `u64` then fills one 8-byte block of
    /// `SipHash`, which takes fewer instructions than two parts of blocks.
    #[inline]
    fn hash(&self, label: impl Hash, part: u8) -> u64 {
        let mut hasher = self.keyed.clone();
        label.hash(&mut hasher);
        hasher.write_u8(part);
        hasher.finish()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests;
