//! The program under test. An unprivileged user can run the program even without access to its directory.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// The program, opened while this process still has access to its directory.
static PROGRAM: OnceLock<File> = OnceLock::new();

/// Another program: the binary `tapstack`, for a program under test that runs it, or a second program under test.
static OTHER: OnceLock<File> = OnceLock::new();

/// Opens the program. Call this function first in `main`.
pub fn open(path: impl AsRef<Path>) -> std::io::Result<()> {
    let file = File::open(path)?;
    PROGRAM.get_or_init(|| file);
    Ok(())
}

/// Opens the program, and the binary `tapstack` in the same directory. Call this function first in `main`.
pub fn open_with_tapstack(path: impl AsRef<Path>) -> std::io::Result<()> {
    let tapstack = path.as_ref().with_file_name("tapstack");
    open_other(&tapstack).map_err(|error| {
        let path = tapstack.display();
        std::io::Error::other(format!("{path}: {error} (run `cargo build --workspace` first)"))
    })?;
    open(path)
}

/// Opens a second program under test.
pub fn open_other(path: impl AsRef<Path>) -> std::io::Result<()> {
    let file = File::open(path)?;
    OTHER.get_or_init(|| file);
    Ok(())
}

/// Returns a path of the binary `tapstack` that child processes can execute as any user.
pub fn tapstack() -> String {
    let fd = OTHER.get().map_or(-1, AsRawFd::as_raw_fd);
    format!("/proc/{}/fd/{fd}", std::process::id())
}

/// Returns a command that runs the program with these arguments.
pub fn command(arguments: &[&str]) -> Command {
    command_of(&PROGRAM, arguments)
}

/// Returns a command that runs the second program under test with these arguments.
pub fn other_command(arguments: &[&str]) -> Command {
    command_of(&OTHER, arguments)
}

fn command_of(program: &OnceLock<File>, arguments: &[&str]) -> Command {
    let fd = program.get().map_or(-1, AsRawFd::as_raw_fd);
    let mut command = Command::new(format!("/proc/self/fd/{fd}"));
    // `RUST_BACKTRACE` is for the test, not for the program.
    command.args(arguments).stdin(Stdio::null()).env_remove("RUST_BACKTRACE");
    command
}

/// Runs the program and waits for its end.
pub fn run(arguments: &[&str]) -> std::io::Result<Output> {
    command(arguments).output()
}

/// Returns the exit code, the standard output and the standard error of a finished program.
pub fn exit_and_text(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}
