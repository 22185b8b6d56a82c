//! Command-line options.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use serde::Serialize;

use crate::load::Load;

/// Compare ARP, ping and UDP echo replies and TCP on TAPs and veth pairs with a lower bound, smoltcp and the Linux kernel
///
/// Works in its own network namespaces and changes nothing outside the namespaces, except for the report. Needs no root
/// if the system allows user namespaces. All contenders of a table reply in alternation, and each reply is checked.
/// Prints the tables and writes `report.md` and `report.json`.
#[derive(Debug, Parser)]
#[command(name = "wire", bin_name = "cargo xtask bench wire", after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Short run: 0.4 seconds per table
    #[arg(long, conflicts_with = "seconds")]
    quick: bool,
    /// Time per table in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = seconds)]
    seconds: f64,
    /// Maximum number of rounds per table
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Modes to measure [default: all]
    #[arg(long = "mode", value_name = "MODE", value_delimiter = ',')]
    modes: Vec<Mode>,
    /// Loads to measure [default: all]
    #[arg(long = "load", value_name = "LOAD", value_delimiter = ',')]
    loads: Vec<Load>,
    /// Contenders to measure, by their names in the tables [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) contenders: Vec<String>,
    /// Number of outstanding requests on two CPUs
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [16, 64, 256], value_parser = clap::value_parser!(u16).range(1..=900))]
    pub(crate) windows: Vec<u16>,
    /// Duration of a slice on two CPUs, in microseconds; bulk transfers use ten times this duration
    #[arg(long, value_name = "MICROSECONDS", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    slice: u32,
    /// Duration for which a contender polls before it sleeps, in microseconds
    #[arg(long, value_name = "MICROSECONDS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    spin: u32,
    /// Maximum number of forged SYNs per second of the load `tcp-flood`
    #[arg(long, value_name = "N", default_value_t = 500_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) flood_rate: u32,
    /// Number of addresses of `tapstack-hosts`: a power of two, up to 1,048,576
    #[arg(long, value_name = "N", default_value_t = 65_536, value_parser = hosts)]
    pub(crate) hosts: u32,
    /// Number of neighbors of `tapstack-table` and `tapstack-requesters`
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) neighbors: u32,
    /// Print one JSON document instead of the tables
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the tables as SVG bar charts too
    #[arg(long)]
    pub(crate) svg: bool,
    /// Directory for the report
    #[arg(long, value_name = "PATH", default_value = "target/bench", overrides_with = "out")]
    pub(crate) out: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask bench wire                                  all tables, in about 90 seconds
  cargo xtask bench wire --quick                          all tables, in about 15 seconds
  cargo xtask bench wire --mode drain --load arp          ARP on one CPU
  cargo xtask bench wire --mode flow --load udp           UDP echo on two CPUs
  cargo xtask bench wire --load tcp-send,tcp-receive      bulk data over TCP
  cargo xtask bench wire --load tcp-accept,tcp-request    TCP connections, and one byte each way
  cargo xtask bench wire --load tcp-flood                 a SYN flood
  cargo xtask bench wire --contenders tapstack,kernel     two contenders only
  cargo xtask bench wire --json | jq '.goals[]'           the goals and the figures
  cargo xtask bench wire --svg                            bar charts in target/bench too";

/// Measurement mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Queue requests or the segments of connections, then process all of them: one CPU
    Drain,
    /// Keep requests outstanding, or transfer TCP data: two CPUs
    Flow,
    /// Send one request at a time, sleeping and spinning: two CPUs
    Latency,
    /// Serve honest clients during a SYN flood: two CPUs
    Flood,
}

impl Options {
    /// Returns the duration of the measurement of a table.
    pub(crate) fn time(&self) -> Duration {
        Duration::from_secs_f64(if self.quick { 0.4 } else { self.seconds })
    }

    pub(crate) fn rounds(&self) -> Option<usize> {
        self.rounds.and_then(|rounds| usize::try_from(rounds).ok())
    }

    pub(crate) fn measures(&self, mode: Mode) -> bool {
        self.modes.is_empty() || self.modes.contains(&mode)
    }

    pub(crate) fn loads(&self) -> &[Load] {
        if self.loads.is_empty() { &Load::ALL } else { &self.loads }
    }

    pub(crate) fn slice(&self) -> Duration {
        Duration::from_micros(self.slice.into())
    }

    pub(crate) fn spin(&self) -> Duration {
        Duration::from_micros(self.spin.into())
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.01..=3_600.0).contains(&seconds) => Ok(seconds),
        _ => Err("0.01 to 3600".to_owned()),
    }
}

fn hosts(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(count) if count.is_power_of_two() && count <= 1 << 20 => Ok(count),
        _ => Err("a power of two, up to 1048576".to_owned()),
    }
}
