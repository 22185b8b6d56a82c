//! Frames that the tester sends, and fields of frames.

use std::net::Ipv4Addr;

use arp::{Operation, PacketFields};
use link::MacAddr;

use crate::tester::CaseResult;

/// The MAC and IP address of a station.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Station {
    pub(crate) mac: MacAddr,
    pub(crate) ip: Ipv4Addr,
}

/// The host under test.
pub(crate) const HOST: Station = station(2, 2);
/// The peer of most cases.
pub(crate) const PEER: Station = station(1, 1);
/// The IP address of [`PEER`] at another MAC address.
pub(crate) const MOVED: Station = station(0x51, 1);
/// A second station.
pub(crate) const SECOND: Station = station(3, 3);

const fn station(mac: u8, ip: u8) -> Station {
    Station { mac: MacAddr::new([2, 0, 0, 0, 0, mac]), ip: Ipv4Addr::new(10, 0, 0, ip) }
}

/// A field of a frame with an ARP packet: its name and offset in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field(pub(crate) &'static str, pub(crate) usize);

pub(crate) const DESTINATION: Field = Field("Ethernet destination", 0);
pub(crate) const SOURCE: Field = Field("Ethernet source", 6);
pub(crate) const ETHER_TYPE: Field = Field("EtherType", 12);
pub(crate) const HARDWARE_TYPE: Field = Field("hardware type", 14);
pub(crate) const PROTOCOL_TYPE: Field = Field("protocol type", 16);
pub(crate) const HARDWARE_LENGTH: Field = Field("hardware length", 18);
pub(crate) const PROTOCOL_LENGTH: Field = Field("protocol length", 19);
pub(crate) const OPERATION: Field = Field("operation", 20);
pub(crate) const SENDER_HARDWARE: Field = Field("sender hardware address", 22);
pub(crate) const SENDER_PROTOCOL: Field = Field("sender protocol address", 28);
pub(crate) const TARGET_HARDWARE: Field = Field("target hardware address", 32);
pub(crate) const TARGET_PROTOCOL: Field = Field("target protocol address", 38);

/// Returns a broadcast request of `from` for [`HOST`].
pub(crate) fn request(from: Station) -> Vec<u8> {
    frame(MacAddr::BROADCAST, Operation::REQUEST, from, MacAddr::ZERO, HOST.ip)
}

/// Returns a broadcast request of `from` for `target`.
pub(crate) fn request_for(from: Station, target: Ipv4Addr) -> Vec<u8> {
    frame(MacAddr::BROADCAST, Operation::REQUEST, from, MacAddr::ZERO, target)
}

/// Returns a reply of `from` to [`HOST`].
pub(crate) fn reply(from: Station) -> Vec<u8> {
    frame(HOST.mac, Operation::REPLY, from, HOST.mac, HOST.ip)
}

/// Returns a broadcast gratuitous reply of `from`.
pub(crate) fn gratuitous(from: Station) -> Vec<u8> {
    frame(MacAddr::BROADCAST, Operation::REPLY, from, MacAddr::BROADCAST, from.ip)
}

fn frame(
    destination: MacAddr,
    operation: Operation,
    sender: Station,
    target_hardware: MacAddr,
    target_protocol: Ipv4Addr,
) -> Vec<u8> {
    let mut packet = [0; PacketFields::LENGTH];
    let fields = PacketFields {
        operation,
        sender_hardware: sender.mac,
        sender_protocol: sender.ip,
        target_hardware,
        target_protocol,
    };
    // An ARP packet has 28 bytes.
    let _ = fields.write_to(&mut packet);
    [&destination.bytes()[..], &sender.mac.bytes(), &[8, 6], &packet].concat()
}

/// Returns the frame with other bytes in a field.
pub(crate) fn with(mut frame: Vec<u8>, Field(_, at): Field, bytes: &[u8]) -> Vec<u8> {
    if let Some(field) = frame.get_mut(at..at + bytes.len()) {
        field.copy_from_slice(bytes);
    }
    frame
}

/// Checks that a field holds these bytes.
pub(crate) fn expect_field(frame: &[u8], Field(name, at): Field, expected: &[u8]) -> CaseResult {
    match frame.get(at..at + expected.len()) {
        Some(found) if found == expected => Ok(()),
        found => Err(format!("{name} is {found:02x?}, expected {expected:02x?}").into()),
    }
}
