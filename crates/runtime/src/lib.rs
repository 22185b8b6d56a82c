//! The event loop, which moves frames between a machine and its devices, and waits.
//!
//! - [`Driver`]: the only event loop. It owns a [`Machine`](tap::Machine), its devices, the pool, the clock and the
//!   monitors of the links.
//! - [`Clock`]: monotonic time. A machine receives the time as an argument.
//! - [`listen`]: serves a device with a callback, in its own thread.
//!
//! # Order of calls
//!
//! 1. [`Clock::start`], then create the machine and a [`Pool`](tap::Pool).
//! 2. [`Driver::new`] with the first device, which has the port 0, then [`Driver::add_device`] for each further device.
//! 3. [`Driver::step`] in a loop. A step waits until a frame arrives, a link changes, a descriptor of the caller is
//!    ready, or the deadline of the machine has passed. Then it takes one turn: it receives, runs the timers that are
//!    due, and transmits.
//! 4. After each step: the caller handles its descriptors ([`Step::ready`]) and the changes of links
//!    ([`Driver::link_changes`]), and takes the events of the machine ([`Driver::machine_mut`]).
//!
//! A program calls the machine between two steps, for example to send a packet ([`Driver::machine_and_pool`]). The next
//! step transmits the packet without waiting only if its time limit is zero or the deadline of the machine has passed.
//!
//! # Example
//!
//! A machine that returns each frame. Another program would open a `tap::linux::Tap` instead of a cable, and would call
//! [`Driver::step`] until a signal arrives.
//!
//! ```
//! use std::collections::VecDeque;
//! use std::time::Duration;
//!
//! use runtime::{Clock, Driver};
//! use tap::linux::Cable;
//! use tap::{Batch, Device, Frame, Instant, Machine, Pool, PortId};
//!
//! #[derive(Default)]
//! struct Echo(VecDeque<Frame>);
//!
//! impl Machine for Echo {
//!     type Outcome = ();
//!
//!     fn receive(&mut self, _: Instant, _: PortId, frame: Frame, _: &mut Pool) {
//!         self.0.push_back(frame);
//!     }
//!
//!     fn transmit(&mut self, _: Instant, _: PortId, departing: &mut Batch, _: &mut Pool) {
//!         while departing.free_capacity() > 0 && let Some(frame) = self.0.pop_front() {
//!             let _ = departing.push(frame);
//!         }
//!     }
//!
//!     fn deadline(&self) -> Option<Instant> {
//!         None
//!     }
//! }
//!
//! let (mut near, far) = Cable::pair(1_500)?;
//! let mut driver = Driver::new(Echo::default(), far, None, Pool::new(1_500, 128), Clock::start());
//!
//! let (mut pool, mut batch) = (Pool::new(1_500, 1), Batch::new(1));
//! let mut frame = pool.take().ok_or("the pool is exhausted")?;
//! frame.write(b"a frame")?;
//! let _ = batch.push(frame);
//! near.transmit(&mut batch, &mut pool)?;
//!
//! let step = driver.step::<()>(&mut (), &[], Some(Duration::from_secs(1)))?;
//! assert_eq!(step.received, 1);
//! near.receive(&mut pool, &mut batch)?;
//! assert_eq!(batch.front().map(Frame::bytes), Some(&b"a frame"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Waiting
//!
//! A driver sleeps only in [`tap::linux::wait`]. With [`Driver::with_busy_poll`], it polls for frames before each
//! sleep. While no device accepts frames, the driver waits until a device is writable and ignores the deadline of the
//! machine, because nothing can be sent.
//!
//! A driver does not start threads and has no callbacks. Another thread ends a step with a descriptor, such as a
//! [`Stop`](tap::linux::Stop).
#![forbid(unsafe_code)]

mod clock;
mod driver;
mod error;
mod listener;
mod port;

pub use clock::Clock;
pub use driver::{Driver, LinkUpdate, Step};
pub use error::DriverError;
pub use listener::{Listener, ListenerOutcome, listen};
