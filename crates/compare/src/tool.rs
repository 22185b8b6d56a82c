//! The tools: their command lines, and the parsing of their output.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use super::rows::{ComparisonRow, Question, Situation, Stations, Target};
use conform::frames::{Mac, parse_mac};

/// A tool. Each command of tapstack is a separate tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToolKind {
    /// `tapstack arping -I`.
    Arping,
    /// `tapstack arping --tap`.
    ArpingTap,
    /// `tapstack scan -I`.
    Scan,
    Iputils,
    Habets,
    ArpScan,
    Nmap,
}

/// An installed tool.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    pub(crate) kind: ToolKind,
    pub(crate) program: PathBuf,
    /// Version from its version output; `None` for tapstack.
    pub(crate) version: Option<String>,
}

/// Reasons for skipped rows.
pub(crate) const ONE_ADDRESS: &str = "the tool takes a single address";
pub(crate) const NOT_FREE: &str = "the tool finds hosts; `arping -D` checks whether an address is unused";
pub(crate) const NO_PROBE: &str = "the tool sends no ARP probes";
pub(crate) const CREATES_TAP: &str = "the tool creates a missing TAP";
pub(crate) const TAP_CARRIER: &str = "a TAP has a carrier while a program has opened it";

impl ToolKind {
    pub(crate) const ALL: [ToolKind; 7] = [
        ToolKind::Arping,
        ToolKind::ArpingTap,
        ToolKind::Scan,
        ToolKind::Iputils,
        ToolKind::Habets,
        ToolKind::ArpScan,
        ToolKind::Nmap,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Arping => "tapstack arping -I",
            Self::ArpingTap => "tapstack arping --tap",
            Self::Scan => "tapstack scan -I",
            Self::Iputils => "iputils arping",
            Self::Habets => "Habets arping",
            Self::ArpScan => "arp-scan",
            Self::Nmap => "nmap",
        }
    }

    pub(crate) const fn is_tapstack(self) -> bool {
        matches!(self, Self::Arping | Self::ArpingTap | Self::Scan)
    }

    /// Returns the tool and its version from its version output, or `None` for an unknown tool.
    pub(crate) fn of(version_output: &str) -> Option<(ToolKind, String)> {
        const MARKS: [(&str, ToolKind); 5] = [
            ("arping from iputils ", ToolKind::Iputils),
            ("arping utility, iputils-", ToolKind::Iputils),
            ("ARPing ", ToolKind::Habets),
            ("arp-scan ", ToolKind::ArpScan),
            ("Nmap version ", ToolKind::Nmap),
        ];
        MARKS.into_iter().find_map(|(mark, kind)| {
            let rest = version_output.lines().find_map(|line| line.trim().strip_prefix(mark))?;
            let version = rest.split([' ', ',']).next()?;
            version.starts_with(|c: char| c.is_ascii_alphanumeric()).then(|| (kind, version.to_owned()))
        })
    }

    /// Returns the arguments for a row, or the reason why the row is skipped. `address` is the address of the
    /// interface, and `number` is the number of the tool.
    pub(crate) fn arguments(
        self,
        row: &ComparisonRow,
        interface: &str,
        address: Ipv4Addr,
        number: u8,
    ) -> Result<Vec<String>, &'static str> {
        if let Some(reason) = self.skip_reason(row) {
            return Err(reason);
        }
        let address = format!("{address}/8");
        let command: &[&str] = match self {
            Self::Arping => &["arping", "-I", interface],
            Self::ArpingTap => &["arping", "--tap", interface, "--address", &address],
            Self::Scan => &["scan", "-x", "-q", "-I", interface],
            Self::Iputils => &["-I", interface],
            Self::Habets => &["-i", interface],
            Self::ArpScan => &["-x", "-q", "-I", interface],
            Self::Nmap => &["-n", "-sn", "-PR", "-e", interface],
        };
        // The tool must run long enough for the interface to fail.
        let is_slow = matches!(row.situation, Situation::GoesDown | Situation::LosesCarrier);
        let options: &[&str] = match (self, row.question, row.target) {
            (Self::Nmap, ..) if is_slow => &["--min-rtt-timeout=2s"],
            (Self::Scan | Self::ArpScan, Question::Owner, _) if is_slow => &["--timeout=1000"],
            (Self::Scan | Self::Nmap, ..) | (Self::ArpScan, Question::Owner | Question::Range, _) => &[],
            (Self::ArpScan, Question::Free, _) if is_slow => &["--timeout=1000", "--arpspa=0.0.0.0"],
            (Self::ArpScan, Question::Free, _) => &["--arpspa=0.0.0.0"],
            (Self::Habets, Question::Free, _) if is_slow => &["-0", "-c", "2", "-w", "3"],
            (Self::Habets, Question::Free, _) => &["-0", "-c", "1", "-w", "2"],
            (_, Question::Free, _) => &["-D", "-c", "2"],
            // The tools send two requests, because some tools exit at the first reply to a single request.
            (Self::Arping | Self::ArpingTap | Self::Iputils, _, Target::Duplicate) => &["-c", "2"],
            _ if is_slow => &["-c", "2", "-w", "3"],
            _ => &["-c", "1", "-w", "2"],
        };
        let arguments = command.iter().chain(options).map(|argument| (*argument).to_owned());
        Ok(arguments.chain([row.target.argument(number)]).collect())
    }

    /// Returns the reason why a row is skipped for this tool, or `None` if the row is run.
    pub(crate) fn skip_reason(self, row: &ComparisonRow) -> Option<&'static str> {
        match (self, row.question, row.situation) {
            (Self::Scan, Question::Free, _) => Some(NOT_FREE),
            (Self::Nmap, Question::Free, _) => Some(NO_PROBE),
            (Self::Scan | Self::Nmap | Self::ArpScan, ..) => None,
            (_, Question::Range, _) => Some(ONE_ADDRESS),
            (Self::ArpingTap, _, Situation::Absent) => Some(CREATES_TAP),
            (Self::ArpingTap, _, Situation::NoCarrier | Situation::LosesCarrier) => Some(TAP_CARRIER),
            _ => None,
        }
    }

    /// Parses the hosts in the output of the tool.
    pub(crate) fn stations(self, text: &str) -> Stations {
        match self {
            Self::Nmap => of_nmap(text),
            Self::Arping | Self::ArpingTap | Self::Iputils => text.lines().filter_map(of_iputils).collect(),
            Self::Habets => text.lines().filter_map(of_habets).collect(),
            Self::Scan | Self::ArpScan => text.lines().filter_map(of_scan).collect(),
        }
    }
}

impl Tool {
    /// Returns a command of tapstack as a tool.
    pub(crate) fn tapstack(kind: ToolKind, program: &Path) -> Tool {
        Tool { kind, program: program.to_owned(), version: None }
    }
}

type FoundStation = (Ipv4Addr, Option<Mac>);

fn station(ip: &str, mac: &str) -> Option<FoundStation> {
    Some((ip.parse().ok()?, Some(parse_mac(mac)?)))
}

/// Parses `Unicast reply from 10.0.0.2 [02:00:00:00:00:02]  0.580ms`.
fn of_iputils(line: &str) -> Option<FoundStation> {
    let mut words = line.split(' ');
    let reply = (words.next()?, words.next()?, words.next()?);
    if !matches!(reply, ("Unicast" | "Broadcast", "reply" | "request", "from")) {
        return None;
    }
    let ip = words.next()?;
    station(ip, words.next()?.strip_prefix('[')?.strip_suffix(']')?)
}

/// Parses `42 bytes from 02:00:00:00:00:02 (10.0.0.2): index=0 time=10.841 usec`.
fn of_habets(line: &str) -> Option<FoundStation> {
    let (mac, rest) = line.split_once(" bytes from ")?.1.split_once(" (")?;
    station(rest.split_once("):")?.0, mac)
}

/// Parses `10.0.0.2<TAB>02:00:00:00:00:02`, the output of `-q` without vendors. ` (DUP: 2)` may follow.
fn of_scan(line: &str) -> Option<FoundStation> {
    let mut fields = line.split('\t');
    station(fields.next()?, fields.next()?.split(' ').next()?)
}

/// Parses `Nmap scan report for 10.0.0.2`. The MAC address is two lines below, if the tool knows the address:
/// `MAC Address: 02:00:00:00:00:02 (Unknown)`.
fn of_nmap(text: &str) -> Stations {
    let reports = text.split("Nmap scan report for ").skip(1);
    let of = |report: &str| {
        let ip = report.lines().next()?.trim().parse().ok()?;
        let mac = report.split_once("MAC Address: ").and_then(|(_, rest)| parse_mac(rest.split(' ').next()?));
        Some((ip, mac))
    };
    reports.filter_map(of).collect()
}
