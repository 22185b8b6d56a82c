//! How often something happens, in a few bytes.

use std::time::Duration;

use link::Instant;

use super::Census;

/// How often lately: two spans of ten seconds, the one that runs and the one before it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    /// Which span runs, from the origin of time on.
    span: u64,
    running: u32,
    before: u32,
}

/// The last seconds, one by one.
#[derive(Clone, Debug)]
pub(super) struct SecondCounts {
    /// Which second was counted last.
    latest: u64,
    counts: [u32; Census::SECONDS + 1],
}

const SPAN: Duration = Duration::from_secs(10);

impl Rate {
    /// It happens.
    pub(super) fn tick(&mut self, now: Instant) {
        let (span, _) = spans(now);
        if span != self.span {
            self.before = if span == self.span.saturating_add(1) { self.running } else { 0 };
            (self.span, self.running) = (span, 0);
        }
        self.running = self.running.saturating_add(1);
    }

    /// How often it happened in the last ten seconds, as if evenly in the span before.
    pub(super) fn recent(self, now: Instant) -> u32 {
        let (span, left) = spans(now);
        let (before, running) = match span.checked_sub(self.span) {
            Some(0) => (self.before, self.running),
            Some(1) => (self.running, 0),
            _ => return 0,
        };
        let share = u64::from(before).saturating_mul(left) / SPAN.as_secs().saturating_mul(NANOS);
        running.saturating_add(u32::try_from(share).unwrap_or(u32::MAX))
    }
}

const NANOS: u64 = 1_000_000_000;

/// Which span a time is in, and how much of it is left in nanoseconds.
fn spans(now: Instant) -> (u64, u64) {
    let span = SPAN.as_secs().saturating_mul(NANOS);
    let passed = now.as_nanos() % span;
    (now.as_nanos() / span, span - passed)
}

/// Counts one more in the second that runs, and says how many there are in it.
pub(super) fn tick((second, count): &mut (u64, u32), now: Instant) -> u32 {
    let running = now.as_nanos() / NANOS;
    if running != *second {
        (*second, *count) = (running, 0);
    }
    *count = count.saturating_add(1);
    *count
}

impl SecondCounts {
    /// Counts one, and says how many there are in the second that runs.
    pub(super) fn tick(&mut self, now: Instant) -> u32 {
        let second = now.as_nanos() / NANOS;
        let length = u64::try_from(self.counts.len()).unwrap_or(u64::MAX);
        if second < self.latest || second - self.latest >= length {
            // The clock went back, or nothing was heard for longer than is remembered.
            self.counts.fill(0);
            self.latest = second;
        }
        while self.latest < second {
            self.latest += 1;
            if let Some(count) = self.counts.get_mut(place(self.latest)) {
                *count = 0;
            }
        }
        self.counts.get_mut(place(second)).map_or(0, |count| {
            *count = count.saturating_add(1);
            *count
        })
    }

    /// The seconds before the one that runs, oldest first.
    pub(super) fn list(&self, now: Instant) -> [u32; Census::SECONDS] {
        let running = now.as_nanos() / NANOS;
        let mut ago = u64::try_from(Census::SECONDS).unwrap_or_default();
        [(); Census::SECONDS].map(|()| {
            let second = running.checked_sub(ago);
            ago = ago.saturating_sub(1);
            second.map_or(0, |second| self.at(second))
        })
    }

    fn at(&self, second: u64) -> u32 {
        let length = u64::try_from(self.counts.len()).unwrap_or(u64::MAX);
        let is_remembered = second <= self.latest && self.latest - second < length;
        self.counts.get(place(second)).copied().filter(|_| is_remembered).unwrap_or_default()
    }
}

/// Where a second is counted.
fn place(second: u64) -> usize {
    let length = u64::try_from(Census::SECONDS + 1).unwrap_or(1);
    usize::try_from(second % length).unwrap_or_default()
}

impl Default for SecondCounts {
    fn default() -> Self {
        SecondCounts { latest: 0, counts: [0; Census::SECONDS + 1] }
    }
}
