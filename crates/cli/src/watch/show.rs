//! Where it is told: nowhere, line by line, or on the screen.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use arptools::census::Event;
use tap::linux::Printable;
use tap::{Instant, LinkState};

use super::observer::Observer;
use super::screen::Screen;
use super::{json, words};
use crate::color::{DIMMED, Styler, WARNING};
use crate::failure::{Failure, check_written, warn_of_lost_lines};
use crate::link_change::{self, LinkChange};
use crate::output::{self, HALF_CAPACITY, Output};
use crate::signals::Signals;

/// How long a reader may take for the last lines.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) enum Show {
    Quiet,
    Lines(Lines),
    Screen(Box<Screen>),
}

/// One line an event.
pub(super) struct Lines {
    pub(super) out: Output<File>,
    pub(super) styler: Styler,
    pub(super) json: bool,
    /// Whether what is read waits for whoever reads the lines, as a file does and a wire does not.
    pub(super) waits: bool,
}

impl Show {
    /// The first line.
    pub(super) fn begin(&mut self, now: Instant, source: &str) {
        if let Self::Lines(lines) = self {
            lines.print(&if lines.json {
                json::start(now, source)
            } else {
                format!("watching {}", Printable(source))
            });
            lines.out.flush(Duration::ZERO);
        }
    }

    /// Tells what has happened.
    pub(super) fn tell(&mut self, observer: &mut Observer, signals: &Signals) -> io::Result<()> {
        while let Some(event) = observer.take_event() {
            match self {
                Self::Quiet => {}
                Self::Lines(lines) => lines.event(observer.now, event),
                Self::Screen(screen) => screen.event(observer.now, event),
            }
        }
        if let Self::Lines(lines) = self {
            lines.drain_to(Duration::ZERO, HALF_CAPACITY, signals)?;
        }
        Ok(())
    }

    /// Prints a link change. The screen shows it as long as it lasts.
    pub(super) fn link(&mut self, now: Instant, state: LinkState) {
        if let Self::Lines(lines) = self {
            let line = if lines.json {
                output::json(&LinkChange::new(now, state))
            } else {
                lines.timed(now, &lines.styler.apply_to_first_word(WARNING, &link_change::text(state)))
            };
            lines.print(&line);
            lines.out.flush(Duration::ZERO);
        }
    }

    /// The last lines. What a reader has no room for is lost, unless it is a file's, which waits for them until
    /// a signal comes.
    pub(super) fn end(self, observer: &Observer, frames_lost: u64, signals: &Signals) -> Result<(), Failure> {
        let mut lines = match self {
            Self::Quiet => return Ok(()),
            Self::Lines(lines) => lines,
            Self::Screen(screen) => match screen.leave() {
                Ok(lines) => lines,
                Err(_) => return Ok(()),
            },
        };
        if lines.json {
            let mut has_room = true;
            for row in observer.census.iter(observer.now) {
                lines.print(&json::address(observer.now, &row));
                // Who has read nothing for so long is not waited for again and again.
                if has_room && lines.out.is_half_full() {
                    has_room = lines.drain_to(PATIENCE, HALF_CAPACITY, signals)?;
                }
            }
            lines.print(&json::statistics(observer, frames_lost));
        } else {
            lines.print(&words::statistics(observer, frames_lost));
        }
        lines.drain_to(PATIENCE, 0, signals)?;
        warn_of_lost_lines(lines.out.finish(Duration::ZERO));
        check_written(lines.out.take_failure())
    }

    /// Whether nobody looks any more.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Quiet => false,
            Self::Lines(lines) => !lines.out.has_reader(),
            Self::Screen(screen) => screen.is_left(),
        }
    }

    /// What ends a wait beside frames: signals, and keys where there are any.
    pub(super) fn stop<'a>(&'a self, signals: &'a Signals) -> BorrowedFd<'a> {
        match self {
            Self::Quiet | Self::Lines(_) => signals.as_fd(),
            Self::Screen(screen) => screen.as_fd(),
        }
    }

    /// How long the screen may stay as it is.
    pub(super) fn pause(&self, now: Instant) -> Option<Duration> {
        match self {
            Self::Quiet | Self::Lines(_) => None,
            Self::Screen(screen) => Some(screen.pause(now)),
        }
    }

    /// Takes keys, and draws what has changed.
    pub(super) fn refresh(&mut self, now: Instant, observer: &Observer) -> io::Result<()> {
        match self {
            Self::Quiet | Self::Lines(_) => Ok(()),
            Self::Screen(screen) => screen.refresh(now, observer),
        }
    }
}

impl Lines {
    fn event(&mut self, now: Instant, event: Event) {
        let line = if self.json {
            json::event(now, event)
        } else {
            self.timed(now, &self.styler.apply_to_first_word(words::style(event), &words::sentence(event)))
        };
        self.print(&line);
    }

    /// A line for people, with the time before it.
    fn timed(&self, now: Instant, text: &str) -> String {
        format!("{} {text}", self.styler.apply(DIMMED, &words::Date(now).to_string()))
    }

    fn print(&mut self, line: &str) {
        self.out.line(line);
    }

    /// Hands over what waits, as far as there is room for each bit of it within `limit`; all but so many octets if
    /// there is time. Returns whether no more are left.
    fn drain_to(&mut self, limit: Duration, rest: usize, signals: &Signals) -> io::Result<bool> {
        if self.waits {
            self.out.drain_to(rest, signals)?;
        }
        if !self.waits || self.out.pending() > rest {
            self.out.flush(limit);
        }
        Ok(self.out.pending() <= rest)
    }
}
