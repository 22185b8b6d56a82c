//! `--compare`: the differences between an earlier scan and this one.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;

use arptools::sweep::Sweep;
use link::MacAddr;
use serde::Deserialize;

use super::event::Difference;
use super::fields::ReplyField;
use crate::error_message::ErrorMessage;
use crate::failure::Failure;
use crate::input;

/// The stations of each IP address, as bytes of their MAC addresses.
type Stations = BTreeMap<Ipv4Addr, BTreeSet<[u8; 6]>>;

/// The hosts of an earlier scan, and the hosts of this one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    old: Stations,
    new: Stations,
}

/// The fields of the JSON objects of a scan that are compared.
#[derive(Deserialize)]
struct ScanObject {
    event: String,
    ip: Option<Ipv4Addr>,
    mac: Option<String>,
}

impl Comparison {
    /// Reads the replies of an earlier scan, in the text format, as CSV or as JSON.
    pub(super) fn with_file(path: &Path) -> Result<Comparison, Failure> {
        let name = path.display();
        let failed = |why: ErrorMessage| Failure::new(why.context(format!("cannot read {name}")));
        let text = input::read(path).and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other));
        let text = text.map_err(|error| failed(error.to_string().into()))?;
        let old = parse(&text).map_err(failed)?;
        Ok(Comparison { old, new: Stations::new() })
    }

    /// Adds a reply of this scan.
    pub(super) fn add(&mut self, ip: Ipv4Addr, mac: MacAddr) {
        self.new.entry(ip).or_default().insert(mac.bytes());
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
fn parse(text: &str) -> Result<Stations, ErrorMessage> {
    let first = text.lines().find(|line| !line.trim().is_empty());
    match first {
        None => Err(ErrorMessage::new("the file is empty")
            .hint("save a scan with --csv or --json, which print a first line without replies too")),
        Some(line) if line.starts_with('{') => parse_json(text),
        Some(line) if line.starts_with(ReplyField::ALL.map(ReplyField::name).join(",").as_str()) => {
            parse_csv(text)
        }
        Some(_) => parse_text(text),
    }
}

fn parse_json(text: &str) -> Result<Stations, ErrorMessage> {
    let mut stations = Stations::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let invalid = || ErrorMessage::new(format!("line {} is not an object of `scan --json`", number + 1));
        let object: ScanObject = serde_json::from_str(line).map_err(|_| invalid())?;
        if object.event == "reply" {
            let (ip, mac) = object.ip.zip(object.mac).ok_or_else(invalid)?;
            let mac: MacAddr = mac.parse().map_err(|_| invalid())?;
            stations.entry(ip).or_default().insert(mac.bytes());
        }
    }
    Ok(stations)
}

fn parse_csv(text: &str) -> Result<Stations, ErrorMessage> {
    let mut stations = Stations::new();
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    for record in reader.records() {
        let record = record.map_err(|error| ErrorMessage::new(error.to_string()))?;
        let invalid = || {
            let line = record.position().map(csv::Position::line).unwrap_or_default();
            ErrorMessage::new(format!("line {line} lacks an IP address or a MAC address"))
        };
        let (ip, mac) = record.get(0).zip(record.get(1)).ok_or_else(invalid)?;
        let (ip, mac) = pair(ip, mac).ok_or_else(invalid)?;
        stations.entry(ip).or_default().insert(mac.bytes());
    }
    Ok(stations)
}

/// Parses the lines that start with an IP address and a MAC address, as arp-scan prints them too.
fn parse_text(text: &str) -> Result<Stations, ErrorMessage> {
    let mut stations = Stations::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if let Some((ip, mac)) = words.next().zip(words.next()).and_then(|(ip, mac)| pair(ip, mac)) {
            stations.entry(ip).or_default().insert(mac.bytes());
        }
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
