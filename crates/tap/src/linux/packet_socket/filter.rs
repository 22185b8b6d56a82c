//! Which frames the kernel is to copy for us.

use libc::{
    BPF_ABS, BPF_B, BPF_H, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W,
    sock_filter,
};

/// A whole frame.
const WHOLE_FRAME: u32 = u32::MAX;

/// Lets ARP pass: with no tag, with one or two, and in a length frame behind a SNAP header.
///
/// A socket bound to ARP's `EtherType` would not do: to one, the kernel hands over the ARP of every VLAN
/// without its tag, as if it had never had any. The outer tag is cut out already when this runs, unless it
/// lies within a further one.
pub(super) const ARP: [sock_filter; 11] = [
    load_u16(12),
    if_equal(0x0806, 8, 0),
    // A tag that is still in the frame: what it tags is four bytes further on.
    if_equal(0x8100, 4, 0),
    if_equal(0x88a8, 3, 0),
    // A length frame carries its type behind LLC and SNAP.
    if_greater(1_500, 4, 0),
    load_u16(20),
    if_equal(0x0806, 3, 2),
    load_u16(16),
    if_equal(0x0806, 1, 0),
    return_bytes(0),
    return_bytes(WHOLE_FRAME),
];

/// Lets pass what is sent to a station from `first` to `last`, or to a group of stations: what the kernel
/// beside us is sent is none of it.
pub(super) fn stations(first: [u8; 6], last: [u8; 6]) -> [sock_filter; 14] {
    let ((first_high, first_low), (last_high, last_low)) = (split(first), split(last));
    [
        load(BPF_B, 0),
        // The lowest bit of the first byte marks a group.
        jump(BPF_JSET, 1, 10, 0),
        load(BPF_H, 0),
        jump(BPF_JGT, last_high, 9, 0),
        jump(BPF_JGE, first_high, 0, 8),
        // Below the first one there may be others with the same two bytes, and above the last one.
        jump(BPF_JEQ, first_high, 0, 2),
        load(BPF_W, 2),
        jump(BPF_JGE, first_low, 0, 5),
        load(BPF_H, 0),
        jump(BPF_JEQ, last_high, 0, 2),
        load(BPF_W, 2),
        jump(BPF_JGT, last_low, 1, 0),
        return_bytes(WHOLE_FRAME),
        return_bytes(0),
    ]
}

/// The first two bytes of a hardware address and the other four, as a program compares them.
fn split([a, b, c, d, e, f]: [u8; 6]) -> (u32, u32) {
    (u32::from_be_bytes([0, 0, a, b]), u32::from_be_bytes([c, d, e, f]))
}

/// Takes the two bytes at this place; a frame that ends before them does not pass.
const fn load_u16(offset: u32) -> sock_filter {
    load(BPF_H, offset)
}

/// Takes as much as this size says from this place.
const fn load(size: u32, offset: u32) -> sock_filter {
    instruction(BPF_LD | size | BPF_ABS, 0, 0, offset)
}

/// Skips so many instructions if what was taken is `value`, so many others if it is not.
const fn if_equal(value: u32, then: u8, otherwise: u8) -> sock_filter {
    jump(BPF_JEQ, value, then, otherwise)
}

/// The same if it is greater.
const fn if_greater(value: u32, then: u8, otherwise: u8) -> sock_filter {
    jump(BPF_JGT, value, then, otherwise)
}

/// The same by another comparison of what was taken with `value`.
const fn jump(comparison: u32, value: u32, then: u8, otherwise: u8) -> sock_filter {
    instruction(BPF_JMP | comparison | BPF_K, then, otherwise, value)
}

/// Ends, with so many bytes of the frame.
const fn return_bytes(bytes: u32) -> sock_filter {
    instruction(BPF_RET | BPF_K, 0, 0, bytes)
}

const fn instruction(code: u32, jt: u8, jf: u8, k: u32) -> sock_filter {
    // All codes are below 256.
    let [low, high, ..] = code.to_le_bytes();
    sock_filter { code: u16::from_le_bytes([low, high]), jt, jf, k }
}

#[cfg(test)]
mod tests;
