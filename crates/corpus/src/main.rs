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

/// Compare what `tapstack decode` says of captures with tshark and tcpdump, field by field.
#[derive(Debug, Parser)]
#[command(
    name = "corpus",
    after_help = "\
Every value that `tapstack decode --json` prints of a frame is held against tshark's, and every field of Ethernet, VLAN
tags, LLC, ARP, IPv4 and ICMP that tshark alone shows is told. A difference is explained by a rule of docs/corpus.md,
or it is not. Where tcpdump is installed, the words about ARP frames are held against its.

Examples:
  cargo xtask corpus ~/captures
  cargo xtask corpus --json ~/captures | jq 'select(.event == \"difference\")'

Exit codes: 0 every difference is explained, 1 one is not, 2 tshark is missing or a capture cannot be read."
)]
struct CorpusArguments {
    /// Where the captures lie: pcap and pcapng, also in the folders within
    dir: PathBuf,
    /// The program to hold against tshark [default: the workspace's own, built now]
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// Print one JSON object a line
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
