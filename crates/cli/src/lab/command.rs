//! A command inside the namespace, beside the kernel and our host.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use super::{HOST, KERNEL, LabNetwork};
use crate::capture::arguments::CaptureArguments;
use crate::color::Paint;
use crate::failure::Failure;
use crate::output::standard_error;
use crate::report::{Level, Report};
use crate::signals::{Signals, TERMINATION_SIGNALS};

/// Runs the command with our host on the wire, and exits as it does. Standard output and SIGINT are
/// the command's.
pub(super) fn run(
    network: LabNetwork,
    (program, words): (&OsString, &[OsString]),
    verbose: bool,
    capture: &CaptureArguments,
) -> Result<ExitCode, Failure> {
    let level = if verbose { Level::Frames } else { Level::Quiet };
    let report = Report::new(standard_error()?, level, false).painted(Paint::errors());
    let mut server = network.serve(report, capture)?;
    let signals = Signals::take_over(&[&[Signal::SIGCHLD], &TERMINATION_SIGNALS[..]].concat())?;
    if let Err(errno) = mount_sys()
        && verbose
    {
        Failure::new(format!("/sys still shows the interfaces outside: {}", errno.desc())).print();
    }
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        let (kernel, host) = (KERNEL.addr(), HOST.addr());
        // A banner that cannot be written is missed by no one.
        let _ = writeln!(
            io::stderr(),
            "inside the lab: the kernel is {kernel} on tap0, the host there is {host}"
        );
    }
    // A command inherits which signals are blocked. This program, run under another name, unblocks
    // them and then becomes the command: no signal is lost on the way, and none ends the lab alone.
    let mut child = Command::new("/proc/self/exe").arg0(COMMAND_LAUNCHER).arg(program).args(words).spawn()?;
    let mut is_serving = true;
    while child.try_wait()?.is_none() {
        if is_serving {
            let stepped = server.step(&signals, None);
            server.print_events();
            if let Err(error) = stepped {
                // The command may go on without us, as after `ip link delete tap0`; its code counts.
                Failure::from(error).print();
                is_serving = false;
            }
        } else {
            signals.wait()?;
        }
        while let Some(signal) = signals.next()? {
            if matches!(signal, Signal::SIGTERM | Signal::SIGHUP) {
                // SIGINT from the keyboard has reached the command by itself. One that has become
                // another user's cannot be told; it is waited for.
                let _ = kill(Pid::from_raw(i32::try_from(child.id())?), signal);
            }
        }
    }
    Ok(exit_code(child.wait()?))
}

/// Has /sys show the interfaces of this network namespace, in a mount namespace of its own, as `ip netns exec` does.
fn mount_sys() -> nix::Result<()> {
    let none: Option<&str> = None;
    unshare(CloneFlags::CLONE_NEWNS)?;
    // What is mounted inside stays inside.
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SLAVE, none)?;
    mount(Some("lab"), "/sys", Some("sysfs"), MsFlags::empty(), none)
}

/// The name under which this program becomes the command.
pub(crate) const COMMAND_LAUNCHER: &str = "tapstack-lab-command";

/// Becomes the command that the arguments name, with no signal blocked.
pub(crate) fn exec_command(mut words: impl Iterator<Item = OsString>) -> Failure {
    let Some(program) = words.next() else {
        return Failure::new("no command is named");
    };
    match SigSet::empty().thread_set_mask() {
        Ok(()) => {
            let error = Command::new(&program).args(words).exec();
            // As the shells have it. A folder of PATH that may not be read refuses a command that is nowhere, too.
            let (why, exit_code) =
                if exists(&program) { (error.to_string(), 126) } else { ("no such command".to_owned(), 127) };
            Failure::with_code(format!("cannot run {}: {why}", program.display()), exit_code)
        }
        Err(errno) => errno.into(),
    }
}

/// Whether there is a file of this name, where a command is looked for.
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

/// The command's own exit code, or 128 and the number of the signal that ended it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let exit_code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(exit_code.and_then(|exit_code| u8::try_from(exit_code).ok()).unwrap_or(u8::MAX))
}
