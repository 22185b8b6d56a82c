//! The tools: how each is asked, and how its answer is read.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use super::place::Stand;
use super::rows::{Question, Row, Scene, Stations, Target};
use conform::frames::{Mac, parse_mac};

/// A tool, and for ours a way to use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `tapstack arping -I`.
    Arping,
    /// `tapstack arping --tap`.
    Station,
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
    pub(crate) kind: Kind,
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

impl Kind {
    pub(crate) const ALL: [Kind; 7] =
        [Kind::Arping, Kind::Station, Kind::Scan, Kind::Iputils, Kind::Habets, Kind::ArpScan, Kind::Nmap];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Arping => "tapstack arping -I",
            Self::Station => "tapstack arping --tap",
            Self::Scan => "tapstack scan -I",
            Self::Iputils => "iputils arping",
            Self::Habets => "Habets arping",
            Self::ArpScan => "arp-scan",
            Self::Nmap => "nmap",
        }
    }

    pub(crate) const fn is_ours(self) -> bool {
        matches!(self, Self::Arping | Self::Station | Self::Scan)
    }

    /// Which tool, and which version of it, says this when it is asked for its version.
    pub(crate) fn of(said: &str) -> Option<(Kind, String)> {
        const MARKS: [(&str, Kind); 5] = [
            ("arping from iputils ", Kind::Iputils),
            ("arping utility, iputils-", Kind::Iputils),
            ("ARPing ", Kind::Habets),
            ("arp-scan ", Kind::ArpScan),
            ("Nmap version ", Kind::Nmap),
        ];
        MARKS.into_iter().find_map(|(mark, kind)| {
            let rest = said.lines().find_map(|line| line.trim().strip_prefix(mark))?;
            let version = rest.split([' ', ',']).next()?;
            version.starts_with(|c: char| c.is_ascii_alphanumeric()).then(|| (kind, version.to_owned()))
        })
    }

    /// How the question of a row is put to it where it stands; or why it is not.
    pub(crate) fn words(self, row: &Row, stand: Stand) -> Result<Vec<String>, &'static str> {
        if let Some(reason) = self.unasked(row) {
            return Err(reason);
        }
        let interface = &*stand.interface(row.scene);
        let address = format!("{}/8", stand.address(row.scene));
        let on: &[&str] = match self {
            Self::Arping => &["arping", "-I", interface],
            Self::Station => &["arping", "--tap", interface, "--address", &address],
            Self::Scan => &["scan", "-x", "-q", "-I", interface],
            Self::Iputils => &["-I", interface],
            Self::Habets => &["-i", interface],
            Self::ArpScan => &["-x", "-q", "-I", interface],
            Self::Nmap => &["-n", "-sn", "-PR", "-e", interface],
        };
        // It takes a moment to pull a plug: nobody is to be through before.
        let is_slow = matches!(row.scene, Scene::Falls | Scene::Unplugged);
        let how: &[&str] = match (self, row.question, row.target) {
            (Self::Nmap, ..) if is_slow => &["--min-rtt-timeout=2s"],
            (Self::Scan | Self::ArpScan, Question::Who, _) if is_slow => &["--timeout=1000"],
            (Self::Scan | Self::Nmap, ..) | (Self::ArpScan, Question::Who | Question::Range, _) => &[],
            (Self::ArpScan, Question::Free, _) if is_slow => &["--timeout=1000", "--arpspa=0.0.0.0"],
            (Self::ArpScan, Question::Free, _) => &["--arpspa=0.0.0.0"],
            (Self::Habets, Question::Free, _) if is_slow => &["-0", "-c", "2", "-w", "3"],
            (Self::Habets, Question::Free, _) => &["-0", "-c", "1", "-w", "2"],
            (_, Question::Free, _) => &["-D", "-c", "2"],
            // To one request some hear one reply and leave.
            (Self::Arping | Self::Station | Self::Iputils, _, Target::Twice) => &["-c", "2"],
            _ if is_slow => &["-c", "2", "-w", "3"],
            _ => &["-c", "1", "-w", "2"],
        };
        let words = on.iter().chain(how).map(|word| (*word).to_owned());
        Ok(words.chain([row.target.words(stand.number)]).collect())
    }

    /// Why a question is not put to it, if it is not.
    pub(crate) fn unasked(self, row: &Row) -> Option<&'static str> {
        match (self, row.question, row.scene) {
            (Self::Scan, Question::Free, _) => Some(NOT_FREE),
            (Self::Nmap, Question::Free, _) => Some(NO_PROBE),
            (Self::Scan | Self::Nmap | Self::ArpScan, ..) => None,
            (_, Question::Range, _) => Some(ONE_ADDRESS),
            (Self::Station, _, Scene::Absent) => Some(MADE),
            (Self::Station, _, Scene::NoCarrier | Scene::Unplugged) => Some(CARRIED),
            _ => None,
        }
    }

    /// Who is there, by what it printed.
    pub(crate) fn stations(self, text: &str) -> Stations {
        match self {
            Self::Nmap => of_nmap(text),
            Self::Arping | Self::Station | Self::Iputils => text.lines().filter_map(of_iputils).collect(),
            Self::Habets => text.lines().filter_map(of_habets).collect(),
            Self::Scan | Self::ArpScan => text.lines().filter_map(of_scan).collect(),
        }
    }
}

impl Tool {
    /// One of ours.
    pub(crate) fn ours(kind: Kind, program: &Path) -> Tool {
        Tool { kind, program: program.to_owned(), version: None }
    }
}

type Station = (Ipv4Addr, Option<Mac>);

fn station(protocol: &str, hardware: &str) -> Option<Station> {
    Some((protocol.parse().ok()?, Some(parse_mac(hardware)?)))
}

/// `Unicast reply from 10.0.0.2 [02:00:00:00:00:02]  0.580ms`
fn of_iputils(line: &str) -> Option<Station> {
    let mut words = line.split(' ');
    let heard = (words.next()?, words.next()?, words.next()?);
    if !matches!(heard, ("Unicast" | "Broadcast", "reply" | "request", "from")) {
        return None;
    }
    let protocol = words.next()?;
    station(protocol, words.next()?.strip_prefix('[')?.strip_suffix(']')?)
}

/// `42 bytes from 02:00:00:00:00:02 (10.0.0.2): index=0 time=10.841 usec`
fn of_habets(line: &str) -> Option<Station> {
    let (hardware, rest) = line.split_once(" bytes from ")?.1.split_once(" (")?;
    station(rest.split_once("):")?.0, hardware)
}

/// `10.0.0.2<TAB>02:00:00:00:00:02`, with `-q` without a vendor; it may be followed by ` (DUP: 2)`
fn of_scan(line: &str) -> Option<Station> {
    let mut fields = line.split('\t');
    station(fields.next()?, fields.next()?.split(' ').next()?)
}

/// `Nmap scan report for 10.0.0.2`, and two lines below, if it knows, `MAC Address: 02:00:00:00:00:02 (Unknown)`
fn of_nmap(text: &str) -> Stations {
    let reports = text.split("Nmap scan report for ").skip(1);
    let of = |report: &str| {
        let protocol = report.lines().next()?.trim().parse().ok()?;
        let hardware =
            report.split_once("MAC Address: ").and_then(|(_, rest)| parse_mac(rest.split(' ').next()?));
        Some((protocol, hardware))
    };
    reports.filter_map(of).collect()
}
