//! A command inside the namespace of the lab.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;
use runtime::Clock;

use super::{HOST, KERNEL, LabNetwork};
use crate::advice::explain;
use crate::color::Styler;
use crate::failure::Failure;
use crate::output::standard_error;
use crate::recorder::CaptureArguments;
use crate::report::{HostReport, Verbosity};
use crate::signals::{Signals, TERMINATION_SIGNALS};

/// Runs the command while the host serves, and returns its exit code. Standard output and SIGINT are left to
/// the command.
pub(super) fn run(
    network: LabNetwork,
    (program, words): (&OsString, &[OsString]),
    verbose: bool,
    capture: &CaptureArguments,
) -> Result<ExitCode, Failure> {
    let level = if verbose { Verbosity::Frames } else { Verbosity::Quiet };
    let clock = Clock::start();
    let report = HostReport::new(standard_error()?, level, false, clock).with_styler(Styler::stderr());
    let mut server = network.serve(report, capture, clock)?.with_control();
    let signals = Signals::take_over(&[&[Signal::SIGCHLD], &TERMINATION_SIGNALS[..]].concat())?;
    if let Err(errno) = mount_sys()
        && verbose
    {
        Failure::new(format!("cannot mount /sys for the namespace: {}", errno.desc())).print();
    }
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        let (kernel, host) = (KERNEL.addr(), HOST.addr());
        // A failed write of the banner is harmless.
        let _ = writeln!(
            io::stderr(),
            "in the lab, tap0 connects the kernel at {kernel} and the emulated host at {host}"
        );
    }
    // A child process inherits blocked signals. This program, started under another name, unblocks them and then
    // executes the command. No signal is lost meanwhile, and no signal ends only the lab.
    let mut child = Command::new("/proc/self/exe").arg0(COMMAND_LAUNCHER).arg(program).args(words).spawn()?;
    let mut is_serving = true;
    while child.try_wait()?.is_none() {
        if is_serving {
            let stepped = server.step(&signals, None);
            server.print_events();
            if let Err(error) = stepped {
                // The command may continue without the host, for example after `ip link delete tap0`. The exit code is that of the command.
                Failure::from(error).print();
                is_serving = false;
            }
        } else {
            signals.wait()?;
        }
        while let Some(signal) = signals.next()? {
            if matches!(signal, Signal::SIGTERM | Signal::SIGHUP) {
                // The terminal sends SIGINT to the command too. A command of another user cannot be signaled; the lab
                // waits for its end.
                let _ = kill(Pid::from_raw(i32::try_from(child.id())?), signal);
            }
        }
    }
    Ok(exit_code(child.wait()?))
}

/// Mounts /sys for this network namespace, in a new mount namespace, as `ip netns exec` does.
fn mount_sys() -> nix::Result<()> {
    let none: Option<&str> = None;
    unshare(CloneFlags::CLONE_NEWNS)?;
    // Mounts inside do not propagate outside.
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SLAVE, none)?;
    mount(Some("lab"), "/sys", Some("sysfs"), MsFlags::empty(), none)
}

/// The name under which this program executes the command.
pub(crate) const COMMAND_LAUNCHER: &str = "tapstack-lab-command";

/// Executes this command with no signal blocked.
pub(crate) fn exec_command(mut words: impl Iterator<Item = OsString>) -> Failure {
    let Some(program) = words.next() else {
        return Failure::new("missing command");
    };
    match SigSet::empty().thread_set_mask() {
        Ok(()) => {
            let error = Command::new(&program).args(words).exec();
            // The exit codes of shells. An unreadable directory in PATH gives the same error for a command that does not
            // exist.
            let (why, exit_code) = if exists(&program) {
                (error.to_string(), 126)
            } else {
                ("command not found".to_owned(), 127)
            };
            Failure::with_code(format!("cannot run {}: {why}", program.display()), exit_code)
        }
        Err(errno) => Failure::new(explain(&errno).context("cannot unblock signals")),
    }
}

/// Whether a command of this name exists, in PATH or as a path.
fn exists(program: &OsStr) -> bool {
    if program.is_empty() {
        return false;
    }
    if Path::new(program).components().count() > 1 {
        return Path::new(program).exists();
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).exists())
}

/// Returns the exit code of the command, or 128 plus the number of the signal that ended it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let exit_code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(exit_code.and_then(|exit_code| u8::try_from(exit_code).ok()).unwrap_or(u8::MAX))
}
