//! Baseline: bytes cast to packed structs, as in C.

use arp::{ArpReply, Operation, PacketFields};
use link::EtherType;

use frame::{AnyBytes, read};

/// Baseline of the Ethernet header.
#[path = "../../../link/benches/cast/read.rs"]
mod frame;

#[derive(Clone, Copy)]
#[repr(C, packed)]
struct Packet {
    hardware_type: u16,
    protocol_type: u16,
    hardware_length: u8,
    protocol_length: u8,
    operation: u16,
    sender_hardware: [u8; 6],
    sender_protocol: [u8; 4],
    target_hardware: [u8; 6],
    target_protocol: [u8; 4],
}

// SAFETY: the struct is packed and contains only integers.
unsafe impl AnyBytes for Packet {}

pub(crate) fn parse(bytes: &[u8]) -> Option<PacketFields> {
    let frame = frame::parse(bytes).ok()?;
    if frame.ether_type != EtherType::ARP {
        return None;
    }
    let (packet, _) = read::<Packet>(frame.payload)?;
    let expected = u16::from_be(packet.hardware_type) == 1
        && u16::from_be(packet.protocol_type) == EtherType::IPV4.0
        && packet.hardware_length == 6
        && packet.protocol_length == 4;
    expected.then(|| PacketFields {
        operation: Operation(u16::from_be(packet.operation)),
        sender_hardware: packet.sender_hardware.into(),
        sender_protocol: packet.sender_protocol.into(),
        target_hardware: packet.target_hardware.into(),
        target_protocol: packet.target_protocol.into(),
    })
}

pub(crate) fn write(fields: &PacketFields, bytes: &mut [u8]) -> Option<()> {
    let packet = place(bytes)?;
    packet.hardware_type = 1_u16.to_be();
    packet.protocol_type = EtherType::IPV4.0.to_be();
    packet.hardware_length = 6;
    packet.protocol_length = 4;
    packet.operation = fields.operation.0.to_be();
    packet.sender_hardware = fields.sender_hardware.bytes();
    packet.sender_protocol = fields.sender_protocol.octets();
    packet.target_hardware = fields.target_hardware.bytes();
    packet.target_protocol = fields.target_protocol.octets();
    Some(())
}

pub(crate) fn write_over(reply: ArpReply, bytes: &mut [u8]) -> Option<()> {
    let packet = place(bytes)?;
    packet.operation = Operation::REPLY.0.to_be();
    (packet.sender_protocol, packet.target_protocol) = (packet.target_protocol, packet.sender_protocol);
    packet.target_hardware = packet.sender_hardware;
    packet.sender_hardware = reply.mac.bytes();
    Some(())
}

/// Returns the packet at the start of `bytes`, to be written field by field.
fn place(bytes: &mut [u8]) -> Option<&mut Packet> {
    let start = bytes.get_mut(..size_of::<Packet>())?.as_mut_ptr();
    // SAFETY: the slice has the length of the struct and is borrowed mutably. A packed struct has alignment 1, and any
    // bytes are a valid value.
    Some(unsafe { &mut *start.cast() })
}
