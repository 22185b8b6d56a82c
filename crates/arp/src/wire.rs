//! The ARP packet as it lies on the wire.

use link::MacAddr;
use zerocopy::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

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
