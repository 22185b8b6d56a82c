//! A valid ARP packet.

use std::net::Ipv4Addr;

use link::{EtherType, MacAddr};
use zerocopy::FromBytes;

use crate::wire::{ArpFrame, ArpPacket};
use crate::{ArpDropReason, Operation};

/// The hardware type of Ethernet.
const ETHERNET: u16 = 1;
/// The hardware type of IEEE 802 networks, whose addresses are Ethernet's (RFC 1042, "Address Mappings").
const IEEE_802: u16 = 6;
/// Bytes of an IPv4 address.
const PROTOCOL_LENGTH: u8 = 4;
/// Octets of an Ethernet hardware address.
const HARDWARE_LENGTH: u8 = 6;

/// A packet that speaks of Ethernet and IPv4 addresses: a view into the octets it was parsed from.
/// What it claims need not be true, nor polite.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a>(&'a ArpPacket);

/// The fields of a packet that differ from one to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketFields {
    /// What the packet is.
    pub operation: Operation,
    /// Sender hardware address.
    pub sender_hardware: MacAddr,
    /// Sender protocol address.
    pub sender_protocol: Ipv4Addr,
    /// Target hardware address.
    pub target_hardware: MacAddr,
    /// Target protocol address.
    pub target_protocol: Ipv4Addr,
}

impl<'a> Packet<'a> {
    /// Reads a packet from the start of a frame's payload. What follows its 28 octets is padding.
    // Its result is read at once by whoever called: across crates it would go through memory.
    #[inline]
    pub fn parse(payload: &'a [u8]) -> Result<Packet<'a>, ArpDropReason> {
        // spec: rfc826-padding, truncated
        let (packet, _) = ArpPacket::ref_from_prefix(payload).map_err(|_| ArpDropReason::Truncated)?;
        if packet.is_ethernet_and_ipv4() { Ok(Packet(packet)) } else { parse_uncommon(packet) }
    }

    /// The packet in a frame that is known to hold a valid one.
    pub(crate) fn of(frame: &'a ArpFrame) -> Packet<'a> {
        Packet(&frame.packet)
    }

    /// What the packet is.
    pub fn operation(self) -> Operation {
        Operation(self.0.operation.get())
    }

    /// Sender hardware address.
    pub fn sender_hardware(self) -> MacAddr {
        self.0.sender_hardware
    }

    /// Sender protocol address; 0.0.0.0 in a probe (RFC 5227 1.1).
    pub fn sender_protocol(self) -> Ipv4Addr {
        self.0.sender_protocol.into()
    }

    /// Target hardware address; without meaning in a request.
    pub fn target_hardware(self) -> MacAddr {
        self.0.target_hardware
    }

    /// Target protocol address.
    pub fn target_protocol(self) -> Ipv4Addr {
        self.0.target_protocol.into()
    }
}

/// A packet of another hardware type than 1, or why it is none for Ethernet and IPv4. The order of the checks is
/// RFC 826's, "Packet Reception".
#[cold]
fn parse_uncommon(packet: &ArpPacket) -> Result<Packet<'_>, ArpDropReason> {
    // spec: rfc826-hardware-type, rfc1042-hardware-type
    if !matches!(packet.hardware_type.get(), ETHERNET | IEEE_802) {
        return Err(ArpDropReason::HardwareType);
    }
    // spec: rfc826-lengths
    if packet.hardware_length != HARDWARE_LENGTH {
        return Err(ArpDropReason::HardwareLength);
    }
    // spec: rfc826-protocol-type
    if packet.protocol_type.get() != EtherType::IPV4.0 {
        return Err(ArpDropReason::ProtocolType);
    }
    // spec: rfc826-lengths
    if packet.protocol_length != PROTOCOL_LENGTH {
        return Err(ArpDropReason::ProtocolLength);
    }
    Ok(Packet(packet))
}

impl PacketFields {
    /// Octets of a packet.
    pub const LENGTH: usize = size_of::<ArpPacket>();

    /// Writes the whole packet to the start of `payload`. Fails if that is shorter than
    /// [`PacketFields::LENGTH`].
    pub fn write_to(&self, payload: &mut [u8]) -> Result<(), ArpDropReason> {
        let (packet, _) = ArpPacket::mut_from_prefix(payload).map_err(|_| ArpDropReason::Truncated)?;
        // Field by field: a whole struct built beside and copied over costs four times as much.
        packet.begin(self.operation);
        packet.sender_hardware = self.sender_hardware;
        packet.sender_protocol = self.sender_protocol.octets();
        packet.target_hardware = self.target_hardware;
        packet.target_protocol = self.target_protocol.octets();
        Ok(())
    }
}

impl From<Packet<'_>> for PacketFields {
    fn from(packet: Packet<'_>) -> Self {
        PacketFields {
            operation: packet.operation(),
            sender_hardware: packet.sender_hardware(),
            sender_protocol: packet.sender_protocol(),
            target_hardware: packet.target_hardware(),
            target_protocol: packet.target_protocol(),
        }
    }
}

#[cfg(test)]
mod tests;
