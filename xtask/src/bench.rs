//! `bench`: benchmarks of tapstack, other stacks and lower bounds.

mod counts;
mod parse;
mod table;
mod tcp;
mod wire;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Subcommand;

use crate::{ChoreResult, ForwardedArguments};
use testbed::installed::installed;

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
    Wire(ForwardedArguments),
    /// Measure the goodput of TCP in simulation: loss, RTT, buffers, reordering, rate, queue and fairness
    Sim(ForwardedArguments),
    /// Compare the goodput of TCP over a lossy link with that of the Linux kernel
    Lossy(ForwardedArguments),
    /// Count the instructions of a TCP segment, and measure the time of a segment and the memory of a connection among up to
    /// 1,000,000 connections, and the time of a SYN
    Tcp(tcp::TcpArguments),
    /// Measure lookups and insertions in neighbor tables of 16 to 1,000,000 entries
    Table,
}

pub(crate) fn run(arguments: &BenchArguments) -> ChoreResult {
    match &arguments.command {
        BenchCommand::Parse(arguments) => parse::run(arguments),
        BenchCommand::Wire(arguments) => run_program("wire", arguments),
        BenchCommand::Sim(arguments) => run_program("sim", arguments),
        BenchCommand::Lossy(arguments) => run_program("lossy", arguments),
        BenchCommand::Tcp(arguments) => tcp::run(arguments),
        BenchCommand::Table => table::run(),
    }
}

/// Runs `bench parse --gate`.
pub(crate) fn gate_parse() -> ChoreResult {
    parse::run(&parse::ParseArguments { gate: true })
}

/// Runs `bench tcp --gate`.
pub(crate) fn gate_tcp() -> ChoreResult {
    tcp::run(&tcp::TcpArguments { gate: true })
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
    wire::check()?;
    println!("cargo xtask bench sim --seeds 1 --table tail,pause");
    sim_check()
}

/// Checks that the simulation runs to its end. The figures are ignored.
fn sim_check() -> Result<(), String> {
    let folder = workspace_root().join("target/bench/check");
    let mut command = Command::new(build("sim")?);
    command.args(["--seeds", "1", "--table", "tail,pause", "--out"]).arg(folder);
    let output = command.output().map_err(|error| format!("cannot run the simulation: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("simulation failed: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// Builds a program of crates/bench and returns its path.
fn build(program: &str) -> Result<PathBuf, String> {
    let folder = workspace_root().join("crates/bench");
    let arguments = ["build", "--quiet", "--release", "--locked", "--bin", program].map(OsStr::new);
    cargo(arguments, &folder, None)?;
    Ok(folder.join("target/release").join(program))
}

/// Builds and runs a program of crates/bench, which writes its report to target/bench. Returns its exit code.
fn run_program(program: &str, arguments: &ForwardedArguments) -> ChoreResult {
    let path = build(program)?;
    let mut command = Command::new(&path);
    command.arg("--out").arg(workspace_root().join("target/bench")).args(&arguments.arguments);
    let status = command.status().map_err(|error| format!("cannot run {}: {error}", path.display()))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
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

/// Returns an error if a tool is not installed.
fn require(tool: &str, package: &str) -> Result<(), String> {
    installed(tool).map(drop).map_err(|absent| format!("{absent}\nhint: sudo apt-get install {package}"))
}
