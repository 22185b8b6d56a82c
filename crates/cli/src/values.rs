//! Parsers of the values that options, arguments and files share: addresses, networks, times.

use std::fmt::Display;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::{Bound, RangeBounds};
use std::str::FromStr;
use std::time::Duration;

use ipnet::Ipv4Net;
use link::MacAddr;

/// Parses an IP address.
pub(crate) fn ip_address(text: &str) -> Result<Ipv4Addr, String> {
    text.parse().map_err(|_| ip_address_error(text))
}

/// Parses an IP address with a prefix length or a netmask: `10.0.0.2/24`, `10.0.0.2/255.255.255.0`.
pub(crate) fn network(text: &str) -> Result<Ipv4Net, String> {
    let Some((address, length)) = text.split_once('/') else {
        return Err(match ip_address(text) {
            Ok(address) => format!("the prefix length is missing; expected e.g. {address}/24"),
            Err(why) if why == EXPECTED_IP_ADDRESS => EXPECTED_NETWORK.to_owned(),
            Err(why) => why,
        });
    };
    let address = ip_address(address)
        .map_err(|why| if why == EXPECTED_IP_ADDRESS { EXPECTED_NETWORK.to_owned() } else { why })?;
    if length.contains('.') {
        return with_netmask(address, length);
    }
    let digits = matches!(length.len(), 1 | 2) && length.bytes().all(|digit| digit.is_ascii_digit());
    let length: Option<u8> = if digits { length.parse().ok() } else { None };
    length
        .and_then(|length| Ipv4Net::new(address, length).ok())
        .ok_or_else(|| "the prefix length must be from 0 to 32".to_owned())
}

/// Parses the IP address of a host in a network. The error says which kind of address it is instead.
pub fn host_network(text: &str) -> Result<Ipv4Net, String> {
    let network = network(text)?;
    let address = network.addr();
    let kind = if address.is_unspecified() {
        "the unspecified address".to_owned()
    } else if address.is_loopback() {
        "a loopback address".to_owned()
    } else if address.is_multicast() {
        "a multicast address".to_owned()
    } else if address.is_broadcast() {
        "the broadcast address".to_owned()
    } else if address.octets()[0] == 0 {
        "an address of 0.0.0.0/8, which no host has".to_owned()
    } else if !inet::is_valid_host(address) {
        "a reserved address of 240.0.0.0/4".to_owned()
    } else if network.prefix_len() < 31 && address == network.network() {
        format!("the network address of {network}")
    } else if network.prefix_len() < 31 && address == network.broadcast() {
        format!("the broadcast address of {}", network.trunc())
    } else {
        return Ok(network);
    };
    Err(format!("{address} is {kind}; use the address of a host, e.g. 10.0.0.2/24"))
}

/// Parses a range in CIDR notation.
pub(crate) fn range(text: &str) -> Result<Ipv4Net, String> {
    check_host_bits(network(text)?)
}

/// Returns a range, unless its host bits are set.
pub(crate) fn check_host_bits(range: Ipv4Net) -> Result<Ipv4Net, String> {
    if range == range.trunc() {
        Ok(range)
    } else {
        Err(format!("{range} is one address of a range; the range is {}", range.trunc()))
    }
}

/// Returns an IP address with this netmask.
pub(crate) fn with_netmask(address: Ipv4Addr, netmask: &str) -> Result<Ipv4Net, String> {
    let netmask = ip_address(netmask)?;
    Ipv4Net::with_netmask(address, netmask)
        .map_err(|_| format!("{netmask} is not a netmask; expected e.g. 255.255.255.0"))
}

/// Parses the MAC address of one station.
pub(crate) fn station_mac(text: &str) -> Result<MacAddr, String> {
    let mac: MacAddr = text.parse().map_err(|_| {
        "expected six bytes in hexadecimal, e.g. 02:00:00:00:00:02, 0200.0000.0002 or 020000000002".to_owned()
    })?;
    let kind = match mac {
        MacAddr::ZERO => "all zeros",
        MacAddr::BROADCAST => "the broadcast MAC address",
        mac if mac.is_group() => "a multicast MAC address",
        mac => return Ok(mac),
    };
    Err(format!("it is {kind}; use that of one station, e.g. 02:00:00:00:00:02"))
}

/// Returns a parser of whole numbers within `bounds`.
pub(crate) fn number<T, R>(bounds: R) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: FromStr + PartialOrd + Display,
    R: RangeBounds<T> + Clone,
{
    move |text| {
        text.parse().ok().filter(|number| bounds.contains(number)).ok_or_else(|| {
            let bounds = match (bounds.start_bound(), bounds.end_bound()) {
                (Bound::Included(least), Bound::Included(most)) => format!(" from {least} to {most}"),
                (Bound::Included(least), _) => format!(" of at least {least}"),
                _ => String::new(),
            };
            format!("expected a whole number{bounds}")
        })
    }
}

/// Parses a time in seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let parsed = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let bounds = Duration::from_millis(1)..=Duration::from_hours(24);
    parsed
        .filter(|time| bounds.contains(time))
        .ok_or_else(|| "seconds are wanted, from 0.001 to 86400, such as 0.2".to_owned())
}

pub(crate) const EXPECTED_IP_ADDRESS: &str = "expected an IPv4 address, e.g. 10.0.0.1";
const EXPECTED_NETWORK: &str = "expected an IPv4 address and a prefix length, e.g. 10.0.0.2/24";

fn ip_address_error(text: &str) -> String {
    let parts: Vec<_> = text.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
    if text.parse::<Ipv6Addr>().is_ok() {
        return "IPv6 is not supported; expected an IPv4 address, e.g. 10.0.0.1".to_owned();
    }
    if parts.len() != 4 || !parts.iter().all(is_number) {
        return EXPECTED_IP_ADDRESS.to_owned();
    }
    // RFC 6943 3.1.1: inet_aton, and so ping and ip, read such a number as octal.
    if let Some(part) = parts.iter().find(|part| part.len() > 1 && part.starts_with('0')) {
        return format!("{part} has a leading zero, which other programs read as octal; write it without");
    }
    match parts.iter().find(|part| part.parse::<u8>().is_err()) {
        Some(part) => format!("{part} is greater than 255"),
        None => EXPECTED_IP_ADDRESS.to_owned(),
    }
}

#[cfg(test)]
mod tests;
