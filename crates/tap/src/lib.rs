//! The wire, and nothing above it.
//!
//! A [`Frame`] is owned bytes, a [`Batch`] is a bounded row of frames, a [`Pool`] is where empty
//! frames wait to be used again, and a [`Device`] moves batches between a wire and the program.
//! With the feature `linux` (on by default) the crate also holds the TAP driver, packet sockets, and `linux::Cable`, a
//! pair of devices inside one process.
//!
//! # What this crate does not do
//!
//! It reads no byte of a frame: addresses, EtherTypes and padding belong to the crate `link`. It
//! keeps no clock: [`Instant`] is an argument everywhere.
#![cfg_attr(not(feature = "linux"), forbid(unsafe_code))]
#![cfg_attr(feature = "linux", deny(unsafe_code))]

mod batch;
mod device;
mod frame;
mod instant;
#[cfg(feature = "linux")]
#[allow(clippy::disallowed_types, reason = "the one module of this crate that does I/O")]
pub mod linux;
mod pool;

pub use batch::Batch;
pub use device::{Device, DeviceCounters, DeviceError, LinkState};
pub use frame::{Checksum, Frame, OutOfSpace};
pub use instant::Instant;
pub use pool::Pool;
