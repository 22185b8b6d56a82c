//! `ci`: everything but the tests.

use std::process::{Command, ExitCode};

use crate::{Outcome, bench, layers, spec};

/// The steps, each a cargo command line. Clippy compiles the benches too.
const STEPS: [&[&str]; 3] = [
    &["fmt", "--all", "--check"],
    &["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"],
    &["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"],
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
    println!("cargo xtask bench parse --gate");
    let checks = [bench::hold_parse()?, layers::check(None)?, spec::check(None)?];
    Ok(checks.into_iter().find(|check| *check != ExitCode::SUCCESS).unwrap_or(ExitCode::SUCCESS))
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(bench::workspace()).env("RUSTDOCFLAGS", "--deny warnings");
    command
}
