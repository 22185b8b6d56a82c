//! Goodput over rate, RTT and queue.

use std::time::Duration;

use bench::Grid;
use host::{BufferSize, TcpSettings};
use serde::Serialize;
use sim::{Flow, Queue};

use crate::options::Options;
use crate::path::{Path, dropped, run_for};
use crate::report::{Table, rate, row};
use crate::runs;

const RATES: [u64; 3] = [10_000_000, 100_000_000, 1_000_000_000];
const RTTS: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(100)];
/// Sizes of the queue in bandwidth-delay products.
const SIZES: [f64; 3] = [0.25, 0.5, 1.0];
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
    goodput: f64,
    /// Goodput relative to the highest goodput that the rate permits.
    utilization: f64,
    dropped: f64,
}

pub(crate) fn measure(options: &Options) -> Result<Table, String> {
    let cells: Vec<_> = RATES
        .into_iter()
        .flat_map(|rate| RTTS.map(|rtt| (rate, rtt)))
        .flat_map(|(rate, rtt)| SIZES.map(|size| (rate, rtt, size)))
        .collect();
    let results =
        runs::grid(&cells, SEEDS, |&(rate, rtt, size), seed| run(options.tcp(), rate, rtt, size, seed))?;
    let rows: Vec<_> = cells
        .iter()
        .zip(&results)
        .map(|(&(bits_per_second, rtt, queue), results)| {
            let goodput = runs::mean(results, |figures| figures.0);
            let utilization = goodput / Path::new(rtt, bits_per_second).highest_goodput();
            let dropped = runs::mean(results, |figures| figures.1);
            Row { bits_per_second, rtt_ms: rtt.as_secs_f64() * 1e3, queue, goodput, utilization, dropped }
        })
        .collect();
    let lines = rows.iter().map(|row| {
        let mut line =
            vec![format!("{} Mbit/s", row.bits_per_second / 1_000_000), format!("{} ms", row.rtt_ms)];
        line.push(format!("{} BDP", row.queue));
        line.extend([rate(row.goodput), format!("{:.3}", row.utilization), format!("{:.4}", row.dropped)]);
        line
    });
    Ok(Table {
        name: "queues",
        grid: Grid {
            title: "Rate and queue".to_owned(),
            note: "Goodput in MB/s of one flow in 20 s, slow start included, and its ratio to the goodput that the rate permits. The \
                drop-tail queue has a size in bandwidth-delay products, and the buffers of the hosts do not limit the goodput. `dropped` is the share of frames that the queue drops.",
            head: vec!["rate", "RTT", "queue", "goodput", "utilization", "dropped"],
            rows: lines.collect(),
        },
        rows: rows.iter().map(row).collect::<Result<_, _>>()?,
        goals: Vec::new(),
        chart: None,
    })
}

fn run(tcp: TcpSettings, rate: u64, rtt: Duration, size: f64, seed: u64) -> Result<(f64, f64), String> {
    let path = Path::new(rtt, rate);
    let path = Path { queue: Queue::DropTail { bytes: (path.product() * size) as u64 }, ..path };
    let tcp = TcpSettings { receive_buffer: BUFFER, send_buffer: BUFFER, ..tcp };
    let transfer = run_for(&path.settings(seed, tcp), TIME)?;
    let received: u64 = transfer.flows().iter().map(Flow::received).sum();
    Ok((received as f64 / TIME.as_secs_f64(), dropped(&transfer)))
}
