//! `tapstack watch`: monitors ARP passively and reports hosts, changes and conflicts.

pub(crate) mod arguments;
mod commands;
mod file;
mod json;
mod known;
mod observer;
mod observers;
mod output;
mod screen;
mod source;
mod text;

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use runtime::Clock;
use schemars::{Schema, SchemaGenerator};
use tap::Instant;

use crate::error_message::ErrorMessage;
use crate::failure::Failure;
use crate::gaps::Gaps;
use crate::json::schema_with_interfaces;
use crate::output::Output;
use crate::signals::{Signals, TERMINATION_SIGNALS};
use crate::{privileges, probe};
use arguments::WatchArguments;
use commands::EventCommands;
use observer::Observer;
use observers::Observers;
use output::{EventOutput, LineOutput, WatchOutput};
use screen::Screen;
use source::{FrameWatcher, WatchSource};

/// Message about a source that was never able to receive.
const RECEIVED_NOTHING: &str = "received nothing";

/// Outcome of a watch.
struct WatchOutcome {
    /// Message about the first event of `--fail-on`.
    trigger: Option<ErrorMessage>,
    /// Reason why a conflict may have been missed; `None` if all frames were received.
    incomplete: Option<ErrorMessage>,
    /// Message about a capture without frames, or about interfaces that were never able to receive.
    never_received: Option<ErrorMessage>,
}

/// Runs `tapstack watch` until a signal, the deadline or the end of the source.
pub(crate) fn run(arguments: &WatchArguments) -> Result<ExitCode, Failure> {
    let clock = Clock::start();
    let WatchOutcome { trigger, incomplete, never_received } = match &arguments.file {
        Some(path) => file::watch(arguments, path, clock)?,
        None => watch_links(arguments, clock)?,
    };
    if let Some(message) = trigger {
        return Err(Failure::negative(message));
    }
    match (incomplete, never_received) {
        (Some(why), _) if !arguments.fail_on.is_empty() => Err(Failure::new(why.context("no result"))),
        (_, Some(why)) => Err(Failure::new(why)),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Blocks the signals that end a watch and returns a descriptor for them.
fn signals() -> std::io::Result<Signals> {
    Signals::take_over(&TERMINATION_SIGNALS)
}

/// Watches interfaces or a TAP.
fn watch_links(arguments: &WatchArguments, clock: Clock) -> Result<WatchOutcome, Failure> {
    let mut source = WatchSource::open(arguments, clock)?;
    let names = source.names();
    let name = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let observers = Observers::open(arguments, &names)?;
    let mut watcher = FrameWatcher::new(observers, &arguments.capture, clock, &source)?;
    let signals = &signals()?;
    let output = open_output(arguments, &name, SourceKind::Link, clock)?;
    drop_privileges(arguments)?;
    watcher.observers.save_known()?;
    let interfaces = names.len();
    let commands = EventCommands::new(arguments.exec.clone(), interfaces, output.is_screen());
    let mut output = EventOutput { output, commands, command_wait: None };
    let wall_time = watcher.wall_time(clock.now());
    watcher.observers.advance(wall_time);
    output.output.print_start(wall_time, &watcher.observers, &name);
    let end = arguments.deadline.map(|limit| clock.now() + limit);
    let ended = receive_until_end(&mut source, &mut watcher, &mut output, clock, end, signals);
    let ended = ended.and_then(|()| receive_rest(&mut source, &mut watcher, &mut output, clock, signals));
    watcher.flush();
    let is_cut_short = output.output.has_lost_reader();
    let observers = &mut watcher.observers;
    for (observer, (_, gaps, _)) in observers.list.iter_mut().zip(source.gaps()) {
        observer.frames_lost = gaps.lost.saturating_add(gaps.truncated);
    }
    let printed = output.finish(observers, signals);
    check(observers.trigger.as_ref(), ended)?;
    check(observers.trigger.as_ref(), printed)?;
    check(observers.trigger.as_ref(), check_all_watched(&source, interfaces))?;
    let (mut incomplete, mut never_received, mut silent) = (None, None, 0);
    for (observer, (name, gaps, was_alive)) in observers.list.iter().zip(source.gaps()) {
        let gaps = Gaps { turned_away: unwatched_count(observer), ..gaps };
        let why = if interfaces > 1 { gaps.explain_one_of_several(name) } else { gaps.explain(name) };
        let Some(why) = why else { continue };
        if !was_alive {
            silent += 1;
            never_received = Some(joined(never_received.take(), why.clone()));
        }
        incomplete = Some(joined(incomplete.take(), why));
    }
    let nothing = match interfaces {
        _ if silent == interfaces => RECEIVED_NOTHING.to_owned(),
        _ => format!("{RECEIVED_NOTHING} on {silent} of {interfaces} interfaces"),
    };
    let never_received = never_received.map(|why| why.context(nothing));
    let incomplete = incomplete.or_else(|| is_cut_short.then(closed_output_message));
    Ok(WatchOutcome { trigger: watcher.observers.trigger, incomplete, never_received })
}

/// Returns the reasons of several interfaces as one message.
fn joined(former: Option<ErrorMessage>, next: ErrorMessage) -> ErrorMessage {
    match former {
        Some(former) => former.and(next),
        None => next,
    }
}

/// Fails if an interface was not watched to the end.
fn check_all_watched(source: &WatchSource, interfaces: usize) -> Result<(), Failure> {
    let failures = (0..interfaces).filter_map(|place| source.failure(place).cloned());
    match failures.reduce(ErrorMessage::and) {
        Some(why) => Err(Failure::new(why.context("not watched to the end"))),
        None => Ok(()),
    }
}

/// Returns the failure of a watch. After an event of `--fail-on`, prints the failure, because the event is a result.
fn check(trigger: Option<&ErrorMessage>, outcome: Result<(), Failure>) -> Result<(), Failure> {
    match outcome {
        Err(why) if trigger.is_some() => {
            why.print();
            Ok(())
        }
        outcome => outcome,
    }
}

/// Prints changes of the links, and reports interfaces that are no longer watched.
fn report_link_changes(
    source: &mut WatchSource,
    watcher: &mut FrameWatcher,
    output: &mut EventOutput,
    now: Instant,
) {
    let wall_time = watcher.wall_time(now);
    for (place, observer) in watcher.observers.list.iter_mut().enumerate() {
        let mut was_alive = !observer.is_down;
        for state in source.link_changes(place) {
            // A link that goes down and comes up without a carrier is counted as one loss.
            let losses = u64::from(was_alive && !state.carries_frames());
            was_alive = state.carries_frames();
            observer.link_losses = observer.link_losses.saturating_add(losses);
            output.output.print_link_change(wall_time, observer, state);
        }
        observer.is_down = source.is_down(place);
        let is_new = !std::mem::replace(&mut observer.is_lost, source.failure(place).is_some());
        if let Some(why) = source.failure(place).filter(|_| is_new) {
            output.output.print_failure(why);
        }
    }
}

/// Returns how many packets and addresses were not tracked because the table was full.
fn unwatched_count(observer: &Observer) -> u64 {
    let counts = observer.counts();
    counts.rejected.saturating_add(counts.displaced)
}

/// Receives the frames that are already queued. Many frames may be queued if the process was suspended.
fn receive_rest(
    source: &mut WatchSource,
    watcher: &mut FrameWatcher,
    output: &mut EventOutput,
    clock: Clock,
    signals: &Signals,
) -> Result<(), Failure> {
    let is_drained = probe::drain(|| {
        if is_over(&watcher.observers, &output.output) {
            return Ok(false);
        }
        let has_arrived = source.receive(watcher)?;
        output.print_events(&mut watcher.observers, signals)?;
        Ok(has_arrived)
    })?;
    if !is_drained {
        source.mark_unread();
    }
    source.follow_links()?;
    report_link_changes(source, watcher, output, clock.now());
    Ok(())
}

/// Receives until the deadline, a signal, a closed output or an event that ends the watch.
fn receive_until_end(
    source: &mut WatchSource,
    watcher: &mut FrameWatcher,
    output: &mut EventOutput,
    clock: Clock,
    end: Option<Instant>,
    signals: &Signals,
) -> Result<(), Failure> {
    // A signal may have arrived before the first wait.
    let mut has_signal = true;
    while !is_over(&watcher.observers, &output.output) {
        if has_signal && signals.next()?.is_some() {
            return Ok(());
        }
        let now = clock.now();
        let left = end.map(|end| end.since(now));
        if left == Some(Duration::ZERO) {
            return Ok(());
        }
        let wall_time = watcher.wall_time(now);
        let due = watcher.observers.deadline().map(|at| at.since(wall_time));
        let delays = [left, due, output.output.refresh_delay(wall_time), output.commands.delay()];
        let limit = delays.into_iter().flatten().min();
        has_signal = source.step(watcher, signals, output.output.key_fd(), limit)?;
        let now = clock.now();
        let wall_time = watcher.wall_time(now);
        watcher.observers.advance(wall_time);
        watcher.flush();
        output.print_events(&mut watcher.observers, signals)?;
        report_link_changes(source, watcher, output, now);
        // A failure is reported at the end, and the next attempt may be successful.
        let _ = watcher.observers.save_known_if_due(wall_time);
        output.commands.advance();
        output.output.refresh(wall_time, &watcher.observers)?;
    }
    Ok(())
}

/// Whether the output is closed, or an event of `--fail-on` ends the watch.
fn is_over(observers: &Observers, output: &WatchOutput) -> bool {
    output.is_closed() || observers.trigger.is_some()
}

/// Drops the privileges, except those for the file of `--known`.
fn drop_privileges(arguments: &WatchArguments) -> Result<(), Failure> {
    match arguments.known {
        Some(_) => privileges::drop_except(&privileges::FILE_CAPABILITIES),
        None => privileges::drop_all(),
    }
}

/// Kind of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SourceKind {
    Link,
    File,
    Pipe,
}

/// Opens the output. If the source is a file, a slow reader of the output slows down reading the file.
fn open_output(
    arguments: &WatchArguments,
    name: &str,
    kind: SourceKind,
    clock: Clock,
) -> Result<WatchOutput, Failure> {
    if arguments.quiet {
        return Ok(WatchOutput::Quiet);
    }
    let styler = arguments.capture.text_styler();
    let wants_lines = arguments.plain || arguments.json || kind == SourceKind::Pipe;
    let has_screen = io::stdout().is_terminal()
        && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
        && !arguments.capture.is_standard_output();
    if has_screen && !wants_lines {
        // Without a keyboard, print lines instead.
        if let Ok(screen) = Screen::new(name.to_owned(), kind == SourceKind::Link, styler) {
            return Ok(WatchOutput::Screen(Box::new(screen)));
        }
    }
    let out = Output::new(arguments.capture.text_output()?);
    Ok(WatchOutput::Lines(LineOutput {
        out,
        styler,
        json: arguments.json,
        kind,
        clock: (kind == SourceKind::Link).then_some(clock),
        start: None,
        waits_for_reader: kind == SourceKind::File,
    }))
}

/// Returns the reason why a watch on a link ended before its end.
fn closed_output_message() -> ErrorMessage {
    ErrorMessage::new("the reader closed standard output").hint("use -q, or a reader that reads to the end")
}

/// Returns the schema of `tapstack watch --json`.
pub(crate) fn schema(generator: &mut SchemaGenerator) -> Schema {
    schema_with_interfaces::<json::WatchJson>(generator)
}

#[cfg(test)]
mod tests;
