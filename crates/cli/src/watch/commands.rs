//! Commands that run on events: `watch --exec`.

use std::collections::VecDeque;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use runtime::Clock;
use serde_json::Value;
use tap::Instant;
use tap::linux::{Descriptor, wait};

use crate::failure::Failure;
use crate::lab::command::COMMAND_LAUNCHER;
use crate::signals::Signals;

/// Maximum number of commands that run at the same time.
const MAX_RUNNING: usize = 8;
/// Maximum number of events that wait for their command.
pub(super) const MAX_PENDING: usize = 256;
/// Interval between checks for the end of a command.
pub(super) const CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// Maximum time to wait for the commands when `watch` ends.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs a shell command for each event.
#[derive(Debug, Default)]
pub(super) struct EventCommands {
    command: Option<String>,
    /// Whether the output of the commands is discarded, because a screen is shown.
    is_silent: bool,
    /// Interface or TAP of the events; `None` for a capture.
    interface: Option<String>,
    /// Events as JSON lines, oldest first.
    pending: VecDeque<String>,
    running: Vec<Child>,
    counts: CommandCounts,
}

/// Limit of a wait for the commands.
#[derive(Clone, Copy, Debug)]
pub(super) struct CommandWait {
    pub(super) clock: Clock,
    /// End of the wait. Without it, only a signal ends the wait.
    pub(super) end: Option<Instant>,
}

/// Counts of commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CommandCounts {
    /// Commands that were started.
    pub(super) started: u64,
    /// Commands that could not be started, or that ended with another exit code than 0.
    pub(super) failed: u64,
    /// Events without a command: too many events were waiting, or `watch` ended.
    pub(super) lost: u64,
}

impl EventCommands {
    /// Runs `command` for each event of an interface or a capture. Without a command, does nothing.
    pub(super) fn new(command: Option<String>, interface: Option<String>, is_silent: bool) -> EventCommands {
        EventCommands { command, is_silent, interface, ..EventCommands::default() }
    }

    /// Returns whether there is a command.
    pub(super) fn is_enabled(&self) -> bool {
        self.command.is_some()
    }

    pub(super) fn counts(&self) -> CommandCounts {
        self.counts
    }

    /// Adds an event, as a JSON line.
    pub(super) fn add(&mut self, line: String) {
        if self.pending.len() >= MAX_PENDING {
            self.counts.lost = self.counts.lost.saturating_add(1);
        } else {
            self.pending.push_back(line);
        }
    }

    /// Returns the time until the next call of [`EventCommands::advance`], or `None` if nothing runs.
    pub(super) fn delay(&self) -> Option<Duration> {
        (!self.running.is_empty() || !self.pending.is_empty()).then_some(CHECK_INTERVAL)
    }

    /// Counts ended commands, and starts commands for the next events.
    pub(super) fn advance(&mut self) {
        let counts = &mut self.counts;
        self.running.retain_mut(|child| match child.try_wait() {
            Ok(None) => true,
            ended => {
                let is_success = ended.is_ok_and(|status| status.is_some_and(|status| status.success()));
                counts.failed = counts.failed.saturating_add(u64::from(!is_success));
                false
            }
        });
        while self.running.len() < MAX_RUNNING
            && let Some(command) = &self.command
            && let Some(line) = self.pending.pop_front()
        {
            match start(command, self.interface.as_deref(), &line, self.is_silent) {
                Ok(child) => {
                    self.counts.started = self.counts.started.saturating_add(1);
                    self.running.push(child);
                }
                Err(error) => {
                    // The first failure is reported, all failures are counted.
                    if self.counts.failed == 0 && !self.is_silent {
                        Failure::new(format!("cannot run the command of --exec: {error}")).print();
                    }
                    self.counts.failed = self.counts.failed.saturating_add(1);
                }
            }
        }
    }

    /// Waits until the commands of all but `rest` events have started. A signal or the limit ends the wait.
    pub(super) fn wait_until_pending(
        &mut self,
        rest: usize,
        CommandWait { clock, end }: CommandWait,
        signals: &Signals,
    ) -> std::io::Result<()> {
        while self.pending.len() > rest {
            self.advance();
            if self.pending.len() <= rest || end.is_some_and(|end| clock.now() >= end) {
                break;
            }
            let woken_by = [Descriptor::readable(signals.as_fd(), ())];
            if !wait(woken_by, Some(CHECK_INTERVAL))?.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Waits for the commands of all events, at most ten seconds or until a signal arrives. Commands that still run then
    /// continue.
    pub(super) fn finish(&mut self, signals: &Signals) -> std::io::Result<()> {
        let clock = Clock::start();
        let end = clock.now() + END_TIMEOUT;
        self.advance();
        while self.delay().is_some() && clock.now() < end {
            let woken_by = [Descriptor::readable(signals.as_fd(), ())];
            if !wait(woken_by, Some(CHECK_INTERVAL))?.is_empty() {
                break;
            }
            self.advance();
        }
        let unstarted = u64::try_from(self.pending.len()).unwrap_or(u64::MAX);
        self.counts.lost = self.counts.lost.saturating_add(unstarted);
        self.pending.clear();
        Ok(())
    }
}

/// Starts a shell command. The event is its standard input, and each field of the event is an environment variable.
fn start(command: &str, interface: Option<&str>, line: &str, is_silent: bool) -> std::io::Result<Child> {
    // A child process inherits blocked signals. The launcher unblocks them.
    let mut process = Command::new("/proc/self/exe");
    process.arg0(COMMAND_LAUNCHER).args(["/bin/sh", "-c", command]).stdin(Stdio::piped());
    process.envs(variables(line)).env("TAPSTACK_INTERFACE", interface.unwrap_or_default());
    if is_silent {
        process.stdout(Stdio::null()).stderr(Stdio::null());
    } else {
        // Standard output has the lines of this program.
        process.stdout(std::io::stderr().as_fd().try_clone_to_owned()?);
    }
    let mut child = process.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // A pipe accepts a line at once. The command need not read the line.
        let _ = writeln!(input, "{line}");
    }
    Ok(child)
}

/// Returns the environment variables of an event: `TAPSTACK_EVENT`, `TAPSTACK_IP` and so on.
fn variables(line: &str) -> Vec<(String, String)> {
    let object: Value = serde_json::from_str(line).unwrap_or_default();
    let fields = object.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| {
            let text = match value {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                value => value.to_string(),
            };
            (format!("TAPSTACK_{}", name.to_uppercase()), text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_event_are_variables() {
        let variables = variables(r#"{"event":"new","ip":"10.0.0.7","vlan":null,"old_mac":"x","count":3}"#);
        let mut named: Vec<_> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        named.sort();
        let expected = [
            "TAPSTACK_COUNT=3",
            "TAPSTACK_EVENT=new",
            "TAPSTACK_IP=10.0.0.7",
            "TAPSTACK_OLD_MAC=x",
            "TAPSTACK_VLAN=",
        ];
        assert_eq!(named, expected);
    }

    #[test]
    fn events_beyond_queue_are_counted_as_lost() {
        let mut commands = EventCommands::new(Some("true".to_owned()), None, true);
        for _ in 0..MAX_PENDING + 3 {
            commands.add("{}".to_owned());
        }
        assert_eq!((commands.counts().lost, commands.delay()), (3, Some(CHECK_INTERVAL)));
        assert_eq!(EventCommands::default().delay(), None);
    }
}
