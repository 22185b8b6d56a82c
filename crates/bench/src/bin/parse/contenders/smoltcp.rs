//! smoltcp at its two levels: `Packet` reads fields in place, and `Repr` is the parsed form that its stack and most of
//! its users use.

use arp::{ArpReply, Operation, PacketFields};
use smoltcp::wire::{
    ArpHardware, ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
};

use super::{Contender, Work};
use crate::frames::ParseDepth;

pub(super) const READ_PACKET: Contender = Contender {
    name: "read_smoltcp_packet",
    api: "EthernetFrame, ArpPacket (best)",
    work: Work::Read(ParseDepth::Plain, read_smoltcp_packet),
};
pub(super) const READ_REPR: Contender = Contender {
    name: "read_smoltcp_repr",
    api: "EthernetFrame, ArpRepr::parse (usual)",
    work: Work::Read(ParseDepth::Plain, read_smoltcp_repr),
};
pub(super) const BUILD_PACKET: Contender = Contender {
    name: "build_smoltcp_packet",
    api: "ArpPacket::set_* (best)",
    work: Work::Build(build_smoltcp_packet),
};
pub(super) const BUILD_REPR: Contender = Contender {
    name: "build_smoltcp_repr",
    api: "ArpRepr::emit (usual)",
    work: Work::Build(build_smoltcp_repr),
};
pub(super) const REWRITE_PACKET: Contender = Contender {
    name: "rewrite_smoltcp_packet",
    api: "ArpPacket::set_*",
    work: Work::Rewrite(rewrite_smoltcp_packet),
};
pub(super) const REWRITE_REPR: Contender = Contender {
    name: "rewrite_smoltcp_repr",
    api: "ArpRepr::parse, ArpRepr::emit (best, usual)",
    work: Work::Rewrite(rewrite_smoltcp_repr),
};

/// Returns the start of a buffer, with the length of an ARP packet.
fn packet_buffer(bytes: &mut [u8]) -> Option<&mut [u8]> {
    bytes.get_mut(..PacketFields::LENGTH)
}

#[inline(never)]
fn read_smoltcp_packet(bytes: &[u8]) -> Option<PacketFields> {
    let frame = EthernetFrame::new_checked(bytes).ok()?;
    if frame.ethertype() != EthernetProtocol::Arp {
        return None;
    }
    let packet = ArpPacket::new_checked(frame.payload()).ok()?;
    let expected = packet.hardware_type() == ArpHardware::Ethernet
        && packet.protocol_type() == EthernetProtocol::Ipv4
        && packet.hardware_len() == 6
        && packet.protocol_len() == 4;
    if !expected {
        return None;
    }
    let sender_hardware: [u8; 6] = packet.source_hardware_addr().try_into().ok()?;
    let sender_protocol: [u8; 4] = packet.source_protocol_addr().try_into().ok()?;
    let target_hardware: [u8; 6] = packet.target_hardware_addr().try_into().ok()?;
    let target_protocol: [u8; 4] = packet.target_protocol_addr().try_into().ok()?;
    Some(PacketFields {
        operation: Operation(packet.operation().into()),
        sender_hardware: sender_hardware.into(),
        sender_protocol: sender_protocol.into(),
        target_hardware: target_hardware.into(),
        target_protocol: target_protocol.into(),
    })
}

#[inline(never)]
fn read_smoltcp_repr(bytes: &[u8]) -> Option<PacketFields> {
    let frame = EthernetFrame::new_checked(bytes).ok()?;
    if frame.ethertype() != EthernetProtocol::Arp {
        return None;
    }
    let packet = ArpPacket::new_checked(frame.payload()).ok()?;
    let Ok(ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr,
        source_protocol_addr,
        target_hardware_addr,
        target_protocol_addr,
    }) = ArpRepr::parse(&packet)
    else {
        return None;
    };
    Some(PacketFields {
        operation: Operation(operation.into()),
        sender_hardware: source_hardware_addr.0.into(),
        sender_protocol: source_protocol_addr,
        target_hardware: target_hardware_addr.0.into(),
        target_protocol: target_protocol_addr,
    })
}

#[inline(never)]
fn build_smoltcp_packet(fields: &PacketFields, bytes: &mut [u8]) -> Option<()> {
    let mut packet = ArpPacket::new_unchecked(packet_buffer(bytes)?);
    packet.set_hardware_type(ArpHardware::Ethernet);
    packet.set_protocol_type(EthernetProtocol::Ipv4);
    packet.set_hardware_len(6);
    packet.set_protocol_len(4);
    packet.set_operation(fields.operation.0.into());
    packet.set_source_hardware_addr(&fields.sender_hardware.bytes());
    packet.set_source_protocol_addr(&fields.sender_protocol.octets());
    packet.set_target_hardware_addr(&fields.target_hardware.bytes());
    packet.set_target_protocol_addr(&fields.target_protocol.octets());
    Some(())
}

#[inline(never)]
fn build_smoltcp_repr(fields: &PacketFields, bytes: &mut [u8]) -> Option<()> {
    let repr = ArpRepr::EthernetIpv4 {
        operation: fields.operation.0.into(),
        source_hardware_addr: EthernetAddress(fields.sender_hardware.bytes()),
        source_protocol_addr: fields.sender_protocol,
        target_hardware_addr: EthernetAddress(fields.target_hardware.bytes()),
        target_protocol_addr: fields.target_protocol,
    };
    repr.emit(&mut ArpPacket::new_unchecked(packet_buffer(bytes)?));
    Some(())
}

#[inline(never)]
fn rewrite_smoltcp_packet(answer: ArpReply, bytes: &mut [u8]) -> Option<()> {
    let mut packet = ArpPacket::new_checked(packet_buffer(bytes)?).ok()?;
    let requester_mac: [u8; 6] = packet.source_hardware_addr().try_into().ok()?;
    let requester_ip: [u8; 4] = packet.source_protocol_addr().try_into().ok()?;
    let target_ip: [u8; 4] = packet.target_protocol_addr().try_into().ok()?;
    packet.set_operation(ArpOperation::Reply);
    packet.set_source_hardware_addr(&answer.mac.bytes());
    packet.set_source_protocol_addr(&target_ip);
    packet.set_target_hardware_addr(&requester_mac);
    packet.set_target_protocol_addr(&requester_ip);
    Some(())
}

#[inline(never)]
fn rewrite_smoltcp_repr(answer: ArpReply, bytes: &mut [u8]) -> Option<()> {
    let mut packet = ArpPacket::new_checked(packet_buffer(bytes)?).ok()?;
    let Ok(ArpRepr::EthernetIpv4 {
        source_hardware_addr, source_protocol_addr, target_protocol_addr, ..
    }) = ArpRepr::parse(&packet)
    else {
        return None;
    };
    let reply = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Reply,
        source_hardware_addr: EthernetAddress(answer.mac.bytes()),
        source_protocol_addr: target_protocol_addr,
        target_hardware_addr: source_hardware_addr,
        target_protocol_addr: source_protocol_addr,
    };
    reply.emit(&mut packet);
    Some(())
}
