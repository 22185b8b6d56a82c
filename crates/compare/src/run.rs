//! Runs a tool for a row.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use super::network::{LinkFailure, ToolInterfaces};
use super::rows::{ComparisonRow, Question, Situation, Stations, Target, ToolExit};
use super::tool::Tool;
use super::unprivileged;
use conform::clock::Clock;

/// Timeout of a tool. The slowest tool takes five seconds on an idle machine.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Timeout of a tool that is recorded as hanging.
const HANG_TIMEOUT: Duration = Duration::from_secs(10);
/// Interval between two checks for the exit of the tool.
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

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
    let limit = if tool.kind.expected_answer(row).0 == ToolExit::Hangs { HANG_TIMEOUT } else { TIMEOUT };
    let result = match interfaces
        .link_failure(row.situation)
        .and_then(|failure| run(&mut command, failure, limit))
    {
        Ok((exit, text)) if is_unprivileged && exit == refused => RunResult::Skipped(text.trim().to_owned()),
        Ok((exit, text)) => RunResult::Answered(exit, tool.kind.stations(&text), text),
        Err(reason) => RunResult::Failed(reason),
    };
    let program = tool.program.file_name().map_or("tapstack".into(), |name| name.to_string_lossy());
    let name = if tool.kind.is_tapstack() { "tapstack" } else { &program };
    RowResult { command: Some(format!("{name} {}", arguments.join(" "))), result }
}

/// Returns the version output of a tool.
pub(crate) fn version(program: &Path) -> Result<String, String> {
    run(Command::new(program).arg("-V"), None, TIMEOUT).map(|(_, text)| text)
}

/// Runs a command, and kills the process after `limit`. Returns how the process exited, and its output with standard
/// error last.
fn run(
    command: &mut Command,
    failure: Option<LinkFailure>,
    limit: Duration,
) -> Result<(ToolExit, String), String> {
    let clock = Clock::start();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("LC_ALL", "C")
        .spawn()
        .map_err(|error| format!("cannot run {}: {error}", command.get_program().display()))?;
    let [out, errors] = [child.stdout.take().map(read_all), child.stderr.take().map(read_all)];
    let exit = match failure {
        None => wait_for_exit(&mut child, clock, limit)?,
        Some(mut failure) => {
            let triggered = failure.trigger();
            let exit = wait_for_exit(&mut child, clock, limit);
            failure.revert()?;
            triggered.and(exit)?
        }
    };
    let text = [out, errors].into_iter().flatten().map(|text| text.join().unwrap_or_default());
    Ok((exit, text.collect::<Vec<_>>().concat()))
}

/// Waits until a child exits. Kills the child after `limit`.
fn wait_for_exit(child: &mut Child, clock: Clock, limit: Duration) -> Result<ToolExit, String> {
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return status.code().map(ToolExit::Code).ok_or_else(|| status.to_string());
        }
        if clock.elapsed() > limit {
            break;
        }
        thread::sleep(RETRY_INTERVAL);
    }
    child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
    Ok(ToolExit::Hangs)
}

/// Reads a stream to its end in a thread, so that the child never blocks on a full pipe.
fn read_all(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // After an error, the bytes that were read before the error are used.
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
