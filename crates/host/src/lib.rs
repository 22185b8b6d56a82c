//! One machine on one wire.
//!
//! A [`Host`] moves values between the layers: frames go in, through `link` to `arp`, and what is
//! to be answered comes out. [`Host::turn`] is one turn of an event loop on any [`tap::Device`];
//! [`Host::receive`] judges a single frame without one. [`Host::send`] sends a payload to a neighbor,
//! whose hardware address is asked for if need be.
//!
//! The crate `sim` simulates hosts on a network segment with a virtual clock.
//!
//! # An event loop
//!
//! A host on a TAP of Linux, from `examples/answer.rs`: it turns, then waits as the turn says.
//!
//! ```no_run
#![doc = include_str!("../examples/answer.rs")]
//! ```
//!
//! # What this crate does not do
//!
//! It never waits, reads no clock, prints nothing. Whoever wants to watch passes a [`Trace`].
#![forbid(unsafe_code)]

mod config;
mod counters;
mod event;
mod host;
mod input;
mod ip_input;
mod output;
mod stack;
mod trace;
mod udp;
mod verdict;

pub use self::config::{Config, ConfigError, Who};
pub use self::counters::Counter;
pub use self::event::{Difference, EchoReply, Event, Undelivered};
pub use self::host::{Host, Turn};
pub use self::output::{NotSent, Parcel, Ping, Sent};
pub use self::trace::Trace;
pub use self::udp::UdpDropped;
pub use self::verdict::{Dropped, Taken, Verdict};
