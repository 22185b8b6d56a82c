//! `tapstack watch`: who is there, what changes, who is in conflict; heard, never asked.

pub(crate) mod arguments;
mod file;
mod json;
mod observer;
mod screen;
mod show;
mod source;
mod words;

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::Duration;

use arp::census::Event;
use tap::Instant;
use tap::linux::{InterfaceName, wait};

use crate::clock::Clock;
use crate::failure::Failure;
use crate::output::Output;
use crate::signals::{ENDING, Signals};
use arguments::{FailOn, WatchArguments};
use observer::Observer;
use screen::Screen;
use show::{Lines, Show};
use source::{Listener, Source};

/// Watches until somebody ends it, or until there is no more to hear.
pub(crate) fn run(arguments: &WatchArguments) -> Result<ExitCode, Failure> {
    let clock = Clock::start();
    let signals = Signals::take_over(&ENDING)?;
    let observer = match &arguments.file {
        Some(path) => file::watch(arguments, path, clock, &signals)?,
        None => watch(arguments, clock, &signals)?,
    };
    if arguments.fail_on == Some(FailOn::Conflict) && observer.counts().conflicts > 0 {
        return Err(Failure::negative(parting(&observer)));
    }
    Ok(ExitCode::SUCCESS)
}

/// Watches a wire.
fn watch(arguments: &WatchArguments, clock: Clock, signals: &Signals) -> Result<Observer, Failure> {
    let mut source = Source::open(arguments, clock)?;
    let recorder = arguments.capture.begin(source.name().as_str(), clock)?;
    let mut listener = Listener::new(Observer::new(arguments.vlan), recorder, clock.origin(), &source)?;
    let mut show = show(arguments, &source.name().to_string(), Kind::Wire, signals)?;
    listener.observer.pass(listener.wall(clock.now()));
    show.begin(listener.observer.now, &source.name().to_string());
    let end = arguments.deadline.map(|limit| clock.now() + limit);
    let ended = hear(&mut source, &mut listener, &mut show, clock, end, (arguments, signals));
    listener.flush();
    let told = show.end(&listener.observer, source.lost(), signals);
    ended?;
    told?;
    if arguments.fail_on.is_some() && listener.observer.counts().conflicts == 0 && !source.was_there() {
        return Err(deaf(source.name()));
    }
    Ok(listener.observer)
}

/// Why nobody can say that there was no conflict.
fn deaf(name: &InterfaceName) -> Failure {
    Failure::new(format!(
        "whether an address is in conflict is not known: {name} was down or had no carrier meanwhile; watch again when `ip link show {name}` says it is up"
    ))
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
        wait(source.as_fd(), source.waits_for_room(), show.stop(signals), &[], limit)?;
        let now = clock.now();
        source.turn(now, listener)?;
        listener.observer.pass(listener.wall(now));
        listener.observer.is_down = source.is_down();
        listener.flush();
        show.tell(&mut listener.observer, signals)?;
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
    let paint = arguments.capture.other_paint();
    let wants_lines = arguments.plain || arguments.json || kind == Kind::Pipe;
    let has_screen = io::stdout().is_terminal()
        && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
        && !arguments.capture.is_standard_output();
    if has_screen && !wants_lines {
        // Where no keys can be read, lines are all there is.
        if let Ok(screen) = Screen::new(name.to_owned(), kind == Kind::Wire, paint, signals) {
            return Ok(Show::Screen(Box::new(screen)));
        }
    }
    let out = Output::new(arguments.capture.other_output()?);
    Ok(Show::Lines(Lines { out, paint, json: arguments.json, waits: kind == Kind::File }))
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
