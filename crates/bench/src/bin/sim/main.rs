//! Measures the goodput of TCP in simulation: virtual time, reproducible by seed. See `--help`.
#![forbid(unsafe_code)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "the figures are positive and below 2^52"
)]

mod document;
mod fairness;
mod loss;
mod multiflow;
mod options;
mod path;
mod pause;
mod plot;
mod published;
mod queues;
mod reordering;
mod report;
mod runs;
mod tail;

use std::process::ExitCode;

use clap::Parser;

use options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    match report::prepare(&options).and_then(|()| report::measure(&options)) {
        Ok(report) => match report.write(&options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => failed(&message),
        },
        Err(message) => failed(&message),
    }
}

fn failed(message: &str) -> ExitCode {
    eprintln!("sim: {message}");
    ExitCode::from(2)
}
