//! The link header of a frame whose payload is not read.

use std::fmt::{Result, Write};

use link::EtherType;

use super::write_ether_type;
use crate::decode::headers::{Header, Value, headers};

/// The lowest bit of a service access point: a group, or a response.
const LOWEST: u64 = 1;

/// Writes addresses, VLAN tags, EtherType and LLC header, as far as the frame has them.
pub(super) fn write(line: &mut String, octets: &[u8], length: usize) -> Result {
    let headers = headers(octets);
    let mut is_outermost = true;
    for header in &headers.headers {
        match header.layout.name {
            "ethernet" => write_addresses(line, header)?,
            "tags" => write_tag(line, header)?,
            "snap" => write_snap(line, header)?,
            "llc" => write_llc(line, header)?,
            _ => break,
        }
        if let Some(number) = header.number("type_or_length") {
            write_type_or_length(line, number, is_outermost.then_some(length))?;
            is_outermost = false;
        }
    }
    if headers.more_tags > 0 {
        write!(line, "{} more tags, ", headers.more_tags)?;
    }
    if is_outermost {
        write!(line, "length {length}")?;
    }
    Ok(())
}

fn write_addresses(line: &mut String, header: &Header<'_>) -> Result {
    let address = |name| match header.value(name) {
        Some(Value::HardwareAddress(address)) => Some(address),
        _ => None,
    };
    match (address("source"), address("destination")) {
        (Some(source), Some(destination)) => write!(line, "{source} > {destination}, "),
        _ => Ok(()),
    }
}

fn write_type_or_length(line: &mut String, number: u64, length: Option<usize>) -> Result {
    match u16::try_from(number).unwrap_or_default() {
        claimed @ ..=1_500 => write!(line, "802.3, length {claimed}: "),
        number => write_ether_type(line, EtherType(number), length),
    }
}

fn write_tag(line: &mut String, header: &Header<'_>) -> Result {
    let (Some(vlan), Some(priority)) = (header.number("vlan"), header.number("priority")) else {
        return Ok(());
    };
    let eligible = if header.value("drop_eligible") == Some(Value::Flag(true)) { ", DEI" } else { "" };
    write!(line, "vlan {vlan}, p {priority}{eligible}, ")
}

fn write_snap(line: &mut String, header: &Header<'_>) -> Result {
    write_llc(line, header)?;
    let (Some(organization), Some(protocol)) = (header.number("organization"), header.number("ether_type"))
    else {
        return Ok(());
    };
    if organization == 0 {
        let ether_type = EtherType(u16::try_from(protocol).unwrap_or_default());
        line.push_str(": oui Ethernet (0x000000), ");
        return write_ether_type(line, ether_type, None);
    }
    let (name, protocol_name) = match (organization, protocol) {
        (0x00_000c, 0x010b) => ("Cisco", "PVST"),
        (0x00_000c, 0x0111) => ("Cisco", "UDLD"),
        (0x00_000c, 0x2000) => ("Cisco", "CDP"),
        (0x00_000c, 0x2003) => ("Cisco", "VTP"),
        (0x00_000c, 0x2004) => ("Cisco", "DTP"),
        (0x00_000c, _) => ("Cisco", "Unknown"),
        (0x00_00f8, _) => ("Cisco bridged", "Unknown"),
        (0x00_80c2, _) => ("Ethernet bridged", "Unknown"),
        _ => ("Unknown", "Unknown"),
    };
    write!(line, ": oui {name} ({organization:#08x}), pid {protocol_name} ({protocol:#06x})")
}

fn write_llc(line: &mut String, header: &Header<'_>) -> Result {
    line.push_str("LLC");
    for (field, kinds) in [("dsap", ["Individual", "Group"]), ("ssap", ["Command", "Response"])] {
        let Some(point) = header.number(field) else { return Ok(()) };
        let [even, odd] = kinds;
        let kind = if point & LOWEST == 0 { even } else { odd };
        let point = point & !LOWEST;
        write!(line, ", {field} {} ({point:#04x}) {kind}", service(point))?;
    }
    let Some(control) = header.number("control") else { return Ok(()) };
    // Of two octets tcpdump takes the first for the lower.
    match u16::try_from(control).unwrap_or_default() {
        control if header.layout.length() > 3 && header.layout.name == "llc" => {
            write!(line, ", ctrl {:#06x}", control.swap_bytes())
        }
        control => write!(line, ", ctrl {control:#04x}"),
    }
}

/// The name of a service access point.
fn service(point: u64) -> &'static str {
    match point {
        0x00 => "Null",
        0x04 => "SNA",
        0x06 => "IP",
        0x42 => "STP",
        0xaa => "SNAP",
        0xe0 => "IPX",
        0xf0 => "NetBeui",
        0xfe => "OSI",
        _ => "Unknown",
    }
}
