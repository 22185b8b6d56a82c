//! Link-layer I/O: frames, and the devices that receive and transmit them.
//!
//! - [`Frame`]: the owned bytes of one frame, with headroom for headers, [`Offload`] state and a [`Token`].
//! - [`Pool`]: a bounded store that reuses empty frames.
//! - [`Batch`]: a bounded queue of frames.
//! - [`Device`]: the trait of TAPs, packet sockets and simulated wires. A device receives and transmits batches of
//!   frames.
//! - [`Machine`]: the trait of hosts and tools, which handle frames and decide which frames to send.
//! - [`Exchange`]: moves frames between a machine and a device.
//!
//! The feature `linux` (enabled by default) adds the module `linux`: the TAP driver, packet sockets, rtnetlink, and
//! `Cable`, a pair of connected devices for tests.
//!
//! # Order of calls
//!
//! [`Exchange::turn`] calls [`Device::receive`], passes each frame to [`Machine::receive`], takes frames with
//! [`Machine::transmit`], calls [`Device::transmit`], and passes the tokens of refused frames to [`Machine::refused`].
//! No call waits: the result of the turn says what to wait for.
//!
//! A caller without a machine calls `receive` and `transmit` itself. The caller returns every frame to its pool with
//! [`Pool::give`], and `transmit` returns the frames that it sends. Before waiting, the caller calls `receive` until
//! [`Transmitted::in_flight`] is 0 or [`Transmitted::would_block`] is true.
//!
//! # Non-features
//!
//! - The crate interprets no frames: MAC addresses and EtherTypes belong to the crate `link`. [`Exchange::turn`] only
//!   adds zeros to frames that are too short for the device. One module is an exception: a TAP joins the UDP datagrams
//!   that [`Offload::segmentation`] describes.
//! - The crate measures no time for the layers above: [`Instant`] is an argument everywhere.
//! - A device drops no frame silently: [`DeviceCounters`] counts every frame by its outcome.
//!
//! # Example
//!
//! ```no_run
//! # #[cfg(feature = "linux")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use tap::linux::Tap;
//! use tap::{Batch, Device, Pool};
//!
//! // Opens the TAP, or creates it, which requires CAP_NET_ADMIN. A batch holds up to 64 frames.
//! let mut tap = Tap::open("tap0")?;
//! tap.interface().set_up(true)?;
//! let mut pool = Pool::new(tap.capabilities().mtu, 64);
//! let mut batch = Batch::new(64);
//!
//! // Returns each frame to the kernel. A real loop sleeps in `linux::wait`.
//! loop {
//!     tap.receive(&mut pool, &mut batch)?;
//!     tap.transmit(&mut batch, &mut pool)?;
//! }
//! # }
//! # #[cfg(not(feature = "linux"))]
//! # fn main() {}
//! ```
#![cfg_attr(not(feature = "linux"), forbid(unsafe_code))]
#![cfg_attr(feature = "linux", deny(unsafe_code))]

mod batch;
mod device;
mod exchange;
mod frame;
mod instant;
#[cfg(feature = "linux")]
mod joined;
#[cfg(feature = "linux")]
#[allow(clippy::disallowed_types, reason = "the only module of this crate that performs I/O")]
pub mod linux;
mod machine;
mod offload;
mod pool;
mod token;
mod tracer;

pub use batch::Batch;
pub use device::{
    Capabilities, Device, DeviceCounters, DeviceError, DeviceEvent, LinkState, Received, Transmitted,
};
pub use exchange::{Exchange, Turn};
pub use frame::{Frame, OutOfSpace};
pub use instant::Instant;
pub use machine::{Machine, PortId};
pub use offload::{Checksum, Offload, Offloads, Segmentation, SegmentationKind};
pub use pool::Pool;
pub use token::Token;
pub use tracer::Tracer;
