//! `bench`: benchmarks of tapstack, other stacks and lower bounds.

mod parse;
mod table;
mod wire;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Subcommand;

use crate::ChoreResult;

#[derive(Debug, clap::Args)]
pub(crate) struct BenchArguments {
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Compare reading, building and rewriting of ARP frames with an unsafe cast, smoltcp, etherparse and pnet
    Parse(parse::ParseArguments),
    /// Compare ARP, ping and UDP echo replies and TCP on TAPs and veth pairs with a byte swap, smoltcp and the Linux kernel
    Wire(crate::ForwardedArguments),
    /// Measure lookups and insertions in neighbor tables of 16 to 1,000,000 entries
    Table,
}

pub(crate) fn run(arguments: &BenchArguments) -> ChoreResult {
    match &arguments.command {
        BenchCommand::Parse(arguments) => parse::run(arguments),
        BenchCommand::Wire(arguments) => wire::run(arguments),
        BenchCommand::Table => table::run(),
    }
}

/// Runs `bench parse --gate`.
pub(crate) fn gate_parse() -> ChoreResult {
    parse::run(&parse::ParseArguments { gate: true })
}

/// Checks crates/bench: format, lints, unit tests, and a short run of `bench wire`.
pub(crate) fn check() -> Result<(), String> {
    const STEPS: [&[&str]; 3] = [
        &["fmt", "--check"],
        &["clippy", "--release", "--all-targets", "--locked", "--quiet", "--", "--deny", "warnings"],
        &["test", "--release", "--bins", "--locked", "--quiet"],
    ];
    for step in STEPS {
        println!("crates/bench: cargo {}", step.join(" "));
        cargo(step.iter().map(OsStr::new), &workspace_root().join("crates/bench"), None)?;
    }
    println!("cargo xtask bench wire --quick --rounds 2");
    wire::check()
}

/// Builds a program of crates/bench and returns its path.
fn build(program: &str) -> Result<PathBuf, String> {
    let folder = workspace_root().join("crates/bench");
    let arguments = ["build", "--quiet", "--release", "--locked", "--bin", program].map(OsStr::new);
    cargo(arguments, &folder, None)?;
    Ok(folder.join("target/release").join(program))
}

/// Runs cargo in a directory, with an optional environment variable. Returns an error if cargo fails.
pub(crate) fn cargo<'a>(
    arguments: impl IntoIterator<Item = &'a OsStr>,
    folder: &Path,
    variable: Option<(&str, PathBuf)>,
) -> Result<(), String> {
    let mut command = Command::new(env!("CARGO"));
    command.envs(variable);
    // `build` expects the program in the target directory of this directory, not in that of the caller.
    command.args(arguments).current_dir(folder).env("CARGO_TARGET_DIR", folder.join("target"));
    let status = command.status().map_err(|error| format!("cannot run cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed")) }
}

/// Returns the root of the repository.
pub(crate) fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}
