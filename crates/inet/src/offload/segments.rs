//! The segments of a frame that is longer than the MTU.

use std::fmt;

use tap::{Checksum, OutOfSpace, Segmentation, SegmentationKind};

use super::complete_checksum;
use crate::IpProtocol;
use crate::checksum::{self, Sum};

/// Length in bytes of an IPv4 header or a TCP header without options.
const HEADER: usize = 20;

/// The segments of a frame with [`Segmentation`], in order. A segment is a frame with the headers of the whole frame,
/// and up to [`Segmentation::size`] bytes of its text.
///
/// [`FrameSegment::write_to`] writes a segment with its checksums, as the Linux kernel does:
///
/// - IPv4: the total length is that of the segment, and the identification increases by one in each segment.
/// - TCP: the sequence number increases by the length of the text. Only the last segment has the flags FIN and PSH, and
///   only the first segment has the flag CWR.
/// - UDP: the length is that of the segment.
///
/// The checksums of the whole frame are not read. A frame without text has one segment. Up to two VLAN tags are
/// supported. Bytes after the IPv4 datagram are padding, which belongs to no segment.
///
/// ```
/// use inet::offload::FrameSegments;
/// use tap::{Segmentation, SegmentationKind};
///
/// // An Ethernet header, an IPv4 header, a UDP header, and five bytes of text.
/// let mut frame = vec![0; 12];
/// frame.extend([8, 0, 0x45, 0, 0, 33, 0, 7, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
/// frame.extend([0, 1, 0, 2, 0, 13, 0, 0]);
/// frame.extend(b"hello");
/// let segmentation = Segmentation { kind: SegmentationKind::Udp, size: 3, header: 42, cwr: false };
/// let mut texts = Vec::new();
/// for segment in FrameSegments::new(&frame, segmentation)? {
///     let mut bytes = vec![0; segment.len()];
///     segment.write_to(&mut bytes)?;
///     texts.push(bytes.split_off(42));
/// }
/// assert_eq!(texts, [&b"hel"[..], b"lo"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FrameSegments<'a> {
    layout: Layout<'a>,
    size: usize,
    /// The text that is not yet in a segment. `None` after the last segment.
    text: Option<&'a [u8]>,
    next: Place,
}

/// One of the [`FrameSegments`] of a frame.
#[derive(Clone, Copy, Debug)]
pub struct FrameSegment<'a> {
    layout: Layout<'a>,
    text: &'a [u8],
    place: Place,
    is_last: bool,
}

/// The headers of a frame.
#[derive(Clone, Copy, Debug)]
struct Layout<'a> {
    /// All headers, from the start of the frame.
    headers: &'a [u8],
    /// Position of the IPv4 header.
    ipv4: usize,
    /// Position of the TCP or UDP header.
    transport: usize,
    protocol: IpProtocol,
}

/// The place of a segment in the whole frame.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Number of earlier segments, modulo 2^16.
    segments: u16,
    /// Length of the text of the earlier segments, in bytes.
    text: u32,
}

/// Error of a frame that cannot be cut into segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentationError {
    /// The frame contains no IPv4 header.
    NoIpv4,
    /// The datagram has another protocol than the [`SegmentationKind`], or the kind is not supported:
    /// [`SegmentationKind::TcpV6`].
    Protocol,
    /// The datagram is a fragment.
    Fragment,
    /// [`Segmentation::header`] is not the length of all headers.
    Header,
    /// The length of the IPv4 datagram or of the UDP datagram is too long or too short.
    Length,
    /// [`Segmentation::size`] is zero.
    Size,
}

impl<'a> FrameSegments<'a> {
    /// Returns the segments of a frame. Fails if lengths or positions are inconsistent, or if the frame does not have
    /// the kind of `segmentation`.
    pub fn new(frame: &'a [u8], segmentation: Segmentation) -> Result<FrameSegments<'a>, SegmentationError> {
        let protocol = match segmentation.kind {
            SegmentationKind::TcpV4 => IpProtocol::TCP,
            SegmentationKind::Udp => IpProtocol::UDP,
            SegmentationKind::TcpV6 => return Err(SegmentationError::Protocol),
        };
        let size = usize::from(segmentation.size);
        if size == 0 {
            return Err(SegmentationError::Size);
        }
        let ipv4 = link_header(frame).ok_or(SegmentationError::NoIpv4)?;
        let datagram = frame.get(ipv4..).unwrap_or_default();
        let header: &[u8; HEADER] = datagram.first_chunk().ok_or(SegmentationError::NoIpv4)?;
        let header_length = usize::from(header[0] & 0x0f) * 4;
        if header[0] >> 4 != 4 || header_length < HEADER {
            return Err(SegmentationError::NoIpv4);
        }
        if header[9] != protocol.0 {
            return Err(SegmentationError::Protocol);
        }
        // The flag "more fragments", and the fragment offset.
        if u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0 {
            return Err(SegmentationError::Fragment);
        }
        let total_length = u16::from_be_bytes([header[2], header[3]]);
        let datagram = datagram.get(..total_length.into()).ok_or(SegmentationError::Length)?;
        let payload = datagram.get(header_length..).ok_or(SegmentationError::Length)?;
        let transport = ipv4 + header_length;
        let header_end = transport + transport_header(payload, protocol)?;
        if header_end != usize::from(segmentation.header) {
            return Err(SegmentationError::Header);
        }
        let (headers, _) = frame.split_at_checked(header_end).ok_or(SegmentationError::Length)?;
        let text = payload.get(header_end - transport..).ok_or(SegmentationError::Length)?;
        let layout = Layout { headers, ipv4, transport, protocol };
        Ok(FrameSegments { layout, size, text: Some(text), next: Place::default() })
    }
}

impl<'a> Iterator for FrameSegments<'a> {
    type Item = FrameSegment<'a>;

    fn next(&mut self) -> Option<FrameSegment<'a>> {
        let rest = self.text?;
        let (text, rest) = rest.split_at_checked(self.size).unwrap_or((rest, &[]));
        self.text = (!rest.is_empty()).then_some(rest);
        let place = self.next;
        self.next = Place {
            segments: place.segments.wrapping_add(1),
            text: place.text.saturating_add(u32::try_from(text.len()).unwrap_or(u32::MAX)),
        };
        Some(FrameSegment { layout: self.layout, text, place, is_last: rest.is_empty() })
    }
}

impl FrameSegment<'_> {
    /// The flags FIN and PSH of TCP.
    const FIN_AND_PSH: u8 = 0x09;
    /// The flag CWR of TCP (RFC 3168).
    const CWR: u8 = 0x80;

    /// Returns the length in bytes.
    #[expect(clippy::len_without_is_empty, reason = "a segment has headers")]
    pub fn len(&self) -> usize {
        self.layout.headers.len() + self.text.len()
    }

    /// Writes the segment to the start of `bytes`. Fails, and writes nothing, if `bytes` is shorter than
    /// [`FrameSegment::len`].
    pub fn write_to(&self, bytes: &mut [u8]) -> Result<(), OutOfSpace> {
        let Layout { headers, ipv4, transport, protocol } = self.layout;
        let bytes = bytes.get_mut(..self.len()).ok_or(OutOfSpace)?;
        let (start, text) = bytes.split_at_mut_checked(headers.len()).ok_or(OutOfSpace)?;
        start.copy_from_slice(headers);
        text.copy_from_slice(self.text);

        set_u16(bytes, ipv4 + 2, to_u16(self.len() - ipv4));
        set_u16(bytes, ipv4 + 4, u16_at(headers, ipv4 + 4).wrapping_add(self.place.segments));
        set_u16(bytes, ipv4 + 10, 0);
        let sum = checksum::of(bytes.get(ipv4..transport).unwrap_or_default());
        set_u16(bytes, ipv4 + 10, sum);

        let length = to_u16(self.len() - transport);
        let offset = if protocol == IpProtocol::UDP {
            set_u16(bytes, transport + 4, length);
            6
        } else {
            self.set_sequence_number_and_flags(bytes);
            16
        };
        let addresses = headers.get(ipv4 + 12..ipv4 + 20).unwrap_or_default();
        let pseudo_header = Sum::default().plus(addresses).plus_word(protocol.0.into()).plus_word(length);
        set_u16(bytes, transport + usize::from(offset), !pseudo_header.checksum());
        complete_checksum(bytes, Checksum::Partial { start: to_u16(transport), offset });
        Ok(())
    }

    /// Writes the fields of TCP that depend on the place of the segment.
    fn set_sequence_number_and_flags(&self, bytes: &mut [u8]) {
        let tcp = bytes.get_mut(self.layout.transport..).and_then(<[u8]>::first_chunk_mut::<14>);
        let Some([_, _, _, _, a, b, c, d, .., flags]) = tcp else { return };
        let first = u32::from_be_bytes([*a, *b, *c, *d]);
        [*a, *b, *c, *d] = first.wrapping_add(self.place.text).to_be_bytes();
        if !self.is_last {
            *flags &= !Self::FIN_AND_PSH;
        }
        if self.place.segments > 0 {
            *flags &= !Self::CWR;
        }
    }
}

/// Returns the length of the Ethernet header and its VLAN tags, or `None` if the payload is not IPv4.
fn link_header(frame: &[u8]) -> Option<usize> {
    // The EtherType is before the end of the header. Up to two tags precede it.
    let lengths = [14, 18, 22];
    let end = lengths.into_iter().find(|end| !matches!(u16_at(frame, end - 2), 0x8100 | 0x88a8))?;
    (u16_at(frame, end - 2) == 0x0800).then_some(end)
}

/// Returns the length of the header at the start of the payload of a datagram.
fn transport_header(payload: &[u8], protocol: IpProtocol) -> Result<usize, SegmentationError> {
    if protocol == IpProtocol::UDP {
        let is_whole = usize::from(u16_at(payload, 4)) == payload.len();
        return if is_whole { Ok(8) } else { Err(SegmentationError::Length) };
    }
    let data_offset = payload.get(12).ok_or(SegmentationError::Length)? >> 4;
    match usize::from(data_offset) * 4 {
        0..HEADER => Err(SegmentationError::Length),
        length => Ok(length),
    }
}

/// Returns the number at a position, or 0 if the bytes are too short.
fn u16_at(bytes: &[u8], position: usize) -> u16 {
    let number = bytes.get(position..).and_then(<[u8]>::first_chunk);
    number.map_or(0, |number| u16::from_be_bytes(*number))
}

/// Writes a number at a position inside the bytes.
fn set_u16(bytes: &mut [u8], position: usize, value: u16) {
    if let Some(field) = bytes.get_mut(position..).and_then(<[u8]>::first_chunk_mut) {
        *field = value.to_be_bytes();
    }
}

/// Converts a length inside an IPv4 datagram, which is at most 65,535 bytes long.
fn to_u16(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

impl fmt::Display for SegmentationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoIpv4 => "no IPv4 header",
            Self::Protocol => "unsupported protocol",
            Self::Fragment => "the datagram is a fragment",
            Self::Header => "wrong length of the headers",
            Self::Length => "wrong length of the datagram",
            Self::Size => "the size of a segment is zero",
        })
    }
}

impl std::error::Error for SegmentationError {}

#[cfg(test)]
mod tests;
