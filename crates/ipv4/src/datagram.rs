//! A valid IPv4 datagram.

use std::net::Ipv4Addr;

use zerocopy::{FromBytes, IntoBytes};

use crate::Ipv4DropReason;
use crate::wire::Ipv4Header;
use inet::{IpProtocol, checksum};

/// A datagram, or a fragment of one, whose header makes sense: a view into the octets it was parsed
/// from. What it claims need not be true.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    header: &'a Ipv4Header,
    octets: &'a [u8],
    options: &'a [u8],
    payload: &'a [u8],
}

/// Version 4 and a header of five words, without options.
const PLAIN: u8 = 0x45;

impl<'a> Datagram<'a> {
    /// The longest datagram there can be, in octets.
    pub const LONGEST: usize = 65_535;

    /// Reads a datagram from the start of a frame's payload. What follows its total length is the
    /// link's padding.
    // Its result is read at once by whoever called: across crates it would go through memory.
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
        let octets =
            frame.get(..usize::from(header.total_length.get())).ok_or(Ipv4DropReason::TotalLength)?;
        let (whole, payload) = octets.split_at_checked(length).ok_or(Ipv4DropReason::TotalLengthShort)?;
        // spec: rfc791-options
        let options = whole.get(size_of::<Ipv4Header>()..).unwrap_or_default();
        // spec: rfc1122-header-checksum
        let is_valid = if header.version_and_length == PLAIN {
            checksum::is_valid(header.as_bytes())
        } else {
            checksum::is_valid(whole)
        };
        if !is_valid {
            return Err(Ipv4DropReason::Checksum);
        }
        Ok(Datagram { header, octets, options, payload })
    }

    /// What there is of a datagram, for whoever shows what [`Datagram::parse`] turns away: its checksum may
    /// be wrong, and it may end before its total length. None if there is no whole header of version 4.
    pub fn parse_lenient(frame: &'a [u8]) -> Option<Datagram<'a>> {
        let (header, _) = Ipv4Header::ref_from_prefix(frame).ok()?;
        let length = usize::from(header.version_and_length & 0x0f) * 4;
        if header.version_and_length >> 4 != 4 || length < size_of::<Ipv4Header>() {
            return None;
        }
        // Some cards leave the total length to be filled in later: then the frame says.
        let promised = match usize::from(header.total_length.get()) {
            short if short < length => frame.len(),
            promised => promised,
        };
        let octets = frame.get(..promised).unwrap_or(frame);
        let (whole, payload) = octets.split_at_checked(length)?;
        let options = whole.get(size_of::<Ipv4Header>()..).unwrap_or_default();
        Some(Datagram { header, octets, options, payload })
    }

    /// Type of service: a DSCP and two bits of ECN.
    pub fn type_of_service(&self) -> u8 {
        self.header.type_of_service
    }

    /// Which fragments belong together.
    pub fn identification(&self) -> u16 {
        self.header.identification.get()
    }

    /// Whether nobody may fragment it.
    pub fn dont_fragment(&self) -> bool {
        self.header.flags_and_offset.get() & Ipv4Header::DONT_FRAGMENT != 0
    }

    /// Whether fragments come after it.
    pub fn more_fragments(&self) -> bool {
        self.header.flags_and_offset.get() & Ipv4Header::MORE_FRAGMENTS != 0
    }

    /// Where its data belongs in the whole datagram's, in octets.
    pub fn fragment_offset(&self) -> usize {
        usize::from(self.header.flags_and_offset.get() & Ipv4Header::OFFSET) * 8
    }

    /// Whether it is less than a whole datagram.
    pub fn is_fragment(&self) -> bool {
        self.header.flags_and_offset.get() & (Ipv4Header::MORE_FRAGMENTS | Ipv4Header::OFFSET) != 0
    }

    /// How many more hops it might have taken. A host takes it whatever this says (RFC 1122 3.2.1.7).
    pub fn time_to_live(&self) -> u8 {
        self.header.time_to_live
    }

    /// The protocol of its data.
    pub fn protocol(&self) -> IpProtocol {
        IpProtocol(self.header.protocol)
    }

    /// Who sent it.
    pub fn source(&self) -> Ipv4Addr {
        self.header.source.into()
    }

    /// Whom it is for.
    pub fn destination(&self) -> Ipv4Addr {
        self.header.destination.into()
    }

    /// Its options as they lie.
    pub fn options(&self) -> &'a [u8] {
        self.options
    }

    /// Its data.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Octets of the header, options included.
    pub fn header_length(&self) -> usize {
        size_of::<Ipv4Header>() + self.options.len()
    }

    /// The total length that the header promises, in octets.
    pub fn total_length(&self) -> u16 {
        self.header.total_length.get()
    }

    /// All of it: header, options and data, without the link's padding.
    pub fn octets(&self) -> &'a [u8] {
        self.octets
    }
}

#[cfg(test)]
mod tests;
