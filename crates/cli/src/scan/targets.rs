//! Targets of a scan: addresses, networks and ranges.

use std::io;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::str::FromStr;

use arptools::sweep::TargetRanges;
use ipnet::Ipv4Net;

use crate::failure::Failure;
use crate::input;
use crate::values::{EXPECTED_IP_ADDRESS, ip_address, network, with_netmask};

const EXPECTED_TARGET: &str =
    "expected an address, a network or a range, e.g. 10.0.0.1, 10.0.0.0/24 or 10.0.0.1-10.0.0.9";

/// A range of host addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TargetRange(RangeInclusive<Ipv4Addr>);

impl FromStr for TargetRange {
    type Err = String;

    fn from_str(text: &str) -> Result<TargetRange, String> {
        // Text that does not start like an address could be any kind of target.
        let other = |why| {
            if why == EXPECTED_IP_ADDRESS || text.is_empty() { EXPECTED_TARGET.to_owned() } else { why }
        };
        TargetRange::new(read(text).map_err(other)?)
    }
}

impl TargetRange {
    fn new(range: RangeInclusive<Ipv4Addr>) -> Result<TargetRange, String> {
        if range.is_empty() {
            return Err(format!("{} comes before {}; write the lower one first", range.end(), range.start()));
        }
        // All addresses except 0/8, 127/8 and those from 224.0.0.0 on are host addresses.
        let impossible = [[0, 0, 0, 0], [127, 0, 0, 0], [224, 0, 0, 0]].map(Ipv4Addr::from);
        let ends = [*range.start(), *range.end()];
        let special =
            ends.into_iter().chain(impossible.into_iter().filter(|address| range.contains(address)));
        match special.into_iter().find(|address| !inet::is_valid_host(*address)) {
            Some(address) => Err(format!("{address} can be nobody's address; leave it out")),
            None => Ok(TargetRange(range)),
        }
    }
}

/// Returns the ranges of the targets, of a file, and of a network.
pub(super) fn ranges(
    targets: &[TargetRange],
    file: Option<&Path>,
    network: Option<Ipv4Net>,
) -> Result<TargetRanges, Failure> {
    let mut targets = targets.to_vec();
    if let Some(path) = file {
        targets.extend(from_file(path)?);
    }
    if let Some(network) = network {
        targets.push(TargetRange::new(network_range(network)).map_err(Failure::new)?);
    }
    Ok(TargetRanges::new(targets.into_iter().map(|target| target.0))?)
}

/// Reads ranges from a file, one per line.
fn from_file(path: &Path) -> Result<Vec<TargetRange>, Failure> {
    let name = path.display();
    let failed = |error| Failure::new(format!("cannot read {name}: {error}"));
    let text = input::read(path).and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other));
    let mut targets = Vec::new();
    for (number, line) in text.map_err(failed)?.lines().enumerate() {
        let text = line.split('#').next().unwrap_or_default().trim();
        if !text.is_empty() {
            let target = text.parse().map_err(|fault| {
                Failure::new(format!("line {} of {name}, `{}`: {fault}", number + 1, text.escape_debug()))
            })?;
            targets.push(target);
        }
    }
    Ok(targets)
}

fn read(text: &str) -> Result<RangeInclusive<Ipv4Addr>, String> {
    if let Some((first, last)) = text.split_once('-') {
        return Ok(ip_address(first)?..=ip_address(last)?);
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

    fn ends(text: &str) -> Result<[String; 2], String> {
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
    }

    #[test]
    fn target_rejects_invalid_and_non_host_ranges_with_reason() {
        for bad in ["", "host", "10.0.0", "10.0.0.1-9", "-", "10.0.0.1-"] {
            assert_eq!(ends(bad).unwrap_err(), EXPECTED_TARGET, "{bad}");
        }
        for (bad, why) in [
            ("10.0.0.0/33", "the prefix length must be from 0 to 32"),
            ("10.0.0.0:255.0.255.0", "255.0.255.0 is not a netmask"),
            ("010.0.0.1-10.0.0.9", "010 has a leading zero"),
            ("10.0.0.1-10.0.0.09", "09 has a leading zero"),
            ("10.0.0.010/30", "010 has a leading zero"),
            ("fe80::/64", "IPv6 is not supported"),
            ("fe80::1", "IPv6 is not supported"),
            ("10.0.0.256", "256 is greater than 255"),
        ] {
            assert!(ends(bad).unwrap_err().starts_with(why), "{bad}");
        }
        assert_eq!(
            ends("10.0.0.9-10.0.0.1").unwrap_err(),
            "10.0.0.1 comes before 10.0.0.9; write the lower one first"
        );
        let rows = [
            ("224.0.0.1", "224.0.0.1"),
            ("0.0.0.0/0", "0.0.0.0"),
            ("126.0.0.0-128.0.0.1", "127.0.0.0"),
            ("223.255.255.0-225.0.0.1", "225.0.0.1"),
            ("127.0.0.1", "127.0.0.1"),
            ("255.255.255.255", "255.255.255.255"),
        ];
        for (text, address) in rows {
            assert_eq!(ends(text).unwrap_err(), format!("{address} can be nobody's address; leave it out"));
        }
    }
}
