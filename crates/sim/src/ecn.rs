//! Explicit congestion notification (RFC 3168) in the header of an IPv4 datagram.

use inet::checksum;
use link::{EtherType, EthernetFrame};

/// Mask of the ECN field in the type of service.
const FIELD: u8 = 0b11;
/// The sender does not support ECN.
const NOT_ECT: u8 = 0b00;
/// Congestion experienced.
const CE: u8 = 0b11;

/// Marks the IPv4 datagram of a frame with congestion experienced, and updates the checksum of its header. Returns whether
/// the frame was changed: its sender supports ECN, and the datagram had no mark.
pub(crate) fn mark(frame: &mut [u8]) -> bool {
    let Some(header) = header_mut(frame) else { return false };
    let [version, type_of_service, .., high, low] = header;
    let before = *type_of_service;
    if matches!(before & FIELD, NOT_ECT | CE) {
        return false;
    }
    *type_of_service |= CE;
    let word = |type_of_service| u16::from_be_bytes([*version, type_of_service]);
    let sum = u16::from_be_bytes([*high, *low]);
    [*high, *low] = checksum::update(sum, word(before), word(before | CE)).to_be_bytes();
    true
}

/// Returns the IPv4 header of a frame up to its checksum.
fn header_mut(frame: &mut [u8]) -> Option<&mut [u8; 12]> {
    let parsed = EthernetFrame::parse(frame).ok()?;
    let offset = (parsed.ether_type() == EtherType::IPV4).then(|| parsed.payload_offset())?;
    let header = frame.get_mut(offset..)?.first_chunk_mut::<12>()?;
    let [version_and_length, ..] = header;
    (*version_and_length >> 4 == 4).then_some(header)
}

#[cfg(test)]
mod tests;
