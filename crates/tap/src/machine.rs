//! Protocol machines: the side of an exchange that handles frames.

use crate::{Batch, DeviceEvent, Frame, Instant, Pool, Token};

/// Number of a port. Each device of a machine is a port. The caller numbers the ports from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(u16);

impl PortId {
    /// Creates the port with this number.
    pub const fn new(number: u16) -> PortId {
        PortId(number)
    }

    /// Returns the number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// A protocol machine: a host, or a tool that sends requests and handles the replies.
///
/// A machine performs no I/O, reads no clock and does not wait. An [`Exchange`](crate::Exchange) moves frames between a
/// machine and a [`Device`](crate::Device).
pub trait Machine {
    /// Outcome of a received frame, for the tracer.
    type Outcome;

    /// Returns whether the machine has capacity for the replies to one batch of received frames. While the method
    /// returns false, the frames stay in the device.
    fn accepts_frames(&self, _port: PortId) -> bool {
        true
    }

    /// Reads the state that received frames need, before the first of these frames is handled. Independent reads of memory
    /// overlap, whereas the reads of one frame after the other do not.
    ///
    /// The method changes no behavior. By default, it does nothing.
    fn prefetch(&self, _port: PortId, _frames: &Batch) {}

    /// Handles a received frame. A frame without further use returns to `pool`.
    ///
    /// The machine queues the frames that it sends in reply, until [`Machine::transmit`].
    fn receive(&mut self, now: Instant, port: PortId, frame: Frame, pool: &mut Pool) -> Self::Outcome;

    /// Runs the timers that are due, and adds frames to `departing` while the batch has capacity.
    fn transmit(&mut self, now: Instant, port: PortId, departing: &mut Batch, pool: &mut Pool);

    /// Handles the refusal of a frame by the device. The device has dropped the frame with this token.
    fn refused(&mut self, _now: Instant, _port: PortId, _token: Token) {}

    /// Handles a change of the device. `departing` has the frames that the device has not accepted yet, and the machine
    /// may remove these frames.
    fn device_event(
        &mut self,
        _now: Instant,
        _port: PortId,
        _event: DeviceEvent,
        _departing: &mut Batch,
        _pool: &mut Pool,
    ) {
    }

    /// Returns the time at which the next timer is due, or `None` if no timer runs.
    ///
    /// The timers of a port do not count while its departing batch is full. All other timers that are due are served by
    /// [`Machine::transmit`], possibly in several calls.
    fn deadline(&self) -> Option<Instant>;
}
