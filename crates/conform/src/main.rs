//! The black-box test suite as a program, which `cargo xtask conform` runs.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use conform::{ConformArguments, linux, run};
use testbed::suite::exit_code;

fn main() -> ExitCode {
    let result = linux::child().unwrap_or_else(|| run(&ConformArguments::parse()));
    exit_code("conform", result)
}
