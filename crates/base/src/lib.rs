//! What every layer shares: seeded random numbers, hashes under a key, keys that are derived from one secret, counted
//! reasons, bounded event queues and lists through the slots of a table.
//!
//! Nothing here belongs to a protocol, and nothing performs I/O. A run with the same seeds is the same run.

mod event_queue;
mod keyed_hash;
pub mod list;
mod random;
mod reason;
mod secret;

pub use self::event_queue::EventQueue;
pub use self::keyed_hash::{KeyedHash, KeyedHasher};
pub use self::list::{Links, List, Place};
pub use self::random::Random;
pub use self::reason::{Reason, ReasonCounters};
pub use self::secret::Secret;
