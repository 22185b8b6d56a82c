//! The IPv4 header as it lies on the wire.

use zerocopy::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// An IPv4 header without its options (RFC 791 3.1).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |Version|  IHL  |Type of Service|          Total Length         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |         Identification        |0|D|M|     Fragment Offset     |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  Time to Live |    Protocol   |        Header Checksum        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                         Source Address                        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                      Destination Address                      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// Any 20 octets are a value of it; what makes sense of them is [`crate::Datagram`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Ipv4Header {
    /// The version in the upper four bits, the header's length in words of four octets in the lower.
    pub version_and_length: u8,
    /// Type of service: today a DSCP (RFC 2474) and two bits of ECN (RFC 3168).
    pub type_of_service: u8,
    /// Octets of header and data.
    pub total_length: U16,
    /// Which fragments belong together.
    pub identification: U16,
    /// A reserved bit, "don't fragment", "more fragments", and the offset in units of eight octets.
    pub flags_and_offset: U16,
    /// How many more hops it may take.
    pub time_to_live: u8,
    /// The protocol of the data.
    pub protocol: u8,
    /// The checksum of the header, options included.
    pub checksum: U16,
    /// Who sent it.
    pub source: [u8; 4],
    /// Whom it is for.
    pub destination: [u8; 4],
}

const _: () = assert!(size_of::<Ipv4Header>() == 20);

impl Ipv4Header {
    /// "Don't fragment", in [`Ipv4Header::flags_and_offset`].
    pub const DONT_FRAGMENT: u16 = 0x4000;
    /// "More fragments", in [`Ipv4Header::flags_and_offset`].
    pub const MORE_FRAGMENTS: u16 = 0x2000;
    /// Where the offset is, in [`Ipv4Header::flags_and_offset`].
    pub const OFFSET: u16 = 0x1fff;
}
