//! The report. The names of the fields are also the names in the JSON document.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use serde::Serialize;

use crate::drain::DrainResult;
use crate::flood::FloodResult;
use crate::flow::FlowResult;
use crate::latency::LatencyResult;
use crate::load::Load;
use crate::stats::{paired, quantile};
use crate::stream::StreamResult;

#[derive(Debug, Serialize)]
pub(crate) struct BenchReport {
    pub(crate) machine: Machine,
    pub(crate) contenders: Vec<ContenderDescription>,
    /// Measurements that were skipped, with the reason.
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) drain: Vec<DrainTable>,
    pub(crate) flow: Vec<FlowTable>,
    pub(crate) stream: Vec<StreamTable>,
    pub(crate) latency: Vec<LatencyTable>,
    pub(crate) flood: Vec<FloodTable>,
    pub(crate) goals: Vec<Goal>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) architecture: &'static str,
    pub(crate) kernel: String,
    /// CPUs that this process may run on.
    pub(crate) cpus: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct ContenderDescription {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
}

#[derive(Debug, Serialize)]
pub(crate) struct Skipped {
    pub(crate) what: String,
    pub(crate) why: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct DrainTable {
    pub(crate) load: Load,
    pub(crate) requests_per_round: usize,
    pub(crate) rounds: usize,
    pub(crate) rows: Vec<DrainRow>,
}

#[derive(Debug, Serialize)]
pub(crate) struct DrainRow {
    pub(crate) contender: &'static str,
    /// Number of requests in all rounds, including the warm-up.
    pub(crate) requests: usize,
    pub(crate) replies: usize,
    pub(crate) unexpected_frames: u64,
    pub(crate) ns_per_reply_p50: f64,
    pub(crate) ns_per_reply_p90: f64,
    pub(crate) cpu_ns_per_reply_p50: f64,
    /// Time per exchange, including the sending of the request. Measured for the kernel only, which replies during the
    /// call that sends the request.
    pub(crate) ns_per_exchange_p50: Option<f64>,
    pub(crate) system_calls_per_reply: Option<f64>,
    pub(crate) times_as_fast_as: BTreeMap<&'static str, Ratio>,
}

#[derive(Debug, Serialize)]
pub(crate) struct FlowTable {
    pub(crate) load: Load,
    pub(crate) window: usize,
    pub(crate) spin_us: f64,
    pub(crate) slices: usize,
    pub(crate) rows: Vec<FlowRow>,
}

#[derive(Debug, Serialize)]
pub(crate) struct FlowRow {
    pub(crate) contender: &'static str,
    pub(crate) replies: usize,
    pub(crate) unexpected_frames: u64,
    pub(crate) replies_per_second_p50: f64,
    pub(crate) replies_per_second_p90: f64,
    /// CPU time of the contender's thread; `None` for the kernel.
    pub(crate) cpu_ns_per_reply: Option<f64>,
    /// CPU time of the contender and the requester.
    pub(crate) cpu_ns_per_exchange: f64,
    pub(crate) times_as_fast_as: BTreeMap<&'static str, Ratio>,
}

#[derive(Debug, Serialize)]
pub(crate) struct StreamTable {
    pub(crate) load: Load,
    pub(crate) spin_us: f64,
    pub(crate) slices: usize,
    pub(crate) rows: Vec<StreamRow>,
}

#[derive(Debug, Serialize)]
pub(crate) struct StreamRow {
    pub(crate) contender: &'static str,
    /// Number of bytes in all slices.
    pub(crate) bytes: usize,
    pub(crate) megabytes_per_second_p50: f64,
    pub(crate) megabytes_per_second_p90: f64,
    /// CPU time of the contender's thread.
    pub(crate) cpu_ns_per_kibibyte: f64,
    /// CPU time of the threads of the contender and of the client.
    pub(crate) cpu_ns_per_kibibyte_of_both: f64,
    pub(crate) times_as_fast_as: BTreeMap<&'static str, Ratio>,
}

#[derive(Debug, Serialize)]
pub(crate) struct LatencyTable {
    pub(crate) load: Load,
    pub(crate) spin_us: f64,
    pub(crate) rows: Vec<LatencyRow>,
}

#[derive(Debug, Serialize)]
pub(crate) struct LatencyRow {
    pub(crate) contender: &'static str,
    pub(crate) replies: usize,
    pub(crate) unexpected_frames: u64,
    pub(crate) us_p50: f64,
    pub(crate) us_p99: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct FloodTable {
    pub(crate) load: Load,
    /// Duration of the flood.
    pub(crate) seconds: f64,
    pub(crate) rows: Vec<FloodRow>,
}

#[derive(Debug, Serialize)]
pub(crate) struct FloodRow {
    pub(crate) contender: &'static str,
    pub(crate) syns_per_second: f64,
    /// CPU time of the contender's thread.
    pub(crate) cpu_ns_per_syn: f64,
    /// Resident memory of the bench, with all contenders.
    pub(crate) memory_kibibytes_before: usize,
    pub(crate) memory_kibibytes_after: usize,
    pub(crate) connects: usize,
    /// Honest connects that took longer than two seconds.
    pub(crate) failed_connects: usize,
    pub(crate) connect_ms_p50: f64,
    pub(crate) connect_ms_maximum: f64,
    pub(crate) requests_per_second_before: f64,
    pub(crate) requests_per_second: f64,
}

/// Quantiles of the ratios of two contenders in the same rounds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Ratio {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Goal {
    pub(crate) load: Load,
    /// Name of the figure.
    pub(crate) figure: &'static str,
    /// Whether the expected value is an upper or a lower bound.
    pub(crate) bound: Bound,
    pub(crate) expected: f64,
    pub(crate) found: f64,
    pub(crate) holds: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    AtMost,
    AtLeast,
}

impl Machine {
    pub(crate) fn this(cpus: usize) -> Machine {
        let field = |text: &str| text.split_once(':').map(|(_, value)| value.trim().to_owned());
        let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = information.lines().find(|line| line.starts_with("model name")).and_then(field);
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Machine {
            processor: model.unwrap_or_else(|| "unknown processor".to_owned()),
            architecture: std::env::consts::ARCH,
            kernel: format!("Linux {}", release.trim()),
            cpus,
        }
    }
}

impl DrainTable {
    pub(crate) fn of(load: Load, requests_per_round: usize, all: &[DrainResult]) -> DrainTable {
        let row = |one: &DrainResult| DrainRow {
            contender: one.contender,
            requests: one.requests,
            replies: one.replies,
            unexpected_frames: one.unexpected,
            ns_per_reply_p50: quantile(&one.ns, 0.5),
            ns_per_reply_p90: quantile(&one.ns, 0.9),
            cpu_ns_per_reply_p50: quantile(&one.cpu_ns, 0.5),
            ns_per_exchange_p50: (!one.total_ns.is_empty()).then(|| quantile(&one.total_ns, 0.5)),
            system_calls_per_reply: one.system_calls,
            times_as_fast_as: ratios(all, |other| (other.contender, paired(&other.ns, &one.ns))),
        };
        let rounds = all.first().map_or(0, |one| one.ns.len());
        DrainTable { load, requests_per_round, rounds, rows: all.iter().map(row).collect() }
    }

    pub(crate) fn row(&self, contender: &str) -> Option<&DrainRow> {
        self.rows.iter().find(|row| row.contender == contender)
    }
}

impl FlowTable {
    pub(crate) fn of(load: Load, window: usize, spin: Duration, all: &[FlowResult]) -> FlowTable {
        let row = |one: &FlowResult| FlowRow {
            contender: one.contender,
            replies: one.replies,
            unexpected_frames: one.unexpected,
            replies_per_second_p50: quantile(&one.rates, 0.5),
            replies_per_second_p90: quantile(&one.rates, 0.9),
            cpu_ns_per_reply: one.cpu_ns,
            cpu_ns_per_exchange: one.total_ns,
            times_as_fast_as: ratios(all, |other| (other.contender, paired(&one.rates, &other.rates))),
        };
        let slices = all.first().map_or(0, |one| one.rates.len());
        FlowTable { load, window, spin_us: us(spin), slices, rows: all.iter().map(row).collect() }
    }

    pub(crate) fn row(&self, contender: &str) -> Option<&FlowRow> {
        self.rows.iter().find(|row| row.contender == contender)
    }
}

impl StreamTable {
    pub(crate) fn of(load: Load, spin: Duration, all: &[StreamResult]) -> StreamTable {
        let row = |one: &StreamResult| StreamRow {
            contender: one.contender,
            bytes: one.bytes,
            megabytes_per_second_p50: quantile(&one.rates, 0.5),
            megabytes_per_second_p90: quantile(&one.rates, 0.9),
            cpu_ns_per_kibibyte: one.cpu_ns,
            cpu_ns_per_kibibyte_of_both: one.total_ns,
            times_as_fast_as: ratios(all, |other| (other.contender, paired(&one.rates, &other.rates))),
        };
        let slices = all.first().map_or(0, |one| one.rates.len());
        StreamTable { load, spin_us: us(spin), slices, rows: all.iter().map(row).collect() }
    }

    pub(crate) fn row(&self, contender: &str) -> Option<&StreamRow> {
        self.rows.iter().find(|row| row.contender == contender)
    }
}

impl LatencyTable {
    pub(crate) fn of(load: Load, spin: Duration, all: &[LatencyResult]) -> LatencyTable {
        let row = |one: &LatencyResult| LatencyRow {
            contender: one.contender,
            replies: one.us.len(),
            unexpected_frames: one.unexpected,
            us_p50: quantile(&one.us, 0.5),
            us_p99: quantile(&one.us, 0.99),
        };
        LatencyTable { load, spin_us: us(spin), rows: all.iter().map(row).collect() }
    }

    pub(crate) fn row(&self, contender: &str) -> Option<&LatencyRow> {
        self.rows.iter().find(|row| row.contender == contender)
    }
}

impl FloodTable {
    pub(crate) fn of(load: Load, time: Duration, all: &[FloodResult]) -> FloodTable {
        let row = |one: &FloodResult| {
            let connected: Vec<_> = one.connects.iter().copied().filter(|time| time.is_finite()).collect();
            FloodRow {
                contender: one.contender,
                syns_per_second: one.syns_per_second,
                cpu_ns_per_syn: one.cpu_ns,
                memory_kibibytes_before: one.memory[0],
                memory_kibibytes_after: one.memory[1],
                connects: connected.len(),
                failed_connects: one.connects.len() - connected.len(),
                connect_ms_p50: quantile(&connected, 0.5),
                connect_ms_maximum: quantile(&connected, 1.0),
                requests_per_second_before: one.rates[0],
                requests_per_second: one.rates[1],
            }
        };
        FloodTable { load, seconds: time.as_secs_f64(), rows: all.iter().map(row).collect() }
    }

    pub(crate) fn row(&self, contender: &str) -> Option<&FloodRow> {
        self.rows.iter().find(|row| row.contender == contender)
    }
}

/// Returns the ratios to the other contenders.
fn ratios<T>(all: &[T], quotients: impl Fn(&T) -> (&'static str, Vec<f64>)) -> BTreeMap<&'static str, Ratio> {
    let ratio = |other| {
        let (name, values) = quotients(other);
        (name, Ratio { p50: quantile(&values, 0.5), p90: quantile(&values, 0.9) })
    };
    all.iter().map(ratio).collect()
}

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
