//! The datagram that an error is about.

use std::net::Ipv4Addr;

use inet::IpProtocol;
use ipv4::Ipv4Header;
use zerocopy::FromBytes;

use crate::IcmpType;

/// The start of a datagram: its header, and as much of its data as there is. Gateways change the header
/// on the way and cut what follows, so neither its checksum nor its total length is looked at.
#[derive(Clone, Copy, Debug)]
pub struct QuotedDatagram<'a> {
    header: &'a Ipv4Header,
    data: &'a [u8],
}

impl<'a> QuotedDatagram<'a> {
    /// Reads a quotation; none if there is no whole IPv4 header.
    pub fn parse(octets: &'a [u8]) -> Option<QuotedDatagram<'a>> {
        let (header, _) = Ipv4Header::ref_from_prefix(octets).ok()?;
        let length = usize::from(header.version_and_length & 0x0f) * 4;
        if header.version_and_length >> 4 != 4 || length < size_of::<Ipv4Header>() {
            return None;
        }
        Some(QuotedDatagram { header, data: octets.get(length..)? })
    }

    /// Who sent the datagram: we, if the error is meant for us.
    pub fn source(&self) -> Ipv4Addr {
        self.header.source.into()
    }

    /// Whom it was for.
    pub fn destination(&self) -> Ipv4Addr {
        self.header.destination.into()
    }

    /// The protocol that is to be told (RFC 1122 3.2.2).
    pub fn protocol(&self) -> IpProtocol {
        IpProtocol(self.header.protocol)
    }

    /// Its identification.
    pub fn identification(&self) -> u16 {
        self.header.identification.get()
    }

    /// Whether it is a fragment, and not the first.
    pub fn is_later_fragment(&self) -> bool {
        self.header.flags_and_offset.get() & Ipv4Header::OFFSET != 0
    }

    /// Its data, as much as is here.
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Source and destination port, if it is UDP's or TCP's.
    pub fn ports(&self) -> Option<(u16, u16)> {
        let has_ports = matches!(self.protocol(), IpProtocol::UDP | IpProtocol::TCP);
        let [a, b, c, d] = self.start().filter(|_| has_ports)?;
        Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
    }

    /// Identifier and sequence number, if it is an echo request.
    pub fn echo(&self) -> Option<(u16, u16)> {
        let [kind, ..] = self.start()?;
        let is_request = self.protocol() == IpProtocol::ICMP && IcmpType(kind) == IcmpType::ECHO_REQUEST;
        let [a, b, c, d] = *self.data.get(4..8).filter(|_| is_request)?.first_chunk()?;
        Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
    }

    /// Whether it may be an ICMP error: an ICMP message that is not known to be none.
    pub(crate) fn may_be_an_error(&self) -> bool {
        let is_query = || self.data.first().is_some_and(|kind| IcmpType(*kind).is_query());
        self.protocol() == IpProtocol::ICMP && !is_query()
    }

    /// The first octets of its data; none of a later fragment, whose data starts elsewhere.
    fn start(&self) -> Option<[u8; 4]> {
        self.data.first_chunk().copied().filter(|_| !self.is_later_fragment())
    }
}

#[cfg(test)]
mod tests;
