//! The command line of `tapstack scan`.

use std::net::Ipv4Addr;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgGroup, Args};
use link::VlanId;

use super::line_format::LineFormat;
use super::targets::TargetRange;
use crate::error_message::ErrorMessage;
use crate::help;
use crate::probe::arguments::ProbeArguments;
use crate::recorder::CaptureArguments;
use crate::shared_address::FailOnConflict;
use crate::values::{ip_address, number, vlan};

#[derive(Debug, Args)]
// Each bool is an independent option.
#[allow(clippy::struct_excessive_bools)]
#[command(
    version,
    group(ArgGroup::new("ranges").required(true).multiple(true).args(["targets", "file", "localnet"])),
    mut_arg("path", |path| path.short('W')),
    after_help = "\
Examples:
  sudo tapstack scan -I eth0 -l
      all hosts of the interface's network
  sudo tapstack scan 10.0.0.0/24 10.0.1.1-9 router.example --exclude 10.0.0.128/25
      ranges and a host name, on the interface of their route
  sudo tapstack scan -I eth0 -l -x | sort -V
      only IP address, MAC address and vendor
  sudo tapstack scan -I eth0 --rate 20000 10.1.0.0/16
      65,536 addresses: 3.3 seconds, then a second pass for the addresses without a reply
  sudo tapstack scan -I eth0 -M 1 10.0.0.0/24 && echo found
      ends at the first reply
  sudo tapstack scan -I eth0 -l --fail-on conflict
      fails if two stations reply for one address
  sudo tapstack scan -l --csv -o monday.csv
      all hosts of the local network, as a file
  sudo tapstack scan -l --compare monday.csv && echo no change
      the differences from an earlier scan
  tapstack scan --tap tap0 --address 10.0.0.2/24 -l --json | jq .event

-b, -f, -g, -i, -l, -q, -r, -s, -t, -x, -I, -M, -O, -Q and -R have the same purpose as in arp-scan. Without -I and \
--tap, the interface is that of the kernel's route to the targets; with -l, that of the default route, or the only \
interface with an IPv4 address.

Every address of a range is scanned, including the first and the last address of a network, except the sender's \
address. Addresses without a reply within --timeout are scanned again in the next pass. The default rate is \
256 kbit/s on the wire.

A further reply for an address is marked (DUP: 2). If the reply has another MAC address, it is also marked \
(CONFLICT: also at ...): the cause is a duplicate address or proxy ARP. The footer lists the addresses with several \
stations, and up to 16 MAC addresses that replied for several IP addresses.

Fields of --format: ip, mac, vendor, name, rtt_ms, time, reply_number (1 for the first reply of an address) and other_mac (the \
first MAC address, if it differs). ${field;15} pads the field to 15 characters, and ${field;-15} aligns it on the left; \
\\t is a tab, and \\n is a line feed. --csv prints the same fields. --compare reads the output of scan in any format \
except --format.

Vendor names come from the files of arp-scan, ieee-data, Wireshark or nmap, or from --ouifile.

Exit codes: 0 at least one reply, the number of hosts of --limit, or no difference (--compare); 1 no reply, fewer hosts, a \
difference (--compare), or a conflict with --fail-on conflict; 2 no result: usage, permission or setup error, interface \
down, interrupted, or no reply while frames were lost or refused. A reply is a result although frames were lost or the \
scan was interrupted, but not with -o FILE, --fail-on conflict or --compare."
)]
pub(crate) struct ScanArguments {
    /// Addresses to scan: IP, IP/PREFIX, IP/NETMASK, FIRST-LAST or host name; up to 16,777,216 addresses
    #[arg(value_name = "RANGE", conflicts_with = "localnet")]
    pub(crate) targets: Vec<TargetRange>,
    #[command(flatten)]
    pub(crate) socket: ProbeArguments,
    /// VLAN to use, from 1 to 4094: frames are sent with its tag, and frames without this tag are ignored
    #[arg(short = 'Q', long, value_name = "VLAN", value_parser = vlan, help_heading = help::INTERFACE)]
    pub(crate) vlan: Option<VlanId>,
    /// IP address of the sender [default: the kernel's address in a scanned network]
    #[arg(
        short = 's', long, value_name = "IP", value_parser = ip_address, conflicts_with = "tap",
        help_heading = help::ADDRESSES
    )]
    pub(crate) arpspa: Option<Ipv4Addr>,
    /// Scan the network of the sender's address
    #[arg(short, long, help_heading = help::TARGETS)]
    pub(crate) localnet: bool,
    /// File with ranges to scan, one per line, comments after `#`; `-` is standard input
    #[arg(short, long, value_name = "FILE", conflicts_with = "localnet", help_heading = help::TARGETS)]
    pub(crate) file: Option<PathBuf>,
    /// Range not to scan; may be repeated
    #[arg(long, value_name = "RANGE", help_heading = help::TARGETS)]
    pub(crate) exclude: Vec<TargetRange>,
    /// Scan in random order
    #[arg(short = 'R', long, help_heading = help::TARGETS)]
    pub(crate) random: bool,
    /// Number of hosts after which the scan ends
    #[arg(
        short = 'M', long, value_name = "COUNT", value_parser = number(1_u64..), allow_negative_numbers = true,
        help_heading = help::TARGETS
    )]
    pub(crate) limit: Option<u64>,
    /// Event that makes scan exit with code 1: conflict if two stations reply for one address
    #[arg(long, value_name = "EVENT", conflicts_with = "limit", help_heading = help::CONFLICTS)]
    pub(crate) fail_on: Option<FailOnConflict>,
    /// Requests per second
    #[arg(
        long, value_name = "RATE", default_value = "500", value_parser = rate, allow_negative_numbers = true,
        help_heading = help::REQUESTS
    )]
    pub(crate) rate: NonZeroU64,
    /// Interval between requests, instead of --rate: in milliseconds, or in microseconds as in 50u
    #[arg(
        short, long, value_name = "MILLISECONDS", value_parser = interval, allow_negative_numbers = true,
        conflicts_with = "rate", help_heading = help::REQUESTS
    )]
    pub(crate) interval: Option<Duration>,
    /// Maximum number of requests per address
    #[arg(
        short, long, value_name = "COUNT", default_value = "2", value_parser = number(1_u32..=100),
        allow_negative_numbers = true, help_heading = help::REQUESTS
    )]
    pub(crate) retry: u32,
    /// Time to wait for replies in the first pass, in milliseconds
    #[arg(
        short, long, value_name = "MILLISECONDS", default_value = "500", value_parser = millis,
        allow_negative_numbers = true, help_heading = help::REQUESTS
    )]
    pub(crate) timeout: Duration,
    /// Factor by which the timeout grows from pass to pass
    #[arg(
        short, long, value_name = "FACTOR", default_value = "1.5", value_parser = factor,
        allow_negative_numbers = true, help_heading = help::REQUESTS
    )]
    pub(crate) backoff: f64,
    /// Print the differences from an earlier scan instead of the replies: addresses that are added, gone or moved
    #[arg(long, value_name = "FILE", conflicts_with = "limit", help_heading = help::OUTPUT)]
    pub(crate) compare: Option<PathBuf>,
    /// File for the output, which is replaced when the scan is complete and no frames were lost
    #[arg(short, long, value_name = "FILE", help_heading = help::OUTPUT)]
    pub(crate) output: Option<PathBuf>,
    /// Print replies as CSV with a header line
    #[arg(long, conflicts_with_all = ["json", "quiet", "format"], help_heading = help::OUTPUT)]
    pub(crate) csv: bool,
    /// Print a line of this format for each reply, e.g. '${ip;-15} ${mac}\t${vendor}'
    #[arg(long, value_name = "FORMAT", conflicts_with_all = ["json", "quiet"], help_heading = help::OUTPUT)]
    pub(crate) format: Option<LineFormat>,
    /// Look up the names of hosts that reply
    #[arg(long, help_heading = help::OUTPUT)]
    pub(crate) resolve: bool,
    #[command(flatten)]
    pub(crate) capture: CaptureArguments,
    /// File with vendor names: of arp-scan, nmap, Wireshark (manuf) or IEEE (text or CSV)
    #[arg(short = 'O', long, value_name = "FILE", conflicts_with = "quiet", help_heading = help::OUTPUT)]
    pub(crate) ouifile: Option<PathBuf>,
    /// Print only the first reply for each address, and conflicts
    #[arg(short = 'g', long, help_heading = help::OUTPUT)]
    pub(crate) ignoredups: bool,
    /// Print replies only: no header, footer or progress
    #[arg(short = 'x', long, help_heading = help::OUTPUT)]
    pub(crate) plain: bool,
    /// Print one JSON object per line
    #[arg(
        long, conflicts_with_all = ["plain", "quiet"], help_heading = help::OUTPUT, display_order = help::JSON
    )]
    pub(crate) json: bool,
    /// Print only the IP and MAC address of each reply, and no progress
    #[arg(short, long, help_heading = help::OUTPUT, display_order = help::QUIET)]
    pub(crate) quiet: bool,
}

impl ScanArguments {
    /// Whether only replies are printed: no header, footer or progress.
    pub(super) fn is_plain(&self) -> bool {
        self.plain || self.csv || self.format.is_some()
    }

    /// Returns the path of the file of `--output`, or `None` for standard output.
    pub(super) fn output_file(&self) -> Option<&Path> {
        self.output.as_deref().filter(|path| path.as_os_str() != "-")
    }

    /// Returns the first option that has an effect on printed replies only.
    pub(super) fn option_of_replies(&self) -> Option<&'static str> {
        let options = [(self.csv, "--csv"), (self.format.is_some(), "--format"), (self.resolve, "--resolve")];
        options.into_iter().find(|(is_set, _)| *is_set).map(|(_, option)| option)
    }

    /// Returns the interval between requests.
    pub(super) fn pace(&self) -> Duration {
        // Rounded up, so that the rate is never exceeded.
        self.interval.unwrap_or_else(|| Duration::from_nanos(1_000_000_000_u64.div_ceil(self.rate.get())))
    }
}

/// Parses a time in milliseconds.
fn millis(text: &str) -> Result<Duration, ErrorMessage> {
    let bounds = Duration::from_micros(1)..=Duration::from_hours(1);
    let parsed = text.parse().ok().and_then(|millis: f64| Duration::try_from_secs_f64(millis / 1e3).ok());
    parsed
        .filter(|time| bounds.contains(time))
        .ok_or_else(|| "expected a time in milliseconds from 0.001 to 3600000".into())
}

/// Parses a time in milliseconds, or in microseconds if a `u` follows.
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
    text.parse().ok().filter(fits).ok_or_else(|| "expected 1 to 10,000,000 requests per second".into())
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
