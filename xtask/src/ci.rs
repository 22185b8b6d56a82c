//! `ci`: all checks of CI except the tests.

use std::ffi::OsStr;
use std::process::{Command, ExitCode};

use crate::{ChoreResult, bench, drill, json, layers, pictures, spec, word_list};
use testbed::installed::installed;

/// Steps, each a cargo command line. Clippy also compiles the benches.
const STEPS: [&[&str]; 3] = [
    &["fmt", "--all", "--check"],
    &["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"],
    &["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"],
];

/// Steps for crates/fuzz, which is a separate workspace. The steps link no program, so they do not need the library of
/// the fuzzer.
const FUZZ_STEPS: [&[&str]; 2] =
    [&["fmt", "--check"], &["clippy", "--all-targets", "--locked", "--quiet", "--", "--deny", "warnings"]];
/// Steps for crates/drill, which is a separate workspace.
const DRILL_STEPS: [&[&str]; 3] = [
    &["fmt", "--check"],
    &["clippy", "--all-targets", "--locked", "--quiet", "--", "--deny", "warnings"],
    &["test", "--locked", "--quiet"],
];
/// Checks of cargo-deny that need no network.
const DENY: &[&str] = &["deny", "--locked", "--log-level", "error", "check", "bans", "licenses", "sources"];
/// Check of cargo-deny that fetches the database of advisories from the network.
const DENY_ADVISORIES: &[&str] = &["deny", "--locked", "--log-level", "error", "check", "advisories"];

pub(crate) fn run() -> ChoreResult {
    for step in STEPS {
        println!("cargo {}", step.join(" "));
        let done = cargo(step).status().map_err(|error| format!("cannot run cargo: {error}"))?;
        if !done.success() {
            eprintln!("xtask: `cargo {}` failed", step.join(" "));
            return Ok(ExitCode::from(1));
        }
    }
    for check in [deny, fuzz, check_drill, bench::check] {
        if let Err(error) = check() {
            eprintln!("xtask: {error}");
            return Ok(ExitCode::from(1));
        }
    }
    println!("cargo xtask bench parse --gate; cargo xtask bench tcp --gate");
    let checks = [
        json::check(),
        bench::gate_parse()?,
        bench::gate_tcp()?,
        pictures::check()?,
        layers::check(None)?,
        spec::check(None)?,
        word_list::check_names()?,
        word_list::check_words()?,
    ];
    Ok(checks.into_iter().find(|check| *check != ExitCode::SUCCESS).unwrap_or(ExitCode::SUCCESS))
}

/// Checks the dependencies with cargo-deny, if cargo-deny is installed.
fn deny() -> Result<(), String> {
    if let Err(absent) = installed("cargo-deny") {
        println!("dependencies not checked: {absent}\nhint: cargo install --locked cargo-deny");
        return Ok(());
    }
    for arguments in [DENY, DENY_ADVISORIES] {
        println!("cargo {}", arguments.join(" "));
        let output = cargo(arguments).output().map_err(|error| format!("cannot run cargo: {error}"))?;
        let errors = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() && errors.contains("failed to fetch advisory database") {
            println!("advisories not checked: cannot fetch the advisory database");
        } else if !output.status.success() {
            return Err(format!("`cargo {}` failed\n{errors}", arguments.join(" ")));
        }
    }
    Ok(())
}

/// Checks the format and the lints of the fuzz targets.
fn fuzz() -> Result<(), String> {
    let folder = bench::workspace_root().join("crates/fuzz");
    for step in FUZZ_STEPS {
        println!("crates/fuzz: cargo {}", step.join(" "));
        let library = ("CUSTOM_LIBFUZZER_PATH", folder.join("target/libfuzzer.a"));
        bench::cargo(step.iter().map(OsStr::new), &folder, Some(library))?;
    }
    Ok(())
}

/// Checks crates/drill: format, lints and unit tests.
fn check_drill() -> Result<(), String> {
    for step in DRILL_STEPS {
        println!("crates/drill: cargo {}", step.join(" "));
        drill::cargo(step)?;
    }
    Ok(())
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(bench::workspace_root()).env("RUSTDOCFLAGS", "--deny warnings");
    command
}
