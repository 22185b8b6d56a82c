//! A simulated network segment for tests and experiments.
//!
//! A [`Segment`] connects hosts and scripted peers like an Ethernet hub and advances a virtual clock from one event to the
//! next. [`Faults`] loses, duplicates, delays and corrupts frames, reproducibly from a seed.
//!
//! This crate performs no I/O and reads no clock. It drives hosts by [`host::Host::poll`] alone, as every event loop does.
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../../../docs/segment.md")]
struct Page;

mod faults;
mod medium;
mod node;
mod port;
mod segment;

pub use self::faults::{ByteChange, Deliveries, Delivery, Faults};
pub use self::medium::{RecordedFrame, SegmentCounters};
pub use self::node::{NodeId, ScriptedFrame};
pub use self::segment::{Livelock, Segment};
