//! Reader for the frames of a capture that have a supported link type.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};

use crate::{CapturedPacket, Error, FRAME_LIMIT, LinkType, PacketInterface, PacketReader};

/// Maximum number of link types with separate counts of omitted packets.
const LINK_TYPES: usize = 8;

/// Direction of a frame at the capturing interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Received.
    In,
    /// Transmitted.
    Out,
}

impl Direction {
    /// Returns the name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }

    /// Returns the direction as the lowest two bits of a packet's flags in pcapng.
    pub fn flags(self) -> u32 {
        match self {
            Self::In => 1,
            Self::Out => 2,
        }
    }

    /// Returns the direction in the lowest two bits of a packet's flags, if known.
    pub fn from_flags(flags: u32) -> Option<Direction> {
        match flags & 3 {
            1 => Some(Self::In),
            2 => Some(Self::Out),
            _ => None,
        }
    }
}

/// Frame of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedFrame<'a> {
    /// Number among all packets of the capture, starting at 1.
    pub number: u64,
    /// Interface.
    pub interface: PacketInterface<'a>,
    /// Link type: the type of the first header.
    pub link_type: LinkType,
    /// Capture time in nanoseconds since 1970 in UTC, if known.
    pub time: Option<u64>,
    /// Length on the wire in bytes.
    pub length: usize,
    /// Length in the capture in bytes.
    pub captured: usize,
    /// Captured bytes, up to [`FRAME_LIMIT`].
    pub bytes: &'a [u8],
    /// Direction, if known.
    pub direction: Option<Direction>,
    /// Comments in file order.
    pub comments: Vec<Cow<'a, str>>,
}

/// Reader for the frames of a pcap or pcapng file that have a supported link type.
pub struct FrameReader<'r> {
    packets: PacketReader<Box<dyn Read + Send + 'r>>,
    supported: &'static [LinkType],
    omitted: OmittedPackets,
}

/// Error of [`FrameReader`].
#[derive(Debug)]
pub enum FrameReaderError {
    /// The file cannot be read, or cannot be read further.
    File(Error),
    /// The pcap file has this link type, which is not supported.
    LinkType(LinkType),
    /// Reading ended at the end of the file or at the caller's request. Some packets or blocks were omitted, or some frames
    /// were truncated.
    Omitted(OmittedPackets),
}

/// Counts of omitted packets and blocks, and of truncated frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OmittedPackets {
    /// Packets of other link types, for the first [`LINK_TYPES`] types.
    other_link_types: Vec<(LinkType, u64)>,
    /// Packets of further link types.
    further: u64,
    /// Frames longer than [`FRAME_LIMIT`].
    shortened: u64,
    /// Number of blocks of unknown types, and the first such type.
    unknown: (u64, Option<u32>),
}

impl<'r> FrameReader<'r> {
    /// Reads the header of a capture. The frames of the link types in `supported` are read.
    ///
    /// Fails if the header cannot be read, or if a pcap file has another link type.
    pub fn new(
        from: impl Read + Send + 'r,
        supported: &'static [LinkType],
    ) -> Result<FrameReader<'r>, FrameReaderError> {
        let from: Box<dyn Read + Send + 'r> = Box::new(from);
        let packets = PacketReader::new(from).map_err(FrameReaderError::File)?;
        match packets.link_type() {
            Some(link_type) if !supported.contains(&link_type) => Err(FrameReaderError::LinkType(link_type)),
            _ => Ok(FrameReader { packets, supported, omitted: OmittedPackets::default() }),
        }
    }

    /// Passes each frame to `each` until the end of the file, or until `each` returns false.
    ///
    /// Fails if the file cannot be read further, and at the end if packets or blocks were omitted or frames were
    /// truncated until then.
    pub fn read(&mut self, mut each: impl FnMut(&CapturedFrame<'_>) -> bool) -> Result<(), FrameReaderError> {
        while let Some(packet) = self.packets.next_packet().map_err(FrameReaderError::File)? {
            if !self.supported.contains(&packet.link_type) {
                self.omitted.count(packet.link_type);
                continue;
            }
            let frame = CapturedFrame::new(&packet);
            self.omitted.shortened += u64::from(frame.bytes.len() < frame.captured);
            if !each(&frame) {
                break;
            }
        }
        self.omitted.unknown = self.packets.unknown_blocks();
        if self.omitted == OmittedPackets::default() {
            return Ok(());
        }
        Err(FrameReaderError::Omitted(std::mem::take(&mut self.omitted)))
    }
}

impl<'a> CapturedFrame<'a> {
    fn new(packet: &CapturedPacket<'a>) -> CapturedFrame<'a> {
        let size = |length| usize::try_from(length).unwrap_or(usize::MAX);
        CapturedFrame {
            number: packet.number,
            interface: packet.interface,
            link_type: packet.link_type,
            time: packet.time,
            length: size(packet.length),
            captured: size(packet.captured),
            bytes: packet.data,
            direction: packet.flags.and_then(Direction::from_flags),
            comments: packet.comments().collect(),
        }
    }

    /// Returns whether `bytes` is shorter than the frame on the wire.
    pub fn is_truncated(&self) -> bool {
        self.bytes.len() < self.length
    }
}

impl OmittedPackets {
    /// Returns the link types of omitted packets: up to eight link types.
    pub fn link_types(&self) -> impl Iterator<Item = LinkType> {
        self.other_link_types.iter().map(|(link_type, _)| *link_type)
    }

    fn count(&mut self, link_type: LinkType) {
        let has_capacity = self.other_link_types.len() < LINK_TYPES;
        match self.other_link_types.iter_mut().find(|(known, _)| *known == link_type) {
            Some((_, count)) => *count = count.saturating_add(1),
            None if has_capacity => self.other_link_types.push((link_type, 1)),
            None => self.further = self.further.saturating_add(1),
        }
    }
}

impl From<io::Error> for FrameReaderError {
    fn from(error: io::Error) -> FrameReaderError {
        FrameReaderError::File(Error::Io(error))
    }
}

impl fmt::Display for FrameReaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::LinkType(link_type) => write!(f, "unsupported link type {link_type}"),
            Self::Omitted(omitted) => omitted.fmt(f),
        }
    }
}

impl fmt::Display for OmittedPackets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reasons = Vec::new();
        for (link_type, count) in &self.other_link_types {
            reasons.push(format!("{} of unsupported link type {link_type} omitted", packets(*count)));
        }
        if self.further > 0 {
            reasons.push(format!("{} of further link types omitted", packets(self.further)));
        }
        if self.shortened > 0 {
            let shortened = packets(self.shortened);
            reasons.push(format!("{shortened} longer than {FRAME_LIMIT} bytes read in part"));
        }
        if let (count @ 1.., Some(number)) = self.unknown {
            let blocks = if count == 1 { "block" } else { "blocks" };
            reasons.push(format!("{count} {blocks} of unknown type {number:#x} omitted"));
        }
        f.write_str(&reasons.join(", "))
    }
}

fn packets(count: u64) -> String {
    format!("{count} {}", if count == 1 { "packet" } else { "packets" })
}

impl std::error::Error for FrameReaderError {}

#[cfg(test)]
mod tests;
