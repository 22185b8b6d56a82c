use std::collections::BTreeSet;

use super::aging;
use super::case::{Case, LinuxBehavior, Verdict};
use super::runs::{DATAGRAM_CASES, FRESH_HOST_CASES, POLICY_CASES};

/// What users read.
const PAGE: &str = include_str!("../../../docs/conform.md");

fn cases() -> impl Iterator<Item = &'static Case> {
    POLICY_CASES.into_iter().chain([aging::CASES]).chain(DATAGRAM_CASES).flatten()
}

/// A table of the page, as it has to be.
fn table(head: [&str; 2], rows: impl Iterator<Item = (&'static str, &'static str)>) -> String {
    let rows: Vec<_> = rows.map(|(name, more)| format!("| {name} | {more} |\n")).collect();
    format!("\n| {} | {} |\n|---|---|\n{}\n", head[0], head[1], rows.concat())
}

fn assert_page_has(table: &str) {
    assert!(format!("{PAGE}\n").contains(table), "docs/conform.md should have:\n{table}");
}

#[test]
fn conform_page_lists_every_case_and_its_rule() {
    assert_page_has(&table(["case", "rule"], cases().map(|case| (case.name, case.rule))));
    let trials = FRESH_HOST_CASES.into_iter().flatten();
    assert_page_has(&table(
        ["case of a host of its own", "rule"],
        trials.map(|trial| (trial.name, trial.rule)),
    ));
}

#[test]
fn conform_page_lists_each_linux_difference_with_its_reason() {
    let differing = cases().filter_map(|case| match case.linux {
        LinuxBehavior::Differs(reason) => Some((case.name, reason)),
        _ => None,
    });
    assert_page_has(&table(["case", "what Linux does"], differing));
    let unasked = cases().filter_map(|case| match case.linux {
        LinuxBehavior::NotAsked(reason) => Some((case.name, reason)),
        _ => None,
    });
    assert_page_has(&table(["case", "why Linux is not asked"], unasked));
}

#[test]
fn case_names_are_unique() {
    let names: Vec<_> = cases()
        .map(|case| case.name)
        .chain(FRESH_HOST_CASES.into_iter().flatten().map(|trial| trial.name))
        .collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

#[test]
fn recorded_linux_difference_fails_when_it_does_not_show() {
    let differs = LinuxBehavior::Differs("it is so");
    assert_eq!(differs.verdict(|| Err("no answer".to_owned())), Verdict::Differs("it is so".to_owned()));
    assert!(matches!(differs.verdict(|| Ok(())), Verdict::Failed(_)));
    assert_eq!(LinuxBehavior::Agrees.verdict(|| Ok(())), Verdict::Passed);
    assert_eq!(
        LinuxBehavior::Agrees.verdict(|| Err("no answer".to_owned())),
        Verdict::Failed("no answer".to_owned())
    );
    let unasked = LinuxBehavior::NotAsked("it has none").verdict(|| unreachable!("it is not asked"));
    assert_eq!(unasked, Verdict::Skipped("it has none".to_owned()));
}
