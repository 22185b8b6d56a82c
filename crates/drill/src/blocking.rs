//! Calls of two threads: the thread of the script, and the thread of calls that the script expects to block.
//!
//! packetdrill runs a call with a time range in a second thread, while its first thread continues with the next line of
//! the script. Only the first thread advances the time. After each step, the first thread waits until the call of the
//! second thread has either returned or found that it still blocks. So a call returns at the time at which its
//! condition became true.

use std::ffi::c_int;
use std::os::fd::RawFd;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tap::Instant;

use crate::errno::{CallResult, Errno};
use crate::network::SentPacket;
use crate::sockets::Sockets;

/// The sockets of the script, shared by the threads of packetdrill.
pub(crate) struct Calls {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    sockets: Option<Sockets>,
    /// The thread that advances the time.
    first_thread: Option<ThreadId>,
    second: SecondThread,
    /// Number of steps of the time.
    steps: u64,
}

/// The thread of blocking calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SecondThread {
    /// No call runs.
    Idle,
    /// A call has found after this step that it still blocks.
    Blocked { step: u64 },
    /// A call returns, and packetdrill has not read the clock since.
    Returning,
}

/// Longest real time that the first thread waits for the second thread.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longest virtual time that a call of the first thread blocks.
const LONGEST_CALL: Duration = Duration::from_mins(10);
/// Longest virtual time that packetdrill waits for a packet.
const LONGEST_WAIT: Duration = Duration::from_mins(10);
/// Time by which packetdrill shortens a wait, to read the clock until the expected time.
const EARLY: Duration = Duration::from_micros(20);

impl Calls {
    pub(crate) const fn new() -> Calls {
        let state = State { sockets: None, first_thread: None, second: SecondThread::Idle, steps: 0 };
        Calls { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Starts with a new host. This thread advances the time.
    pub(crate) fn start(&self, sockets: Sockets) {
        let mut state = self.lock();
        *state = State {
            sockets: Some(sockets),
            first_thread: Some(thread::current().id()),
            second: SecondThread::Idle,
            steps: 0,
        };
    }

    /// Ends the host.
    pub(crate) fn end(&self) {
        self.lock().sockets = None;
    }

    /// Makes a call. While the call fails with [`Errno::WOULD_BLOCK`] and `may_block` returns true, the call is repeated
    /// after each step of the time.
    pub(crate) fn call<T>(
        &self,
        may_block: impl Fn(&Sockets) -> bool,
        mut attempt: impl FnMut(&mut Sockets) -> CallResult<T>,
    ) -> CallResult<T> {
        let mut state = self.lock();
        let mut end = None;
        loop {
            let sockets = state.sockets.as_mut().ok_or(Errno::BAD_DESCRIPTOR)?;
            // As in an event loop, a turn precedes the calls, so the host has the current time.
            sockets.network.settle();
            let result = attempt(sockets);
            sockets.network.settle();
            let is_blocked = matches!(result, Err(Errno::WOULD_BLOCK)) && may_block(sockets);
            let now = sockets.network.now();
            match (is_blocked, state.is_first_thread()) {
                (false, true) => return result,
                (false, false) => {
                    state.second = SecondThread::Returning;
                    self.changed.notify_all();
                    return result;
                }
                (true, true) => {
                    let end = *end.get_or_insert(now + LONGEST_CALL);
                    if !state.step(end) {
                        return result;
                    }
                }
                (true, false) => {
                    let step = state.steps;
                    state.second = SecondThread::Blocked { step };
                    self.changed.notify_all();
                    let next = self.changed.wait_while(state, |state| state.steps == step);
                    state = next.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// Makes a call that does not block.
    pub(crate) fn call_once<T>(&self, attempt: impl FnMut(&mut Sockets) -> CallResult<T>) -> CallResult<T> {
        self.call(|_| false, attempt)
    }

    /// Reads received data. Returns 0 at the end of the data.
    pub(crate) fn read(&self, descriptor: RawFd, buffer: &mut [u8], flags: c_int) -> CallResult<usize> {
        if flags & !libc::MSG_DONTWAIT != 0 {
            return Err(Errno::NOT_SUPPORTED);
        }
        let may_block =
            |sockets: &Sockets| flags & libc::MSG_DONTWAIT == 0 && sockets.is_blocking(descriptor);
        self.call(may_block, |sockets| sockets.read(descriptor, buffer))
    }

    /// Writes data. A call that may block returns after all data is in the send buffer.
    pub(crate) fn write(&self, descriptor: RawFd, data: &[u8], flags: c_int) -> CallResult<usize> {
        // The data of MSG_ZEROCOPY is copied, as Linux also may do.
        const SUPPORTED: c_int =
            libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL | libc::MSG_MORE | libc::MSG_EOR | libc::MSG_ZEROCOPY;
        if flags & !SUPPORTED != 0 {
            return Err(Errno::NOT_SUPPORTED);
        }
        let may_block =
            |sockets: &Sockets| flags & libc::MSG_DONTWAIT == 0 && sockets.is_blocking(descriptor);
        let mut written = 0;
        self.call(may_block, |sockets| {
            sockets.expect_more(descriptor, flags & libc::MSG_MORE != 0)?;
            match sockets.write(descriptor, data.get(written..).unwrap_or_default()) {
                Ok(length) => written += length,
                Err(Errno::WOULD_BLOCK) if written > 0 => {}
                Err(_) if written > 0 => return Ok(written),
                Err(errno) => return Err(errno),
            }
            if written < data.len() && may_block(sockets) {
                return Err(Errno::WOULD_BLOCK);
            }
            if flags & libc::MSG_EOR != 0 && written == data.len() {
                sockets.end_record(descriptor)?;
            }
            Ok(written)
        })
    }

    /// Passes an IP packet to the host.
    pub(crate) fn inject(&self, packet: &[u8]) -> CallResult<()> {
        let mut state = self.lock();
        let sockets = state.sockets.as_mut().ok_or(Errno::BAD_DESCRIPTOR)?;
        sockets.network.inject(packet)?;
        sockets.stop_expecting_more()?;
        drop(self.wake_second_thread(state));
        Ok(())
    }

    /// Returns the next packet that the host sends, or `None` if the host will send none. Advances the time to the packet.
    pub(crate) fn next_packet(&self) -> Option<SentPacket> {
        let mut state = self.lock();
        let limit = state.sockets.as_ref()?.network.now() + LONGEST_WAIT;
        loop {
            let sockets = state.sockets.as_mut()?;
            if let Some(packet) = sockets.network.take_sent() {
                return Some(packet);
            }
            if !sockets.network.has_deadline() || !state.step(limit) {
                return None;
            }
            state = self.wake_second_thread(state);
        }
    }

    /// Advances the time, and returns after the time for which packetdrill waits.
    pub(crate) fn sleep(&self, time: Duration) {
        let mut state = self.lock();
        let Some(sockets) = &state.sockets else { return };
        let limit = sockets.network.now() + time + EARLY;
        while state.step(limit) {
            state = self.wake_second_thread(state);
        }
        drop(self.wake_second_thread(state));
    }

    /// Reads the clock.
    pub(crate) fn time(&self) -> Instant {
        let mut state = self.lock();
        if !state.is_first_thread() && state.second == SecondThread::Returning {
            state.second = SecondThread::Idle;
            self.changed.notify_all();
        }
        state.sockets.as_mut().map_or(Instant::ORIGIN, |sockets| sockets.network.read_clock())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the call of the second thread has returned, or has found that it still blocks.
    fn wake_second_thread<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if state.second == SecondThread::Idle {
            return state;
        }
        state.steps += 1;
        self.changed.notify_all();
        let is_behind = |state: &mut State| match state.second {
            SecondThread::Idle => false,
            SecondThread::Blocked { step } => step < state.steps,
            SecondThread::Returning => true,
        };
        let woken = self.changed.wait_timeout_while(state, PATIENCE, is_behind);
        woken.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl State {
    fn is_first_thread(&self) -> bool {
        self.first_thread == Some(thread::current().id())
    }

    /// Advances the time to the next deadline of the host, up to `limit`. Returns false at `limit`.
    fn step(&mut self, limit: Instant) -> bool {
        self.sockets.as_mut().is_some_and(|sockets| sockets.network.step(limit))
    }
}

#[cfg(test)]
mod tests;
