//! The work that a device would do before a frame is on the wire. The segment carries the frames without this work.

use inet::checksum;
use tap::{Checksum, Offload};

/// Returns the length in bytes that a frame has on the wire: the length of its segments, each with the headers.
pub(crate) fn length_on_wire(length: usize, offload: Offload) -> u64 {
    let Some(segmentation) = offload.segmentation else { return to_u64(length) };
    let (header, size) = (u64::from(segmentation.header), u64::from(segmentation.size.max(1)));
    let payload = to_u64(length).saturating_sub(header);
    let segments = payload.div_ceil(size).max(1);
    to_u64(length) + (segments - 1) * header
}

/// Completes the checksum of a frame as a device does, so that the receiver must check it.
pub(crate) fn complete_checksum(frame: &mut [u8], offload: &mut Offload) {
    if let Checksum::Partial { start, offset } = offload.checksum {
        let covered = frame.get_mut(usize::from(start)..).unwrap_or_default();
        // In UDP, a checksum of zero means that the datagram has none (RFC 768).
        let sum = match checksum::of(covered) {
            0 => u16::MAX,
            sum => sum,
        };
        if let Some(field) = covered.get_mut(usize::from(offset)..).and_then(<[u8]>::first_chunk_mut) {
            *field = sum.to_be_bytes();
        }
    }
    offload.checksum = Checksum::None;
}

fn to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
