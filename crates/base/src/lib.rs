//! What every layer shares: seeded random numbers, hashes under a key, and keys that are derived from one secret.
//!
//! Nothing here belongs to a protocol, and nothing performs I/O. A run with the same seeds is the same run.

mod keyed_hash;
mod random;
mod secret;

pub use self::keyed_hash::{KeyedHash, KeyedHasher};
pub use self::random::Random;
pub use self::secret::Secret;
