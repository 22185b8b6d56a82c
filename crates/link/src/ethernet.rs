//! Ethernet frames: header layouts and the parsed frame.

use zerocopy::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::{EtherType, LinkDropReason, MacAddr, VlanTag};

/// Header of an Ethernet frame: 14 bytes.
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
    /// Destination MAC address.
    pub destination: MacAddr,
    /// Source MAC address.
    pub source: MacAddr,
    /// `EtherType` if at least 1,536, payload length in bytes if at most 1,500 (IEEE 802.3 3.2.6).
    pub type_or_length: U16,
}

const _: () = assert!(size_of::<EthernetHeader>() == 14);

/// Rest of a VLAN tag, after its `EtherType` of 0x8100 or 0x88a8, and the type or length field that follows: 4 bytes.
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
    /// Priority (3 bits), drop eligibility (1 bit), VLAN identifier (12 bits).
    pub control: U16,
    /// Type or length, as in [`EthernetHeader`].
    pub type_or_length: U16,
}

const _: () = assert!(size_of::<VlanTagHeader>() == 4);

/// LLC and SNAP header at the start of a length frame's payload (RFC 1042): 8 bytes.
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
    /// Destination service access point, source service access point, and control field. SNAP has aa aa 03.
    pub llc: [u8; 3],
    /// Organization that assigned the protocol number. Zero means that the number is an `EtherType`.
    pub organization: [u8; 3],
    /// The protocol of the payload.
    pub ether_type: U16,
}

const _: () = assert!(size_of::<SnapHeader>() == 8);

/// Parsed Ethernet frame that borrows its bytes.
///
/// The payload of an Ethernet II frame may end with padding, which only the payload's protocol can detect. The length
/// field of a length frame determines the end of its payload.
#[derive(Clone, Copy, Debug)]
pub struct EthernetFrame<'a> {
    header: &'a EthernetHeader,
    tags: VlanTags,
    encapsulation: Encapsulation,
    ether_type: EtherType,
    payload: &'a [u8],
    offset: usize,
}

/// VLAN tags of a frame, outermost first. Frames with more than two tags are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VlanTags {
    /// No tag.
    None,
    /// One tag.
    One(VlanTag),
    /// Two stacked tags, outer and inner.
    Two(VlanTag, VlanTag),
}

/// Encapsulation of the payload: where the frame names its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encapsulation {
    /// The type field of the header names the protocol (Ethernet II, RFC 894).
    Type,
    /// A SNAP header after the length field names the protocol (IEEE 802.3, RFC 1042).
    Snap,
}

impl<'a> EthernetFrame<'a> {
    /// Parses a frame that starts with its destination address and has no frame check sequence.
    // Inlined across crates: otherwise the result is passed through memory.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<EthernetFrame<'a>, LinkDropReason> {
        // spec: ethernet-unpadded, truncated
        let (header, payload) =
            EthernetHeader::ref_from_prefix(bytes).map_err(|_| LinkDropReason::Truncated)?;
        let plain = EthernetFrame::plain(header, EtherType(header.type_or_length.get()), payload);
        if plain.is_typed() { Ok(plain) } else { plain.untag()?.typed() }
    }

    /// Returns the frame of a header, with its type field already read as `ether_type`.
    ///
    /// Returns `None` if `ether_type` is a length or announces a tag. The frame must then be parsed.
    #[inline]
    pub fn of_type(
        header: &'a EthernetHeader,
        ether_type: EtherType,
        payload: &'a [u8],
    ) -> Option<EthernetFrame<'a>> {
        Some(EthernetFrame::plain(header, ether_type, payload)).filter(EthernetFrame::is_typed)
    }

    fn plain(header: &'a EthernetHeader, ether_type: EtherType, payload: &'a [u8]) -> EthernetFrame<'a> {
        EthernetFrame {
            header,
            tags: VlanTags::None,
            encapsulation: Encapsulation::Type,
            ether_type,
            payload,
            offset: size_of::<EthernetHeader>(),
        }
    }

    /// Returns whether the type field names the protocol of the payload directly.
    fn is_typed(&self) -> bool {
        // spec: ethernet-type, ethernet-rfc894
        self.ether_type.0 >= EtherType::FIRST && !self.ether_type.is_tag()
    }

    /// Parses and skips the tags.
    fn untag(mut self) -> Result<Self, LinkDropReason> {
        // spec: ethernet-tags
        while self.ether_type.is_tag() {
            let (next, payload) =
                VlanTagHeader::ref_from_prefix(self.payload).map_err(|_| LinkDropReason::TruncatedTag)?;
            let tag = VlanTag { protocol: self.ether_type, control: next.control.get() };
            // spec: ethernet-reserved-vlan
            if tag.identifier() == VlanTag::RESERVED {
                return Err(LinkDropReason::ReservedVlan);
            }
            self.tags = match self.tags {
                VlanTags::None => VlanTags::One(tag),
                VlanTags::One(outer) => VlanTags::Two(outer, tag),
                VlanTags::Two(..) => return Err(LinkDropReason::TooManyTags),
            };
            self.ether_type = EtherType(next.type_or_length.get());
            self.payload = payload;
            self.offset += size_of::<VlanTagHeader>();
        }
        Ok(self)
    }

    /// Interprets the type or length field (IEEE 802.3 3.2.6).
    fn typed(self) -> Result<Self, LinkDropReason> {
        match self.ether_type.0 {
            // spec: ethernet-type
            EtherType::FIRST.. => Ok(self),
            // spec: ethernet-length
            length @ ..=1_500 => self.snap(usize::from(length)),
            // spec: ethernet-undefined
            _ => Err(LinkDropReason::UndefinedType),
        }
    }

    /// Parses the SNAP header in a payload of `length` bytes (RFC 1042).
    fn snap(self, length: usize) -> Result<Self, LinkDropReason> {
        // spec: ethernet-length-ends, ethernet-length-beyond
        let payload = self.payload.get(..length).ok_or(LinkDropReason::LengthBeyondFrame)?;
        let (snap, payload) = SnapHeader::ref_from_prefix(payload).map_err(|_| LinkDropReason::NotSnap)?;
        // spec: ethernet-rfc1042
        if snap.llc != [0xaa, 0xaa, 0x03] || snap.organization != [0; 3] {
            return Err(LinkDropReason::NotSnap);
        }
        let ether_type = EtherType(snap.ether_type.get());
        if ether_type.0 < EtherType::FIRST {
            return Err(LinkDropReason::UndefinedType);
        }
        Ok(EthernetFrame {
            encapsulation: Encapsulation::Snap,
            ether_type,
            payload,
            offset: self.offset + size_of::<SnapHeader>(),
            ..self
        })
    }

    /// Returns the destination MAC address.
    pub fn destination(&self) -> MacAddr {
        self.header.destination
    }

    /// Returns the source MAC address.
    pub fn source(&self) -> MacAddr {
        self.header.source
    }

    /// Returns the VLAN tags.
    pub fn tags(&self) -> VlanTags {
        self.tags
    }

    /// Returns the encapsulation of the payload.
    pub fn encapsulation(&self) -> Encapsulation {
        self.encapsulation
    }

    /// Returns the protocol of the payload.
    pub fn ether_type(&self) -> EtherType {
        self.ether_type
    }

    /// Returns the payload.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Returns the offset of the payload in the frame, in bytes.
    pub fn payload_offset(&self) -> usize {
        self.offset
    }
}

impl VlanTags {
    /// Returns the tags in order.
    pub fn iter(self) -> impl Iterator<Item = VlanTag> {
        let (outer, inner) = match self {
            Self::None => (None, None),
            Self::One(tag) => (Some(tag), None),
            Self::Two(outer, inner) => (Some(outer), Some(inner)),
        };
        outer.into_iter().chain(inner)
    }
}

#[cfg(test)]
mod tests;
