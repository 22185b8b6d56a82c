//! One-line summary of the link header of a frame with an unparsed payload.

use std::fmt::{Result, Write};

use capture::LinkType;
use link::EtherType;

use super::{bpdu, link_words, write_ether_type};
use crate::layers::{FieldValue, Layer, Layers, layers};
use crate::layout::payload::STP_LLC;
use crate::link_header::LinkHeader;

/// The lowest bit of a service access point: group (DSAP) or response (SSAP).
const LOWEST_BIT: u64 = 1;

/// Writes addresses, VLAN tags, EtherType and LLC header, as far as the frame contains them.
pub(super) fn write(
    line: &mut String,
    has_link_header: bool,
    link_type: LinkType,
    bytes: &[u8],
    length: usize,
) -> Result {
    let layers = layers(link_type, bytes, length);
    let unit = bridge_unit(&layers, bytes);
    if let Some((unit, length)) = unit.filter(|_| !has_link_header) {
        return bpdu::write(line, unit, length);
    }
    let mut is_outermost = true;
    if link_type != LinkType::ETHERNET
        && let Ok(header) = LinkHeader::parse(link_type, bytes)
    {
        link_words::write(line, &header, length)?;
        is_outermost = false;
    }
    for layer in &layers.layers {
        match layer.layout.name {
            "ethernet" => write_addresses(line, layer)?,
            "tags" => write_tag(line, layer)?,
            "snap" => write_snap(line, layer)?,
            "llc" => write_llc(line, layer)?,
            "linux_sll" | "linux_sll2" | "loopback" => {}
            _ => break,
        }
        if let Some(number) = layer.number("type_or_length") {
            write_type_or_length(line, number, is_outermost.then_some(length))?;
            is_outermost = false;
        }
    }
    if layers.more_tags > 0 {
        write!(line, "{} more tags, ", layers.more_tags)?;
    }
    if is_outermost {
        write!(line, "length {length}")?;
    }
    match unit {
        Some((unit, length)) => {
            line.push_str(": ");
            bpdu::write(line, unit, length)
        }
        None => Ok(()),
    }
}

/// Returns the bridge protocol data unit behind an LLC header, as far as it was captured, and its length.
fn bridge_unit<'a>(layers: &Layers<'_>, bytes: &'a [u8]) -> Option<(&'a [u8], usize)> {
    let place = layers.layers.iter().position(|layer| layer.layout.name == "llc")?;
    let (before, llc) = (layers.layers.get(place.checked_sub(1)?)?, layers.layers.get(place)?);
    if llc.bytes != STP_LLC {
        return None;
    }
    let start = llc.offset + llc.bytes.len();
    let rest = bytes.get(start..)?;
    // The length field counts the LLC header too, and padding may follow.
    let length = before.number("type_or_length").and_then(|length| usize::try_from(length).ok());
    let length = length.and_then(|length| length.checked_sub(STP_LLC.len())).unwrap_or(rest.len());
    Some((rest.get(..length).unwrap_or(rest), length))
}

fn write_addresses(line: &mut String, layer: &Layer<'_>) -> Result {
    let address = |name| match layer.value(name) {
        Some(FieldValue::Mac(address)) => Some(address),
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

fn write_tag(line: &mut String, layer: &Layer<'_>) -> Result {
    let (Some(vlan), Some(priority)) = (layer.number("vlan"), layer.number("priority")) else {
        return Ok(());
    };
    let eligible = if layer.value("drop_eligible") == Some(FieldValue::Flag(true)) { ", DEI" } else { "" };
    write!(line, "vlan {vlan}, p {priority}{eligible}, ")
}

fn write_snap(line: &mut String, layer: &Layer<'_>) -> Result {
    write_llc(line, layer)?;
    let (Some(organization), Some(protocol)) = (layer.number("organization"), layer.number("ethertype"))
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

fn write_llc(line: &mut String, layer: &Layer<'_>) -> Result {
    line.push_str("LLC");
    for (field, kinds) in [("dsap", ["Individual", "Group"]), ("ssap", ["Command", "Response"])] {
        let Some(point) = layer.number(field) else { return Ok(()) };
        let [even, odd] = kinds;
        let kind = if point & LOWEST_BIT == 0 { even } else { odd };
        let point = point & !LOWEST_BIT;
        write!(line, ", {field} {} ({point:#04x}) {kind}", service_name(point))?;
    }
    let Some(control) = layer.number("control") else { return Ok(()) };
    // tcpdump reads a control field of two bytes as little endian.
    match u16::try_from(control).unwrap_or_default() {
        control if layer.layout.length() > 3 && layer.layout.name == "llc" => {
            write!(line, ", ctrl {:#06x}", control.swap_bytes())
        }
        control => write!(line, ", ctrl {control:#04x}"),
    }
}

/// Returns the name of a service access point.
fn service_name(point: u64) -> &'static str {
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
