//! The program under test, which an ordinary user may run wherever it lies.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// The program, opened while this process may still read where it lies.
static PROGRAM: OnceLock<File> = OnceLock::new();

/// Opens the program; to be called first in `main`.
pub(crate) fn open(path: impl AsRef<Path>) -> std::io::Result<()> {
    let file = File::open(path)?;
    PROGRAM.get_or_init(|| file);
    Ok(())
}

/// The program with these arguments.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let fd = PROGRAM.get().map_or(-1, AsRawFd::as_raw_fd);
    let mut command = Command::new(format!("/proc/self/fd/{fd}"));
    // A backtrace is a trial's, not the program's.
    command.args(arguments).stdin(Stdio::null()).env_remove("RUST_BACKTRACE");
    command
}

/// Runs it to its end.
pub(crate) fn run(arguments: &[&str]) -> std::io::Result<Output> {
    command(arguments).output()
}

/// What a finished program printed, and its exit code.
pub(crate) fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}
