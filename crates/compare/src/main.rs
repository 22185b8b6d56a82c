//! The comparison of our ARP tools with those of others: the same questions on one wire.
//!
//! The hosts on the wire are arranged, so the correct answer is known. The exit code and the lines of each tool are
//! compared with it. Our tools must give the correct answer. What others answer instead is recorded.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_types, reason = "the suite starts programs and reads their output")]

mod differences;
mod network;
mod report;
mod rows;
mod run;
mod tool;
mod unprivileged;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread::{self, ScopedJoinHandle};

use clap::Parser;
use conform::linux;
use tap::linux::Namespace;

use network::{TestNetwork, ToolInterfaces};
use report::{CompareReport, ToolColumn};
use rows::{ROWS, Situation};
use run::RowResult;
use testbed::installed::is_executable;
use testbed::suite::{SuiteResult, existing, exit_code, print};
use tool::{Tool, ToolKind};

/// Ask our tools and those of others the same questions on one wire: iputils' arping, Habets' arping, arp-scan and
/// nmap, as far as they are installed.
#[derive(Debug, Parser)]
#[command(
    name = "compare",
    after_help = "\
It makes a wire with a kernel, hosts of ours and two stations of one address on it, in network namespaces of its
own, and asks there by `tapstack arping`, `tapstack scan`, and what is installed of iputils' arping, Habets'
arping, arp-scan and nmap. It touches nothing else.

Examples:
  cargo xtask compare
  cargo xtask compare --tool /opt/iputils/bin/arping     Debian's two packages of that name exclude each other
  cargo xtask compare --json | jq -c 'select(.verdict == \"differs\")'

Verdicts: passed, failed, skipped (with the reason), and for the others differs: they say something else than
the truth, as docs/compare-suite.md says. A recorded difference that does not show has failed, unless it is recorded of
another version.

Exit codes: 0 none failed, 1 a row failed, 2 the wire or the program could not be had."
)]
struct CompareArguments {
    /// The program to compare [default: the workspace's own, built now]
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// A further tool to ask; may be repeated. Which one it is, it tells itself
    #[arg(long, value_name = "PATH")]
    tool: Vec<PathBuf>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    if let Some(refusal) = unprivileged::child() {
        return refusal;
    }
    let result = linux::child().unwrap_or_else(|| compare(&CompareArguments::parse()));
    exit_code("compare", result)
}

fn compare(arguments: &CompareArguments) -> SuiteResult {
    let program = testbed::suite::program(arguments.program.as_deref())?;
    Namespace::enter().map_err(|error| error.to_string())?;
    let tools = tools(&program, &arguments.tool)?;
    let report = ask_all(&program, tools)?;
    print(&if arguments.json { report.json() } else { report.text() });
    Ok(report.exit_code())
}

/// A tool of each kind, or why there is none.
type Tools = Vec<(ToolKind, Result<Tool, String>)>;

/// Puts every row to every tool, all tools at once, and each in all scenes at once.
fn ask_all(program: &Path, tools: Tools) -> Result<CompareReport, String> {
    let _network = TestNetwork::make(program)?;
    let mut interfaces_of_tools = Vec::new();
    for ((kind, tool), number) in tools.into_iter().zip(0..) {
        let tool = match tool {
            Ok(tool) => Ok((tool, ToolInterfaces::make(kind, number)?)),
            Err(reason) => Err(reason),
        };
        interfaces_of_tools.push((kind, tool));
    }
    let probe_lock = &Mutex::new(());
    thread::scope(|scope| {
        let ask = |(tool, interfaces): (Tool, ToolInterfaces)| {
            let threads = Situation::ALL.map(|situation| {
                let tool = tool.clone();
                let rows = ROWS.iter().zip(0..).filter(move |(row, _)| row.situation == situation);
                let ask = move |(row, number)| (number, run::run_row(&tool, row, interfaces, probe_lock));
                scope.spawn(move || rows.map(ask).collect::<Vec<(usize, RowResult)>>())
            });
            (tool, threads)
        };
        let runs: Vec<_> =
            interfaces_of_tools.into_iter().map(|(kind, tool)| (kind, tool.map(ask))).collect();
        let mut columns = Vec::new();
        for (kind, run) in runs {
            let asked = match run {
                Ok((tool, threads)) => Ok((tool, in_order(threads)?)),
                Err(reason) => Err(reason),
            };
            columns.push(ToolColumn { kind, asked });
        }
        Ok(CompareReport(columns))
    })
}

/// Threads, one a scene: which rows they asked, and what came of it.
type SituationThreads<'scope> = [ScopedJoinHandle<'scope, Vec<(usize, RowResult)>>; Situation::ALL.len()];

/// What they came to, in the order of the table.
fn in_order(threads: SituationThreads<'_>) -> Result<Vec<RowResult>, String> {
    let mut asked = BTreeMap::new();
    for thread in threads {
        asked.extend(thread.join().map_err(|_| "a run has panicked".to_owned())?);
    }
    Ok(asked.into_values().collect())
}

/// Finds the tools: ours, those that were named, those that are installed.
fn tools(program: &Path, named: &[PathBuf]) -> Result<Tools, String> {
    let ours = ToolKind::ALL.into_iter().filter(|kind| kind.is_ours());
    let mut found: Vec<_> = ours.map(|kind| Tool::ours(kind, program)).collect();
    for path in named {
        // It may be nobody who is to find it.
        let path = existing(path)?;
        let tool = identify(&path)?;
        found.push(tool.ok_or_else(|| {
            format!("{} is none of the tools that are known; `cargo xtask compare --help`", path.display())
        })?);
    }
    found.extend(installed().iter().filter_map(|path| identify(path).ok().flatten()));
    let of = |kind: ToolKind| {
        let tool = found.iter().find(|tool| tool.kind == kind).cloned();
        (kind, tool.ok_or_else(|| "not installed".to_owned()))
    };
    Ok(ToolKind::ALL.map(of).to_vec())
}

/// Which tool a program is, by what it says itself.
fn identify(program: &Path) -> Result<Option<Tool>, String> {
    let version_output = run::version(program)?;
    Ok(ToolKind::of(&version_output).map(|(kind, version)| Tool {
        kind,
        program: program.to_owned(),
        version: Some(version),
    }))
}

/// Programs of their names on the path, and where an ordinary user's path does not lead.
fn installed() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let folders = std::env::split_paths(OsStr::new(&path)).chain(more);
    let programs = folders.flat_map(|folder| ["arping", "arp-scan", "nmap"].map(|name| folder.join(name)));
    programs.filter(|path| is_executable(path)).collect()
}

#[cfg(test)]
mod tests;
