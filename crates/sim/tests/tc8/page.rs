//! Checks that `docs/spec/tc8.md` lists the cases.

use arp::LearningPolicy;
use libtest_mimic::Failed;

use crate::cases::{self, Case};

const PAGE: &str = include_str!("../../../../docs/spec/tc8.md");

/// Fails unless the table on the page has exactly one row for each case.
pub(crate) fn check(cases: &[Case]) -> Result<(), Failed> {
    let found: Vec<&str> = PAGE.lines().filter(|line| line.starts_with('|')).skip(2).collect();
    let expected: Vec<String> = cases.iter().map(row).collect();
    match expected.iter().zip(&found).find(|(expected, found)| expected != found) {
        Some((expected, found)) => Err(format!("expected the row\n{expected}\nbut found\n{found}").into()),
        None if expected.len() == found.len() => Ok(()),
        None => Err(format!("expected {} rows on the page, found {}", expected.len(), found.len()).into()),
    }
}

/// Returns the row of a case in the table.
fn row(case: &Case) -> String {
    let policies = match case.policies {
        [_, _, _] => "any".to_owned(),
        some => {
            some.iter().map(|policy| format!("`{}`", policy_name(*policy))).collect::<Vec<_>>().join(", ")
        }
    };
    format!("| {:02} | {} | {policies} | {} |", case.number, case.name, proven_ids(case.number))
}

/// Returns the requirements in the `proves` comment above a case.
fn proven_ids(number: u8) -> &'static str {
    let mut proven_ids = "";
    for line in cases::SOURCES.iter().flat_map(|source| source.lines()).map(str::trim) {
        if let Some(ids) = line.strip_prefix("// proves: ") {
            proven_ids = ids;
        } else if line == format!("number: {number},") {
            return proven_ids;
        }
    }
    ""
}

/// Returns the value of `--learn` for a policy.
pub(crate) fn policy_name(policy: LearningPolicy) -> &'static str {
    match policy {
        LearningPolicy::Cautious => "cautious",
        LearningPolicy::Rfc826 => "rfc826",
        LearningPolicy::Permissive => "permissive",
    }
}
