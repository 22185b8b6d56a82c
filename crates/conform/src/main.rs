//! The program of the black-box suite, which `cargo xtask conform` runs.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use conform::{Arguments, linux, run};
use testbed::suite::exit_code;

fn main() -> ExitCode {
    let result = linux::child().unwrap_or_else(|| run(&Arguments::parse()));
    exit_code("conform", result)
}
