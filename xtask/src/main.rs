//! Developer commands of this repository: `cargo xtask COMMAND`.
#![allow(clippy::disallowed_types, reason = "the commands start programs and write files")]
#![forbid(unsafe_code)]

mod bench;
mod ci;
mod dist;
mod drill;
mod imports;
mod json;
mod layers;
mod pictures;
mod setup_tap;
mod source;
mod spec;
mod word_list;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{self, ExitCode};

use clap::{Parser, Subcommand};
use tap::linux::InterfaceName;

/// Developer commands of this repository
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a persistent TAP that `tapstack host` can use without privileges
    SetupTap(setup_tap::SetupTapArguments),
    /// Delete a persistent TAP
    TeardownTap {
        /// TAP name
        #[arg(long, default_value = "tap0")]
        name: InterfaceName,
    },
    /// Check the dependencies between crates and between source files, and that protocol crates do not call the
    /// operating system
    Layers {
        /// Manifest of the workspace to check [default: manifest of this workspace]
        #[arg(long, value_name = "PATH")]
        manifest_path: Option<PathBuf>,
    },
    /// Check that every implemented requirement in docs/spec has code and a test; list the open requirements
    Spec {
        /// Directory that contains docs, crates and xtask [default: root of this workspace]
        #[arg(long, value_name = "PATH")]
        root: Option<PathBuf>,
    },
    /// Check that the tracked files contain no name listed in xtask/names.txt
    Names,
    /// Check that the tracked files contain no word listed in xtask/words.txt
    Words,
    /// Write docs/json.md and docs/json.schema.json from the types that `--json` prints
    Json,
    /// Run all checks of CI except the tests of the workspace: format, lints, docs, dependencies, fuzz targets,
    /// crates/drill, benchmarks, json, instruction counts of parsing and TCP, pictures, layers, spec, names and words
    Ci,
    /// Run a benchmark
    Bench(bench::BenchArguments),
    /// Build the stripped release binary, with completions, manual pages and SHA-256 sums
    Dist(dist::DistArguments),
    /// Draw docs/decode.svg and docs/watch.svg from the output of `tapstack`
    Pictures(pictures::PicturesArguments),
    /// Run the black-box test suite against `tapstack host` or the Linux kernel: crates/conform
    Conform(ForwardedArguments),
    /// Compare tapstack's ARP tools with other ARP tools on the same network: crates/compare
    Compare(ForwardedArguments),
    /// Compare `tapstack decode` with tshark and tcpdump, field by field: crates/corpus
    Corpus(ForwardedArguments),
    /// Run packetdrill scripts against the TCP of tapstack: crates/drill
    Drill(drill::DrillArguments),
}

/// Arguments that are passed to another program, which prints its own help.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
struct ForwardedArguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    pub(crate) arguments: Vec<OsString>,
}

impl ForwardedArguments {
    /// Runs the suite of this package and returns its exit code.
    fn run_suite(&self, package: &str) -> ChoreResult {
        let mut cargo = process::Command::new(env!("CARGO"));
        cargo.args(["run", "--quiet", "--manifest-path"]).arg(bench::workspace_root().join("Cargo.toml"));
        cargo.args(["--package", package, "--"]).args(&self.arguments);
        let status = cargo.status().map_err(|error| format!("cannot run cargo: {error}"))?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(ExitCode::from(code.ok_or_else(|| format!("{package}: {status}"))?))
    }
}

/// The result of a command: its exit code, or the reason why the command cannot run.
type ChoreResult = Result<ExitCode, String>;

fn main() -> ExitCode {
    let result = match CommandLine::parse().command {
        Command::SetupTap(arguments) => setup_tap::set_up(&arguments),
        Command::TeardownTap { name } => setup_tap::tear_down(&name),
        Command::Layers { manifest_path } => layers::check(manifest_path.as_deref()),
        Command::Spec { root } => spec::check(root.as_deref()),
        Command::Names => word_list::check_names(),
        Command::Words => word_list::check_words(),
        Command::Json => json::write(),
        Command::Ci => ci::run(),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Dist(arguments) => dist::run(&arguments),
        Command::Pictures(arguments) => pictures::run(&arguments),
        Command::Conform(arguments) => arguments.run_suite("conform"),
        Command::Compare(arguments) => arguments.run_suite("compare"),
        Command::Corpus(arguments) => arguments.run_suite("corpus"),
        Command::Drill(arguments) => drill::run(&arguments),
    };
    result.unwrap_or_else(|message| {
        eprintln!("xtask: {message}");
        ExitCode::from(2)
    })
}
