//! The Internet checksum.

/// Protocol number of UDP.
pub(crate) const UDP: u8 = 17;
/// Protocol number of TCP.
pub(crate) const TCP: u8 = 6;

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

/// Completes the UDP or TCP checksum of a frame as a network card does: the checksum field has the sum of the
/// pseudo-header. Frames of other protocols are not changed.
pub(crate) fn complete_transport_checksum(frame: &mut [u8]) {
    let Some(datagram) = frame.get_mut(14..) else { return };
    let [version_and_length, _, t, l, _, _, _, _, _, protocol, ..] = *datagram else { return };
    let field = match protocol {
        UDP => 6..8,
        TCP => 16..18,
        _ => return,
    };
    let header = usize::from(version_and_length & 0x0f) * 4;
    let Some(message) = datagram.get_mut(header..usize::from(u16::from_be_bytes([t, l]))) else { return };
    let sum = checksum(message);
    if let Some(field) = message.get_mut(field) {
        // Zero means that a UDP datagram has no checksum.
        let sum = if sum == 0 && protocol == UDP { u16::MAX } else { sum };
        field.copy_from_slice(&sum.to_be_bytes());
    }
}
