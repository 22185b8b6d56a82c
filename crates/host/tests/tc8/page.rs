//! The page in the book and the cases say the same.

use arp::Policy;
use libtest_mimic::Failed;

use crate::cases::{self, Case};

const PAGE: &str = include_str!("../../../../docs/spec/tc8.md");

/// Fails unless the page has the row of every case, and no other.
pub(crate) fn lists(cases: &[Case]) -> Result<(), Failed> {
    let found: Vec<&str> = PAGE.lines().filter(|line| line.starts_with('|')).skip(2).collect();
    let expected: Vec<String> = cases.iter().map(row).collect();
    match expected.iter().zip(&found).find(|(expected, found)| expected != found) {
        Some((expected, found)) => Err(format!("the page says\n{found}\nand the case\n{expected}").into()),
        None if expected.len() == found.len() => Ok(()),
        None => Err(format!("{} cases, and {} rows on the page", expected.len(), found.len()).into()),
    }
}

/// The row of a case on the page.
fn row(case: &Case) -> String {
    let policies = match case.policies {
        [_, _, _] => "any".to_owned(),
        some => some.iter().map(|policy| format!("`{}`", word(*policy))).collect::<Vec<_>>().join(", "),
    };
    format!("| {:02} | {} | {policies} | {} |", case.number, case.name, proved(case.number))
}

/// What the comment above a case says that it proves.
fn proved(number: u8) -> &'static str {
    let mut proved = "";
    for line in cases::SOURCES.iter().flat_map(|source| source.lines()).map(str::trim) {
        if let Some(ids) = line.strip_prefix("// proves: ") {
            proved = ids;
        } else if line == format!("number: {number},") {
            return proved;
        }
    }
    ""
}

/// The word for a policy that `--learn` takes.
pub(crate) fn word(policy: Policy) -> &'static str {
    match policy {
        Policy::Cautious => "cautious",
        Policy::Rfc826 => "rfc826",
        Policy::Permissive => "permissive",
    }
}
