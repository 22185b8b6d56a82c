//! Timers that tolerate a clock that jumps.

use std::time::Duration;

use link::Instant;

/// Timer that expires a given span after its start.
///
/// The timer compares the elapsed time with its span, and stores no end time. If the end is beyond the last
/// representable [`Instant`], the timer never expires, so a saturated clock causes no burst of packets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timer {
    since: Instant,
    span: Duration,
}

impl Timer {
    /// Starts a timer.
    pub(crate) fn new(now: Instant, span: Duration) -> Timer {
        Timer { since: now, span }
    }

    /// Returns whether the timer has expired. If the clock has gone back, the timer restarts, and expires late by at
    /// most its span.
    // spec: clocks
    pub(crate) fn has_expired(&mut self, now: Instant) -> bool {
        self.since = self.since.min(now);
        now.since(self.since) >= self.span
    }

    /// Returns when the timer expires, or none if this time is beyond the last representable [`Instant`].
    pub(crate) fn deadline(self) -> Option<Instant> {
        let end = self.since + self.span;
        (end.since(self.since) == self.span).then_some(end)
    }
}

#[cfg(test)]
mod tests;
