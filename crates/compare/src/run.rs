//! A row put to a tool.

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

/// How long a tool may take on a machine that has other things to do: the slowest takes five seconds alone.
const TIMEOUT: Duration = Duration::from_mins(1);
/// How long one that is known to end never is let run.
const HANG_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two looks whether it has ended.
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// What came of a row and a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowResult {
    /// The command line, if there was one.
    pub(crate) command: Option<String>,
    pub(crate) result: RunResult,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RunResult {
    /// How it ended, whom it named, and all that it printed.
    Answered(ToolExit, Stations, String),
    /// It was not asked, and why.
    Not(String),
    /// It could not be asked, and why.
    Failed(String),
}

/// Puts a row to a tool, and reads its answer.
pub(crate) fn run_row(
    tool: &Tool,
    row: &ComparisonRow,
    interfaces: ToolInterfaces,
    probe_lock: &Mutex<()>,
) -> RowResult {
    let (interface, address) = (interfaces.interface(row.situation), interfaces.address(row.situation));
    let words = match tool.kind.arguments(row, &interface, address, interfaces.number) {
        Ok(words) => words,
        Err(reason) => return RowResult { command: None, result: RunResult::Not(reason.to_owned()) },
    };
    // A probe for an address is a conflict with another's.
    let probes = row.question == Question::Free && row.target == Target::Kernel;
    let _turn = probes.then(|| probe_lock.lock());
    let is_unprivileged = row.situation == Situation::Unprivileged;
    let refused = ToolExit::Code(unprivileged::REFUSED.into());
    let mut command =
        if is_unprivileged { unprivileged::command(&tool.program) } else { Command::new(&tool.program) };
    command.args(&words);
    let limit = if tool.kind.expected_answer(row).0 == ToolExit::Hangs { HANG_TIMEOUT } else { TIMEOUT };
    let result =
        match interfaces.link_failure(row.situation).and_then(|failure| run(&mut command, failure, limit)) {
            Ok((end, text)) if is_unprivileged && end == refused => RunResult::Not(text.trim().to_owned()),
            Ok((end, text)) => RunResult::Answered(end, tool.kind.stations(&text), text),
            Err(reason) => RunResult::Failed(reason),
        };
    let program = tool.program.file_name().map_or("tapstack".into(), |name| name.to_string_lossy());
    let name = if tool.kind.is_ours() { "tapstack" } else { &program };
    RowResult { command: Some(format!("{name} {}", words.join(" "))), result }
}

/// What a tool says when it is asked for its version.
pub(crate) fn version(program: &Path) -> Result<String, String> {
    run(Command::new(program).arg("-V"), None, TIMEOUT).map(|(_, text)| text)
}

/// Runs a command to its end, or ends it after so long; what it printed, errors last.
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
    let end = match failure {
        None => end_of(&mut child, clock, limit)?,
        Some(mut failure) => {
            let triggered = failure.trigger();
            let end = end_of(&mut child, clock, limit);
            failure.revert()?;
            triggered.and(end)?
        }
    };
    let text = [out, errors].into_iter().flatten().map(|text| text.join().unwrap_or_default());
    Ok((end, text.collect::<Vec<_>>().concat()))
}

/// Waits for the end of a child; one that has had its time is ended.
fn end_of(child: &mut Child, clock: Clock, limit: Duration) -> Result<ToolExit, String> {
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

/// Reads all that comes, so that nobody waits for his reader.
fn read_all(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is all there is.
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
