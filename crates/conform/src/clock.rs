//! The one clock of the suite.

use std::time::Duration;

/// Time since it was started.
#[derive(Clone, Copy, Debug)]
pub struct Clock(std::time::Instant);

// The suite stands outside the stack: what it measures is real time.
#[allow(clippy::disallowed_methods)]
impl Clock {
    /// Starts a clock.
    pub fn start() -> Clock {
        Clock(std::time::Instant::now())
    }

    /// Returns the time since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
