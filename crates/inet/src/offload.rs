//! Work on transmitted frames that a device may do, in software: [`complete_checksum`] and [`FrameSegments`]. Captures
//! need [`completed_bytes`].

mod segments;

use std::borrow::Cow;

use tap::{Checksum, Frame};

use crate::checksum;

pub use self::segments::{FrameSegment, FrameSegments, SegmentationError};

/// Completes a [`Checksum::Partial`] of a frame. Does nothing with another state of the checksum, or if the checksum
/// field is not inside the frame.
///
/// ```
/// use inet::offload::complete_checksum;
/// use tap::Checksum;
///
/// // The checksum field contains the sum of a pseudo-header.
/// let mut frame = [0, 1, 0, 2, 0x12, 0x34];
/// complete_checksum(&mut frame, Checksum::Partial { start: 0, offset: 4 });
/// assert_eq!(frame, [0, 1, 0, 2, 0xed, 0xc8]);
/// ```
pub fn complete_checksum(frame: &mut [u8], checksum: Checksum) {
    let Checksum::Partial { start, offset } = checksum else { return };
    let covered = frame.get_mut(usize::from(start)..).unwrap_or_default();
    // In UDP, a checksum of zero means that the datagram has none (RFC 768). In TCP, both values are valid.
    let sum = match checksum::of(covered) {
        0 => u16::MAX,
        sum => sum,
    };
    if let Some(field) = covered.get_mut(usize::from(offset)..).and_then(<[u8]>::first_chunk_mut) {
        *field = sum.to_be_bytes();
    }
}

/// Returns the bytes of a frame with a complete checksum. Copies only a frame with a [`Checksum::Partial`].
pub fn completed_bytes(frame: &Frame) -> Cow<'_, [u8]> {
    let mut bytes = Cow::Borrowed(frame.bytes());
    let checksum = frame.offload().checksum;
    if matches!(checksum, Checksum::Partial { .. }) {
        complete_checksum(bytes.to_mut(), checksum);
    }
    bytes
}

#[cfg(test)]
mod tests;
