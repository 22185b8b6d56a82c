//! Packet rates in constant memory.

use std::time::Duration;

use link::Instant;

use super::Census;

/// Packets in the current span of ten seconds and in the previous span.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    /// Number of the current span since the origin of time.
    span: u64,
    current: u32,
    previous: u32,
}

/// Packets in each of the last seconds.
#[derive(Clone, Debug)]
pub(super) struct SecondCounts {
    /// Last counted second since the origin of time.
    latest: u64,
    counts: [u32; Census::SECONDS + 1],
}

const SPAN: Duration = Duration::from_secs(10);

impl Rate {
    /// Counts a packet.
    pub(super) fn tick(&mut self, now: Instant) {
        let (span, _) = span_and_rest(now);
        if span != self.span {
            self.previous = if span == self.span.saturating_add(1) { self.current } else { 0 };
            (self.span, self.current) = (span, 0);
        }
        self.current = self.current.saturating_add(1);
    }

    /// Returns the number of packets in the last ten seconds. Assumes an even distribution in the previous span.
    pub(super) fn recent(self, now: Instant) -> u32 {
        let (span, left) = span_and_rest(now);
        let (previous, current) = match span.checked_sub(self.span) {
            Some(0) => (self.previous, self.current),
            Some(1) => (self.current, 0),
            _ => return 0,
        };
        let share = u64::from(previous).saturating_mul(left) / SPAN.as_secs().saturating_mul(NANOS);
        current.saturating_add(u32::try_from(share).unwrap_or(u32::MAX))
    }
}

const NANOS: u64 = 1_000_000_000;

/// Returns the span of a time and the rest of the span in nanoseconds.
fn span_and_rest(now: Instant) -> (u64, u64) {
    let span = SPAN.as_secs().saturating_mul(NANOS);
    let passed = now.as_nanos() % span;
    (now.as_nanos() / span, span - passed)
}

/// Counts a packet. Returns the number of packets in the current second.
pub(super) fn tick((second, count): &mut (u64, u32), now: Instant) -> u32 {
    let current = now.as_nanos() / NANOS;
    if current != *second {
        (*second, *count) = (current, 0);
    }
    *count = count.saturating_add(1);
    *count
}

impl SecondCounts {
    /// Counts a packet. Returns the number of packets in the current second.
    pub(super) fn tick(&mut self, now: Instant) -> u32 {
        let second = now.as_nanos() / NANOS;
        let length = u64::try_from(self.counts.len()).unwrap_or(u64::MAX);
        if second < self.latest || second - self.latest >= length {
            // The clock has gone back, or all counts are too old.
            self.counts.fill(0);
            self.latest = second;
        }
        while self.latest < second {
            self.latest += 1;
            if let Some(count) = self.counts.get_mut(index(self.latest)) {
                *count = 0;
            }
        }
        self.counts.get_mut(index(second)).map_or(0, |count| {
            *count = count.saturating_add(1);
            *count
        })
    }

    /// Returns the counts of the last complete seconds, oldest first.
    pub(super) fn list(&self, now: Instant) -> [u32; Census::SECONDS] {
        let current = now.as_nanos() / NANOS;
        let mut ago = u64::try_from(Census::SECONDS).unwrap_or_default();
        [(); Census::SECONDS].map(|()| {
            let second = current.checked_sub(ago);
            ago = ago.saturating_sub(1);
            second.map_or(0, |second| self.at(second))
        })
    }

    fn at(&self, second: u64) -> u32 {
        let length = u64::try_from(self.counts.len()).unwrap_or(u64::MAX);
        let is_remembered = second <= self.latest && self.latest - second < length;
        self.counts.get(index(second)).copied().filter(|_| is_remembered).unwrap_or_default()
    }
}

/// Returns the index of a second in the counts.
fn index(second: u64) -> usize {
    let length = u64::try_from(Census::SECONDS + 1).unwrap_or(1);
    usize::try_from(second % length).unwrap_or_default()
}

impl Default for SecondCounts {
    fn default() -> Self {
        SecondCounts { latest: 0, counts: [0; Census::SECONDS + 1] }
    }
}
