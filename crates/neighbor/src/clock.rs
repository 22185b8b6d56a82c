//! The table's monotonic clock.

use std::time::Duration;

use link::Instant;

/// Point in counted time, in nanoseconds. Wraps after 584 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tick(u64);

/// Counts the time that passes between calls of [`Clock::advance`].
///
/// When the caller's time goes back, no time passes: running timers continue from where they were. The ticks in a timer
/// queue therefore never decrease. Timers compare the time since a tick with a span, and do not compare the current
/// time with an end. Otherwise all timers would become due near the end of time.
#[derive(Debug, Default)]
pub(super) struct Clock {
    now: Instant,
    elapsed: u64,
}

impl Clock {
    /// Sets the current time.
    // spec: clock-still, clock-back
    pub(super) fn advance(&mut self, now: Instant) {
        let passed = now.as_nanos().saturating_sub(self.now.as_nanos());
        self.elapsed = self.elapsed.wrapping_add(passed);
        self.now = now;
    }

    /// Returns the current time, as last set.
    pub(super) fn now(&self) -> Instant {
        self.now
    }

    /// Returns the current tick.
    pub(super) fn tick(&self) -> Tick {
        Tick(self.elapsed)
    }

    /// Returns the time since a tick.
    pub(super) fn since(&self, tick: Tick) -> Duration {
        Duration::from_nanos(self.elapsed.wrapping_sub(tick.0))
    }

    /// Returns when a span that starts at a tick ends, in the caller's time. Returns `None` if the span ends after the
    /// last instant.
    // spec: clock-end
    pub(super) fn end(&self, tick: Tick, span: Duration) -> Option<Instant> {
        let left = span.saturating_sub(self.since(tick));
        let end = self.now + left;
        (end.since(self.now) == left).then_some(end)
    }
}

#[cfg(test)]
mod tests;
