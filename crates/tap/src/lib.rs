//! The wire, and nothing above it.
//!
//! A [`Frame`] is owned octets, a [`Batch`] is a bounded row of frames, a [`Pool`] is where empty
//! frames wait to be used again, and a [`Device`] moves batches between a wire and the program.
//! [`Cable`] is a device pair inside one process. With the feature `linux` (on by default) the
//! crate also holds the TAP driver and the other conversations with the Linux kernel.
//!
//! # What this crate does not do
//!
//! It reads no octet of a frame: addresses, EtherTypes and padding belong to the crate `link`. It
//! keeps no clock: [`Instant`] is an argument everywhere.
//!
//! ```
//! use tap::{Batch, Cable, Device, Frame, Pool};
//!
//! let (mut left, mut right) = Cable::pair(1500)?;
//! let mut pool = Pool::new(1500, 16);
//! let mut batch = Batch::new(16);
//!
//! let mut frame = pool.take().ok_or("a new pool has frames")?;
//! frame.write(b"any octets")?;
//! batch.push(frame).map_err(|_| "an empty batch has room")?;
//! left.transmit(&mut batch, &mut pool)?;
//!
//! right.receive(&mut pool, &mut batch)?;
//! assert_eq!(batch.front().map(Frame::octets), Some(&b"any octets"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(not(feature = "linux"), forbid(unsafe_code))]
#![cfg_attr(feature = "linux", deny(unsafe_code))]

mod batch;
mod cable;
mod device;
mod frame;
mod instant;
mod link_state;
#[cfg(feature = "linux")]
pub mod linux;
mod plain;
mod pool;

pub use batch::Batch;
pub use cable::Cable;
pub use device::{Counters, Device, DeviceError};
pub use frame::{Checksum, Frame, NoRoom};
pub use instant::Instant;
pub use link_state::LinkState;
pub use pool::Pool;
