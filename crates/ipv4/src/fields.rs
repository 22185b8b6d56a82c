//! Writing headers.

use std::fmt;
use std::net::Ipv4Addr;

use zerocopy::{FromBytes, IntoBytes};

use crate::Datagram;
use crate::wire::Ipv4Header;
use inet::{IpProtocol, checksum};

/// What a header says beyond its lengths and its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Fields {
    /// Type of service: a DSCP and two bits of ECN.
    pub type_of_service: u8,
    /// Which fragments belong together.
    pub identification: u16,
    /// Whether nobody may fragment it.
    pub dont_fragment: bool,
    /// Whether fragments come after it.
    pub more_fragments: bool,
    /// Where its data belongs in the whole datagram's, in octets: a multiple of eight, the rest is cut
    /// off.
    pub fragment_offset: usize,
    /// How many hops it may take; never zero.
    pub time_to_live: u8,
    /// The protocol of its data.
    pub protocol: IpProtocol,
    /// Who sends it.
    pub source: Ipv4Addr,
    /// Whom it is for.
    pub destination: Ipv4Addr,
}

/// A length that no datagram has: below a header's 20 octets, or above 65,535.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthError;

impl Ipv4Fields {
    /// Octets of a header as we send it, without options.
    pub const LENGTH: usize = size_of::<Ipv4Header>();
    /// Hops that a datagram of ours may take unless somebody wants otherwise (RFC 1700, "IP time to
    /// live parameter").
    pub const TIME_TO_LIVE: u8 = 64;

    /// The fields of a whole datagram that may be fragmented.
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

    /// Writes the header to the start of `datagram`, all of which is the datagram, and its checksum.
    pub fn write_to(&self, datagram: &mut [u8]) -> Result<(), LengthError> {
        let total_length = u16::try_from(datagram.len()).map_err(|_| LengthError)?;
        let (header, _) = Ipv4Header::mut_from_prefix(datagram).map_err(|_| LengthError)?;
        let units =
            u16::try_from(self.fragment_offset / 8).unwrap_or(Ipv4Header::OFFSET) & Ipv4Header::OFFSET;
        let dont_fragment = if self.dont_fragment { Ipv4Header::DONT_FRAGMENT } else { 0 };
        let more_fragments = if self.more_fragments { Ipv4Header::MORE_FRAGMENTS } else { 0 };
        // Field by field: a whole struct built beside and copied over costs four times as much.
        header.version_and_length = 0x45;
        // spec: rfc1122-type-of-service
        header.type_of_service = self.type_of_service;
        header.total_length.set(total_length);
        header.identification.set(self.identification);
        // spec: rfc791-reserved-flag
        header.flags_and_offset.set(dont_fragment | more_fragments | units);
        // spec: rfc1122-time-to-live
        header.time_to_live = self.time_to_live.max(1);
        header.protocol = self.protocol.0;
        header.checksum.set(0);
        header.source = self.source.octets();
        header.destination = self.destination.octets();
        // spec: rfc791-checksum
        let checksum = checksum::of(header.as_bytes());
        header.checksum.set(checksum);
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

impl fmt::Display for LengthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a datagram has 20 to 65535 octets")
    }
}

impl std::error::Error for LengthError {}
