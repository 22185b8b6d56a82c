//! Compares tapstack's ARP tools with other ARP tools. Each tool gets the same questions on the same segment.
//!
//! The suite creates the hosts of the segment, and therefore knows the correct answers. The suite compares the exit
//! code and the output of each tool with the correct answers. A wrong answer of tapstack is a failure. Wrong answers of
//! other tools are recorded, with the reason.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_types, reason = "the suite starts programs and reads their output")]

mod differences;
mod network;
mod process;
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

/// Compare tapstack's ARP tools with iputils arping, Habets arping, arp-scan, netdiscover and nmap on the same segment
#[derive(Debug, Parser)]
#[command(
    name = "compare",
    after_help = "\
Creates a segment in separate network namespaces, with a Linux kernel, tapstack hosts, and two hosts
with the same address. Runs `tapstack arping`, `tapstack scan` and the installed other tools on the
segment. Changes nothing outside these namespaces.

Examples:
  cargo xtask compare
  cargo xtask compare --tool /opt/iputils/bin/arping     iputils arping at this path
  cargo xtask compare --json | jq -c 'select(.verdict == \"differs\")'

Verdicts:
  passed   correct answer
  differs  wrong answer of another tool, as recorded in docs/compare-suite.md, or unexpected answer
           of a version that is not the recorded version
  failed   any other answer
  skipped  not run, with the reason

Exit codes:
  0  no row failed
  1  a row failed
  2  the suite cannot run, for example without network namespaces"
)]
struct CompareArguments {
    /// Path of the `tapstack` to run [default: `tapstack` of this workspace, built first]
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// Path of a tool, identified by its version output, that replaces an installed tool of the same kind; may be repeated
    #[arg(long, value_name = "PATH")]
    tool: Vec<PathBuf>,
    /// Print JSON Lines
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
    let report = run_all(&program, tools)?;
    print(&if arguments.json { report.json() } else { report.text() });
    Ok(report.exit_code())
}

/// For each kind of tool: the tool, or the reason why the tool is not run.
type Tools = Vec<(ToolKind, Result<Tool, String>)>;

/// Runs every row with every tool. The tools and the situations run at the same time.
fn run_all(program: &Path, tools: Tools) -> Result<CompareReport, String> {
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
        let start = |(tool, interfaces): (Tool, ToolInterfaces)| {
            let threads = Situation::ALL.map(|situation| {
                let tool = tool.clone();
                let rows = ROWS.iter().zip(0..).filter(move |(row, _)| row.situation == situation);
                let run = move |(row, number)| (number, run::run_row(&tool, row, interfaces, probe_lock));
                scope.spawn(move || rows.map(run).collect::<Vec<(usize, RowResult)>>())
            });
            (tool, threads)
        };
        let runs: Vec<_> =
            interfaces_of_tools.into_iter().map(|(kind, tool)| (kind, tool.map(start))).collect();
        let mut columns = Vec::new();
        for (kind, run) in runs {
            let results = match run {
                Ok((tool, threads)) => Ok((tool, in_order(threads)?)),
                Err(reason) => Err(reason),
            };
            columns.push(ToolColumn { kind, results });
        }
        Ok(CompareReport(columns))
    })
}

/// One thread per situation. Each thread returns the indexes and results of its rows.
type SituationThreads<'scope> = [ScopedJoinHandle<'scope, Vec<(usize, RowResult)>>; Situation::ALL.len()];

/// Returns the results of all threads, in the order of the table.
fn in_order(threads: SituationThreads<'_>) -> Result<Vec<RowResult>, String> {
    let mut results = BTreeMap::new();
    for thread in threads {
        results.extend(thread.join().map_err(|_| "a thread of the suite panicked".to_owned())?);
    }
    Ok(results.into_values().collect())
}

/// Returns the tools: tapstack, the tools of the command line, and the installed tools.
fn tools(program: &Path, named: &[PathBuf]) -> Result<Tools, String> {
    let tapstack_kinds = ToolKind::ALL.into_iter().filter(|kind| kind.is_tapstack());
    let mut found: Vec<_> = tapstack_kinds.map(|kind| Tool::tapstack(kind, program)).collect();
    for path in named {
        let path = existing(path)?;
        let tool = identify(&path)?;
        found.push(tool.ok_or_else(|| {
            format!("{}: unknown tool\nhint: cargo xtask compare --help lists the tools", path.display())
        })?);
    }
    found.extend(installed().iter().filter_map(|path| identify(path).ok().flatten()));
    let of = |kind: ToolKind| {
        let tool = found.iter().find(|tool| tool.kind == kind.identified());
        (kind, tool.map(|tool| Tool { kind, ..tool.clone() }).ok_or_else(|| "not installed".to_owned()))
    };
    Ok(ToolKind::ALL.map(of).to_vec())
}

/// Identifies a program by its version output. Returns `None` for an unknown tool.
fn identify(program: &Path) -> Result<Option<Tool>, String> {
    let version_output = run::version(program)?;
    Ok(ToolKind::of(&version_output).map(|(kind, version)| Tool {
        kind,
        program: program.to_owned(),
        version: Some(version),
    }))
}

/// Returns the programs with the names of the tools in `PATH` and in the system directories.
fn installed() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let folders = std::env::split_paths(OsStr::new(&path)).chain(more);
    let names = ["arping", "arp-scan", "netdiscover", "nmap"];
    let programs = folders.flat_map(|folder| names.map(|name| folder.join(name)));
    programs.filter(|path| is_executable(path)).collect()
}

#[cfg(test)]
mod tests;
