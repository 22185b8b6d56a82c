//! Help, versions, and the message about an invalid command line.

use std::error::Error as _;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::{ContextKind, ErrorKind};
use clap::{CommandFactory, Error};

use crate::arguments::CommandLine;
use crate::failure::{Failure, check_written};

/// Prints help or a version if `error` is a request for them, otherwise the message about these invalid arguments.
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

/// Returns what is invalid and how to correct it, in one line.
fn message(error: &Error, arguments: &[OsString]) -> String {
    let context = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let argument = context(ContextKind::InvalidArg);
    let value = context(ContextKind::InvalidValue);
    let prior = context(ContextKind::PriorArg);
    let what = match error.kind() {
        ErrorKind::ValueValidation => {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            return format!("invalid value '{value}' for '{argument}'{cause}");
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("a value is required for '{argument}'"),
        ErrorKind::InvalidValue => {
            let values = context(ContextKind::ValidValue);
            return format!("invalid value '{value}' for '{argument}' [possible values: {values}]");
        }
        ErrorKind::UnknownArgument => format!("unexpected argument '{argument}' found"),
        ErrorKind::InvalidSubcommand => {
            format!("unrecognized subcommand '{}'", context(ContextKind::InvalidSubcommand))
        }
        ErrorKind::ArgumentConflict if argument == prior => {
            format!("the argument '{argument}' cannot be used multiple times")
        }
        ErrorKind::ArgumentConflict => format!("the argument '{argument}' cannot be used with {prior}"),
        ErrorKind::WrongNumberOfValues => {
            let (expected, actual) =
                (context(ContextKind::ExpectedNumValues), context(ContextKind::ActualNumValues));
            format!("'{argument}' takes {expected} values, not {actual}")
        }
        ErrorKind::MissingRequiredArgument => {
            format!("the following required arguments were not provided: {argument}")
        }
        kind if argument.is_empty() => kind.to_string(),
        kind => format!("{kind}: '{argument}'"),
    };
    format!("{what}; {}", hint(error, &command(arguments), &argument))
}

/// Returns what to write instead, or the command whose help lists what can be written.
fn hint(error: &Error, command: &str, argument: &str) -> String {
    let suggestions = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand];
    match suggestions.into_iter().find_map(|kind| error.get(kind)) {
        Some(similar) => format!("did you mean '{similar}'?"),
        None if command == "tapstack lab" && !argument.starts_with('-') => {
            format!("put `--` before the command, as in `tapstack lab -- {argument}`")
        }
        None => format!("see `{command} --help`"),
    }
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
