//! A simulated network segment for tests and experiments.
//!
//! A [`Segment`] connects hosts and scripted peers as an Ethernet hub does, and advances a virtual clock from one event
//! to the next. [`LinkSettings`] sets rate and queue of the frames that a port sends. [`Faults`] loses, duplicates, delays
//! and corrupts frames. A run can be repeated from its seed. A [`Transfer`] has two hosts with TCP connections on a
//! segment, to measure their goodput.
//!
//! ```
//! use std::time::Duration;
//!
//! use host::HostConfig;
//! use link::{EtherType, MacAddr};
//! use sim::{Faults, Segment};
//! use tap::Instant;
//!
//! // 20 percent of all frames are lost.
//! let mut segment = Segment::new(Instant::ORIGIN, Faults { loss: 200_000, seed: 7, ..Faults::NONE });
//! let sender = segment.add(&HostConfig::new("10.0.0.1/24".parse()?, MacAddr::new([2, 0, 0, 0, 0, 1])))?;
//! segment.add(&HostConfig::new("10.0.0.2/24".parse()?, MacAddr::new([2, 0, 0, 0, 0, 2])))?;
//! for _ in 0..10 {
//!     segment.send(sender, "10.0.0.2".parse()?, EtherType(0x88b5), b"hello");
//!     segment.run_for(Duration::from_secs(1))?;
//! }
//! let counters = segment.counters();
//! assert!(counters.lost > 0 && counters.sent == counters.delivered + counters.lost);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Order of calls
//!
//! 1. [`Segment::add`] adds hosts, and [`Segment::attach`] adds scripted peers. [`Segment::add_wire`] adds a further
//!    wire, for hosts with several ports ([`Segment::add_to`]). [`Segment::set_link`] sets rate, queue and faults of a
//!    port. [`Segment::intercept`] sets a script that replaces the frames of a node.
//! 2. [`Segment::send`], [`Segment::inject`], and the sockets of [`Segment::host_and_pool`] cause traffic.
//! 3. [`Segment::run_for`] or [`Segment::run_until`] processes all events of a time span. [`Segment::run_with`] also runs a
//!    [`Program`] that uses the sockets of the hosts.
//! 4. [`Segment::take_captured`] and [`Segment::host`] return the result. Continue with step 2.
//!
//! # Bounds
//!
//! At most [`Segment::IN_FLIGHT`] frames are in flight, and at most [`Segment::CAPTURED`] captured frames are stored.
//! Frames beyond these bounds are dropped or not captured, and counted in [`SegmentCounters`]. A run of more than
//! [`Segment::STEPS`] steps at one instant ends with [`Livelock`].
//!
//! # Non-features
//!
//! The crate performs no I/O and reads no clock. Hosts receive frames and run timers only in [`tap::Exchange::turn`],
//! as in an event loop. The crate does not model collisions or a switch: each frame is sent to all other nodes on
//! its wire. Only IPv4 datagrams are marked with congestion experienced.
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../../../docs/segment.md")]
struct SegmentPage;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/jobs.md")]
struct JobsPage;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/sockets.md")]
struct SocketsPage;

mod ecn;
mod faults;
mod medium;
mod node;
mod node_id;
mod offload;
mod port;
mod port_link;
mod program;
mod segment;
mod transfer;

pub use self::faults::{ByteChange, Deliveries, Delivery, Faults};
pub use self::medium::{RecordedFrame, SegmentCounters};
pub use self::node::{ScriptedFrame, WireId};
pub use self::node_id::NodeId;
pub use self::port_link::{LinkCounters, LinkSettings, Queue};
pub use self::program::Program;
pub use self::segment::{Livelock, Segment};
pub use self::transfer::{Flow, Transfer, TransferSettings};
