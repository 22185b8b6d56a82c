//! The command line of `tapstack scan`.

use std::net::Ipv4Addr;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};
use link::VlanId;

use super::targets::TargetRange;
use crate::error_message::ErrorMessage;
use crate::probe_socket::arguments::ProbeArguments;
use crate::values::{ip_address, number};

#[derive(Debug, Args)]
// Each is a letter that somebody has in the fingers.
#[allow(clippy::struct_excessive_bools)]
#[command(
    version,
    group(ArgGroup::new("whom").required(true).multiple(true).args(["targets", "file", "localnet"])),
    mut_arg("path", |path| path.short('W')),
    after_help = "\
Examples:
  sudo tapstack scan -I eth0 -l
      who is on our own network?
  sudo tapstack scan -I eth0 10.0.0.0/24 10.0.1.1-10.0.1.9 192.0.2.7
  sudo tapstack scan -I eth0 -l -x | sort -V
      addresses, hardware addresses and vendors alone
  sudo tapstack scan -I eth0 --rate 20000 10.1.0.0/16
      65,536 addresses: 3.3 seconds a pass, and a second pass for those that are silent
  sudo tapstack scan -I eth0 -M 1 10.0.0.0/24 && echo somebody is there
  tapstack scan --tap tap0 --address 10.0.0.2/24 -l --json | jq .event

The letters are those of arp-scan. Every address is asked for, the first and the last of a network too, as \
they may be somebody's; our own is not. Each has --timeout to reply before it is asked again in the next pass, \
where that grows by --backoff. A scan that may take more than three minutes says so before it starts. 500 requests a second are 256 kbit/s on the wire.

A further reply for an address is marked (DUP: 2), and if it comes from another hardware address, \
(CONFLICT: also at ...): two stations have one address, or one answers for another.

Vendor names come from the files of arp-scan, ieee-data, Wireshark or nmap, where one of these is installed, or \
from --ouifile.

Ctrl-C, SIGTERM and SIGHUP end it with the statistics, and so does a closed output.

Exit codes: 0 at least one host replied, with --limit N so many; 1 none or fewer; 2 the question could not be \
asked: usage, permission, no such interface, it is down or has no carrier, or nobody replied and it refused \
frames, lost some, was down for a time or was ended before."
)]
pub(crate) struct ScanArguments {
    /// Whom to ask for: ADDRESS, ADDRESS/LENGTH, ADDRESS:MASK or FIRST-LAST; 16,777,216 in all at most
    #[arg(value_name = "RANGE", conflicts_with = "localnet")]
    pub(crate) targets: Vec<TargetRange>,
    #[command(flatten)]
    pub(crate) socket: ProbeArguments,
    /// Ask for all of the network that our own address is in
    #[arg(short, long)]
    pub(crate) localnet: bool,
    /// Ask for the ranges in this file too, one a line, `-` for standard input; behind # is a comment
    #[arg(short, long, value_name = "FILE", conflicts_with = "localnet")]
    pub(crate) file: Option<PathBuf>,
    /// How often to ask for an address as long as nobody replies: all requests, as arp-scan counts
    #[arg(short, long, value_name = "TIMES", default_value = "2", value_parser = number(1_u32..=100), allow_negative_numbers = true)]
    pub(crate) retry: u32,
    /// How long an address has to reply in the first pass, in milliseconds
    #[arg(short, long, value_name = "MS", default_value = "500", value_parser = millis, allow_negative_numbers = true)]
    pub(crate) timeout: Duration,
    /// By what that grows from one pass to the next
    #[arg(short, long, value_name = "FACTOR", default_value = "1.5", value_parser = factor, allow_negative_numbers = true)]
    pub(crate) backoff: f64,
    /// How many requests to send in a second
    #[arg(long, value_name = "PPS", default_value = "500", value_parser = rate, allow_negative_numbers = true)]
    pub(crate) rate: NonZeroU64,
    /// The same as the time from one request to the next, in milliseconds, or in microseconds as in 50u
    #[arg(short, long, value_name = "MS", value_parser = interval, allow_negative_numbers = true, conflicts_with = "rate")]
    pub(crate) interval: Option<Duration>,
    /// Ask in an order that looks random
    #[arg(short = 'R', long)]
    pub(crate) random: bool,
    /// End when so many hosts have replied
    #[arg(short = 'M', long, value_name = "N", value_parser = number(1_u64..), allow_negative_numbers = true)]
    pub(crate) limit: Option<u64>,
    /// Our protocol address [default: the kernel's in a network that is asked]
    #[arg(short = 's', long, value_name = "IP", value_parser = ip_address, conflicts_with = "tap")]
    pub(crate) arpspa: Option<Ipv4Addr>,
    /// Ask in this VLAN: hear only frames with its tag, and tag what is sent
    #[arg(short = 'Q', long, value_name = "1..4094")]
    pub(crate) vlan: Option<VlanId>,
    /// Take the vendors' names from this file: arp-scan's, nmap's, Wireshark's manuf, or IEEE's text or CSV
    #[arg(short = 'O', long, value_name = "FILE", conflicts_with = "quiet")]
    pub(crate) ouifile: Option<PathBuf>,
    /// Print no further replies of a station that replied; a conflict is printed all the same
    #[arg(short = 'g', long)]
    pub(crate) ignoredups: bool,
    /// Print the replies alone, without header, footer and progress
    #[arg(short = 'x', long)]
    pub(crate) plain: bool,
    /// Print of a reply the two addresses alone; no progress either
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Print one JSON object a line; times are in nanoseconds
    #[arg(long, conflicts_with_all = ["plain", "quiet"])]
    pub(crate) json: bool,
}

impl ScanArguments {
    /// From one request to the next.
    pub(super) fn pace(&self) -> Duration {
        // Rounded up: never faster than that.
        self.interval.unwrap_or_else(|| Duration::from_nanos(1_000_000_000_u64.div_ceil(self.rate.get())))
    }
}

/// Reads a time in milliseconds.
fn millis(text: &str) -> Result<Duration, ErrorMessage> {
    let bounds = Duration::from_micros(1)..=Duration::from_hours(1);
    let parsed = text.parse().ok().and_then(|millis: f64| Duration::try_from_secs_f64(millis / 1e3).ok());
    parsed
        .filter(|time| bounds.contains(time))
        .ok_or_else(|| "expected a time in milliseconds from 0.001 to 3600000".into())
}

/// Reads a time in milliseconds, or with a `u` behind it in microseconds.
fn interval(text: &str) -> Result<Duration, ErrorMessage> {
    let read = match text.strip_suffix('u') {
        Some(micros) => micros.parse().ok().filter(|micros| *micros > 0).map(Duration::from_micros),
        None => millis(text).ok(),
    };
    let fits = |time: &Duration| *time <= Duration::from_hours(1);
    read.filter(fits).ok_or_else(|| {
        ErrorMessage::new("expected a time of at most one hour")
            .hint("use milliseconds, e.g. 2, or microseconds, e.g. 50u")
    })
}

fn rate(text: &str) -> Result<NonZeroU64, ErrorMessage> {
    let fits = |rate: &NonZeroU64| rate.get() <= 10_000_000;
    text.parse().ok().filter(fits).ok_or_else(|| "expected requests per second from 1 to 10000000".into())
}

fn factor(text: &str) -> Result<f64, ErrorMessage> {
    let fits = |factor: &f64| (1.0..=100.0).contains(factor);
    text.parse().ok().filter(fits).ok_or_else(|| "expected a factor from 1 to 100".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Command, CommandLine};
    use clap::Parser;

    #[test]
    fn scan_times_parse_in_milliseconds_and_microseconds() {
        assert_eq!(millis("500"), Ok(Duration::from_millis(500)));
        assert_eq!(millis("0.5"), Ok(Duration::from_micros(500)));
        assert_eq!(interval("2"), Ok(Duration::from_millis(2)));
        assert_eq!(interval("50u"), Ok(Duration::from_micros(50)));
        for bad in ["", "0", "-1", "NaN", "inf", "1e300", "3600001", "0u", "u", "3600000001u"] {
            assert!(millis(bad).is_err() && interval(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn request_interval_never_exceeds_rate() {
        for (text, nanos) in [
            (&[][..], 2_000_000),
            (&["--rate", "300000"], 3_334),
            (&["--rate", "10000000"], 100),
            (&["-i", "0.05"], 50_000),
        ] {
            let text = [&["tapstack", "scan", "-I", "eth0", "10.0.0.1"], text].concat();
            let Some(Command::Scan(scan)) = CommandLine::parse_from(text).command else { panic!("a scan") };
            assert_eq!(scan.pace(), Duration::from_nanos(nanos));
        }
    }

    #[test]
    fn rate_and_backoff_reject_values_out_of_bounds() {
        assert!(rate("1").is_ok() && rate("10000000").is_ok());
        for bad in ["0", "10000001", "-5", "1.5", "many"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
        assert_eq!(factor("1"), Ok(1.0));
        for bad in ["0.9", "101", "NaN", "inf", "x"] {
            assert!(factor(bad).is_err(), "{bad}");
        }
    }
}
