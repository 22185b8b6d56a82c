//! One-line summary of a link header other than that of Ethernet, in the words of tcpdump.

use std::fmt::{Result, Write};

use capture::LinkType;
use link::EtherType;

use super::write_ether_type;
use crate::link_header::{LLC, LinkHeader};

/// Writes the direction of a cooked header, and the interface of version 2. In version 1, tcpdump prints the direction only
/// with the link header.
pub(super) fn write_direction(line: &mut String, header: &LinkHeader, has_link_header: bool) -> Result {
    let direction = header.packet_type.name();
    match header.interface {
        Some(number) => {
            let name = format!("if{number}");
            write!(line, "{name:<5} {direction:<3} ")
        }
        None if has_link_header && header.link_type == LinkType::LINUX_SLL => {
            write!(line, "{direction:>3} ")
        }
        None => Ok(()),
    }
}

/// Writes the sender of a cooked header.
pub(super) fn write_sender(line: &mut String, header: &LinkHeader) -> Result {
    if let Some(number) = header.interface {
        write!(line, "ifindex {number} ")?;
    }
    match header.source {
        Some(source) => write!(line, "{source} "),
        None => Ok(()),
    }
}

/// Writes a header without EtherType: that of a loopback interface, or none. Returns false for a cooked header.
pub(super) fn write_without_type(
    line: &mut String,
    header: &LinkHeader,
    length: usize,
) -> std::result::Result<bool, std::fmt::Error> {
    match header.family {
        Some(family) => {
            let name = match EtherType(header.protocol) {
                EtherType::IPV4 => "IPv4",
                EtherType::IPV6 => "IPv6",
                _ => "Unknown",
            };
            write!(line, "AF {name} ({family}), length {length}: ")?;
        }
        None if header.length == 0 => line.push_str("ip: "),
        None => return Ok(false),
    }
    Ok(true)
}

/// Writes the whole header of a frame with an unparsed payload.
pub(super) fn write(line: &mut String, header: &LinkHeader, length: usize) -> Result {
    write_direction(line, header, true)?;
    if write_without_type(line, header, length)? {
        return Ok(());
    }
    write_sender(line, header)?;
    match header.protocol {
        LLC => write!(line, "802.2, length {length}: "),
        protocol @ ..EtherType::FIRST => write!(line, "protocol {protocol:#06x}, length {length}: "),
        protocol => write_ether_type(line, EtherType(protocol), Some(length)),
    }
}
