//! `tapstack host` as a host under test.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tap::linux::{InterfaceName, PersistentTap};

use super::clock::Clock;
use super::frames::{LAST, mac};
use super::lines::{Lines, NoLine};
use super::subject::{Subject, Table, entry};

/// How long it may take to say what it was asked for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two frames that it may hear.
const GRAIN: Duration = Duration::from_millis(5);
/// After how long it is nudged: what did not fit into the pipe goes out when something arrives.
const PAUSE: Duration = Duration::from_millis(200);

/// A `tapstack host` on a TAP.
pub struct Tapstack {
    child: Child,
    lines: Lines,
    /// That it is ready, if it has said so to nobody yet.
    ready: Option<Value>,
    told: Vec<Value>,
}

/// Makes the TAP that a host is to be on, so that nothing it sends goes unheard.
pub fn make_tap(name: &InterfaceName) -> Result<(), String> {
    let tap = PersistentTap { name: name.clone(), owner: None, group: None, mtu: None, address: None };
    tap.create().map(drop).map_err(|error| error.to_string())
}

impl Tapstack {
    /// Starts the program as a host on a TAP, with these further options.
    pub fn start<S: AsRef<OsStr>>(
        program: &Path,
        tap: &InterfaceName,
        options: &[S],
    ) -> Result<Tapstack, String> {
        let mut child = Command::new(program)
            .args([
                "host",
                "--json",
                "-v",
                "--tap",
                tap.as_str(),
                "--static",
                &format!("{LAST}={}", mac([2; 6])),
            ])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot run {}: {error}", program.display()))?;
        let lines = Lines::of(child.stdout.take().ok_or("the host has no standard output")?);
        Ok(Tapstack { child, lines, ready: None, told: Vec::new() })
    }

    /// Sends it frames by `send` until it tells of one.
    pub(crate) fn hear(&mut self, mut send: impl FnMut() -> Result<(), String>) -> Result<(), String> {
        let clock = Clock::start();
        while clock.elapsed() < PATIENCE {
            send()?;
            match self.lines.next(GRAIN) {
                Ok(line) if event(&line) == Some("dropped") => return Ok(()),
                Ok(line) if event(&line) == Some("ready") => self.ready = Some(line),
                Ok(_) | Err(NoLine::Late) => {}
                Err(reason) => return Err(format!("the host hears nothing: {reason}{}", self.last_words())),
            }
        }
        Err(format!("the host hears nothing for {PATIENCE:?}"))
    }

    /// Waits until it says that it can answer, and returns what it says.
    pub fn ready(&mut self) -> Result<Value, String> {
        if let Some(line) = self.ready.take() {
            return Ok(line);
        }
        loop {
            match self.lines.next(PATIENCE) {
                Ok(line) if event(&line) == Some("ready") => return Ok(line),
                Ok(_) => {}
                Err(reason) => {
                    return Err(format!("the host did not say `ready`: {reason}{}", self.last_words()));
                }
            }
        }
    }

    /// Waits for its end, and returns the exit code.
    pub(crate) fn ended(&mut self, limit: Duration) -> Result<Option<i32>, String> {
        let clock = Clock::start();
        while clock.elapsed() < limit {
            if let Some(status) = self.child.try_wait().map_err(|error| error.to_string())? {
                return Ok(status.code());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(format!("the host still runs after {limit:?}"))
    }

    /// What it said on standard error, once it is over with.
    fn last_words(&mut self) -> String {
        self.end();
        let mut words = String::new();
        if let Some(mut errors) = self.child.stderr.take() {
            // As much as there is.
            let _ = errors.read_to_string(&mut words);
        }
        if words.is_empty() { words } else { format!("; {}", words.trim()) }
    }

    /// Ends it. Ended already or not, it is over with.
    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Subject for Tapstack {
    /// The table is listed in the order of its addresses, so the static entry with the last address
    /// of all ends it.
    fn table(&mut self, nudge: &mut dyn FnMut() -> Result<(), String>) -> Result<Table, String> {
        let pid = i32::try_from(self.child.id()).map_err(|error| error.to_string())?;
        kill(Pid::from_raw(pid), Signal::SIGUSR1).map_err(|error| format!("cannot ask the host: {error}"))?;
        let mut table = Table::new();
        for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
            loop {
                let line = match self.lines.next(PAUSE) {
                    Ok(line) => line,
                    Err(NoLine::Late) => break,
                    Err(reason) => return Err(format!("no translation table: {reason}")),
                };
                match entry(&line) {
                    Some((LAST, _)) => return Ok(table),
                    Some((protocol, hardware)) => drop(table.insert(protocol, hardware)),
                    None => self.told.extend(Some(line).filter(is_of_table)),
                }
            }
            nudge()?;
        }
        Err(format!("no translation table in {PATIENCE:?}"))
    }

    fn told(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.told)
    }

    fn is_alive(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_none())
    }
}

impl Drop for Tapstack {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a line tells of.
fn event(line: &Value) -> Option<&str> {
    line.get("event")?.as_str()
}

/// Whether a line tells of a claim to an address that is known.
fn is_of_table(line: &Value) -> bool {
    matches!(event(line), Some("moved" | "held"))
}
