//! Live table on the alternate screen of a terminal.

mod draw;
mod keys;
mod snapshot;
mod table;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IsTerminal, Stdin};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use arptools::census::CensusEvent;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event as Input, KeyEventKind};
use ratatui::crossterm::style::force_color_output;
use tap::Instant;

use self::keys::ScreenState;
use self::snapshot::{ShownEvent, Snapshot};
use super::observer::Observer;
use super::observers::Observers;
use crate::color::Styler;

/// Maximum number of events in the list of the latest ones.
const EVENT_HISTORY: usize = 256;
/// Interval between refreshes. A key causes an additional refresh.
const REFRESH_INTERVAL: Duration = Duration::from_millis(250);

/// The live table.
pub(super) struct Screen {
    name: String,
    is_live: bool,
    styler: Styler,
    keyboard: Keyboard,
    terminal: Option<TerminalGuard>,
    state: ScreenState,
    events: VecDeque<ShownEvent>,
    snapshot: Option<Snapshot>,
    last_drawn: Instant,
}

/// Source of key presses: standard input if it is a terminal, otherwise `/dev/tty`.
enum Keyboard {
    StandardInput(Stdin),
    Terminal(File),
}

/// A terminal that is restored to its former state on drop.
struct TerminalGuard(DefaultTerminal);

impl Screen {
    /// Creates a screen with the title `name`. The first refresh changes the terminal.
    pub(super) fn new(name: String, is_live: bool, styler: Styler) -> io::Result<Screen> {
        Ok(Screen {
            name,
            is_live,
            styler,
            keyboard: Keyboard::open()?,
            terminal: None,
            state: ScreenState { supports_bars: is_utf8(), ..ScreenState::default() },
            events: VecDeque::new(),
            snapshot: None,
            last_drawn: Instant::ORIGIN,
        })
    }

    /// Returns the descriptor that is readable when a key was pressed.
    pub(super) fn keyboard_fd(&self) -> BorrowedFd<'_> {
        self.keyboard.as_fd()
    }

    /// Adds an event to the list of the latest.
    pub(super) fn add_event(&mut self, observer: &Observer, event: CensusEvent) {
        if self.events.len() >= EVENT_HISTORY {
            self.events.pop_back();
        }
        let interface = observer.label().map(ToString::to_string);
        self.events.push_front(ShownEvent { time: observer.now, interface, event });
    }

    /// Whether the user has quit or the terminal has hung up.
    pub(super) fn has_quit(&self) -> bool {
        self.state.quit
    }

    /// Returns the time until the next refresh.
    pub(super) fn refresh_delay(&self, now: Instant) -> Duration {
        if self.terminal.is_none() || now < self.last_drawn {
            return Duration::ZERO;
        }
        REFRESH_INTERVAL.saturating_sub(now.since(self.last_drawn))
    }

    /// Reads keys, and redraws when a key was pressed or a refresh is due at `now`.
    pub(super) fn refresh(&mut self, now: Instant, observers: &Observers) -> io::Result<()> {
        if self.terminal.is_none() {
            self.terminal = Some(TerminalGuard::open(self.styler)?);
        }
        let is_changed = self.read_keys()?;
        if !is_changed && !self.refresh_delay(now).is_zero() {
            return Ok(());
        }
        self.last_drawn = now;
        let is_kept = self.state.is_paused && self.snapshot.is_some();
        let snapshot = match self.snapshot.take().filter(|_| is_kept) {
            Some(snapshot) => snapshot,
            None => Snapshot::new(&self.name, self.is_live, &observers.list, &self.events),
        };
        let snapshot = self.snapshot.insert(snapshot);
        snapshot.sort(self.state.sort_key);
        let (state, styler) = (&mut self.state, self.styler);
        if let Some(TerminalGuard(terminal)) = &mut self.terminal {
            terminal.draw(|frame| draw::draw(frame, snapshot, state, styler))?;
        }
        Ok(())
    }

    /// Restores the terminal. Returns the styler for the lines that follow.
    pub(super) fn close(self) -> Styler {
        drop(self.terminal);
        self.styler
    }

    /// Reads the pending keys. Returns whether there were any.
    fn read_keys(&mut self) -> io::Result<bool> {
        let mut is_changed = false;
        loop {
            // On a terminal that has hung up, crossterm would read forever.
            self.state.quit |= self.has_hung_up()?;
            if self.state.quit || !event::poll(Duration::ZERO)? {
                return Ok(is_changed);
            }
            is_changed = true;
            match event::read()? {
                Input::Key(key) if key.kind != KeyEventKind::Release => self.state.press(key),
                _ => {}
            }
        }
    }

    /// Whether the terminal has hung up.
    fn has_hung_up(&self) -> io::Result<bool> {
        let mut fds = [PollFd::new(self.keyboard_fd(), PollFlags::empty())];
        poll(&mut fds, PollTimeout::ZERO)?;
        Ok(fds.iter().filter_map(PollFd::revents).any(|found| !found.is_empty()))
    }
}

impl Keyboard {
    fn open() -> io::Result<Keyboard> {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            return Ok(Keyboard::StandardInput(stdin));
        }
        File::open("/dev/tty").map(Keyboard::Terminal)
    }
}

impl AsFd for Keyboard {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::StandardInput(stdin) => stdin.as_fd(),
            Self::Terminal(file) => file.as_fd(),
        }
    }
}

/// Whether the environment selects a UTF-8 locale.
fn is_utf8() -> bool {
    let mut variables = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(std::env::var_os);
    let locale = variables.find(|locale| !locale.is_empty());
    let locale = locale.map(|locale| locale.to_string_lossy().to_ascii_lowercase());
    locale.is_some_and(|locale| locale.contains("utf-8") || locale.contains("utf8"))
}

impl TerminalGuard {
    fn open(styler: Styler) -> io::Result<TerminalGuard> {
        force_color_output(styler.is_enabled());
        ratatui::try_init().map(TerminalGuard).inspect_err(|_| {
            let _ = ratatui::try_restore();
        })
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        // A terminal that has hung up cannot be restored.
        let _ = self.0.show_cursor();
        let _ = ratatui::try_restore();
    }
}

#[cfg(test)]
mod tests;
