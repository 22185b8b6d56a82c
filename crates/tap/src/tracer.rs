//! Tracing of the frames of a machine.

use crate::{Frame, Instant, PortId};

/// Observer of the frames of a machine with outcomes of type `O`. The default methods do nothing. `()` is a tracer
/// without cost.
pub trait Tracer<O> {
    /// Called for each frame that a port received, before the frame is handled.
    fn frame_received(&mut self, _now: Instant, _port: PortId, _frame: &Frame) {}

    /// Called with the outcome of the last received frame.
    fn frame_handled(&mut self, _now: Instant, _port: PortId, _outcome: O) {}

    /// Called with each frame that a port sends, including its padding, before transmission.
    fn frame_sent(&mut self, _now: Instant, _port: PortId, _frame: &Frame) {}
}

impl<O> Tracer<O> for () {}

/// `None` is a tracer without cost.
impl<O, T: Tracer<O>> Tracer<O> for Option<T> {
    fn frame_received(&mut self, now: Instant, port: PortId, frame: &Frame) {
        if let Some(tracer) = self {
            tracer.frame_received(now, port, frame);
        }
    }

    fn frame_handled(&mut self, now: Instant, port: PortId, outcome: O) {
        if let Some(tracer) = self {
            tracer.frame_handled(now, port, outcome);
        }
    }

    fn frame_sent(&mut self, now: Instant, port: PortId, frame: &Frame) {
        if let Some(tracer) = self {
            tracer.frame_sent(now, port, frame);
        }
    }
}
