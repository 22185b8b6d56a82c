//! Frames out of a capture.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};

use pcap_parser::traits::{PcapNGPacketBlock, PcapReaderIterator};
use pcap_parser::{
    Block, EnhancedPacketBlock, InterfaceDescriptionBlock, LegacyPcapBlock, OptionCode, PcapBlockOwned,
    PcapError, PcapHeader, PcapNGOption, SimplePacketBlock, create_reader,
};

use super::start::{Beginning, Start};
use crate::report::Direction;

/// The link type of Ethernet.
const ETHERNET: i32 = 1;
/// How much of a capture is in memory at first, in octets.
const CAPACITY: usize = 256 * 1_024;
/// The longest block that is read, in octets.
const LONGEST: usize = 64 * 1_024 * 1_024;
/// The option of a frame that holds its direction.
const FLAGS: OptionCode = OptionCode(2);
const SECOND: u128 = 1_000_000_000;

/// One frame of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// Which frame of the capture, from 1 on.
    pub(crate) number: u64,
    /// When it was captured, in nanoseconds since 1970 in UTC, if that is known.
    pub(crate) time: Option<u64>,
    /// How long it was on the wire, in octets.
    pub(crate) length: usize,
    /// As much of it as was captured.
    pub(crate) octets: &'a [u8],
    /// Which way it went, if the capture says.
    pub(crate) direction: Option<Direction>,
    /// What somebody had to say about it.
    pub(crate) comment: Option<Cow<'a, str>>,
}

/// A capture that is read frame by frame; in memory is never more than its longest block.
pub(crate) struct Reader<'r> {
    blocks: Box<dyn PcapReaderIterator + Send + 'r>,
    capacity: usize,
    /// Those of the section, in their order.
    interfaces: Vec<Interface>,
    number: u64,
}

/// Where frames were captured.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link_type: i32,
    /// How many parts a second is counted in.
    resolution: u128,
    /// Seconds to add to every time.
    offset: i64,
    /// How much of a frame is captured at most; none if there is no limit.
    snap_length: Option<usize>,
}

/// Why a capture cannot be read on.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The system says why.
    Io(io::Error),
    /// Neither pcap nor pcapng.
    NoCapture,
    /// It ends in the middle of a block.
    Cut,
    /// A block makes no sense, or is far too long.
    Damaged,
    /// Its frames are not Ethernet's.
    LinkType(i32),
}

/// What a block is to us.
enum Step {
    Block,
    More,
    Grow,
    End,
}

impl<'r> Reader<'r> {
    /// Reads the start of a capture.
    pub(crate) fn new(from: impl Read + Send + 'r) -> Result<Reader<'r>, ReadError> {
        let (beginning, start) = Start::read(from).map_err(ReadError::Io)?;
        match beginning {
            Beginning::Known => {}
            Beginning::Cut => return Err(ReadError::Cut),
            Beginning::Other => return Err(ReadError::NoCapture),
        }
        let blocks = create_reader(CAPACITY, start).map_err(|error| ReadError::of(&error))?;
        Ok(Reader { blocks, capacity: CAPACITY, interfaces: Vec::new(), number: 0 })
    }

    /// Shows `each` frame until there is none left, or one is not wanted any more.
    pub(crate) fn read(&mut self, mut each: impl FnMut(&Record<'_>) -> bool) -> Result<(), ReadError> {
        let mut wanted = true;
        while wanted {
            let step = match self.blocks.next() {
                Ok((length, block)) => {
                    wanted = take(&mut self.interfaces, &mut self.number, &block, &mut each)?;
                    drop(block);
                    self.blocks.consume(length);
                    Step::Block
                }
                Err(PcapError::Eof) => Step::End,
                Err(PcapError::Incomplete(_)) => Step::More,
                Err(PcapError::BufferTooSmall) => Step::Grow,
                Err(error) => return Err(ReadError::of(&error)),
            };
            match step {
                Step::Block => {}
                Step::More => self.refill()?,
                Step::Grow => {
                    self.capacity *= 2;
                    if self.capacity > LONGEST || !self.blocks.grow(self.capacity) {
                        return Err(ReadError::Damaged);
                    }
                    self.refill()?;
                }
                Step::End => return Ok(()),
            }
        }
        Ok(())
    }

    fn refill(&mut self) -> Result<(), ReadError> {
        self.blocks.refill().map_err(|error| ReadError::of(&error))
    }
}

/// Takes in one block. Returns whether more is wanted.
fn take(
    interfaces: &mut Vec<Interface>,
    number: &mut u64,
    block: &PcapBlockOwned<'_>,
    each: &mut impl FnMut(&Record<'_>) -> bool,
) -> Result<bool, ReadError> {
    let record = match block {
        PcapBlockOwned::LegacyHeader(header) => {
            interfaces.push(Interface::of_pcap(header));
            return Interface::check(interfaces, 0).map(|_| true);
        }
        PcapBlockOwned::NG(Block::SectionHeader(_)) => {
            interfaces.clear();
            return Ok(true);
        }
        PcapBlockOwned::NG(Block::InterfaceDescription(block)) => {
            interfaces.push(Interface::of_pcapng(block));
            return Ok(true);
        }
        PcapBlockOwned::Legacy(block) => Record::of_pcap(block, Interface::check(interfaces, 0)?),
        PcapBlockOwned::NG(Block::EnhancedPacket(block)) => {
            Record::of_pcapng(block, Interface::check(interfaces, block.if_id)?)
        }
        PcapBlockOwned::NG(Block::SimplePacket(block)) => {
            Record::of_simple(block, Interface::check(interfaces, 0)?)
        }
        PcapBlockOwned::NG(_) => return Ok(true),
    };
    *number = number.saturating_add(1);
    Ok(each(&Record { number: *number, ..record }))
}

impl<'a> Record<'a> {
    fn of_pcap(block: &LegacyPcapBlock<'a>, interface: Interface) -> Record<'a> {
        let parts = u128::from(block.ts_sec) * interface.resolution + u128::from(block.ts_usec);
        let octets = block.data;
        Record::new(octets, block.origlen, interface.time(parts))
    }

    fn of_pcapng(block: &'a EnhancedPacketBlock<'_>, interface: Interface) -> Record<'a> {
        let parts = (u128::from(block.ts_high) << 32) | u128::from(block.ts_low);
        let option = |code| block.options.iter().find(|option| option.code == code);
        let flags = option(FLAGS).and_then(|option| number(option, block.big_endian()));
        let comment = option(OptionCode::Comment).and_then(|option| option.as_bytes().ok());
        Record {
            direction: flags.and_then(Direction::of_flags),
            comment: comment.map(String::from_utf8_lossy),
            ..Record::new(block.packet_data(), block.origlen, interface.time(parts))
        }
    }

    fn of_simple(block: &'a SimplePacketBlock<'_>, interface: Interface) -> Record<'a> {
        let octets = block.packet_data();
        // What follows what was captured is padding.
        let captured = interface.snap_length.unwrap_or(octets.len());
        Record::new(octets.get(..captured).unwrap_or(octets), block.origlen, None)
    }

    /// A frame without a number.
    fn new(octets: &'a [u8], length: u32, time: Option<u64>) -> Record<'a> {
        let length = usize::try_from(length).unwrap_or(usize::MAX).max(octets.len());
        Record { number: 0, time, length, octets, direction: None, comment: None }
    }

    /// Whether only the start of the frame was captured.
    pub(crate) fn is_cut(&self) -> bool {
        self.octets.len() < self.length
    }
}

impl Interface {
    fn of_pcap(header: &PcapHeader) -> Interface {
        let resolution = if header.is_nanosecond_precision() { SECOND } else { 1_000_000 };
        // The upper bits of the field tell of a frame check sequence.
        let link_type = header.network.0 & 0x03ff_ffff;
        Interface { link_type, resolution, offset: 0, snap_length: None }
    }

    fn of_pcapng(block: &InterfaceDescriptionBlock<'_>) -> Interface {
        let exponent = u32::from(block.if_tsresol & 0x7f);
        let base: u128 = if block.if_tsresol & 0x80 == 0 { 10 } else { 2 };
        Interface {
            link_type: block.linktype.0,
            // Finer than anybody's clock: all such times are 0.
            resolution: base.checked_pow(exponent).unwrap_or(u128::MAX),
            offset: block.if_tsoffset,
            snap_length: usize::try_from(block.snaplen).ok().filter(|length| *length > 0),
        }
    }

    /// The interface of this number, if its frames can be read.
    fn check(interfaces: &[Interface], number: u32) -> Result<Interface, ReadError> {
        let interface = usize::try_from(number).ok().and_then(|number| interfaces.get(number));
        let interface = *interface.ok_or(ReadError::Damaged)?;
        if interface.link_type == ETHERNET {
            Ok(interface)
        } else {
            Err(ReadError::LinkType(interface.link_type))
        }
    }

    /// So many parts of a second since 1970, in nanoseconds.
    fn time(self, parts: u128) -> Option<u64> {
        let seconds = (parts / self.resolution).checked_add_signed(self.offset.into())?;
        // Less than a second's parts; where they are too many to multiply, they are too fine to matter.
        let part = (parts % self.resolution).checked_mul(SECOND).unwrap_or_default() / self.resolution;
        u64::try_from(seconds.checked_mul(SECOND)? + part).ok()
    }
}

/// The number in an option of four octets.
fn number(option: &PcapNGOption<'_>, is_big_endian: bool) -> Option<u32> {
    let octets = option.as_bytes().ok()?.try_into().ok()?;
    Some(if is_big_endian { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) })
}

impl ReadError {
    fn of(error: &PcapError<&[u8]>) -> ReadError {
        match error {
            PcapError::Eof | PcapError::UnexpectedEof | PcapError::Incomplete(_) => ReadError::Cut,
            PcapError::ReadError => ReadError::Io(io::Error::other("the system gives no more of it")),
            PcapError::HeaderNotRecognized => ReadError::NoCapture,
            PcapError::BufferTooSmall | PcapError::NomError(..) | PcapError::OwnedNomError(..) => {
                ReadError::Damaged
            }
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::NoCapture => f.write_str("it is no capture; pcap and pcapng can be read, uncompressed"),
            Self::Cut => f.write_str("it ends in the middle of a frame or a header"),
            Self::Damaged => f.write_str("it is damaged: a block of it makes no sense"),
            Self::LinkType(number) => {
                write!(f, "its frames are not Ethernet's: the link type is {number}, and 1 alone can be read")
            }
        }
    }
}

impl std::error::Error for ReadError {}
