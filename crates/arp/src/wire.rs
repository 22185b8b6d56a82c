//! The ARP packet as it lies on the wire.

use link::{EthernetHeader, MacAddr};
use zerocopy::network_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute_mut, transmute_ref};

use crate::Operation;

/// An ARP packet for Ethernet and IPv4 (RFC 826, "Packet format").
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |         hardware type         |         protocol type         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  hlen = 6     |  plen = 4     |           operation           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                              sha                              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |              sha              |              spa              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |              spa              |              tha              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                              tha                              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                              tpa                              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// Any 28 octets are a value of it; what makes sense of them is [`crate::Packet`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct ArpPacket {
    /// The hardware's address space, `ar$hrd`.
    pub hardware_type: U16,
    /// The protocol's address space, `ar$pro`: an `EtherType`.
    pub protocol_type: U16,
    /// Octets in a hardware address, `ar$hln`.
    pub hardware_length: u8,
    /// Octets in a protocol address, `ar$pln`.
    pub protocol_length: u8,
    /// What the packet is, `ar$op`.
    pub operation: U16,
    /// Sender hardware address, `ar$sha`.
    pub sender_hardware: MacAddr,
    /// Sender protocol address, `ar$spa`.
    pub sender_protocol: [u8; 4],
    /// Target hardware address, `ar$tha`.
    pub target_hardware: MacAddr,
    /// Target protocol address, `ar$tpa`.
    pub target_protocol: [u8; 4],
}

const _: () = assert!(size_of::<ArpPacket>() == 28);

/// An ARP packet right behind the Ethernet header: most frames that carry one.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                          destination                          |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |          destination          |            source             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                            source                             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+  <- signature
/// |       type = 0x0806           |      hardware type = 1        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |    protocol type = 0x0800     |   hlen = 6    |   plen = 4    |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+  <- its end
/// |           operation           |              sha              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                              sha                              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                              spa                              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                              tha                              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |              tha              |              tpa              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |              tpa              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// Any 42 octets are a value of it; what makes sense of them is [`crate::FrameView`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct ArpFrame {
    /// The frame's header.
    pub ethernet: EthernetHeader,
    /// Its payload.
    pub packet: ArpPacket,
}

const _: () = assert!(size_of::<ArpFrame>() == 42);

/// An [`ArpPacket`] with what is the same in every packet for Ethernet and IPv4 as one number.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct PacketOverlay {
    /// Six octets of fixed fields, and two of the operation.
    head: U64,
    addresses: [u8; 20],
}

/// An [`ArpFrame`] with what is the same in every one of them as one number.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct FrameOverlay {
    addresses: [u8; 12],
    signature: U64,
    rest: [u8; 22],
}

impl ArpPacket {
    /// Hardware type, protocol type and both lengths, as they stand on the wire.
    const FIXED: u64 = 0x0001_0800_0604;

    /// Whether it speaks of Ethernet and IPv4 addresses: four fields, compared at once.
    pub(crate) fn is_ethernet_and_ipv4(&self) -> bool {
        let PacketOverlay { head, addresses: _ } = transmute_ref!(self);
        head.get() >> 16 == Self::FIXED
    }

    /// Makes it a packet of this operation that speaks of Ethernet and IPv4 addresses: five fields,
    /// written at once.
    pub(crate) fn begin(&mut self, operation: Operation) {
        let PacketOverlay { head, addresses: _ } = transmute_mut!(self);
        head.set((Self::FIXED << 16) | u64::from(operation.0));
    }
}

impl ArpFrame {
    /// The type of ARP before what [`ArpPacket::FIXED`] holds.
    const SIGNATURE: u64 = (0x0806 << 48) | ArpPacket::FIXED;

    /// Whether it is what its name says: five fields, compared at once.
    pub(crate) fn is_ethernet_and_ipv4(&self) -> bool {
        let FrameOverlay { addresses: _, signature, rest: _ } = transmute_ref!(self);
        signature.get() == Self::SIGNATURE
    }
}
