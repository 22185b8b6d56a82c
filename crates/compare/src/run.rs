//! A row put to a tool.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use super::kinds::Tool;
use super::place::{Event, Stand};
use super::rows::{End, Question, Row, Scene, Stations, Target};
use super::unprivileged;
use conform::clock::Clock;

/// How long a tool may take on a machine that has other things to do: the slowest takes five seconds alone.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long one that is known to end never is let run.
const ENOUGH: Duration = Duration::from_secs(10);
/// Between two looks whether it has ended.
const PAUSE: Duration = Duration::from_millis(5);

/// What came of a row and a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The command line, if there was one.
    pub(crate) command: Option<String>,
    pub(crate) answer: Answer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// How it ended, whom it named, and all that it printed.
    Seen(End, Stations, String),
    /// It was not asked, and why.
    Not(String),
    /// It could not be asked, and why.
    Failed(String),
}

/// Puts a row to a tool, and reads its answer.
pub(crate) fn ask(tool: &Tool, row: &Row, stand: Stand, one_at_a_time: &Mutex<()>) -> Asked {
    let words = match tool.kind.words(row, stand) {
        Ok(words) => words,
        Err(reason) => return Asked { command: None, answer: Answer::Not(reason.to_owned()) },
    };
    // A probe for an address is a conflict with another's.
    let probes = row.question == Question::Free && row.target == Target::Kernel;
    let _turn = probes.then(|| one_at_a_time.lock());
    let is_powerless = row.scene == Scene::Powerless;
    let refused = End::Code(unprivileged::REFUSED.into());
    let mut command =
        if is_powerless { unprivileged::command(&tool.program) } else { Command::new(&tool.program) };
    command.args(&words);
    let limit = if tool.kind.says(row).0 == End::Never { ENOUGH } else { PATIENCE };
    let answer = match stand.event(row.scene).and_then(|event| run(&mut command, event, limit)) {
        Ok((end, text)) if is_powerless && end == refused => Answer::Not(text.trim().to_owned()),
        Ok((end, text)) => Answer::Seen(end, tool.kind.stations(&text), text),
        Err(reason) => Answer::Failed(reason),
    };
    let program = tool.program.file_name().map_or("tapstack".into(), |name| name.to_string_lossy());
    let name = if tool.kind.is_ours() { "tapstack" } else { &program };
    Asked { command: Some(format!("{name} {}", words.join(" "))), answer }
}

/// What a tool says when it is asked for its version.
pub(crate) fn version(program: &Path) -> Result<String, String> {
    run(Command::new(program).arg("-V"), None, PATIENCE).map(|(_, text)| text)
}

/// Runs a command to its end, or ends it after so long; what it printed, errors last.
fn run(command: &mut Command, event: Option<Event>, limit: Duration) -> Result<(End, String), String> {
    let clock = Clock::start();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("LC_ALL", "C")
        .spawn()
        .map_err(|error| format!("cannot run {}: {error}", command.get_program().display()))?;
    let [out, errors] = [child.stdout.take().map(drain), child.stderr.take().map(drain)];
    let end = match event {
        None => end_of(&mut child, clock, limit)?,
        Some(mut event) => {
            let happened = event.happen();
            let end = end_of(&mut child, clock, limit);
            event.undo()?;
            happened.and(end)?
        }
    };
    let text = [out, errors].into_iter().flatten().map(|text| text.join().unwrap_or_default());
    Ok((end, text.collect::<Vec<_>>().concat()))
}

/// Waits for the end of a child; one that has had its time is ended.
fn end_of(child: &mut Child, clock: Clock, limit: Duration) -> Result<End, String> {
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return status.code().map(End::Code).ok_or_else(|| status.to_string());
        }
        if clock.elapsed() > limit {
            break;
        }
        thread::sleep(PAUSE);
    }
    child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
    Ok(End::Never)
}

/// Reads all that comes, so that nobody waits for his reader.
fn drain(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut octets = Vec::new();
        // What came before an error is all there is.
        let _ = stream.read_to_end(&mut octets);
        String::from_utf8_lossy(&octets).into_owned()
    })
}
