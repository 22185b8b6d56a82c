//! Runs a tool without privileges: as an unprivileged user in a new user namespace, without capabilities in the network
//! namespace.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

/// The first argument of the child, before the tool and its arguments.
const CHILD: &str = "unprivileged-child";

/// The exit code of a child that cannot run its tool. The tools do not use this code.
pub(crate) const REFUSED: u8 = 125;

/// ID of the unprivileged user and group: the overflow ID of Linux.
const UNPRIVILEGED_ID: u32 = 65_534;

/// Returns a command that runs a program without privileges.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg(CHILD).arg(program);
    command
}

/// Runs the tool if this process is the child of [`command`]. Returns `None` if this process is not the child, and the
/// exit code if the tool cannot run.
pub(crate) fn child() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != CHILD {
        return None;
    }
    let Err(message) = replace(Path::new(&arguments.next()?), arguments.collect());
    eprintln!("compare: {message}");
    Some(ExitCode::from(REFUSED))
}

/// Replaces this process by the tool.
fn replace(program: &Path, arguments: Vec<OsString>) -> Result<Infallible, String> {
    // The program is opened first, because the unprivileged user may not have access to its directory.
    let file = File::open(program).map_err(|error| format!("cannot open {}: {error}", program.display()))?;
    let (uid, gid) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER).map_err(|error| format!("no user namespace: {error}"))?;
    let write = |name: &str, text: String| {
        fs::write(format!("/proc/self/{name}"), text)
            .map_err(|error| format!("cannot write the ID maps: {error}"))
    };
    write("uid_map", format!("{UNPRIVILEGED_ID} {uid} 1"))?;
    write("setgroups", "deny".to_owned())?;
    write("gid_map", format!("{UNPRIVILEGED_ID} {gid} 1"))?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let error = Command::new(path).arg0(program).args(arguments).exec();
    Err(format!("cannot run {}: {error}", program.display()))
}
