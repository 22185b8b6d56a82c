//! `bench table`: the neighbor table at sizes from 16 to 1,000,000 entries.

use std::ffi::OsStr;
use std::process::ExitCode;

use super::{cargo, workspace_root};
use crate::ChoreResult;

pub(super) fn run() -> ChoreResult {
    cargo(
        ["bench", "--locked", "--package", "neighbor", "--bench", "table"].map(OsStr::new),
        workspace_root(),
        None,
    )?;
    Ok(ExitCode::SUCCESS)
}
