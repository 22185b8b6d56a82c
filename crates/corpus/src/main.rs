//! Compares `tapstack decode` with tshark, field by field, for the captures in a directory.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_types, reason = "the suite starts programs and reads their output")]

mod compare;
mod decoded;
mod fields;
mod lines;
mod pdml;
mod process;
mod report;
mod rules;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use report::CorpusReport;
use testbed::suite::{SuiteResult, build, exit_code, print};

/// Compare the output of `tapstack decode` with tshark and tcpdump for the captures in a directory
#[derive(Debug, Parser)]
#[command(
    name = "corpus",
    after_help = "\
Compares every value of `tapstack decode --json` with the value of tshark, and reports every field
of Ethernet, VLAN tags, LLC, ARP, IPv4 and ICMP that only tshark shows. The rules in docs/corpus.md
explain the expected differences. Also compares the lines for ARP frames with the lines of tcpdump,
if tcpdump is installed.

Examples:
  cargo xtask corpus ~/captures
  cargo xtask corpus --json ~/captures | jq 'select(.event == \"difference\")'

Exit codes:
  0  all differences are explained by rules
  1  a difference is not explained
  2  the comparison cannot run, for example without tshark or without a capture"
)]
struct CorpusArguments {
    /// Directory with captures (.pcap, .pcapng and .cap), searched recursively
    dir: PathBuf,
    /// Path of the `tapstack` to compare with tshark [default: `tapstack` of this workspace, built first]
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// Print JSON Lines
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    exit_code("corpus", compare_folder(&CorpusArguments::parse()))
}

fn compare_folder(arguments: &CorpusArguments) -> SuiteResult {
    let version = run::tshark_version()?;
    let files = run::captures(&arguments.dir)?;
    let program = match &arguments.program {
        Some(path) => path.clone(),
        None => build()?,
    };
    let mut report = CorpusReport::new(version);
    for file in &files {
        run::file(&program, &arguments.dir, file, &mut report)?;
    }
    run::compare_lines(&program, &arguments.dir, &files, &mut report)?;
    print(&if arguments.json { report.json() } else { report.table() });
    Ok(report.exit_code())
}
