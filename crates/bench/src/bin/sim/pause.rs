//! Cost of a spurious timeout.

use std::time::Duration;

use bench::Grid;
use host::{TcpInfo, TcpSettings};
use serde::Serialize;
use sim::{Queue, Transfer};
use tap::Instant;

use crate::options::Options;
use crate::path::{Path, advance, run_for};
use crate::report::{Goal, Table, row};

const RTTS: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(100)];
const RATE: u64 = 100_000_000;
/// Start of the pause.
const START: Duration = Duration::from_secs(5);
/// Duration of the pause: longer than the retransmission timeout.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Serialize)]
struct Row {
    rtt_ms: f64,
    /// Data in flight at the start of the pause, in bytes.
    in_flight: u32,
    /// Data that was sent again because of the pause, in bytes.
    retransmitted: u64,
    window_before: u32,
    /// Congestion window ten RTTs after the end of the pause.
    window_after: u32,
}

pub(crate) fn measure(options: &Options) -> Result<Table, String> {
    let rows = RTTS.into_iter().map(|rtt| run(options.tcp(), rtt)).collect::<Result<Vec<_>, _>>()?;
    let goals = rows
        .iter()
        .flat_map(|row| {
            let figure = format!("RTT of {} ms, spurious timeout", row.rtt_ms);
            let retransmitted = row.retransmitted as f64 / f64::from(row.in_flight.max(1));
            let window = f64::from(row.window_after) / f64::from(row.window_before.max(1));
            [
                Goal::at_most(
                    format!("{figure}: retransmitted data over that in flight"),
                    1.0,
                    retransmitted,
                ),
                Goal::at_least(format!("{figure}: congestion window after and before"), 1.0, window),
            ]
        })
        .collect();
    let lines = rows.iter().map(|row| {
        vec![
            format!("{} ms", row.rtt_ms),
            row.in_flight.to_string(),
            row.retransmitted.to_string(),
            row.window_before.to_string(),
            row.window_after.to_string(),
        ]
    });
    Ok(Table {
        name: "pause",
        grid: Grid {
            title: "Spurious timeout".to_owned(),
            note: "All acknowledgments are delayed until the end of a pause of one second, over 100 Mbit/s. The pause is longer than the \
                retransmission timeout, and no segment is lost. Figures are in bytes; the window after the pause is that ten RTTs \
                later.",
            head: vec!["RTT", "in flight", "retransmitted", "window before", "window after"],
            rows: lines.collect(),
        },
        rows: rows.iter().map(row).collect::<Result<_, _>>()?,
        goals,
        chart: None,
    })
}

fn run(tcp: TcpSettings, rtt: Duration) -> Result<Row, String> {
    let path = Path { queue: Queue::Backpressure, ..Path::new(rtt, RATE) };
    let mut transfer = run_for(&path.settings(0, tcp), START)?;
    let before = info(&transfer)?;
    let receiver = transfer.receiver();
    let end = Instant::ORIGIN + START + PAUSE;
    transfer.segment_mut().intercept(receiver, move |now, frame| vec![(end.since(now), frame.to_vec())]);
    advance(&mut transfer, end + rtt * 10)?;
    let after = info(&transfer)?;
    Ok(Row {
        rtt_ms: rtt.as_secs_f64() * 1e3,
        in_flight: before.unacknowledged,
        retransmitted: after.bytes_retransmitted - before.bytes_retransmitted,
        window_before: before.congestion_window,
        window_after: after.congestion_window,
    })
}

fn info(transfer: &Transfer) -> Result<TcpInfo, String> {
    let flow = transfer.flows().first().ok_or("no flow")?;
    transfer.info(flow).ok_or_else(|| "the connection is closed".to_owned())
}
