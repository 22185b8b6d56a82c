//! What a person is told whose command line is no good: one sentence, as about anything else.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Error;
use clap::error::ErrorKind;

use crate::failure::{Failure, written};

/// Prints what was asked for instead of a command, or says what is wrong with the words.
pub(crate) fn refuse(error: &Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => show(error),
        _ => Failure::new(sentence(&error.to_string())).report(),
    }
}

/// Prints help or a version: one that cannot be written is a failure.
fn show(error: &Error) -> ExitCode {
    let printed = error.print().and_then(|()| io::stdout().flush());
    match written(printed.err()) {
        Ok(()) => u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(failure) => failure.report(),
    }
}

/// In one sentence what clap says in several lines: what is wrong, perhaps a tip, and how the command is used.
fn sentence(text: &str) -> String {
    let (text, usage) = text.split_once("\n\nUsage: ").unwrap_or((text, ""));
    let text = text.split("\n\nFor more information").next().unwrap_or(text);
    let (what, tips) = text.split_once("\n\n  tip: ").unwrap_or((text, ""));
    let mut lines = what.trim_start_matches("error: ").lines().map(str::trim);
    let first = lines.next().unwrap_or_default();
    let more = lines.collect::<Vec<_>>().join(", ");
    let space = if more.is_empty() { "" } else { " " };
    format!("{first}{space}{more}{}", mend(tips, usage))
}

/// What there is instead, or where it stands. A value that is no good names what is wanted itself.
fn mend(tips: &str, usage: &str) -> String {
    if let Some(tip) = tips.lines().next().filter(|tip| tip.contains("similar")) {
        return format!("; {tip}");
    }
    let is_command = |word: &&str| word.starts_with(|letter: char| letter.is_ascii_lowercase());
    let command = usage.split_whitespace().take_while(is_command).collect::<Vec<_>>().join(" ");
    if command.is_empty() { String::new() } else { format!("; see `{command} --help`") }
}

#[cfg(test)]
mod tests;
