//! The Internet Control Message Protocol, RFC 792, for a host.
//!
//! [`IcmpMessage::parse`] turns a datagram's data into a valid message or an [`IcmpDropReason`];
//! [`reply_in_place`] rewrites an echo request into its reply in place. [`Icmp::write_error`] writes an error
//! about a datagram, if RFC 1122 lets it be sent ([`may_send_error`]) and not too many were;
//! [`QuotedDatagram`] names the socket that a received error concerns.
//!
//! # What this crate does not do
//!
//! No input or output, no clock, no allocation per message. It sends nothing: it writes what is to be
//! sent. Redirects and source quenches are read and never acted on.
//!
//! ```
//! use icmp::{Echo, IcmpType, IcmpMessage, reply_in_place};
//!
//! let mut message = [0; 12];
//! Echo { identifier: 7, sequence: 1, data: b"data" }.write_to(IcmpType::ECHO_REQUEST, &mut message)?;
//!
//! reply_in_place(&mut message)?;
//! assert_eq!(IcmpMessage::parse(&message)?.icmp_type(), IcmpType::ECHO_REPLY);
//! # Ok::<(), icmp::IcmpDropReason>(())
//! ```
#![forbid(unsafe_code)]

mod drop_reason;
mod error;
mod header;
mod icmp;
mod message;
mod rate_limit;

pub use ipv4::{DestinationKind, Instant, LocalAddresses};

pub use self::drop_reason::{IcmpDropReason, SuppressReason};
pub use self::error::{IcmpError, QuotedDatagram};
pub use self::header::{EchoHeader, IcmpHeader, IcmpType};
pub use self::icmp::{Icmp, IcmpConfig, ReceivedMessage, may_send_error};
pub use self::message::{Echo, IcmpBody, IcmpMessage, reply_in_place};
pub use self::rate_limit::{ErrorRateLimits, TokenRate};
