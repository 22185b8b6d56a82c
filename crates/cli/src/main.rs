//! `tapstack`: a host of our own on a real wire.
#![forbid(unsafe_code)]
// These panic where nobody reads; `failure::say` and `Failure::tell` do not.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod arping;
mod clock;
mod describe;
mod failure;
mod host_command;
mod lab;
mod output;
mod ping;
mod report;
mod serve;
mod signals;
mod station;
mod tap_command;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use failure::Failure;

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    if words.next().is_some_and(|name| name == lab::command::GO_BETWEEN) {
        return lab::command::become_command(words).report();
    }
    let outcome = match Arguments::parse().command {
        None => lab::newcomer(),
        Some(Command::Lab(arguments)) => lab::run(&arguments),
        Some(Command::Host(arguments)) => host_command::run(&arguments),
        Some(Command::Ping(arguments)) => ping::run(&arguments),
        Some(Command::Arping(arguments)) => arping::run(&arguments),
        Some(Command::Tap(arguments)) => tap_command::run(&arguments),
    };
    outcome.unwrap_or_else(|failure: Failure| failure.report())
}
