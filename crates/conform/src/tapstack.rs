//! `tapstack host` as the host under test.

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

/// Timeout for the first frame. On a loaded machine, opening a TAP waits for the kernel's lock on all interfaces.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// Timeout for output of the host.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Interval between two frames to the host, until the host receives a frame. A TAP has capacity for the frames of
/// [`START_TIMEOUT`].
const POLL_INTERVAL: Duration = Duration::from_millis(150);
/// Interval between frames that are sent to the host, because the host continues blocked output when a frame arrives.
const RESEND_INTERVAL: Duration = Duration::from_millis(200);

/// A running `tapstack host` on a TAP.
pub struct TapstackHost {
    child: Child,
    lines: JsonLines,
    /// The `ready` line, if the line was read and not returned yet.
    ready: Option<Value>,
    events: Vec<Value>,
}

/// Creates the TAP of a host. Called before the host starts, so that no frame of the host is missed.
pub fn create_tap(name: &InterfaceName) -> Result<(), String> {
    let tap = PersistentTap { name: name.clone(), owner: None, group: None, mtu: None, address: None };
    tap.create().map(drop).map_err(|error| error.to_string())
}

impl TapstackHost {
    /// Starts the program as a host on a TAP with additional options.
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
                // The suite reads the frames of the TAP, where those of several segments are uncut.
                "--io",
                "read-write",
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

    /// Calls `send` repeatedly until the host reports a dropped frame.
    pub(crate) fn wait_until_receiving(
        &mut self,
        mut send: impl FnMut() -> Result<(), String>,
    ) -> Result<(), String> {
        let clock = Clock::start();
        while clock.elapsed() < START_TIMEOUT {
            send()?;
            match self.lines.next(POLL_INTERVAL) {
                Ok(line) if event(&line) == Some("dropped") => return Ok(()),
                Ok(line) if event(&line) == Some("ready") => self.ready = Some(line),
                Ok(_) | Err(LineError::Timeout) => {}
                Err(reason) => {
                    return Err(format!("no report of a received frame: {reason}{}", self.stderr_text()));
                }
            }
        }
        Err(format!("no report of a received frame within {START_TIMEOUT:?}"))
    }

    /// Waits for the `ready` line and returns it.
    pub fn wait_until_ready(&mut self) -> Result<Value, String> {
        if let Some(line) = self.ready.take() {
            return Ok(line);
        }
        loop {
            match self.lines.next(TIMEOUT) {
                Ok(line) if event(&line) == Some("ready") => return Ok(line),
                Ok(_) => {}
                Err(reason) => {
                    return Err(format!("no event `ready`: {reason}{}", self.stderr_text()));
                }
            }
        }
    }

    /// Waits until the host exits. Returns its exit code.
    pub(crate) fn wait_for_exit(&mut self, limit: Duration) -> Result<Option<i32>, String> {
        let clock = Clock::start();
        while clock.elapsed() < limit {
            if let Some(status) = self.child.try_wait().map_err(|error| error.to_string())? {
                return Ok(status.code());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(format!("the host is still running after {limit:?}"))
    }

    /// Stops the host and returns its standard error.
    fn stderr_text(&mut self) -> String {
        self.kill();
        let mut text = String::new();
        if let Some(mut errors) = self.child.stderr.take() {
            // An error is ignored, and incomplete text is returned.
            let _ = errors.read_to_string(&mut text);
        }
        if text.is_empty() { text } else { format!("; {}", text.trim()) }
    }

    /// Stops the host. Ignores errors, because the host may have ended.
    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl TestedHost for TapstackHost {
    /// Reads the entries up to the static entry with the highest address. The host prints the entries ordered by
    /// address.
    fn table(&mut self, nudge: &mut dyn FnMut() -> Result<(), String>) -> Result<ArpCache, String> {
        let pid = i32::try_from(self.child.id()).map_err(|error| error.to_string())?;
        kill(Pid::from_raw(pid), Signal::SIGUSR1)
            .map_err(|error| format!("cannot signal the host: {error}"))?;
        let mut table = ArpCache::new();
        for _ in 0..TIMEOUT.as_millis() / RESEND_INTERVAL.as_millis() {
            loop {
                let line = match self.lines.next(RESEND_INTERVAL) {
                    Ok(line) => line,
                    Err(LineError::Timeout) => break,
                    Err(reason) => return Err(format!("no ARP cache: {reason}")),
                };
                match entry(&line) {
                    Some((LAST, _)) => return Ok(table),
                    Some((ip, mac_address)) => drop(table.insert(ip, mac_address)),
                    None => self.events.extend(Some(line).filter(is_cache_event)),
                }
            }
            nudge()?;
        }
        Err(format!("no ARP cache within {TIMEOUT:?}"))
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

/// Returns the event of a line.
fn event(line: &Value) -> Option<&str> {
    line.get("event")?.as_str()
}

/// Returns whether a line reports a claim to an address that has an entry.
fn is_cache_event(line: &Value) -> bool {
    matches!(event(line), Some("moved" | "static_conflict"))
}
