//! Waiting for descriptors, and busy polling before it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;

/// What ended a wait. No flag is set if the time limit was reached or a signal arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// The device is readable or writable, or is gone: receive and transmit return which.
    pub device: bool,
    /// The stop descriptor is readable.
    pub stop: bool,
    /// One or more of the further descriptors are readable.
    pub others: bool,
}

/// The largest number of further descriptors that [`wait`] takes.
const MAX_OTHERS: usize = 6;

/// Sleeps until `device` has frames to receive (or, with `room`, takes frames again), until `stop`
/// or one of `others` is readable, or until `limit` has passed.
///
/// `others` are up to six further descriptors, such as a [`LinkMonitor`](super::LinkMonitor); more of them are
/// an error of the kind [`io::ErrorKind::InvalidInput`].
pub fn wait(
    device: BorrowedFd<'_>,
    wants_write: bool,
    stop: BorrowedFd<'_>,
    others: &[BorrowedFd<'_>],
    limit: Option<Duration>,
) -> io::Result<Readiness> {
    let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
    let interest = if wants_write { PollFlags::POLLIN | PollFlags::POLLOUT } else { PollFlags::POLLIN };
    // An array: a wait allocates nothing. What is past `others` is not polled.
    let mut all: [PollFd<'_>; 2 + MAX_OTHERS] = std::array::from_fn(|_| readable(stop));
    let [on_device, _, rest @ ..] = &mut all;
    *on_device = PollFd::new(device, interest);
    for (slot, other) in rest.iter_mut().zip(others) {
        *slot = readable(*other);
    }
    let fds = all.get_mut(..2 + others.len()).ok_or(Errno::EINVAL)?;
    match ppoll(fds, limit.map(TimeSpec::from_duration), None) {
        // POLLERR counts: that is how a deleted TAP wakes its reader.
        Ok(_) => {
            let mut woken = fds.iter().map(|fd| fd.any().unwrap_or(true));
            let (device, stop) = (woken.next().unwrap_or(false), woken.next().unwrap_or(false));
            Ok(Readiness { device, stop, others: woken.any(|other| other) })
        }
        Err(Errno::EINTR) => Ok(Readiness::default()),
        Err(errno) => Err(errno.into()),
    }
}

/// Calls `poll` until it returns true, for at most `duration`. Returns whether it did.
///
/// It saves the latency of a wake-up from [`wait`], tens of microseconds where another processor causes it. `poll` is to
/// receive: asking the kernel first whether a frame is there would cost as much again.
// The clock bounds the loop, and no layer sees it.
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

/// Returns how long to [`busy_poll`] by default: 50 us, and zero on a machine with one processor, where the sender of the
/// next frame would wait for it.
pub fn default_busy_poll() -> Duration {
    let alone = std::thread::available_parallelism().is_ok_and(|processors| processors.get() == 1);
    if alone { Duration::ZERO } else { Duration::from_micros(50) }
}

/// A descriptor to wait on beside a device, so that another thread can end the wait.
#[derive(Clone, Debug)]
pub struct Stop(Arc<EventFd>);

impl Stop {
    /// A new one, not raised.
    pub fn new() -> io::Result<Stop> {
        let fd = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Stop(Arc::new(fd)))
    }

    /// Ends the wait, now and from now on.
    pub fn raise(&self) {
        // The only error is a counter at its limit, and then the descriptor is readable already.
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
