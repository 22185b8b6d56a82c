//! The one clock of the program.

use std::time::{Duration, SystemTime};

use nix::time::{ClockId, clock_gettime};
use tap::Instant;

/// Time since the command began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: std::time::Instant,
    wall: SystemTime,
}

// The event loop reads the clock here, once a turn, and nothing else reads it.
#[allow(clippy::disallowed_methods)]
impl Clock {
    /// A clock whose origin is now.
    pub(crate) fn start() -> Clock {
        Clock { start: std::time::Instant::now(), wall: SystemTime::now() }
    }

    /// The time.
    pub(crate) fn now(self) -> Instant {
        Instant::ORIGIN + self.start.elapsed()
    }

    /// The wall-clock time of the origin, since 1970 in UTC, to be added to times that are shown.
    pub(crate) fn origin(self) -> Duration {
        self.wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }
}

/// Detects that the machine was suspended: the clock of this program stands still meanwhile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Suspension {
    /// How long the machine has been suspended since it was started.
    total: Duration,
}

impl Suspension {
    /// Maximum difference of the two clocks without a suspension, as they are read one after the other.
    const SLACK: Duration = Duration::from_secs(1);

    /// From now on.
    pub(crate) fn start() -> Suspension {
        Suspension { total: suspended() }
    }

    /// Whether the machine was suspended since the start or since the last call that returned true.
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

/// How much `CLOCK_BOOTTIME`, which counts suspension, is ahead of `CLOCK_MONOTONIC`, which does not. Zero where the system has
/// no such clock.
fn suspended() -> Duration {
    let read = |clock| clock_gettime(clock).map(Duration::from).unwrap_or_default();
    let awake = read(ClockId::CLOCK_MONOTONIC);
    read(ClockId::CLOCK_BOOTTIME).saturating_sub(awake)
}

#[cfg(test)]
mod tests;
