//! Waiting for descriptors, and busy polling.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;

/// A descriptor to [`wait`] for. The token identifies the descriptor in the result.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor<'a, T> {
    fd: BorrowedFd<'a>,
    interest: PollFlags,
    token: T,
}

/// Result of a [`wait`]: the tokens of the descriptors that are ready. No descriptor is ready if the time limit was
/// reached or a signal arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness<T> {
    tokens: [Option<T>; MAX_DESCRIPTORS],
}

/// Maximum number of descriptors of one [`wait`].
pub const MAX_DESCRIPTORS: usize = 40;

impl<'a, T> Descriptor<'a, T> {
    /// Waits until `fd` is readable.
    pub fn readable(fd: BorrowedFd<'a>, token: T) -> Descriptor<'a, T> {
        Descriptor { fd, interest: PollFlags::POLLIN, token }
    }

    /// Waits until `fd` is writable.
    pub fn writable(fd: BorrowedFd<'a>, token: T) -> Descriptor<'a, T> {
        Descriptor { fd, interest: PollFlags::POLLOUT, token }
    }

    /// Waits also until the descriptor is writable, if `wants_write` is true.
    #[must_use]
    pub fn or_writable(self, wants_write: bool) -> Descriptor<'a, T> {
        let interest = if wants_write { self.interest | PollFlags::POLLOUT } else { self.interest };
        Descriptor { interest, ..self }
    }

    /// Returns the descriptor with a token that `change` makes from the present token.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Descriptor<'a, U> {
        Descriptor { fd: self.fd, interest: self.interest, token: change(self.token) }
    }
}

impl<T: Copy> Readiness<T> {
    /// Iterates over the tokens of the descriptors that are ready, in the order of the descriptors.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        self.tokens.iter().copied().flatten()
    }

    /// Returns whether no descriptor is ready.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Returns whether a descriptor with this token is ready.
    pub fn contains(&self, token: T) -> bool
    where
        T: PartialEq,
    {
        self.iter().any(|ready| ready == token)
    }

    /// Returns the tokens for which `select` returns a value, as these values.
    pub fn filter_map<U>(&self, select: impl FnMut(T) -> Option<U>) -> Readiness<U> {
        let mut select = select;
        Readiness { tokens: self.tokens.map(|token| token.and_then(&mut select)) }
    }
}

impl<T> Default for Readiness<T> {
    fn default() -> Self {
        Readiness { tokens: std::array::from_fn(|_| None) }
    }
}

/// Sleeps until one of the descriptors is ready, or until `limit` has passed. A descriptor is also ready after an error
/// or a hang-up: the next read or write shows the cause.
///
/// The call allocates no memory. More than [`MAX_DESCRIPTORS`] descriptors are an error of the kind
/// [`io::ErrorKind::InvalidInput`].
pub fn wait<'a, T>(
    descriptors: impl IntoIterator<Item = Descriptor<'a, T>>,
    limit: Option<Duration>,
) -> io::Result<Readiness<T>> {
    let mut descriptors = descriptors.into_iter().peekable();
    let mut ready = Readiness::default();
    let mut count = 0;
    // A fixed array, so that a wait allocates no memory. Entries from `count` on are not polled.
    let mut all = descriptors
        .peek()
        .map(|first| [(); MAX_DESCRIPTORS].map(|()| PollFd::new(first.fd, PollFlags::empty())));
    for Descriptor { fd, interest, token } in descriptors {
        let slots = all.as_mut().and_then(|all| all.get_mut(count)).zip(ready.tokens.get_mut(count));
        let (slot, entry) = slots.ok_or(Errno::EINVAL)?;
        (*slot, *entry) = (PollFd::new(fd, interest), Some(token));
        count += 1;
    }
    let fds = all.as_mut().and_then(|all| all.get_mut(..count)).unwrap_or_default();
    match ppoll(fds, limit.map(TimeSpec::from_duration), None) {
        Ok(_) => {
            for (fd, token) in fds.iter().zip(&mut ready.tokens) {
                // POLLERR is an event too, because the kernel reports a deleted TAP with it.
                if !fd.any().unwrap_or(true) {
                    *token = None;
                }
            }
            Ok(ready)
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
