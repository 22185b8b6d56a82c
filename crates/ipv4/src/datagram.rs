//! IPv4 datagrams (RFC 791 3.1): the header on the wire, a validated datagram, and the fields of a header to write.

use std::fmt;
use std::net::Ipv4Addr;

use inet::checksum::Sum;
use inet::{IpProtocol, checksum};
use zerocopy::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::Ipv4DropReason;

/// An IPv4 header without its options (RFC 791 3.1).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |Version|  IHL  |Type of Service|          Total Length         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |         Identification        |0|D|M|     Fragment Offset     |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  Time to Live |    Protocol   |        Header Checksum        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                         Source Address                        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                      Destination Address                      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// Every sequence of 20 bytes is a valid value. [`Datagram::parse`] validates the fields.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Ipv4Header {
    /// Version in the upper four bits, header length in units of four bytes in the lower four.
    pub version_and_length: u8,
    /// Type of service: a DSCP of six bits (RFC 2474) and two bits of ECN (RFC 3168).
    pub type_of_service: u8,
    /// Length of header and data, in bytes.
    pub total_length: U16,
    /// Identification, the same for all fragments of a datagram.
    pub identification: U16,
    /// A reserved bit, the flags "don't fragment" and "more fragments", and the fragment offset in units of eight
    /// bytes.
    pub flags_and_offset: U16,
    /// Remaining hops.
    pub time_to_live: u8,
    /// Protocol of the data.
    pub protocol: u8,
    /// Checksum of the header, including its options.
    pub checksum: U16,
    /// Source address.
    pub source: [u8; 4],
    /// Destination address.
    pub destination: [u8; 4],
}

const _: () = assert!(size_of::<Ipv4Header>() == 20);

impl Ipv4Header {
    /// Flag "don't fragment" in [`Ipv4Header::flags_and_offset`].
    pub const DONT_FRAGMENT: u16 = 0x4000;
    /// Flag "more fragments" in [`Ipv4Header::flags_and_offset`].
    pub const MORE_FRAGMENTS: u16 = 0x2000;
    /// Mask of the fragment offset in [`Ipv4Header::flags_and_offset`].
    pub const OFFSET: u16 = 0x1fff;
}

/// A view of a datagram, or of a fragment, with a valid header.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    header: &'a Ipv4Header,
    bytes: &'a [u8],
    options: &'a [u8],
    payload: &'a [u8],
}

/// First byte of a header of version 4 without options: its length is five words.
const VERSION_4_NO_OPTIONS: u8 = 0x45;

impl<'a> Datagram<'a> {
    /// Length of the longest datagram, in bytes.
    pub const MAX_LENGTH: usize = 65_535;

    /// Parses the datagram at the start of a frame's payload. Bytes after the total length are padding of the link
    /// layer.
    // Inlined across crates, because the caller reads the result immediately.
    #[inline]
    pub fn parse(frame: &'a [u8]) -> Result<Datagram<'a>, Ipv4DropReason> {
        // spec: rfc791-header
        let (header, _) = Ipv4Header::ref_from_prefix(frame).map_err(|_| Ipv4DropReason::Truncated)?;
        // spec: rfc1122-version
        if header.version_and_length >> 4 != 4 {
            return Err(Ipv4DropReason::Version);
        }
        // spec: rfc791-header-length
        let length = usize::from(header.version_and_length & 0x0f) * 4;
        if length < size_of::<Ipv4Header>() {
            return Err(Ipv4DropReason::HeaderLength);
        }
        // spec: rfc791-total-length, rfc791-padding
        let bytes = frame.get(..usize::from(header.total_length.get())).ok_or(Ipv4DropReason::TotalLength)?;
        let (header_bytes, payload) =
            bytes.split_at_checked(length).ok_or(Ipv4DropReason::TotalLengthShort)?;
        // spec: rfc791-options
        let options = header_bytes.get(size_of::<Ipv4Header>()..).unwrap_or_default();
        // spec: rfc1122-header-checksum
        let is_valid = if header.version_and_length == VERSION_4_NO_OPTIONS {
            checksum::is_valid_header(zerocopy::transmute_ref!(header))
        } else {
            checksum::is_valid(header_bytes)
        };
        if !is_valid {
            return Err(Ipv4DropReason::Checksum);
        }
        Ok(Datagram { header, bytes, options, payload })
    }

    /// Parses a datagram for display. Unlike [`Datagram::parse`], accepts a wrong checksum and a datagram that is
    /// truncated before its total length. Returns `None` without a complete header of version 4.
    pub fn parse_lenient(frame: &'a [u8]) -> Option<Datagram<'a>> {
        let (header, _) = Ipv4Header::ref_from_prefix(frame).ok()?;
        let length = usize::from(header.version_and_length & 0x0f) * 4;
        if header.version_and_length >> 4 != 4 || length < size_of::<Ipv4Header>() {
            return None;
        }
        // A frame may be captured before the network card fills in the total length. The datagram then ends with the
        // frame.
        let total_length = match usize::from(header.total_length.get()) {
            short if short < length => frame.len(),
            total_length => total_length,
        };
        let bytes = frame.get(..total_length).unwrap_or(frame);
        let (header_bytes, payload) = bytes.split_at_checked(length)?;
        let options = header_bytes.get(size_of::<Ipv4Header>()..).unwrap_or_default();
        Some(Datagram { header, bytes, options, payload })
    }

    /// Returns the type of service: DSCP and ECN.
    pub fn type_of_service(&self) -> u8 {
        self.header.type_of_service
    }

    /// Returns whether a router has marked the datagram with congestion experienced (RFC 3168 5).
    pub fn is_marked(&self) -> bool {
        self.header.type_of_service & 0b11 == 0b11
    }

    /// Returns the identification, which is the same for all fragments of a datagram.
    pub fn identification(&self) -> u16 {
        self.header.identification.get()
    }

    /// Returns the flag "don't fragment".
    pub fn dont_fragment(&self) -> bool {
        self.header.flags_and_offset.get() & Ipv4Header::DONT_FRAGMENT != 0
    }

    /// Returns the flag "more fragments".
    pub fn more_fragments(&self) -> bool {
        self.header.flags_and_offset.get() & Ipv4Header::MORE_FRAGMENTS != 0
    }

    /// Returns the offset of the data in the data of the whole datagram, in bytes.
    pub fn fragment_offset(&self) -> usize {
        usize::from(self.header.flags_and_offset.get() & Ipv4Header::OFFSET) * 8
    }

    /// Returns whether the datagram is a fragment.
    pub fn is_fragment(&self) -> bool {
        self.header.flags_and_offset.get() & (Ipv4Header::MORE_FRAGMENTS | Ipv4Header::OFFSET) != 0
    }

    /// Returns the remaining hops. A host accepts any value (RFC 1122 3.2.1.7).
    pub fn time_to_live(&self) -> u8 {
        self.header.time_to_live
    }

    /// Returns the protocol of the data.
    pub fn protocol(&self) -> IpProtocol {
        IpProtocol(self.header.protocol)
    }

    /// Returns the source address.
    pub fn source(&self) -> Ipv4Addr {
        self.header.source.into()
    }

    /// Returns the destination address.
    pub fn destination(&self) -> Ipv4Addr {
        self.header.destination.into()
    }

    /// Returns the options, unparsed.
    pub fn options(&self) -> &'a [u8] {
        self.options
    }

    /// Returns the data.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Returns the length of the header in bytes, including options.
    pub fn header_length(&self) -> usize {
        size_of::<Ipv4Header>() + self.options.len()
    }

    /// Returns the total length field, in bytes.
    pub fn total_length(&self) -> u16 {
        self.header.total_length.get()
    }

    /// Returns header, options and data, without padding of the link layer.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// The fields of a header without options, except its lengths and checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Fields {
    /// Type of service: DSCP and ECN.
    pub type_of_service: u8,
    /// Identification, the same for all fragments of a datagram.
    pub identification: u16,
    /// Flag "don't fragment".
    pub dont_fragment: bool,
    /// Flag "more fragments".
    pub more_fragments: bool,
    /// Offset of the data in the data of the whole datagram, in bytes, rounded down to a multiple of eight.
    pub fragment_offset: usize,
    /// Remaining hops. Zero is sent as one.
    pub time_to_live: u8,
    /// Protocol of the data.
    pub protocol: IpProtocol,
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
}

/// Error of a datagram length below the 20 bytes of a header, or above 65,535 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatagramLengthError;

impl Ipv4Fields {
    /// Length of a header without options, in bytes.
    pub const LENGTH: usize = size_of::<Ipv4Header>();
    /// Default time to live (RFC 1700, "IP time to live parameter").
    pub const TIME_TO_LIVE: u8 = 64;

    /// Returns the fields of a whole datagram that may be fragmented, with the default time to live.
    pub const fn new(protocol: IpProtocol, source: Ipv4Addr, destination: Ipv4Addr) -> Ipv4Fields {
        Ipv4Fields {
            type_of_service: 0,
            identification: 0,
            dont_fragment: false,
            more_fragments: false,
            fragment_offset: 0,
            time_to_live: Self::TIME_TO_LIVE,
            protocol,
            source,
            destination,
        }
    }

    /// Writes the header with its checksum to the start of `datagram`. The total length is the length of `datagram`.
    ///
    /// Fails, and writes nothing, if `datagram` is shorter than a header or longer than [`Datagram::MAX_LENGTH`].
    #[expect(clippy::inline_always, reason = "most fields are constants of the caller")]
    #[inline(always)]
    pub fn write_to(&self, datagram: &mut [u8]) -> Result<(), DatagramLengthError> {
        let total_length = u16::try_from(datagram.len()).map_err(|_| DatagramLengthError)?;
        let (header, _) = Ipv4Header::mut_from_prefix(datagram).map_err(|_| DatagramLengthError)?;
        let units =
            u16::try_from(self.fragment_offset / 8).unwrap_or(Ipv4Header::OFFSET) & Ipv4Header::OFFSET;
        let dont_fragment = if self.dont_fragment { Ipv4Header::DONT_FRAGMENT } else { 0 };
        let more_fragments = if self.more_fragments { Ipv4Header::MORE_FRAGMENTS } else { 0 };
        // The fields are set in place, because building and copying the struct takes four times as long.
        header.version_and_length = VERSION_4_NO_OPTIONS;
        // spec: rfc1122-type-of-service
        header.type_of_service = self.type_of_service;
        header.total_length.set(total_length);
        header.identification.set(self.identification);
        // spec: rfc791-reserved-flag
        let flags_and_offset = dont_fragment | more_fragments | units;
        header.flags_and_offset.set(flags_and_offset);
        // spec: rfc1122-time-to-live
        let time_to_live = self.time_to_live.max(1);
        header.time_to_live = time_to_live;
        header.protocol = self.protocol.0;
        header.source = self.source.octets();
        header.destination = self.destination.octets();
        // spec: rfc791-checksum
        let words = [
            u16::from_be_bytes([VERSION_4_NO_OPTIONS, self.type_of_service]),
            total_length,
            self.identification,
            flags_and_offset,
            u16::from_be_bytes([time_to_live, self.protocol.0]),
        ];
        let sum = words.into_iter().map(u64::from).sum::<u64>()
            + u64::from(self.source.to_bits())
            + u64::from(self.destination.to_bits());
        let sum = Sum::default().plus_number(sum);
        header.checksum.set(sum.checksum());
        Ok(())
    }
}

impl From<&Datagram<'_>> for Ipv4Fields {
    fn from(datagram: &Datagram<'_>) -> Self {
        Ipv4Fields {
            type_of_service: datagram.type_of_service(),
            identification: datagram.identification(),
            dont_fragment: datagram.dont_fragment(),
            more_fragments: datagram.more_fragments(),
            fragment_offset: datagram.fragment_offset(),
            time_to_live: datagram.time_to_live(),
            protocol: datagram.protocol(),
            source: datagram.source(),
            destination: datagram.destination(),
        }
    }
}

impl fmt::Display for DatagramLengthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("datagram length not in 20..=65535 bytes")
    }
}

impl std::error::Error for DatagramLengthError {}

/// Option type: end of the list.
const END: u8 = 0;
/// Option type: no operation, an option of one byte.
const NO_OPERATION: u8 = 1;
/// Option type: loose source and record route.
const LOOSE_SOURCE_ROUTE: u8 = 131;
/// Option type: strict source and record route.
const STRICT_SOURCE_ROUTE: u8 = 137;
/// Length of a source route without its addresses, in bytes: type, length and pointer.
const SOURCE_ROUTE_HEADER: u8 = 3;

/// Returns whether the options contain a source route with hops that are not visited yet. A malformed source route is
/// treated as incomplete. Options after an option with an invalid length are not read.
pub(crate) fn has_incomplete_source_route(mut options: &[u8]) -> bool {
    loop {
        options = match *options {
            [] | [END, ..] => return false,
            [NO_OPERATION, ref rest @ ..] => rest,
            [LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE, length, pointer, ..] => {
                // RFC 791 3.1: "If the pointer is greater than the length, the source route is empty".
                let rest = options
                    .get(usize::from(length)..)
                    .filter(|_| length >= SOURCE_ROUTE_HEADER && pointer > length);
                let Some(rest) = rest else { return true };
                rest
            }
            [LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE, ..] => return true,
            [_, length, ..] if length >= 2 => options.get(usize::from(length)..).unwrap_or_default(),
            [_, ..] => return false,
        };
    }
}

#[cfg(test)]
mod tests;
