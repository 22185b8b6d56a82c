//! Performance goals.

use crate::contender::{
    KERNEL, LOCAL, MANY_HOSTS, MANY_NEIGHBORS, MANY_REQUESTERS, NAIVE, RING, SMOLTCP, SWAP, SWAP_RING,
};
use crate::report::{BenchReport, Bound, Goal};
use crate::traffic::Load;

/// A goal: its name, the kind and value of its bound, and the function that returns the measured figure. The function
/// returns `None` if the figure was not measured.
type GoalRule = (&'static str, Bound, f64, fn(&BenchReport, Load) -> Option<f64>);

/// Number of outstanding requests in the goals on two CPUs.
const WINDOW: usize = 256;

const GOAL_RULES: [GoalRule; 12] = [
    ("drain: cost of tapstack over swap", Bound::AtMost, 1.05, |report, load| {
        cost(report, load, LOCAL, SWAP)
    }),
    ("drain: speed of tapstack over naive", Bound::AtLeast, 1.03, |report, load| {
        cost(report, load, NAIVE, LOCAL)
    }),
    ("drain: speed of tapstack over smoltcp", Bound::AtLeast, 1.15, |report, load| {
        cost(report, load, SMOLTCP, LOCAL)
    }),
    ("drain: cost of tapstack-ring over swap-ring", Bound::AtMost, 1.05, |report, load| {
        cost(report, load, RING, SWAP_RING)
    }),
    ("drain: speed of tapstack-ring over naive", Bound::AtLeast, 1.07, |report, load| {
        cost(report, load, NAIVE, RING)
    }),
    ("drain: speed of tapstack-ring over smoltcp", Bound::AtLeast, 1.20, |report, load| {
        cost(report, load, SMOLTCP, RING)
    }),
    ("drain: cost of many hosts over one", Bound::AtMost, 1.15, |report, load| {
        cost(report, load, MANY_HOSTS, LOCAL)
    }),
    ("drain: cost of many neighbors over ten", Bound::AtMost, 1.15, |report, load| {
        cost(report, load, MANY_NEIGHBORS, LOCAL)
    }),
    ("drain: cost of many requesters over one", Bound::AtMost, 1.15, |report, load| {
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
        let [local, kernel] = [LOCAL, KERNEL].map(|name| table.row(name));
        Some(local?.us_p50 / kernel?.us_p50)
    }),
];

/// Returns the goals for which the report has measured figures.
pub(crate) fn goals(report: &BenchReport) -> Vec<Goal> {
    let goal = |load, (figure, bound, expected, find): GoalRule| {
        let found = find(report, load)?;
        let holds = if bound == Bound::AtMost { found <= expected } else { found >= expected };
        Some(Goal { load, figure, bound, expected, found, holds })
    };
    [Load::Arp, Load::Ping, Load::Udp]
        .into_iter()
        .flat_map(|load| GOAL_RULES.into_iter().filter_map(move |line| goal(load, line)))
        .collect()
}

/// Returns the ratio of two 90th percentiles of replies per second: of `one` and of the kernel.
fn flow(report: &BenchReport, load: Load, one: &str) -> Option<f64> {
    let table = report.flow.iter().find(|table| table.load == load && table.window == WINDOW)?;
    Some(table.row(one)?.replies_per_second_p90 / table.row(KERNEL)?.replies_per_second_p90)
}

/// Returns the ratio of the costs of `one` and `of` in drain mode: the median over the rounds.
fn cost(report: &BenchReport, load: Load, one: &str, of: &str) -> Option<f64> {
    let table = report.drain.iter().find(|table| table.load == load)?;
    Some(table.row(of)?.times_as_fast_as.get(one)?.p50)
}
