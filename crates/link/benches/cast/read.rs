//! Baseline for reading: bytes cast to packed structs, as in C.

use link::{EtherType, LinkDropReason, MacAddr, VlanTag, VlanTags};

/// Parsed fields of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fields<'a> {
    pub(crate) destination: MacAddr,
    pub(crate) source: MacAddr,
    pub(crate) tags: VlanTags,
    pub(crate) ether_type: EtherType,
    pub(crate) payload: &'a [u8],
}

/// Struct that can be read from any bytes and written over any bytes.
///
/// # Safety
///
/// The struct has no padding, and any bytes are a valid value of it.
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

// SAFETY: the struct is packed and has only integer fields.
unsafe impl AnyBytes for Header {}
// SAFETY: the struct is packed and has only integer fields.
unsafe impl AnyBytes for Tag {}
// SAFETY: the struct is packed and has only integer fields.
unsafe impl AnyBytes for Snap {}

/// Reads the struct at the start of `bytes`. Returns the struct and the bytes after the struct.
pub(crate) fn read<T: AnyBytes>(bytes: &[u8]) -> Option<(T, &[u8])> {
    let rest = bytes.get(size_of::<T>()..)?;
    // SAFETY: `bytes` has at least the struct's size, any bytes are a valid value of it, and the read is unaligned.
    let value = unsafe { bytes.as_ptr().cast::<T>().read_unaligned() };
    Some((value, rest))
}

pub(crate) fn parse(bytes: &[u8]) -> Result<Fields<'_>, LinkDropReason> {
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
    Ok(Fields { destination, source, tags, ether_type, payload })
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
