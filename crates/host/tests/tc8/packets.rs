//! The frames of the other stations, octet by octet.

use std::net::Ipv4Addr;

use arp::{Fields, Operation};
use link::MacAddr;

use crate::tester::Outcome;

/// A station: who it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Station {
    pub(crate) hardware: MacAddr,
    pub(crate) protocol: Ipv4Addr,
}

/// The host under test.
pub(crate) const OURS: Station = station(2, 2);
/// The other station of most cases.
pub(crate) const PEER: Station = station(1, 1);
/// The same protocol address at another hardware address.
pub(crate) const MOVED: Station = station(0x51, 1);
/// A second station.
pub(crate) const SECOND: Station = station(3, 3);

const fn station(hardware: u8, protocol: u8) -> Station {
    Station { hardware: MacAddr::new([2, 0, 0, 0, 0, hardware]), protocol: Ipv4Addr::new(10, 0, 0, protocol) }
}

/// A field of a frame with an ARP packet: its name and its first octet.
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

/// A request of `from` for us, to all.
pub(crate) fn request(from: Station) -> Vec<u8> {
    frame(MacAddr::BROADCAST, Operation::REQUEST, from, MacAddr::ZERO, OURS.protocol)
}

/// A request of `from` for `target`, to all.
pub(crate) fn request_for(from: Station, target: Ipv4Addr) -> Vec<u8> {
    frame(MacAddr::BROADCAST, Operation::REQUEST, from, MacAddr::ZERO, target)
}

/// A reply of `from` to us.
pub(crate) fn reply(from: Station) -> Vec<u8> {
    frame(OURS.hardware, Operation::REPLY, from, OURS.hardware, OURS.protocol)
}

/// A reply of `from` to itself, told to all.
pub(crate) fn gratuitous(from: Station) -> Vec<u8> {
    frame(MacAddr::BROADCAST, Operation::REPLY, from, MacAddr::BROADCAST, from.protocol)
}

fn frame(
    destination: MacAddr,
    operation: Operation,
    sender: Station,
    target_hardware: MacAddr,
    target_protocol: Ipv4Addr,
) -> Vec<u8> {
    let mut packet = [0; Fields::LENGTH];
    let fields = Fields {
        operation,
        sender_hardware: sender.hardware,
        sender_protocol: sender.protocol,
        target_hardware,
        target_protocol,
    };
    // 28 octets are enough.
    let _ = fields.write_to(&mut packet);
    [&destination.octets()[..], &sender.hardware.octets(), &[8, 6], &packet].concat()
}

/// The frame with other octets in a field.
pub(crate) fn with(mut frame: Vec<u8>, Field(_, at): Field, octets: &[u8]) -> Vec<u8> {
    if let Some(field) = frame.get_mut(at..at + octets.len()) {
        field.copy_from_slice(octets);
    }
    frame
}

/// Whether a field holds these octets.
pub(crate) fn holds(frame: &[u8], Field(name, at): Field, expected: &[u8]) -> Outcome {
    match frame.get(at..at + expected.len()) {
        Some(found) if found == expected => Ok(()),
        found => Err(format!("the {name} is {found:02x?}, not {expected:02x?}").into()),
    }
}
