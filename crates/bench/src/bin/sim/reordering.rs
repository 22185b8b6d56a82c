//! Goodput with reordered frames.

use std::time::Duration;

use bench::Grid;
use host::TcpSettings;
use serde::Serialize;
use sim::Faults;
use tap::Instant;

use crate::options::Options;
use crate::path::{Path, advance, run_for};
use crate::report::{Goal, Table, rate, row};
use crate::runs;

const RTTS: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(100)];
/// Delays of a reordered frame in RTTs, and the expected goodput relative to that without reordering.
const DELAYS: [(f64, f64); 4] = [(0.0, 1.0), (0.1, 0.95), (0.25, 0.95), (1.0, 0.85)];
const RATE: u64 = 100_000_000;
const WARM_UP: Duration = Duration::from_secs(1);
const TIME: Duration = Duration::from_secs(20);

#[derive(Clone, Debug, Serialize)]
struct Row {
    rtt_ms: f64,
    /// Delay of a reordered frame, in RTTs.
    delay: f64,
    goodput: f64,
    ratio: f64,
    /// Share of the segments that were retransmitted. No segment is lost, so all retransmissions are spurious.
    spurious: f64,
}

pub(crate) fn measure(options: &Options) -> Result<Table, String> {
    let cells: Vec<_> =
        RTTS.into_iter().flat_map(|rtt| DELAYS.map(|(delay, expected)| (rtt, delay, expected))).collect();
    let results =
        runs::grid(&cells, options.seeds, |&(rtt, delay, _), seed| run(options.tcp(), rtt, delay, seed))?;
    let mut rows: Vec<Row> = Vec::new();
    let mut goals = Vec::new();
    let mut in_order = 0.0;
    for (&(rtt, delay, expected), results) in cells.iter().zip(&results) {
        let goodput = runs::mean(results, |figures| figures.0);
        if delay == 0.0 {
            in_order = goodput;
        }
        let spurious = runs::mean(results, |figures| figures.1);
        let row =
            Row { rtt_ms: rtt.as_secs_f64() * 1e3, delay, goodput, ratio: goodput / in_order, spurious };
        if delay > 0.0 {
            let figure = format!("RTT of {} ms, 5 % of frames late by {delay} RTT", row.rtt_ms);
            goals.push(Goal::at_least(format!("{figure}: goodput over that in order"), expected, row.ratio));
            goals.push(Goal::at_most(format!("{figure}: spurious retransmissions"), 0.01, row.spurious));
        }
        rows.push(row);
    }
    let lines = rows.iter().map(|row| {
        vec![
            format!("{} ms", row.rtt_ms),
            format!("{} RTT", row.delay),
            rate(row.goodput),
            format!("{:.3}", row.ratio),
            format!("{:.4}", row.spurious),
        ]
    });
    Ok(Table {
        name: "reordering",
        grid: Grid {
            title: "Reordering".to_owned(),
            note: "Goodput in MB/s of one flow over 100 Mbit/s, from the second to the twentieth second. 5 % of the data segments \
                are late by the delay, and no segment is lost, so each retransmission is spurious.",
            head: vec!["RTT", "delay", "goodput", "over that in order", "spurious"],
            rows: lines.collect(),
        },
        rows: rows.iter().map(row).collect::<Result<_, _>>()?,
        goals,
        chart: None,
    })
}

/// Returns the goodput in bytes per second, and the share of segments that were retransmitted, after the warm-up.
fn run(tcp: TcpSettings, rtt: Duration, delay: f64, seed: u64) -> Result<(f64, f64), String> {
    let late = rtt.mul_f64(delay);
    let reordering = if delay > 0.0 { 50_000 } else { 0 };
    let faults = Faults { reordering, min_reordering_delay: late, reordering_delay: late, ..Faults::NONE };
    let path = Path { faults, queue: sim::Queue::Backpressure, ..Path::new(rtt, RATE) };
    let mut transfer = run_for(&path.settings(seed, tcp), WARM_UP)?;
    let (received, info) = progress(&transfer)?;
    advance(&mut transfer, Instant::ORIGIN + TIME)?;
    let (received_later, info_later) = progress(&transfer)?;
    let segments = info_later.segments_sent - info.segments_sent;
    let again = info_later.retransmissions - info.retransmissions;
    let seconds = TIME.saturating_sub(WARM_UP).as_secs_f64();
    Ok(((received_later - received) as f64 / seconds, f64::from(again) / f64::from(segments.max(1))))
}

fn progress(transfer: &sim::Transfer) -> Result<(u64, host::TcpInfo), String> {
    let flow = transfer.flows().first().ok_or("no flow")?;
    Ok((flow.received(), transfer.info(flow).ok_or("the connection is closed")?))
}
