//! A frame in tcpdump's words, as `tcpdump -e -n` prints it.

mod datagram;
mod message;

use std::fmt::Write;

use arp::{MacAddr, Operation, Packet};
use link::{Dropped, Encapsulation, EtherType, Ethernet, SnapHeader, VlanTag};

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// The link header, as by tcpdump's `-e`.
    pub(crate) link_header: bool,
    /// The fields of the IPv4 header, and the fixed ones of an ARP packet, as by `-v`.
    pub(crate) verbose: bool,
}

/// One line about a frame, with its link header.
pub(crate) fn describe(octets: &[u8]) -> String {
    let mut line = String::new();
    // Writing to a String does not fail.
    let _ = write(&mut line, Style { link_header: true, verbose: false }, octets, octets.len());
    line
}

/// Writes about a frame that was `length` octets long on the wire, of which `octets` were captured.
pub(crate) fn write(line: &mut String, style: Style, octets: &[u8], length: usize) -> std::fmt::Result {
    let start = line.len();
    write_frame(line, style, octets, length)?;
    let told = line.get(start..).unwrap_or_default().trim_end_matches([',', ':', ' ']).len();
    line.truncate(start + told);
    if octets.len() < length {
        write!(line, " [cut short: {} of {length} octets captured]", octets.len())?;
    }
    Ok(())
}

fn write_frame(line: &mut String, style: Style, octets: &[u8], length: usize) -> std::fmt::Result {
    let frame = match Ethernet::parse(octets) {
        Ok(frame) => frame,
        Err(reason) => return write_unread(line, octets, length, reason),
    };
    let ether_type = frame.ether_type();
    match ether_type {
        // Without the header, nothing else tells the protocol.
        EtherType::ARP if !style.link_header => line.push_str("ARP, "),
        EtherType::IPV4 if !style.link_header => line.push_str("IP "),
        _ => write_header(line, &frame, length)?,
    }
    let missing = length.saturating_sub(octets.len());
    match ether_type {
        EtherType::IPV4 => datagram::write(line, frame.payload(), style.verbose, missing > 0),
        EtherType::ARP => write_arp(line, frame.payload(), style.verbose, missing),
        _ => Ok(()),
    }
}

/// A frame that is not read: who sent it to whom, if that much is there.
fn write_unread(line: &mut String, octets: &[u8], length: usize, reason: Dropped) -> std::fmt::Result {
    if let Some([a, b, c, d, e, f, g, h, i, j, k, l, high, low]) = octets.first_chunk() {
        let destination = MacAddr::new([*a, *b, *c, *d, *e, *f]);
        let source = MacAddr::new([*g, *h, *i, *j, *k, *l]);
        write!(line, "{source} > {destination}, ")?;
        match u16::from_be_bytes([*high, *low]) {
            claimed @ ..EtherType::FIRST => write!(line, "802.3, length {claimed}: ")?,
            number => write_ether_type(line, EtherType(number), Some(length))?,
        }
    }
    write!(line, "[{reason}], length {length}")
}

fn write_header(line: &mut String, frame: &Ethernet<'_>, length: usize) -> std::fmt::Result {
    write!(line, "{} > {}, ", frame.source(), frame.destination())?;
    let mut length = Some(length);
    for tag in frame.tags().iter() {
        write_ether_type(line, tag.protocol, length.take())?;
        write_tag(line, tag)?;
    }
    if frame.encapsulation() == Encapsulation::Snap {
        let snap = frame.payload().len() + size_of::<SnapHeader>();
        write!(
            line,
            "802.3, length {snap}: LLC, dsap SNAP (0xaa) Individual, ssap SNAP (0xaa) Command, ctrl 0x03: oui Ethernet (0x000000), "
        )?;
        length = Some(frame.payload().len());
    }
    write_ether_type(line, frame.ether_type(), length)
}

/// The first one carries a length, those behind a tag do not.
fn write_ether_type(line: &mut String, ether_type: EtherType, length: Option<usize>) -> std::fmt::Result {
    match length {
        Some(length) => write!(line, "ethertype {ether_type}, length {length}: "),
        None => write!(line, "ethertype {ether_type}, "),
    }
}

fn write_tag(line: &mut String, tag: VlanTag) -> std::fmt::Result {
    let eligible = if tag.is_drop_eligible() { ", DEI" } else { "" };
    write!(line, "vlan {}, p {}{eligible}, ", tag.identifier(), tag.priority())
}

/// So many octets of the packet are `missing` in the capture.
fn write_arp(line: &mut String, payload: &[u8], verbose: bool, missing: usize) -> std::fmt::Result {
    match Packet::parse(payload) {
        Ok(packet) => {
            if verbose {
                line.push_str("Ethernet (len 6), IPv4 (len 4), ");
            }
            write_packet(line, packet)?;
        }
        Err(reason) => write!(line, "[{reason}]")?,
    }
    write!(line, ", length {}", payload.len() + missing)
}

fn write_packet(line: &mut String, packet: Packet<'_>) -> std::fmt::Result {
    let (sender, target) = (packet.sender_protocol(), packet.target_protocol());
    match packet.operation() {
        Operation::REQUEST => {
            write!(line, "Request who-has {target}")?;
            if packet.target_hardware() != MacAddr::ZERO {
                write!(line, " ({})", packet.target_hardware())?;
            }
            write!(line, " tell {sender}")
        }
        Operation::REPLY => write!(line, "Reply {sender} is-at {}", packet.sender_hardware()),
        // tcpdump's words too: whose protocol address is asked for, and whose it is.
        other @ Operation(3 | 8) => {
            write!(line, "{other} who-is {} tell {}", packet.target_hardware(), packet.sender_hardware())
        }
        other @ Operation(4) => write!(line, "{other} {} at {target}", packet.target_hardware()),
        other @ Operation(9) => write!(line, "{other} {} at {sender}", packet.sender_hardware()),
        other => write!(line, "{other} {sender} ({}) to {target}", packet.sender_hardware()),
    }
}

#[cfg(test)]
mod tests;
