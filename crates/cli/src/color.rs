//! Colour, for people at a terminal: none in a pipe, and none where `NO_COLOR` is set, unless `--color`
//! asks for it.

use std::ffi::OsString;
use std::io;

use anstream::AutoStream;
use anstream::stream::RawStream;
use anstyle::{AnsiColor, Style};
use clap::{ColorChoice, ValueEnum};

/// Well done, or nothing to mend.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Worth a look.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default();
/// Wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What came in.
pub(crate) const IN: Style = AnsiColor::Cyan.on_default();
/// What went out.
pub(crate) const OUT: Style = AnsiColor::Green.on_default();
/// The word that says what happened.
pub(crate) const WORD: Style = Style::new().bold();
/// What is there on every line.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// Whether what is printed on a stream is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint(bool);

/// What `--color` says holds from now on.
pub(crate) fn choose(choice: ColorChoice) {
    let choice = match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// What `--color` says among these words, for what clap prints while it reads them: help and errors.
pub(crate) fn asked(words: impl IntoIterator<Item = OsString>) -> ColorChoice {
    let mut words = words.into_iter().map_while(|word| word.into_string().ok().filter(|word| word != "--"));
    let mut choice = ColorChoice::Auto;
    while let Some(word) = words.next() {
        let value = match word.split_once('=') {
            Some(("--color", value)) => Some(value.to_owned()),
            _ if word == "--color" => words.next(),
            _ => None,
        };
        choice = value.and_then(|value| ColorChoice::from_str(&value, false).ok()).unwrap_or(choice);
    }
    choice
}

impl Paint {
    /// No colour at all.
    pub(crate) const NONE: Paint = Paint(false);
    /// Colour whatever it is for.
    #[cfg(test)]
    pub(crate) const ALL: Paint = Paint(true);

    /// As standard output wants it.
    pub(crate) fn output() -> Paint {
        Paint::of(&io::stdout())
    }

    /// As standard error wants it.
    pub(crate) fn errors() -> Paint {
        Paint::of(&io::stderr())
    }

    fn of(stream: &impl RawStream) -> Paint {
        Paint(AutoStream::choice(stream) != anstream::ColorChoice::Never)
    }

    /// Whether there is any.
    pub(crate) fn is_any(self) -> bool {
        self.0
    }

    /// A text in this style.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// A sentence whose first word is in this style.
    pub(crate) fn first_word(self, style: Style, sentence: &str) -> String {
        match sentence.split_once(' ') {
            Some((word, rest)) => format!("{} {rest}", self.paint(style, word)),
            None => self.paint(style, sentence),
        }
    }
}

#[cfg(test)]
mod tests;
