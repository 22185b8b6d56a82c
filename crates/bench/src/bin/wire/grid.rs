//! The tables of the report.

use bench::Grid;

use crate::contender::{BATCHED_SMOLTCP, KERNEL, NAIVE, PLAIN_KERNEL, SWAP};
use crate::load::Load;
use crate::report::{
    BenchReport, Bound, DrainTable, FloodTable, FlowTable, LatencyTable, Ratio, StreamTable,
};

const DRAIN: &str = "Requests are queued, then the time until all replies are sent is measured. `x naive`: speed compared with \
`naive`, as the ratio within a round. Calls are reads and writes. The kernel receives \
during the call that sends the request, and replies during this call too, except to UDP datagrams: its figure is the time of a \
request and of the echo, minus the time of a request to an absent station. For TCP, a reply is a connection: SYN, SYN,ACK, ACK and RST.";
const FLOW: &str = "The requester runs on one CPU, the contender on the other. All replies are received and checked. CPU is the time \
of the contender's thread, spinning included. CPU of both adds the requester, which never sleeps. The kernel replies on the CPU \
of the requester, except to UDP datagrams, which a thread echoes.";
const STREAM: &str = "One connection between a kernel socket on one CPU and the contender on the other, in slices. The first third \
of each slice is not measured. CPU is the time of the contender's thread, CPU of both adds that of the client.";
const FLOOD: &str = "SYNs with forged sources from behind the gateway. Memory is that of the bench process, with all contenders. An \
honest client opens connections, and another client sends a request of one byte each millisecond, on the CPU of the flood.";
const LATENCY: &str =
    "Time from the start of sending a request until its reply has been received. The requester never sleeps.";

/// Returns all tables of a report.
pub(crate) fn grids(report: &BenchReport) -> Vec<Grid> {
    let drain = report.drain.iter().map(drain);
    let flow = report.flow.iter().map(flow);
    let stream = report.stream.iter().map(stream);
    let latency = report.latency.iter().map(latency);
    let flood = report.flood.iter().map(flood);
    let mut grids: Vec<_> = drain.chain(flow).chain(stream).chain(latency).chain(flood).collect();
    if !report.goals.is_empty() {
        grids.push(goals(report));
    }
    grids
}

fn drain(table: &DrainTable) -> Grid {
    let head = vec![
        "contender",
        "ns per reply p50",
        "p90",
        "CPU ns",
        "calls per reply",
        "x naive p50",
        "p90",
        "x swap p50",
        "p90",
    ];
    let rows = table.rows.iter().map(|row| {
        let [naive, swap] = [NAIVE, SWAP].map(|name| ratio(row.times_as_fast_as.get(name)));
        let calls = row.system_calls_per_reply.map_or("-".to_owned(), |calls| format!("{calls:.3}"));
        let times = [row.ns_per_reply_p50, row.ns_per_reply_p90, row.cpu_ns_per_reply_p50];
        let mut line = vec![row.contender.to_owned()];
        line.extend(times.map(|time| format!("{time:.0}")));
        line.push(calls);
        line.extend([naive, swap].into_iter().flatten());
        line
    });
    let what = if table.load == Load::TcpAccept { "connections" } else { "requests" };
    let title = format!(
        "Fill, then drain: {}, {} {what} per round, {} rounds, one CPU",
        table.load, table.requests_per_round, table.rounds
    );
    Grid { title, note: DRAIN, rows: rows.collect(), head }
}

fn flow(table: &FlowTable) -> Grid {
    let head = vec![
        "contender",
        "replies/s p50",
        "p90",
        "CPU ns per reply",
        "of both",
        "x naive p50",
        "p90",
        "x kernel p50",
        "p90",
    ];
    let rows = table.rows.iter().map(|row| {
        let [naive, kernel] = [NAIVE, KERNEL].map(|name| ratio(row.times_as_fast_as.get(name)));
        let mut cells = vec![
            row.contender.to_owned(),
            format!("{:.0}", row.replies_per_second_p50),
            format!("{:.0}", row.replies_per_second_p90),
            row.cpu_ns_per_reply.map_or("-".to_owned(), |time| format!("{time:.0}")),
            format!("{:.0}", row.cpu_ns_per_exchange),
        ];
        cells.extend([naive, kernel].into_iter().flatten());
        cells
    });
    let title = format!(
        "Two CPUs: {}, window {}, spinning {} us, {} slices",
        table.load, table.window, table.spin_us, table.slices
    );
    Grid { title, note: FLOW, rows: rows.collect(), head }
}

fn stream(table: &StreamTable) -> Grid {
    let others = [KERNEL, PLAIN_KERNEL, BATCHED_SMOLTCP];
    let head = vec![
        "contender",
        "MB/s p50",
        "p90",
        "CPU ns per KiB",
        "of both",
        "x kernel p50",
        "p90",
        "x kernel-plain p50",
        "p90",
        "x smoltcp-best p50",
        "p90",
    ];
    let rows = table.rows.iter().map(|row| {
        let mut cells = vec![
            row.contender.to_owned(),
            format!("{:.0}", row.megabytes_per_second_p50),
            format!("{:.0}", row.megabytes_per_second_p90),
            format!("{:.0}", row.cpu_ns_per_kibibyte),
            format!("{:.0}", row.cpu_ns_per_kibibyte_of_both),
        ];
        cells.extend(others.into_iter().flat_map(|name| ratio(row.times_as_fast_as.get(name))));
        cells
    });
    let title = format!(
        "Bulk data: {}, one connection, spinning {} us, {} slices, two CPUs",
        table.load, table.spin_us, table.slices
    );
    Grid { title, note: STREAM, rows: rows.collect(), head }
}

fn latency(table: &LatencyTable) -> Grid {
    let kernel = table.row(KERNEL).map(|row| row.us_p50);
    let rows = table.rows.iter().map(|row| {
        vec![
            row.contender.to_owned(),
            format!("{:.2}", row.us_p50),
            format!("{:.2}", row.us_p99),
            kernel.map_or("-".to_owned(), |kernel| format!("{:.2}", row.us_p50 / kernel)),
        ]
    });
    let how =
        if table.spin_us > 0.0 { format!("spinning {} us", table.spin_us) } else { "sleeping".to_owned() };
    let title = format!("Latency: {}, one request at a time, {how}", table.load);
    let head = vec!["contender", "us p50", "p99", "p50 x kernel"];
    Grid { title, note: LATENCY, head, rows: rows.collect() }
}

fn flood(table: &FloodTable) -> Grid {
    let head = vec![
        "contender",
        "SYNs/s",
        "CPU ns",
        "KiB before",
        "after",
        "connects",
        "failed",
        "ms p50",
        "maximum",
        "requests/s before",
        "during",
    ];
    let rows = table.rows.iter().map(|row| {
        vec![
            row.contender.to_owned(),
            format!("{:.0}", row.syns_per_second),
            format!("{:.0}", row.cpu_ns_per_syn),
            row.memory_kibibytes_before.to_string(),
            row.memory_kibibytes_after.to_string(),
            row.connects.to_string(),
            row.failed_connects.to_string(),
            format!("{:.2}", row.connect_ms_p50),
            format!("{:.2}", row.connect_ms_maximum),
            format!("{:.0}", row.requests_per_second_before),
            format!("{:.0}", row.requests_per_second),
        ]
    });
    let title = format!("{} of {} s, two CPUs", table.load, table.seconds);
    Grid { title, note: FLOOD, head, rows: rows.collect() }
}

fn goals(report: &BenchReport) -> Grid {
    let rows = report.goals.iter().map(|goal| {
        let bound = if goal.bound == Bound::AtMost { "<=" } else { ">=" };
        vec![
            format!("{}, {}", goal.load, goal.figure),
            format!("{bound} {:.2}", goal.expected),
            format!("{:.3}", goal.found),
            if goal.holds { "met" } else { "missed" }.to_owned(),
        ]
    });
    let head = vec!["goal", "expected", "found", "result"];
    Grid { title: "Goals".to_owned(), note: "Performance goals of tapstack.", head, rows: rows.collect() }
}

fn ratio(ratio: Option<&Ratio>) -> [String; 2] {
    let cell = |value: f64| format!("{value:.3}");
    ratio.map_or(["-", "-"].map(str::to_owned), |ratio| [cell(ratio.p50), cell(ratio.p90)])
}
