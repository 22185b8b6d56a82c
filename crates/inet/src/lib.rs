//! Building blocks that all Internet protocols share.
//!
//! - [`checksum`]: the Internet checksum (RFC 1071) and its incremental update (RFC 1624).
//! - [`offload`]: completes checksums and cuts frames into segments, as a network card does.
//! - [`IpProtocol`]: protocol numbers, with names.
//! - [`InterfaceId`]: the number of an interface of a host.
//! - [`Binding`] and [`Demultiplexer`]: local addresses and port of a socket, and the socket of a received packet.
//! - [`EphemeralPorts`]: ports for sockets without a configured port, which other hosts cannot predict.
//! - [`RateLimiter`]: limits of sent packets, per destination and in total.
//! - [`is_valid_host`], [`is_reserved_range`], [`is_in_network`], [`directed_broadcast`]: special-purpose IPv4 addresses.
//!
//! # Non-features
//!
//! The crate parses no received headers: the crate of each protocol parses its headers. The crate performs no I/O. Each
//! value allocates its memory when it is created, and no packet causes an allocation.
//!
//! # Example
//!
//! ```
//! use inet::{IpProtocol, checksum};
//!
//! let sum = checksum::of(&[0x12, 0x34]);
//! assert_eq!(sum, 0xedcb);
//! assert!(checksum::is_valid(&[0x12, 0x34, 0xed, 0xcb]));
//!
//! assert_eq!(IpProtocol(17), IpProtocol::UDP);
//! assert!(!inet::is_valid_host([127, 0, 0, 1].into()));
//! ```
#![forbid(unsafe_code)]

pub mod checksum;
mod demultiplexer;
mod ephemeral_ports;
mod interface;
pub mod offload;
mod protocol;
mod rate_limiter;
mod special;

pub use self::demultiplexer::{Binding, BindingInUse, Demultiplexer};
pub use self::ephemeral_ports::EphemeralPorts;
pub use self::interface::InterfaceId;
pub use self::protocol::IpProtocol;
pub use self::rate_limiter::{ExhaustedBucket, RateLimiter, RateLimits, TokenRate};
pub use self::special::{directed_broadcast, is_in_network, is_reserved_range, is_valid_host};
