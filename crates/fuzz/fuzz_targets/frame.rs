//! Generator of nearly valid frames.

use libfuzzer_sys::arbitrary::{self, Arbitrary};

use crate::datagram::Ip;
use crate::packet::{FuzzMac, FuzzPacket};

/// ARP packet in a frame that may be valid.
#[derive(Arbitrary, Debug)]
pub(crate) struct ArpFrame<'a> {
    destination: FuzzMac,
    source: FuzzMac,
    head: Head<'a>,
    packet: FuzzPacket<'a>,
    padding: u8,
}

/// Datagram in a frame that may be valid.
#[derive(Arbitrary, Debug)]
pub(crate) struct IpFrame<'a> {
    destination: FuzzMac,
    source: FuzzMac,
    tag: Option<Vlan>,
    datagram: Ip<'a>,
}

/// The bytes between the source address and the packet.
#[derive(Arbitrary, Debug)]
enum Head<'a> {
    Type,
    Tagged(Vlan),
    Stacked(Vlan, Vlan),
    Snap,
    Bytes(&'a [u8]),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Vlan {
    Priority,
    Local,
    Any(u16),
}

impl ArpFrame<'_> {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let packet = self.packet.bytes();
        let head = self.head.bytes(packet.len());
        let (destination, source) = (self.destination.address().bytes(), self.source.address().bytes());
        [&destination[..], &source, &head, &packet, &vec![0xee; usize::from(self.padding)]].concat()
    }
}

impl IpFrame<'_> {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (destination, source) = (self.destination.address().bytes(), self.source.address().bytes());
        let tag = self.tag.map_or(Vec::new(), |tag| [[0x81, 0], tag.control()].concat());
        [&destination[..], &source, &tag, &[8, 0], &self.datagram.bytes()].concat()
    }
}

impl Head<'_> {
    /// Returns the bytes before a packet of this length.
    fn bytes(&self, length: usize) -> Vec<u8> {
        let length = u16::try_from(length + 8).unwrap_or(u16::MAX);
        match self {
            Self::Type => vec![8, 6],
            Self::Tagged(tag) => [[0x81, 0], tag.control(), [8, 6]].concat(),
            Self::Stacked(outer, inner) => {
                [[0x88, 0xa8], outer.control(), [0x81, 0], inner.control(), [8, 6]].concat()
            }
            Self::Snap => [&length.to_be_bytes()[..], &[0xaa, 0xaa, 3, 0, 0, 0, 8, 6]].concat(),
            Self::Bytes(bytes) => bytes.to_vec(),
        }
    }
}

impl Vlan {
    fn control(self) -> [u8; 2] {
        match self {
            Self::Priority => [0x60, 0],
            Self::Local => [0, 5],
            Self::Any(control) => control.to_be_bytes(),
        }
    }
}
