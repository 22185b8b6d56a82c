//! UDP datagrams that a device transmits together, as one frame with several segments.
//!
//! The datagrams differ only in their data, in the fields that depend on it, and in their identification. The
//! identification has no meaning, because the datagrams must not be fragmented (RFC 6864 4.1). The device writes all
//! these fields when it cuts the frame into the datagrams.

use crate::{Checksum, Frame, Offload, Segmentation, SegmentationKind};

/// Length in bytes of an IPv4 header without options.
const IPV4: usize = 20;
/// Length in bytes of a UDP header.
const UDP: usize = 8;
/// Maximum length in bytes of the headers: Ethernet with two VLAN tags, IPv4 and UDP.
const MAX_HEADERS: usize = 22 + IPV4 + UDP;
/// Maximum length in bytes of the data: that of the longest IPv4 datagram, less a margin for headers that the kernel adds.
const MAX_DATA: usize = 65_535 - 256 - IPV4 - UDP;

/// Maximum number of datagrams in a frame: the limit of the kernel since UDP segmentation exists.
pub(crate) const MAX_DATAGRAMS: usize = 64;

/// Positions in the headers of a datagram, in bytes from their end.
mod from_end {
    use super::{IPV4, UDP};

    pub(super) const TOTAL_LENGTH: usize = IPV4 + UDP - 2;
    pub(super) const FLAGS: usize = IPV4 + UDP - 6;
    pub(super) const HEADER_CHECKSUM: usize = IPV4 + UDP - 10;
    pub(super) const ADDRESSES: usize = IPV4 + UDP - 12;
    pub(super) const UDP_LENGTH: usize = 4;
    pub(super) const UDP_CHECKSUM: usize = 2;
}

/// The headers of a frame with several datagrams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JoinedHeaders {
    bytes: [u8; MAX_HEADERS],
    length: usize,
    /// Work of the device.
    pub(crate) offload: Offload,
}

impl JoinedHeaders {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// A datagram that may be joined with others.
#[derive(Clone, Copy)]
struct Datagram<'a> {
    headers: &'a [u8],
    data: usize,
}

impl Datagram<'_> {
    #[inline]
    fn of(frame: &Frame) -> Option<Datagram<'_>> {
        let offload = frame.offload();
        let Some(Segmentation { kind: SegmentationKind::Udp, size, header, .. }) = offload.segmentation
        else {
            return None;
        };
        let Checksum::Partial { start, offset: 6 } = offload.checksum else { return None };
        let header = usize::from(header);
        let is_valid = header == usize::from(start) + UDP && header <= MAX_HEADERS;
        let headers = frame.bytes().get(..header).filter(|_| is_valid)?;
        // Version 4, and a header without options.
        let is_plain = headers.get(header.checked_sub(IPV4 + UDP)?) == Some(&0x45);
        let data = frame.len() - header;
        (is_plain && data > 0 && data == usize::from(size)).then_some(Datagram { headers, data })
    }

    /// Returns whether another datagram has the same values in all fields that the device does not write.
    #[inline]
    fn has_headers_of(&self, other: &Datagram<'_>) -> bool {
        self.fixed_fields().is_some_and(|fields| Some(fields) == other.fixed_fields())
    }

    /// Returns the fields that the device does not write: up to the total length; flags, time to live and protocol;
    /// addresses and ports.
    #[inline]
    fn fixed_fields(&self) -> Option<(&[u8], &[u8; 4], &[u8; 12])> {
        let end = self.headers.len();
        let flags = self.headers.get(end - from_end::FLAGS..)?.first_chunk()?;
        let addresses = self.headers.get(end - from_end::ADDRESSES..)?.first_chunk()?;
        Some((self.headers.get(..end - from_end::TOTAL_LENGTH)?, flags, addresses))
    }
}

/// Returns the number of frames at the start of `frames` that a device can transmit as one frame: at least one, unless
/// there are no frames.
#[inline]
pub(crate) fn run_length<'a>(frames: impl IntoIterator<Item = &'a Frame>) -> usize {
    let mut frames = frames.into_iter();
    let Some(first) = frames.next() else { return 0 };
    let Some(first) = Datagram::of(first) else { return 1 };
    let (mut count, mut data) = (1, first.data);
    for frame in frames.take(MAX_DATAGRAMS - 1) {
        let Some(next) = Datagram::of(frame) else { break };
        data += next.data;
        if next.data > first.data || data > MAX_DATA || !next.has_headers_of(&first) {
            break;
        }
        count += 1;
        // Only the last segment may be shorter.
        if next.data < first.data {
            break;
        }
    }
    count
}

/// Returns the headers of a frame with the data of several datagrams, `more` bytes more than that of the first.
///
/// The result is `None` if the first frame is no such datagram, see [`run_length`].
#[inline]
pub(crate) fn headers(first: &Frame, more: usize) -> Option<JoinedHeaders> {
    let Datagram { headers, .. } = Datagram::of(first)?;
    let (length, more) = (headers.len(), u16::try_from(more).ok()?);
    let mut bytes = [0; MAX_HEADERS];
    bytes.get_mut(..length)?.copy_from_slice(headers);
    let mut change = |from_end: usize, change: fn(u16, u16) -> u16| {
        let field = bytes.get_mut(length.checked_sub(from_end)?..)?.first_chunk_mut::<2>()?;
        *field = change(u16::from_be_bytes(*field), more).to_be_bytes();
        Some(())
    };
    change(from_end::TOTAL_LENGTH, u16::wrapping_add)?;
    change(from_end::UDP_LENGTH, u16::wrapping_add)?;
    // The sum of the header grows with the length, and its checksum is the complement (RFC 1624 3, equation 3).
    change(from_end::HEADER_CHECKSUM, |checksum, more| !add(!checksum, more))?;
    // The partial checksum is the sum of the pseudo-header.
    change(from_end::UDP_CHECKSUM, add)?;
    Some(JoinedHeaders { bytes, length, offload: first.offload() })
}

/// Adds two words in one's complement.
fn add(a: u16, b: u16) -> u16 {
    let (sum, has_carry) = a.overflowing_add(b);
    sum.wrapping_add(has_carry.into())
}

#[cfg(test)]
mod tests;
