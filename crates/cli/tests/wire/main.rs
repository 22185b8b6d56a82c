//! The binary `tapstack`, run as a person would, on a real wire.
// A trial may panic: that is how it fails. Each has the shape of a `Case`.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unnecessary_wraps)]

#[path = "../../../tap/tests/harness/mod.rs"]
mod harness;

mod host;
mod lab;
mod program;
mod tap_command;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Err(error) = program::open() {
        eprintln!("cannot open the program under test: {error}");
        return ExitCode::FAILURE;
    }
    let cases = [host::CASES, lab::CASES, tap_command::CASES].concat();
    harness::main(&cases, lab::REFUSED)
}
