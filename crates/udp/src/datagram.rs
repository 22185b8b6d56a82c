//! UDP datagrams (RFC 768): the header on the wire, a validated datagram, and the fields of a header to write.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

use inet::IpProtocol;
use inet::checksum::Sum;
use tap::Checksum;
use zerocopy::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::UdpDropReason;

/// A UDP header (RFC 768, "Format").
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |          Source Port          |       Destination Port        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |            Length             |           Checksum            |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// Every sequence of 8 bytes is a valid value. [`UdpDatagram::parse`] validates the fields.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct UdpHeader {
    /// Source port, or zero if the sender expects no reply.
    pub source_port: U16,
    /// Destination port.
    pub destination_port: U16,
    /// Length of header and data, in bytes.
    pub length: U16,
    /// Checksum of the pseudo-header, the header and the data, or zero if the sender computed none.
    pub checksum: U16,
}

const _: () = assert!(size_of::<UdpHeader>() == 8);

/// A view of a datagram with a valid header.
#[derive(Clone, Copy, Debug)]
pub struct UdpDatagram<'a> {
    header: &'a UdpHeader,
    data: &'a [u8],
}

impl<'a> UdpDatagram<'a> {
    /// Parses the payload of an IP datagram. `addresses` are source and destination of the IP datagram. Bytes after the
    /// length are ignored.
    ///
    /// With a `checksum` other than [`Checksum::None`], the checksum is not verified: the device has verified it, or
    /// the frame never left this computer.
    #[expect(clippy::inline_always, reason = "results in memory take more instructions than the function")]
    #[inline(always)]
    pub fn parse(
        bytes: &'a [u8],
        addresses: (Ipv4Addr, Ipv4Addr),
        checksum: Checksum,
    ) -> Result<UdpDatagram<'a>, UdpDropReason> {
        let (header, _) = UdpHeader::ref_from_prefix(bytes).map_err(|_| UdpDropReason::Truncated)?;
        // spec: rfc768-length
        let length = header.length.get();
        let bytes = bytes.get(..usize::from(length)).ok_or(UdpDropReason::Length)?;
        let data = bytes.get(UdpFields::LENGTH..).ok_or(UdpDropReason::Length)?;
        // RFC 768: "An all zero transmitted checksum value means that the transmitter generated no checksum".
        // spec: rfc768-no-checksum, partial-checksum
        let is_unverified = header.checksum.get() != 0 && checksum == Checksum::None;
        // RFC 1122 4.1.3.4: "If a UDP datagram is received with a checksum that is non-zero and invalid, UDP MUST
        // silently discard the datagram."
        // spec: rfc1122-udp-checksum
        if is_unverified {
            let sum = Sum::default().plus_number(pseudo_header(addresses, length)).plus(bytes);
            if sum.checksum() != 0 {
                return Err(UdpDropReason::Checksum);
            }
        }
        Ok(UdpDatagram { header, data })
    }

    /// Returns the source port. Zero is valid, and means that the sender expects no reply.
    pub fn source_port(&self) -> u16 {
        // spec: rfc768-source-port-zero
        self.header.source_port.get()
    }

    /// Returns the destination port.
    pub fn destination_port(&self) -> u16 {
        self.header.destination_port.get()
    }

    /// Returns the data, without bytes after the length.
    pub fn data(&self) -> &'a [u8] {
        self.data
    }
}

/// The fields of a header, except length and checksum. The addresses are those of the IP datagram, which the checksum
/// covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpFields {
    /// Source address and port.
    pub source: SocketAddrV4,
    /// Destination address and port.
    pub destination: SocketAddrV4,
}

/// Error of a UDP datagram length below the 8 bytes of a header, or above 65,515 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpLengthError;

impl UdpFields {
    /// Length of a header, in bytes.
    pub const LENGTH: usize = size_of::<UdpHeader>();
    /// Length of the longest data, in bytes: an IP datagram of 65,535 bytes without a header of 20 bytes and the UDP
    /// header.
    pub const MAX_DATA: usize = 65_507;
    /// The checksum of a datagram at the start of a frame, if [`UdpFields::write_partial_to`] has written its header.
    pub const PARTIAL_CHECKSUM: Checksum = Checksum::Partial { start: 0, offset: 6 };

    /// Writes the header with its checksum to the start of `bytes`. The data follows the header, up to the end of
    /// `bytes`.
    ///
    /// Fails, and writes nothing, if `bytes` is shorter than a header, or contains more than [`UdpFields::MAX_DATA`]
    /// bytes of data.
    #[inline]
    pub fn write_to(&self, bytes: &mut [u8]) -> Result<(), UdpLengthError> {
        // spec: rfc1122-udp-checksum-sent
        self.write(bytes, |pseudo_header, header, data| {
            let sum = Sum::default().plus_number(pseudo_header + header).plus(data).checksum();
            // RFC 768: "If the computed checksum is zero, it is transmitted as all ones".
            // spec: rfc768-zero-checksum
            if sum == 0 { u16::MAX } else { sum }
        })
    }

    /// Writes the header as [`UdpFields::write_to`] does, but with an incomplete checksum, which the device completes:
    /// [`UdpFields::PARTIAL_CHECKSUM`].
    #[inline]
    pub fn write_partial_to(&self, bytes: &mut [u8]) -> Result<(), UdpLengthError> {
        // spec: partial-checksum-sent
        self.write(bytes, |pseudo_header, _, _| !Sum::default().plus_number(pseudo_header).checksum())
    }

    /// Writes the header. `checksum` returns the checksum for the sum of the pseudo-header, the sum of the header, and
    /// the data.
    #[expect(clippy::inline_always, reason = "the checksum is a constant of the caller")]
    #[inline(always)]
    fn write(
        &self,
        bytes: &mut [u8],
        checksum: impl FnOnce(u64, u64, &[u8]) -> u16,
    ) -> Result<(), UdpLengthError> {
        // spec: udp-all-lengths
        if bytes.len() > Self::LENGTH + Self::MAX_DATA {
            return Err(UdpLengthError);
        }
        let length = u16::try_from(bytes.len()).map_err(|_| UdpLengthError)?;
        let (header, data) = UdpHeader::mut_from_prefix(bytes).map_err(|_| UdpLengthError)?;
        // spec: rfc768-header
        header.source_port.set(self.source.port());
        header.destination_port.set(self.destination.port());
        header.length.set(length);
        let addresses = (*self.source.ip(), *self.destination.ip());
        let ports = u64::from(self.source.port()) + u64::from(self.destination.port());
        header.checksum.set(checksum(pseudo_header(addresses, length), ports + u64::from(length), data));
        Ok(())
    }
}

/// Returns the sum of the pseudo-header of a datagram with this length (RFC 768, "Fields"), in numeric order.
#[inline]
fn pseudo_header((source, destination): (Ipv4Addr, Ipv4Addr), length: u16) -> u64 {
    let addresses = u64::from(source.to_bits()) + u64::from(destination.to_bits());
    addresses + u64::from(IpProtocol::UDP.0) + u64::from(length)
}

impl fmt::Display for UdpLengthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UDP length not in 8..=65515 bytes")
    }
}

impl std::error::Error for UdpLengthError {}

#[cfg(test)]
mod tests;
