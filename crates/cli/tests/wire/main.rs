//! The binary `tapstack`, run as a person would, on a real wire.
// A trial may panic: that is how it fails. Each has the shape of a `Case`.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unnecessary_wraps)]

#[path = "../../../tap/tests/harness/mod.rs"]
mod harness;

mod arping;
mod carriage;
mod claims;
mod host;
mod hosts;
mod lab;
mod ping;
mod running;
mod tap_command;

use std::process::ExitCode;

use harness::Trials;

fn main() -> ExitCode {
    if let Err(error) = harness::program::open(env!("CARGO_BIN_EXE_tapstack")) {
        eprintln!("cannot open the program under test: {error}");
        return ExitCode::FAILURE;
    }
    let cases = [
        arping::CASES,
        carriage::CASES,
        claims::CASES,
        host::CASES,
        hosts::CASES,
        lab::CASES,
        ping::CASES,
        tap_command::CASES,
    ]
    .concat();
    let unprivileged = [arping::UNPRIVILEGED, host::UNPRIVILEGED, tap_command::UNPRIVILEGED].concat();
    harness::main(Trials { cases: &cases, refused: lab::REFUSED, unprivileged: &unprivileged })
}
