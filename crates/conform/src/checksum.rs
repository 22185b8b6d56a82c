//! The Internet checksum.

/// Protocol number of UDP.
pub(crate) const UDP: u8 = 17;

/// Returns the Internet checksum (RFC 1071).
pub(crate) fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|word| match *word {
        [high, low] => u32::from(u16::from_be_bytes([high, low])),
        [high] => u32::from(high) << 8,
        _ => 0,
    });
    let sum = words.sum::<u32>();
    let folded = (sum & 0xffff) + (sum >> 16);
    let [.., high, low] = (!((folded & 0xffff) + (folded >> 16))).to_be_bytes();
    u16::from_be_bytes([high, low])
}

/// Completes the UDP checksum of a frame as a network card does: the checksum field has the sum of the pseudo-header.
/// Frames of other protocols are not changed.
pub(crate) fn complete_udp_checksum(frame: &mut [u8]) {
    let Some(datagram) = frame.get_mut(14..) else { return };
    let [version_and_length, _, t, l, _, _, _, _, _, UDP, ..] = *datagram else { return };
    let header = usize::from(version_and_length & 0x0f) * 4;
    let Some(udp) = datagram.get_mut(header..usize::from(u16::from_be_bytes([t, l]))) else { return };
    let sum = checksum(udp);
    if let Some(field) = udp.get_mut(6..8) {
        field.copy_from_slice(&if sum == 0 { u16::MAX } else { sum }.to_be_bytes());
    }
}
