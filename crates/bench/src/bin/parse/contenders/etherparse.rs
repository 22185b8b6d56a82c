//! etherparse: its header slices, which read fields in place, and the calls that most of its users make:
//! `SlicedPacket`, which parses all layers, and `ArpPacket`. etherparse has no function that rewrites a packet in
//! place.

use arp::{Operation, PacketFields};
use etherparse::{
    ArpEthIpv4Packet, ArpHardwareId, ArpOperation, ArpPacket, ArpPacketSlice, EtherType,
    Ethernet2HeaderSlice, NetSlice, SlicedPacket,
};

use super::{Contender, Work};
use crate::frames::ParseDepth;

pub(super) const READ_SLICES: Contender = Contender {
    name: "read_etherparse_slices",
    api: "Ethernet2HeaderSlice, ArpPacketSlice (best)",
    work: Work::Read(ParseDepth::Plain, read_etherparse_slices),
};
pub(super) const READ_SLICED_PACKET: Contender = Contender {
    name: "read_etherparse_sliced_packet",
    api: "SlicedPacket::from_ethernet (usual)",
    work: Work::Read(ParseDepth::Tagged, read_etherparse_sliced_packet),
};
pub(super) const BUILD_ETH_IPV4: Contender = Contender {
    name: "build_etherparse_eth_ipv4",
    api: "ArpEthIpv4Packet::to_bytes (best)",
    work: Work::Build(build_etherparse_eth_ipv4),
};
pub(super) const BUILD_PACKET: Contender = Contender {
    name: "build_etherparse_packet",
    api: "ArpPacket::new, write (usual)",
    work: Work::Build(build_etherparse_packet),
};

#[inline(never)]
fn read_etherparse_slices(bytes: &[u8]) -> Option<PacketFields> {
    let header = Ethernet2HeaderSlice::from_slice(bytes).ok()?;
    if header.ether_type() != EtherType::ARP {
        return None;
    }
    let payload = bytes.get(header.slice().len()..)?;
    fields(&ArpPacketSlice::from_slice(payload).ok()?)
}

#[inline(never)]
fn read_etherparse_sliced_packet(bytes: &[u8]) -> Option<PacketFields> {
    match SlicedPacket::from_ethernet(bytes).ok()?.net {
        Some(NetSlice::Arp(packet)) => fields(&packet),
        _ => None,
    }
}

#[inline]
fn fields(packet: &ArpPacketSlice<'_>) -> Option<PacketFields> {
    let expected = packet.hw_addr_type() == ArpHardwareId::ETHERNET
        && packet.proto_addr_type() == EtherType::IPV4
        && packet.hw_addr_size() == 6
        && packet.proto_addr_size() == 4;
    if !expected {
        return None;
    }
    let sender_hardware: [u8; 6] = packet.sender_hw_addr().try_into().ok()?;
    let sender_protocol: [u8; 4] = packet.sender_protocol_addr().try_into().ok()?;
    let target_hardware: [u8; 6] = packet.target_hw_addr().try_into().ok()?;
    let target_protocol: [u8; 4] = packet.target_protocol_addr().try_into().ok()?;
    Some(PacketFields {
        operation: Operation(packet.operation().0),
        sender_hardware: sender_hardware.into(),
        sender_protocol: sender_protocol.into(),
        target_hardware: target_hardware.into(),
        target_protocol: target_protocol.into(),
    })
}

#[inline(never)]
fn build_etherparse_eth_ipv4(fields: &PacketFields, bytes: &mut [u8]) -> Option<()> {
    let packet = ArpEthIpv4Packet {
        operation: ArpOperation(fields.operation.0),
        sender_mac: fields.sender_hardware.bytes(),
        sender_ipv4: fields.sender_protocol.octets(),
        target_mac: fields.target_hardware.bytes(),
        target_ipv4: fields.target_protocol.octets(),
    };
    bytes.get_mut(..ArpEthIpv4Packet::LEN)?.copy_from_slice(&packet.to_bytes());
    Some(())
}

#[inline(never)]
fn build_etherparse_packet(fields: &PacketFields, mut bytes: &mut [u8]) -> Option<()> {
    let packet = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        ArpOperation(fields.operation.0),
        &fields.sender_hardware.bytes(),
        &fields.sender_protocol.octets(),
        &fields.target_hardware.bytes(),
        &fields.target_protocol.octets(),
    );
    packet.ok()?.write(&mut bytes).ok()
}
