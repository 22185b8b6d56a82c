//! What is wanted of our speed, and whether it was found.

use crate::contender::{
    KERNEL, LOCAL, MANY_HOSTS, MANY_NEIGHBORS, MANY_REQUESTERS, NAIVE, RING, SMOLTCP, SWAP, SWAP_RING,
};
use crate::report::{BenchReport, Bound, Goal};
use crate::traffic::Load;

/// One goal: what it is about, its bound, and how its figure is found; none where that was not measured.
type GoalRule = (&'static str, Bound, f64, fn(&BenchReport, Load) -> Option<f64>);

/// The window in which two CPUs are compared.
const WINDOW: usize = 256;

const GOAL_RULES: [GoalRule; 12] = [
    ("drain: cost of tapstack over swap", Bound::AtMost, 1.05, |report, load| {
        cost(report, load, LOCAL, SWAP)
    }),
    ("drain: tapstack as fast as naive, times", Bound::AtLeast, 1.03, |report, load| {
        cost(report, load, NAIVE, LOCAL)
    }),
    ("drain: tapstack as fast as smoltcp, times", Bound::AtLeast, 1.15, |report, load| {
        cost(report, load, SMOLTCP, LOCAL)
    }),
    ("drain: cost of tapstack-ring over swap-ring", Bound::AtMost, 1.05, |report, load| {
        cost(report, load, RING, SWAP_RING)
    }),
    ("drain: tapstack-ring as fast as naive, times", Bound::AtLeast, 1.07, |report, load| {
        cost(report, load, NAIVE, RING)
    }),
    ("drain: tapstack-ring as fast as smoltcp, times", Bound::AtLeast, 1.20, |report, load| {
        cost(report, load, SMOLTCP, RING)
    }),
    ("drain: cost of many hosts over one", Bound::AtMost, 1.15, |report, load| {
        cost(report, load, MANY_HOSTS, LOCAL)
    }),
    ("drain: cost of many neighbours over ten", Bound::AtMost, 1.15, |report, load| {
        cost(report, load, MANY_NEIGHBORS, LOCAL)
    }),
    ("drain: cost of many who ask over one", Bound::AtMost, 1.15, |report, load| {
        cost(report, load, MANY_REQUESTERS, LOCAL)
    }),
    ("flow, window 256: p90 of tapstack over that of the kernel", Bound::AtLeast, 0.95, |report, load| {
        flow(report, load, LOCAL)
    }),
    (
        "flow, window 256: p90 of tapstack-ring over that of the kernel",
        Bound::AtLeast,
        1.15,
        |report, load| flow(report, load, RING),
    ),
    ("latency, spinning: p50 of tapstack over that of the kernel", Bound::AtMost, 1.4, |report, load| {
        let table = report.latency.iter().find(|table| table.load == load && table.spin_us > 0.0)?;
        let [ours, kernel] = [LOCAL, KERNEL].map(|name| table.row(name));
        Some(ours?.us_p50 / kernel?.us_p50)
    }),
];

/// The goals whose figures this report has.
pub(crate) fn goals(report: &BenchReport) -> Vec<Goal> {
    let goal = |load, (figure, bound, wanted, find): GoalRule| {
        let found = find(report, load)?;
        let holds = if bound == Bound::AtMost { found <= wanted } else { found >= wanted };
        Some(Goal { load, figure, bound, wanted, found, holds })
    };
    [Load::Arp, Load::Ping]
        .into_iter()
        .flat_map(|load| GOAL_RULES.into_iter().filter_map(move |line| goal(load, line)))
        .collect()
}

/// How many replies a second one gives in its better slices, over those of the kernel in its.
fn flow(report: &BenchReport, load: Load, one: &str) -> Option<f64> {
    let table = report.flow.iter().find(|table| table.load == load && table.window == WINDOW)?;
    Some(table.row(one)?.replies_per_second_p90 / table.row(KERNEL)?.replies_per_second_p90)
}

/// How many times what `of` costs `one` costs, when both drain: the median over the rounds.
fn cost(report: &BenchReport, load: Load, one: &str, of: &str) -> Option<f64> {
    let table = report.drain.iter().find(|table| table.load == load)?;
    Some(table.row(of)?.times_as_fast_as.get(one)?.p50)
}
