//! Colors of the output: on a terminal unless `NO_COLOR` is set, elsewhere only if `--color` demands them.

use std::ffi::OsString;
use std::io;

use anstream::AutoStream;
use anstream::stream::RawStream;
use anstyle::{AnsiColor, Style};
use clap::{ColorChoice, ValueEnum};

/// Success.
pub(crate) const SUCCESS: Style = AnsiColor::Green.on_default();
/// A warning.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default();
/// An error or a conflict.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// The direction of a received frame.
pub(crate) const INCOMING: Style = AnsiColor::Cyan.on_default();
/// The direction of a transmitted frame.
pub(crate) const OUTGOING: Style = AnsiColor::Green.on_default();
/// The name of an event.
pub(crate) const EMPHASIS: Style = Style::new().bold();
/// Text that stands on every line, such as the time.
pub(crate) const DIMMED: Style = Style::new().dimmed();

/// Applies styles to text, if the stream shows colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Styler(bool);

/// Sets the choice of `--color` for all streams.
pub(crate) fn set_choice(choice: ColorChoice) {
    let choice = match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// Returns the choice of `--color` among command-line arguments, for the help and the errors that clap prints while it
/// parses them.
pub(crate) fn choice_among(arguments: impl IntoIterator<Item = OsString>) -> ColorChoice {
    let mut arguments = arguments
        .into_iter()
        .map_while(|argument| argument.into_string().ok().filter(|argument| argument != "--"));
    let mut choice = ColorChoice::Auto;
    while let Some(argument) = arguments.next() {
        let value = match argument.split_once('=') {
            Some(("--color", value)) => Some(value.to_owned()),
            _ if argument == "--color" => arguments.next(),
            _ => None,
        };
        choice = value.and_then(|value| ColorChoice::from_str(&value, false).ok()).unwrap_or(choice);
    }
    choice
}

impl Styler {
    /// No colors.
    pub(crate) const DISABLED: Styler = Styler(false);
    /// Colors.
    #[cfg(test)]
    pub(crate) const ENABLED: Styler = Styler(true);

    /// Returns the styler of standard output.
    pub(crate) fn stdout() -> Styler {
        Styler::for_stream(&io::stdout())
    }

    /// Returns the styler of standard error.
    pub(crate) fn stderr() -> Styler {
        Styler::for_stream(&io::stderr())
    }

    fn for_stream(stream: &impl RawStream) -> Styler {
        Styler(AutoStream::choice(stream) != anstream::ColorChoice::Never)
    }

    /// Whether the stream shows colors.
    pub(crate) fn is_enabled(self) -> bool {
        self.0
    }

    /// Returns a text in a style.
    pub(crate) fn apply(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Returns a text whose first word is in a style.
    pub(crate) fn apply_to_first_word(self, style: Style, text: &str) -> String {
        match text.split_once(' ') {
            Some((word, rest)) => format!("{} {rest}", self.apply(style, word)),
            None => self.apply(style, text),
        }
    }
}

#[cfg(test)]
mod tests;
