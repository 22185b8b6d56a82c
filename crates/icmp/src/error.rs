//! ICMP errors, and the quoted datagrams in ICMP errors.

use std::fmt;
use std::net::Ipv4Addr;

use inet::IpProtocol;
use ipv4::Ipv4Header;
use zerocopy::FromBytes;

use crate::header::set_checksum;
use crate::{IcmpDropReason, IcmpHeader, IcmpType};

/// An ICMP error about a datagram: type, code, and four bytes that depend on type and code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    pub(crate) icmp_type: IcmpType,
    pub(crate) code: u8,
    pub(crate) rest: [u8; 4],
}

impl IcmpError {
    /// Destination Unreachable, code 0: no route to the network of the destination.
    pub const NETWORK_UNREACHABLE: IcmpError = IcmpError::unreachable(0);
    /// Destination Unreachable, code 1: the destination does not answer.
    pub const HOST_UNREACHABLE: IcmpError = IcmpError::unreachable(1);
    /// Destination Unreachable, code 2: the destination does not support the protocol.
    pub const PROTOCOL_UNREACHABLE: IcmpError = IcmpError::unreachable(2);
    /// Destination Unreachable, code 3: no socket at the destination listens on the port.
    pub const PORT_UNREACHABLE: IcmpError = IcmpError::unreachable(3);
    /// Time Exceeded, code 0: the time to live of the datagram reached zero.
    pub const HOPS_EXCEEDED: IcmpError =
        IcmpError { icmp_type: IcmpType::TIME_EXCEEDED, code: 0, rest: [0; 4] };
    /// Time Exceeded, code 1: the reassembly of the datagram timed out.
    pub const REASSEMBLY_EXCEEDED: IcmpError =
        IcmpError { icmp_type: IcmpType::TIME_EXCEEDED, code: 1, rest: [0; 4] };

    /// Maximum length of a written error, in bytes. The limit of RFC 1812 4.3.2.3 is 576 bytes, of which an IP header
    /// without options takes 20.
    pub const MAX_LENGTH: usize = 576 - 20;
    /// Length of the header before the quoted datagram, in bytes.
    pub const HEADER: usize = size_of::<IcmpHeader>();

    /// Returns Destination Unreachable with this code (RFC 792, RFC 1122 3.2.2.1).
    pub const fn unreachable(code: u8) -> IcmpError {
        IcmpError { icmp_type: IcmpType::UNREACHABLE, code, rest: [0; 4] }
    }

    /// Returns Destination Unreachable, code 4: the datagram has the flag "don't fragment" and exceeds this MTU, in
    /// bytes (RFC 1191 4).
    pub const fn fragmentation_needed(mtu: u16) -> IcmpError {
        let [high, low] = mtu.to_be_bytes();
        IcmpError { icmp_type: IcmpType::UNREACHABLE, code: 4, rest: [0, 0, high, low] }
    }

    /// Returns Parameter Problem, code 0: the byte at `pointer` in the header is invalid.
    pub const fn parameter(pointer: u8) -> IcmpError {
        IcmpError { icmp_type: IcmpType::PARAMETER_PROBLEM, code: 0, rest: [pointer, 0, 0, 0] }
    }

    /// Returns the type.
    pub fn icmp_type(&self) -> IcmpType {
        self.icmp_type
    }

    /// Returns the code.
    pub fn code(&self) -> u8 {
        self.code
    }

    /// Returns the offset of the invalid byte in the header of the datagram, for Parameter Problem, code 0.
    pub fn pointer(&self) -> Option<u8> {
        let [pointer, ..] = self.rest;
        (self.icmp_type == IcmpType::PARAMETER_PROBLEM && self.code == 0).then_some(pointer)
    }

    /// Returns the MTU of the next hop in bytes, for Destination Unreachable, code 4. Gateways that do not support
    /// RFC 1191 send an MTU of zero.
    pub fn mtu(&self) -> Option<u16> {
        let [.., high, low] = self.rest;
        (self.icmp_type == IcmpType::UNREACHABLE && self.code == 4).then_some(u16::from_be_bytes([high, low]))
    }

    /// Returns the gateway to use instead, for Redirect (RFC 792, "Redirect Message").
    pub fn gateway(&self) -> Option<Ipv4Addr> {
        (self.icmp_type == IcmpType::REDIRECT).then_some(self.rest.into())
    }

    /// Writes the error to the start of `message`. The error quotes the datagram `about`, truncated to
    /// [`IcmpError::MAX_LENGTH`] and to the length of `message`. Returns the length of the error in bytes.
    ///
    /// Does not check whether the error may be sent: see [`Icmp::write_error`](crate::Icmp::write_error).
    pub fn write_to(&self, about: &[u8], message: &mut [u8]) -> Result<usize, IcmpDropReason> {
        let length = (Self::HEADER + about.len()).min(Self::MAX_LENGTH).min(message.len());
        let message = message.get_mut(..length).unwrap_or_default();
        let (header, quote) = IcmpHeader::mut_from_prefix(message).map_err(|_| IcmpDropReason::Truncated)?;
        header.icmp_type = self.icmp_type.0;
        header.code = self.code;
        header.checksum.set(0);
        // spec: rfc792-unused
        header.rest = self.rest;
        // spec: rfc792-quote
        for (to, from) in quote.iter_mut().zip(about) {
            *to = *from;
        }
        set_checksum(message)?;
        Ok(length)
    }
}

impl fmt::Display for IcmpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match (self.icmp_type, self.code) {
            (IcmpType::UNREACHABLE, 0) => "network unreachable",
            (IcmpType::UNREACHABLE, 1) => "host unreachable",
            (IcmpType::UNREACHABLE, 2) => "protocol unreachable",
            (IcmpType::UNREACHABLE, 3) => "port unreachable",
            (IcmpType::UNREACHABLE, 4) => "fragmentation needed",
            (IcmpType::UNREACHABLE, 5) => "source route failed",
            (IcmpType::UNREACHABLE, 9 | 10 | 13) => "administratively prohibited",
            (IcmpType::TIME_EXCEEDED, 0) => "time to live exceeded",
            (IcmpType::TIME_EXCEEDED, 1) => "reassembly time exceeded",
            (icmp_type, code) => return write!(f, "{icmp_type} code {code}"),
        };
        f.write_str(text)
    }
}

/// A datagram quoted by an ICMP error: the header, and the start of the data. Gateways change the header and truncate
/// the data, so checksum and total length are not validated.
#[derive(Clone, Copy, Debug)]
pub struct QuotedDatagram<'a> {
    header: &'a Ipv4Header,
    data: &'a [u8],
}

impl<'a> QuotedDatagram<'a> {
    /// Parses the quoted bytes. Returns `None` without a complete IPv4 header.
    pub fn parse(bytes: &'a [u8]) -> Option<QuotedDatagram<'a>> {
        let (header, _) = Ipv4Header::ref_from_prefix(bytes).ok()?;
        let length = usize::from(header.version_and_length & 0x0f) * 4;
        if header.version_and_length >> 4 != 4 || length < size_of::<Ipv4Header>() {
            return None;
        }
        Some(QuotedDatagram { header, data: bytes.get(length..)? })
    }

    /// Returns the source address of the datagram. This address is local if the error is about a datagram of this host.
    pub fn source(&self) -> Ipv4Addr {
        self.header.source.into()
    }

    /// Returns the destination address of the datagram.
    pub fn destination(&self) -> Ipv4Addr {
        self.header.destination.into()
    }

    /// Returns the protocol of the datagram, to which the error is passed (RFC 1122 3.2.2).
    pub fn protocol(&self) -> IpProtocol {
        IpProtocol(self.header.protocol)
    }

    /// Returns the identification.
    pub fn identification(&self) -> u16 {
        self.header.identification.get()
    }

    /// Returns the total length of the datagram in bytes, as quoted. Some gateways quote a length that is larger by the
    /// length of the header (RFC 1191 5).
    pub fn total_length(&self) -> u16 {
        self.header.total_length.get()
    }

    /// Returns whether the datagram is a fragment with an offset above zero.
    pub fn is_later_fragment(&self) -> bool {
        self.header.flags_and_offset.get() & Ipv4Header::OFFSET != 0
    }

    /// Returns the quoted data.
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Returns source and destination port of a UDP datagram or TCP segment, if the ports are quoted.
    pub fn ports(&self) -> Option<(u16, u16)> {
        let has_ports = matches!(self.protocol(), IpProtocol::UDP | IpProtocol::TCP);
        let [a, b, c, d] = self.start().filter(|_| has_ports)?;
        Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
    }

    /// Returns the sequence number of a TCP segment, if the number is quoted.
    pub fn tcp_sequence(&self) -> Option<u32> {
        let is_segment = self.protocol() == IpProtocol::TCP && !self.is_later_fragment();
        Some(u32::from_be_bytes(*self.data.get(4..8).filter(|_| is_segment)?.first_chunk()?))
    }

    /// Returns identifier and sequence number of an echo request, if both are quoted.
    pub fn echo(&self) -> Option<(u16, u16)> {
        let [icmp_type, ..] = self.start()?;
        let is_request = self.protocol() == IpProtocol::ICMP && IcmpType(icmp_type) == IcmpType::ECHO_REQUEST;
        let [a, b, c, d] = *self.data.get(4..8).filter(|_| is_request)?.first_chunk()?;
        Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
    }

    /// Returns whether the datagram may be an ICMP error: an ICMP message without a known query type.
    pub(crate) fn may_be_an_error(&self) -> bool {
        let is_query = || self.data.first().is_some_and(|icmp_type| IcmpType(*icmp_type).is_query());
        self.protocol() == IpProtocol::ICMP && !is_query()
    }

    /// Returns the first four bytes of the data, or `None` for a fragment with an offset above zero.
    fn start(&self) -> Option<[u8; 4]> {
        self.data.first_chunk().copied().filter(|_| !self.is_later_fragment())
    }
}

#[cfg(test)]
mod tests;
