//! `tapstack watch`: monitors ARP passively and reports hosts, changes and conflicts.

pub(crate) mod arguments;
mod commands;
mod file;
mod json;
mod known;
mod observer;
mod output;
mod screen;
mod source;
mod text;

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use arptools::census::CensusEvent;
use runtime::Clock;
use schemars::{Schema, SchemaGenerator};
use tap::Instant;

use crate::error_message::ErrorMessage;
use crate::failure::Failure;
use crate::gaps::Gaps;
use crate::json::command_schema;
use crate::output::Output;
use crate::signals::{Signals, TERMINATION_SIGNALS};
use crate::{privileges, probe};
use arguments::WatchArguments;
use commands::EventCommands;
use known::KnownAddresses;
use observer::Observer;
use output::{EventOutput, LineOutput, WatchOutput};
use screen::Screen;
use source::{FrameWatcher, WatchSource};

/// Outcome of a watch.
struct WatchOutcome {
    observer: Observer,
    /// Reason why a conflict may have been missed; `None` if all frames were received.
    incomplete: Option<ErrorMessage>,
    /// Whether the source was never able to receive.
    never_received: bool,
}

/// Runs `tapstack watch` until a signal, the deadline or the end of the source.
pub(crate) fn run(arguments: &WatchArguments) -> Result<ExitCode, Failure> {
    let clock = Clock::start();
    let WatchOutcome { observer, incomplete, never_received } = match &arguments.file {
        Some(path) => file::watch(arguments, path, clock)?,
        None => watch_link(arguments, clock)?,
    };
    if let Some(event) = observer.trigger {
        return Err(Failure::negative(event_message(event)));
    }
    match incomplete {
        Some(why) if !arguments.fail_on.is_empty() => Err(Failure::new(why.context("no result"))),
        Some(why) if never_received => Err(Failure::new(why.context("received nothing"))),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Blocks the signals that end a watch and returns a descriptor for them.
fn signals() -> std::io::Result<Signals> {
    Signals::take_over(&TERMINATION_SIGNALS)
}

/// Watches an interface or a TAP.
fn watch_link(arguments: &WatchArguments, clock: Clock) -> Result<WatchOutcome, Failure> {
    let mut source = WatchSource::open(arguments, clock)?;
    let recorder = arguments.capture.start_recorder(source.name().as_str(), clock)?;
    let observer = Observer::open(arguments)?;
    let mut watcher = FrameWatcher::new(observer, recorder, clock.into(), &source)?;
    let signals = &signals()?;
    let output = open_output(arguments, &source.name().to_string(), SourceKind::Link, clock)?;
    drop_privileges(arguments)?;
    watcher.observer.create_known()?;
    let interface = Some(source.name().to_string());
    let commands = EventCommands::new(arguments.exec.clone(), interface, output.is_screen());
    let mut output = EventOutput { output, commands, command_wait: None };
    watcher.observer.advance(watcher.wall_time(clock.now()));
    output.output.print_start(watcher.observer.now, &source.name().to_string());
    let end = arguments.deadline.map(|limit| clock.now() + limit);
    let ended = receive_until_end(&mut source, &mut watcher, &mut output, clock, end, signals);
    let ended = ended.and_then(|()| receive_rest(&mut source, &mut watcher, &mut output, clock, signals));
    watcher.flush();
    let is_cut_short = output.output.has_lost_reader();
    let lost = source.gaps();
    let printed = output.finish(&mut watcher.observer, lost.lost.saturating_add(lost.truncated), signals);
    check(&watcher.observer, ended)?;
    check(&watcher.observer, printed)?;
    let gaps = Gaps { turned_away: unwatched_count(&watcher.observer), ..source.gaps() };
    let incomplete = gaps.explain(source.name()).or_else(|| is_cut_short.then(closed_output_message));
    Ok(WatchOutcome { observer: watcher.observer, incomplete, never_received: !source.was_alive() })
}

/// Returns the failure of a watch. After an event of `--fail-on`, prints the failure, because the event is a result.
fn check(observer: &Observer, outcome: Result<(), Failure>) -> Result<(), Failure> {
    match outcome {
        Err(why) if observer.trigger.is_some() => {
            why.print();
            Ok(())
        }
        outcome => outcome,
    }
}

/// Prints changes of the link.
fn report_link_changes(
    source: &mut WatchSource,
    watcher: &mut FrameWatcher,
    output: &mut EventOutput,
    now: Instant,
) {
    let mut was_alive = !watcher.observer.is_down;
    for state in source.link_changes() {
        // A link that goes down and comes up without a carrier is counted as one loss.
        let losses = u64::from(was_alive && !state.carries_frames());
        was_alive = state.carries_frames();
        watcher.observer.link_losses = watcher.observer.link_losses.saturating_add(losses);
        output.output.print_link_change(watcher.wall_time(now), state);
    }
    watcher.observer.is_down = source.is_down();
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
        if is_over(&watcher.observer, &output.output) {
            return Ok(false);
        }
        let has_arrived = source.receive(watcher)?;
        output.print_events(&mut watcher.observer, signals)?;
        Ok(has_arrived)
    })?;
    if !is_drained {
        source.mark_unread();
    }
    source.follow_link()?;
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
    while !is_over(&watcher.observer, &output.output) {
        if has_signal && signals.next()?.is_some() {
            return Ok(());
        }
        let now = clock.now();
        let left = end.map(|end| end.since(now));
        if left == Some(Duration::ZERO) {
            return Ok(());
        }
        let wall_time = watcher.wall_time(now);
        let silent = watcher.observer.census.deadline().map(|at| at.since(wall_time));
        let save = watcher.observer.known.as_ref().and_then(KnownAddresses::deadline);
        let save = save.map(|at| at.since(wall_time));
        let delays = [left, silent, output.output.refresh_delay(wall_time), save, output.commands.delay()];
        let limit = delays.into_iter().flatten().min();
        has_signal = source.step(watcher, signals, output.output.key_fd(), limit)?;
        let now = clock.now();
        watcher.observer.advance(watcher.wall_time(now));
        watcher.flush();
        output.print_events(&mut watcher.observer, signals)?;
        report_link_changes(source, watcher, output, now);
        // A failure is reported at the end, and the next attempt may be successful.
        let _ = watcher.observer.save_known_if_due();
        output.commands.advance();
        output.output.refresh(watcher.observer.now, &watcher.observer)?;
    }
    Ok(())
}

/// Whether the output is closed, or an event of `--fail-on` ends the watch.
fn is_over(observer: &Observer, output: &WatchOutput) -> bool {
    output.is_closed() || observer.trigger.is_some()
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

/// Returns the error message for an event of `--fail-on`.
fn event_message(event: CensusEvent) -> String {
    match event {
        CensusEvent::Conflict { address, mac, other } => {
            format!("address conflict: {address} is claimed by {other} and {mac}")
        }
        event => text::event_text(event),
    }
}

/// Returns the schema of `tapstack watch --json`.
pub(crate) fn schema(generator: &mut SchemaGenerator) -> Schema {
    command_schema::<json::WatchJson>(generator, true)
}

#[cfg(test)]
mod tests;
