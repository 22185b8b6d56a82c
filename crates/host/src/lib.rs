//! One machine on one wire.
//!
//! A [`Host`] moves values between the layers: frames go in, through `link` to `arp`, and what is
//! to be answered comes out. [`Host::poll`] is one turn of an event loop on any [`tap::Device`];
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
//! It never waits, reads no clock, prints nothing. Whoever wants to watch passes a [`Tracer`].
#![forbid(unsafe_code)]

mod config;
mod counters;
mod event;
mod host;
mod input;
mod ip_input;
mod outcome;
mod output;
mod stack;
mod tracer;
mod udp;

pub use self::config::{HostConfig, HostConfigError, HostSet};
pub use self::counters::Counter;
pub use self::event::{DataMismatch, DeliveryFailure, EchoReply, HostEvent};
pub use self::host::{Host, PollOutcome};
pub use self::outcome::{DatagramOutcome, DropReason, FrameOutcome};
pub use self::output::{EchoRequest, PendingPacket, SendOutcome, TxDropReason};
pub use self::tracer::Tracer;
pub use self::udp::UdpDropReason;
