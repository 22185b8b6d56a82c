//! One-line summary of a frame in the format of `tcpdump -n`.

mod bpdu;
mod datagram;
mod dhcp;
mod dns;
pub(crate) mod ipv6;
mod link_words;
mod lldp;
mod message;
pub(crate) mod message6;
pub(crate) mod segment;
mod text;
mod unparsed;

use std::fmt::Write;

use arp::{MacAddr, Operation, Packet};
use link::{Encapsulation, EtherType, SnapHeader, VlanTag};

use crate::Dissection;
use crate::conversation::TcpConversations;
use crate::frame::{DissectedFrame, RARP};
use crate::layout::payload::LLDP_TYPE;

/// Optional parts of a summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SummaryStyle {
    /// The link header, like `tcpdump -e`.
    pub link_header: bool,
    /// The fields of the IPv4 header and the fixed fields of an ARP packet, like `tcpdump -v`.
    pub verbose: bool,
}

/// Writes the summary of a frame. Faults follow in brackets.
pub(crate) fn write(
    line: &mut String,
    style: SummaryStyle,
    dissection: &Dissection<'_>,
    conversations: &mut TcpConversations,
) -> std::fmt::Result {
    let &Dissection { link_type, bytes, length, ref faults } = dissection;
    let start = line.len();
    match DissectedFrame::parse(link_type, bytes, length) {
        Ok(frame) => write_frame(line, style, &frame, length, conversations)?,
        Err(_) => unparsed::write(line, style.link_header, link_type, bytes, length)?,
    }
    let trimmed = line.get(start..).unwrap_or_default().trim_end_matches([',', ':', ' ']).len();
    line.truncate(start + trimmed);
    for fault in faults {
        write!(line, " [{}]", fault.summary)?;
    }
    if bytes.len() < length {
        write!(line, " [truncated: {} of {length} bytes captured]", bytes.len())?;
    }
    Ok(())
}

fn write_frame(
    line: &mut String,
    style: SummaryStyle,
    frame: &DissectedFrame<'_>,
    length: usize,
    conversations: &mut TcpConversations,
) -> std::fmt::Result {
    if let Some(link) = &frame.link {
        link_words::write_direction(line, link, style.link_header)?;
    }
    match frame.ether_type {
        // Without the link header, the line names the protocol.
        EtherType::ARP | RARP if !style.link_header => line.push_str("ARP, "),
        EtherType::IPV4 if !style.link_header => line.push_str("IP "),
        EtherType::IPV6 if !style.link_header => line.push_str("IP6 "),
        LLDP_TYPE if !style.link_header => {}
        _ => write_header(line, frame, length)?,
    }
    match frame.ether_type {
        EtherType::IPV4 => datagram::write(line, frame.payload, frame.length, style.verbose, conversations),
        EtherType::IPV6 => ipv6::write(line, frame.payload, frame.length, style.verbose, conversations),
        LLDP_TYPE => lldp::write(line, frame.payload, frame.length),
        EtherType::ARP | RARP => write_arp(line, frame.payload, frame.length, style.verbose),
        _ => Ok(()),
    }
}

fn write_header(line: &mut String, frame: &DissectedFrame<'_>, length: usize) -> std::fmt::Result {
    match &frame.link {
        None => write!(line, "{} > {}, ", frame.source, frame.destination)?,
        Some(other) if link_words::write_without_type(line, other, length)? => return Ok(()),
        Some(other) => link_words::write_sender(line, other)?,
    }
    let mut length = Some(length);
    for tag in frame.tags.iter() {
        write_ether_type(line, tag.protocol, length.take())?;
        write_tag(line, tag)?;
    }
    if frame.encapsulation == Encapsulation::Snap {
        let snap = frame.length + size_of::<SnapHeader>();
        write!(
            line,
            "802.3, length {snap}: LLC, dsap SNAP (0xaa) Individual, ssap SNAP (0xaa) Command, ctrl 0x03: oui Ethernet (0x000000), "
        )?;
        length = Some(frame.length);
    }
    write_ether_type(line, frame.ether_type, length)
}

/// Writes an EtherType and, if given, the length of the frame.
fn write_ether_type(line: &mut String, ether_type: EtherType, length: Option<usize>) -> std::fmt::Result {
    match ether_type {
        RARP => write!(line, "ethertype Reverse ARP ({:#06x}), ", RARP.0)?,
        other => write!(line, "ethertype {other}, ")?,
    }
    match length {
        Some(length) => write!(line, "length {length}: "),
        None => Ok(()),
    }
}

fn write_tag(line: &mut String, tag: VlanTag) -> std::fmt::Result {
    let eligible = if tag.is_drop_eligible() { ", DEI" } else { "" };
    write!(line, "vlan {}, p {}{eligible}, ", tag.identifier(), tag.priority())
}

/// Writes an ARP packet that has `length` bytes on the wire, including padding.
fn write_arp(line: &mut String, payload: &[u8], length: usize, verbose: bool) -> std::fmt::Result {
    if let Ok(packet) = Packet::parse(payload) {
        if verbose {
            // tcpdump names hardware type 6 after the first network that used it.
            let hardware = if payload.starts_with(&[0, 6]) { "TokenRing" } else { "Ethernet" };
            write!(line, "{hardware} (len 6), IPv4 (len 4), ")?;
        }
        write_packet(line, packet)?;
        line.push_str(", ");
    }
    write!(line, "length {length}")
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
        // Like tcpdump: the requested MAC address and the MAC address of the sender.
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
