//! `tapstack watch`: who is there, what changes, who is in conflict; heard, never asked.

pub(crate) mod arguments;
mod file;
mod json;
mod observer;
mod screen;
mod show;
mod source;
pub(crate) mod words;

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::Duration;

use arptools::census::Event;
use tap::Instant;
use tap::linux::wait;

use crate::clock::Clock;
use crate::failure::Failure;
use crate::gaps::{Explanation, Gaps};
use crate::output::Output;
use crate::signals::{Signals, TERMINATION_SIGNALS};
use crate::{privileges, probe_socket};
use arguments::{FailOn, WatchArguments};
use observer::Observer;
use screen::Screen;
use show::{Lines, Show};
use source::{Listener, Source};

/// Result of a watch, and why the absence of conflicts is no result, if it is none.
struct Watched {
    observer: Observer,
    gap: Option<Explanation>,
    /// Whether nothing could be received at any time.
    was_dead: bool,
}

/// Watches until it is ended, or until the source ends.
pub(crate) fn run(arguments: &WatchArguments) -> Result<ExitCode, Failure> {
    let clock = Clock::start();
    let Watched { observer, gap, was_dead } = match &arguments.file {
        Some(path) => file::watch(arguments, path, clock)?,
        None => watch(arguments, clock)?,
    };
    let fails = arguments.fail_on == Some(FailOn::Conflict);
    if fails && observer.counts().conflicts > 0 {
        return Err(Failure::negative(parting(&observer)));
    }
    match gap {
        Some(why) if fails => Err(Failure::new(format!("no result: {why}"))),
        Some(why) if was_dead => Err(Failure::new(format!("nothing could be watched: {why}"))),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Takes over the signals that end a watch.
fn signals() -> std::io::Result<Signals> {
    Signals::take_over(&TERMINATION_SIGNALS)
}

/// Watches a wire.
fn watch(arguments: &WatchArguments, clock: Clock) -> Result<Watched, Failure> {
    let mut source = Source::open(arguments, clock)?;
    let recorder = arguments.capture.start_recorder(source.name().as_str(), clock)?;
    let mut listener = Listener::new(Observer::new(arguments.vlan), recorder, clock.origin(), &source)?;
    let signals = &signals()?;
    let mut show = show(arguments, &source.name().to_string(), Kind::Wire, signals)?;
    privileges::drop_all()?;
    listener.observer.pass(listener.wall(clock.now()));
    show.begin(listener.observer.now, &source.name().to_string());
    let end = arguments.deadline.map(|limit| clock.now() + limit);
    let ended = hear(&mut source, &mut listener, &mut show, clock, end, (arguments, signals));
    let ended =
        ended.and_then(|()| drain(&mut source, &mut listener, &mut show, clock, (arguments, signals)));
    listener.flush();
    let lost = source.gaps();
    let told = show.end(&listener.observer, lost.lost.saturating_add(lost.truncated), signals);
    ended?;
    told?;
    let gaps = Gaps { turned_away: turned_away(&listener.observer), ..source.gaps() };
    let gap = gaps.explain(source.name());
    Ok(Watched { observer: listener.observer, gap, was_dead: !source.was_alive() })
}

/// Reports changes of the link.
fn follow_link(source: &mut Source, listener: &mut Listener, show: &mut Show, now: Instant) {
    let mut was_alive = !listener.observer.is_down;
    while let Some(state) = source.take_link_change(now) {
        // Down, and then up without a carrier, is one loss.
        let losses = u64::from(was_alive && !state.carries_frames());
        was_alive = state.carries_frames();
        listener.observer.link_losses = listener.observer.link_losses.saturating_add(losses);
        show.link(listener.wall(now), state);
    }
    listener.observer.is_down = source.is_down();
}

/// How often a packet or an address was not watched because there were too many addresses.
fn turned_away(observer: &Observer) -> u64 {
    let counts = observer.counts();
    counts.turned_away.saturating_add(counts.displaced)
}

/// Reads what has arrived already: a process that was stopped for a while finds it late.
fn drain(
    source: &mut Source,
    listener: &mut Listener,
    show: &mut Show,
    clock: Clock,
    (arguments, signals): (&WatchArguments, &Signals),
) -> Result<(), Failure> {
    let is_dry = probe_socket::drain(|| {
        if is_over(arguments, &listener.observer, show) {
            return Ok(false);
        }
        let has_arrived = source.turn(clock.now(), listener)?;
        show.tell(&mut listener.observer, signals)?;
        Ok(has_arrived)
    })?;
    if !is_dry {
        source.mark_unread();
    }
    follow_link(source, listener, show, clock.now());
    Ok(())
}

/// Hears until the time is up, somebody ends it, or there is a conflict that ends it.
fn hear(
    source: &mut Source,
    listener: &mut Listener,
    show: &mut Show,
    clock: Clock,
    end: Option<Instant>,
    (arguments, signals): (&WatchArguments, &Signals),
) -> Result<(), Failure> {
    while signals.next()?.is_none() && !is_over(arguments, &listener.observer, show) {
        let now = clock.now();
        let left = end.map(|end| end.since(now));
        if left == Some(Duration::ZERO) {
            return Ok(());
        }
        let wall = listener.wall(now);
        let silent = listener.observer.census.deadline().map(|at| at.since(wall));
        let limit = [left, source.pause(now), silent, show.pause(wall)].into_iter().flatten().min();
        wait(source.as_fd(), source.waits_for_room(), show.stop(signals), &[source.link()], limit)?;
        let now = clock.now();
        source.turn(now, listener)?;
        listener.observer.pass(listener.wall(now));
        listener.flush();
        show.tell(&mut listener.observer, signals)?;
        follow_link(source, listener, show, now);
        show.refresh(listener.observer.now, &listener.observer)?;
    }
    Ok(())
}

fn is_over(arguments: &WatchArguments, observer: &Observer, show: &Show) -> bool {
    show.is_over() || (arguments.fail_on == Some(FailOn::Conflict) && observer.counts().conflicts > 0)
}

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Wire,
    File,
    Pipe,
}

/// Where it is told. A capture that is a file waits for whoever reads the lines.
fn show(arguments: &WatchArguments, name: &str, kind: Kind, signals: &Signals) -> Result<Show, Failure> {
    if arguments.quiet {
        return Ok(Show::Quiet);
    }
    let styler = arguments.capture.text_styler();
    let wants_lines = arguments.plain || arguments.json || kind == Kind::Pipe;
    let has_screen = io::stdout().is_terminal()
        && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
        && !arguments.capture.is_standard_output();
    if has_screen && !wants_lines {
        // Where no keys can be read, lines are all there is.
        if let Ok(screen) = Screen::new(name.to_owned(), kind == Kind::Wire, styler, signals) {
            return Ok(Show::Screen(Box::new(screen)));
        }
    }
    let out = Output::new(arguments.capture.text_output()?);
    Ok(Show::Lines(Lines { out, styler, json: arguments.json, waits: kind == Kind::File }))
}

/// What made it fail.
fn parting(observer: &Observer) -> String {
    match observer.conflict {
        Some(Event::Conflict { subject, hardware, other }) => {
            format!(
                "{subject} is in conflict: both {other} and {hardware} claim it; give one of them another"
            )
        }
        _ => "an address is in conflict".to_owned(),
    }
}

#[cfg(test)]
mod tests;
