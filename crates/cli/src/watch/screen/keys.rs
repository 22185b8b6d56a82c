//! What a person has pressed.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// By what the addresses are in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    #[default]
    Address,
    Last,
    Packets,
}

/// What is to be seen, as whoever looks wants it.
// Each is a switch of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, Default)]
pub(super) struct Ui {
    pub(super) sort: Sort,
    /// How many rows are above those that are shown.
    pub(super) above: usize,
    /// How many were shown last, out of how many.
    pub(super) shown: usize,
    pub(super) total: usize,
    /// Whether the terminal has the signs for bars.
    pub(super) has_bars: bool,
    pub(super) is_paused: bool,
    pub(super) is_help: bool,
    pub(super) is_left: bool,
}

impl Ui {
    /// A key is pressed.
    pub(super) fn press(&mut self, key: KeyEvent) {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c' | 'd') if is_control => self.is_left = true,
            // Any key leaves the help, and does nothing else.
            _ if self.is_help => self.is_help = false,
            KeyCode::Char('q' | 'Q') | KeyCode::Esc => self.is_left = true,
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.is_help = true,
            KeyCode::Char('s') => self.sort = self.sort.next(),
            KeyCode::Char('p' | ' ') => self.is_paused = !self.is_paused,
            KeyCode::Up | KeyCode::Char('k') => self.above = self.above.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.above = self.above.saturating_add(1),
            KeyCode::PageUp => self.above = self.above.saturating_sub(self.shown),
            KeyCode::PageDown => self.above = self.above.saturating_add(self.shown),
            KeyCode::Home | KeyCode::Char('g') => self.above = 0,
            KeyCode::End | KeyCode::Char('G') => self.above = usize::MAX,
            _ => {}
        }
    }

    /// Takes note of how many rows there is room for, out of how many: the last one is never above its place.
    pub(super) fn fit(&mut self, shown: usize, total: usize) {
        (self.shown, self.total) = (shown, total);
        self.above = self.above.min(total.saturating_sub(shown));
    }
}

impl Sort {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Last => "last heard",
            Self::Packets => "packets",
        }
    }

    fn next(self) -> Sort {
        match self {
            Self::Address => Self::Last,
            Self::Last => Self::Packets,
            Self::Packets => Self::Address,
        }
    }
}
