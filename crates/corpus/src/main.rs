//! Compares `tapstack decode` with tshark, field by field, over a folder of captures.
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

/// Compare `tapstack decode` with tshark and tcpdump over captures, field by field.
#[derive(Debug, Parser)]
#[command(
    name = "corpus",
    after_help = "\
The suite compares every value of `tapstack decode --json` with tshark's, and reports every field of Ethernet, VLAN tags,
LLC, ARP, IPv4 and ICMP that only tshark shows. The rules of docs/corpus.md explain the expected differences. If tcpdump is
installed, the lines for ARP frames are compared with tcpdump's.

Examples:
  cargo xtask corpus ~/captures
  cargo xtask corpus --json ~/captures | jq 'select(.event == \"difference\")'

Exit codes: 0 all differences explained, 1 a difference not explained, 2 tshark missing or a capture unreadable."
)]
struct CorpusArguments {
    /// Folder with captures (pcap and pcapng), searched recursively
    dir: PathBuf,
    /// Program to compare with tshark [default: the workspace's tapstack, built now]
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
