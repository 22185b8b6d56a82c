//! Fairness of several flows.

use std::time::Duration;

use bench::Grid;
use host::TcpSettings;
use serde::Serialize;
use sim::{Flow, Queue, Transfer, TransferSettings};
use tap::Instant;

use crate::options::Options;
use crate::path::{Path, advance, dropped, run_for};
use crate::report::{Goal, Table, rate, row};
use crate::runs;

const FLOWS: [u16; 6] = [2, 4, 8, 16, 32, 64];
const RTT: Duration = Duration::from_millis(20);
const RATE: u64 = 100_000_000;
const WARM_UP: Duration = Duration::from_secs(10);
const TIME: Duration = Duration::from_secs(70);
/// The runs have no random faults, so further seeds change nothing.
const SEEDS: u64 = 1;

#[derive(Clone, Debug, Serialize)]
struct Row {
    flows: u16,
    goodput: f64,
    utilization: f64,
    dropped: f64,
    fairness: f64,
}

pub(crate) fn measure(options: &Options) -> Result<Table, String> {
    let results = runs::grid(&FLOWS, SEEDS, |&flows, seed| run(options.tcp(), flows, seed))?;
    let rows: Vec<_> = results.into_iter().flatten().collect();
    let goals = rows
        .iter()
        .map(|row| Goal::at_least(format!("{} flows of equal RTT: fairness", row.flows), 0.95, row.fairness))
        .collect();
    let lines = rows.iter().map(|row| {
        let mut line = vec![row.flows.to_string(), rate(row.goodput)];
        line.extend([row.utilization, row.dropped, row.fairness].map(|share| format!("{share:.3}")));
        line
    });
    Ok(Table {
        name: "fairness",
        grid: Grid {
            title: "Fairness".to_owned(),
            note: "Flows that start at the same time over 100 Mbit/s with an RTT of 20 ms and a drop-tail queue of one \
                bandwidth-delay product: goodput of all flows in MB/s in one minute after 10 s, its ratio to the goodput that \
                the rate permits, dropped frames, and the index of Jain.",
            head: vec!["flows", "goodput", "utilization", "dropped", "fairness"],
            rows: lines.collect(),
        },
        rows: rows.iter().map(row).collect::<Result<_, _>>()?,
        goals,
        chart: None,
    })
}

fn run(tcp: TcpSettings, flows: u16, seed: u64) -> Result<Row, String> {
    let path = Path::new(RTT, RATE);
    let path = Path { queue: Queue::DropTail { bytes: path.product() as u64 }, ..path };
    let settings = TransferSettings { flows, ..path.settings(seed, tcp) };
    let mut transfer = run_for(&settings, WARM_UP)?;
    let before = received(&transfer);
    advance(&mut transfer, Instant::ORIGIN + TIME)?;
    let shares: Vec<_> =
        received(&transfer).iter().zip(&before).map(|(after, before)| (after - before) as f64).collect();
    let goodput = shares.iter().sum::<f64>() / TIME.saturating_sub(WARM_UP).as_secs_f64();
    Ok(Row {
        flows,
        goodput,
        utilization: goodput / path.highest_goodput(),
        dropped: dropped(&transfer),
        fairness: runs::fairness(&shares),
    })
}

fn received(transfer: &Transfer) -> Vec<u64> {
    transfer.flows().iter().map(Flow::received).collect()
}
