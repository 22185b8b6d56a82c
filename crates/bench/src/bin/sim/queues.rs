//! Goodput over rate, RTT and queue.

use std::time::Duration;

use bench::Grid;
use host::{BufferSize, Ecn, TcpSettings};
use serde::Serialize;
use sim::{Flow, Queue};

use crate::options::Options;
use crate::path::{Path, dropped, marked, run_for};
use crate::report::{Table, rate, row};
use crate::runs;

const RATES: [u64; 3] = [10_000_000, 100_000_000, 1_000_000_000];
const RTTS: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(100)];
/// Sizes of the queue in bandwidth-delay products, and whether a queue marks data above half of its size.
const QUEUES: [(f64, bool); 4] = [(0.25, false), (0.5, false), (1.0, false), (1.0, true)];
/// Buffers that do not limit the goodput.
const BUFFER: BufferSize = BufferSize { initial: 32 << 20, maximum: 32 << 20 };
const TIME: Duration = Duration::from_secs(20);
/// The runs have no random faults, so further seeds change nothing.
const SEEDS: u64 = 1;

#[derive(Clone, Debug, Serialize)]
struct Row {
    bits_per_second: u64,
    rtt_ms: f64,
    /// Size of the queue in bandwidth-delay products.
    queue: f64,
    /// Whether the queue marks data above half of its size, and both hosts use ECN.
    marks: bool,
    goodput: f64,
    /// Goodput relative to the highest goodput that the rate permits.
    utilization: f64,
    dropped: f64,
    marked: f64,
}

/// Goodput in bytes per second, and the shares of dropped and marked frames.
type Figures = (f64, f64, f64);

pub(crate) fn measure(options: &Options) -> Result<Table, String> {
    let cells: Vec<_> = RATES
        .into_iter()
        .flat_map(|rate| RTTS.map(|rtt| (rate, rtt)))
        .flat_map(|(rate, rtt)| QUEUES.map(|queue| (rate, rtt, queue)))
        .collect();
    let results =
        runs::grid(&cells, SEEDS, |&(rate, rtt, queue), seed| run(options.tcp(), rate, rtt, queue, seed))?;
    let rows: Vec<_> = cells
        .iter()
        .zip(&results)
        .map(|(&(bits_per_second, rtt, (queue, marks)), results)| {
            let goodput = runs::mean(results, |figures| figures.0);
            let utilization = goodput / Path::new(rtt, bits_per_second).highest_goodput();
            let [dropped, marked] = [|figures: &Figures| figures.1, |figures: &Figures| figures.2]
                .map(|share| runs::mean(results, share));
            let rtt_ms = rtt.as_secs_f64() * 1e3;
            Row { bits_per_second, rtt_ms, queue, marks, goodput, utilization, dropped, marked }
        })
        .collect();
    let lines = rows.iter().map(|row| {
        let mut line =
            vec![format!("{} Mbit/s", row.bits_per_second / 1_000_000), format!("{} ms", row.rtt_ms)];
        line.push(format!("{} BDP{}", row.queue, if row.marks { ", marking" } else { "" }));
        line.extend([rate(row.goodput), format!("{:.3}", row.utilization)]);
        line.extend([row.dropped, row.marked].map(|share| format!("{share:.4}")));
        line
    });
    Ok(Table {
        name: "queues",
        grid: Grid {
            title: "Rate and queue".to_owned(),
            note: "Goodput in MB/s of one flow in 20 s, slow start included, and its ratio to the goodput that the rate permits. The \
                drop-tail queue has a size in bandwidth-delay products, and the buffers of the hosts do not limit the goodput. A \
                marking queue marks frames while it is more than half full, and the hosts then use ECN. `dropped` and `marked` \
                are shares of the frames.",
            head: vec!["rate", "RTT", "queue", "goodput", "utilization", "dropped", "marked"],
            rows: lines.collect(),
        },
        rows: rows.iter().map(row).collect::<Result<_, _>>()?,
        goals: Vec::new(),
        chart: None,
    })
}

fn run(
    tcp: TcpSettings,
    rate: u64,
    rtt: Duration,
    (size, marks): (f64, bool),
    seed: u64,
) -> Result<Figures, String> {
    let path = Path::new(rtt, rate);
    let bytes = (path.product() * size) as u64;
    let queue =
        if marks { Queue::Marking { bytes, threshold: bytes / 2 } } else { Queue::DropTail { bytes } };
    let ecn = if marks { Ecn::Ask } else { tcp.ecn };
    let tcp = TcpSettings { receive_buffer: BUFFER, send_buffer: BUFFER, ecn, ..tcp };
    let transfer = run_for(&Path { queue, ..path }.settings(seed, tcp), TIME)?;
    let received: u64 = transfer.flows().iter().map(Flow::received).sum();
    Ok((received as f64 / TIME.as_secs_f64(), dropped(&transfer), marked(&transfer)))
}
