//! `ci`: everything but the tests.

use std::process::{Command, ExitCode};

use crate::{Outcome, bench, layers, spec};

/// The steps, each a cargo command line.
const STEPS: [&[&str]; 4] = [
    &["fmt", "--all", "--check"],
    &["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"],
    &["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"],
    &["bench", "--workspace", "--no-run", "--locked"],
];

pub(crate) fn run() -> Outcome {
    for step in STEPS {
        println!("cargo {}", step.join(" "));
        let done = cargo(step).status().map_err(|error| format!("cannot run cargo: {error}"))?;
        if !done.success() {
            eprintln!("xtask: `cargo {}` failed", step.join(" "));
            return Ok(ExitCode::from(1));
        }
    }
    if let Err(sentence) = bench::check() {
        eprintln!("xtask: {sentence}");
        return Ok(ExitCode::from(1));
    }
    let layers = layers::check(None)?;
    let spec = spec::check(None)?;
    Ok(if layers == ExitCode::SUCCESS { spec } else { layers })
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).env("RUSTDOCFLAGS", "--deny warnings");
    command
}
