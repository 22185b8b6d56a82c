//! `bench parse`.

use std::process::ExitCode;

use super::build;
use crate::Outcome;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(super) fn run(_arguments: &Arguments) -> Outcome {
    build("parse")?;
    Ok(ExitCode::SUCCESS)
}
