//! `bench table`: the translation table at every size.

use std::ffi::OsStr;
use std::process::ExitCode;

use super::{cargo, workspace};
use crate::ChoreResult;

pub(super) fn run() -> ChoreResult {
    cargo(
        ["bench", "--locked", "--package", "neighbor", "--bench", "table"].map(OsStr::new),
        workspace(),
        None,
    )?;
    Ok(ExitCode::SUCCESS)
}
