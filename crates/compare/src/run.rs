//! Runs a tool for a row.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use super::network::{LinkFailure, ToolInterfaces};
use super::process::ToolProcess;
use super::rows::{ComparisonRow, NamedHosts, Question, Situation, Stations, Target, ToolExit};
use super::tool::Tool;
use super::unprivileged;

/// Timeout of a tool. The slowest tool takes five seconds on an idle machine.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Timeout of a tool that is recorded as hanging, and of a passive tool that is expected to print no station.
const HANG_TIMEOUT: Duration = Duration::from_secs(10);
/// Interval between two requests that a passive tool observes.
const REQUEST_INTERVAL: Duration = Duration::from_millis(100);
/// Number of requests after the expected stations were named, if the tool must not report a conflict: a station is a false
/// conflict only in a later packet.
const LATER_REQUESTS: u32 = 5;

/// Result of a row for a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowResult {
    /// Command line of the tool, or `None` if the row was skipped.
    pub(crate) command: Option<String>,
    pub(crate) result: RunResult,
}

/// Result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RunResult {
    /// How the tool exited, the hosts that it named, and its output.
    Answered(ToolExit, Stations, String),
    /// The row was skipped, for this reason.
    Skipped(String),
    /// The tool could not be run, for this reason.
    Failed(String),
}

/// Runs a tool for a row, and parses its output.
pub(crate) fn run_row(
    tool: &Tool,
    row: &ComparisonRow,
    interfaces: ToolInterfaces,
    probe_lock: &Mutex<()>,
) -> RowResult {
    let (interface, address) = (interfaces.interface(row.situation), interfaces.address(row.situation));
    let arguments = match tool.kind.arguments(row, &interface, address, interfaces.number) {
        Ok(arguments) => arguments,
        Err(reason) => return RowResult { command: None, result: RunResult::Skipped(reason.to_owned()) },
    };
    // Only one tool at a time probes for this address, because simultaneous probes for the same address are a conflict.
    let probes = row.question == Question::Free && row.target == Target::Kernel;
    let _guard = probes.then(|| probe_lock.lock());
    let is_unprivileged = row.situation == Situation::Unprivileged;
    let refused = ToolExit::Code(unprivileged::REFUSED.into());
    let mut command =
        if is_unprivileged { unprivileged::command(&tool.program) } else { Command::new(&tool.program) };
    command.args(&arguments);
    let expected = tool.kind.expected_answer(row);
    let hangs = expected.0 == ToolExit::Hangs || tool.kind.is_passive() && expected.1 == NamedHosts::NoHost;
    let limit = if hangs { HANG_TIMEOUT } else { TIMEOUT };
    let stations = |text: &str| named_stations(tool, row, interfaces, text);
    // A passive tool that names no station is complete after its first line.
    let is_complete = |text: &str| !text.is_empty() && expected.1.is(&stations(text));
    let is_conflict = matches!(expected.1, NamedHosts::Both | NamedHosts::OneOfBoth | NamedHosts::SomeOfBoth);
    let later = if row.question == Question::Conflict && !is_conflict { LATER_REQUESTS } else { 0 };
    let answer = if tool.kind.is_passive() {
        interfaces
            .observed_requests(row)
            .and_then(|mut requests| observe(&mut command, || requests.send(), is_complete, later, limit))
    } else {
        interfaces.link_failure(row.situation).and_then(|failure| run(&mut command, failure, limit))
    };
    let result = match answer {
        Ok((exit, text)) if is_unprivileged && exit == refused => RunResult::Skipped(text.trim().to_owned()),
        Ok((exit, text)) => RunResult::Answered(exit, stations(&text), text),
        Err(reason) => RunResult::Failed(reason),
    };
    let program = tool.program.file_name().map_or("tapstack".into(), |name| name.to_string_lossy());
    let name = if tool.kind.is_tapstack() { "tapstack" } else { &program };
    RowResult { command: Some(format!("{name} {}", arguments.join(" "))), result }
}

/// Returns the hosts that a tool named. A tool that observes the packets of other tools names their stations too, so only
/// the addresses of the target count.
fn named_stations(tool: &Tool, row: &ComparisonRow, interfaces: ToolInterfaces, text: &str) -> Stations {
    let mut stations = tool.kind.stations(text);
    if tool.kind.observes() {
        let addresses = row.target.addresses(interfaces.number);
        stations.retain(|(ip, _)| addresses.contains(ip));
    }
    stations
}

/// Returns the version output of a tool.
pub(crate) fn version(program: &Path) -> Result<String, String> {
    run(Command::new(program).arg("-V"), None, TIMEOUT).map(|(_, text)| text)
}

/// Runs a command. Sets an interface down during the run, if it fails in this situation.
fn run(
    command: &mut Command,
    failure: Option<LinkFailure>,
    limit: Duration,
) -> Result<(ToolExit, String), String> {
    let mut process = ToolProcess::start(command)?;
    let exit = match failure {
        None => process.wait(limit)?,
        Some(mut failure) => {
            let triggered = failure.trigger();
            let exit = process.wait(limit);
            failure.revert()?;
            triggered.and(exit)?
        }
    };
    Ok((exit, process.into_text()))
}

/// Runs a passive tool. Sends requests until `is_complete` returns true for the output, and then `later` times, or until
/// `limit`. Then interrupts the tool.
fn observe(
    command: &mut Command,
    mut send: impl FnMut() -> Result<(), String>,
    is_complete: impl Fn(&str) -> bool,
    later: u32,
    limit: Duration,
) -> Result<(ToolExit, String), String> {
    let mut process = ToolProcess::start(command)?;
    let (mut exit, mut result, mut left) = (None, Ok(()), None);
    while exit.is_none() && result.is_ok() && left != Some(0) && process.elapsed() < limit {
        result = send();
        thread::sleep(REQUEST_INTERVAL);
        exit = process.exit()?;
        left = match left {
            Some(left) => Some(left - 1),
            None => is_complete(&process.text()).then_some(later),
        };
    }
    let exit = if let Some(exit) = exit {
        exit
    } else {
        process.interrupt()?;
        process.wait(limit + TIMEOUT)?
    };
    result.map(|()| (exit, process.into_text()))
}

#[cfg(test)]
mod tests;
