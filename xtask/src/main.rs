//! Chores of this repository: `cargo xtask COMMAND`.
#![allow(clippy::disallowed_types, reason = "chores start programs and write files")]
#![forbid(unsafe_code)]

mod bench;
mod ci;
mod conform;
mod corpus;
mod dist;
mod layers;
mod setup_tap;
mod spec;

use std::path::PathBuf;
use std::process::ExitCode;

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
    /// Everything that CI checks but the tests: format, lints, docs, layers, spec, dependencies, fuzz targets and
    /// benches compile, the bounds on what parsing costs
    Ci,
    /// Measure, beside peers and floors, alternated in one run
    Bench(bench::Arguments),
    /// Build the binary to give away, stripped, with completions, manual pages and SHA-256 sums
    Dist(dist::Arguments),
    /// Put a running host to the question from outside: raw frames, its translation table, and the
    /// ARP tools that are installed
    Conform(conform::Arguments),
    /// Put our tools and other people's to the same questions on one wire: iputils' arping, Habets' arping,
    /// arp-scan and nmap, as far as they are installed
    Beside(conform::beside::Arguments),
    /// Turn into a program that has no privilege, for `beside`
    #[command(name = conform::beside::nobody::COMMAND, hide = true)]
    BesideNobody(conform::beside::nobody::Arguments),
    /// Hold what `tapstack decode` says of captures against tshark and tcpdump, field by field
    Corpus(corpus::Arguments),
    /// Hold the kernel that `conform --kernel` questions
    #[command(name = conform::linux::COMMAND, hide = true)]
    ConformLinux,
}

/// What a chore ends with: done, a negative answer, or a sentence about what kept it from its work.
type Outcome = Result<ExitCode, String>;

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::SetupTap(arguments) => setup_tap::set_up(&arguments),
        Command::TeardownTap { name } => setup_tap::tear_down(&name),
        Command::Layers { manifest_path } => layers::check(manifest_path.as_deref()),
        Command::Spec { root } => spec::check(root.as_deref()),
        Command::Ci => ci::run(),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Dist(arguments) => dist::run(&arguments),
        Command::Conform(arguments) => conform::run(&arguments),
        Command::Beside(arguments) => conform::beside::run(&arguments),
        Command::BesideNobody(arguments) => Ok(conform::beside::nobody::turn_into(&arguments)),
        Command::Corpus(arguments) => corpus::run(&arguments),
        Command::ConformLinux => conform::linux::hold(),
    };
    outcome.unwrap_or_else(|sentence| {
        eprintln!("xtask: {sentence}");
        ExitCode::from(2)
    })
}
