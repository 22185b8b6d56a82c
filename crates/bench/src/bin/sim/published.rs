//! Goodput over buffer and loss, compared with published figures.

use std::time::Duration;

use bench::Grid;
use host::{BufferSize, CongestionControl, TcpSettings};
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
    (LARGE, [322_945.0, 314_780.0, 219_671.0, 166_587.0, 76_626.0, 37_775.0, 6_079.0]),
];
/// Size of the larger buffers.
const LARGE: usize = 32_768;
const RTT: Duration = Duration::from_millis(100);
const BYTES: u64 = 10 << 20;

/// Least loss, in frames per million, from which the goal of the larger buffer is higher.
const MANY_LOSSES: u32 = 10_000;

#[derive(Clone, Debug, Serialize)]
struct Row {
    buffer: usize,
    loss: f64,
    published: f64,
    controlled: Figure,
    /// Without congestion control.
    uncontrolled: Figure,
}

/// Goodput in bytes per second, and its ratio to the published goodput.
#[derive(Clone, Copy, Debug, Serialize)]
struct Figure {
    goodput: f64,
    ratio: f64,
}

pub(crate) fn measure(options: &Options) -> Result<Table, String> {
    let cells: Vec<_> = PUBLISHED
        .into_iter()
        .flat_map(|(buffer, rates)| {
            LOSSES.into_iter().zip(rates).map(move |(loss, rate)| (buffer, loss, rate))
        })
        .collect();
    let controlled = options.tcp();
    let uncontrolled = TcpSettings { congestion: CongestionControl::None, ..controlled };
    let measure = |tcp| -> Result<Vec<Figure>, String> {
        let run = |&(buffer, loss, _): &(usize, u32, f64), seed| run(tcp, buffer, loss, seed);
        let results = runs::grid(&cells, options.seeds, run)?;
        let figure = |(&(_, _, published), results): (&(_, _, f64), &Vec<f64>)| {
            let goodput = runs::mean(results, |goodput| *goodput);
            Figure { goodput, ratio: goodput / published }
        };
        Ok(cells.iter().zip(&results).map(figure).collect())
    };
    let figures = measure(controlled)?.into_iter().zip(measure(uncontrolled)?);
    let rows = cells.iter().zip(figures).map(|(&(buffer, loss, published), (controlled, uncontrolled))| {
        Row { buffer, loss: f64::from(loss) / 1e6, published, controlled, uncontrolled }
    });
    let rows: Vec<_> = rows.collect();
    let lines = rows.iter().zip(&cells).map(|(row, (buffer, loss, _))| {
        let mut line = vec![buffer.to_string(), percent(*loss), format!("{:.0}", row.published)];
        for figure in [row.controlled, row.uncontrolled] {
            line.extend([format!("{:.0}", figure.goodput), format!("{:.2}", figure.ratio)]);
        }
        line
    });
    Ok(Table {
        name: "published",
        grid: Grid {
            title: "Small buffers".to_owned(),
            note: "Goodput in bytes per second of a transfer of 10 MiB with an RTT of 100 ms, handshake included, and its ratio \
                to that of smoltcp. Both directions lose frames. The figures of smoltcp are from the snapshot of its test \
                `netsim`, in which it runs without congestion control. So the goals are those of tapstack without congestion \
                control (`CongestionControl::None`), and of both columns without loss.",
            head: vec!["buffer", "loss", "smoltcp", "tapstack", "ratio", "without control", "ratio"],
            rows: lines.collect(),
        },
        rows: rows.iter().map(row).collect::<Result<_, _>>()?,
        goals: rows.iter().zip(&cells).flat_map(|(row, (_, loss, _))| goals(row, *loss)).collect(),
        chart: None,
    })
}

fn goals(row: &Row, loss: u32) -> Vec<Goal> {
    let (buffer, percent) = (row.buffer, percent(loss));
    let goal = |control: &str, expected, ratio| {
        let figure = format!("buffer of {buffer} bytes, loss of {percent}, {control}: goodput over smoltcp");
        Goal::at_least(figure, expected, ratio)
    };
    let expected = if buffer == LARGE && loss >= MANY_LOSSES { 1.3 } else { 1.0 };
    let mut goals = vec![goal("no congestion control", expected, row.uncontrolled.ratio)];
    if loss == 0 {
        goals.push(goal("congestion control", expected, row.controlled.ratio));
    }
    goals
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
