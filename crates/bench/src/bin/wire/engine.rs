//! The interface of a contender: draining a queue and serving requests.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tap::linux::{Descriptor, Stop, busy_poll, wait};

/// A contender that replies to frames on its interface.
pub(crate) trait Engine {
    /// Replies to the `waiting` queued frames.
    fn drain(&mut self, waiting: usize) -> Result<(), String>;

    /// Replies to requests until stopped. Polls for the duration `spin` when no frame is queued, then sleeps.
    fn serve(&mut self, spin: Duration, stop: &StopFlag) -> Result<(), String>;

    /// Returns the descriptor that is readable when frames are queued.
    fn fd(&self) -> BorrowedFd<'_>;

    /// Returns the number of system calls, or `None` if the engine does not count them.
    fn calls(&self) -> Option<u64> {
        None
    }
}

/// A contender that the bench polls, as `tapstack host` polls its host.
pub(crate) trait PollEngine {
    /// Receives, replies and sends without waiting.
    fn poll_once(&mut self) -> Result<PollResult, String>;

    /// Returns the descriptor that is readable when frames are queued.
    fn fd(&self) -> BorrowedFd<'_>;

    /// Returns the time until the next timer.
    fn next_deadline(&mut self) -> Option<Duration> {
        None
    }

    /// Returns the number of system calls, or `None` if the engine does not count them.
    fn calls(&self) -> Option<u64> {
        None
    }
}

/// Result of a poll.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PollResult {
    /// Number of frames that arrived.
    pub(crate) arrived: usize,
    /// Whether frames wait because the transmit queue of the device is full.
    pub(crate) congested: bool,
    /// Whether to poll again before waiting.
    pub(crate) again: bool,
}

/// Stops a serving thread.
pub(crate) struct StopFlag {
    flag: AtomicBool,
    stop: Stop,
}

impl StopFlag {
    pub(crate) fn new() -> Result<StopFlag, String> {
        let stop = Stop::new().map_err(|error| format!("no event descriptor: {error}"))?;
        Ok(StopFlag { flag: AtomicBool::new(false), stop })
    }

    /// Wakes a waiting thread. A frame must follow, because the wake-up does not end a blocking read.
    pub(crate) fn raise(&self) {
        self.flag.store(true, Ordering::Relaxed);
        self.stop.raise();
    }

    /// Waits until a descriptor is ready, the flag is raised, or the time is over.
    pub(crate) fn wait(&self, other: Descriptor<'_, ()>, time: Option<Duration>) -> Result<(), String> {
        wait([other, Descriptor::readable(self.stop.as_fd(), ())], time)
            .map(drop)
            .map_err(|error| format!("cannot wait for frames: {error}"))
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }
}

impl<T: PollEngine> Engine for T {
    fn drain(&mut self, _waiting: usize) -> Result<(), String> {
        loop {
            let result = self.poll_once()?;
            if result.arrived == 0 && !result.again {
                return Ok(());
            }
        }
    }

    fn serve(&mut self, spin: Duration, stop: &StopFlag) -> Result<(), String> {
        loop {
            let result = self.poll_once()?;
            if stop.is_raised() {
                return Ok(());
            }
            if result.again || busy_poll(spin, || Ok::<_, String>(self.poll_once()?.arrived > 0))? {
                continue;
            }
            let deadline = self.next_deadline();
            let device = Descriptor::readable(PollEngine::fd(self), ()).or_writable(result.congested);
            stop.wait(device, deadline)?;
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        PollEngine::fd(self)
    }

    fn calls(&self) -> Option<u64> {
        PollEngine::calls(self)
    }
}
