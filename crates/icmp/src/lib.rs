//! The Internet Control Message Protocol, RFC 792, for a host.
//!
//! [`Message::parse`] turns a datagram's data into a valid message or a [`Dropped`] reason;
//! [`answer_over`] rewrites an echo request into its reply in place. [`Icmp::error`] writes an error
//! about a datagram, if RFC 1122 lets it be sent ([`may_be_sent`]) and not too many were;
//! [`Quoted`] tells whom an error that came is for.
//!
//! # What this crate does not do
//!
//! No input or output, no clock, no allocation per message. It sends nothing: it writes what is to be
//! sent. Redirects and source quenches are read and never acted on.
//!
//! ```
//! use icmp::{Echo, Kind, Message, answer_over};
//!
//! let mut message = [0; 12];
//! Echo { identifier: 7, sequence: 1, data: b"data" }.write_to(Kind::ECHO_REQUEST, &mut message)?;
//!
//! answer_over(&mut message)?;
//! assert_eq!(Message::parse(&message)?.kind(), Kind::ECHO_REPLY);
//! # Ok::<(), icmp::Dropped>(())
//! ```
#![forbid(unsafe_code)]

mod icmp;
mod kind;
mod limit;
mod message;
mod problem;
mod quoted;
mod wire;

pub use ipv4::{Addresses, Cast, Instant, Reason, Tally};

pub use self::icmp::{Config, Dropped, Icmp, Received, Withheld, may_be_sent};
pub use self::kind::Kind;
pub use self::limit::{Rate, Rates};
pub use self::message::{Body, Echo, Message, answer_over};
pub use self::problem::Problem;
pub use self::quoted::Quoted;
pub use self::wire::{EchoHeader, IcmpHeader};
