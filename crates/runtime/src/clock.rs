//! The monotonic clock of a program, and the detection of suspensions.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use tap::Instant;

/// Monotonic time since the clock was started. The clock does not advance while the computer is suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    start: std::time::Instant,
}

// Event loops read the monotonic clock only here.
#[allow(clippy::disallowed_methods)]
impl Clock {
    /// Starts a clock with the current time as its origin.
    pub fn start() -> Clock {
        Clock { start: std::time::Instant::now() }
    }

    /// Returns the current time.
    #[inline]
    pub fn now(self) -> Instant {
        Instant::ORIGIN + self.start.elapsed()
    }
}

/// Detects that the computer was suspended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Suspension {
    /// Total time of all suspensions since the computer started.
    total: Duration,
}

impl Suspension {
    /// Maximum difference of the two clocks without a suspension, as they are read one after the other.
    const SLACK: Duration = Duration::from_secs(1);

    /// Starts to detect suspensions.
    pub(crate) fn start() -> Suspension {
        Suspension { total: suspended() }
    }

    /// Returns whether the computer was suspended since the start, or since the last call that returned true.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.has_grown_to(suspended())
    }

    fn has_grown_to(&mut self, total: Duration) -> bool {
        let has_grown = total.saturating_sub(self.total) > Self::SLACK;
        if has_grown {
            self.total = total;
        }
        has_grown
    }
}

/// Returns how far `CLOCK_BOOTTIME` is ahead of `CLOCK_MONOTONIC`, which does not advance during a suspension. Returns
/// zero if the system has no such clock.
fn suspended() -> Duration {
    let read = |clock| clock_gettime(clock).map(Duration::from).unwrap_or_default();
    let awake = read(ClockId::CLOCK_MONOTONIC);
    read(ClockId::CLOCK_BOOTTIME).saturating_sub(awake)
}

#[cfg(test)]
mod tests;
