//! What every layer shares: seeded random numbers and keys that are derived from one secret.
//!
//! Nothing here belongs to a protocol, and nothing performs I/O. A run with the same seeds is the same run.

mod random;
mod secret;

pub use self::random::Random;
pub use self::secret::Secret;
