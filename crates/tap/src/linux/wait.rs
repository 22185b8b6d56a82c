//! The one place where the program waits.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;

/// What ended a wait. Neither flag set: the time was up, or a signal came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Woken {
    /// The device has frames, or room, or is gone: receive and transmit will tell.
    pub device: bool,
    /// The stop descriptor is readable.
    pub stop: bool,
}

/// Waits until `device` has frames to receive (or, with `room`, takes frames again), until `stop`
/// is readable, or until `limit` has passed.
///
/// It looks again and again for as long as `spin`, and sleeps only then: who sleeps is woken late, by tens of
/// microseconds where the waking processor is another one's.
pub fn wait(
    device: BorrowedFd<'_>,
    room: bool,
    stop: BorrowedFd<'_>,
    limit: Option<Duration>,
    spin: Duration,
) -> io::Result<Woken> {
    let interest = if room { PollFlags::POLLIN | PollFlags::POLLOUT } else { PollFlags::POLLIN };
    let mut fds = [PollFd::new(device, interest), PollFd::new(stop, PollFlags::POLLIN)];
    let spin = limit.map_or(spin, |limit| limit.min(spin));
    let mut passed = Duration::ZERO;
    if !spin.is_zero() {
        let start = now();
        while passed < spin {
            if let Some(woken) = poll(&mut fds, Some(Duration::ZERO))? {
                return Ok(woken);
            }
            passed = start.elapsed();
        }
    }
    let limit = limit.map(|limit| limit.saturating_sub(passed));
    poll(&mut fds, limit).map(Option::unwrap_or_default)
}

/// What is ready within `limit`, if anything is.
fn poll(fds: &mut [PollFd<'_>; 2], limit: Option<Duration>) -> io::Result<Option<Woken>> {
    match ppoll(fds, limit.map(TimeSpec::from_duration), None) {
        Ok(0) => Ok(None),
        // POLLERR counts: that is how a deleted TAP wakes its reader.
        Ok(_) => {
            let [device, stop] = fds.each_ref().map(|fd| fd.any().unwrap_or(true));
            Ok(Some(Woken { device, stop }))
        }
        Err(Errno::EINTR) => Ok(Some(Woken::default())),
        Err(errno) => Err(errno.into()),
    }
}

/// How long a wait has spun is its own affair; no layer is told.
#[allow(clippy::disallowed_methods)]
fn now() -> std::time::Instant {
    std::time::Instant::now()
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
