//! The TAP driver and its kernel, on a real wire.
// A trial may panic: that is how it fails. Each has the shape of a `Case`.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unnecessary_wraps)]

#[path = "../harness/mod.rs"]
mod harness;

mod driver;
mod kernel_side;
mod listener;
mod persistent;
mod ring;

use std::process::ExitCode;

use harness::Trials;

fn main() -> ExitCode {
    let cases = [driver::CASES, kernel_side::CASES, listener::CASES, persistent::CASES, ring::CASES].concat();
    harness::main(Trials { cases: &cases, refused: driver::REFUSED, unprivileged: driver::UNPRIVILEGED })
}
