//! The header of the virtio specification (1.2, 5.1.6 "Device Operation") that a TAP puts in front of each frame.

use crate::{Checksum, Offload, Segmentation, SegmentationKind};

/// Length of the header, in bytes.
pub(super) const LENGTH: usize = 10;

/// Flag: the checksum is incomplete.
const NEEDS_CSUM: u8 = 1;
/// Flag: the checksum was verified.
const DATA_VALID: u8 = 2;

/// Types of segmentation, and the flag of a TCP segment with CWR.
const GSO_NONE: u8 = 0;
const GSO_TCP_V4: u8 = 1;
const GSO_TCP_V6: u8 = 4;
const GSO_UDP_L4: u8 = 5;
const GSO_ECN: u8 = 0x80;

/// Returns the header of a frame of `length` bytes.
#[inline]
pub(super) fn encode(offload: Offload, length: usize) -> [u8; LENGTH] {
    let (flags, start, offset) = match offload.checksum {
        Checksum::Partial { start, offset } => (NEEDS_CSUM, start, offset),
        Checksum::None | Checksum::Verified => (0, 0, 0),
    };
    // The kernel refuses segmentation of a frame with one segment.
    let segmentation = offload
        .segmentation
        .filter(|segmentation| length > usize::from(segmentation.header) + usize::from(segmentation.size));
    let (kind, size, header) = match segmentation {
        Some(Segmentation { kind, size, header, cwr }) => {
            let kind = match kind {
                SegmentationKind::TcpV4 => GSO_TCP_V4,
                SegmentationKind::TcpV6 => GSO_TCP_V6,
                SegmentationKind::Udp => GSO_UDP_L4,
            };
            (if cwr { kind | GSO_ECN } else { kind }, size, header)
        }
        None => (GSO_NONE, 0, 0),
    };
    let [[a, b], [c, d], [e, f], [g, h]] = [header, size, start, offset].map(u16::to_le_bytes);
    [flags, kind, a, b, c, d, e, f, g, h]
}

/// Returns the state of a received frame.
#[inline]
pub(super) fn decode([flags, kind, a, b, c, d, e, f, g, h]: [u8; LENGTH]) -> Offload {
    let [header, size, start, offset] = [[a, b], [c, d], [e, f], [g, h]].map(u16::from_le_bytes);
    let checksum = if flags & NEEDS_CSUM != 0 {
        Checksum::Partial { start, offset }
    } else if flags & DATA_VALID != 0 {
        Checksum::Verified
    } else {
        Checksum::None
    };
    let cwr = kind & GSO_ECN != 0;
    let kind = match kind & !GSO_ECN {
        GSO_TCP_V4 => Some(SegmentationKind::TcpV4),
        GSO_TCP_V6 => Some(SegmentationKind::TcpV6),
        GSO_UDP_L4 => Some(SegmentationKind::Udp),
        _ => None,
    };
    Offload { checksum, segmentation: kind.map(|kind| Segmentation { kind, size, header, cwr }) }
}

#[cfg(test)]
mod tests;
