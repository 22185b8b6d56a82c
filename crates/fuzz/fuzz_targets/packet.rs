//! ARP packets near enough to good ones to get past the first checks.

use std::net::Ipv4Addr;

use arp::PacketFields;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use link::MacAddr;

/// A packet on the wire: a whole one, a damaged one, or anything at all.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum FuzzPacket<'a> {
    Whole(ValidPacket),
    Damaged { packet: ValidPacket, length: u8, place: u8, byte: u8 },
    Bytes(&'a [u8]),
}

/// What a whole packet says.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct ValidPacket {
    operation: Operation,
    sender_hardware: Hardware,
    sender_protocol: Protocol,
    target_hardware: Hardware,
    target_protocol: Protocol,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Operation {
    Request,
    Reply,
    Any(u16),
}

/// A hardware address. Few are near, so that they meet again.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Hardware {
    Ours,
    Near(u8),
    Broadcast,
    Zero,
    Any([u8; 6]),
}

/// A protocol address, near or not as with [`Hardware`]: 10.0.0.0/28 is near.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Protocol {
    Ours,
    Near(u8),
    Unspecified,
    Any([u8; 4]),
}

impl FuzzPacket<'_> {
    pub(crate) fn bytes(self) -> Vec<u8> {
        match self {
            Self::Whole(packet) => packet.bytes().to_vec(),
            Self::Damaged { packet, length, place, byte } => {
                let mut bytes = packet.bytes();
                bytes[usize::from(place) % PacketFields::LENGTH] = byte;
                bytes[..usize::from(length) % (PacketFields::LENGTH + 1)].to_vec()
            }
            Self::Bytes(bytes) => bytes.to_vec(),
        }
    }
}

impl ValidPacket {
    fn bytes(self) -> [u8; PacketFields::LENGTH] {
        let mut bytes = [0; PacketFields::LENGTH];
        let fields = PacketFields {
            operation: match self.operation {
                Operation::Request => arp::Operation::REQUEST,
                Operation::Reply => arp::Operation::REPLY,
                Operation::Any(number) => arp::Operation(number),
            },
            sender_hardware: self.sender_hardware.address(),
            sender_protocol: self.sender_protocol.address(),
            target_hardware: self.target_hardware.address(),
            target_protocol: self.target_protocol.address(),
        };
        fields.write_to(&mut bytes).expect("room for a packet");
        bytes
    }
}

impl Hardware {
    pub(crate) fn address(self) -> MacAddr {
        match self {
            Self::Ours => MacAddr::new([2, 0, 0, 0, 0, 2]),
            Self::Near(last) => MacAddr::new([2, 0, 0, 0, 0, last % 16]),
            Self::Broadcast => MacAddr::BROADCAST,
            Self::Zero => MacAddr::ZERO,
            Self::Any(bytes) => MacAddr::new(bytes),
        }
    }
}

impl Protocol {
    fn address(self) -> Ipv4Addr {
        match self {
            Self::Ours => Ipv4Addr::new(10, 0, 0, 2),
            Self::Near(last) => Ipv4Addr::new(10, 0, 0, last % 16),
            Self::Unspecified => Ipv4Addr::UNSPECIFIED,
            Self::Any(bytes) => bytes.into(),
        }
    }
}
