//! BPF filters: the frames that the kernel copies to a socket.

use libc::{
    BPF_ABS, BPF_B, BPF_H, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W,
    sock_filter,
};

/// Return value that passes a whole frame.
const WHOLE_FRAME: u32 = u32::MAX;

/// Accepts ARP: untagged, with one or two tags, and in a length frame after a SNAP header.
///
/// A socket bound to ARP's `EtherType` is not an alternative: the kernel delivers the ARP frames of all VLANs to such a
/// socket, without their tags. When the filter runs, the kernel has already removed the outer tag, but an inner tag is
/// still in the frame.
pub(super) const ARP: [sock_filter; 11] = [
    load_u16(12),
    if_equal(0x0806, 8, 0),
    // After a tag that is still in the frame, the EtherType is four bytes further on.
    if_equal(0x8100, 4, 0),
    if_equal(0x88a8, 3, 0),
    // A length frame has its EtherType in the SNAP header.
    if_greater(1_500, 4, 0),
    load_u16(20),
    if_equal(0x0806, 3, 2),
    load_u16(16),
    if_equal(0x0806, 1, 0),
    return_bytes(0),
    return_bytes(WHOLE_FRAME),
];

/// Accepts frames to the MAC addresses from `first` to `last` and to groups. Drops all other frames, for example frames
/// to the kernel's own MAC address.
pub(super) fn stations(first: [u8; 6], last: [u8; 6]) -> [sock_filter; 14] {
    let ((first_high, first_low), (last_high, last_low)) = (split(first), split(last));
    [
        load(BPF_B, 0),
        // The lowest bit of the first byte marks a group.
        jump(BPF_JSET, 1, 10, 0),
        load(BPF_H, 0),
        jump(BPF_JGT, last_high, 9, 0),
        jump(BPF_JGE, first_high, 0, 8),
        // Addresses below `first` and addresses above `last` may have the same first two bytes.
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

/// Splits a MAC address into its first two bytes and its other four bytes, which the program compares separately.
fn split([a, b, c, d, e, f]: [u8; 6]) -> (u32, u32) {
    (u32::from_be_bytes([0, 0, a, b]), u32::from_be_bytes([c, d, e, f]))
}

/// Loads the two bytes at this offset. A frame that is too short does not pass.
const fn load_u16(offset: u32) -> sock_filter {
    load(BPF_H, offset)
}

/// Loads a number of this size (`BPF_B`, `BPF_H`, `BPF_W`) at this offset.
const fn load(size: u32, offset: u32) -> sock_filter {
    instruction(BPF_LD | size | BPF_ABS, 0, 0, offset)
}

/// Skips `then` instructions if the loaded number equals `value`, and `otherwise` instructions if not.
const fn if_equal(value: u32, then: u8, otherwise: u8) -> sock_filter {
    jump(BPF_JEQ, value, then, otherwise)
}

/// Skips `then` instructions if the loaded number is greater than `value`, and `otherwise` instructions if not.
const fn if_greater(value: u32, then: u8, otherwise: u8) -> sock_filter {
    jump(BPF_JGT, value, then, otherwise)
}

/// Compares the loaded number with `value`, and skips `then` or `otherwise` instructions.
const fn jump(comparison: u32, value: u32, then: u8, otherwise: u8) -> sock_filter {
    instruction(BPF_JMP | comparison | BPF_K, then, otherwise, value)
}

/// Ends the program and passes this many bytes of the frame. 0 drops the frame.
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
