//! Chores of this repository: `cargo xtask COMMAND`.
#![allow(clippy::disallowed_types, reason = "chores start programs and write files")]
#![forbid(unsafe_code)]

mod bench;
mod ci;
mod dist;
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

/// Chores of this repository.
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
    /// Check the dependencies between the crates, and that protocol crates do not use the operating system
    Layers {
        /// Manifest of the workspace to check [default: this workspace's]
        #[arg(long, value_name = "PATH")]
        manifest_path: Option<PathBuf>,
    },
    /// Check that every built requirement in docs/spec has code and a test; list the open ones
    Spec {
        /// Folder with docs, crates and xtask [default: this workspace's]
        #[arg(long, value_name = "PATH")]
        root: Option<PathBuf>,
    },
    /// Check that no old name of xtask/names.txt is in the tree
    Names,
    /// Check that no word of xtask/words.txt is in the tree
    Words,
    /// Write docs/json.md and docs/json.schema.json from the types that `--json` prints
    Json,
    /// Run the checks of CI other than the tests: format, lints, docs, layers, spec, names, words, dependencies, fuzz
    /// targets, benches, and the instruction bounds of parsing
    Ci,
    /// Run a benchmark against peers and lower bounds, alternated in one run
    Bench(bench::BenchArguments),
    /// Build the stripped release binary, with completions, manual pages and SHA-256 sums
    Dist(dist::DistArguments),
    /// Make the pictures of README from the program's output
    Pictures(pictures::PicturesArguments),
    /// Run the black-box suite against a running host: crates/conform
    Conform(ForwardedArguments),
    /// Compare tapstack's ARP tools with other tools on one wire: crates/compare
    Compare(ForwardedArguments),
    /// Compare `tapstack decode` with tshark and tcpdump, field by field: crates/corpus
    Corpus(ForwardedArguments),
}

/// Arguments for another program, which prints its own help.
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

/// The result of a chore: its exit code, or the reason why it cannot run.
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
    };
    result.unwrap_or_else(|message| {
        eprintln!("xtask: {message}");
        ExitCode::from(2)
    })
}
