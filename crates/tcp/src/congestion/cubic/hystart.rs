//! The end of the initial slow start by delay: `HyStart++` (RFC 9406).

use std::time::Duration;

use super::super::Round;

/// Searches for an increase of the RTT in slow start, which shows that a queue grows.
///
/// After an increase, the window grows slowly for up to five round trips (conservative slow start). If the RTT stays high,
/// slow start ends. Otherwise, slow start goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct HyStart {
    /// Number of delivered bytes at the end of the round trip.
    end: u64,
    /// Smallest RTT of the last round trip, in nanoseconds, or [`HyStart::NONE`].
    last: u64,
    /// Smallest RTT of this round trip, in nanoseconds, or [`HyStart::NONE`].
    current: u64,
    /// Number of RTTs that were measured in this round trip.
    samples: u32,
    /// Conservative slow start. `None` in slow start.
    conservative: Option<Conservative>,
}

#[derive(Clone, Copy, Debug)]
struct Conservative {
    /// RTT that started it, in nanoseconds.
    baseline: u64,
    /// Number of ended round trips.
    rounds: u32,
}

/// How the window grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growth {
    /// By the acknowledged bytes.
    Full,
    /// By a quarter of the acknowledged bytes.
    Quarter,
    /// Slow start ends.
    End,
}

impl HyStart {
    const NONE: u64 = u64::MAX;

    // RFC 9406 4.3: N_RTT_SAMPLE is 8, CSS_ROUNDS is 5, MIN_RTT_THRESH is 4 ms, MAX_RTT_THRESH is 16 ms, MIN_RTT_DIVISOR is 8.
    const SAMPLES: u32 = 8;
    const ROUNDS: u32 = 5;
    const MINIMUM_THRESHOLD: u64 = 4_000_000;
    const MAXIMUM_THRESHOLD: u64 = 16_000_000;
    const DIVISOR: u64 = 8;

    /// Creates the state of a connection that has sent nothing.
    pub(super) fn new() -> HyStart {
        HyStart { end: 0, last: Self::NONE, current: Self::NONE, samples: 0, conservative: None }
    }

    /// Processes an ACK in the initial slow start. Returns how the window grows.
    pub(super) fn acknowledged(&mut self, round: &Round) -> Growth {
        // spec: rfc9406-rounds
        // A round trip ends when the data is delivered that was in flight at its start.
        if round.delivered >= self.end {
            self.end = round.delivered.saturating_add(round.in_flight.into());
            (self.last, self.current, self.samples) = (self.current, Self::NONE, 0);
            if let Some(conservative) = &mut self.conservative {
                conservative.rounds += 1;
                // spec: rfc9406-end
                if conservative.rounds >= Self::ROUNDS {
                    return Growth::End;
                }
            }
        }
        // RFC 9406 4.2: each ACK first updates the congestion window, and then its RTT is compared.
        // spec: rfc9406-conservative
        let growth = if self.conservative.is_some() { Growth::Quarter } else { Growth::Full };
        if let Some(sample) = round.sample {
            self.current = self.current.min(nanoseconds(sample));
            self.samples = self.samples.saturating_add(1);
        }
        if self.samples >= Self::SAMPLES {
            self.compare();
        }
        growth
    }

    /// Compares the RTT of this round trip with earlier RTTs.
    fn compare(&mut self) {
        match self.conservative {
            // spec: rfc9406-resume
            Some(conservative) if self.current < conservative.baseline => self.conservative = None,
            // Without an earlier round trip, no RTT is an increase.
            // spec: rfc9406-exit
            None => {
                let increase =
                    (self.last / Self::DIVISOR).clamp(Self::MINIMUM_THRESHOLD, Self::MAXIMUM_THRESHOLD);
                if self.current >= self.last.saturating_add(increase) {
                    self.conservative = Some(Conservative { baseline: self.current, rounds: 0 });
                }
            }
            Some(_) => {}
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(HyStart::NONE)
}

#[cfg(test)]
mod tests;
