//! Building blocks that all layers share.
//!
//! - [`Random`]: a seeded sequence of random numbers.
//! - [`Secret`]: derives independent keys from one secret number.
//! - [`KeyedHash`]: a hasher for hash tables with keys that an attacker can choose.
//! - [`Reason`] and [`ReasonCounters`]: closed lists of reasons, each with a counter. [`reasons!`] declares such a
//!   list.
//! - [`EventQueue`]: a bounded queue that counts the events it drops.
//! - [`List`]: doubly linked lists through the slots of a table.
//! - [`Slab`]: values in lists, stored in one table.
//! - [`PlaceIndex`]: a hash index from keys to the slots of a table.
//! - [`TimerWheel`]: timers of the slots of a table.
//!
//! The same seeds give the same numbers, keys and hashes, so a run can be repeated.
//!
//! # Non-features
//!
//! The crate implements no protocol, reads no clock, and performs no I/O. The crate does not collect entropy: the
//! caller supplies the secret.
//!
//! # Example
//!
//! ```
//! use base::{EventQueue, Random, Secret};
//!
//! // One key per purpose: a key that becomes known reveals no other key.
//! let secret = Secret::new(0x0123_4567_89ab_cdef);
//! let mut random = Random::new(secret.key("retry times"));
//! assert!(random.up_to(9) <= 9);
//!
//! let mut events = EventQueue::new(1);
//! events.push("up");
//! events.push("down");
//! assert_eq!((events.pop(), events.lost()), (Some("up"), 1));
//! ```
#![forbid(unsafe_code)]

mod event_queue;
mod keyed_hash;
pub mod list;
mod place_index;
mod random;
mod reason;
mod secret;
mod slab;
mod timer_wheel;

pub use self::event_queue::EventQueue;
pub use self::keyed_hash::{KeyedHash, KeyedHasher};
pub use self::list::{Links, List, Place};
pub use self::place_index::PlaceIndex;
pub use self::random::Random;
pub use self::reason::{Reason, ReasonCounters};
pub use self::secret::Secret;
pub use self::slab::Slab;
pub use self::timer_wheel::{TimerLinks, TimerWheel};
