//! Wall-clock times of events.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use runtime::Clock;
use tap::Instant;

/// Largest difference of two readings of the origin that is not followed, so that times increase while the system clock
/// is adjusted gradually.
const ORIGIN_TOLERANCE: Duration = Duration::from_millis(100);

thread_local! {
    /// The clock that was converted last, and its origin. Without this cache, each reading of the two clocks would
    /// give another origin, and events of one moment would have different times.
    static LATEST_ORIGIN: Cell<Option<(Clock, Duration)>> = const { Cell::new(None) };
}

/// Returns the wall-clock time of the origin of a clock, as time since 1970 in UTC. If the system clock is set, or the
/// computer is suspended, the origin changes accordingly.
// Commands read the wall clock only here.
#[allow(clippy::disallowed_methods)]
fn origin(clock: Clock) -> Duration {
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let origin = wall.saturating_sub(clock.now().since(Instant::ORIGIN));
    match LATEST_ORIGIN.get() {
        Some((of, latest)) if of == clock && is_same_origin(latest, origin) => latest,
        _ => {
            LATEST_ORIGIN.set(Some((clock, origin)));
            origin
        }
    }
}

/// Returns whether two readings of the origin are close enough to be treated as equal: the system clock was not set
/// between the readings.
fn is_same_origin(latest: Duration, origin: Duration) -> bool {
    origin.abs_diff(latest) <= ORIGIN_TOLERANCE
}

/// Converts times of a [`Clock`] to wall-clock times.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WallClock {
    /// The origin follows the system clock.
    System(Clock),
    /// The origin is fixed at this time since 1970.
    #[cfg(test)]
    Fixed(Duration),
}

/// A time of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Wall-clock time: since 1970 in UTC.
    pub(crate) wall: Instant,
    /// Time since the command began.
    pub(crate) elapsed: Duration,
}

impl WallClock {
    /// Returns the present moment.
    pub(crate) fn now(self) -> Moment {
        self.moment(match self {
            Self::System(clock) => clock.now(),
            #[cfg(test)]
            Self::Fixed(_) => Instant::ORIGIN,
        })
    }

    /// Returns the wall-clock time of the clock's origin, as time since 1970 in UTC.
    pub(crate) fn origin(self) -> Duration {
        match self {
            Self::System(clock) => origin(clock),
            #[cfg(test)]
            Self::Fixed(origin) => origin,
        }
    }

    /// Converts a time of the clock.
    pub(crate) fn moment(self, now: Instant) -> Moment {
        let origin = self.origin();
        let elapsed = now.since(Instant::ORIGIN);
        Moment { wall: Instant::ORIGIN + origin + elapsed, elapsed }
    }
}

#[cfg(test)]
impl Moment {
    /// Returns a moment of this many nanoseconds since 1970 and since the start.
    pub(crate) fn of_nanos(nanos: u64) -> Moment {
        Moment { wall: Instant::from_nanos(nanos), elapsed: Duration::from_nanos(nanos) }
    }
}

impl From<Clock> for WallClock {
    fn from(clock: Clock) -> WallClock {
        WallClock::System(clock)
    }
}

#[cfg(test)]
mod tests;
