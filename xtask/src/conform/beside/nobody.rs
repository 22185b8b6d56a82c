//! A program run by nobody: in a user namespace of its own, where it is the user "nobody" and has no
//! privilege over the wire.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

/// The command under which this program turns into the other one.
pub(crate) const COMMAND: &str = "beside-nobody";

/// The exit code if it could not: no tool's own.
pub(super) const REFUSED: u8 = 125;

/// The user and the group "nobody".
const NOBODY: u32 = 65_534;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    program: PathBuf,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// `program`, to be run by nobody.
pub(super) fn command(program: &Path) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg(COMMAND).arg(program);
    command
}

/// Turns into the program; returns only if it cannot.
pub(crate) fn turn_into(arguments: &Arguments) -> ExitCode {
    let Err(sentence) = replace(arguments);
    eprintln!("xtask: {sentence}");
    ExitCode::from(REFUSED)
}

fn replace(Arguments { program, words }: &Arguments) -> Result<std::convert::Infallible, String> {
    // Whoever it is may not be allowed to go there afterwards.
    let file = File::open(program).map_err(|error| format!("cannot open {}: {error}", program.display()))?;
    let (uid, gid) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER).map_err(|error| format!("no user namespace: {error}"))?;
    let write = |name: &str, text: String| {
        fs::write(format!("/proc/self/{name}"), text)
            .map_err(|error| format!("cannot become nobody: {error}"))
    };
    write("uid_map", format!("{NOBODY} {uid} 1"))?;
    write("setgroups", "deny".to_owned())?;
    write("gid_map", format!("{NOBODY} {gid} 1"))?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let error = Command::new(path).arg0(program).args(words).exec();
    Err(format!("cannot run {}: {error}", program.display()))
}
