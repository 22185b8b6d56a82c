//! Performance goals.

use crate::contender::{
    BATCHED_SMOLTCP, GSO_BLASTER, KERNEL, LOCAL, MANY_HOSTS, MANY_NEIGHBORS, MANY_REQUESTERS, NAIVE, OFFLOAD,
    PLAIN_KERNEL, RING, SMOLTCP, SWAP, SWAP_RING,
};
use crate::load::Load;
use crate::report::{BenchReport, Bound, FloodRow, FlowTable, Goal};
use crate::stats::number;

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
        // A UDP socket receives the replies to one requester, and a packet socket those to many.
        if load == Load::Udp { None } else { cost(report, load, MANY_REQUESTERS, LOCAL) }
    }),
    ("flow, window 256: p90 of tapstack over that of the kernel", Bound::AtLeast, 0.95, |report, load| {
        flow(report, load, LOCAL, KERNEL)
    }),
    (
        "flow, window 256: p90 of tapstack-ring over that of the kernel",
        Bound::AtLeast,
        1.15,
        |report, load| flow(report, load, RING, KERNEL),
    ),
    ("latency, spinning: p50 of tapstack over that of the kernel", Bound::AtMost, 1.4, |report, load| {
        latency(report, load, true)
    }),
];

const LOAD_GOAL_RULES: [(Load, GoalRule); 23] = [
    (
        Load::Udp,
        ("drain: speed of tapstack-offload over smoltcp", Bound::AtLeast, 1.15, |report, load| {
            cost(report, load, SMOLTCP, OFFLOAD)
        }),
    ),
    (
        Load::Udp,
        ("flow, window 256: speed of tapstack-offload over smoltcp", Bound::AtLeast, 1.15, |report, load| {
            flow_speed(report, load, OFFLOAD, SMOLTCP)
        }),
    ),
    (
        Load::Udp,
        (
            "flow, window 256: p90 of tapstack-offload over that of smoltcp",
            Bound::AtLeast,
            1.15,
            |report, load| flow(report, load, OFFLOAD, SMOLTCP),
        ),
    ),
    (
        Load::Udp,
        ("flow, window 256: speed of tapstack-offload over kernel", Bound::AtLeast, 0.95, |report, load| {
            flow_speed(report, load, OFFLOAD, KERNEL)
        }),
    ),
    (
        Load::Udp,
        (
            "flow, window 256: p90 of tapstack-offload over that of the kernel",
            Bound::AtLeast,
            0.95,
            |report, load| flow(report, load, OFFLOAD, KERNEL),
        ),
    ),
    (
        Load::TcpAccept,
        ("drain: cost of tapstack over swap", Bound::AtMost, 3.0, |report, load| {
            cost(report, load, LOCAL, SWAP)
        }),
    ),
    (
        Load::TcpAccept,
        ("drain: speed of tapstack over kernel", Bound::AtLeast, 2.0, |report, load| {
            cost(report, load, KERNEL, LOCAL)
        }),
    ),
    (Load::TcpSend, ("speed of tapstack-offload over kernel", Bound::AtLeast, 1.0, offload_over_kernel)),
    (
        Load::TcpSend,
        ("speed of tapstack-offload over gso-blaster", Bound::AtLeast, 0.75, |report, load| {
            stream(report, load, OFFLOAD, GSO_BLASTER)
        }),
    ),
    (Load::TcpSend, ("speed of tapstack over kernel", Bound::AtLeast, 1.0, over_kernel)),
    (Load::TcpSend, ("speed of tapstack over kernel-plain", Bound::AtLeast, 0.9, over_plain_kernel)),
    (Load::TcpSend, ("speed of tapstack over smoltcp-best", Bound::AtLeast, 1.3, over_smoltcp)),
    (Load::TcpReceive, ("speed of tapstack-offload over kernel", Bound::AtLeast, 0.9, offload_over_kernel)),
    (
        Load::TcpReceive,
        (
            "CPU time of both with tapstack-offload over that of the kernel",
            Bound::AtMost,
            1.0,
            |report, load| stream_cpu(report, load, OFFLOAD),
        ),
    ),
    (Load::TcpReceive, ("speed of tapstack over kernel", Bound::AtLeast, 0.9, over_kernel)),
    (Load::TcpReceive, ("speed of tapstack over kernel-plain", Bound::AtLeast, 0.9, over_plain_kernel)),
    (Load::TcpReceive, ("speed of tapstack over smoltcp-best", Bound::AtLeast, 1.3, over_smoltcp)),
    (
        Load::TcpReceive,
        ("CPU time of both with tapstack over that of the kernel", Bound::AtMost, 1.0, |report, load| {
            stream_cpu(report, load, LOCAL)
        }),
    ),
    (
        Load::TcpRequest,
        ("latency, sleeping: p50 of tapstack over that of the kernel", Bound::AtMost, 1.1, |report, load| {
            latency(report, load, false)
        }),
    ),
    (
        Load::TcpRequest,
        ("latency, spinning: p50 of tapstack over that of the kernel", Bound::AtMost, 0.6, |report, load| {
            latency(report, load, true)
        }),
    ),
    (
        Load::TcpFlood,
        ("flood: longest honest connect in seconds", Bound::AtMost, 2.0, |report, load| {
            let row = flooded(report, load)?;
            // A connect that fails has no time.
            Some(if row.failed_connects > 0 { f64::INFINITY } else { row.connect_ms_maximum / 1e3 })
        }),
    ),
    (
        Load::TcpFlood,
        ("flood: rate of an honest client over that without a flood", Bound::AtLeast, 0.9, |report, load| {
            let row = flooded(report, load)?;
            Some(row.requests_per_second / row.requests_per_second_before)
        }),
    ),
    (
        Load::TcpFlood,
        ("flood: growth of memory in MiB", Bound::AtMost, 16.0, |report, load| {
            let row = flooded(report, load)?;
            Some(number(row.memory_kibibytes_after.saturating_sub(row.memory_kibibytes_before)) / 1_024.0)
        }),
    ),
];

/// Returns the goals for which the report has measured figures.
pub(crate) fn goals(report: &BenchReport) -> Vec<Goal> {
    let goal = |load, (figure, bound, expected, find): GoalRule| {
        let found = find(report, load)?;
        let holds = if bound == Bound::AtMost { found <= expected } else { found >= expected };
        Some(Goal { load, figure, bound, expected, found, holds })
    };
    let of_requests = [Load::Arp, Load::Ping, Load::Udp]
        .into_iter()
        .flat_map(|load| GOAL_RULES.into_iter().filter_map(move |rule| goal(load, rule)));
    of_requests.chain(LOAD_GOAL_RULES.into_iter().filter_map(|(load, rule)| goal(load, rule))).collect()
}

fn over_kernel(report: &BenchReport, load: Load) -> Option<f64> {
    stream(report, load, LOCAL, KERNEL)
}

fn over_plain_kernel(report: &BenchReport, load: Load) -> Option<f64> {
    stream(report, load, LOCAL, PLAIN_KERNEL)
}

fn over_smoltcp(report: &BenchReport, load: Load) -> Option<f64> {
    stream(report, load, LOCAL, BATCHED_SMOLTCP)
}

fn offload_over_kernel(report: &BenchReport, load: Load) -> Option<f64> {
    stream(report, load, OFFLOAD, KERNEL)
}

/// Returns the ratio of the bytes per second of `one` and of `other`: the median over the rounds.
fn stream(report: &BenchReport, load: Load, one: &str, other: &str) -> Option<f64> {
    let table = report.stream.iter().find(|table| table.load == load)?;
    Some(table.row(one)?.times_as_fast_as.get(other)?.p50)
}

/// Returns the ratio of the CPU times per KiB of the threads of the contender and of the client: with `one` and with the
/// kernel.
fn stream_cpu(report: &BenchReport, load: Load, one: &str) -> Option<f64> {
    let table = report.stream.iter().find(|table| table.load == load)?;
    Some(table.row(one)?.cpu_ns_per_kibibyte_of_both / table.row(KERNEL)?.cpu_ns_per_kibibyte_of_both)
}

/// Returns what the flood has left of tapstack.
fn flooded(report: &BenchReport, load: Load) -> Option<&FloodRow> {
    report.flood.iter().find(|table| table.load == load)?.row(LOCAL)
}

/// Returns the ratio of the median latencies of tapstack and of the kernel.
fn latency(report: &BenchReport, load: Load, is_spinning: bool) -> Option<f64> {
    let mut tables = report.latency.iter();
    let table = tables.find(|table| table.load == load && (table.spin_us > 0.0) == is_spinning)?;
    Some(table.row(LOCAL)?.us_p50 / table.row(KERNEL)?.us_p50)
}

/// Returns the ratio of two 90th percentiles of replies per second: of `one` and of `other`.
fn flow(report: &BenchReport, load: Load, one: &str, other: &str) -> Option<f64> {
    let table = flow_table(report, load)?;
    Some(table.row(one)?.replies_per_second_p90 / table.row(other)?.replies_per_second_p90)
}

/// Returns the ratio of the replies per second of `one` and of `other`: the median over the rounds.
fn flow_speed(report: &BenchReport, load: Load, one: &str, other: &str) -> Option<f64> {
    Some(flow_table(report, load)?.row(one)?.times_as_fast_as.get(other)?.p50)
}

fn flow_table(report: &BenchReport, load: Load) -> Option<&FlowTable> {
    report.flow.iter().find(|table| table.load == load && table.window == WINDOW)
}

/// Returns the ratio of the costs of `one` and `of` in drain mode: the median over the rounds.
fn cost(report: &BenchReport, load: Load, one: &str, of: &str) -> Option<f64> {
    let table = report.drain.iter().find(|table| table.load == load)?;
    Some(table.row(of)?.times_as_fast_as.get(one)?.p50)
}
