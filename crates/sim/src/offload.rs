//! The work that a device does before a frame is on the wire.

use inet::offload::{self, FrameSegments};
use tap::{Checksum, Offload};

/// Returns the length in bytes that a frame has on the wire: the length of its segments, each with the headers.
pub(crate) fn length_on_wire(length: usize, offload: Offload) -> u64 {
    let Some(segmentation) = offload.segmentation else { return to_u64(length) };
    let additional = to_u64(segmentation.segments(length) - 1);
    to_u64(length) + additional * u64::from(segmentation.header)
}

/// Completes the checksum of a frame as a device does, so that the receiver must check it.
pub(crate) fn complete_checksum(frame: &mut [u8], offload: &mut Offload) {
    offload::complete_checksum(frame, offload.checksum);
    offload.checksum = Checksum::None;
}

/// Returns the frames that a network card sends for a frame: its segments, with complete checksums. Returns `None` if the
/// frame cannot be cut into its segments.
pub(crate) fn cut(mut frame: Vec<u8>, mut offload: Offload) -> Option<Vec<Vec<u8>>> {
    let Some(segmentation) = offload.segmentation else {
        complete_checksum(&mut frame, &mut offload);
        return Some(vec![frame]);
    };
    let segments = FrameSegments::new(&frame, segmentation).ok()?;
    let segments = segments.map(|segment| {
        let mut bytes = vec![0; segment.len()];
        segment.write_to(&mut bytes).ok()?;
        Some(bytes)
    });
    segments.collect()
}

fn to_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
