//! Help, versions, and the message about an invalid command line.

use std::error::Error as _;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Error};

use crate::advice::explain;
use crate::arguments::CommandLine;
use crate::error_message::ErrorMessage;
use crate::failure::{Failure, check_written};

/// Prints help or the version if these arguments request it, otherwise the error message.
pub(crate) fn report(error: &Error, arguments: &[OsString]) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => show(error),
        _ => Failure::new(message(error, arguments)).report(),
    }
}

/// Prints help or a version. A failed write is a failure of the command.
fn show(error: &Error) -> ExitCode {
    let printed = error.print().and_then(|()| io::stdout().flush());
    match check_written(printed.err()) {
        Ok(()) => u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(failure) => failure.report(),
    }
}

/// Returns a message about the invalid argument, with a hint how to correct the command line.
fn message(error: &Error, arguments: &[OsString]) -> ErrorMessage {
    let context = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let argument = context(ContextKind::InvalidArg);
    let value = context(ContextKind::InvalidValue);
    let prior = context(ContextKind::PriorArg);
    let what = match error.kind() {
        ErrorKind::ValueValidation => {
            let what = format!("invalid value '{value}' for '{argument}'");
            // A value parser returns only the reason.
            return match error.source() {
                Some(cause) => explain(cause).context(what),
                None => ErrorMessage::new(what),
            };
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("a value is required for '{argument}'"),
        ErrorKind::InvalidValue => format!("invalid value '{value}' for '{argument}'"),
        ErrorKind::UnknownArgument if argument.starts_with('-') => format!("unknown option '{argument}'"),
        ErrorKind::UnknownArgument => format!("unexpected argument '{argument}'"),
        ErrorKind::InvalidSubcommand => {
            format!("unknown command '{}'", context(ContextKind::InvalidSubcommand))
        }
        ErrorKind::ArgumentConflict if argument == prior => {
            format!("'{argument}' can be used only once")
        }
        ErrorKind::ArgumentConflict if argument.is_empty() => {
            format!("{} cannot be used before a command", quoted(&words(error, ContextKind::PriorArg)))
        }
        ErrorKind::ArgumentConflict => {
            let prior = words(error, ContextKind::PriorArg);
            let what = format!("'{argument}' cannot be used with {}", quoted(&prior));
            return match tap_option(&argument, &prior) {
                Some(option) => ErrorMessage::new(format!("{what}: {option} needs a TAP"))
                    .hint(format!("omit {option}, or use --tap instead of --interface")),
                None => with_hints(ErrorMessage::new(what), error, &command(arguments), &argument),
            };
        }
        ErrorKind::TooManyValues => format!("'{argument}' takes no value"),
        ErrorKind::WrongNumberOfValues => {
            // `--route <IP/PREFIX> <via> <IP>`
            let (option, values) = argument.split_once(' ').unwrap_or((&argument, ""));
            let (count, values) = (values.matches('<').count(), values.replace(['<', '>'], ""));
            format!("invalid '{option}': expected {count} values without quotes: {values}")
        }
        ErrorKind::MissingRequiredArgument => missing(error),
        kind if argument.is_empty() => kind.to_string(),
        kind => format!("{kind}: '{argument}'"),
    };
    with_hints(ErrorMessage::new(what), error, &command(arguments), &argument)
}

/// Returns the option among these that needs a TAP, if another one is `--interface`.
fn tap_option<'a>(argument: &'a str, prior: &'a [String]) -> Option<&'a str> {
    const TAP_OPTIONS: [&str; 4] = ["--address", "--io", "--kernel", "--mtu"];
    let both = || {
        std::iter::once(argument)
            .chain(prior.iter().map(String::as_str))
            .filter_map(|word| word.split(' ').next())
    };
    both()
        .find(|option| TAP_OPTIONS.contains(option))
        .filter(|_| both().any(|option| option == "--interface"))
}

/// Returns the message about missing options and arguments.
fn missing(error: &Error) -> String {
    let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else {
        return "missing argument".to_owned();
    };
    let (mut has_option, mut has_argument) = (false, false);
    let mut alternatives = |entry: &String| {
        // One of several: `<--interface <NAME>|--tap <NAME>|FILE>`.
        let group = entry.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
        let words: Vec<_> = match group.filter(|group| group.contains('|')) {
            Some(group) => group.split('|').map(as_usage).collect(),
            None => vec![entry.clone()],
        };
        has_option |= words.iter().any(|word| word.starts_with('-'));
        has_argument |= words.iter().any(|word| !word.starts_with('-'));
        listed(&words)
    };
    let all: Vec<_> = missing.iter().map(&mut alternatives).collect();
    let kind = match (has_option, has_argument, all.len()) {
        (true, true, 1) => "option or argument",
        (true, true, _) => "options and arguments",
        (true, false, 1) => "option",
        (true, false, _) => "options",
        (false, _, 1) => "argument",
        (false, _, _) => "arguments",
    };
    format!("missing {kind}: {}", all.join("; "))
}

/// Returns an option or argument in the format of `Usage:`: `FILE` of a group as `<FILE>`.
fn as_usage(word: &str) -> String {
    if word.starts_with('-') { word.to_owned() } else { format!("<{word}>") }
}

/// Joins words: `a, b or c`.
fn listed(words: &[String]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => words.concat(),
    }
}

/// Adds a hint: what to write instead, or which command prints help.
fn with_hints(message: ErrorMessage, error: &Error, command: &str, argument: &str) -> ErrorMessage {
    if let Some(similar) = similar(error) {
        return message.hint(similar);
    }
    let values = error.get(ContextKind::ValidValue).map(ToString::to_string);
    match values.filter(|values| !values.is_empty()) {
        Some(values) => message.hint(format!("possible values: {values}")),
        None if command == "tapstack lab" && !argument.starts_with('-') => {
            message.hint(format!("put `--` before the command: `tapstack lab -- {argument}`"))
        }
        None => message.hint(format!("see `{command} --help`")),
    }
}

/// Returns a hint with the options, commands or values that are similar to the unknown word, the most similar first.
fn similar(error: &Error) -> Option<String> {
    let kinds = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    let mut words = kinds.into_iter().map(|kind| words(error, kind)).find(|words| !words.is_empty())?;
    // clap sorts by increasing similarity.
    words.reverse();
    Some(format!("did you mean {}?", quoted(&words)))
}

/// Returns a hint with the commands that are similar to an unknown command.
pub(crate) fn similar_command(command: &[String]) -> Option<String> {
    let words = std::iter::once("tapstack").chain(command.iter().map(String::as_str));
    let error = CommandLine::command().try_get_matches_from(words).err()?;
    similar(&error).filter(|_| error.kind() == ErrorKind::InvalidSubcommand)
}

/// Returns the words of a context of an error.
fn words(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::Strings(words)) => words.clone(),
        Some(ContextValue::String(word)) => vec![word.clone()],
        _ => Vec::new(),
    }
}

/// Joins words, each in quotes: `'a', 'b' or 'c'`.
fn quoted(words: &[String]) -> String {
    listed(&words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>())
}

/// Returns the command that these arguments name, as in `tapstack tap create`.
fn command(arguments: &[OsString]) -> String {
    let root = CommandLine::command();
    let (mut command, mut path) = (&root, String::from("tapstack"));
    for word in arguments.iter().filter_map(|word| word.to_str()) {
        if let Some(below) = command.find_subcommand(word) {
            path = format!("{path} {word}");
            command = below;
        }
    }
    path
}

#[cfg(test)]
mod tests;
