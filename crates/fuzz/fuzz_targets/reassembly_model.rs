//! Fragments that may belong together, and a simple model of reassembly.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use inet::IpProtocol;
use ipv4::{Instant, Ipv4DropReason, Ipv4Fields, ReassemblyLimits};
use libfuzzer_sys::arbitrary::{self, Arbitrary};

pub(crate) const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// Data of the datagram that a fragment completes, `None` if the fragment is stored, or the reason why it was dropped.
pub(crate) type Outcome = Result<Option<Vec<u8>>, Ipv4DropReason>;

/// Fragment of one of few datagrams, often at one of few offsets.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct FragmentInput {
    datagram: u8,
    unit: Unit,
    units: u8,
    /// Number of bytes that are missing from the last unit of 8 bytes.
    missing: u8,
    more: bool,
    /// Whether the first byte is altered.
    is_altered: bool,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Unit {
    Near(u8),
    Any(u16),
}

/// Fragments of all datagrams.
#[derive(Default)]
pub(crate) struct ReassemblyModel {
    datagrams: HashMap<u8, DatagramModel>,
}

/// Fragments of one datagram.
struct DatagramModel {
    since: Instant,
    fragments: Vec<(usize, bool, Vec<u8>)>,
}

impl FragmentInput {
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
        let length = (8 * usize::from(self.units % 64)).saturating_sub(usize::from(self.missing % 12));
        let byte = |place: usize| (place * 31 + (place >> 8) * 7).to_le_bytes()[0];
        let mut data: Vec<u8> = (self.offset()..self.offset() + length).map(byte).collect();
        if let (true, Some(first)) = (self.is_altered, data.first_mut()) {
            *first = !*first;
        }
        data
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        let mut bytes = [vec![0; 20], self.data()].concat();
        let fields = Ipv4Fields {
            identification: u16::from(self.key() / 2),
            more_fragments: self.more,
            fragment_offset: self.offset(),
            ..Ipv4Fields::new(IpProtocol::ICMP, [10, 0, 0, 10 + self.key() % 2].into(), LOCAL)
        };
        fields.write_to(&mut bytes).expect("buffer should hold the fragment");
        bytes
    }

    /// Asserts that each byte of a reassembled datagram is correct, or the altered first byte of a fragment.
    pub(crate) fn assert_whole(whole: &[u8]) {
        for (place, byte) in whole.iter().enumerate() {
            let correct = (place * 31 + (place >> 8) * 7).to_le_bytes()[0];
            assert!(*byte == correct || place % 8 == 0 && *byte == !correct, "wrong byte at {place}");
        }
    }
}

impl ReassemblyModel {
    pub(crate) fn receive(&mut self, now: Instant, fragment: &FragmentInput) -> Outcome {
        let (offset, data) = (fragment.offset(), fragment.data());
        if offset == 0 && !fragment.more {
            return Ok(Some(data));
        }
        self.datagrams.retain(|_, datagram| datagram.since + ReassemblyLimits::TIMEOUT > now);
        if data.is_empty() {
            return Err(Ipv4DropReason::FragmentEmpty);
        }
        if fragment.more && data.len() % 8 != 0 {
            return Err(Ipv4DropReason::FragmentUneven);
        }
        if 20 + offset + data.len() > 65_535 {
            return Err(Ipv4DropReason::FragmentBeyond);
        }
        let datagram = self.datagrams.entry(fragment.key()).or_insert_with(|| DatagramModel::new(now));
        let outcome = datagram.receive(offset, fragment.more, data);
        // The model forgets the fragments of a complete datagram, and of a datagram with overlapping fragments.
        if let Ok(Some(_)) | Err(Ipv4DropReason::FragmentOverlap) = outcome {
            self.datagrams.remove(&fragment.key());
        }
        outcome
    }
}

impl DatagramModel {
    fn new(since: Instant) -> DatagramModel {
        assert!(since + Duration::from_secs(30) > since);
        DatagramModel { since, fragments: Vec::new() }
    }

    fn receive(&mut self, offset: usize, more: bool, data: Vec<u8>) -> Outcome {
        let new = (offset, more, data);
        if self.fragments.contains(&new) {
            return Err(Ipv4DropReason::FragmentRepeated);
        }
        self.fragments.push(new);
        self.reassemble()
    }

    /// Places all fragments byte by byte. Returns the data if it is complete.
    fn reassemble(&self) -> Outcome {
        let ends = || self.fragments.iter().map(|(offset, more, data)| (offset + data.len(), *more));
        let farthest = ends().map(|(end, _)| end).max().unwrap_or(0);
        let is_ended = ends().any(|(_, more)| !more);
        // The last fragment has the farthest end, and no other fragment ends there.
        let has_valid_end = ends().filter(|(_, more)| !more).all(|(end, _)| end == farthest);
        if is_ended && (!has_valid_end || ends().filter(|(end, _)| *end == farthest).count() > 1) {
            return Err(Ipv4DropReason::FragmentOverlap);
        }
        let mut bytes = vec![None; farthest];
        for (offset, _, data) in &self.fragments {
            for (place, byte) in bytes[*offset..].iter_mut().zip(data) {
                if place.replace(*byte).is_some() {
                    return Err(Ipv4DropReason::FragmentOverlap);
                }
            }
        }
        Ok(bytes.into_iter().collect::<Option<Vec<u8>>>().filter(|_| is_ended))
    }
}
