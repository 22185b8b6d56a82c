//! Command-line options.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use host::{CongestionControl, TcpSettings};

/// Measure the goodput of TCP in simulation: loss, RTT, buffers, reordering, rate, queue and fairness
///
/// Two hosts transfer data over simulated links, in virtual time. A run has the same result on every machine and needs no
/// quiet machine. Prints the tables and writes `report.md` and `report.json`.
#[derive(Debug, Parser)]
#[command(name = "sim", bin_name = "cargo xtask bench sim", after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Tables to measure [default: all]
    #[arg(long = "table", value_name = "TABLE", value_delimiter = ',')]
    tables: Vec<TableName>,
    /// Number of seeds of each figure, which is the mean of their runs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) seeds: u64,
    /// Congestion control of both hosts
    #[arg(long, value_name = "NAME", default_value = "cubic")]
    congestion: Congestion,
    /// Print one JSON document instead of the tables
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the tables as SVG charts too
    #[arg(long)]
    pub(crate) svg: bool,
    /// Directory for the report
    #[arg(long, value_name = "PATH", default_value = "target/bench", overrides_with = "out")]
    pub(crate) out: PathBuf,
    /// Markdown file in which the section between the marks `bench sim` is replaced with the tables
    #[arg(long, value_name = "PATH")]
    pub(crate) document: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask bench sim                                       all tables
  cargo xtask bench sim --seeds 1                             all tables, with one run for each figure
  cargo xtask bench sim --table loss,reordering               two tables
  cargo xtask bench sim --congestion new-reno                 with another congestion control
  cargo xtask bench sim --json | jq '.goals[]'                the goals and the figures
  cargo xtask bench sim --svg                                 charts in target/bench too
  cargo xtask bench sim --document docs/performance.md        write the tables into the documentation";

/// Name of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableName {
    /// Goodput over loss and RTT, compared with theory
    Loss,
    /// Goodput over buffer and loss, compared with published figures of smoltcp
    Published,
    /// Several flows in a short queue, compared with published figures of smoltcp
    Multiflow,
    /// Goodput with reordered frames
    Reordering,
    /// Goodput over rate, RTT and queue
    Queues,
    /// Fairness of 2 to 64 flows
    Fairness,
    /// Repair time of the last segments
    Tail,
    /// Cost of a spurious timeout
    Pause,
}

/// Name of a congestion control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Congestion {
    /// RFC 9438
    Cubic,
    /// RFC 5681 and RFC 6582
    NewReno,
}

impl Options {
    /// Returns the settings of the connections: the defaults, with the congestion control of the options.
    pub(crate) fn tcp(&self) -> TcpSettings {
        let congestion = match self.congestion {
            Congestion::Cubic => CongestionControl::Cubic,
            Congestion::NewReno => CongestionControl::NewReno,
        };
        TcpSettings { congestion, ..TcpSettings::default() }
    }

    /// Returns the tables to measure.
    pub(crate) fn tables(&self) -> &[TableName] {
        if self.tables.is_empty() { TableName::value_variants() } else { &self.tables }
    }
}
