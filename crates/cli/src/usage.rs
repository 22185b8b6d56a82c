//! What a person is told whose command line is no good: one sentence, as about anything else.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory, Error};

use crate::arguments::Arguments;
use crate::failure::{Failure, written};

/// Prints what was asked for instead of a command, or says what is wrong with the words.
pub(crate) fn refuse(error: &Error, words: &[OsString]) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => show(error),
        _ => Failure::new(message(error, words)).report(),
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

/// What is wrong with the words.
fn message(error: &Error, words: &[OsString]) -> String {
    if let (ErrorKind::UnknownArgument, Some(ContextValue::String(argument))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    {
        if let Some(number) = negative_value(words, argument) {
            return format!("invalid value '{number}': a number must not be negative");
        }
        // A command line that begins as a command of `lab` would.
        let text = error.to_string();
        if text.contains("Usage: tapstack lab ") && !argument.starts_with('-') {
            return format!(
                "unexpected argument '{argument}' found; put `--` before the command, as in `tapstack lab -- {argument}`"
            );
        }
    }
    sentence(&error.to_string())
}

/// The negative number after an option that takes a value, of which clap reports the first letters as an unknown option.
fn negative_value<'w>(words: &'w [OsString], argument: &str) -> Option<&'w str> {
    let mut command = Arguments::command();
    command.build();
    let mut command = &command;
    for (option, word) in words.iter().zip(words.iter().skip(1)) {
        let (Some(option), Some(word)) = (option.to_str(), word.to_str()) else { continue };
        let is_value = word.starts_with(argument)
            && word.strip_prefix('-').is_some_and(|number| number.parse::<f64>().is_ok());
        if is_value && takes_value(command, option) {
            return Some(word);
        }
        command = command.find_subcommand(word).unwrap_or(command);
    }
    None
}

/// Whether the word after this one is its value: `--name`, `-n`, or the last letter of `-qn`.
fn takes_value(command: &Command, word: &str) -> bool {
    let is_same = |option: &&Arg| match word.strip_prefix("--") {
        Some(long) => option.get_long() == Some(long),
        None => word.starts_with('-') && option.get_short().is_some_and(|short| word.ends_with(short)),
    };
    command.get_arguments().find(is_same).is_some_and(|option| option.get_action().takes_values())
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
    format!("{}{space}{more}{}", in_bounds(first), hint(tips, usage))
}

/// The message about a number out of bounds, which clap gives in Rust's notation.
fn in_bounds(text: &str) -> String {
    let said = text.rsplit_once(" is not in ").and_then(|(what, bounds)| {
        let (what, value) = what.rsplit_once(": ")?;
        let (least, most) = bounds.split_once("..")?;
        let most: u64 = most.trim_start_matches('=').parse().ok()?;
        let bounds = match least {
            "0" => format!("at most {most}"),
            // As large as the type allows is no bound that a person has met.
            least if most >= u32::MAX.into() && value == "0" => format!("at least {least}"),
            least => format!("from {least} to {most}"),
        };
        Some(format!("{what}: it must be {bounds}"))
    });
    let said = said.unwrap_or_else(|| text.to_owned());
    said.replace("number too large to fit in target type", "the number is too large")
        .replace("invalid digit found in string", "it must be a whole number")
}

/// What there is instead, or where it stands. A value that is no good names what is wanted itself.
fn hint(tips: &str, usage: &str) -> String {
    if let Some(tip) = tips.lines().next().filter(|tip| tip.contains("similar")) {
        return format!("; {tip}");
    }
    let is_command = |word: &&str| word.starts_with(|letter: char| letter.is_ascii_lowercase());
    let command = usage.split_whitespace().take_while(is_command).collect::<Vec<_>>().join(" ");
    if command.is_empty() { String::new() } else { format!("; see `{command} --help`") }
}

#[cfg(test)]
mod tests;
