//! A frame in tcpdump's words, as `tcpdump -e -n` prints it.

mod datagram;
mod message;

use std::fmt::Write;

use arp::{MacAddr, Operation, Packet};
use link::{Encapsulation, EtherType, Ethernet, SnapHeader, VlanTag};

/// One line about a frame.
pub(crate) fn describe(octets: &[u8]) -> String {
    let mut line = String::new();
    // Writing to a String does not fail.
    let _ = write_frame(&mut line, octets);
    line
}

fn write_frame(line: &mut String, octets: &[u8]) -> std::fmt::Result {
    let frame = match Ethernet::parse(octets) {
        Ok(frame) => frame,
        Err(reason) => return write!(line, "[{reason}], length {}", octets.len()),
    };
    write!(line, "{} > {}, ", frame.source(), frame.destination())?;
    let mut length = Some(octets.len());
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
    write_ether_type(line, frame.ether_type(), length)?;
    write_payload(line, frame.ether_type(), frame.payload())?;
    line.truncate(line.trim_end_matches([',', ':', ' ']).len());
    Ok(())
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

fn write_payload(line: &mut String, ether_type: EtherType, payload: &[u8]) -> std::fmt::Result {
    match ether_type {
        EtherType::IPV4 => return datagram::write(line, payload),
        EtherType::ARP => {}
        _ => return Ok(()),
    }
    match Packet::parse(payload) {
        Ok(packet) => write_arp(line, packet)?,
        Err(reason) => write!(line, "[{reason}]")?,
    }
    write!(line, ", length {}", payload.len())
}

fn write_arp(line: &mut String, packet: Packet<'_>) -> std::fmt::Result {
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
        other => write!(line, "{other} {sender} ({}) to {target}", packet.sender_hardware()),
    }
}

#[cfg(test)]
mod tests;
