//! One-line summary of a message of ICMP for IPv6 (RFC 4443, RFC 4861, RFC 2710).

use std::fmt::{Result, Write};
use std::net::Ipv6Addr;

/// Writes a message that is `length` bytes long according to the header of its datagram.
pub(super) fn write(line: &mut String, bytes: &[u8], length: usize) -> Result {
    line.push_str("ICMP6");
    if let Some(&[kind, code, ..]) = bytes.first_chunk::<4>() {
        line.push_str(", ");
        write_message(line, (kind, code), bytes)?;
    }
    write!(line, ", length {length}")
}

fn write_message(line: &mut String, (kind, code): (u8, u8), bytes: &[u8]) -> Result {
    let word = |at: usize| {
        let bytes = bytes.get(at..)?.first_chunk()?;
        Some(u32::from_be_bytes(*bytes))
    };
    let address = || {
        let bytes = bytes.get(8..)?.first_chunk::<16>()?;
        Some(Ipv6Addr::from(*bytes))
    };
    let Some(name) = name(kind, code) else { return write!(line, "type-#{kind}") };
    line.push_str(name);
    match (kind, word(4), address()) {
        (1, ..) => write!(line, ", {}", unreachable(code)),
        (2, Some(mtu), _) => write!(line, ", mtu {mtu}"),
        (128 | 129, Some(word), _) => write!(line, ", id {}, seq {}", word >> 16, word & 0xffff),
        (130..=132, _, Some(address)) => write!(line, " addr: {address}"),
        (135, _, Some(address)) => write!(line, ", who has {address}"),
        (136, _, Some(address)) => write!(line, ", tgt is {address}"),
        (137, _, Some(address)) => write!(line, ", to {address}"),
        _ => Ok(()),
    }
}

/// Returns the name of a message with this type and code.
pub(crate) fn name(kind: u8, code: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "destination unreachable",
        2 => "packet too big",
        3 if code == 0 => "time exceeded in-transit",
        3 => "ip reassembly time exceeded",
        4 => "parameter problem",
        128 => "echo request",
        129 => "echo reply",
        130 => "multicast listener query",
        131 => "multicast listener report",
        132 => "multicast listener done",
        133 => "router solicitation",
        134 => "router advertisement",
        135 => "neighbor solicitation",
        136 => "neighbor advertisement",
        137 => "redirect",
        143 => "multicast listener report v2",
        _ => return None,
    })
}

/// Returns the name of a code of Destination Unreachable (RFC 4443 3.1).
fn unreachable(code: u8) -> &'static str {
    match code {
        0 => "unreachable route",
        1 => "unreachable prohibited",
        2 => "beyond scope",
        3 => "unreachable address",
        4 => "unreachable port",
        _ => "unknown unreach code",
    }
}
