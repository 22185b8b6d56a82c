//! Findings as JSON: one object a line.

use schemars::JsonSchema;
use serde::Serialize;

/// `tapstack doctor --json`
///
/// Prints the checks, then the summary.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[schemars(rename = "doctor")]
pub(super) enum DoctorJson<'a> {
    /// A check.
    Check {
        /// Name of the check.
        check: String,
        /// Result.
        outcome: OutcomeJson,
        /// Whether the exit code depends on it.
        required: bool,
        /// What was found, in words.
        message: &'a str,
        /// A command that fixes it; null if there is none.
        fix: Option<&'a str>,
    },
    /// The last object.
    Summary {
        /// Number of checks with outcome `ok`.
        ok: usize,
        /// Number of checks with outcome `warn`.
        warn: usize,
        /// Number of checks with outcome `fail`.
        fail: usize,
        /// Number of checks with outcome `skip`.
        skip: usize,
        /// Exit code of the command.
        exit_code: u8,
    },
}

/// Result of a check.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum OutcomeJson {
    /// It works.
    Ok,
    /// It does not work, and only some commands need it.
    Warn,
    /// It does not work.
    Fail,
    /// It could not be checked.
    Skip,
}

/// Returns the name of a check as an identifier.
pub(super) fn identifier(check: &str) -> String {
    let name = check.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    name.trim_start_matches('_').to_owned()
}
