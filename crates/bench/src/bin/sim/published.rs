//! Goodput over buffer and loss, compared with published figures.

use std::time::Duration;

use bench::Grid;
use host::{BufferSize, TcpSettings};
use serde::Serialize;
use sim::{Faults, TransferSettings};

use crate::options::Options;
use crate::path::{Path, complete};
use crate::report::{Goal, Table, percent, row};
use crate::runs;

const LOSSES: [u32; 7] = [0, 1_000, 10_000, 20_000, 50_000, 100_000, 200_000];
/// Size of the buffers, and the goodput in bytes per second that the test `netsim` of smoltcp publishes for each loss.
const PUBLISHED: [(usize, [f64; 7]); 2] = [
    (8_192, [77_374.0, 72_992.0, 58_491.0, 46_528.0, 29_421.0, 15_515.0, 3_737.0]),
    (32_768, [322_945.0, 314_780.0, 219_671.0, 166_587.0, 76_626.0, 37_775.0, 6_079.0]),
];
const RTT: Duration = Duration::from_millis(100);
const BYTES: u64 = 10 << 20;

#[derive(Clone, Debug, Serialize)]
struct Row {
    buffer: usize,
    loss: f64,
    goodput: f64,
    published: f64,
    ratio: f64,
}

pub(crate) fn measure(options: &Options) -> Result<Table, String> {
    let cells: Vec<_> = PUBLISHED
        .into_iter()
        .flat_map(|(buffer, rates)| {
            LOSSES.into_iter().zip(rates).map(move |(loss, rate)| (buffer, loss, rate))
        })
        .collect();
    let results =
        runs::grid(&cells, options.seeds, |&(buffer, loss, _), seed| run(options.tcp(), buffer, loss, seed))?;
    let rows: Vec<_> = cells
        .iter()
        .zip(&results)
        .map(|(&(buffer, loss, published), results)| {
            let goodput = runs::mean(results, |goodput| *goodput);
            Row { buffer, loss: f64::from(loss) / 1e6, goodput, published, ratio: goodput / published }
        })
        .collect();
    // With losses, congestion control limits only tapstack, so that the figures have no goal.
    let without_loss = rows.iter().filter(|row| row.loss == 0.0);
    let goals = without_loss
        .map(|row| {
            let figure = format!("buffer of {} bytes, no loss: goodput over smoltcp", row.buffer);
            Goal::at_least(figure, 1.0, row.ratio)
        })
        .collect();
    let lines = rows.iter().zip(&cells).map(|(row, (buffer, loss, _))| {
        let figures = [row.goodput, row.published].map(|rate| format!("{rate:.0}"));
        let mut line = vec![buffer.to_string(), percent(*loss)];
        line.extend(figures);
        line.push(format!("{:.2}", row.ratio));
        line
    });
    Ok(Table {
        name: "published",
        grid: Grid {
            title: "Small buffers".to_owned(),
            note: "Goodput in bytes per second of a transfer of 10 MiB with an RTT of 100 ms, handshake included. Both \
                directions lose frames. The figures of smoltcp are from the snapshot of its test `netsim`, in which it runs \
                without congestion control. With losses, congestion control limits tapstack and not smoltcp, so only the figures \
                without loss have goals.",
            head: vec!["buffer", "loss", "tapstack", "smoltcp", "ratio"],
            rows: lines.collect(),
        },
        rows: rows.iter().map(row).collect::<Result<_, _>>()?,
        goals,
        chart: None,
    })
}

fn run(tcp: TcpSettings, buffer: usize, loss: u32, seed: u64) -> Result<f64, String> {
    let path = Path { faults: Faults { loss, ..Faults::NONE }, ack_loss: loss, ..Path::new(RTT, Path::FAST) };
    let size = BufferSize { initial: buffer, maximum: buffer };
    let tcp = TcpSettings { receive_buffer: size, send_buffer: size, ..tcp };
    let settings = TransferSettings { bytes: Some(BYTES), ..path.settings(seed, tcp) };
    let transfer = complete(&settings)?;
    let seconds = transfer.segment().now().since(tap::Instant::ORIGIN).as_secs_f64();
    Ok(BYTES as f64 / seconds)
}
