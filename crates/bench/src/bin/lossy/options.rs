//! Command-line options.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use sim::Faults;

/// Compare the goodput of tapstack's TCP with that of the Linux kernel over a lossy link
///
/// A bridge between two ends loses and delays frames, with the same seed for all contenders. The ends are two kernels,
/// or tapstack and a kernel. All sockets of the kernels use CUBIC. Works in its own network namespaces and needs no root
/// if the system allows user namespaces. Prints the table and writes `lossy.md` and `lossy.json`.
#[derive(Debug, Parser)]
#[command(name = "lossy", bin_name = "cargo xtask bench lossy", after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Loss in each direction, in percent
    #[arg(long = "loss", value_name = "PERCENT", value_delimiter = ',', default_values_t = [0.1, 1.0, 2.0, 5.0, 10.0], value_parser = percent)]
    pub(crate) losses: Vec<f64>,
    /// Round-trip time in milliseconds
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    rtt: u64,
    /// Share of frames in each direction that are late by up to half a round-trip time, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent)]
    reordering: f64,
    /// Number of rounds, each with its own seed; the figures are means
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rounds: u64,
    /// Duration of a transfer in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Number of rounds at the same time
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub(crate) parallel: u64,
    /// Print one JSON document instead of the table
    #[arg(long)]
    pub(crate) json: bool,
    /// Directory for the report
    #[arg(long, value_name = "PATH", default_value = "target/bench", overrides_with = "out")]
    pub(crate) out: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask bench lossy                                      all losses, in about 8 minutes
  cargo xtask bench lossy --loss 1 --rounds 5                  one loss, in about 25 seconds
  cargo xtask bench lossy --loss 0.1 --reordering 5            with reordered frames";

impl Options {
    pub(crate) fn rtt(&self) -> Duration {
        Duration::from_millis(self.rtt)
    }

    pub(crate) fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// Returns the faults of a direction.
    pub(crate) fn faults(&self, loss: f64, seed: u64) -> Faults {
        let latency = self.rtt() / 2;
        Faults {
            seed,
            loss: per_million(loss),
            reordering: per_million(self.reordering),
            reordering_delay: latency,
            min_latency: latency,
            max_latency: latency,
            ..Faults::NONE
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1,000,000")]
fn per_million(percent: f64) -> u32 {
    (percent * 1e4).round() as u32
}

fn percent(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("0 to 100".to_owned()),
    }
}
