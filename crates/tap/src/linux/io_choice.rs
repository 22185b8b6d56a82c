//! Choice of the faster I/O method under heavy load.

use std::time::Duration;

/// Choice between `io_uring`, and `read` and `write`, by the time that each takes for a frame.
///
/// Which method is faster depends on the machine, and can change while a program runs. So the methods take turns in short
/// trials, and the faster method is then used for a term, before the next trials.
#[derive(Debug, Default)]
pub(super) struct IoChoice {
    phase: Phase,
    /// Frames and time of the current phase.
    current: Total,
    /// Frames and time of the trials of the ring, and of `read` and `write`.
    ring: Total,
    read_write: Total,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The trial with this number. The ring has the trials with even numbers.
    Trial(u32),
    /// The term of one method.
    Term { by_ring: bool },
}

#[derive(Clone, Copy, Debug, Default)]
struct Total {
    frames: u64,
    time: Duration,
}

impl IoChoice {
    /// Number of trials, half of them for each method. Alternating trials share slow times of the machine.
    const TRIALS: u32 = 8;
    /// Number of frames, received and transmitted, in a trial.
    const TRIAL_FRAMES: u64 = 1_024;
    /// Number of frames in a term, so that the trials of the slower method are 3 percent of all frames.
    const TERM_FRAMES: u64 = 131_072;

    /// Returns whether to use the ring.
    pub(super) fn uses_ring(&self) -> bool {
        match self.phase {
            Phase::Trial(number) => number.is_multiple_of(2),
            Phase::Term { by_ring } => by_ring,
        }
    }

    /// Records that the current method moved frames in this time.
    pub(super) fn record(&mut self, frames: u64, time: Duration) {
        self.current.add(Total { frames, time });
        let uses_ring = self.uses_ring();
        self.phase = match self.phase {
            Phase::Trial(number) if self.current.frames >= Self::TRIAL_FRAMES => {
                let total = if uses_ring { &mut self.ring } else { &mut self.read_write };
                total.add(self.current);
                if number + 1 < Self::TRIALS {
                    Phase::Trial(number + 1)
                } else {
                    Phase::Term { by_ring: self.ring.is_faster_than(self.read_write) }
                }
            }
            Phase::Term { .. } if self.current.frames >= Self::TERM_FRAMES => {
                *self = IoChoice::default();
                return;
            }
            _ => return,
        };
        self.current = Total::default();
    }
}

impl Default for Phase {
    fn default() -> Phase {
        Phase::Trial(0)
    }
}

impl Total {
    fn add(&mut self, more: Total) {
        self.frames = self.frames.saturating_add(more.frames);
        self.time = self.time.saturating_add(more.time);
    }

    /// Returns whether this method takes less time per frame.
    fn is_faster_than(self, other: Total) -> bool {
        let product = |time: Duration, frames: u64| time.as_nanos().saturating_mul(frames.into());
        product(self.time, other.frames) < product(other.time, self.frames)
    }
}

#[cfg(test)]
mod tests;
