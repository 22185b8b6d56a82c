//! Compares the goodput of tapstack's TCP with that of the Linux kernel over a lossy link. See `--help`.
#![forbid(unsafe_code)]

mod bridge;
mod kernel;
mod options;
mod report;
mod tapstack;
mod trial;

use std::process::ExitCode;

use clap::Parser;
use tap::linux::Namespace;

use options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    // The first namespace makes this process privileged in namespaces of its own.
    let done = Namespace::enter()
        .map_err(|error| error.to_string())
        .and_then(|_namespace| trial::measure(&options))
        .and_then(|report| report.write(&options));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("lossy: {message}");
            ExitCode::from(2)
        }
    }
}
