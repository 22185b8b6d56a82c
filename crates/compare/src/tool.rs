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
    /// `tapstack watch -I`.
    Watch,
    Iputils,
    Habets,
    ArpScan,
    /// `netdiscover -r`.
    Netdiscover,
    /// `netdiscover -p`.
    NetdiscoverPassive,
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
pub(crate) const NO_REQUEST: &str = "the tool sends no requests";
pub(crate) const NETWORK_SENDER: &str = "the tool scans whole networks, from an address of the network";
pub(crate) const NO_CONFLICT: &str = "the tool has no option for conflicts";
pub(crate) const CREATES_TAP: &str = "the tool creates a missing TAP";
pub(crate) const TAP_CARRIER: &str = "a TAP has a carrier while a program has opened it";

impl ToolKind {
    pub(crate) const ALL: [ToolKind; 10] = [
        ToolKind::Arping,
        ToolKind::ArpingTap,
        ToolKind::Scan,
        ToolKind::Watch,
        ToolKind::Iputils,
        ToolKind::Habets,
        ToolKind::ArpScan,
        ToolKind::Netdiscover,
        ToolKind::NetdiscoverPassive,
        ToolKind::Nmap,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Arping => "tapstack arping -I",
            Self::ArpingTap => "tapstack arping --tap",
            Self::Scan => "tapstack scan -I",
            Self::Watch => "tapstack watch -I",
            Self::Iputils => "iputils arping",
            Self::Habets => "Habets arping",
            Self::ArpScan => "arp-scan",
            Self::Netdiscover => "netdiscover -r",
            Self::NetdiscoverPassive => "netdiscover -p",
            Self::Nmap => "nmap",
        }
    }

    pub(crate) const fn is_tapstack(self) -> bool {
        matches!(self, Self::Arping | Self::ArpingTap | Self::Scan | Self::Watch)
    }

    /// Whether the tool only observes the packets of other programs.
    pub(crate) const fn is_passive(self) -> bool {
        matches!(self, Self::Watch | Self::NetdiscoverPassive)
    }

    /// Whether the tool also names the stations of packets that it did not request.
    pub(crate) const fn observes(self) -> bool {
        self.is_passive() || matches!(self, Self::Netdiscover)
    }

    /// Whether the tool scans the network of an address to find a conflict.
    const fn scans(self) -> bool {
        matches!(self, Self::Scan | Self::ArpScan | Self::Netdiscover | Self::Nmap)
    }

    /// Returns the kind that [`ToolKind::of`] returns for the program of this tool.
    pub(crate) fn identified(self) -> ToolKind {
        if self == Self::NetdiscoverPassive { Self::Netdiscover } else { self }
    }

    /// Returns the tool and its version from its version output, or `None` for an unknown tool.
    pub(crate) fn of(version_output: &str) -> Option<(ToolKind, String)> {
        const MARKS: [(&str, ToolKind); 6] = [
            ("arping from iputils ", ToolKind::Iputils),
            ("arping utility, iputils-", ToolKind::Iputils),
            ("ARPing ", ToolKind::Habets),
            ("arp-scan ", ToolKind::ArpScan),
            ("Netdiscover ", ToolKind::Netdiscover),
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
            Self::Watch => &["watch", "--plain", "-I", interface],
            Self::Iputils => &["-I", interface],
            Self::Habets => &["-i", interface],
            Self::ArpScan => &["-x", "-I", interface],
            Self::Netdiscover => &["-i", interface, "-P", "-N", "-r"],
            Self::NetdiscoverPassive => &["-i", interface, "-P", "-N", "-p"],
            Self::Nmap => &["-n", "-sn", "-PR", "-e", interface],
        };
        // The tool must run long enough for the interface to fail.
        let is_slow = matches!(row.situation, Situation::GoesDown | Situation::LosesCarrier);
        let options: &[&str] = match (self, row.question, row.target) {
            (Self::Arping, Question::Conflict, _) => &["-d", "-c", "2"],
            (Self::ArpingTap, Question::Conflict, _) => &["--fail-on", "conflict", "-c", "2"],
            (Self::Scan | Self::Watch, Question::Conflict, _) => &["--fail-on", "conflict"],
            (Self::Habets, Question::Conflict, _) => &["-d", "-c", "2", "-w", "3"],
            (_, Question::Conflict, _) => &[],
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
        let target = match row.question {
            _ if self.is_passive() => None,
            Question::Conflict if self.scans() => Some(row.target.network(number)),
            _ => Some(row.target.argument(number)),
        };
        Ok(arguments.chain(target).collect())
    }

    /// Returns the reason why a row is skipped for this tool, or `None` if the row is run.
    pub(crate) fn skip_reason(self, row: &ComparisonRow) -> Option<&'static str> {
        match (self, row.question, row.situation) {
            (Self::Watch | Self::NetdiscoverPassive, Question::Conflict, situation) => {
                (situation == Situation::OnWire && row.target == Target::NoHost).then_some(NO_REQUEST)
            }
            (Self::Watch | Self::NetdiscoverPassive, ..) => Some(NO_REQUEST),
            (Self::Iputils, Question::Conflict, _) => Some(NO_CONFLICT),
            (Self::Netdiscover, Question::Conflict, _) => None,
            (Self::Netdiscover, ..) => Some(NETWORK_SENDER),
            (Self::Scan, Question::Free, _) => Some(NOT_FREE),
            (Self::Nmap, Question::Free, _) => Some(NO_PROBE),
            (Self::Scan | Self::Nmap | Self::ArpScan, ..) => None,
            (_, Question::Range, _) => Some(ONE_ADDRESS),
            (_, Question::Conflict, _) if row.target == Target::TwoAddresses => Some(ONE_ADDRESS),
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
            Self::Watch => text.lines().flat_map(of_watch).collect(),
            Self::Netdiscover | Self::NetdiscoverPassive => text.lines().filter_map(of_netdiscover).collect(),
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

/// Parses `10.0.0.2<TAB>02:00:00:00:00:02`, with or without a vendor. ` (DUP: 2)` may follow.
fn of_scan(line: &str) -> Option<FoundStation> {
    let mut fields = line.split('\t');
    station(fields.next()?, fields.next()?.split(' ').next()?)
}

/// Parses `DATE TIME new 10.0.0.2 is at 02:00:00:00:00:02`, and the MAC addresses of
/// `DATE TIME conflict 10.0.0.4: both 02:00:00:00:04:01 and 02:00:00:00:04:02`.
fn of_watch(line: &str) -> Vec<FoundStation> {
    let words: Vec<_> = line.split(' ').skip(2).collect();
    let found = match words.as_slice() {
        ["new", ip, "is", "at", mac] => [station(ip, mac), None],
        ["conflict", ip, "both", one, "and", other] => {
            let ip = ip.trim_end_matches(':');
            [station(ip, one), station(ip, other)]
        }
        _ => [None, None],
    };
    found.into_iter().flatten().collect()
}

/// Parses ` 10.0.0.2        02:00:00:00:00:02      1      42  Unknown vendor`.
fn of_netdiscover(line: &str) -> Option<FoundStation> {
    let mut fields = line.split_whitespace();
    station(fields.next()?, fields.next()?)
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
