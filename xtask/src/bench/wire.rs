//! `bench wire`: the program of that name in crates/bench, which does it all.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use super::{build, workspace};
use crate::Outcome;

// What may be chosen, the program itself tells: `--help` is its.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let program = build("wire")?;
    let mut command = Command::new(&program);
    command.arg("--out").arg(workspace().join("target/bench")).args(&arguments.words);
    let status = command.status().map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
