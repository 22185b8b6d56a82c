//! A command inside the namespace, beside the kernel and our host.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Wire;
use crate::failure::Failure;
use crate::output::standard_error;
use crate::report::{Level, Report};
use crate::signals::Signals;

/// Runs the command with our host on the wire, and exits as it does. Standard output and SIGINT are
/// the command's.
pub(super) fn run(
    wire: Wire,
    program: &OsString,
    words: &[OsString],
    verbose: bool,
) -> Result<ExitCode, Failure> {
    let level = if verbose { Level::Frames } else { Level::Quiet };
    let mut server = wire.serve(Report::new(standard_error()?, level, false))?;
    // Before the signals are taken over: a command inherits which ones are blocked.
    let mut child = Command::new(program)
        .args(words)
        .spawn()
        .map_err(|error| Failure::new(format!("cannot run {}: {error}", program.display())))?;
    let signals = Signals::take_over(&[Signal::SIGCHLD, Signal::SIGINT, Signal::SIGTERM])?;
    let mut on_the_wire = true;
    // It may have ended before anybody listened for that.
    while child.try_wait()?.is_none() {
        if on_the_wire {
            if let Err(error) = server.step(&signals, None) {
                // The command may go on without us, as after `ip link delete tap0`; its code counts.
                Failure::from(error).tell();
                on_the_wire = false;
            }
        } else {
            signals.wait()?;
        }
        while let Some(signal) = signals.next()? {
            if signal == Signal::SIGTERM {
                // SIGINT from the keyboard has reached the command by itself. One that has become
                // another user's cannot be told; it is waited for.
                let _ = kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGTERM);
            }
        }
    }
    Ok(code(child.wait()?))
}

/// The command's own exit code, or 128 and the number of the signal that ended it.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}
