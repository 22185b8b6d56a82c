//! Ethernet's headers as they lie on the wire.
//!
//! Every field is made of octets, so the structs have alignment 1 and no padding, and any octets of
//! the right length are a value of them. What may be believed of them, [`crate::EthernetFrame`] says.

use zerocopy::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::MacAddr;

/// The header of every Ethernet frame.
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
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |        type or length         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct EthernetHeader {
    /// Whom the frame is for.
    pub destination: MacAddr,
    /// Who sent it.
    pub source: MacAddr,
    /// An `EtherType` from 1,536 on, a length in octets up to 1,500.
    pub type_or_length: U16,
}

const _: () = assert!(size_of::<EthernetHeader>() == 14);

/// What follows a type of 0x8100 or 0x88a8: the tag's content, and the type that it pushed back.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | prio|d|        VLAN           |        type or length         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct VlanTagHeader {
    /// Priority, drop eligibility, VLAN identifier.
    pub control: U16,
    /// As in the Ethernet header.
    pub type_or_length: U16,
}

const _: () = assert!(size_of::<VlanTagHeader>() == 4);

/// The head of a length frame's payload when RFC 1042 applies: LLC and SNAP.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   DSAP  0xaa  |   SSAP  0xaa  |   UI   0x03   |     organi-   |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |        zation code  0         |           EtherType           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct SnapHeader {
    /// Destination and source service access point, and the control field: aa aa 03 is SNAP.
    pub llc: [u8; 3],
    /// Who gave the protocol its number; zero says that it is an `EtherType`.
    pub organization: [u8; 3],
    /// The protocol of the payload.
    pub ether_type: U16,
}

const _: () = assert!(size_of::<SnapHeader>() == 8);
