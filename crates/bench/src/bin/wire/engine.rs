//! How whoever answers is driven.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tap::linux::{Stop, busy_poll, wait};

/// Something that answers what comes to its interface.
pub(crate) trait Engine {
    /// Answers the `waiting` frames that are queued.
    fn drain(&mut self, waiting: usize) -> Result<(), String>;

    /// Answers until told to stop; when dry it looks again for as long as `spin`, and then sleeps.
    fn serve(&mut self, spin: Duration, stop: &StopFlag) -> Result<(), String>;

    /// What is readable when frames wait.
    fn fd(&self) -> BorrowedFd<'_>;

    /// How many system calls it has made, if it counts them itself.
    fn calls(&self) -> Option<u64> {
        None
    }
}

/// Something that is driven in turns, as `tapstack host` drives its host.
pub(crate) trait PollEngine {
    /// Receives, answers and sends what there is, without waiting.
    fn poll_once(&mut self) -> Result<PollResult, String>;

    /// What is readable when frames wait.
    fn fd(&self) -> BorrowedFd<'_>;

    /// How long until there is something to do even if nothing arrives.
    fn next_deadline(&self) -> Option<Duration> {
        None
    }

    /// How many system calls it has made, if it counts them itself.
    fn calls(&self) -> Option<u64> {
        None
    }
}

/// What a turn did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PollResult {
    /// How many frames arrived.
    pub(crate) arrived: usize,
    /// Whether frames still wait for room on the wire.
    pub(crate) congested: bool,
    /// Whether to turn again before anything is waited for.
    pub(crate) again: bool,
}

/// How a thread that answers is told to stop.
pub(crate) struct StopFlag {
    flag: AtomicBool,
    stop: Stop,
}

impl StopFlag {
    pub(crate) fn new() -> Result<StopFlag, String> {
        let stop = Stop::new().map_err(|error| format!("no event descriptor: {error}"))?;
        Ok(StopFlag { flag: AtomicBool::new(false), stop })
    }

    /// Stops whoever waits. A blocked read does not see it: a frame must follow.
    pub(crate) fn raise(&self) {
        self.flag.store(true, Ordering::Relaxed);
        self.stop.raise();
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }
}

impl<T: PollEngine> Engine for T {
    fn drain(&mut self, _waiting: usize) -> Result<(), String> {
        loop {
            let turned = self.poll_once()?;
            if turned.arrived == 0 && !turned.again {
                return Ok(());
            }
        }
    }

    fn serve(&mut self, spin: Duration, stop: &StopFlag) -> Result<(), String> {
        loop {
            let turned = self.poll_once()?;
            if stop.is_raised() {
                return Ok(());
            }
            if turned.again || busy_poll(spin, || Ok::<_, String>(self.poll_once()?.arrived > 0))? {
                continue;
            }
            wait(PollEngine::fd(self), turned.congested, stop.stop.as_fd(), &[], self.next_deadline())
                .map_err(|error| format!("cannot wait for frames: {error}"))?;
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        PollEngine::fd(self)
    }

    fn calls(&self) -> Option<u64> {
        PollEngine::calls(self)
    }
}
