//! The process of a tool, and its output.

use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::rows::ToolExit;
use conform::clock::Clock;
use testbed::launcher;

/// Interval between two checks for the exit of the tool.
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// A running tool.
pub(crate) struct ToolProcess {
    child: Child,
    /// Standard output, then standard error.
    outputs: Vec<ToolOutput>,
    clock: Clock,
}

/// A stream of the tool. A thread reads the stream to its end, so that the tool never blocks on a full pipe.
struct ToolOutput {
    bytes: SharedBytes,
    reader: JoinHandle<()>,
}

/// The bytes of a stream so far.
#[derive(Clone, Default)]
struct SharedBytes(Arc<Mutex<Vec<u8>>>);

impl ToolProcess {
    /// Starts a tool.
    pub(crate) fn start(command: &mut Command) -> Result<ToolProcess, String> {
        // A tool that inherits an ignored SIGINT cannot be interrupted.
        launcher::restore_signals().map_err(|error| format!("cannot restore signals: {error}"))?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env("LC_ALL", "C")
            .spawn()
            .map_err(|error| format!("cannot run {}: {error}", command.get_program().display()))?;
        let outputs = [child.stdout.take().map(ToolOutput::of), child.stderr.take().map(ToolOutput::of)];
        Ok(ToolProcess { child, outputs: outputs.into_iter().flatten().collect(), clock: Clock::start() })
    }

    /// Returns the time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Returns the output so far.
    pub(crate) fn text(&self) -> String {
        self.outputs.iter().map(|output| output.bytes.text()).collect()
    }

    /// Returns how the tool exited, or `None` while the tool is running.
    pub(crate) fn exit(&mut self) -> Result<Option<ToolExit>, String> {
        let Some(status) = self.child.try_wait().map_err(|error| error.to_string())? else { return Ok(None) };
        match (status.code(), status.signal()) {
            (Some(code), _) => Ok(Some(ToolExit::Code(code))),
            (None, Some(signal)) if Signal::try_from(signal) == Ok(Signal::SIGINT) => {
                Ok(Some(ToolExit::Interrupted))
            }
            _ => Err(status.to_string()),
        }
    }

    /// Sends SIGINT to the tool.
    pub(crate) fn interrupt(&self) -> Result<(), String> {
        let pid = i32::try_from(self.child.id()).map_err(|error| error.to_string())?;
        kill(Pid::from_raw(pid), Signal::SIGINT).map_err(|error| format!("cannot interrupt a tool: {error}"))
    }

    /// Waits until the tool exits. Kills the tool after `limit`.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<ToolExit, String> {
        loop {
            if let Some(exit) = self.exit()? {
                return Ok(exit);
            }
            if self.elapsed() > limit {
                break;
            }
            thread::sleep(RETRY_INTERVAL);
        }
        self.child.kill().and_then(|()| self.child.wait()).map_err(|error| error.to_string())?;
        Ok(ToolExit::Hangs)
    }

    /// Returns the whole output of a tool that has exited.
    pub(crate) fn into_text(self) -> String {
        let end = |ToolOutput { bytes, reader }| {
            // A reader does not panic.
            let _ = reader.join();
            bytes.text()
        };
        self.outputs.into_iter().map(end).collect()
    }
}

impl ToolOutput {
    fn of(mut stream: impl Read + Send + 'static) -> ToolOutput {
        let bytes = SharedBytes::default();
        let mut writer = bytes.clone();
        let reader = thread::spawn(move || {
            // After an error, the bytes that were read before the error are used.
            let _ = io::copy(&mut stream, &mut writer);
        });
        ToolOutput { bytes, reader }
    }
}

impl SharedBytes {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for SharedBytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
