//! Signals that a command reads from a file descriptor.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use tap::linux::{Descriptor, wait};

/// Blocked signals that are read from a descriptor.
pub(crate) struct Signals(SignalFd);

/// The signals that end a command: Ctrl-C, `kill`, and hang-up of the terminal.
pub(crate) const TERMINATION_SIGNALS: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

impl Signals {
    /// Blocks these signals and returns their descriptor. Call this function before any thread exists, and after all operations that
    /// may block without checking the descriptor, such as opening a FIFO.
    ///
    /// SIGHUP stays ignored if it was ignored at the start, for example by `nohup`. SIGXFSZ is blocked too: a write beyond
    /// the file size limit fails and does not end the program.
    pub(crate) fn take_over(signals: &[Signal]) -> io::Result<Signals> {
        let is_kept = |signal: &Signal| *signal == Signal::SIGHUP && ignores_hangup();
        let mask: SigSet = signals.iter().copied().filter(|signal| !is_kept(signal)).collect();
        mask.thread_block()?;
        SigSet::from(Signal::SIGXFSZ).thread_block()?;
        Ok(Signals(SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?))
    }

    /// Sleeps until a signal arrives.
    pub(crate) fn wait(&self) -> io::Result<()> {
        wait([Descriptor::readable(self.0.as_fd(), ())], None).map(drop)
    }

    /// Whether a signal has arrived and was not read.
    pub(crate) fn is_pending(&self) -> io::Result<bool> {
        Ok(!wait([Descriptor::readable(self.0.as_fd(), ())], Some(Duration::ZERO))?.is_empty())
    }

    /// Reads the next signal, or returns `None` if no signal has arrived.
    pub(crate) fn next(&self) -> io::Result<Option<Signal>> {
        let Some(signal) = self.0.read_signal()? else {
            return Ok(None);
        };
        let number = i32::try_from(signal.ssi_signo).map_err(io::Error::other)?;
        Ok(Some(Signal::try_from(number)?))
    }
}

/// Whether the program was started with SIGHUP ignored.
fn ignores_hangup() -> bool {
    // The lowest bit is signal 1.
    const HANGUP: u64 = 1;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let digits = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default();
    u64::from_str_radix(digits.trim(), 16).is_ok_and(|mask| mask & HANGUP != 0)
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
