//! Waiting for descriptors, and busy polling.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;

/// Result of a wait. No flag is set if the time limit was reached or a signal arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Whether the device is readable, writable, or gone. The next calls of `receive` and `transmit` show which.
    pub device: bool,
    /// Whether the stop descriptor is readable.
    pub stop: bool,
    /// Whether one of the further descriptors is readable.
    pub others: bool,
}

/// Maximum number of further descriptors of [`wait`].
const MAX_OTHERS: usize = 6;

/// Sleeps until `device` is readable (or, with `wants_write`, writable), until `stop` or one of `others` is readable,
/// or until `limit` has passed.
///
/// `others` are up to six further descriptors, for example a [`LinkMonitor`](super::LinkMonitor). More than six are an
/// error of the kind [`io::ErrorKind::InvalidInput`].
pub fn wait(
    device: BorrowedFd<'_>,
    wants_write: bool,
    stop: BorrowedFd<'_>,
    others: &[BorrowedFd<'_>],
    limit: Option<Duration>,
) -> io::Result<Readiness> {
    let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
    let interest = if wants_write { PollFlags::POLLIN | PollFlags::POLLOUT } else { PollFlags::POLLIN };
    // A fixed array, so that a wait allocates no memory. Entries after `others` are not polled.
    let mut all: [PollFd<'_>; 2 + MAX_OTHERS] = std::array::from_fn(|_| readable(stop));
    let [on_device, _, rest @ ..] = &mut all;
    *on_device = PollFd::new(device, interest);
    for (slot, other) in rest.iter_mut().zip(others) {
        *slot = readable(*other);
    }
    let fds = all.get_mut(..2 + others.len()).ok_or(Errno::EINVAL)?;
    match ppoll(fds, limit.map(TimeSpec::from_duration), None) {
        // POLLERR is an event too, because the kernel reports a deleted TAP with it.
        Ok(_) => {
            let mut woken = fds.iter().map(|fd| fd.any().unwrap_or(true));
            let (device, stop) = (woken.next().unwrap_or(false), woken.next().unwrap_or(false));
            Ok(Readiness { device, stop, others: woken.any(|other| other) })
        }
        Err(Errno::EINTR) => Ok(Readiness::default()),
        Err(errno) => Err(errno.into()),
    }
}

/// Calls `poll` until it returns true, for at most `duration`. Returns whether `poll` returned true.
///
/// Busy polling avoids the latency of a wake-up from [`wait`], which takes tens of microseconds when another processor
/// causes it. `poll` should receive without checking first whether a frame waits, because the check costs as much as
/// receiving.
// The clock bounds only the loop, and no layer reads it.
#[allow(clippy::disallowed_methods)]
pub fn busy_poll<E>(duration: Duration, mut poll: impl FnMut() -> Result<bool, E>) -> Result<bool, E> {
    if duration.is_zero() {
        return Ok(false);
    }
    let begin = Instant::now();
    while begin.elapsed() < duration {
        if poll()? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the default duration of [`busy_poll`]: 50 us, or zero on a machine with one processor. On such a machine,
/// polling would delay the sender of the next frame.
pub fn default_busy_poll() -> Duration {
    let is_single = std::thread::available_parallelism().is_ok_and(|processors| processors.get() == 1);
    if is_single { Duration::ZERO } else { Duration::from_micros(50) }
}

/// Descriptor that lets another thread end a [`wait`].
#[derive(Clone, Debug)]
pub struct Stop(Arc<EventFd>);

impl Stop {
    /// Creates a descriptor that is not raised.
    pub fn new() -> io::Result<Stop> {
        let fd = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Stop(Arc::new(fd)))
    }

    /// Ends the current wait and all later waits.
    pub fn raise(&self) {
        // The only possible error is a counter at its limit: the descriptor is then readable already.
        let _ = self.0.write(1);
    }
}

impl AsFd for Stop {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests;
