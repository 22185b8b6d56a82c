//! Black-box test suite for `tapstack host` on a TAP and for the Linux kernel on a veth pair.
//!
//! The suite does not use the protocol code of the stack. The suite builds frames byte by byte, sends the frames from a
//! packet socket, compares the replies and reads the ARP cache of the host.
#![allow(clippy::disallowed_types, reason = "the suite starts programs and reads their output")]

mod aging;
mod arp;
pub mod case;
mod checksum;
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
mod linux_services;
mod many;
mod path_mtu;
mod ranges;
pub mod report;
mod runs;
mod session;
pub mod tapstack;
mod tcp;
mod test_tap;
mod tested_host;
mod tools;
mod udp;
mod udp_datagrams;
mod udp_exchange;

use std::path::PathBuf;

use clap::Parser;
use tap::linux::Namespace;
use testbed::suite::{SuiteResult, print, program};

/// Test `tapstack host` or the Linux kernel with raw frames and ARP tools
#[derive(Debug, Parser)]
#[command(
    name = "conform",
    after_help = "\
Creates network namespaces and starts hosts in these namespaces. Changes nothing else.

Examples:
  cargo xtask conform                       tapstack host, with each policy of --learn
  cargo xtask conform --kernel              Linux kernel, compared with its recorded differences
  cargo xtask conform --json | jq 'select(.verdict == \"failed\")'
  cargo xtask conform --program /usr/local/bin/tapstack

Verdicts: passed, failed, skipped (with the reason), and differs: Linux behaves differently,
as recorded in docs/conform.md. A recorded difference that does not occur is a failure.

Exit codes:
  0  no case failed
  1  a case failed
  2  the suite cannot run, for example without network namespaces"
)]
pub struct ConformArguments {
    /// Test the Linux kernel at the other end of a veth pair instead of a program
    #[arg(long, conflicts_with_all = ["program", "arping"])]
    kernel: bool,
    /// Path of the `tapstack` to test [default: `tapstack` of this workspace, built first]
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// Path of another `arping` to run in addition to the installed one; may be repeated
    #[arg(long, value_name = "PATH")]
    arping: Vec<PathBuf>,
    /// Print JSON Lines
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
