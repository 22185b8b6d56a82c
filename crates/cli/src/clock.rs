//! The one clock of the program.

use std::time::{Duration, SystemTime};

use tap::Instant;

/// Time since the command began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: std::time::Instant,
    wall: SystemTime,
}

// The event loop reads the clock here, once a turn; nobody else does.
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

    /// What the wall clock said at the origin, since 1970 in UTC: whoever shows our time to others adds it.
    pub(crate) fn origin(self) -> Duration {
        self.wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }
}
