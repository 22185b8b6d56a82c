//! Repair time of the last segments of a response.

use std::time::Duration;

use bench::Grid;
use host::{BufferSize, TcpSettings};
use serde::Serialize;
use sim::TransferSettings;
use tap::Instant;

use crate::options::Options;
use crate::path::{Path, SEGMENT, advance, start};
use crate::report::{Goal, Table, row};

const RTTS: [Duration; 3] = [Duration::from_millis(1), Duration::from_millis(10), Duration::from_millis(100)];
/// Numbers of lost segments at the end of the response.
const LOST: [usize; 3] = [1, 2, 5];
/// Segments of the response.
const SEGMENTS: usize = 20;

#[derive(Clone, Debug, Serialize)]
struct Row {
    rtt_ms: f64,
    lost: usize,
    /// Additional time until the response is complete, compared with a response without loss.
    repair_ms: f64,
    /// Smoothed RTT of the sender at the end of the response without loss.
    srtt_ms: f64,
}

pub(crate) fn measure(options: &Options) -> Result<Table, String> {
    let mut rows = Vec::new();
    let mut goals = Vec::new();
    for rtt in RTTS {
        let rtt_ms = rtt.as_secs_f64() * 1e3;
        let (whole, srtt) = run(options.tcp(), rtt, 0)?;
        let srtt_ms = srtt.as_secs_f64() * 1e3;
        for lost in LOST {
            let repair_ms = run(options.tcp(), rtt, lost)?.0.saturating_sub(whole).as_secs_f64() * 1e3;
            if lost == 1 {
                let figure = format!("RTT of {rtt_ms} ms, last segment lost: repair in ms");
                goals.push(Goal::at_most(figure, 2.0 * srtt_ms + 40.0, repair_ms));
            }
            rows.push(Row { rtt_ms, lost, repair_ms, srtt_ms });
        }
    }
    let lines = rows.iter().map(|row| {
        let mut line = vec![format!("{} ms", row.rtt_ms), row.lost.to_string()];
        line.extend([row.repair_ms, row.srtt_ms].map(|time| format!("{time:.1}")));
        line
    });
    Ok(Table {
        name: "tail",
        grid: Grid {
            title: "Loss at the end".to_owned(),
            note: "A response has 20 segments, and the path loses the last segments once. The repair is the additional time in ms \
                until the receiver has the whole response.",
            head: vec!["RTT", "lost segments", "repair", "SRTT"],
            rows: lines.collect(),
        },
        rows: rows.iter().map(row).collect::<Result<_, _>>()?,
        goals,
        chart: None,
    })
}

/// Returns the time until the response is complete, and the smoothed RTT.
fn run(tcp: TcpSettings, rtt: Duration, lost: usize) -> Result<(Duration, Duration), String> {
    let path = Path::new(rtt, Path::FAST);
    let bytes = SEGMENTS as u64 * SEGMENT as u64;
    // The sender writes the whole response at once, so that all segments but the last are full.
    let send_buffer = BufferSize { initial: 1 << 20, maximum: 1 << 20 };
    let tcp = TcpSettings { send_buffer, ..tcp };
    let settings = TransferSettings { bytes: Some(bytes), ..path.settings(0, tcp) };
    let mut transfer = start(&settings)?;
    let sender = transfer.sender();
    let mut sent = 0;
    transfer.segment_mut().intercept(sender, move |_, frame| {
        // Acknowledgments and the SYN are short.
        sent += usize::from(frame.len() > SEGMENT as usize);
        let is_lost = frame.len() > SEGMENT as usize && sent > SEGMENTS - lost && sent <= SEGMENTS;
        if is_lost { Vec::new() } else { vec![(Duration::ZERO, frame.to_vec())] }
    });
    advance(&mut transfer, Instant::ORIGIN + Duration::from_mins(10))?;
    let flow = *transfer.flows().first().ok_or("no flow")?;
    let completed = flow.completed().ok_or("the response does not end")?;
    let info = transfer.info(&flow).ok_or("the connection is closed")?;
    Ok((completed.since(Instant::ORIGIN), info.rtt.unwrap_or_default()))
}
