//! A path between two hosts, and runs over the path.

use std::num::NonZeroU64;
use std::time::Duration;

use host::TcpSettings;
use sim::{Faults, LinkCounters, LinkSettings, Queue, Transfer, TransferSettings};
use tap::{Instant, PortId};

/// A path between two hosts: the links of both directions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    pub(crate) rtt: Duration,
    /// Rate of both directions, in bits per second.
    pub(crate) rate: u64,
    /// Queue of the direction of the data. The queue of the other direction has no limit.
    pub(crate) queue: Queue,
    /// Faults of the direction of the data, except the latency and the seed.
    pub(crate) faults: Faults,
    /// Frames per million that are lost in the other direction.
    pub(crate) ack_loss: u32,
}

/// Data of a full segment, in bytes: an MTU of 1,500 bytes without headers and timestamps.
pub(crate) const SEGMENT: f64 = 1_448.0;
/// Maximum virtual time of a transfer.
pub(crate) const LONGEST: Duration = Duration::from_hours(10);
/// Length of the frame of a full segment, in bytes.
const FRAME: f64 = 1_514.0;
/// A queue that is never full.
const ENDLESS: Queue = Queue::DropTail { bytes: u64::MAX };
/// Difference of the seeds of both directions.
const OTHER_DIRECTION: u64 = 1 << 32;

impl Path {
    /// A rate that does not limit the goodput, but separates the frames of a burst.
    pub(crate) const FAST: u64 = 10_000_000_000;

    /// Returns a path without faults. Its queue is never full.
    pub(crate) fn new(rtt: Duration, rate: u64) -> Path {
        Path { rtt, rate, queue: ENDLESS, faults: Faults::NONE, ack_loss: 0 }
    }

    /// Returns the settings of a transfer over the path.
    pub(crate) fn settings(&self, seed: u64, tcp: TcpSettings) -> TransferSettings {
        let latency = self.rtt / 2;
        let [data, ack] = [
            Faults { seed, ..self.faults },
            Faults { seed: seed + OTHER_DIRECTION, loss: self.ack_loss, ..Faults::NONE },
        ]
        .map(|faults| Faults { min_latency: latency, max_latency: latency, ..faults });
        let rate = NonZeroU64::new(self.rate);
        let link = |queue, faults| LinkSettings { rate, queue, faults };
        TransferSettings {
            sender: tcp,
            receiver: tcp,
            ..TransferSettings::new(link(self.queue, data), link(ENDLESS, ack))
        }
    }

    /// Returns the bandwidth-delay product, in bytes.
    pub(crate) fn product(&self) -> f64 {
        self.rate as f64 / 8.0 * self.rtt.as_secs_f64()
    }

    /// Returns the highest goodput that the rate permits, in bytes per second.
    pub(crate) fn highest_goodput(&self) -> f64 {
        self.rate as f64 / 8.0 * SEGMENT / FRAME
    }
}

/// Returns the share of the frames of the sender that the queue dropped.
pub(crate) fn dropped(transfer: &Transfer) -> f64 {
    let counters = counters(transfer);
    counters.queue_full as f64 / (counters.queue_full + counters.frames).max(1) as f64
}

/// Returns the share of the frames of the sender that the queue marked.
pub(crate) fn marked(transfer: &Transfer) -> f64 {
    let counters = counters(transfer);
    counters.marked as f64 / counters.frames.max(1) as f64
}

fn counters(transfer: &Transfer) -> LinkCounters {
    transfer.segment().link_counters(transfer.sender(), PortId::new(0)).unwrap_or_default()
}

/// Starts a transfer.
pub(crate) fn start(settings: &TransferSettings) -> Result<Transfer, String> {
    Transfer::new(settings).map_err(|error| format!("cannot start a transfer: {error}"))
}

/// Runs a transfer until all data was received. Fails after [`LONGEST`].
pub(crate) fn complete(settings: &TransferSettings) -> Result<Transfer, String> {
    let transfer = run_for(settings, LONGEST)?;
    if transfer.is_complete() { Ok(transfer) } else { Err(format!("transfer does not end: {settings:?}")) }
}

/// Runs a transfer for a virtual time.
pub(crate) fn run_for(settings: &TransferSettings, time: Duration) -> Result<Transfer, String> {
    let mut transfer = start(settings)?;
    advance(&mut transfer, Instant::ORIGIN + time)?;
    Ok(transfer)
}

/// Continues a transfer until `end`.
pub(crate) fn advance(transfer: &mut Transfer, end: Instant) -> Result<(), String> {
    transfer.run_until(end).map_err(|error| error.to_string())
}
