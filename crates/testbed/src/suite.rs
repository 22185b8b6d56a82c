//! Shared code of the test suites: the program under test, output, exit codes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde::Serialize;

/// Result of a suite: its exit code, or the reason why the suite cannot run.
pub type SuiteResult = Result<ExitCode, String>;

/// Returns the exit code of a suite. If the suite cannot run, prints the reason and returns 2.
pub fn exit_code(suite: &str, result: SuiteResult) -> ExitCode {
    result.unwrap_or_else(|message| {
        eprintln!("{suite}: {message}");
        ExitCode::from(2)
    })
}

/// Returns the absolute path of the program under test. Without a path, builds `tapstack` of this workspace.
pub fn program(path: Option<&Path>) -> Result<PathBuf, String> {
    path.map_or_else(build, existing)
}

/// Returns the absolute path of a program.
pub fn existing(path: &Path) -> Result<PathBuf, String> {
    path.canonicalize().map_err(|error| format!("cannot find {}: {error}", path.display()))
}

/// Builds the binary `tapstack` and returns its path.
pub fn build() -> Result<PathBuf, String> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "cli"])
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !status.success() {
        return Err("`cargo build --package cli` failed".to_owned());
    }
    // Cargo puts both binaries into the same directory.
    let program =
        std::env::current_exe().map_err(|error| format!("cannot find the running program: {error}"))?;
    Ok(program.with_file_name("tapstack"))
}

/// Prints a report. Ignores errors, such as a closed pipe.
pub fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Serializes objects as JSON Lines.
pub fn json_lines(objects: impl IntoIterator<Item = impl Serialize>) -> String {
    objects.into_iter().map(|object| serde_json::to_string(&object).unwrap_or_default() + "\n").collect()
}
