//! Generator of nearly valid ARP packets.

use std::net::Ipv4Addr;

use arp::PacketFields;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use link::MacAddr;

/// ARP packet on the wire: valid, damaged, or arbitrary bytes.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum FuzzPacket<'a> {
    Valid(ValidPacket),
    Damaged { packet: ValidPacket, length: u8, place: u8, byte: u8 },
    Bytes(&'a [u8]),
}

/// Fields of a valid packet.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct ValidPacket {
    operation: Operation,
    sender_hardware: FuzzMac,
    sender_protocol: FuzzIp,
    target_hardware: FuzzMac,
    target_protocol: FuzzIp,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Operation {
    Request,
    Reply,
    Any(u16),
}

/// MAC address, often one of few addresses, so that packets relate to each other.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum FuzzMac {
    Local,
    Near(u8),
    Broadcast,
    Zero,
    Any([u8; 6]),
}

/// IP address, often one of 10.0.0.0/28.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum FuzzIp {
    Local,
    Near(u8),
    Unspecified,
    Any([u8; 4]),
}

impl FuzzPacket<'_> {
    pub(crate) fn bytes(self) -> Vec<u8> {
        match self {
            Self::Valid(packet) => packet.bytes().to_vec(),
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
        fields.write_to(&mut bytes).expect("buffer should hold an ARP packet");
        bytes
    }
}

impl FuzzMac {
    pub(crate) fn address(self) -> MacAddr {
        match self {
            Self::Local => MacAddr::new([2, 0, 0, 0, 0, 2]),
            Self::Near(last) => MacAddr::new([2, 0, 0, 0, 0, last % 16]),
            Self::Broadcast => MacAddr::BROADCAST,
            Self::Zero => MacAddr::ZERO,
            Self::Any(bytes) => MacAddr::new(bytes),
        }
    }
}

impl FuzzIp {
    fn address(self) -> Ipv4Addr {
        match self {
            Self::Local => Ipv4Addr::new(10, 0, 0, 2),
            Self::Near(last) => Ipv4Addr::new(10, 0, 0, last % 16),
            Self::Unspecified => Ipv4Addr::UNSPECIFIED,
            Self::Any(bytes) => bytes.into(),
        }
    }
}
