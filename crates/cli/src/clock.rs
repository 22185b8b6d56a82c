//! The one clock of the program.

use tap::Instant;

/// Time since the command began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(std::time::Instant);

// The event loop reads the clock here, once a turn; nobody else does.
#[allow(clippy::disallowed_methods)]
impl Clock {
    /// A clock whose origin is now.
    pub(crate) fn start() -> Clock {
        Clock(std::time::Instant::now())
    }

    /// The time.
    pub(crate) fn now(self) -> Instant {
        Instant::ORIGIN + self.0.elapsed()
    }
}
