//! The whole from its parts.

use zerocopy::FromBytes;

use super::{Reassembly, ReassemblyFailure};
use crate::wire::Ipv4Header;
use crate::{Datagram, Ipv4DropReason};
use inet::checksum;

/// A datagram made whole: the header of its first fragment, as if it had never been cut, and its data.
///
/// Whoever is done with it gives it back by [`Reassembly::give_back`], so that nothing is allocated for
/// the next one.
#[derive(Debug, PartialEq, Eq)]
pub struct ReassembledDatagram(Vec<u8>);

/// The start of a fragment as it came: its header and eight octets of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentStart {
    octets: [u8; 68],
    length: usize,
}

impl ReassembledDatagram {
    /// The datagram.
    pub fn datagram(&self) -> Result<Datagram<'_>, Ipv4DropReason> {
        Datagram::parse(&self.0)
    }

    /// Its octets, to change in place.
    pub fn octets_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl FragmentStart {
    /// Its octets.
    pub fn octets(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or_default()
    }
}

impl Reassembly {
    /// How many buffers are kept for the next datagrams.
    pub(super) const SPARE: usize = 4;

    /// Takes a datagram back that came out of [`Reassembly::receive`].
    pub fn give_back(&mut self, reassembled: ReassembledDatagram) {
        if self.spare.len() < Self::SPARE {
            self.spare.push(reassembled.0);
        }
    }

    /// Keeps the header of a datagram's first fragment.
    pub(super) fn keep_header(&mut self, place: u32, datagram: &Datagram<'_>) {
        let length = datagram.header_length();
        let Some(entry) = self.entries.get_mut(place) else { return };
        for (to, from) in entry.header.iter_mut().zip(datagram.octets()).take(length) {
            *to = *from;
        }
        entry.header_length = length;
    }

    /// Takes a datagram out if all of it is here.
    pub(super) fn finish(&mut self, place: u32) -> Result<Option<ReassembledDatagram>, Ipv4DropReason> {
        let Some(entry) = self.entries.get(place) else { return Ok(None) };
        // No two fragments overlap, so that as many octets as there are in all are all.
        if entry.end != Some(entry.octets) {
            return Ok(None);
        }
        // The first fragment's header may be longer than that of the last.
        // spec: fragments-beyond
        let Ok(total) = u16::try_from(entry.header_length + entry.octets) else {
            self.give_up(place, ReassemblyFailure::TooLong);
            return Err(Ipv4DropReason::FragmentBeyond);
        };
        let mut octets = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(Datagram::LONGEST));
        self.gather(place, total, &mut octets);
        self.forget(place);
        Ok(Some(ReassembledDatagram(octets)))
    }

    /// Puts header and data together.
    // spec: rfc791-reassembly
    fn gather(&self, place: u32, total: u16, octets: &mut Vec<u8>) {
        octets.clear();
        let Some(entry) = self.entries.get(place) else { return };
        octets.extend_from_slice(entry.header.get(..entry.header_length).unwrap_or_default());
        if let Ok((header, _)) = Ipv4Header::mut_from_prefix(octets) {
            header.total_length.set(total);
            let flags = header.flags_and_offset.get();
            header.flags_and_offset.set(flags & !(Ipv4Header::MORE_FRAGMENTS | Ipv4Header::OFFSET));
            header.checksum.set(0);
        }
        let sum = checksum::of(octets);
        if let Ok((header, _)) = Ipv4Header::mut_from_prefix(octets) {
            header.checksum.set(sum);
        }
        let mut next = entry.first;
        while let Some(piece) = self.store.get(next) {
            self.store.octets(next).for_each(|part| octets.extend_from_slice(part));
            next = piece.behind;
        }
    }

    /// The start of a datagram's first fragment, if that is here.
    pub(super) fn quote(&self, place: u32) -> Option<FragmentStart> {
        let entry = self.entries.get(place)?;
        self.store.get(entry.first).filter(|piece| piece.offset == 0)?;
        let header = entry.header.get(..entry.header_length)?;
        let data = self.store.octets(entry.first).flatten().take(8);
        let mut octets = [0; 68];
        let mut length = 0;
        for (to, from) in octets.iter_mut().zip(header.iter().chain(data)) {
            *to = *from;
            length += 1;
        }
        Some(FragmentStart { octets, length })
    }
}
