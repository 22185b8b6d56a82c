//! `--compare`: the differences between an earlier scan and this one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::Path;

use arptools::sweep::Sweep;
use link::MacAddr;
use serde::Deserialize;

use super::event::Difference;
use super::fields::ReplyField;
use super::stations::MAX_STATIONS;
use crate::error_message::ErrorMessage;
use crate::failure::Failure;
use crate::input;

/// The stations of each IP address, as bytes of their MAC addresses.
type Stations = BTreeMap<Ipv4Addr, BTreeSet<[u8; 6]>>;

/// Adds a station of an IP address. Returns whether the station is stored: an address has at most [`MAX_STATIONS`].
fn add(stations: &mut Stations, ip: Ipv4Addr, mac: MacAddr) -> bool {
    let macs = stations.entry(ip).or_default();
    if macs.len() < MAX_STATIONS {
        macs.insert(mac.bytes());
    }
    macs.contains(&mac.bytes())
}

/// The hosts of an earlier scan, and the hosts of this one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    old: Stations,
    new: Stations,
    /// Replies of this scan from stations that are not stored.
    uncounted: u64,
}

/// An earlier scan.
#[derive(Debug, Default, PartialEq, Eq)]
struct EarlierScan {
    stations: Stations,
    /// Whether the scan was not complete, or frames were lost or refused. Only JSON has this information.
    is_partial: bool,
}

/// The fields of the JSON objects of a scan that are used. The objects of `reply` have the first fields, and `statistics`
/// has the others.
#[derive(Deserialize)]
struct ScanObject {
    event: String,
    ip: Option<Ipv4Addr>,
    mac: Option<String>,
    outcome: Option<String>,
    #[serde(default)]
    targets: u64,
    #[serde(default)]
    requested: u64,
    #[serde(default)]
    answered: u64,
    #[serde(default)]
    send_failures: u64,
    #[serde(default)]
    frames_lost: u64,
}

impl ScanObject {
    /// Whether the statistics say that hosts may be missing.
    fn is_partial(&self) -> bool {
        let outcome = self.outcome.as_deref();
        let is_failed = matches!(outcome, Some("unfinished" | "impaired" | "nothing_sent"));
        is_failed || self.requested < self.targets || self.send_failures > 0 || self.frames_lost > 0
    }
}

impl Comparison {
    /// Reads the replies of an earlier scan, in the text format, as CSV or as JSON.
    pub(super) fn with_file(path: &Path) -> Result<Comparison, Failure> {
        let name = input::name(path);
        let failed = |why: ErrorMessage| Failure::new(why.context(format!("cannot read {name}")));
        let text = input::read_text(path).map_err(|error| failed(error.to_string().into()))?;
        let EarlierScan { stations, is_partial } = parse(&text).map_err(failed)?;
        if is_partial {
            Failure::new(format!("the scan in {name} was not complete or lost frames"))
                .hint("hosts of that scan may be missing, and are then reported as added")
                .print();
        }
        Ok(Comparison { old: stations, ..Comparison::default() })
    }

    /// Adds a reply of this scan.
    pub(super) fn add(&mut self, ip: Ipv4Addr, mac: MacAddr) {
        if !add(&mut self.new, ip, mac) {
            self.uncounted = self.uncounted.saturating_add(1);
        }
    }

    /// Returns the number of replies of this scan that are not compared, because their address has [`MAX_STATIONS`] other
    /// stations.
    pub(super) fn uncounted(&self) -> u64 {
        self.uncounted
    }

    /// Returns the number of addresses of the earlier scan that this scan has not requested. The scan never requests its
    /// sender address, which is not counted.
    pub(super) fn unrequested(&self, sweep: &Sweep) -> usize {
        let sender = sweep.plan().sender.ip;
        self.old.keys().filter(|ip| **ip != sender && !sweep.ranges().contains(**ip)).count()
    }

    /// Returns the differences of the addresses that this scan has requested, in ascending order. Without a complete scan,
    /// the result contains no address without a reply.
    pub(super) fn differences(&self, sweep: &Sweep, is_complete: bool) -> Vec<Difference> {
        let sender = sweep.plan().sender.ip;
        let is_requested = |ip: &Ipv4Addr| *ip != sender && sweep.ranges().contains(*ip);
        let ips: BTreeSet<_> = self.old.keys().chain(self.new.keys()).copied().filter(is_requested).collect();
        let stations = |of: &Stations, ip: &Ipv4Addr| -> Vec<MacAddr> {
            of.get(ip).into_iter().flatten().copied().map(MacAddr::new).collect()
        };
        let all = ips.into_iter().map(|ip| Difference {
            ip,
            old: stations(&self.old, &ip),
            new: stations(&self.new, &ip),
        });
        all.filter(|it| it.old != it.new && (is_complete || !it.new.is_empty())).collect()
    }
}

/// Parses the output of an earlier scan.
fn parse(text: &str) -> Result<EarlierScan, ErrorMessage> {
    let first = text.lines().find(|line| !line.trim().is_empty());
    match first {
        None => Err(ErrorMessage::new("the file is empty")
            .hint("save a scan with --csv or --json, which print a first line without replies too")),
        Some(line) if line.starts_with('{') => parse_json(text),
        Some(line) if line.starts_with(ReplyField::ALL.map(ReplyField::name).join(",").as_str()) => {
            parse_csv(text).map(EarlierScan::from)
        }
        Some(_) => parse_text(text).map(EarlierScan::from),
    }
}

impl From<Stations> for EarlierScan {
    fn from(stations: Stations) -> EarlierScan {
        EarlierScan { stations, is_partial: false }
    }
}

/// Returns the error for the standard output of `--compare`.
fn no_replies() -> ErrorMessage {
    ErrorMessage::new("the file has the differences of --compare, not the replies of a scan")
        .hint("save the replies with -o FILE")
}

fn parse_json(text: &str) -> Result<EarlierScan, ErrorMessage> {
    let mut scan = EarlierScan::default();
    let mut answered = 0;
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let invalid = || ErrorMessage::new(format!("line {} is not an object of `scan --json`", number + 1));
        let object: ScanObject = serde_json::from_str(line).map_err(|_| invalid())?;
        match object.event.as_str() {
            "reply" => {
                let (ip, mac) = object.ip.zip(object.mac).ok_or_else(invalid)?;
                add(&mut scan.stations, ip, mac.parse().map_err(|_| invalid())?);
            }
            "added" | "gone" | "moved" => return Err(no_replies()),
            "statistics" => {
                answered = object.answered;
                scan.is_partial |= object.is_partial();
            }
            _ => {}
        }
    }
    // Without a difference, the output of --compare has no replies either.
    if scan.stations.is_empty() && answered > 0 { Err(no_replies()) } else { Ok(scan) }
}

fn parse_csv(text: &str) -> Result<Stations, ErrorMessage> {
    let mut stations = Stations::new();
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map(csv::Position::line).unwrap_or_default();
            ErrorMessage::new(format!("line {line} has another number of fields than the first line"))
        })?;
        let invalid = || {
            let line = record.position().map(csv::Position::line).unwrap_or_default();
            ErrorMessage::new(format!("line {line} lacks an IP address or a MAC address"))
        };
        let (ip, mac) = record.get(0).zip(record.get(1)).ok_or_else(invalid)?;
        let (ip, mac) = pair(ip, mac).ok_or_else(invalid)?;
        add(&mut stations, ip, mac);
    }
    Ok(stations)
}

/// Parses the lines that start with an IP address and a MAC address, as arp-scan prints them too.
fn parse_text(text: &str) -> Result<Stations, ErrorMessage> {
    let mut stations = Stations::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if let Some((ip, mac)) = pair(first, second) {
            add(&mut stations, ip, mac);
        } else if matches!(first, "added" | "gone" | "moved") && second.parse::<Ipv4Addr>().is_ok() {
            return Err(no_replies());
        }
    }
    // Without a difference, the output of --compare has no replies either, although hosts responded.
    let has_responded = |line: &str| {
        let count = line.strip_suffix(" responded").and_then(|line| line.rsplit(' ').next());
        count.is_some_and(|count| count != "0")
    };
    if stations.is_empty() && text.lines().any(has_responded) {
        return Err(no_replies());
    }
    let is_scan = |line: &str| line.starts_with("Interface: ");
    if stations.is_empty() && !text.lines().any(is_scan) {
        return Err(ErrorMessage::new("no line has an IP address and a MAC address")
            .hint("save a scan with --csv, --json or --plain"));
    }
    Ok(stations)
}

fn pair(ip: &str, mac: &str) -> Option<(Ipv4Addr, MacAddr)> {
    Some((ip.parse().ok()?, mac.parse().ok()?))
}

#[cfg(test)]
mod tests;
