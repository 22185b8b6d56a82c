//! Clock of the suite.

use std::time::Duration;

/// Clock that measures the time since its start.
#[derive(Clone, Copy, Debug)]
pub struct Clock(std::time::Instant);

// The suite is not part of the stack, so it may measure real time.
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
