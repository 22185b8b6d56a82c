//! What may be chosen.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use serde::Serialize;

use crate::traffic::Load;

/// Answer ARP requests and pings on a real wire, beside the floor and the peers
///
/// Makes network namespaces of its own and touches nothing outside them; it needs no root where the system
/// allows user namespaces. All contenders answer the same requests for the same address, in turn, and every
/// reply is checked. Beside the tables, `report.md` and `report.json` are written.
#[derive(Debug, Parser)]
#[command(name = "wire", bin_name = "cargo xtask bench wire", after_help = EXAMPLES)]
pub(crate) struct Options {
    /// A short run: 0.4 seconds a table
    #[arg(long, conflicts_with = "seconds")]
    quick: bool,
    /// How long to measure for each table
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = seconds)]
    seconds: f64,
    /// No more rounds than this for each table, whatever the time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// What to measure [default: all]
    #[arg(long = "mode", value_name = "MODE", value_delimiter = ',')]
    modes: Vec<Mode>,
    /// What to ask for [default: both]
    #[arg(long = "load", value_name = "LOAD", value_delimiter = ',')]
    loads: Vec<Load>,
    /// Whom to measure, by name as in the tables [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) contenders: Vec<String>,
    /// How many requests are under way at once on two CPUs
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [16, 64, 256], value_parser = clap::value_parser!(u16).range(1..=900))]
    pub(crate) windows: Vec<u16>,
    /// How long each contender's turn is on two CPUs
    #[arg(long, value_name = "MICROSECONDS", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    slice: u32,
    /// How long whoever answers looks again before it sleeps
    #[arg(long, value_name = "MICROSECONDS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    spin: u32,
    /// How many addresses `tapstack-hosts` has: a power of two, up to 1,048,576
    #[arg(long, value_name = "N", default_value_t = 65_536, value_parser = hosts)]
    pub(crate) hosts: u32,
    /// How many neighbours `tapstack-table` and `tapstack-requesters` have
    #[arg(long = "neighbours", value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) neighbors: u32,
    /// Print one JSON document instead of the tables
    #[arg(long)]
    pub(crate) json: bool,
    /// Draw the tables, too
    #[arg(long)]
    pub(crate) svg: bool,
    /// The folder for the report
    #[arg(long, value_name = "PATH", default_value = "target/bench", overrides_with = "out")]
    pub(crate) out: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask bench wire                                  all of it, in about a minute
  cargo xtask bench wire --quick                          the same in about 10 seconds
  cargo xtask bench wire --mode drain --load arp          the floor and the peers, on one CPU
  cargo xtask bench wire --contenders tapstack,kernel     these two only
  cargo xtask bench wire --json | jq '.goals[]'           what was wanted, and what was found
  cargo xtask bench wire --svg                            with plots in target/bench";

/// A way of measuring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Requests are queued, then answered: one CPU
    Drain,
    /// Requests are under way all the time: two CPUs
    Flow,
    /// One request at a time, sleeping and spinning: two CPUs
    Latency,
}

impl Options {
    /// How long to measure for each table.
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
        if self.loads.is_empty() { &[Load::Arp, Load::Ping] } else { &self.loads }
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
