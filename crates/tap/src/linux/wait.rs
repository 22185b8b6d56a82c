//! The one place where the program waits, and where it looks before it does.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;

/// What ended a wait. Neither flag set: the time was up, or a signal came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// The device has frames, or room, or is gone: receive and transmit will tell.
    pub device: bool,
    /// The stop descriptor is readable.
    pub stop: bool,
    /// One or more of the further descriptors are readable.
    pub others: bool,
}

/// The largest number of further descriptors that [`wait`] takes.
const MOST_OTHERS: usize = 6;

/// Sleeps until `device` has frames to receive (or, with `room`, takes frames again), until `stop`
/// or one of `others` is readable, or until `limit` has passed.
///
/// `others` are up to six further descriptors, such as a [`LinkMonitor`](super::LinkMonitor); more of them are
/// an error of the kind [`io::ErrorKind::InvalidInput`].
pub fn wait(
    device: BorrowedFd<'_>,
    room: bool,
    stop: BorrowedFd<'_>,
    others: &[BorrowedFd<'_>],
    limit: Option<Duration>,
) -> io::Result<Readiness> {
    let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
    let interest = if room { PollFlags::POLLIN | PollFlags::POLLOUT } else { PollFlags::POLLIN };
    // An array: a wait allocates nothing. What is past `others` is not polled.
    let mut all: [PollFd<'_>; 2 + MOST_OTHERS] = std::array::from_fn(|_| readable(stop));
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

/// Looks again and again until something is found, for as long as `span`. Returns whether something was.
///
/// To be done before [`wait`]: who sleeps is woken late, by tens of microseconds where another processor
/// wakes it. To look is to receive: to ask first whether there is something costs as much again.
// How long it has looked is its own affair; no layer is told.
#[allow(clippy::disallowed_methods)]
pub fn busy_poll<E>(span: Duration, mut found: impl FnMut() -> Result<bool, E>) -> Result<bool, E> {
    if span.is_zero() {
        return Ok(false);
    }
    let begin = Instant::now();
    while begin.elapsed() < span {
        if found()? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How long it pays to [`busy_poll`]: 50 us. Where there is one processor, whoever is to send the frames waits for it,
/// and it pays not at all.
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
