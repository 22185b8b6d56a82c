//! TCP segments (RFC 9293 3.1): the header on the wire, a validated segment, and the fields of a segment to write.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

use inet::IpProtocol;
use inet::checksum::Sum;
use tap::{Checksum, Frame, Offload, Offloads};
use zerocopy::network_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::{Flags, Options, SequenceNumber, TcpDropReason, Timestamps};

/// A TCP header without options (RFC 9293 3.1, "Header Format").
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |          Source Port          |       Destination Port        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                        Sequence Number                        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                    Acknowledgment Number                      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  Data |       |C|E|U|A|P|R|S|F|                               |
/// | Offset| Rsrvd |W|C|R|C|S|S|Y|I|            Window             |
/// |       |       |R|E|G|K|H|T|N|N|                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           Checksum            |         Urgent Pointer        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// Every sequence of 20 bytes is a valid value. [`Segment::parse`] validates the fields.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct TcpHeader {
    /// Source port.
    pub source_port: U16,
    /// Destination port.
    pub destination_port: U16,
    /// Sequence number of the first byte of data, or of the SYN.
    pub sequence: U32,
    /// Next sequence number that the sender expects, if the flag ACK is set.
    pub acknowledgment: U32,
    /// Data offset in the upper four bits, and reserved bits.
    pub data_offset: u8,
    /// Flags.
    pub flags: u8,
    /// Window, shifted by the window scale of the sender.
    pub window: U16,
    /// Checksum of the pseudo-header, the header and the data.
    pub checksum: U16,
    /// Offset of the byte after the urgent data, if the flag URG is set.
    pub urgent_pointer: U16,
}

const _: () = assert!(size_of::<TcpHeader>() == 20);

impl TcpHeader {
    /// Length of a header without options, in bytes.
    pub const LENGTH: usize = size_of::<TcpHeader>();

    /// Returns the length of the header with its options, in bytes.
    #[inline]
    pub fn header_length(&self) -> usize {
        usize::from(self.data_offset >> 4) * 4
    }
}

/// A segment with a valid header, without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Source address and port.
    pub source: SocketAddrV4,
    /// Destination address and port.
    pub destination: SocketAddrV4,
    /// Sequence number of the first byte of data, or of the SYN.
    pub sequence: SequenceNumber,
    /// Next sequence number that the sender expects. Significant only if the flag ACK is set.
    pub acknowledgment: SequenceNumber,
    /// Flags.
    pub flags: Flags,
    /// Window, as in the header: shifted by the window scale of the sender.
    pub window: u16,
    /// Offset of the byte after the urgent data. Significant only if the flag URG is set.
    pub urgent_pointer: u16,
    /// Options. Those that only a SYN may have are absent without the flag SYN.
    pub options: Options,
    /// Whether an option has an invalid length. Such an option has no effect.
    pub has_invalid_option: bool,
    /// Whether a router has marked the IP datagram with congestion experienced (RFC 3168 5). The receiver of the datagram
    /// sets this after the segment was parsed.
    pub is_marked: bool,
    /// Length of the header with its options, in bytes.
    pub header_length: usize,
    /// Length of the data, in bytes.
    pub data_length: usize,
}

/// The fields of a segment to write, without its data. The addresses are those of the IP datagram, which the checksum
/// covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentFields {
    /// Source address and port.
    pub source: SocketAddrV4,
    /// Destination address and port.
    pub destination: SocketAddrV4,
    /// Sequence number of the first byte of data, or of the SYN.
    pub sequence: SequenceNumber,
    /// Next sequence number that the sender expects. Zero without the flag ACK.
    pub acknowledgment: SequenceNumber,
    /// Flags.
    pub flags: Flags,
    /// Window, as in the header: shifted by the window scale of the sender.
    pub window: u16,
    /// Offset of the byte after the urgent data. Zero without the flag URG.
    pub urgent_pointer: u16,
    /// Options. If not all selective acknowledgments fit into the header, the first of them are written.
    pub options: Options,
}

/// Error of a segment to write that is shorter than its header, or longer than 65,515 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpLengthError;

impl Segment {
    /// Parses the payload of an IP datagram. `addresses` are source and destination of the IP datagram. The data are the
    /// bytes from [`Segment::header_length`] to the end.
    ///
    /// With a `checksum` other than [`Checksum::None`], the checksum is not verified: the device has verified it, or
    /// the frame never left this computer.
    // Inlined across crates, because the caller reads the result immediately.
    #[inline]
    pub fn parse(
        bytes: &[u8],
        addresses: (Ipv4Addr, Ipv4Addr),
        checksum: Checksum,
    ) -> Result<Segment, TcpDropReason> {
        let (header, _) = TcpHeader::ref_from_prefix(bytes).map_err(|_| TcpDropReason::Truncated)?;
        // spec: rfc9293-data-offset
        let header_length = header.header_length();
        let options = bytes.get(TcpHeader::LENGTH..header_length).ok_or(TcpDropReason::DataOffset)?;
        // RFC 9293 3.1: "The sender MUST generate it (MUST-2) and the receiver MUST check it (MUST-3)."
        // spec: rfc9293-checksum, partial-checksum
        if checksum == Checksum::None {
            let length = u16::try_from(bytes.len()).map_err(|_| TcpDropReason::Checksum)?;
            if pseudo_header(addresses, length).plus(bytes).checksum() != 0 {
                return Err(TcpDropReason::Checksum);
            }
        }
        let (source, destination) = addresses;
        let segment = Segment {
            source: SocketAddrV4::new(source, header.source_port.get()),
            destination: SocketAddrV4::new(destination, header.destination_port.get()),
            sequence: SequenceNumber::new(header.sequence.get()),
            acknowledgment: SequenceNumber::new(header.acknowledgment.get()),
            flags: Flags::from_bits(header.flags),
            window: header.window.get(),
            urgent_pointer: header.urgent_pointer.get(),
            options: Options::NONE,
            has_invalid_option: false,
            is_marked: false,
            header_length,
            data_length: bytes.len() - header_length,
        };
        // spec: tcp-port-zero
        if segment.source.port() == 0 || segment.destination.port() == 0 {
            return Err(TcpDropReason::PortZero);
        }
        Ok(segment.with_options(options))
    }

    /// Adds the options of the header.
    #[inline]
    fn with_options(mut self, bytes: &[u8]) -> Segment {
        if bytes.is_empty() {
            return self;
        }
        let (options, is_valid) = Options::parse(bytes);
        // RFC 9293 3.2: "This field may be sent in the initial connection request (i.e., in segments with the SYN
        // control bit set) and MUST NOT be sent in other segments". RFC 7323 2.2 and RFC 2018 2 have the same rule.
        // spec: rfc9293-syn-options
        self.options = if self.flags.contains(Flags::SYN) {
            options
        } else {
            Options { timestamps: options.timestamps, sack: options.sack, ..Options::NONE }
        };
        self.has_invalid_option = !is_valid;
        self
    }

    /// Returns the number of sequence numbers that the segment occupies: its data, and the flags SYN and FIN
    /// (RFC 9293 3.4, SEG.LEN).
    #[inline]
    pub fn sequence_length(&self) -> u32 {
        let flag = |flag| u32::from(self.flags.contains(flag));
        let data = u32::try_from(self.data_length).unwrap_or(u32::MAX);
        data.saturating_add(flag(Flags::SYN) + flag(Flags::FIN))
    }

    /// Returns the fields, to write an equal or a changed segment.
    pub fn fields(&self) -> SegmentFields {
        SegmentFields {
            source: self.source,
            destination: self.destination,
            sequence: self.sequence,
            acknowledgment: self.acknowledgment,
            flags: self.flags,
            window: self.window,
            urgent_pointer: self.urgent_pointer,
            options: self.options,
        }
    }
}

impl SegmentFields {
    /// Length of the longest segment with its header, in bytes: an IP datagram of 65,535 bytes without a header of
    /// 20 bytes.
    pub const MAX_LENGTH: usize = 65_515;

    /// Returns the length of the header with its options, in bytes.
    #[inline]
    pub fn header_length(&self) -> usize {
        TcpHeader::LENGTH + self.options.length()
    }

    /// Writes the header with its checksum to the start of `bytes`. The data follows the header, up to the end of
    /// `bytes`.
    ///
    /// Fails, and writes nothing, if `bytes` is shorter than the header, or longer than [`SegmentFields::MAX_LENGTH`].
    #[inline]
    pub fn write_to(&self, bytes: &mut [u8]) -> Result<(), TcpLengthError> {
        let sum = self.write_without_checksum(bytes)?;
        // spec: rfc9293-checksum
        let checksum = sum.plus(bytes).checksum();
        set_checksum(bytes, checksum);
        Ok(())
    }

    /// Writes the header to the start of a frame as [`SegmentFields::write_to`] does. The device completes the checksum if
    /// `offloads` permit it: then the checksum field has the sum of the pseudo-header.
    ///
    /// Fails, and writes nothing, as [`SegmentFields::write_to`] does.
    // spec: tcp-partial-checksum
    #[inline]
    pub fn write_to_frame(&self, frame: &mut Frame, offloads: Offloads) -> Result<(), TcpLengthError> {
        let bytes = frame.bytes_mut();
        let sum = self.write_without_checksum(bytes)?;
        if offloads.checksum {
            set_checksum(bytes, !sum.checksum());
            frame.set_offload(Offload { checksum: PARTIAL, segmentation: None });
        } else {
            // spec: rfc9293-checksum
            let checksum = sum.plus(bytes).checksum();
            set_checksum(bytes, checksum);
        }
        Ok(())
    }

    /// Writes the header with a checksum field of zero. Returns the sum of the pseudo-header.
    #[inline]
    fn write_without_checksum(&self, bytes: &mut [u8]) -> Result<Sum, TcpLengthError> {
        if bytes.len() > Self::MAX_LENGTH {
            return Err(TcpLengthError);
        }
        let length = u16::try_from(bytes.len()).map_err(|_| TcpLengthError)?;
        let header_length = self.header_length();
        let head = bytes.get_mut(..header_length).ok_or(TcpLengthError)?;
        let (header, options) = TcpHeader::mut_from_prefix(head).map_err(|_| TcpLengthError)?;
        *header = TcpHeader {
            source_port: self.source.port().into(),
            destination_port: self.destination.port().into(),
            sequence: self.sequence.value().into(),
            acknowledgment: self.acknowledgment.value().into(),
            // spec: rfc9293-reserved
            data_offset: u8::try_from(header_length / 4 * 16).unwrap_or_default(),
            flags: self.flags.bits(),
            window: self.window.into(),
            checksum: U16::ZERO,
            urgent_pointer: self.urgent_pointer.into(),
        };
        self.options.write_to(options);
        Ok(pseudo_header((*self.source.ip(), *self.destination.ip()), length))
    }

    /// Returns an acknowledgment without data. `addresses` are the local end and the peer, and `numbers` are sequence number
    /// and acknowledgment number.
    pub(crate) fn acknowledgment(
        addresses: (SocketAddrV4, SocketAddrV4),
        numbers: (SequenceNumber, SequenceNumber),
        window: u16,
        options: Options,
    ) -> SegmentFields {
        // RFC 9293 3.10.7.4: "<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>"
        SegmentFields {
            source: addresses.0,
            destination: addresses.1,
            sequence: numbers.0,
            acknowledgment: numbers.1,
            flags: Flags::ACK,
            window,
            urgent_pointer: 0,
            options,
        }
    }

    /// Returns the reset that answers a segment without a connection (RFC 9293 3.10.7.1), or `None` for a reset.
    pub fn reset_for(segment: &Segment) -> Option<SegmentFields> {
        // RFC 9293 3.10.7.1: "An incoming segment containing a RST is discarded. An incoming segment not containing a
        // RST causes a RST to be sent in response."
        if segment.flags.contains(Flags::RST) {
            return None;
        }
        // RFC 9293 3.10.7.1: "If the ACK bit is off, sequence number zero is used,
        // <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> If the ACK bit is on, <SEQ=SEG.ACK><CTL=RST>"
        let (sequence, acknowledgment, flags) = if segment.flags.contains(Flags::ACK) {
            (segment.acknowledgment, SequenceNumber::default(), Flags::RST)
        } else {
            let next = segment.sequence.plus(segment.sequence_length());
            (SequenceNumber::default(), next, Flags::RST | Flags::ACK)
        };
        Some(SegmentFields {
            source: segment.destination,
            destination: segment.source,
            sequence,
            acknowledgment,
            flags,
            window: 0,
            urgent_pointer: 0,
            // RFC 7323 5.2: "if the segment causing the <RST> to be generated contains a Timestamps option, the <RST> should
            // also contain a Timestamps option. In the <RST> segment, SEG.TSecr SHOULD be set to SEG.TSval from the incoming
            // segment and SEG.TSval SHOULD be set to zero."
            // spec: rfc7323-reset
            options: Options {
                timestamps: segment
                    .options
                    .timestamps
                    .map(|Timestamps { value, .. }| Timestamps { value: 0, echo: value }),
                ..Options::NONE
            },
        })
    }
}

/// State of the checksum of a segment that a device completes. The segment is at the start of its frame.
const PARTIAL: Checksum = Checksum::Partial { start: 0, offset: 16 };

/// Sets the checksum field of a header.
#[inline]
fn set_checksum(bytes: &mut [u8], checksum: u16) {
    if let Ok((header, _)) = TcpHeader::mut_from_prefix(bytes) {
        header.checksum.set(checksum);
    }
}

/// Returns the sum of the pseudo-header of a segment with this length (RFC 9293 3.1, "Checksum").
#[inline]
fn pseudo_header((source, destination): (Ipv4Addr, Ipv4Addr), length: u16) -> Sum {
    let addresses = u64::from(source.to_bits()) + u64::from(destination.to_bits());
    Sum::default().plus_number(addresses + u64::from(IpProtocol::TCP.0) + u64::from(length))
}

impl fmt::Display for TcpLengthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TCP segment shorter than its header or longer than 65515 bytes")
    }
}

impl std::error::Error for TcpLengthError {}

#[cfg(test)]
mod tests;
