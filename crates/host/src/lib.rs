//! A host: the protocol layers put together, on one network device.
//!
//! [`Host::poll`] runs one iteration of an event loop on any [`tap::Device`]: it receives frames, handles them, runs timers and
//! transmits. [`Host::receive`] handles a single frame without a device. [`Host::send`] sends a payload to a neighbor, and resolves its
//! MAC address first if needed. [`Host::ping`] sends an echo request.
//!
//! A received frame passes from `host.rs` to `ingress.rs`, through the layers and, as a reply, to the transmit queue. `egress.rs`
//! sends everything else. The crate `sim` simulates hosts on a network segment with a virtual clock.
//!
//! # An event loop
//!
//! A host on a TAP of Linux, from `examples/answer.rs`: it polls the host, then waits as the outcome says.
//!
//! ```no_run
#![doc = include_str!("../examples/answer.rs")]
//! ```
//!
//! # Non-features
//!
//! The host never waits, reads no clock and prints nothing. A [`Tracer`] observes its frames.
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../../../docs/device.md")]
struct DevicePage;

mod config;
mod counters;
mod echo;
mod egress;
mod event;
mod host;
mod ingress;
mod outcome;
mod stack;
mod tracer;
mod udp;

pub use self::config::{HostConfig, HostConfigError, HostSet};
pub use self::counters::Counter;
pub use self::echo::{DataMismatch, EchoReply, EchoRequest};
pub use self::event::{DeliveryFailure, HostEvent};
pub use self::host::{Host, PollOutcome};
pub use self::outcome::{DatagramOutcome, DropReason, FrameOutcome, SendOutcome, TxDropReason};
pub use self::stack::PendingPacket;
pub use self::tracer::Tracer;
pub use self::udp::UdpDropReason;
