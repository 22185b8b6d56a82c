//! What a run of requests comes to.

use std::fmt;
use std::time::Duration;

use tap::Instant;

/// Requests, answers, and the times from one to the other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PingStatistics {
    pub(super) transmitted: u64,
    /// Requests that were answered.
    pub(super) received: u64,
    /// Answers beyond the first.
    pub(super) duplicates: u64,
    /// Answers whose data changed on the way.
    pub(super) changed: u64,
    /// Requests that did not arrive, as somebody said.
    pub(super) errors: u64,
    /// Answers and errors about nothing of ours.
    pub(super) strays: u64,
    /// The most requests that were under way at a time when one came back.
    pub(super) pipe: u16,
    pub(super) first: Option<Instant>,
    pub(super) last: Option<Instant>,
    least: Option<Duration>,
    most: Option<Duration>,
    /// Sum of the round trips, in nanoseconds.
    sum: u128,
    /// Sum of their squares.
    squares: u128,
}

/// The least, the mean and the greatest round trip, and the standard deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RoundTrips {
    pub(super) least: Duration,
    pub(super) mean: Duration,
    pub(super) most: Duration,
    pub(super) deviation: Duration,
}

/// A share of the whole as C's `%g` writes a percentage: six significant digits, no zeros behind them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Percent {
    pub(super) part: u64,
    pub(super) whole: u64,
}

impl PingStatistics {
    pub(super) fn sent(&mut self, now: Instant) {
        self.transmitted = self.transmitted.saturating_add(1);
        self.first.get_or_insert(now);
        self.last = Some(now);
    }

    pub(super) fn answered(&mut self, round_trip: Duration, is_duplicate: bool) {
        let count = if is_duplicate { &mut self.duplicates } else { &mut self.received };
        *count = count.saturating_add(1);
        let nanos = round_trip.as_nanos();
        self.sum = self.sum.saturating_add(nanos);
        self.squares = self.squares.saturating_add(nanos.saturating_mul(nanos));
        self.least = Some(self.least.map_or(round_trip, |least| least.min(round_trip)));
        self.most = self.most.max(Some(round_trip));
    }

    /// The greatest round trip.
    pub(super) fn most(&self) -> Option<Duration> {
        self.most
    }

    /// From the first request to the last.
    pub(super) fn elapsed(&self) -> Duration {
        match (self.first, self.last) {
            (Some(first), Some(last)) => last.since(first),
            _ => Duration::ZERO,
        }
    }

    /// Requests that were not answered.
    pub(super) fn loss(&self) -> Percent {
        Percent { part: self.transmitted.saturating_sub(self.received), whole: self.transmitted }
    }

    /// The round trips, if there was any. Those of duplicates count.
    pub(super) fn round_trips(&self) -> Option<RoundTrips> {
        let answers = u128::from(self.received) + u128::from(self.duplicates);
        let mean = self.sum.checked_div(answers)?;
        let variance = (self.squares / answers).saturating_sub(mean.saturating_mul(mean));
        Some(RoundTrips {
            least: self.least?,
            mean: nanos(mean),
            most: self.most?,
            deviation: nanos(variance.isqrt()),
        })
    }
}

fn nanos(count: u128) -> Duration {
    Duration::from_nanos(u64::try_from(count).unwrap_or(u64::MAX))
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (part, whole) = (u128::from(self.part) * 100, u128::from(self.whole.max(1)));
        // Six digits from the first one on that is not zero: 100 takes three of them before the point.
        let mut decimals = 3_u32;
        let mut scaled = part * 1_000;
        while scaled < whole * 100_000 && decimals < 9 {
            decimals += 1;
            scaled *= 10;
        }
        let digits = (scaled + whole / 2) / whole;
        let unit = 10_u128.pow(decimals);
        let places = usize::try_from(decimals).unwrap_or_default();
        let text = format!("{}.{:0places$}", digits / unit, digits % unit);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests;
