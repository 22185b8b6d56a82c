//! ICMP for an IPv4 host (RFC 792): echo, errors, and rate limits of errors.
//!
//! - [`Icmp::receive`] validates a message. It returns an echo request, an echo reply, an error about a datagram of
//!   this host, or an [`IcmpDropReason`].
//! - [`reply_in_place`] rewrites an echo request into its reply, without copying its data.
//! - [`Icmp::write_error`] writes an error about a datagram, if RFC 1122 allows the error ([`may_send_error`]) and no
//!   rate limit is reached. Otherwise, it returns a [`SuppressReason`].
//! - [`QuotedDatagram`] is the datagram in an error. The ports or the echo identifier of the datagram identify the
//!   sending socket.
//!
//! ```
//! use icmp::{AddressTable, DestinationKind, Echo, Icmp, IcmpConfig, IcmpMessage, IcmpType, MacAddr};
//! use icmp::{ReceivedMessage, reply_in_place};
//!
//! let mut message = [0; 12];
//! Echo { identifier: 7, sequence: 1, data: b"data" }.write_to(IcmpType::ECHO_REQUEST, &mut message)?;
//!
//! let table = AddressTable::one("10.0.0.2/24".parse()?, MacAddr::new([2, 0, 0, 0, 0, 2]))?;
//! let mut icmp = Icmp::new(&IcmpConfig::default());
//! let received = icmp.receive(&table, DestinationKind::Unicast, &message)?;
//! assert!(matches!(received, ReceivedMessage::Request(echo) if echo.data == b"data"));
//!
//! reply_in_place(&mut message)?;
//! assert_eq!(IcmpMessage::parse(&message)?.icmp_type(), IcmpType::ECHO_REPLY);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Bounds
//!
//! [`IcmpConfig::rates`] bounds the errors per destination and in total. An error has up to [`IcmpError::MAX_LENGTH`]
//! bytes. The rate limiter has a fixed size, and no message causes an allocation.
//!
//! # Non-features
//!
//! The crate performs no I/O, reads no clock and sends nothing. It writes messages into buffers of the caller. Redirect
//! and Source Quench messages are parsed but do not change the state of the crate. Timestamp, information and address
//! mask requests are dropped.
#![forbid(unsafe_code)]

mod drop_reason;
mod error;
mod header;
mod icmp;
mod message;

pub use inet::{RateLimits, TokenRate};
pub use ipv4::{AddressTable, DestinationKind, Instant, MacAddr};

pub use self::drop_reason::{IcmpDropReason, SuppressReason};
pub use self::error::{IcmpError, QuotedDatagram};
pub use self::header::{EchoHeader, IcmpHeader, IcmpType};
pub use self::icmp::{Icmp, IcmpConfig, ReceivedMessage, may_send_error};
pub use self::message::{Echo, IcmpBody, IcmpMessage, reply_in_place};
