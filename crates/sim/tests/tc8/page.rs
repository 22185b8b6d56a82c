//! Checks that `docs/spec/tc8.md` lists the cases.

use arp::LearningPolicy;
use libtest_mimic::Failed;

use crate::cases::{self, Case};
use crate::{tcp, udp};

const PAGE: &str = include_str!("../../../../docs/spec/tc8.md");

/// Fails unless the tables on the page have exactly one row for each case.
pub(crate) fn check(cases: &[Case], udp_cases: &[udp::Case], tcp_cases: &[tcp::Case]) -> Result<(), Failed> {
    let (arp, rest) = PAGE.split_once("\n## UDP\n").ok_or("the page has no section about UDP")?;
    let (udp, tcp) = rest.split_once("\n## TCP\n").ok_or("the page has no section about TCP")?;
    check_table(arp, &cases.iter().map(row).collect::<Vec<_>>())?;
    check_table(udp, &udp_cases.iter().map(udp_row).collect::<Vec<_>>())?;
    check_table(tcp, &tcp_cases.iter().map(tcp_row).collect::<Vec<_>>())
}

/// Fails unless the table in this part of the page has exactly these rows.
fn check_table(part: &str, expected: &[String]) -> Result<(), Failed> {
    let found: Vec<&str> = part.lines().filter(|line| line.starts_with('|')).skip(2).collect();
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
    let proven_ids = proven_ids(&cases::SOURCES, &format!("number: {},", case.number));
    format!("| {:02} | {} | {policies} | {proven_ids} |", case.number, case.name)
}

/// Returns the row of a UDP case.
fn udp_row(case: &udp::Case) -> String {
    let proven_ids = proven_ids(&[udp::SOURCE], &format!("id: \"{}\",", case.id));
    format!("| {} | {} | {proven_ids} |", case.id, case.name)
}

/// Returns the row of a TCP case.
fn tcp_row(case: &tcp::Case) -> String {
    let proven_ids = proven_ids(&tcp::SOURCES, &format!("id: \"{}\",", case.id));
    format!("| {} | {} | {proven_ids} |", case.id, case.name)
}

/// Returns the requirements in the `proves` comment above the case with this line.
fn proven_ids(sources: &[&'static str], first_line: &str) -> &'static str {
    let mut proven_ids = "";
    for line in sources.iter().flat_map(|source| source.lines()).map(str::trim) {
        if let Some(ids) = line.strip_prefix("// proves: ") {
            proven_ids = ids;
        } else if line == first_line {
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
