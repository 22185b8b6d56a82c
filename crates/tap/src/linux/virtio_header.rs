//! The header of the virtio specification (1.2, 5.1.6 "Device Operation") in front of each frame.
//!
//! The fields have the byte order of the machine, as without negotiation between the kernel and the program.

use std::io::{self, IoSlice};

use nix::errno::Errno;

use crate::{Batch, Checksum, Frame, Offload, Segmentation, SegmentationKind, joined};

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
    // A frame with one segment needs no segmentation.
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
    let [[a, b], [c, d], [e, f], [g, h]] = [header, size, start, offset].map(u16::to_ne_bytes);
    [flags, kind, a, b, c, d, e, f, g, h]
}

/// Sets the state of a received frame from its header.
#[inline]
pub(super) fn apply_to(frame: &mut Frame, header: [u8; LENGTH]) {
    let mut offload = decode(header);
    if let Some(segmentation) = &mut offload.segmentation {
        segmentation.header = headers_of(frame.bytes(), *segmentation, offload.checksum);
    }
    frame.set_offload(offload);
}

/// Returns the state that a header describes.
#[inline]
fn decode([flags, kind, a, b, c, d, e, f, g, h]: [u8; LENGTH]) -> Offload {
    let [header, size, start, offset] = [[a, b], [c, d], [e, f], [g, h]].map(u16::from_ne_bytes);
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

/// Returns the length in bytes of the headers of a received frame.
///
/// The kernel gives only a hint: the bytes of its first buffer, which may have all data. The headers end with that of the
/// transport, which the incomplete checksum covers. Without an incomplete checksum, a hint that is too long counts as 0.
fn headers_of(bytes: &[u8], segmentation: Segmentation, checksum: Checksum) -> u16 {
    /// Position of the length of a TCP header, in words of 4 bytes, in the upper half of a byte.
    const DATA_OFFSET: usize = 12;
    /// Maximum length in bytes: Ethernet with two VLAN tags, IPv4 and TCP with all options.
    const MAX_HEADERS: u16 = 22 + 60 + 60;
    let Checksum::Partial { start, .. } = checksum else {
        return if segmentation.header <= MAX_HEADERS { segmentation.header } else { 0 };
    };
    let transport = match segmentation.kind {
        SegmentationKind::Udp => 8,
        SegmentationKind::TcpV4 | SegmentationKind::TcpV6 => {
            let length = bytes.get(usize::from(start) + DATA_OFFSET).copied().unwrap_or_default();
            u16::from(length >> 4) * 4
        }
    };
    start.saturating_add(transport)
}

/// File descriptor that writes frames behind their headers.
pub(super) trait HeaderFile {
    /// Writes a header and its frame.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Writes a header and the parts of its frame.
    fn write_parts(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize>;
}

/// Writes frames at the front of a batch that is not empty, with one header: all frames that can be joined, if `joins`.
/// Returns the number of these frames with the result of the call.
///
/// `joins` becomes false if the kernel refuses joined frames, as before Linux 6.2.
pub(super) fn transmit(
    file: &mut impl HeaderFile,
    frames: &mut Batch,
    joins: &mut bool,
) -> (usize, io::Result<usize>) {
    let count = if *joins { joined::run_length(frames.iter()) } else { 1 };
    if count > 1 {
        match write_joined(file, frames, count) {
            Some(Err(error)) if error.raw_os_error().map(Errno::from_raw) == Some(Errno::EINVAL) => {
                *joins = false;
            }
            Some(result) => return (count, result),
            None => {}
        }
    }
    let Some(frame) = frames.front_mut() else { return (1, Ok(0)) };
    let header = encode(frame.offload(), frame.len());
    let result = match frame.with_header(header) {
        Some(all) => file.write(all),
        None => file.write_parts(&[IoSlice::new(&header), IoSlice::new(frame.bytes())]),
    };
    (1, result)
}

/// Writes the first `count` frames as one frame with several segments.
fn write_joined(file: &mut impl HeaderFile, frames: &Batch, count: usize) -> Option<io::Result<usize>> {
    let first = frames.front()?;
    let header_length = usize::from(first.offload().segmentation?.header);
    let data = |frame: &'_ Frame| frame.len().saturating_sub(header_length);
    let more = frames.iter().take(count).skip(1).map(data).sum();
    let headers = joined::headers(first, more)?;
    let header = encode(headers.offload, headers.bytes().len() + data(first) + more);
    let mut parts = [IoSlice::new(&[]); joined::MAX_DATAGRAMS + 2];
    let (start, segments) = parts.split_first_chunk_mut()?;
    *start = [IoSlice::new(&header), IoSlice::new(headers.bytes())];
    for (part, frame) in segments.iter_mut().zip(frames.iter().take(count)) {
        *part = IoSlice::new(frame.bytes().get(header_length..).unwrap_or_default());
    }
    Some(file.write_parts(parts.get(..count + 2)?))
}

#[cfg(test)]
mod tests;
