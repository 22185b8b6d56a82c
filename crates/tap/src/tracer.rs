//! Tracing of the frames of a machine.

use crate::Instant;

/// Observer of the frames of a machine with outcomes of type `O`. The default methods do nothing. `()` is a tracer
/// without cost.
pub trait Tracer<O> {
    /// Called for each received frame, before it is handled.
    fn frame_received(&mut self, _now: Instant, _bytes: &[u8]) {}

    /// Called with the outcome of the last received frame.
    fn frame_handled(&mut self, _now: Instant, _outcome: O) {}

    /// Called with each frame, including its padding, before transmission.
    fn frame_sent(&mut self, _now: Instant, _bytes: &[u8]) {}
}

impl<O> Tracer<O> for () {}

/// `None` is a tracer without cost.
impl<O, T: Tracer<O>> Tracer<O> for Option<T> {
    fn frame_received(&mut self, now: Instant, bytes: &[u8]) {
        if let Some(tracer) = self {
            tracer.frame_received(now, bytes);
        }
    }

    fn frame_handled(&mut self, now: Instant, outcome: O) {
        if let Some(tracer) = self {
            tracer.frame_handled(now, outcome);
        }
    }

    fn frame_sent(&mut self, now: Instant, bytes: &[u8]) {
        if let Some(tracer) = self {
            tracer.frame_sent(now, bytes);
        }
    }
}
