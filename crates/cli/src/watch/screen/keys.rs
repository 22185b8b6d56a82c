//! Handling of keys, and the state of the screen.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Sort order of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SortKey {
    #[default]
    Address,
    LastSeen,
    Packets,
}

/// State of the screen that keys change.
// The booleans are independent switches.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, Default)]
pub(super) struct ScreenState {
    pub(super) sort_key: SortKey,
    /// Number of rows scrolled out above the first visible row.
    pub(super) scroll: usize,
    /// Number of visible rows.
    pub(super) shown: usize,
    /// Total number of rows.
    pub(super) total: usize,
    /// Whether the terminal can display bar characters.
    pub(super) supports_bars: bool,
    pub(super) is_paused: bool,
    pub(super) shows_help: bool,
    pub(super) quit: bool,
}

impl ScreenState {
    /// Handles a key.
    pub(super) fn press(&mut self, key: KeyEvent) {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c' | 'd') if is_control => self.quit = true,
            // Any key closes the help and has no other effect.
            _ if self.shows_help => self.shows_help = false,
            KeyCode::Char('q' | 'Q') | KeyCode::Esc => self.quit = true,
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.shows_help = true,
            KeyCode::Char('s') => self.sort_key = self.sort_key.next(),
            KeyCode::Char('p' | ' ') => self.is_paused = !self.is_paused,
            KeyCode::Up | KeyCode::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.scroll = self.scroll.saturating_add(1),
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(self.shown),
            KeyCode::PageDown => self.scroll = self.scroll.saturating_add(self.shown),
            KeyCode::Home | KeyCode::Char('g') => self.scroll = 0,
            KeyCode::End | KeyCode::Char('G') => self.scroll = usize::MAX,
            _ => {}
        }
    }

    /// Sets the numbers of visible and of all rows, and limits scrolling to the last row.
    pub(super) fn fit(&mut self, shown: usize, total: usize) {
        (self.shown, self.total) = (shown, total);
        self.scroll = self.scroll.min(total.saturating_sub(shown));
    }
}

impl SortKey {
    /// Returns the name of the order.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::LastSeen => "last seen",
            Self::Packets => "packets",
        }
    }

    fn next(self) -> SortKey {
        match self {
            Self::Address => Self::LastSeen,
            Self::LastSeen => Self::Packets,
            Self::Packets => Self::Address,
        }
    }
}
