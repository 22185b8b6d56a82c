//! Time as the table counts it.

use std::time::Duration;

use link::Instant;

/// A point in counted time: nanoseconds, beginning again after 584 years of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tick(u64);

/// Counts the time that passes from one telling to the next.
///
/// A clock that goes back is no time that passes: what was begun goes on from where it was, and
/// nobody waits for the clock to be where it had been. So the ticks in a row of the table never
/// fall. How long ago a tick was is asked, never where a wait would end: near the end of time
/// nothing becomes due all at once.
#[derive(Debug, Default)]
pub(super) struct Clock {
    now: Instant,
    elapsed: u64,
}

impl Clock {
    /// Tells the clock what time it is.
    // spec: clock-still, clock-back
    pub(super) fn advance(&mut self, now: Instant) {
        let passed = now.as_nanos().saturating_sub(self.now.as_nanos());
        self.elapsed = self.elapsed.wrapping_add(passed);
        self.now = now;
    }

    /// What it was told last.
    pub(super) fn now(&self) -> Instant {
        self.now
    }

    /// The same, in ticks.
    pub(super) fn tick(&self) -> Tick {
        Tick(self.elapsed)
    }

    /// How long ago a tick was.
    pub(super) fn since(&self, tick: Tick) -> Duration {
        Duration::from_nanos(self.elapsed.wrapping_sub(tick.0))
    }

    /// When a span from a tick on is over, by the clock that was told; none if time ends first.
    // spec: clock-end
    pub(super) fn end(&self, tick: Tick, span: Duration) -> Option<Instant> {
        let left = span.saturating_sub(self.since(tick));
        let end = self.now + left;
        (end.since(self.now) == left).then_some(end)
    }
}

#[cfg(test)]
mod tests;
