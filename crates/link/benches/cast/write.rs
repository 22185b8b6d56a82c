//! Baseline for writing: packed structs written over bytes, as in C.

use link::{EtherType, MacAddr, VlanId};

use super::read::AnyBytes;

#[derive(Clone, Copy)]
#[repr(C, packed)]
struct Header {
    destination: [u8; 6],
    source: [u8; 6],
    ether_type: u16,
}

#[derive(Clone, Copy)]
#[repr(C, packed)]
struct TaggedHeader {
    destination: [u8; 6],
    source: [u8; 6],
    protocol: u16,
    control: u16,
    ether_type: u16,
}

// SAFETY: the struct is packed and has only integer fields.
unsafe impl AnyBytes for Header {}
// SAFETY: the struct is packed and has only integer fields.
unsafe impl AnyBytes for TaggedHeader {}

pub(crate) fn write_header(
    bytes: &mut [u8],
    to: MacAddr,
    from: MacAddr,
    vlan: Option<VlanId>,
    ether_type: EtherType,
) -> Option<()> {
    let (destination, source, ether_type) = (to.bytes(), from.bytes(), ether_type.0.to_be());
    let Some(vlan) = vlan else {
        return write(bytes, Header { destination, source, ether_type });
    };
    let (protocol, control) = (EtherType::VLAN.0.to_be(), vlan.number().to_be());
    write(bytes, TaggedHeader { destination, source, protocol, control, ether_type })
}

/// Writes the struct to the start of `bytes`.
fn write<T: AnyBytes>(bytes: &mut [u8], value: T) -> Option<()> {
    let start = bytes.get_mut(..size_of::<T>())?.as_mut_ptr();
    // SAFETY: `start` points to at least the size of the struct, borrowed mutably, and the write is unaligned.
    unsafe { start.cast::<T>().write_unaligned(value) };
    Some(())
}
