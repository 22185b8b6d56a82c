//! Fragments that may fit together, and the plainest model of what they make.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use inet::IpProtocol;
use ipv4::{Instant, Ipv4DropReason, Ipv4Fields, ReassemblyLimits};
use libfuzzer_sys::arbitrary::{self, Arbitrary};

pub(crate) const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// The data of a datagram that a fragment makes whole, or why it was dropped.
pub(crate) type Outcome = Result<Option<Vec<u8>>, Ipv4DropReason>;

/// A fragment. Few datagrams and few offsets, so that they meet.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Part {
    datagram: u8,
    unit: Unit,
    units: u8,
    /// Octets less than so many units.
    less: u8,
    more: bool,
    /// Whether its first octet is another than it should be.
    odd: bool,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Unit {
    Near(u8),
    Any(u16),
}

/// Every datagram's fragments.
#[derive(Default)]
pub(crate) struct Puzzle {
    pictures: HashMap<u8, Picture>,
}

/// One datagram's.
struct Picture {
    since: Instant,
    taken: Vec<(usize, bool, Vec<u8>)>,
}

impl Part {
    fn key(self) -> u8 {
        self.datagram % 6
    }

    fn offset(self) -> usize {
        8 * match self.unit {
            Unit::Near(unit) => usize::from(unit % 16),
            Unit::Any(unit) => usize::from(unit % 0x2000),
        }
    }

    fn data(self) -> Vec<u8> {
        let length = (8 * usize::from(self.units % 64)).saturating_sub(usize::from(self.less % 12));
        let octet = |place: usize| (place * 31 + (place >> 8) * 7).to_le_bytes()[0];
        let mut data: Vec<u8> = (self.offset()..self.offset() + length).map(octet).collect();
        if let (true, Some(first)) = (self.odd, data.first_mut()) {
            *first = !*first;
        }
        data
    }

    pub(crate) fn octets(self) -> Vec<u8> {
        let mut octets = [vec![0; 20], self.data()].concat();
        let fields = Ipv4Fields {
            identification: u16::from(self.key() / 2),
            more_fragments: self.more,
            fragment_offset: self.offset(),
            ..Ipv4Fields::new(IpProtocol::ICMP, [10, 0, 0, 10 + self.key() % 2].into(), OURS)
        };
        fields.write_to(&mut octets).expect("a short fragment");
        octets
    }

    /// Asserts that each byte of a whole datagram is the expected one, or the first of an odd fragment.
    pub(crate) fn assert_whole(whole: &[u8]) {
        for (place, octet) in whole.iter().enumerate() {
            let right = (place * 31 + (place >> 8) * 7).to_le_bytes()[0];
            assert!(*octet == right || place % 8 == 0 && *octet == !right, "octet {place}");
        }
    }
}

impl Puzzle {
    pub(crate) fn give(&mut self, now: Instant, part: &Part) -> Outcome {
        let (offset, data) = (part.offset(), part.data());
        if offset == 0 && !part.more {
            return Ok(Some(data));
        }
        self.pictures.retain(|_, picture| picture.since + ReassemblyLimits::TIMEOUT > now);
        if data.is_empty() {
            return Err(Ipv4DropReason::FragmentEmpty);
        }
        if part.more && data.len() % 8 != 0 {
            return Err(Ipv4DropReason::FragmentUneven);
        }
        if 20 + offset + data.len() > 65_535 {
            return Err(Ipv4DropReason::FragmentBeyond);
        }
        let picture = self.pictures.entry(part.key()).or_insert_with(|| Picture::new(now));
        let outcome = picture.give(offset, part.more, data);
        // A datagram that is whole, or whose fragments contradict each other, may start again.
        if let Ok(Some(_)) | Err(Ipv4DropReason::FragmentOverlap) = outcome {
            self.pictures.remove(&part.key());
        }
        outcome
    }
}

impl Picture {
    fn new(since: Instant) -> Picture {
        assert!(since + Duration::from_secs(30) > since);
        Picture { since, taken: Vec::new() }
    }

    fn give(&mut self, offset: usize, more: bool, data: Vec<u8>) -> Outcome {
        let new = (offset, more, data);
        if self.taken.contains(&new) {
            return Err(Ipv4DropReason::FragmentRepeated);
        }
        self.taken.push(new);
        self.whole()
    }

    /// All fragments laid out octet by octet.
    fn whole(&self) -> Outcome {
        let ends = || self.taken.iter().map(|(offset, more, data)| (offset + data.len(), *more));
        let farthest = ends().map(|(end, _)| end).max().unwrap_or(0);
        let is_ended = ends().any(|(_, more)| !more);
        // Whoever says that he is the last ends where the farthest ends, and nobody else ends there.
        let ends_right = ends().filter(|(_, more)| !more).all(|(end, _)| end == farthest);
        if is_ended && (!ends_right || ends().filter(|(end, _)| *end == farthest).count() > 1) {
            return Err(Ipv4DropReason::FragmentOverlap);
        }
        let mut octets = vec![None; farthest];
        for (offset, _, data) in &self.taken {
            for (place, octet) in octets[*offset..].iter_mut().zip(data) {
                if place.replace(*octet).is_some() {
                    return Err(Ipv4DropReason::FragmentOverlap);
                }
            }
        }
        Ok(octets.into_iter().collect::<Option<Vec<u8>>>().filter(|_| is_ended))
    }
}
