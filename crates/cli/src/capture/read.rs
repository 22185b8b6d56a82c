//! Ethernet frames out of a capture.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};

use crate::pcap::{self, FRAME_LIMIT, LinkType};
use crate::report::Direction;

/// Link types of omitted packets that are counted apart.
const LINK_TYPES: usize = 8;

/// One frame of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// Place among all packets of the capture, from 1 on.
    pub(crate) number: u64,
    /// When it was captured, in nanoseconds since 1970 in UTC, if that is known.
    pub(crate) time: Option<u64>,
    /// Length on the wire, in bytes.
    pub(crate) length: usize,
    /// Length in the capture, in bytes.
    pub(crate) captured: usize,
    /// The captured bytes, the first [`FRAME_LIMIT`] at most.
    pub(crate) octets: &'a [u8],
    /// Which way it went, if the capture says.
    pub(crate) direction: Option<Direction>,
    /// Comments on it, in their order.
    pub(crate) comments: Vec<Cow<'a, str>>,
}

/// A capture that is read frame by frame.
pub(crate) struct Reader<'r> {
    packets: pcap::Reader<Box<dyn Read + Send + 'r>>,
    omitted: Omitted,
}

/// Reason why a capture cannot be read whole.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The file cannot be read, or not any further.
    File(pcap::Error),
    /// All its packets are of this link type.
    LinkType(LinkType),
    /// It was read to its end, without these.
    Omitted(Omitted),
}

/// Packets of a capture that were not returned, or not whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Omitted {
    /// Packets by link type, for the first [`LINK_TYPES`] of these.
    foreign: Vec<(LinkType, u64)>,
    /// Packets of further link types.
    other_foreign: u64,
    /// Frames longer than [`FRAME_LIMIT`].
    shortened: u64,
    /// Blocks of unknown types, and the first such type.
    unknown: (u64, Option<u32>),
}

impl<'r> Reader<'r> {
    /// Reads the start of a capture.
    pub(crate) fn new(from: impl Read + Send + 'r) -> Result<Reader<'r>, ReadError> {
        let from: Box<dyn Read + Send + 'r> = Box::new(from);
        let packets = pcap::Reader::new(from).map_err(ReadError::File)?;
        match packets.link_type() {
            Some(link_type) if link_type != LinkType::ETHERNET => Err(ReadError::LinkType(link_type)),
            _ => Ok(Reader { packets, omitted: Omitted::default() }),
        }
    }

    /// Passes frames to `each` until none is left, or until it returns false. Fails at the end of a capture if
    /// something in it was omitted.
    pub(crate) fn read(&mut self, mut each: impl FnMut(&Record<'_>) -> bool) -> Result<(), ReadError> {
        while let Some(packet) = self.packets.next().map_err(ReadError::File)? {
            if packet.link_type != LinkType::ETHERNET {
                self.omitted.count(packet.link_type);
                continue;
            }
            let record = Record::of(&packet);
            self.omitted.shortened += u64::from(record.octets.len() < record.captured);
            if !each(&record) {
                return Ok(());
            }
        }
        self.omitted.unknown = self.packets.unknown_blocks();
        if self.omitted == Omitted::default() {
            return Ok(());
        }
        Err(ReadError::Omitted(std::mem::take(&mut self.omitted)))
    }
}

impl<'a> Record<'a> {
    fn of(packet: &pcap::Packet<'a>) -> Record<'a> {
        let size = |length| usize::try_from(length).unwrap_or(usize::MAX);
        Record {
            number: packet.number,
            time: packet.time,
            length: size(packet.length),
            captured: size(packet.captured),
            octets: packet.data,
            direction: packet.flags.and_then(Direction::of_flags),
            comments: packet.comments().collect(),
        }
    }

    /// Whether there is less of the frame than was on the wire.
    pub(crate) fn is_cut(&self) -> bool {
        self.octets.len() < self.length
    }
}

impl Omitted {
    fn count(&mut self, link_type: LinkType) {
        let has_capacity = self.foreign.len() < LINK_TYPES;
        match self.foreign.iter_mut().find(|(known, _)| *known == link_type) {
            Some((_, count)) => *count = count.saturating_add(1),
            None if has_capacity => self.foreign.push((link_type, 1)),
            None => self.other_foreign = self.other_foreign.saturating_add(1),
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> ReadError {
        ReadError::File(pcap::Error::Io(error))
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::LinkType(link_type) => {
                write!(f, "unsupported link type {link_type}; {}", advice(&[*link_type]))
            }
            Self::Omitted(omitted) => omitted.fmt(f),
        }
    }
}

impl fmt::Display for Omitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reasons = Vec::new();
        for (link_type, count) in &self.foreign {
            reasons.push(format!("{} of unsupported link type {link_type} omitted", packets(*count)));
        }
        if self.other_foreign > 0 {
            reasons.push(format!("{} of further link types omitted", packets(self.other_foreign)));
        }
        if self.shortened > 0 {
            let shortened = packets(self.shortened);
            reasons.push(format!("{shortened} longer than {FRAME_LIMIT} bytes read in part"));
        }
        if let (count @ 1.., Some(number)) = self.unknown {
            let blocks = if count == 1 { "block" } else { "blocks" };
            reasons.push(format!("{count} {blocks} of unknown type {number:#x} omitted"));
        }
        f.write_str(&reasons.join(", "))?;
        let link_types: Vec<_> = self.foreign.iter().map(|(link_type, _)| *link_type).collect();
        if link_types.is_empty() { Ok(()) } else { write!(f, "; {}", advice(&link_types)) }
    }
}

fn packets(count: u64) -> String {
    format!("{count} {}", if count == 1 { "packet" } else { "packets" })
}

/// What to do about packets of these link types.
fn advice(link_types: &[LinkType]) -> &'static str {
    if link_types.iter().any(|link_type| LinkType::COOKED.contains(link_type)) {
        "only Ethernet is supported: `tcpdump -i eth0`, not `-i any`"
    } else {
        "only Ethernet is supported"
    }
}

impl std::error::Error for ReadError {}
