use std::collections::BTreeSet;

use super::aging;
use super::case::{Case, LinuxBehavior, Verdict};
use super::runs::{DATAGRAM_CASES, FRESH_HOST_CASES, POLICY_CASES};

/// Page with the tables of all cases.
const PAGE: &str = include_str!("../../../docs/conform.md");

fn cases() -> impl Iterator<Item = &'static Case> {
    POLICY_CASES.into_iter().chain([aging::CASES]).chain(DATAGRAM_CASES).flatten()
}

/// Returns a table that the page should contain.
fn table(head: [&str; 2], rows: impl Iterator<Item = (&'static str, &'static str)>) -> String {
    let rows: Vec<_> = rows.map(|(name, more)| format!("| {name} | {more} |\n")).collect();
    format!("\n| {} | {} |\n|---|---|\n{}\n", head[0], head[1], rows.concat())
}

fn assert_page_has(table: &str) {
    assert!(format!("{PAGE}\n").contains(table), "docs/conform.md does not contain:\n{table}");
}

#[test]
fn conform_page_lists_every_case_and_its_rule() {
    assert_page_has(&table(["case", "rule"], cases().map(|case| (case.name, case.rule))));
    let fresh = FRESH_HOST_CASES.into_iter().flatten();
    assert_page_has(&table(["case with a separate host", "rule"], fresh.map(|case| (case.name, case.rule))));
}

#[test]
fn conform_page_lists_each_linux_difference_with_its_reason() {
    let differing = cases().filter_map(|case| match case.linux {
        LinuxBehavior::Differs(reason) => Some((case.name, reason)),
        _ => None,
    });
    assert_page_has(&table(["case", "behavior of Linux"], differing));
    let not_run = cases().filter_map(|case| match case.linux {
        LinuxBehavior::NotRun(reason) => Some((case.name, reason)),
        _ => None,
    });
    assert_page_has(&table(["case", "why it is not run"], not_run));
}

#[test]
fn case_names_are_unique() {
    let names: Vec<_> = cases()
        .map(|case| case.name)
        .chain(FRESH_HOST_CASES.into_iter().flatten().map(|case| case.name))
        .collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

#[test]
fn recorded_linux_difference_fails_when_it_does_not_show() {
    let differs = LinuxBehavior::Differs("replies");
    assert_eq!(differs.verdict(|| Err("no reply".to_owned())), Verdict::Differs("replies".to_owned()));
    assert!(matches!(differs.verdict(|| Ok(())), Verdict::Failed(_)));
    assert_eq!(LinuxBehavior::Agrees.verdict(|| Ok(())), Verdict::Passed);
    assert_eq!(
        LinuxBehavior::Agrees.verdict(|| Err("no reply".to_owned())),
        Verdict::Failed("no reply".to_owned())
    );
    let not_run = LinuxBehavior::NotRun("no events").verdict(|| unreachable!("the case is not run"));
    assert_eq!(not_run, Verdict::Skipped("no events".to_owned()));
}
