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

/// Returns what is invalid, with hints how to correct it.
fn message(error: &Error, arguments: &[OsString]) -> ErrorMessage {
    let context = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let argument = context(ContextKind::InvalidArg);
    let value = context(ContextKind::InvalidValue);
    let prior = context(ContextKind::PriorArg);
    let what = match error.kind() {
        ErrorKind::ValueValidation => {
            let what = format!("invalid value '{value}' for '{argument}'");
            return match error.source() {
                Some(cause) => explain(cause).context(what),
                None => ErrorMessage::new(what),
            };
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("a value is required for '{argument}'"),
        ErrorKind::InvalidValue => format!("invalid value '{value}' for '{argument}'"),
        ErrorKind::UnknownArgument => format!("unknown argument '{argument}'"),
        ErrorKind::InvalidSubcommand => {
            format!("unknown command '{}'", context(ContextKind::InvalidSubcommand))
        }
        ErrorKind::ArgumentConflict if argument == prior => {
            format!("'{argument}' can be used only once")
        }
        ErrorKind::ArgumentConflict => {
            format!("'{argument}' cannot be used with {}", quoted(error, ContextKind::PriorArg))
        }
        ErrorKind::TooManyValues => format!("'{argument}' takes no value"),
        ErrorKind::WrongNumberOfValues => {
            let (expected, actual) =
                (context(ContextKind::ExpectedNumValues), context(ContextKind::ActualNumValues));
            format!("'{argument}' takes {expected} values, not {actual}")
        }
        ErrorKind::MissingRequiredArgument => format!("missing arguments: {argument}"),
        kind if argument.is_empty() => kind.to_string(),
        kind => format!("{kind}: '{argument}'"),
    };
    with_hints(ErrorMessage::new(what), error, &command(arguments), &argument)
}

/// Adds hints: what to write instead, or which command prints help.
fn with_hints(message: ErrorMessage, error: &Error, command: &str, argument: &str) -> ErrorMessage {
    let suggestions =
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    let similar = suggestions.into_iter().map(|kind| quoted(error, kind)).find(|words| !words.is_empty());
    let message = match &similar {
        Some(similar) => message.hint(format!("did you mean {similar}?")),
        None => message,
    };
    let values = error.get(ContextKind::ValidValue).map(ToString::to_string);
    match values.filter(|values| !values.is_empty()) {
        Some(values) => message.hint(format!("possible values: {values}")),
        None if similar.is_some() => message,
        None if command == "tapstack lab" && !argument.starts_with('-') => {
            message.hint(format!("put `--` before the command: `tapstack lab -- {argument}`"))
        }
        None => message.hint(format!("see `{command} --help`")),
    }
}

/// Returns the words of a context of an error, each in quotes.
fn quoted(error: &Error, kind: ContextKind) -> String {
    let words = match error.get(kind) {
        Some(ContextValue::Strings(words)) => words.as_slice(),
        Some(ContextValue::String(word)) => std::slice::from_ref(word),
        _ => &[],
    };
    words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" or ")
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
