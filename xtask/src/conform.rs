//! `conform`: a running host put to the question from outside.
//!
//! The suite shares no code with the stack: it builds its frames octet by octet, sends them from a
//! packet socket, compares what comes back, and reads the host's translation table. It knows two
//! hosts: `tapstack host` on a TAP, and the kernel of Linux on a veth pair.

mod aging;
mod arp;
pub(crate) mod beside;
mod case;
mod claims;
mod clock;
mod datagrams;
mod ethernet;
mod exchange;
mod fragments;
mod frames;
mod icmp;
mod ipv4;
mod learning;
mod lines;
pub(crate) mod linux;
mod many;
mod ranges;
mod report;
mod runs;
mod session;
mod site;
mod subject;
mod tapstack;
mod tools;
mod wire;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;
use tap::linux::Namespace;

use crate::Outcome;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
It makes network namespaces, starts hosts in them, and touches nothing else.

Examples:
  cargo xtask conform                       our host, under each policy of --learn
  cargo xtask conform --kernel              the Linux kernel, held to what is known of it
  cargo xtask conform --json | jq 'select(.verdict == \"failed\")'
  cargo xtask conform --program /usr/local/bin/tapstack

Verdicts: passed, failed, skipped (with the reason), and for the kernel differs: not as expected, as
docs/conform.md says. A recorded difference that does not show has failed.

Exit codes: 0 none failed, 1 a case failed, 2 the wire or the program could not be had.")]
pub(crate) struct Arguments {
    /// Question the Linux kernel instead, at the other end of a veth pair
    #[arg(long, conflicts_with_all = ["program", "arping"])]
    kernel: bool,
    /// The program to question [default: the workspace's own, built now]
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// A further `arping` to run; may be repeated (Debian's two packages exclude each other)
    #[arg(long, value_name = "PATH")]
    arping: Vec<PathBuf>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let program = if arguments.kernel { PathBuf::new() } else { program(arguments.program.as_deref())? };
    Namespace::enter().map_err(|error| error.to_string())?;
    let report = if arguments.kernel { runs::linux()? } else { runs::tapstack(&program, &arguments.arping)? };
    print(&if arguments.json { report.json() } else { report.table() });
    Ok(report.exit_code())
}

/// The program that was named, or else the workspace's own.
fn program(named: Option<&Path>) -> Result<PathBuf, String> {
    named.map_or_else(build, existing)
}

/// The whole path of a program.
fn existing(path: &Path) -> Result<PathBuf, String> {
    path.canonicalize().map_err(|error| format!("no program {}: {error}", path.display()))
}

/// Prints a report. A reader that has seen enough of it is no failure.
pub(crate) fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Objects, one a line. Strings and numbers are always JSON.
pub(crate) fn json_lines(objects: impl IntoIterator<Item = impl Serialize>) -> String {
    objects.into_iter().map(|object| serde_json::to_string(&object).unwrap_or_default() + "\n").collect()
}

/// Builds the workspace's own binary, and tells where it lies.
pub(crate) fn build() -> Result<PathBuf, String> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "cli"])
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !status.success() {
        return Err("`cargo build --package cli` failed".to_owned());
    }
    // This binary lies beside the one just built.
    let program = std::env::current_exe().map_err(|error| format!("cannot find myself: {error}"))?;
    Ok(program.with_file_name("tapstack"))
}

#[cfg(test)]
mod tests;
