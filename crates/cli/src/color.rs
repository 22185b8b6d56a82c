//! Colors of the output: on a terminal unless `NO_COLOR` is set, elsewhere only with `--color always`.

use std::ffi::OsString;
use std::io;

use anstream::AutoStream;
use anstream::stream::RawStream;
use anstyle::{AnsiColor, Style};
use clap::{ColorChoice, ValueEnum};

/// Style of a success.
pub(crate) const SUCCESS: Style = AnsiColor::Green.on_default();
/// Style of a warning.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default();
/// Style of an error or a conflict.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// Style of the direction of a received frame.
pub(crate) const INCOMING: Style = AnsiColor::Cyan.on_default();
/// Style of the direction of a transmitted frame.
pub(crate) const OUTGOING: Style = AnsiColor::Green.on_default();
/// Style of the name of an event.
pub(crate) const EMPHASIS: Style = Style::new().bold();
/// Style of text that is on every line, such as the time.
pub(crate) const DIMMED: Style = Style::new().dimmed();

/// Applies styles to text if the stream has colors.
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

/// Finds the choice of `--color` in command-line arguments. clap prints help and errors before it returns parsed arguments,
/// so they are scanned first.
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
    /// A styler without colors.
    pub(crate) const DISABLED: Styler = Styler(false);
    /// A styler with colors.
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

    /// Whether the stream has colors.
    pub(crate) fn is_enabled(self) -> bool {
        self.0
    }

    /// Returns text in a style.
    pub(crate) fn apply(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Returns text with its first word in a style.
    pub(crate) fn apply_to_first_word(self, style: Style, text: &str) -> String {
        match text.split_once(' ') {
            Some((word, rest)) => format!("{} {rest}", self.apply(style, word)),
            None => self.apply(style, text),
        }
    }
}

#[cfg(test)]
mod tests;
