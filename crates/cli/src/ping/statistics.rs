//! Statistics of a ping session.

use std::time::Duration;

use tap::Instant;

use crate::percent::Percent;

/// Counts of requests and replies, and round-trip times.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PingStatistics {
    pub(super) transmitted: u64,
    /// Number of requests with a reply.
    pub(super) received: u64,
    /// Number of further replies to the same request.
    pub(super) duplicates: u64,
    /// Number of replies with data that changed in transit.
    pub(super) changed: u64,
    /// Number of requests that were not delivered, according to ICMP errors.
    pub(super) errors: u64,
    /// Number of replies and errors that match no request.
    pub(super) unmatched: u64,
    /// Maximum number of requests in flight when a response arrived.
    pub(super) pipe: u16,
    pub(super) first: Option<Instant>,
    pub(super) last: Option<Instant>,
    min: Option<Duration>,
    max: Option<Duration>,
    /// Sum of the round-trip times, in nanoseconds.
    sum: u128,
    /// Sum of the squares of the round-trip times.
    squares: u128,
}

/// Minimum, mean, maximum and standard deviation of the round-trip times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RoundTrips {
    pub(super) min: Duration,
    pub(super) mean: Duration,
    pub(super) max: Duration,
    pub(super) deviation: Duration,
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
        self.min = Some(self.min.map_or(round_trip, |min| min.min(round_trip)));
        self.max = self.max.max(Some(round_trip));
    }

    /// Returns the maximum round-trip time.
    pub(super) fn max(&self) -> Option<Duration> {
        self.max
    }

    /// Returns the time from the first request to the last.
    pub(super) fn elapsed(&self) -> Duration {
        match (self.first, self.last) {
            (Some(first), Some(last)) => last.since(first),
            _ => Duration::ZERO,
        }
    }

    /// Returns the percentage of requests without a reply.
    pub(super) fn loss(&self) -> Percent {
        Percent { part: self.transmitted.saturating_sub(self.received), total: self.transmitted }
    }

    /// Returns the round-trip times, duplicates included, or `None` if there was no reply.
    pub(super) fn round_trips(&self) -> Option<RoundTrips> {
        let answers = u128::from(self.received) + u128::from(self.duplicates);
        let mean = self.sum.checked_div(answers)?;
        let variance = (self.squares / answers).saturating_sub(mean.saturating_mul(mean));
        Some(RoundTrips {
            min: self.min?,
            mean: nanos(mean),
            max: self.max?,
            deviation: nanos(variance.isqrt()),
        })
    }
}

fn nanos(count: u128) -> Duration {
    Duration::from_nanos(u64::try_from(count).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
