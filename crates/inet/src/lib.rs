//! What IP versions and transports share: protocol numbers, the Internet [`checksum`], special-purpose addresses.
//!
//! # What this crate does not do
//!
//! It parses no header and performs no I/O. Headers belong to the crate of their protocol.
//!
//! ```
//! use inet::{IpProtocol, checksum};
//!
//! assert!(checksum::is_valid(&[0x12, 0x34, 0xed, 0xcb]));
//! assert_eq!(IpProtocol(17), IpProtocol::UDP);
//! assert!(!inet::is_valid_host([127, 0, 0, 1].into()));
//! ```
#![forbid(unsafe_code)]

pub mod checksum;
mod protocol;
mod special;

pub use self::protocol::IpProtocol;
pub use self::special::{directed_broadcast, is_reserved_range, is_valid_host};
