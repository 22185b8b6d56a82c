//! Chores of this repository: `cargo xtask COMMAND`.
#![allow(clippy::disallowed_types, reason = "chores start programs and write files")]
#![forbid(unsafe_code)]

mod bench;
mod ci;
mod dist;
mod imports;
mod layers;
mod names;
mod setup_tap;
mod source;
mod spec;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{self, ExitCode};

use clap::{Parser, Subcommand};
use tap::linux::InterfaceName;

/// Chores of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a persistent TAP that `tapstack host` may use without privilege
    SetupTap(setup_tap::Arguments),
    /// Delete a persistent TAP
    TeardownTap {
        /// The TAP
        #[arg(long, default_value = "tap0")]
        name: InterfaceName,
    },
    /// Check that every crate uses the crates below it that it may, and that the protocol crates
    /// hold no operating system
    Layers {
        /// The workspace to check [default: this one]
        #[arg(long, value_name = "PATH")]
        manifest_path: Option<PathBuf>,
    },
    /// Check that every built requirement in docs/spec has code and a test; list the open ones
    Spec {
        /// The folder that holds docs, crates and xtask [default: this workspace's]
        #[arg(long, value_name = "PATH")]
        root: Option<PathBuf>,
    },
    /// Check that no old name of xtask/names.txt is in the tree
    Names,
    /// Everything that CI checks but the tests: format, lints, docs, layers, spec, names, dependencies, fuzz targets and
    /// benches compile, the bounds on what parsing costs
    Ci,
    /// Measure, beside peers and floors, alternated in one run
    Bench(bench::Arguments),
    /// Build the binary to give away, stripped, with completions, manual pages and SHA-256 sums
    Dist(dist::Arguments),
    /// Run the black-box suite against a running host: crates/conform
    Conform(SuiteArguments),
    /// Compare our ARP tools with those of others on one wire: crates/compare
    Compare(SuiteArguments),
    /// Compare `tapstack decode` with tshark and tcpdump, field by field: crates/corpus
    Corpus(SuiteArguments),
}

/// The arguments of a suite, passed on as they are.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
struct SuiteArguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    arguments: Vec<OsString>,
}

impl SuiteArguments {
    /// Runs the suite of this package, and exits as it does.
    fn run(&self, package: &str) -> ChoreResult {
        let mut cargo = process::Command::new(env!("CARGO"));
        cargo.args(["run", "--quiet", "--manifest-path"]).arg(bench::workspace().join("Cargo.toml"));
        cargo.args(["--package", package, "--"]).args(&self.arguments);
        let status = cargo.status().map_err(|error| format!("cannot run cargo: {error}"))?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(ExitCode::from(code.ok_or_else(|| format!("{package}: {status}"))?))
    }
}

/// What a chore ends with: done, a negative answer, or a sentence about what kept it from its work.
type ChoreResult = Result<ExitCode, String>;

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::SetupTap(arguments) => setup_tap::set_up(&arguments),
        Command::TeardownTap { name } => setup_tap::tear_down(&name),
        Command::Layers { manifest_path } => layers::check(manifest_path.as_deref()),
        Command::Spec { root } => spec::check(root.as_deref()),
        Command::Names => names::check(),
        Command::Ci => ci::run(),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Dist(arguments) => dist::run(&arguments),
        Command::Conform(arguments) => arguments.run("conform"),
        Command::Compare(arguments) => arguments.run("compare"),
        Command::Corpus(arguments) => arguments.run("corpus"),
    };
    outcome.unwrap_or_else(|sentence| {
        eprintln!("xtask: {sentence}");
        ExitCode::from(2)
    })
}
