//! How whoever answers is driven.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tap::linux::{Stop, wait};

/// Something that answers what comes to its interface.
pub(crate) trait Engine {
    /// Answers the `waiting` frames that are queued.
    fn drain(&mut self, waiting: usize) -> Result<(), String>;

    /// Answers until told to stop; when dry it looks again for as long as `spin`, and then sleeps.
    fn serve(&mut self, spin: Duration, halt: &Halt) -> Result<(), String>;

    /// What is readable when frames wait.
    fn fd(&self) -> BorrowedFd<'_>;
}

/// Something that is driven in turns, as `tapstack host` drives its host.
pub(crate) trait Turns {
    /// Receives, answers and sends what there is, without waiting.
    fn turn(&mut self) -> Result<Turned, String>;

    /// What is readable when frames wait.
    fn fd(&self) -> BorrowedFd<'_>;

    /// How long until there is something to do even if nothing arrives.
    fn due(&self) -> Option<Duration> {
        None
    }
}

/// What a turn did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turned {
    /// How many frames arrived.
    pub(crate) arrived: usize,
    /// Whether frames still wait for room on the wire.
    pub(crate) congested: bool,
}

/// How a thread that answers is told to stop.
pub(crate) struct Halt {
    flag: AtomicBool,
    stop: Stop,
}

impl Halt {
    pub(crate) fn new() -> Result<Halt, String> {
        let stop = Stop::new().map_err(|error| format!("no event descriptor: {error}"))?;
        Ok(Halt { flag: AtomicBool::new(false), stop })
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

impl<T: Turns> Engine for T {
    fn drain(&mut self, _waiting: usize) -> Result<(), String> {
        while self.turn()?.arrived > 0 {}
        Ok(())
    }

    fn serve(&mut self, spin: Duration, halt: &Halt) -> Result<(), String> {
        let mut dry_since = None;
        loop {
            let turned = self.turn()?;
            if turned.arrived > 0 {
                dry_since = None;
                continue;
            }
            if halt.is_raised() {
                return Ok(());
            }
            if spin.is_zero() || dry_since.get_or_insert_with(Instant::now).elapsed() >= spin {
                wait(Turns::fd(self), turned.congested, halt.stop.as_fd(), self.due())
                    .map_err(|error| format!("cannot wait for frames: {error}"))?;
                dry_since = None;
            }
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        Turns::fd(self)
    }
}
