//! Repair time of the last segments of a response.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bench::Grid;
use host::{BufferSize, TcpSettings};
use serde::Serialize;
use sim::TransferSettings;
use tap::Instant;

use crate::options::Options;
use crate::path::{LONGEST, Path, SEGMENT, advance, start};
use crate::report::{Goal, Table, row};

const RTTS: [Duration; 3] = [Duration::from_millis(1), Duration::from_millis(10), Duration::from_millis(100)];
/// Numbers of lost segments at the end of the response.
const LOST: [usize; 3] = [1, 2, 5];
/// Segments of the response.
const SEGMENTS: usize = 20;
/// Time between two readings of the RTT.
const STEP: Duration = Duration::from_micros(100);

/// Longest delay of an acknowledgment.
const ACK_DELAY_MS: f64 = 40.0;

#[derive(Clone, Debug, Serialize)]
struct Row {
    rtt_ms: f64,
    lost: usize,
    /// Time from the last segment or acknowledgment to the probe of the sender.
    probe_ms: f64,
    /// Smoothed RTT of the sender at the time of the probe.
    srtt_ms: f64,
    /// Additional time until the response is complete, compared with a response without loss.
    repair_ms: f64,
}

/// Times of a response.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    completed: Duration,
    /// Time from the last segment or acknowledgment to the probe.
    probe: Duration,
    /// Smoothed RTT at the time of the probe.
    srtt: Duration,
}

pub(crate) fn measure(options: &Options) -> Result<Table, String> {
    let mut rows = Vec::new();
    let mut goals = Vec::new();
    for rtt in RTTS {
        let rtt_ms = rtt.as_secs_f64() * 1e3;
        let whole = run(options.tcp(), rtt, 0)?.completed;
        for lost in LOST {
            let times = run(options.tcp(), rtt, lost)?;
            let [probe_ms, srtt_ms, repair_ms] =
                [times.probe, times.srtt, times.completed.saturating_sub(whole)]
                    .map(|time| time.as_secs_f64() * 1e3);
            if lost == 1 {
                let figure = format!("RTT of {rtt_ms} ms, last segment lost: time to the probe in ms");
                goals.push(Goal::at_most(figure, 2.0 * srtt_ms + ACK_DELAY_MS, probe_ms));
            }
            rows.push(Row { rtt_ms, lost, probe_ms, srtt_ms, repair_ms });
        }
    }
    let lines = rows.iter().map(|row| {
        let mut line = vec![format!("{} ms", row.rtt_ms), row.lost.to_string()];
        line.extend([row.probe_ms, row.srtt_ms, row.repair_ms].map(|time| format!("{time:.1}")));
        line
    });
    Ok(Table {
        name: "tail",
        grid: Grid {
            title: "Loss at the end".to_owned(),
            note: "A response has 20 segments, and the path loses the last segments once. `probe` is the time in ms from the last \
                segment or acknowledgment to the first segment that the sender sends again. With one lost segment, the goal is two \
                SRTTs and 40 ms, the longest delay of an acknowledgment. The repair is the additional time in ms until the \
                receiver has the whole response. This time includes the delivery of the last acknowledgment, its delay, and the \
                delivery of the segments that are sent again.",
            head: vec!["RTT", "lost segments", "probe", "SRTT", "repair"],
            rows: lines.collect(),
        },
        rows: rows.iter().map(row).collect::<Result<_, _>>()?,
        goals,
        chart: None,
    })
}

fn run(tcp: TcpSettings, rtt: Duration, lost: usize) -> Result<Times, String> {
    let path = Path::new(rtt, Path::FAST);
    let bytes = SEGMENTS as u64 * SEGMENT as u64;
    // The sender writes the whole response at once, so that all segments but the last are full.
    let send_buffer = BufferSize { initial: 1 << 20, maximum: 1 << 20 };
    let tcp = TcpSettings { send_buffer, ..tcp };
    let settings = TransferSettings { bytes: Some(bytes), ..path.settings(0, tcp) };
    let mut transfer = start(&settings)?;
    let (sender, receiver) = (transfer.sender(), transfer.receiver());
    let (last_event, probe) = (Rc::new(Cell::new(Instant::ORIGIN)), Rc::new(Cell::new(None)));
    let (mut sent, event, first) = (0, Rc::clone(&last_event), Rc::clone(&probe));
    transfer.segment_mut().intercept(sender, move |now, frame| {
        // Acknowledgments and the SYN are short.
        let is_full = frame.len() > SEGMENT as usize;
        sent += usize::from(is_full);
        if is_full && sent > SEGMENTS && first.get().is_none() {
            first.set(Some(now.since(event.get())));
        } else if is_full {
            event.set(event.get().max(now));
        }
        let is_lost = is_full && sent > SEGMENTS - lost && sent <= SEGMENTS;
        if is_lost { Vec::new() } else { vec![(Duration::ZERO, frame.to_vec())] }
    });
    let (event, is_probed) = (Rc::clone(&last_event), Rc::clone(&probe));
    transfer.segment_mut().intercept(receiver, move |now, frame| {
        if is_probed.get().is_none() {
            event.set(event.get().max(now + rtt / 2));
        }
        vec![(Duration::ZERO, frame.to_vec())]
    });
    let mut srtt = Duration::ZERO;
    while !transfer.is_complete() && transfer.segment().now() < Instant::ORIGIN + LONGEST {
        let now = transfer.segment().now();
        advance(&mut transfer, now + STEP)?;
        let flow = transfer.flows().first().ok_or("no flow")?;
        if probe.get().is_none()
            && let Some(info) = transfer.info(flow)
        {
            srtt = info.rtt.unwrap_or_default();
        }
    }
    let flow = transfer.flows().first().ok_or("no flow")?;
    let completed = flow.completed().ok_or("the response does not end")?.since(Instant::ORIGIN);
    Ok(Times { completed, probe: probe.get().unwrap_or_default(), srtt })
}
