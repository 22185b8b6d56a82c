//! Targets of a scan: addresses, networks and ranges.

use std::io;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::str::FromStr;

use arptools::sweep::TargetRanges;
use ipnet::Ipv4Net;

use crate::error_message::ErrorMessage;
use crate::failure::Failure;
use crate::input;
use crate::names::{host_address, is_name};
use crate::values::{EXPECTED_IP_ADDRESS, address_range, ip_address, network, special_kind, with_netmask};

const EXPECTED_TARGET: &str = "expected an IPv4 address, network, range or host name";

/// A range of host addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TargetRange(RangeInclusive<Ipv4Addr>);

impl FromStr for TargetRange {
    type Err = ErrorMessage;

    fn from_str(text: &str) -> Result<TargetRange, ErrorMessage> {
        // Text that does not start like an address could be any kind of target.
        let other = |why: ErrorMessage| {
            if why.text() == EXPECTED_IP_ADDRESS || text.is_empty() {
                ErrorMessage::new(EXPECTED_TARGET).hint("use e.g. 10.0.0.1, 10.0.0.0/24 or 10.0.0.1-9")
            } else {
                why
            }
        };
        TargetRange::new(read(text).map_err(other)?)
    }
}

impl TargetRange {
    fn new(range: RangeInclusive<Ipv4Addr>) -> Result<TargetRange, ErrorMessage> {
        // All addresses except 0/8, 127/8 and addresses from 224.0.0.0 on are host addresses.
        let impossible = [[0, 0, 0, 0], [127, 0, 0, 0], [224, 0, 0, 0]].map(Ipv4Addr::from);
        let ends = [*range.start(), *range.end()];
        let special =
            ends.into_iter().chain(impossible.into_iter().filter(|address| range.contains(address)));
        match special.into_iter().find_map(|address| Some((address, special_kind(address)?))) {
            Some((address, kind)) => {
                Err(ErrorMessage::new(format!("{address} is {kind}")).hint("scan addresses of hosts only"))
            }
            None => Ok(TargetRange(range)),
        }
    }
}

/// Returns the ranges of the targets and of a file, without the excluded ranges.
pub(super) fn ranges(
    targets: &[TargetRange],
    file: Option<&Path>,
    excluded: &[TargetRange],
) -> Result<TargetRanges, Failure> {
    let mut targets = targets.to_vec();
    if let Some(path) = file {
        targets.extend(from_file(path)?);
    }
    without(targets, excluded)
}

/// Returns the range of a network, without the excluded ranges.
pub(super) fn ranges_of_network(network: Ipv4Net, excluded: &[TargetRange]) -> Result<TargetRanges, Failure> {
    without(vec![TargetRange::new(network_range(network))?], excluded)
}

fn without(targets: Vec<TargetRange>, excluded: &[TargetRange]) -> Result<TargetRanges, Failure> {
    let excluded = excluded.iter().cloned().map(|range| range.0);
    Ok(TargetRanges::excluding(targets.into_iter().map(|target| target.0), excluded)?)
}

/// Reads ranges from a file, one per line.
fn from_file(path: &Path) -> Result<Vec<TargetRange>, Failure> {
    let name = input::name(path);
    let failed = |error: io::Error| Failure::new(format!("cannot read {name}: {error}"));
    let text = input::read_text(path).map_err(failed)?;
    let mut targets = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let text = line.split('#').next().unwrap_or_default().trim();
        if !text.is_empty() {
            let line = format!("{name}:{}: invalid target '{}'", number + 1, text.escape_debug());
            targets.push(text.parse().map_err(|why: ErrorMessage| why.context(line))?);
        }
    }
    Ok(targets)
}

fn read(text: &str) -> Result<RangeInclusive<Ipv4Addr>, ErrorMessage> {
    if is_name(text) {
        let address = host_address(text)?;
        return Ok(address..=address);
    }
    if let Some((first, last)) = text.split_once('-') {
        return address_range(first, last);
    }
    if let Some((address, netmask)) = text.split_once(':').filter(|_| text.matches(':').count() == 1) {
        return with_netmask(ip_address(address)?, netmask).map(network_range);
    }
    if text.contains('/') {
        return network(text).map(network_range);
    }
    let address = ip_address(text)?;
    Ok(address..=address)
}

fn network_range(network: Ipv4Net) -> RangeInclusive<Ipv4Addr> {
    network.network()..=network.broadcast()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(text: &str) -> Result<[String; 2], ErrorMessage> {
        text.parse::<TargetRange>()
            .map(|TargetRange(range)| [range.start(), range.end()].map(Ipv4Addr::to_string))
    }

    #[test]
    fn target_parses_address_network_netmask_and_range() {
        assert_eq!(ends("10.0.0.1").unwrap(), ["10.0.0.1", "10.0.0.1"]);
        assert_eq!(ends("10.0.0.0/24").unwrap(), ["10.0.0.0", "10.0.0.255"]);
        // The format of `ip address`.
        assert_eq!(ends("10.0.0.5/24").unwrap(), ["10.0.0.0", "10.0.0.255"]);
        assert_eq!(ends("10.0.0.0/31").unwrap(), ["10.0.0.0", "10.0.0.1"]);
        assert_eq!(ends("10.0.0.9-10.0.1.3").unwrap(), ["10.0.0.9", "10.0.1.3"]);
        assert_eq!(ends("10.0.0.0:255.255.255.128").unwrap(), ["10.0.0.0", "10.0.0.127"]);
        assert_eq!(ends("10.0.0.0/255.255.255.128").unwrap(), ["10.0.0.0", "10.0.0.127"]);
        assert_eq!(ends("10.0.7.1-9").unwrap(), ["10.0.7.1", "10.0.7.9"]);
        assert_eq!(ends("10.0.7.0-255").unwrap(), ["10.0.7.0", "10.0.7.255"]);
    }

    #[test]
    fn target_rejects_invalid_and_non_host_ranges_with_reason() {
        for bad in ["", "ho st", "10.0.0", "10.0.1-9", "-", "10.0.0.1-", "10.0.0.1-2.3", "-10.0.0.1"] {
            assert_eq!(ends(bad).unwrap_err().text(), EXPECTED_TARGET, "{bad}");
        }
        for (bad, why) in [
            ("10.0.0.0/33", "expected a prefix length from 0 to 32"),
            ("10.0.0.0:255.0.255.0", "255.0.255.0 is not a netmask"),
            ("010.0.0.1-10.0.0.9", "010 has a leading zero"),
            ("10.0.0.1-10.0.0.09", "09 has a leading zero"),
            ("10.0.0.1-09", "09 has a leading zero"),
            ("10.0.0.1-256", "256 is greater than 255"),
            ("10.0.0.9-3", "10.0.0.3 is lower than 10.0.0.9"),
            ("10.0.0.010/30", "010 has a leading zero"),
            ("fe80::/64", "IPv6 is not supported"),
            ("fe80::1", "IPv6 is not supported"),
            ("10.0.0.256", "256 is greater than 255"),
        ] {
            assert!(ends(bad).unwrap_err().text().starts_with(why), "{bad}");
        }
        assert_eq!(
            ends("10.0.0.9-10.0.0.1").unwrap_err().to_string(),
            "10.0.0.1 is lower than 10.0.0.9\nhint: use the range 10.0.0.1-10.0.0.9"
        );
        let rows = [
            ("224.0.0.1", "224.0.0.1 is a multicast address"),
            ("0.0.0.0/0", "0.0.0.0 is the unspecified address"),
            ("126.0.0.0-128.0.0.1", "127.0.0.0 is a loopback address"),
            ("223.255.255.0-225.0.0.1", "225.0.0.1 is a multicast address"),
            ("127.0.0.1", "127.0.0.1 is a loopback address"),
            ("255.255.255.255", "255.255.255.255 is the broadcast address"),
        ];
        for (text, why) in rows {
            assert_eq!(ends(text).unwrap_err().text(), why);
        }
    }
}
