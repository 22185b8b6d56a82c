//! The black-box suite: questions to a running host, from outside.
//!
//! The suite shares no code with the stack: it builds its frames byte by byte, sends them from a
//! packet socket, compares the replies, and reads the ARP cache of the host. It tests two
//! hosts: `tapstack host` on a TAP, and the Linux kernel on a veth pair.
#![allow(clippy::disallowed_types, reason = "the suite starts programs and reads their output")]

mod aging;
mod arp;
pub mod case;
mod child_output;
mod claims;
pub mod clock;
mod datagrams;
mod ethernet;
mod exchange;
mod fragments;
pub mod frame_socket;
pub mod frames;
mod icmp;
mod ipv4;
mod learning;
pub mod linux;
mod many;
mod ranges;
pub mod report;
mod runs;
mod session;
pub mod tapstack;
mod test_tap;
mod tested_host;
mod tools;

use std::path::PathBuf;

use clap::Parser;
use tap::linux::Namespace;
use testbed::suite::{SuiteResult, print, program};

/// Question a running host from outside: raw frames, its translation table, and the ARP tools that are installed.
#[derive(Debug, Parser)]
#[command(
    name = "conform",
    after_help = "\
It makes network namespaces, starts hosts in them, and touches nothing else.

Examples:
  cargo xtask conform                       our host, under each policy of --learn
  cargo xtask conform --kernel              the Linux kernel, held to what is known of it
  cargo xtask conform --json | jq 'select(.verdict == \"failed\")'
  cargo xtask conform --program /usr/local/bin/tapstack

Verdicts: passed, failed, skipped (with the reason), and for the kernel differs: not as expected, as
docs/conform.md says. A recorded difference that does not show has failed.

Exit codes: 0 none failed, 1 a case failed, 2 the wire or the program could not be had."
)]
pub struct ConformArguments {
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

/// Runs the suite and prints its report.
pub fn run(arguments: &ConformArguments) -> SuiteResult {
    let program = if arguments.kernel { PathBuf::new() } else { program(arguments.program.as_deref())? };
    Namespace::enter().map_err(|error| error.to_string())?;
    let report = if arguments.kernel { runs::linux()? } else { runs::tapstack(&program, &arguments.arping)? };
    print(&if arguments.json { report.json() } else { report.table() });
    Ok(report.exit_code())
}

#[cfg(test)]
mod tests;
