use std::collections::BTreeSet;

use super::aging;
use super::case::{Case, Linux, Verdict};
use super::runs::{DATAGRAMS, PLAIN, TRIALS};

/// What users read.
const PAGE: &str = include_str!("../../../docs/conform.md");

fn cases() -> impl Iterator<Item = &'static Case> {
    PLAIN.into_iter().chain([aging::CASES]).chain(DATAGRAMS).flatten()
}

/// A table of the page, as it has to be.
fn table(head: [&str; 2], rows: impl Iterator<Item = (&'static str, &'static str)>) -> String {
    let rows: Vec<_> = rows.map(|(name, more)| format!("| {name} | {more} |\n")).collect();
    format!("\n| {} | {} |\n|---|---|\n{}\n", head[0], head[1], rows.concat())
}

fn assert_on_the_page(table: &str) {
    assert!(format!("{PAGE}\n").contains(table), "docs/conform.md should have:\n{table}");
}

#[test]
fn the_page_lists_every_case() {
    assert_on_the_page(&table(["case", "rule"], cases().map(|case| (case.name, case.rule))));
    let trials = TRIALS.into_iter().flatten();
    assert_on_the_page(&table(
        ["case of a host of its own", "rule"],
        trials.map(|trial| (trial.name, trial.rule)),
    ));
}

#[test]
fn the_page_lists_what_linux_does_otherwise_and_why() {
    let differing = cases().filter_map(|case| match case.linux {
        Linux::Differs(reason) => Some((case.name, reason)),
        _ => None,
    });
    assert_on_the_page(&table(["case", "what Linux does"], differing));
    let unasked = cases().filter_map(|case| match case.linux {
        Linux::Unasked(reason) => Some((case.name, reason)),
        _ => None,
    });
    assert_on_the_page(&table(["case", "why Linux is not asked"], unasked));
}

#[test]
fn no_two_cases_have_one_name() {
    let names: Vec<_> =
        cases().map(|case| case.name).chain(TRIALS.into_iter().flatten().map(|trial| trial.name)).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

#[test]
fn a_recorded_difference_has_to_show() {
    let differs = Linux::Differs("it is so");
    assert_eq!(differs.judge(|| Err("no answer".to_owned())), Verdict::Differs("it is so".to_owned()));
    assert!(matches!(differs.judge(|| Ok(())), Verdict::Failed(_)));
    assert_eq!(Linux::Agrees.judge(|| Ok(())), Verdict::Passed);
    assert_eq!(Linux::Agrees.judge(|| Err("no answer".to_owned())), Verdict::Failed("no answer".to_owned()));
    let unasked = Linux::Unasked("it has none").judge(|| unreachable!("it is not asked"));
    assert_eq!(unasked, Verdict::Skipped("it has none".to_owned()));
}
