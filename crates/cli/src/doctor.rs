//! `tapstack doctor`: checks what tapstack can use on this machine, and how to fix the rest.

mod checks;
mod facts;
pub(crate) mod inside;
mod json;
mod managers;

use std::process::ExitCode;

use anstyle::Style;
use runtime::Clock;
use schemars::{Schema, SchemaGenerator};

use crate::arguments::DoctorArguments;
use crate::clock::WallClock;
use crate::color::{DIMMED, EMPHASIS, ERROR, SUCCESS, Styler, WARNING};
use crate::failure::{Failure, print_line};
use crate::json::{EventObject, command_schema};
use checks::check_all;
use facts::Facts;
use json::{CheckName, DoctorJson, OutcomeJson};

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CheckOutcome {
    Ok,
    Warn,
    Fail,
    Skip,
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    check: CheckName,
    outcome: CheckOutcome,
    /// Whether every command that uses a TAP requires the check to succeed.
    needed: bool,
    why: String,
    /// A command to paste.
    hint: Option<String>,
}

pub(crate) fn run(arguments: &DoctorArguments) -> Result<ExitCode, Failure> {
    let clock = WallClock::from(Clock::start());
    let findings = check_all(&Facts::gather());
    let code = exit_code(&findings);
    if arguments.json {
        for line in lines(&findings) {
            print_line(&serde_json::to_string(&EventObject::new(clock.now(), line))?)?;
        }
    } else {
        let styler = Styler::stdout();
        for finding in &findings {
            print_line(&finding.text(styler))?;
        }
    }
    Ok(ExitCode::from(code))
}

/// Returns the lines of `--json`: each check, then the summary.
fn lines(findings: &[Finding]) -> Vec<DoctorJson<'_>> {
    let count = |outcome| findings.iter().filter(|finding| finding.outcome == outcome).count();
    let summary = DoctorJson::Summary {
        ok: count(CheckOutcome::Ok),
        warn: count(CheckOutcome::Warn),
        fail: count(CheckOutcome::Fail),
        skip: count(CheckOutcome::Skip),
        exit_code: exit_code(findings),
    };
    findings.iter().map(Finding::json).chain([summary]).collect()
}

/// Returns the exit code: a failed check outweighs a skipped one.
fn exit_code(findings: &[Finding]) -> u8 {
    let any = |outcome| findings.iter().any(|finding| finding.needed && finding.outcome == outcome);
    match (any(CheckOutcome::Fail), any(CheckOutcome::Skip)) {
        (true, _) => 1,
        (false, true) => 2,
        (false, false) => 0,
    }
}

impl Finding {
    fn json(&self) -> DoctorJson<'_> {
        DoctorJson::Check {
            check: self.check,
            outcome: match self.outcome {
                CheckOutcome::Ok => OutcomeJson::Ok,
                CheckOutcome::Warn => OutcomeJson::Warn,
                CheckOutcome::Fail => OutcomeJson::Fail,
                CheckOutcome::Skip => OutcomeJson::Skip,
            },
            required: self.needed,
            message: &self.why,
            fix: self.hint.as_deref(),
        }
    }

    /// Returns the finding as a line, followed by a line with the command that fixes a failure.
    fn text(&self, styler: Styler) -> String {
        let Finding { check, outcome, why, hint, .. } = self;
        let outcome = styler.apply(outcome.style(), &format!("{:<4}", outcome.name()));
        let hint = hint.as_ref().map_or(String::new(), |hint| {
            format!("\n{}{} {hint}", " ".repeat(23), styler.apply(EMPHASIS, "fix:"))
        });
        format!("{outcome}  {:<16} {why}{hint}", check.text())
    }
}

impl CheckOutcome {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Ok => SUCCESS,
            Self::Warn => WARNING,
            Self::Fail => ERROR,
            Self::Skip => DIMMED,
        }
    }
}

/// Returns the schema of `tapstack doctor --json`.
pub(crate) fn schema(generator: &mut SchemaGenerator) -> Schema {
    command_schema::<DoctorJson<'_>>(generator, false)
}

#[cfg(test)]
mod tests;
