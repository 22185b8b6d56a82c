//! A command inside the namespace, beside the kernel and our host.

use std::ffi::OsString;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, ExitStatus};

use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use super::Wire;
use crate::capture::arguments::CaptureArguments;
use crate::color::Paint;
use crate::failure::Failure;
use crate::output::standard_error;
use crate::report::{Level, Report};
use crate::signals::Signals;

/// Runs the command with our host on the wire, and exits as it does. Standard output and SIGINT are
/// the command's.
pub(super) fn run(
    wire: Wire,
    (program, words): (&OsString, &[OsString]),
    verbose: bool,
    capture: &CaptureArguments,
) -> Result<ExitCode, Failure> {
    let level = if verbose { Level::Frames } else { Level::Quiet };
    let report = Report::new(standard_error()?, level, false).painted(Paint::errors());
    let mut server = wire.serve(report, capture)?;
    let signals = Signals::take_over(&[Signal::SIGCHLD, Signal::SIGINT, Signal::SIGTERM])?;
    // A command inherits which signals are blocked. This program, run under another name, unblocks
    // them and then becomes the command: no signal is lost on the way, and none ends the lab alone.
    let mut child = Command::new("/proc/self/exe").arg0(GO_BETWEEN).arg(program).args(words).spawn()?;
    let mut on_the_wire = true;
    while child.try_wait()?.is_none() {
        if on_the_wire {
            let stepped = server.step(&signals, None);
            server.tell();
            if let Err(error) = stepped {
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

/// The name under which this program becomes the command.
pub(crate) const GO_BETWEEN: &str = "tapstack-lab-command";

/// Becomes the command that the arguments name, with no signal blocked.
pub(crate) fn become_command(mut words: impl Iterator<Item = OsString>) -> Failure {
    let Some(program) = words.next() else {
        return Failure::new("no command is named");
    };
    match SigSet::empty().thread_set_mask() {
        Ok(()) => {
            let error = Command::new(&program).args(words).exec();
            Failure::new(format!("cannot run {}: {error}", program.display()))
        }
        Err(errno) => errno.into(),
    }
}

/// The command's own exit code, or 128 and the number of the signal that ended it.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}
