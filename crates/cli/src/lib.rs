//! The program `tapstack` as a library, so that fuzz targets and benches can call its capture reader.
//!
//! # What this crate does not do
//!
//! It contains no protocols and no stable API. The other crates of the workspace do.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_types, reason = "a program reads and writes files, and starts others")]
// These macros panic if a stream is closed; `failure::print_line` and `Failure::print` do not.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod advice;
mod arguments;
mod arping;
mod carrier;
mod clock;
mod color;
mod complete;
mod completions;
mod control;
mod decode;
mod decompress;
mod device;
mod doctor;
mod error_message;
mod failure;
mod gaps;
mod help;
mod host_command;
mod input;
mod ip_command;
mod json;
mod json_schema;
mod lab;
mod link_change;
mod local_time;
mod mac;
mod man;
mod names;
mod nc;
mod output;
mod percent;
mod ping;
mod privileges;
mod probe;
mod recorder;
mod report;
mod result_file;
mod scan;
mod serve;
mod shared_address;
mod signals;
mod ss_command;
mod station;
mod tap_command;
mod tcp_arguments;
mod usage_error;
pub mod users;
mod values;
mod vendors;
mod watch;

use std::process::ExitCode;

use clap::Parser;

pub use decode::{DecodeFormat, decode_capture};
pub use error_message::ErrorMessage;
pub use json_schema::json_schema;
pub use values::host_network;

use arguments::{Command, CommandLine};
use failure::Failure;

/// Runs the command in the program's arguments.
pub fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let name = words.next();
    if name.as_ref().is_some_and(|name| name == lab::command::COMMAND_LAUNCHER) {
        return lab::command::exec_command(words).report();
    }
    if name.is_some_and(|name| name == doctor::inside::NAMESPACE_CHECK) {
        return doctor::inside::report(words).unwrap_or_else(|failure| failure.report());
    }
    match completions::print_candidates() {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(failure) => return failure.report(),
    }
    color::set_choice(color::choice_among(words));
    let arguments = match CommandLine::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage_error::report(&error, &std::env::args_os().collect::<Vec<_>>()),
    };
    color::set_choice(arguments.color);
    local_time::set_zone(arguments.utc);
    let outcome = match arguments.command {
        None => lab::run_default(),
        Some(Command::Lab(arguments)) => lab::run(&arguments),
        Some(Command::Host(arguments)) => host_command::run(&arguments),
        Some(Command::Ping(arguments)) => ping::run(&arguments),
        Some(Command::Nc(arguments)) => nc::run(&arguments),
        Some(Command::Arping(arguments)) => arping::run(&arguments),
        Some(Command::Scan(arguments)) => scan::run(&arguments),
        Some(Command::Watch(arguments)) => watch::run(&arguments),
        Some(Command::Decode(arguments)) => decode::run(&arguments),
        Some(Command::Ip(arguments)) => ip_command::run(&arguments),
        Some(Command::Ss(arguments)) => ss_command::run(&arguments),
        Some(Command::Tap(arguments)) => tap_command::run(&arguments),
        Some(Command::Doctor(arguments)) => doctor::run(&arguments),
        Some(Command::Completions(arguments)) => completions::run(&arguments),
        Some(Command::Man(arguments)) => man::run(&arguments),
    };
    outcome.unwrap_or_else(|failure: Failure| failure.report())
}
