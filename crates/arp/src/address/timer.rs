//! Waiting, by a clock that may misbehave.

use std::time::Duration;

use link::Instant;

/// A wait that began at some time and is over a span later.
///
/// It is measured from its beginning, not by comparing with an end: where the end lies beyond the end
/// of time, the wait is never over, and nothing that it holds back becomes due all at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timer {
    since: Instant,
    span: Duration,
}

impl Timer {
    /// A wait that begins now.
    pub(crate) fn new(now: Instant, span: Duration) -> Timer {
        Timer { since: now, span }
    }

    /// Whether it is over. A clock that went back begins it again: late, but not years late.
    // spec: clocks
    pub(crate) fn has_expired(&mut self, now: Instant) -> bool {
        self.since = self.since.min(now);
        now.since(self.since) >= self.span
    }

    /// When it will be over; none if time ends first.
    pub(crate) fn deadline(self) -> Option<Instant> {
        let end = self.since + self.span;
        (end.since(self.since) == self.span).then_some(end)
    }
}

#[cfg(test)]
mod tests;
