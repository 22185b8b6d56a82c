//! Several flows in a short queue, compared with published figures.

use std::time::Duration;

use bench::Grid;
use host::{BufferSize, TcpSettings};
use serde::Serialize;
use sim::{Queue, TransferSettings};
use tap::Instant;

use crate::options::Options;
use crate::path::{Path, complete, dropped};
use crate::report::{Goal, Table, rate, row};
use crate::runs;

/// Number of flows, and the goodput of all flows in bytes per second that the test `netsim_multiflow` of smoltcp publishes.
const PUBLISHED: [(u16, f64); 6] =
    [(1, 3_450.0), (2, 6_967.0), (4, 12_848.0), (16, 52_408.0), (32, 97_541.0), (64, 176_610.0)];
const RTT: Duration = Duration::from_millis(100);
const RATE: u64 = 200_000_000;
const QUEUE: Queue = Queue::DropTail { bytes: 64 << 10 };
const BUFFER: BufferSize = BufferSize { initial: 256 << 10, maximum: 256 << 10 };
const BYTES: u64 = 2 << 20;

/// How the latency of a frame is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Latency {
    /// 50 ms in each direction.
    Fixed,
    /// 25 to 75 ms in each direction, for each frame.
    PerFrame,
}

/// Latencies, and whether the sender paces its data.
const PATHS: [(Latency, bool); 3] =
    [(Latency::Fixed, false), (Latency::PerFrame, false), (Latency::Fixed, true)];

#[derive(Clone, Debug, Serialize)]
struct Row {
    latency: Latency,
    pacing: bool,
    flows: u16,
    goodput: f64,
    published: f64,
    ratio: f64,
    dropped: f64,
    fairness: f64,
}

/// Goodput in bytes per second, share of dropped frames, and fairness.
type Figures = (f64, f64, f64);

pub(crate) fn measure(options: &Options) -> Result<Table, String> {
    let mut rows = Vec::new();
    for (latency, pacing) in PATHS {
        let tcp = TcpSettings { pacing, ..options.tcp() };
        // Without random latencies, further seeds change nothing.
        let seeds = if latency == Latency::Fixed { 1 } else { options.seeds };
        let results = runs::grid(&PUBLISHED, seeds, |&(flows, _), seed| run(tcp, latency, flows, seed))?;
        for (&(flows, published), results) in PUBLISHED.iter().zip(&results) {
            let goodput = runs::mean(results, |figures| figures.0);
            let ratio = goodput / published;
            let dropped = runs::mean(results, |figures| figures.1);
            let fairness = runs::mean(results, |figures| figures.2);
            rows.push(Row { latency, pacing, flows, goodput, published, ratio, dropped, fairness });
        }
    }
    let mut goals = Vec::new();
    for row in &rows {
        let (how, count) = (row.words(), row.flows);
        let flows = if count == 1 { "1 flow".to_owned() } else { format!("{count} flows") };
        if count <= 4 {
            goals.push(Goal::at_least(
                format!("{flows}, RTT of {how}: goodput over smoltcp"),
                100.0,
                row.ratio,
            ));
        }
        goals.push(Goal::at_most(format!("{flows}, RTT of {how}: dropped frames"), 0.05, row.dropped));
        goals.push(Goal::at_least(format!("{flows}, RTT of {how}: fairness"), 0.97, row.fairness));
    }
    let lines = rows.iter().map(|row| {
        let mut line = vec![row.words(), row.flows.to_string()];
        line.extend([rate(row.goodput), rate(row.published), format!("{:.0}", row.ratio)]);
        line.extend([row.dropped, row.fairness].map(|share| format!("{share:.3}")));
        line
    });
    Ok(Table {
        name: "multiflow",
        grid: Grid {
            title: "Flows in a short queue".to_owned(),
            note: "Goodput of all flows in MB/s, with 2 MiB for each flow, 200 Mbit/s, a drop-tail queue of 64 KiB and buffers of \
                256 KiB. The RTT is 100 ms, or drawn from 50 to 150 ms for each frame, which reorders most frames. In the last rows, \
                the sender paces its data (`TcpSettings::pacing`). `dropped` is \
                the share of frames that the queue drops. The figures of smoltcp are from the snapshot of its test \
                `netsim_multiflow`, which draws the RTT of each flow from 50 to 150 ms; its queue drops 0.44 to 0.45 of all \
                packets.",
            head: vec!["RTT", "flows", "tapstack", "smoltcp", "ratio", "dropped", "fairness"],
            rows: lines.collect(),
        },
        rows: rows.iter().map(row).collect::<Result<_, _>>()?,
        goals,
        chart: None,
    })
}

fn run(tcp: TcpSettings, latency: Latency, flows: u16, seed: u64) -> Result<Figures, String> {
    let path = Path { queue: QUEUE, ..Path::new(RTT, RATE) };
    let tcp = TcpSettings { receive_buffer: BUFFER, send_buffer: BUFFER, ..tcp };
    let mut settings = TransferSettings { flows, bytes: Some(BYTES), ..path.settings(seed, tcp) };
    if latency == Latency::PerFrame {
        for faults in [&mut settings.data_link.faults, &mut settings.ack_link.faults] {
            (faults.min_latency, faults.max_latency) = (RTT / 4, RTT * 3 / 4);
        }
    }
    let transfer = complete(&settings)?;
    let now = transfer.segment().now();
    let seconds = now.since(Instant::ORIGIN).as_secs_f64();
    let shares: Vec<_> = transfer.flows().iter().map(|flow| flow.goodput(now) as f64).collect();
    Ok((f64::from(flows) * BYTES as f64 / seconds, dropped(&transfer), runs::fairness(&shares)))
}

impl Row {
    fn words(&self) -> String {
        let latency = match self.latency {
            Latency::Fixed => "100 ms",
            Latency::PerFrame => "50 to 150 ms",
        };
        format!("{latency}{}", if self.pacing { ", paced" } else { "" })
    }
}
