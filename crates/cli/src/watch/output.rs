//! Output of `tapstack watch`: none, lines or the live table.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use arptools::census::CensusEvent;
use runtime::Clock;
use tap::linux::Printable;
use tap::{Instant, LinkState};

use super::commands::{CommandWait, EventCommands, MAX_PENDING};
use super::json::{self, WatchJson};
use super::observer::Observer;
use super::observers::Observers;
use super::screen::Screen;
use super::{SourceKind, text};
use crate::clock::{Moment, WallClock};
use crate::color::{DIMMED, Styler, WARNING};
use crate::error_message::ErrorMessage;
use crate::failure::{Failure, check_written, warn_of_lost_lines};
use crate::link_change::{self, LinkJson};
use crate::local_time::LocalDateTime;
use crate::output::{self, HALF_CAPACITY, Output};
use crate::signals::Signals;

/// Time limit for writing the last lines.
const LAST_LINES_TIMEOUT: Duration = Duration::from_secs(1);

/// Destination of the events of a watch.
pub(super) enum WatchOutput {
    Quiet,
    Lines(LineOutput),
    Screen(Box<Screen>),
}

/// The output of the events of a watch, and the commands that run on events.
pub(super) struct EventOutput {
    pub(super) output: WatchOutput,
    pub(super) commands: EventCommands,
    /// Limit of the wait for the commands, if the source is a file. An interface or a pipe cannot wait.
    pub(super) command_wait: Option<CommandWait>,
}

impl EventOutput {
    /// Prints the pending events, and adds them to the commands.
    pub(super) fn print_events(&mut self, observers: &mut Observers, signals: &Signals) -> io::Result<()> {
        while let Some((place, event)) = observers.take_event() {
            let Some(observer) = observers.list.get(place) else { continue };
            self.output.print_event(observer, event);
            if self.commands.is_enabled() {
                let elapsed = observer.began.map_or(Duration::ZERO, |began| observer.now.since(began));
                let moment = Moment { wall: observer.now, elapsed };
                let event = json::line(moment, observer, WatchJson::event(event, &observer.vendors));
                if let Some(limit) = self.command_wait {
                    self.commands.wait_until_pending(MAX_PENDING - 1, limit, signals)?;
                }
                self.commands.add(place, event);
            }
        }
        self.output.drain(signals)
    }

    /// Closes the screen, waits for the commands, replaces the file of known addresses, and prints the statistics.
    pub(super) fn finish(mut self, observers: &mut Observers, signals: &Signals) -> Result<(), Failure> {
        // On the screen, Ctrl-C is a key and would not end the wait.
        let lines = self.output.into_lines();
        if self.commands.is_enabled() {
            if let Some(limit) = self.command_wait {
                self.commands.wait_until_pending(0, limit, signals)?;
            }
            self.commands.finish(signals)?;
            for (place, observer) in observers.list.iter_mut().enumerate() {
                observer.commands = self.commands.counts(place);
            }
        }
        let saved = observers.save_known();
        lines.map_or(Ok(()), |lines| lines.finish(observers, signals))?;
        saved
    }
}

/// Prints one line for each event, as text or JSON.
pub(super) struct LineOutput {
    pub(super) out: Output<File>,
    pub(super) styler: Styler,
    pub(super) json: bool,
    pub(super) kind: SourceKind,
    /// The clock of the command; `None` for a capture, which has its own times.
    pub(super) clock: Option<Clock>,
    /// Wall-clock time of the first line.
    pub(super) start: Option<Instant>,
    /// Whether receiving waits for a slow reader of the lines. A capture file can wait, an interface cannot.
    pub(super) waits_for_reader: bool,
}

impl WatchOutput {
    /// Prints the first line, or the first object of each interface. `source` is the name of the interfaces or the capture.
    pub(super) fn print_start(&mut self, now: Instant, observers: &Observers, source: &str) {
        if let Self::Lines(lines) = self {
            lines.start = Some(now);
            if lines.json {
                for observer in &observers.list {
                    let start = WatchJson::start(lines.kind, source);
                    lines.print(&json::line(lines.moment(now), observer, start));
                }
            } else {
                lines.print(&format!("watching {}", Printable(source)));
            }
            lines.out.flush(Duration::ZERO);
        }
    }

    /// Prints the first object of a further interface of a capture.
    pub(super) fn print_further_start(&mut self, now: Instant, observer: &Observer, source: &str) {
        if let Self::Lines(lines) = self
            && lines.json
        {
            let start = WatchJson::start(lines.kind, source);
            lines.print(&json::line(lines.moment(now), observer, start));
        }
    }

    /// Prints an event.
    fn print_event(&mut self, observer: &Observer, event: CensusEvent) {
        match self {
            Self::Quiet => {}
            Self::Lines(lines) => lines.print_event(observer, event),
            Self::Screen(screen) => screen.add_event(observer, event),
        }
    }

    /// Whether the output is a screen.
    pub(super) fn is_screen(&self) -> bool {
        matches!(self, Self::Screen(_))
    }

    /// Writes the pending lines.
    fn drain(&mut self, signals: &Signals) -> io::Result<()> {
        if let Self::Lines(lines) = self {
            lines.drain_to(Duration::ZERO, HALF_CAPACITY, signals)?;
        }
        Ok(())
    }

    /// Prints a change of the link of an interface. The screen shows the state of the link instead.
    pub(super) fn print_link_change(&mut self, now: Instant, observer: &Observer, state: LinkState) {
        if let Self::Lines(lines) = self {
            let line = if lines.json {
                json::line(lines.moment(now), observer, LinkJson::from(state))
            } else {
                let text = lines.styler.apply_to_first_word(WARNING, &link_change::text(state));
                lines.with_time(now, observer, &text)
            };
            lines.print(&line);
            lines.out.flush(Duration::ZERO);
        }
    }

    /// Prints why an interface is no longer watched. The screen shows that the link is down instead.
    pub(super) fn print_failure(&self, why: &ErrorMessage) {
        if !self.is_screen() {
            Failure::new(why.clone()).print();
        }
    }

    /// Closes the screen. Returns the output of the statistics, or `None` if they are not printed.
    pub(super) fn into_lines(self) -> Option<LineOutput> {
        match self {
            Self::Quiet => None,
            Self::Lines(lines) => Some(lines),
            Self::Screen(screen) => {
                let styler = screen.close();
                let out = Output::new(output::standard_output().ok()?);
                let (kind, clock, start) = (SourceKind::Link, None, None);
                Some(LineOutput { out, styler, json: false, kind, clock, start, waits_for_reader: false })
            }
        }
    }

    /// Whether the reader has closed the output or the user has quit.
    pub(super) fn is_closed(&self) -> bool {
        self.has_lost_reader() || matches!(self, Self::Screen(screen) if screen.has_quit())
    }

    /// Whether the reader has closed the output.
    pub(super) fn has_lost_reader(&self) -> bool {
        matches!(self, Self::Lines(lines) if !lines.out.has_reader())
    }

    /// Returns the descriptor of the keyboard, if there is a screen.
    pub(super) fn key_fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Quiet | Self::Lines(_) => None,
            Self::Screen(screen) => Some(screen.keyboard_fd()),
        }
    }

    /// Returns the time until the screen is refreshed.
    pub(super) fn refresh_delay(&self, now: Instant) -> Option<Duration> {
        match self {
            Self::Quiet | Self::Lines(_) => None,
            Self::Screen(screen) => Some(screen.refresh_delay(now)),
        }
    }

    /// Reads keys, and redraws the screen when a refresh is due.
    pub(super) fn refresh(&mut self, now: Instant, observers: &Observers) -> io::Result<()> {
        match self {
            Self::Quiet | Self::Lines(_) => Ok(()),
            Self::Screen(screen) => screen.refresh(now, observers),
        }
    }
}

impl LineOutput {
    /// Prints the statistics. Lines that the reader does not accept in time are lost. If the source is a file, this waits for
    /// the reader until a signal arrives.
    pub(super) fn finish(mut self, observers: &Observers, signals: &Signals) -> Result<(), Failure> {
        let mut is_writable = true;
        for observer in &observers.list {
            let moment = self.moment(observer.now);
            if !self.json {
                self.print(&text::statistics_text(observer));
                continue;
            }
            for row in observer.census.iter(observer.now) {
                self.print(&json::line(moment, observer, WatchJson::address(&row, &observer.vendors)));
                // After a timeout, do not wait for the reader again.
                if is_writable && self.out.is_half_full() {
                    is_writable = self.drain_to(LAST_LINES_TIMEOUT, HALF_CAPACITY, signals)?;
                }
            }
            self.print(&json::line(moment, observer, WatchJson::statistics(observer)));
        }
        self.drain_to(LAST_LINES_TIMEOUT, 0, signals)?;
        warn_of_lost_lines(self.out.finish(Duration::ZERO));
        check_written(self.out.take_failure())
    }

    fn print_event(&mut self, observer: &Observer, event: CensusEvent) {
        let now = observer.now;
        let line = if self.json {
            json::line(self.moment(now), observer, WatchJson::event(event, &observer.vendors))
        } else {
            let text = text::event_text_with_vendor(event, &observer.vendors);
            self.with_time(now, observer, &self.styler.apply_to_first_word(text::event_style(event), &text))
        };
        self.print(&line);
    }

    /// Returns the moment of a wall-clock time.
    fn moment(&self, now: Instant) -> Moment {
        // If the system clock is set, the origin of the command's clock moves along.
        let origin = self.clock.map(|clock| Instant::ORIGIN + WallClock::from(clock).origin()).or(self.start);
        Moment { wall: now, elapsed: origin.map_or(Duration::ZERO, |origin| now.since(origin)) }
    }

    /// Returns a text line that starts with date and time, and with the interface if several are watched.
    fn with_time(&self, now: Instant, observer: &Observer, text: &str) -> String {
        let interface = observer.label().map(|name| format!("{name} ")).unwrap_or_default();
        format!("{} {interface}{text}", self.styler.apply(DIMMED, &LocalDateTime(now).to_string()))
    }

    fn print(&mut self, line: &str) {
        self.out.line(line);
    }

    /// Writes until at most `rest` bytes are pending or the reader accepts nothing within `limit`. Returns whether at most
    /// `rest` bytes are pending.
    fn drain_to(&mut self, limit: Duration, rest: usize, signals: &Signals) -> io::Result<bool> {
        if self.waits_for_reader {
            self.out.drain_to(rest, signals)?;
        }
        if !self.waits_for_reader || self.out.pending() > rest {
            self.out.flush(limit);
        }
        Ok(self.out.pending() <= rest)
    }
}

#[cfg(test)]
mod tests;
