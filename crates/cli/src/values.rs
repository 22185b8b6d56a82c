//! Parsers of the values that options, arguments and files share: addresses, networks, names, numbers, times.

use std::fmt::Display;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::{Bound, RangeBounds, RangeInclusive};
use std::str::FromStr;
use std::time::Duration;

use ipnet::Ipv4Net;
use link::{MacAddr, VlanId};
use tap::linux::{InterfaceName, NameError, Printable};

use crate::error_message::ErrorMessage;

/// Parses an IP address.
pub(crate) fn ip_address(text: &str) -> Result<Ipv4Addr, ErrorMessage> {
    text.parse().map_err(|_| ip_address_error(text))
}

/// Parses an IP address with a prefix length or a netmask: `10.0.0.2/24`, `10.0.0.2/255.255.255.0`.
pub(crate) fn network(text: &str) -> Result<Ipv4Net, ErrorMessage> {
    let Some((address, length)) = text.split_once('/') else {
        return Err(match ip_address(text) {
            Ok(address) => {
                ErrorMessage::new("the prefix length is missing").hint(format!("write e.g. {address}/24"))
            }
            Err(why) => network_error(why),
        });
    };
    let address = ip_address(address).map_err(network_error)?;
    if length.contains('.') {
        return with_netmask(address, length);
    }
    let digits = matches!(length.len(), 1 | 2) && length.bytes().all(|digit| digit.is_ascii_digit());
    let length: Option<u8> = if digits { length.parse().ok() } else { None };
    length
        .and_then(|length| Ipv4Net::new(address, length).ok())
        .ok_or_else(|| "expected a prefix length from 0 to 32".into())
}

/// Parses the IP address of a host with the prefix length of its network. For any other address, the error names its kind.
pub fn host_network(text: &str) -> Result<Ipv4Net, ErrorMessage> {
    let network = network(text)?;
    match non_host_kind(network) {
        None => Ok(network),
        Some(kind) => Err(ErrorMessage::new(format!("{} is {kind}", network.addr()))
            .hint("use the address of a host, e.g. 10.0.0.2/24")),
    }
}

/// Returns the kind of an address that no host in its network can have.
pub(crate) fn non_host_kind(network: Ipv4Net) -> Option<String> {
    let address = network.addr();
    if network.prefix_len() < 31 && address == network.network() && inet::is_valid_host(address) {
        return Some(format!("the network address of {network}"));
    }
    if network.prefix_len() < 31 && address == network.broadcast() && inet::is_valid_host(address) {
        return Some(format!("the broadcast address of {}", network.trunc()));
    }
    special_kind(address).map(str::to_owned)
}

/// Returns the kind of an address that no host can have.
pub(crate) fn special_kind(address: Ipv4Addr) -> Option<&'static str> {
    Some(if address.is_unspecified() {
        "the unspecified address"
    } else if address.is_loopback() {
        "a loopback address"
    } else if address.is_multicast() {
        "a multicast address"
    } else if address.is_broadcast() {
        "the broadcast address"
    } else if address.octets()[0] == 0 {
        "an address of 0.0.0.0/8, which no host has"
    } else if !inet::is_valid_host(address) {
        "a reserved address of 240.0.0.0/4"
    } else {
        return None;
    })
}

/// Checks the sender IP address of ARP requests.
pub(crate) fn check_sender(ip: Ipv4Addr) -> Result<(), ErrorMessage> {
    // RFC 5227 1.1: an ARP probe has the sender address 0.0.0.0, and hosts reply to it.
    match special_kind(ip).filter(|_| !ip.is_unspecified()) {
        None => Ok(()),
        Some(kind) => Err(ErrorMessage::new(format!("invalid sender address {ip}: {kind}"))
            .hint("set the address of a host with `-s IP`")),
    }
}

/// Parses a range from `first` to `last`, which may be the last number of its address: `10.0.0.1` and `9`.
pub(crate) fn address_range(first: &str, last: &str) -> Result<RangeInclusive<Ipv4Addr>, ErrorMessage> {
    let first = ip_address(first)?;
    let is_number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    let [a, b, c, _] = first.octets();
    let last = if is_number { ip_address(&format!("{a}.{b}.{c}.{last}"))? } else { ip_address(last)? };
    if last < first {
        return Err(ErrorMessage::new(format!("{last} is lower than {first}"))
            .hint(format!("use the range {last}-{first}")));
    }
    Ok(first..=last)
}

/// Parses a range in CIDR notation.
pub(crate) fn range(text: &str) -> Result<Ipv4Net, ErrorMessage> {
    if let Ok(address) = text.parse() {
        let around = Ipv4Net::new_assert(address, 24).trunc();
        return Err(ErrorMessage::new("the prefix length is missing")
            .hint(format!("use {address}/32 for one address, or e.g. {around}")));
    }
    let range = network(text)?;
    if range == range.trunc() {
        Ok(range)
    } else {
        Err(ErrorMessage::new(format!("host bits are set in {range}"))
            .hint(format!("use the range {}", range.trunc())))
    }
}

/// Returns an IP address with this netmask.
pub(crate) fn with_netmask(address: Ipv4Addr, netmask: &str) -> Result<Ipv4Net, ErrorMessage> {
    let netmask = ip_address(netmask)?;
    Ipv4Net::with_netmask(address, netmask)
        .map_err(|_| ErrorMessage::new(format!("{netmask} is not a netmask")).hint("use e.g. 255.255.255.0"))
}

/// Parses a unicast MAC address.
pub(crate) fn station_mac(text: &str) -> Result<MacAddr, ErrorMessage> {
    let mac: MacAddr = text.parse().map_err(|_| {
        ErrorMessage::new("expected a MAC address, six bytes in hexadecimal")
            .hint("use e.g. 02:00:00:00:00:02, 0200.0000.0002 or 020000000002")
    })?;
    let kind = match mac {
        MacAddr::ZERO => "the zero MAC address",
        MacAddr::BROADCAST => "the broadcast MAC address",
        mac if mac.is_group() => "a multicast MAC address",
        mac => return Ok(mac),
    };
    Err(ErrorMessage::new(format!("{mac} is {kind}"))
        .hint("use a unicast MAC address, e.g. 02:00:00:00:00:02"))
}

/// Parses the name of an interface that exists.
pub(crate) fn interface_name(text: &str) -> Result<InterfaceName, ErrorMessage> {
    parse_name(text).map_err(|why| why.hint_command("list the interfaces", "ip -brief link"))
}

/// Parses the name of a TAP, which may be created.
pub(crate) fn tap_name(text: &str) -> Result<InterfaceName, ErrorMessage> {
    parse_name(text).map_err(|why| why.hint("use a name such as tap0"))
}

/// Parses an interface name. The error is the reason only, without the name.
fn parse_name(text: &str) -> Result<InterfaceName, ErrorMessage> {
    text.parse().map_err(|error: NameError| {
        let message = error.to_string();
        let prefix = format!("invalid interface name `{}`: ", Printable(text));
        ErrorMessage::new(message.strip_prefix(&prefix).unwrap_or(&message))
    })
}

/// Parses a VLAN ID.
pub(crate) fn vlan(text: &str) -> Result<VlanId, ErrorMessage> {
    text.parse().map_err(|_| "expected 1 to 4094".into())
}

/// Returns a parser of whole numbers within `bounds`.
pub(crate) fn number<T, R>(bounds: R) -> impl Fn(&str) -> Result<T, ErrorMessage> + Clone
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
            ErrorMessage::new(format!("expected a whole number{bounds}"))
        })
    }
}

/// Parses a time in seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, ErrorMessage> {
    let parsed = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let bounds = Duration::from_millis(1)..=Duration::from_hours(24);
    parsed
        .filter(|time| bounds.contains(time))
        .ok_or_else(|| "expected a time in seconds from 0.001 to 86400".into())
}

/// Error message for text that does not look like an IPv4 address.
pub(crate) const EXPECTED_IP_ADDRESS: &str = "expected an IPv4 address";

/// Converts the error of an address to the error of an address with a prefix length.
fn network_error(why: ErrorMessage) -> ErrorMessage {
    if why.text() == EXPECTED_IP_ADDRESS {
        ErrorMessage::new("expected an IPv4 address with a prefix length").hint("use e.g. 10.0.0.2/24")
    } else {
        why
    }
}

fn ip_address_error(text: &str) -> ErrorMessage {
    let parts: Vec<_> = text.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
    let expected = || ErrorMessage::new(EXPECTED_IP_ADDRESS).hint("use e.g. 10.0.0.1");
    if text.parse::<Ipv6Addr>().is_ok() {
        return ErrorMessage::new("IPv6 is not supported").hint("use an IPv4 address, e.g. 10.0.0.1");
    }
    if parts.len() != 4 || !parts.iter().all(is_number) {
        return expected();
    }
    // RFC 6943 3.1.1: inet_aton reads such a number as octal, and so do ping and ip.
    if let Some(part) = parts.iter().find(|part| part.len() > 1 && part.starts_with('0')) {
        return ErrorMessage::new(format!("{part} has a leading zero, which other programs read as octal"))
            .hint("write the number without the leading zero");
    }
    match parts.iter().find(|part| part.parse::<u8>().is_err()) {
        Some(part) => ErrorMessage::new(format!("{part} is greater than 255")),
        None => expected(),
    }
}

#[cfg(test)]
mod tests;
