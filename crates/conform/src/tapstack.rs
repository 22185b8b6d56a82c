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

use super::child_output::{JsonLines, LineError};
use super::clock::Clock;
use super::frames::{LAST, mac};
use super::tested_host::{ArpCache, TestedHost, entry};

/// How long it may take to say what it was asked for.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Between two frames that it may hear.
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// After how long it is nudged: what did not fit into the pipe goes out when something arrives.
const RESEND_INTERVAL: Duration = Duration::from_millis(200);

/// A `tapstack host` on a TAP.
pub struct TapstackHost {
    child: Child,
    lines: JsonLines,
    /// That it is ready, if it has said so to nobody yet.
    ready: Option<Value>,
    events: Vec<Value>,
}

/// Makes the TAP that a host is to be on, so that nothing it sends goes unheard.
pub fn create_tap(name: &InterfaceName) -> Result<(), String> {
    let tap = PersistentTap { name: name.clone(), owner: None, group: None, mtu: None, address: None };
    tap.create().map(drop).map_err(|error| error.to_string())
}

impl TapstackHost {
    /// Starts the program as a host on a TAP, with these further options.
    pub fn start<S: AsRef<OsStr>>(
        program: &Path,
        tap: &InterfaceName,
        options: &[S],
    ) -> Result<TapstackHost, String> {
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
        let lines = JsonLines::of(child.stdout.take().ok_or("the host has no standard output")?);
        Ok(TapstackHost { child, lines, ready: None, events: Vec::new() })
    }

    /// Sends it frames by `send` until it tells of one.
    pub(crate) fn wait_until_receiving(
        &mut self,
        mut send: impl FnMut() -> Result<(), String>,
    ) -> Result<(), String> {
        let clock = Clock::start();
        while clock.elapsed() < TIMEOUT {
            send()?;
            match self.lines.next(POLL_INTERVAL) {
                Ok(line) if event(&line) == Some("dropped") => return Ok(()),
                Ok(line) if event(&line) == Some("ready") => self.ready = Some(line),
                Ok(_) | Err(LineError::Late) => {}
                Err(reason) => return Err(format!("the host hears nothing: {reason}{}", self.stderr_text())),
            }
        }
        Err(format!("the host hears nothing for {TIMEOUT:?}"))
    }

    /// Waits until it says that it can answer, and returns what it says.
    pub fn wait_until_ready(&mut self) -> Result<Value, String> {
        if let Some(line) = self.ready.take() {
            return Ok(line);
        }
        loop {
            match self.lines.next(TIMEOUT) {
                Ok(line) if event(&line) == Some("ready") => return Ok(line),
                Ok(_) => {}
                Err(reason) => {
                    return Err(format!("the host did not say `ready`: {reason}{}", self.stderr_text()));
                }
            }
        }
    }

    /// Waits for its end, and returns the exit code.
    pub(crate) fn wait_for_exit(&mut self, limit: Duration) -> Result<Option<i32>, String> {
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
    fn stderr_text(&mut self) -> String {
        self.kill();
        let mut words = String::new();
        if let Some(mut errors) = self.child.stderr.take() {
            // As much as there is.
            let _ = errors.read_to_string(&mut words);
        }
        if words.is_empty() { words } else { format!("; {}", words.trim()) }
    }

    /// Ends it. Ended already or not, it is over with.
    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl TestedHost for TapstackHost {
    /// The table is listed in the order of its addresses, so the static entry with the last address
    /// of all ends it.
    fn table(&mut self, nudge: &mut dyn FnMut() -> Result<(), String>) -> Result<ArpCache, String> {
        let pid = i32::try_from(self.child.id()).map_err(|error| error.to_string())?;
        kill(Pid::from_raw(pid), Signal::SIGUSR1).map_err(|error| format!("cannot ask the host: {error}"))?;
        let mut table = ArpCache::new();
        for _ in 0..TIMEOUT.as_millis() / RESEND_INTERVAL.as_millis() {
            loop {
                let line = match self.lines.next(RESEND_INTERVAL) {
                    Ok(line) => line,
                    Err(LineError::Late) => break,
                    Err(reason) => return Err(format!("no translation table: {reason}")),
                };
                match entry(&line) {
                    Some((LAST, _)) => return Ok(table),
                    Some((ip, mac_address)) => drop(table.insert(ip, mac_address)),
                    None => self.events.extend(Some(line).filter(is_cache_event)),
                }
            }
            nudge()?;
        }
        Err(format!("no translation table in {TIMEOUT:?}"))
    }

    fn take_events(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.events)
    }

    fn is_alive(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_none())
    }
}

impl Drop for TapstackHost {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a line tells of.
fn event(line: &Value) -> Option<&str> {
    line.get("event")?.as_str()
}

/// Whether a line tells of a claim to an address that is known.
fn is_cache_event(line: &Value) -> bool {
    matches!(event(line), Some("moved" | "held"))
}
