//! Keys that are derived from one secret.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A secret number from which keys are derived, each under a label of its own.
///
/// An attacker who learns one key, for example from times or numbers on the wire, finds no other by any known method:
/// a key is the hash of the secret and the label by the standard library's hasher, `SipHash` at present. The same
/// secret gives the same keys again, so a run can be repeated. A secret that others cannot guess has 128 bits from the
/// randomness of the operating system.
#[derive(Clone)]
pub struct Secret {
    /// A hasher that has read the secret.
    keyed: DefaultHasher,
}

impl Secret {
    /// Returns the secret with this number.
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

    /// Returns the number of a further secret: that of a layer, say, which derives keys of its own.
    // spec: key-separation
    pub fn seed(&self, label: impl Hash) -> u128 {
        let (high, low) = (self.hash(&label, 1), self.hash(&label, 2));
        (u128::from(high) << 64) | u128::from(low)
    }

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
