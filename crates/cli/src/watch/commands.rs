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
/// Maximum number of events of an interface that wait for their command.
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
    /// The events of each interface.
    queues: Vec<EventQueue>,
    /// Place of the queue that is next in turn.
    next: usize,
    /// Commands that run, with the place of their queue.
    running: Vec<(usize, Child)>,
    /// Whether a command could not be started. The first such failure is reported, all failures are counted.
    has_start_failure: bool,
}

/// Events of one interface, so that many events of an interface do not delay or lose events of another.
#[derive(Debug, Default)]
struct EventQueue {
    /// Events as JSON lines, oldest first.
    pending: VecDeque<String>,
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
    /// Runs `command` for each event of this number of interfaces. Without a command, does nothing.
    pub(super) fn new(command: Option<String>, interfaces: usize, is_silent: bool) -> EventCommands {
        let queues = std::iter::repeat_with(EventQueue::default).take(interfaces).collect();
        EventCommands { command, is_silent, queues, ..EventCommands::default() }
    }

    /// Returns whether there is a command.
    pub(super) fn is_enabled(&self) -> bool {
        self.command.is_some()
    }

    /// Returns the counts of an interface.
    pub(super) fn counts(&self, place: usize) -> CommandCounts {
        self.queues.get(place).map_or_else(CommandCounts::default, |queue| queue.counts)
    }

    /// Adds an event of the interface at this place, as a JSON line.
    pub(super) fn add(&mut self, place: usize, line: String) {
        let Some(queue) = self.queues.get_mut(place) else { return };
        if queue.pending.len() >= MAX_PENDING {
            queue.counts.lost = queue.counts.lost.saturating_add(1);
        } else {
            queue.pending.push_back(line);
        }
    }

    /// Returns the number of events that wait for their command.
    fn pending(&self) -> usize {
        self.queues.iter().map(|queue| queue.pending.len()).sum()
    }

    /// Returns the time until the next call of [`EventCommands::advance`], or `None` if nothing runs.
    pub(super) fn delay(&self) -> Option<Duration> {
        (!self.running.is_empty() || self.pending() > 0).then_some(CHECK_INTERVAL)
    }

    /// Counts ended commands, and starts commands for the next events. The interfaces take turns.
    pub(super) fn advance(&mut self) {
        let queues = &mut self.queues;
        self.running.retain_mut(|(place, child)| match child.try_wait() {
            Ok(None) => true,
            ended => {
                let is_success = ended.is_ok_and(|status| status.is_some_and(|status| status.success()));
                if let Some(queue) = queues.get_mut(*place) {
                    queue.counts.failed = queue.counts.failed.saturating_add(u64::from(!is_success));
                }
                false
            }
        });
        while self.running.len() < MAX_RUNNING && self.command.is_some() {
            let Some((place, line)) = self.take_next() else { break };
            self.start(place, &line);
        }
    }

    /// Removes and returns the next event, with the place of its interface.
    fn take_next(&mut self) -> Option<(usize, String)> {
        let count = self.queues.len();
        for place in (self.next..count).chain(0..self.next) {
            let queue = self.queues.get_mut(place)?;
            if let Some(line) = queue.pending.pop_front() {
                self.next = (place + 1) % count;
                return Some((place, line));
            }
        }
        None
    }

    /// Starts the command for an event.
    fn start(&mut self, place: usize, line: &str) {
        let (Some(command), Some(queue)) = (&self.command, self.queues.get_mut(place)) else { return };
        match start(command, line, self.is_silent) {
            Ok(child) => {
                queue.counts.started = queue.counts.started.saturating_add(1);
                self.running.push((place, child));
            }
            Err(error) => {
                if !std::mem::replace(&mut self.has_start_failure, true) && !self.is_silent {
                    Failure::new(format!("cannot run the command of --exec: {error}")).print();
                }
                queue.counts.failed = queue.counts.failed.saturating_add(1);
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
        while self.pending() > rest {
            self.advance();
            if self.pending() <= rest || end.is_some_and(|end| clock.now() >= end) {
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
        for EventQueue { pending, counts } in &mut self.queues {
            let unstarted = u64::try_from(pending.len()).unwrap_or(u64::MAX);
            counts.lost = counts.lost.saturating_add(unstarted);
            pending.clear();
        }
        Ok(())
    }
}

/// Starts a shell command. The event is its standard input, and each field of the event is an environment variable.
fn start(command: &str, line: &str, is_silent: bool) -> std::io::Result<Child> {
    // A child process inherits blocked signals. The launcher unblocks them.
    let mut process = Command::new("/proc/self/exe");
    process.arg0(COMMAND_LAUNCHER).args(["/bin/sh", "-c", command]).stdin(Stdio::piped());
    process.envs(variables(line));
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
    fn first_command_that_cannot_start_is_reported_after_commands_that_failed() {
        // The kernel rejects arguments of more than 128 KiB.
        let mut commands = EventCommands::new(Some("x".repeat(1 << 18)), 1, true);
        commands.running.push((0, Command::new("false").spawn().unwrap()));
        while commands.delay().is_some() {
            commands.advance();
        }
        assert_eq!((commands.counts(0).failed, commands.has_start_failure), (1, false));
        commands.add(0, "{}".to_owned());
        commands.advance();
        assert_eq!((commands.counts(0).failed, commands.has_start_failure), (2, true));
    }

    #[test]
    fn events_beyond_queue_of_interface_are_counted_as_lost() {
        let mut commands = EventCommands::new(Some("true".to_owned()), 2, true);
        for number in 0..MAX_PENDING + 3 {
            commands.add(0, number.to_string());
        }
        assert_eq!((commands.counts(0).lost, commands.delay()), (3, Some(CHECK_INTERVAL)));
        assert_eq!(EventCommands::default().delay(), None);
        // The events of another interface have their own queue, and both interfaces take turns.
        commands.add(1, "other".to_owned());
        assert_eq!(commands.counts(1).lost, 0, "a full queue lost an event of another interface");
        let next: Vec<_> = (0..3).filter_map(|_| commands.take_next()).collect();
        let expected = [(0, "0"), (1, "other"), (0, "1")].map(|(place, line)| (place, line.to_owned()));
        assert_eq!(next, expected);
    }
}
