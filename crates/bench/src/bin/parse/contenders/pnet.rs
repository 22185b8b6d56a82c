//! `pnet_packet`: getters and setters, which are its only interface.

use arp::{ArpReply, Operation, PacketFields};
use pnet_packet::Packet;
use pnet_packet::arp::{ArpHardwareTypes, ArpOperation, ArpOperations, ArpPacket, MutableArpPacket};
use pnet_packet::ethernet::{EtherTypes, EthernetPacket};

use super::{Contender, Work};
use crate::frames::ParseDepth;

pub(super) const READ: Contender = Contender {
    name: "read_pnet",
    api: "EthernetPacket, ArpPacket (best, usual)",
    work: Work::Read(ParseDepth::Plain, read_pnet),
};
pub(super) const BUILD: Contender =
    Contender { name: "build_pnet", api: "MutableArpPacket (best, usual)", work: Work::Build(build_pnet) };
pub(super) const REWRITE: Contender =
    Contender { name: "rewrite_pnet", api: "MutableArpPacket", work: Work::Rewrite(rewrite_pnet) };

#[inline(never)]
fn read_pnet(bytes: &[u8]) -> Option<PacketFields> {
    let frame = EthernetPacket::new(bytes)?;
    if frame.get_ethertype() != EtherTypes::Arp {
        return None;
    }
    let packet = ArpPacket::new(frame.payload())?;
    let expected = packet.get_hardware_type() == ArpHardwareTypes::Ethernet
        && packet.get_protocol_type() == EtherTypes::Ipv4
        && packet.get_hw_addr_len() == 6
        && packet.get_proto_addr_len() == 4;
    expected.then(|| PacketFields {
        operation: Operation(packet.get_operation().0),
        sender_hardware: packet.get_sender_hw_addr().octets().into(),
        sender_protocol: packet.get_sender_proto_addr(),
        target_hardware: packet.get_target_hw_addr().octets().into(),
        target_protocol: packet.get_target_proto_addr(),
    })
}

#[inline(never)]
fn build_pnet(fields: &PacketFields, bytes: &mut [u8]) -> Option<()> {
    let mut packet = MutableArpPacket::new(bytes)?;
    packet.set_hardware_type(ArpHardwareTypes::Ethernet);
    packet.set_protocol_type(EtherTypes::Ipv4);
    packet.set_hw_addr_len(6);
    packet.set_proto_addr_len(4);
    packet.set_operation(ArpOperation(fields.operation.0));
    packet.set_sender_hw_addr(fields.sender_hardware.bytes().into());
    packet.set_sender_proto_addr(fields.sender_protocol);
    packet.set_target_hw_addr(fields.target_hardware.bytes().into());
    packet.set_target_proto_addr(fields.target_protocol);
    Some(())
}

#[inline(never)]
fn rewrite_pnet(answer: ArpReply, bytes: &mut [u8]) -> Option<()> {
    let mut packet = MutableArpPacket::new(bytes)?;
    let (requester_mac, requester_ip) = (packet.get_sender_hw_addr(), packet.get_sender_proto_addr());
    let target_ip = packet.get_target_proto_addr();
    packet.set_operation(ArpOperations::Reply);
    packet.set_sender_hw_addr(answer.mac.bytes().into());
    packet.set_sender_proto_addr(target_ip);
    packet.set_target_hw_addr(requester_mac);
    packet.set_target_proto_addr(requester_ip);
    Some(())
}
