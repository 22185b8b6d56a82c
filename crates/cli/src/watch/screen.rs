//! The live table, on a terminal of its own.

mod draw;
mod help;
mod keys;
mod picture;
mod table;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use arptools::census::Event;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event as Input, KeyEventKind};
use ratatui::crossterm::style::force_color_output;
use tap::Instant;

use self::keys::Ui;
use self::picture::Picture;
use super::observer::Observer;
use super::show::Lines;
use crate::color::Styler;
use crate::output::{Output, standard_output};
use crate::signals::Signals;

/// How many events are remembered for the list of the latest.
const LATEST: usize = 256;
/// From one picture to the next, if nobody presses a key.
const PAUSE: Duration = Duration::from_millis(250);

pub(super) struct Screen {
    name: String,
    is_live: bool,
    styler: Styler,
    /// Signals, and keys.
    wakers: Epoll,
    keyboard: Option<File>,
    terminal: Option<Restored>,
    ui: Ui,
    latest: VecDeque<(Instant, Event)>,
    picture: Option<Picture>,
    drawn: Instant,
}

/// A terminal that is as it was when this value is gone, whatever the reason.
struct Restored(DefaultTerminal);

impl Screen {
    /// One that shows `name`; the terminal is left alone until there is something to show.
    pub(super) fn new(name: String, is_live: bool, styler: Styler, signals: &Signals) -> io::Result<Screen> {
        let wakers = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        wakers.add(signals, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
        let keyboard = add_keys(&wakers)?;
        Ok(Screen {
            name,
            is_live,
            styler,
            wakers,
            keyboard,
            terminal: None,
            ui: Ui { has_bars: is_utf8(), ..Ui::default() },
            latest: VecDeque::new(),
            picture: None,
            drawn: Instant::ORIGIN,
        })
    }

    /// Something happened.
    pub(super) fn event(&mut self, now: Instant, event: Event) {
        if self.latest.len() >= LATEST {
            self.latest.pop_back();
        }
        self.latest.push_front((now, event));
    }

    /// Whether whoever looked has left.
    pub(super) fn is_left(&self) -> bool {
        self.ui.is_left
    }

    /// How long the picture may stay as it is.
    pub(super) fn pause(&self, now: Instant) -> Duration {
        if self.terminal.is_none() || now < self.drawn {
            return Duration::ZERO;
        }
        PAUSE.saturating_sub(now.since(self.drawn))
    }

    /// Takes keys, and draws if that is due. `now` is the time by which pictures follow each other.
    pub(super) fn refresh(&mut self, now: Instant, observer: &Observer) -> io::Result<()> {
        if self.terminal.is_none() {
            self.terminal = Some(Restored::open(self.styler)?);
        }
        let is_changed = self.take_keys()?;
        if !is_changed && !self.pause(now).is_zero() {
            return Ok(());
        }
        self.drawn = now;
        let is_kept = self.ui.is_paused && self.picture.is_some();
        let picture = match self.picture.take().filter(|_| is_kept) {
            Some(picture) => picture,
            None => Picture::of(&self.name, self.is_live, observer, &self.latest),
        };
        let picture = self.picture.insert(picture);
        picture.sort(self.ui.sort);
        let (ui, styler) = (&mut self.ui, self.styler);
        if let Some(Restored(terminal)) = &mut self.terminal {
            terminal.draw(|frame| draw::draw(frame, picture, ui, styler))?;
        }
        Ok(())
    }

    /// Leaves the terminal as it was. What is said at the end goes to standard output.
    pub(super) fn leave(self) -> io::Result<Lines> {
        drop(self.terminal);
        Ok(Lines { out: Output::new(standard_output()?), styler: self.styler, json: false, waits: false })
    }

    /// Takes what was pressed. Returns whether the picture is another now.
    fn take_keys(&mut self) -> io::Result<bool> {
        let mut is_changed = false;
        loop {
            // Of a terminal that is gone crossterm would read for ever.
            self.ui.is_left |= self.has_hung_up()?;
            if self.ui.is_left || !event::poll(Duration::ZERO)? {
                return Ok(is_changed);
            }
            is_changed = true;
            match event::read()? {
                Input::Key(key) if key.kind != KeyEventKind::Release => self.ui.press(key),
                _ => {}
            }
        }
    }

    /// Whether the terminal is gone, and nobody can press a key any more.
    fn has_hung_up(&self) -> io::Result<bool> {
        let stdin = io::stdin();
        let keyboard = self.keyboard.as_ref().map_or_else(|| stdin.as_fd(), AsFd::as_fd);
        let mut fds = [PollFd::new(keyboard, PollFlags::empty())];
        poll(&mut fds, PollTimeout::ZERO)?;
        Ok(fds.iter().filter_map(PollFd::revents).any(|found| !found.is_empty()))
    }
}

impl AsFd for Screen {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wakers.0.as_fd()
    }
}

/// Wakes for the keyboard: standard input, or the terminal itself if that is something else, which is to be
/// kept then.
fn add_keys(wakers: &Epoll) -> io::Result<Option<File>> {
    let readable = EpollEvent::new(EpollFlags::EPOLLIN, 1);
    if io::stdin().is_terminal() {
        wakers.add(io::stdin(), readable)?;
        return Ok(None);
    }
    let terminal = File::open("/dev/tty")?;
    wakers.add(&terminal, readable)?;
    Ok(Some(terminal))
}

/// Whether the terminal shows more than ASCII, as far as the environment says.
fn is_utf8() -> bool {
    let mut variables = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(std::env::var_os);
    let locale = variables.find(|locale| !locale.is_empty());
    let locale = locale.map(|locale| locale.to_string_lossy().to_ascii_lowercase());
    locale.is_some_and(|locale| locale.contains("utf-8") || locale.contains("utf8"))
}

impl Restored {
    fn open(styler: Styler) -> io::Result<Restored> {
        force_color_output(styler.is_enabled());
        ratatui::try_init().map(Restored).inspect_err(|_| {
            let _ = ratatui::try_restore();
        })
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        // Where the terminal is gone, there is nothing to restore.
        let _ = self.0.show_cursor();
        let _ = ratatui::try_restore();
    }
}

#[cfg(test)]
mod tests;
