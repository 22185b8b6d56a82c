//! The tools: how each is asked, and how its answer is read.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use super::rows::{ComparisonRow, Question, Situation, Stations, Target};
use conform::frames::{Mac, parse_mac};

/// A tool, and for ours a way to use it.
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

/// A tool that is on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    pub(crate) kind: ToolKind,
    pub(crate) program: PathBuf,
    /// As it tells itself; ours has none.
    pub(crate) version: Option<String>,
}

/// Why a tool is not asked.
pub(crate) const ONE_ADDRESS: &str = "it asks for one address";
pub(crate) const NOT_FREE: &str = "it asks who is there; whether nobody is, `arping -D` asks";
pub(crate) const NO_PROBE: &str = "it has no probe";
pub(crate) const MADE: &str = "it makes a TAP that is absent";
pub(crate) const CARRIED: &str = "a TAP has its carrier from whoever holds it";

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

    pub(crate) const fn is_ours(self) -> bool {
        matches!(self, Self::Arping | Self::ArpingTap | Self::Scan)
    }

    /// Which tool, and which version of it, says this when it is asked for its version.
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

    /// Returns the arguments that ask the question of a row; or why the tool is not asked. The tool of this number asks
    /// on an interface that has this address.
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
        let on: &[&str] = match self {
            Self::Arping => &["arping", "-I", interface],
            Self::ArpingTap => &["arping", "--tap", interface, "--address", &address],
            Self::Scan => &["scan", "-x", "-q", "-I", interface],
            Self::Iputils => &["-I", interface],
            Self::Habets => &["-i", interface],
            Self::ArpScan => &["-x", "-q", "-I", interface],
            Self::Nmap => &["-n", "-sn", "-PR", "-e", interface],
        };
        // It takes a moment to pull a plug: nobody is to be through before.
        let is_slow = matches!(row.situation, Situation::GoesDown | Situation::LosesCarrier);
        let how: &[&str] = match (self, row.question, row.target) {
            (Self::Nmap, ..) if is_slow => &["--min-rtt-timeout=2s"],
            (Self::Scan | Self::ArpScan, Question::Owner, _) if is_slow => &["--timeout=1000"],
            (Self::Scan | Self::Nmap, ..) | (Self::ArpScan, Question::Owner | Question::Range, _) => &[],
            (Self::ArpScan, Question::Free, _) if is_slow => &["--timeout=1000", "--arpspa=0.0.0.0"],
            (Self::ArpScan, Question::Free, _) => &["--arpspa=0.0.0.0"],
            (Self::Habets, Question::Free, _) if is_slow => &["-0", "-c", "2", "-w", "3"],
            (Self::Habets, Question::Free, _) => &["-0", "-c", "1", "-w", "2"],
            (_, Question::Free, _) => &["-D", "-c", "2"],
            // To one request some hear one reply and leave.
            (Self::Arping | Self::ArpingTap | Self::Iputils, _, Target::Duplicate) => &["-c", "2"],
            _ if is_slow => &["-c", "2", "-w", "3"],
            _ => &["-c", "1", "-w", "2"],
        };
        let words = on.iter().chain(how).map(|word| (*word).to_owned());
        Ok(words.chain([row.target.argument(number)]).collect())
    }

    /// Why a question is not put to it, if it is not.
    pub(crate) fn skip_reason(self, row: &ComparisonRow) -> Option<&'static str> {
        match (self, row.question, row.situation) {
            (Self::Scan, Question::Free, _) => Some(NOT_FREE),
            (Self::Nmap, Question::Free, _) => Some(NO_PROBE),
            (Self::Scan | Self::Nmap | Self::ArpScan, ..) => None,
            (_, Question::Range, _) => Some(ONE_ADDRESS),
            (Self::ArpingTap, _, Situation::Absent) => Some(MADE),
            (Self::ArpingTap, _, Situation::NoCarrier | Situation::LosesCarrier) => Some(CARRIED),
            _ => None,
        }
    }

    /// Who is there, by what it printed.
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
    /// One of ours.
    pub(crate) fn ours(kind: ToolKind, program: &Path) -> Tool {
        Tool { kind, program: program.to_owned(), version: None }
    }
}

type FoundStation = (Ipv4Addr, Option<Mac>);

fn station(ip: &str, mac: &str) -> Option<FoundStation> {
    Some((ip.parse().ok()?, Some(parse_mac(mac)?)))
}

/// `Unicast reply from 10.0.0.2 [02:00:00:00:00:02]  0.580ms`
fn of_iputils(line: &str) -> Option<FoundStation> {
    let mut words = line.split(' ');
    let reply = (words.next()?, words.next()?, words.next()?);
    if !matches!(reply, ("Unicast" | "Broadcast", "reply" | "request", "from")) {
        return None;
    }
    let ip = words.next()?;
    station(ip, words.next()?.strip_prefix('[')?.strip_suffix(']')?)
}

/// `42 bytes from 02:00:00:00:00:02 (10.0.0.2): index=0 time=10.841 usec`
fn of_habets(line: &str) -> Option<FoundStation> {
    let (mac, rest) = line.split_once(" bytes from ")?.1.split_once(" (")?;
    station(rest.split_once("):")?.0, mac)
}

/// `10.0.0.2<TAB>02:00:00:00:00:02`, with `-q` without a vendor; it may be followed by ` (DUP: 2)`
fn of_scan(line: &str) -> Option<FoundStation> {
    let mut fields = line.split('\t');
    station(fields.next()?, fields.next()?.split(' ').next()?)
}

/// `Nmap scan report for 10.0.0.2`, and two lines below, if it knows, `MAC Address: 02:00:00:00:00:02 (Unknown)`
fn of_nmap(text: &str) -> Stations {
    let reports = text.split("Nmap scan report for ").skip(1);
    let of = |report: &str| {
        let ip = report.lines().next()?.trim().parse().ok()?;
        let mac = report.split_once("MAC Address: ").and_then(|(_, rest)| parse_mac(rest.split(' ').next()?));
        Some((ip, mac))
    };
    reports.filter_map(of).collect()
}
