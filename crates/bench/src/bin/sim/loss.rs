//! Goodput over loss and RTT, compared with theory.

use std::time::Duration;

use bench::Grid;
use host::{BufferSize, TcpSettings};
use serde::Serialize;
use sim::{Faults, Flow, TransferSettings};
use tap::Instant;

use crate::options::Options;
use crate::path::{LONGEST, Path, SEGMENT, advance, start};
use crate::plot::{Chart, Line};
use crate::report::{Goal, Table, percent, rate, row};
use crate::runs;

const LOSSES: [u32; 6] = [100, 1_000, 10_000, 20_000, 50_000, 100_000];
const RTTS: [Duration; 3] = [Duration::from_millis(1), Duration::from_millis(10), Duration::from_millis(100)];
/// Least data of a transfer, in bytes.
const BYTES: u64 = 10_000_000;
/// Expected number of lost segments of a longer transfer.
const LOST_SEGMENTS: u64 = 100;
/// The number of seeds is divided by this number with a loss of 0.01 percent, because these transfers are long.
const FEWER: u64 = 5;
/// Buffers that do not limit the goodput.
const BUFFER: BufferSize = BufferSize { initial: 16 << 20, maximum: 16 << 20 };

#[derive(Clone, Debug, Serialize)]
struct Row {
    loss: f64,
    rtt_ms: f64,
    bytes: u64,
    goodput: f64,
    theory: f64,
    ratio: f64,
}

pub(crate) fn measure(options: &Options) -> Result<Table, String> {
    let cells: Vec<_> = LOSSES.into_iter().flat_map(|loss| RTTS.map(|rtt| (loss, rtt))).collect();
    let run = |&(loss, rtt): &(u32, Duration), seed| run(options.tcp(), loss, rtt, seed);
    let (long, short) = cells.split_at(RTTS.len());
    let mut results = runs::grid(long, options.seeds.div_ceil(FEWER), run)?;
    results.extend(runs::grid(short, options.seeds, run)?);
    let rows: Vec<_> = cells
        .iter()
        .zip(&results)
        .map(|(&(loss, rtt), results)| {
            let goodput = runs::mean(results, |goodput| *goodput);
            let theory = theory(f64::from(loss) / 1e6, rtt.as_secs_f64());
            let rtt_ms = rtt.as_secs_f64() * 1e3;
            let ratio = goodput / theory;
            Row { loss: f64::from(loss) / 1e6, rtt_ms, bytes: bytes(loss), goodput, theory, ratio }
        })
        .collect();
    let mut goals = Vec::new();
    for (row, (loss, _)) in rows.iter().zip(&cells) {
        let expected = if *loss <= 20_000 { 0.9 } else { 0.6 };
        let figure = format!("loss of {}, RTT of {} ms: goodput over theory", percent(*loss), row.rtt_ms);
        goals.push(Goal::at_least(figure, expected, row.ratio));
    }
    let lines = LOSSES.iter().zip(rows.chunks(RTTS.len())).map(|(loss, rows)| {
        let mut line = vec![percent(*loss)];
        line.extend(rows.iter().flat_map(|row| [rate(row.goodput), format!("{:.2}", row.ratio)]));
        line
    });
    Ok(Table {
        name: "loss",
        grid: Grid {
            title: "Loss and RTT".to_owned(),
            note: "Goodput in MB/s, and its ratio to theory. The path loses data segments only, and neither its rate nor the \
                window limits the goodput. Theory is the larger of `1.22 / sqrt(p)` (Reno) and `1.054 (RTT / p)^0.75` \
                (CUBIC, RFC 8312 equation 7) segments per RTT. A transfer has at least 10 MB and 100 expected losses, and the \
                goodput is that of its second half.",
            head: vec![
                "loss",
                "RTT 1 ms",
                "over theory",
                "RTT 10 ms",
                "over theory",
                "RTT 100 ms",
                "over theory",
            ],
            rows: lines.collect(),
        },
        rows: rows.iter().map(row).collect::<Result<_, _>>()?,
        goals,
        chart: Some(chart(&rows)),
    })
}

/// Returns the goodput in bytes per second of the second half of a transfer.
fn run(tcp: TcpSettings, loss: u32, rtt: Duration, seed: u64) -> Result<f64, String> {
    let path = Path { faults: Faults { loss, ..Faults::NONE }, ..Path::new(rtt, Path::FAST) };
    let tcp = TcpSettings { receive_buffer: BUFFER, send_buffer: BUFFER, ..tcp };
    let bytes = bytes(loss);
    let settings = TransferSettings { bytes: Some(bytes), ..path.settings(seed, tcp) };
    let mut transfer = start(&settings)?;
    let mut half = None;
    while !transfer.is_complete() {
        let now = transfer.segment().now();
        let received: u64 = transfer.flows().iter().map(Flow::received).sum();
        if received >= bytes / 2 {
            half.get_or_insert((now, received));
        }
        if now.since(Instant::ORIGIN) > LONGEST {
            return Err(format!("transfer does not end: {settings:?}"));
        }
        advance(&mut transfer, now + rtt)?;
    }
    let (start, received) = half.ok_or("the transfer has no second half")?;
    Ok((bytes - received) as f64 / transfer.segment().now().since(start).as_secs_f64())
}

/// Returns the data of a transfer with this loss, in bytes.
fn bytes(loss: u32) -> u64 {
    (LOST_SEGMENTS * 1_000_000 / u64::from(loss) * SEGMENT as u64).max(BYTES)
}

/// Returns the goodput in bytes per second of a long transfer with random losses of this probability.
fn theory(loss: f64, rtt: f64) -> f64 {
    let reno = 1.22 / loss.sqrt();
    let cubic = 1.054 * (rtt / loss).powf(0.75);
    reno.max(cubic) * SEGMENT / rtt
}

fn chart(rows: &[Row]) -> Chart {
    let mut lines = Vec::new();
    for rtt in RTTS.map(|rtt| rtt.as_secs_f64() * 1e3) {
        let points = |figure: fn(&Row) -> f64| {
            let rows = rows.iter().filter(|row| (row.rtt_ms - rtt).abs() < 1e-9);
            rows.map(|row| (row.loss * 100.0, figure(row) / 1e6)).collect()
        };
        lines.push(Line {
            name: format!("RTT {rtt} ms"),
            points: points(|row| row.goodput),
            is_reference: false,
        });
        lines.push(Line { name: String::new(), points: points(|row| row.theory), is_reference: true });
    }
    Chart { file: "goodput-loss.svg", title: "Goodput in MB/s over loss in percent (thin: theory)", lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_is_reno_at_short_rtt_and_cubic_at_long_rtt() {
        // 12.2 segments per 10 ms, and 187 segments per 100 ms.
        assert!((theory(0.01, 0.01) / 1.77e6 - 1.0).abs() < 0.01);
        assert!((theory(0.0001, 0.1) / 2.71e6 - 1.0).abs() < 0.01);
    }
}
