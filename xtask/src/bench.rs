//! `bench`: what is measured, beside what it is measured against.

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
    /// Read, build and rewrite ARP frames beside an unsafe cast, smoltcp, etherparse and pnet
    Parse(parse::ParseArguments),
    /// Answer ARP and pings on a real wire, beside a byte swap, smoltcp and the kernel
    Wire(crate::ForwardedArguments),
    /// Look up and enter neighbours in tables of 16 to 1,000,000
    Table,
}

pub(crate) fn run(arguments: &BenchArguments) -> ChoreResult {
    match &arguments.command {
        BenchCommand::Parse(arguments) => parse::run(arguments),
        BenchCommand::Wire(arguments) => wire::run(arguments),
        BenchCommand::Table => table::run(),
    }
}

/// `bench parse --gate`.
pub(crate) fn gate_parse() -> ChoreResult {
    parse::run(&parse::ParseArguments { gate: true })
}

/// What of crates/bench CI checks: its style, its tests, and that the bench of replies still runs.
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

/// Builds a program of crates/bench, and says where it is.
fn build(program: &str) -> Result<PathBuf, String> {
    let folder = workspace_root().join("crates/bench");
    let arguments = ["build", "--quiet", "--release", "--locked", "--bin", program].map(OsStr::new);
    cargo(arguments, &folder, None)?;
    Ok(folder.join("target/release").join(program))
}

/// Runs cargo in a folder, perhaps with a variable, and fails as it does.
pub(crate) fn cargo<'a>(
    arguments: impl IntoIterator<Item = &'a OsStr>,
    folder: &Path,
    variable: Option<(&str, PathBuf)>,
) -> Result<(), String> {
    let mut command = Command::new(env!("CARGO"));
    command.envs(variable);
    // The folder's own target, whatever the caller's is: that is where the program is looked for.
    command.args(arguments).current_dir(folder).env("CARGO_TARGET_DIR", folder.join("target"));
    let status = command.status().map_err(|error| format!("cannot run cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed")) }
}

/// The root of the repository.
pub(crate) fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}
