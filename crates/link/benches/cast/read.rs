//! The yardstick for reading: bytes cast to packed structs, as C does it.

use link::{EtherType, LinkDropReason, MacAddr, VlanTag, VlanTags};

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen<'a> {
    pub(crate) destination: MacAddr,
    pub(crate) source: MacAddr,
    pub(crate) tags: VlanTags,
    pub(crate) ether_type: EtherType,
    pub(crate) payload: &'a [u8],
}

/// A struct that may be read from any bytes and written over any.
///
/// # Safety
///
/// It has no padding, and any bytes are a value of it.
pub(crate) unsafe trait AnyBytes: Copy {}

#[derive(Clone, Copy)]
#[repr(C, packed)]
struct Header {
    destination: [u8; 6],
    source: [u8; 6],
    type_or_length: u16,
}

#[derive(Clone, Copy)]
#[repr(C, packed)]
struct Tag {
    control: u16,
    type_or_length: u16,
}

#[derive(Clone, Copy)]
#[repr(C, packed)]
struct Snap {
    llc: [u8; 3],
    organization: [u8; 3],
    ether_type: u16,
}

// SAFETY: packed, and of integers alone.
unsafe impl AnyBytes for Header {}
// SAFETY: packed, and of integers alone.
unsafe impl AnyBytes for Tag {}
// SAFETY: packed, and of integers alone.
unsafe impl AnyBytes for Snap {}

/// The struct at the start of `bytes`, and what follows it.
pub(crate) fn read<T: AnyBytes>(bytes: &[u8]) -> Option<(T, &[u8])> {
    let rest = bytes.get(size_of::<T>()..)?;
    // SAFETY: there are as many bytes as the struct has, and any bytes are a value of it.
    let value = unsafe { bytes.as_ptr().cast::<T>().read_unaligned() };
    Some((value, rest))
}

pub(crate) fn parse(bytes: &[u8]) -> Result<Seen<'_>, LinkDropReason> {
    let (header, mut payload) = read::<Header>(bytes).ok_or(LinkDropReason::Truncated)?;
    let mut ether_type = EtherType(u16::from_be(header.type_or_length));
    let mut tags = VlanTags::None;
    while ether_type.is_tag() {
        let (next, rest) = read::<Tag>(payload).ok_or(LinkDropReason::TruncatedTag)?;
        let tag = VlanTag { protocol: ether_type, control: u16::from_be(next.control) };
        if tag.identifier() == VlanTag::RESERVED {
            return Err(LinkDropReason::ReservedVlan);
        }
        tags = match tags {
            VlanTags::None => VlanTags::One(tag),
            VlanTags::One(outer) => VlanTags::Two(outer, tag),
            VlanTags::Two(..) => return Err(LinkDropReason::TooManyTags),
        };
        ether_type = EtherType(u16::from_be(next.type_or_length));
        payload = rest;
    }
    if ether_type.0 < EtherType::FIRST {
        (ether_type, payload) = snap(ether_type.0, payload)?;
    }
    let (destination, source) = (header.destination.into(), header.source.into());
    Ok(Seen { destination, source, tags, ether_type, payload })
}

fn snap(length: u16, payload: &[u8]) -> Result<(EtherType, &[u8]), LinkDropReason> {
    if length > 1_500 {
        return Err(LinkDropReason::UndefinedType);
    }
    let payload = payload.get(..usize::from(length)).ok_or(LinkDropReason::LengthBeyondFrame)?;
    let (snap, payload) = read::<Snap>(payload).ok_or(LinkDropReason::NotSnap)?;
    if snap.llc != [0xaa, 0xaa, 3] || snap.organization != [0; 3] {
        return Err(LinkDropReason::NotSnap);
    }
    let ether_type = EtherType(u16::from_be(snap.ether_type));
    if ether_type.0 < EtherType::FIRST {
        Err(LinkDropReason::UndefinedType)
    } else {
        Ok((ether_type, payload))
    }
}
