//! State machines of the ARP tools `arping`, `scan` and `watch`.
//!
//! - [`inquiry::Inquiry`] sends requests, probes or announcements for one address (`arping`).
//! - [`sweep::Sweep`] sends requests for many addresses (`scan`).
//! - [`Station`] runs one of these two: it writes the frames of the packets, and filters and parses received frames.
//! - [`census::Census`] sends no packets. The census records which station claims which address, and reports changes
//!   and conflicts (`watch`).
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//!
//! use arp::{Identity, Instant, MacAddr};
//! use arptools::sweep::{Sweep, SweepOutcome, SweepPlan, TargetRanges};
//! use arptools::{RequestStep, Requester};
//!
//! let plan = SweepPlan {
//!     sender: Identity { ip: [10, 0, 0, 2].into(), mac: MacAddr::new([2, 0, 0, 0, 0, 2]) },
//!     passes: 1,
//!     timeout: Duration::from_millis(500),
//!     backoff: 1.0,
//!     interval: Duration::from_millis(1),
//!     limit: None,
//!     seed: None,
//! };
//! let ranges = TargetRanges::new([[10, 0, 0, 1].into()..=[10, 0, 0, 254].into()])?;
//!
//! let mut now = Instant::ORIGIN;
//! let mut sweep = Sweep::new(now, plan, ranges);
//! loop {
//!     match sweep.next(now) {
//!         RequestStep::Send { .. } => sweep.sent(now), // Send the packet to its destination.
//!         RequestStep::Wait(time) => now = now + time, // Pass packets that arrive to `Sweep::receive`.
//!         RequestStep::Done => break,
//!     }
//! }
//! assert_eq!(sweep.counts().sent, 253);
//! assert_eq!(sweep.outcome(), SweepOutcome::NoReply);
//! # Ok::<(), arptools::sweep::TargetRangesError>(())
//! ```
//!
//! # Order of calls
//!
//! [`Sweep`](sweep::Sweep) and [`Inquiry`](inquiry::Inquiry) are [`Requester`]s: call `next`. Send the packet and call
//! `sent`, or wait and pass received packets to `receive`. If the device refuses the packet, call `refused`. Repeat until
//! `next` returns `Done`, then call `outcome`.
//!
//! A [`Station`] makes these calls. It is a [`tap::Machine`], so an event loop moves its frames.
//!
//! [`Census`](census::Census): pass each packet to `receive`, and call `take_event` until it returns `None`. Call `poll`
//! at the latest when `deadline` passes.
//!
//! # Non-features
//!
//! - The crate performs no I/O and reads no clock. Times and packets are arguments, and packets to send are return
//!   values.
//! - The crate resolves no addresses for a host and answers no requests: see [`arp::Arp`].
#![forbid(unsafe_code)]

#[cfg(test)]
mod arbitrary;
pub mod census;
pub mod inquiry;
mod requester;
mod station;
pub mod sweep;

pub use self::requester::{RequestStep, Requester};
pub use self::station::{Station, StationDropReason, StationOutcome};
