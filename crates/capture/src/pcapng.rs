//! The pcapng format: blocks in sections.

use std::ops::Range;

use crate::NAME_LIMIT;
use crate::error::{Damage, Error};
use crate::fields::{ByteOrder, FieldReader, Options, size};
use crate::link_type::LinkType;
use crate::packet::Interface;

/// Length of a block's type and leading length, in bytes.
pub(crate) const HEAD: usize = 8;
/// Length of a block's trailing length, in bytes.
pub(crate) const TAIL: usize = 4;
/// Length of a section header without options, in bytes.
const SECTION_HEADER: u32 = 28;

/// Type of a Section Header Block, the same in both byte orders.
pub(crate) const SECTION: u32 = 0x0a0d_0d0a;
/// Option codes of interfaces.
const NAME: u16 = 2;
const RESOLUTION: u16 = 9;
const OFFSET: u16 = 14;
/// Option code of a packet's flags.
const FLAGS: u16 = 2;

/// Kind of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockKind {
    Section,
    Interface,
    /// Enhanced Packet Block.
    Enhanced,
    /// Simple Packet Block.
    Simple,
    /// Obsolete Packet Block.
    Obsolete,
    /// Known to contain no packet, or in the range for local use.
    NoPacket,
    Unknown,
}

impl BlockKind {
    pub(crate) fn of(number: u32) -> BlockKind {
        match number {
            SECTION => Self::Section,
            1 => Self::Interface,
            2 => Self::Obsolete,
            3 => Self::Simple,
            6 => Self::Enhanced,
            // Name resolution, statistics, IRIG, ARINC 429, systemd journal, secrets, and both custom blocks.
            4 | 5 | 7..=10 | 0x0bad | 0x4000_0bad | 0x8000_0000.. => Self::NoPacket,
            _ => Self::Unknown,
        }
    }

    /// Returns whether the body of the block is read.
    pub(crate) fn is_read(self) -> bool {
        !matches!(self, Self::NoPacket | Self::Unknown)
    }
}

/// Packet in the body of a block.
#[derive(Clone, Debug)]
pub(crate) struct PacketBlock {
    pub(crate) interface: u32,
    /// Time in units of the interface's resolution, if the block has a time.
    pub(crate) units: Option<u64>,
    pub(crate) captured: u32,
    pub(crate) length: u32,
    /// Range of the data in the body. The range may extend beyond the bytes in memory.
    pub(crate) data: Range<usize>,
    /// Start of the options in the body.
    pub(crate) options: usize,
}

/// Reads the byte order and the block length at the start of a section header.
pub(crate) fn section(start: [u8; 12]) -> Result<(ByteOrder, u32), Error> {
    let [_, _, _, _, a, b, c, d, magic @ ..] = start;
    let order = match magic {
        [0x4d, 0x3c, 0x2b, 0x1a] => ByteOrder::Little,
        [0x1a, 0x2b, 0x3c, 0x4d] => ByteOrder::Big,
        _ => return Err(Damage::ByteOrder.into()),
    };
    let length = order.u32([a, b, c, d]);
    if length < SECTION_HEADER {
        return Err(Damage::BlockLength.into());
    }
    Ok((order, length))
}

/// Checks the version in the body of a section header.
pub(crate) fn check_version(order: ByteOrder, body: &[u8]) -> Result<(), Error> {
    let mut fields = FieldReader::new(order, body);
    fields.u32();
    let (Some(major), Some(minor)) = (fields.u16(), fields.u16()) else {
        return Err(Damage::BlockLength.into());
    };
    // The specification treats minor version 2 as 0.
    match (major, minor) {
        (1, 0 | 2) => Ok(()),
        _ => Err(Error::Version { format: "pcapng section", major, minor }),
    }
}

/// Reads the body of an Interface Description Block.
pub(crate) fn interface(order: ByteOrder, body: &[u8]) -> Result<Interface, Error> {
    let mut fields = FieldReader::new(order, body);
    let (Some(link_type), Some(_), Some(snap_length)) = (fields.u16(), fields.u16(), fields.u32()) else {
        return Err(Damage::BlockLength.into());
    };
    let options = Options::new(order, fields.rest);
    if options.are_damaged() {
        return Err(Damage::InterfaceOptions.into());
    }
    let resolution = match options.find(RESOLUTION) {
        None => 6,
        Some([resolution]) => *resolution,
        Some(_) => return Err(Damage::InterfaceOptions.into()),
    };
    let offset = match options.find(OFFSET).map(<[u8; 8]>::try_from) {
        None => 0,
        Some(Ok(offset)) => order.i64(offset),
        Some(Err(_)) => return Err(Damage::InterfaceOptions.into()),
    };
    let base: u128 = if resolution & 0x80 == 0 { 10 } else { 2 };
    Ok(Interface {
        link_type: LinkType(link_type.into()),
        // An overflow means units far below a nanosecond: all such times are 0.
        resolution: base.checked_pow(u32::from(resolution & 0x7f)).unwrap_or(u128::MAX),
        offset,
        snap_length: Some(size(snap_length)).filter(|length| *length > 0),
    })
}

/// Returns the name in the body of an Interface Description Block, if it has at most [`NAME_LIMIT`] bytes.
pub(crate) fn interface_name(order: ByteOrder, body: &[u8]) -> Option<Box<str>> {
    let name = Options::new(order, body.get(8..)?).find(NAME)?;
    let name = std::str::from_utf8(name).ok()?.trim_end_matches('\0');
    Some(name.into()).filter(|_| !name.is_empty() && name.len() <= NAME_LIMIT)
}

/// Returns the packet in the body of a packet block. `body` is the part in memory, `length` the length in the file.
pub(crate) fn packet(
    kind: BlockKind,
    order: ByteOrder,
    body: &[u8],
    length: usize,
) -> Result<PacketBlock, Error> {
    let found = match kind {
        BlockKind::Simple => simple(order, body, length),
        _ => timed(kind, order, body),
    };
    let found = found.ok_or(Damage::BlockLength)?;
    // The snap length limits a simple packet later.
    if kind != BlockKind::Simple && size(found.captured) > length.saturating_sub(found.data.start) {
        return Err(Damage::PacketLength.into());
    }
    Ok(found)
}

/// Reads an Enhanced Packet Block, or an obsolete Packet Block, which has a 16-bit interface number.
fn timed(kind: BlockKind, order: ByteOrder, body: &[u8]) -> Option<PacketBlock> {
    let mut fields = FieldReader::new(order, body);
    let interface = if kind == BlockKind::Obsolete {
        let interface = fields.u16()?;
        // Number of dropped packets.
        fields.u16()?;
        interface.into()
    } else {
        fields.u32()?
    };
    let [high, low, captured, length] = [fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?];
    let start = body.len() - fields.rest.len();
    let end = start.saturating_add(size(captured));
    Some(PacketBlock {
        interface,
        units: Some(u64::from(high) << 32 | u64::from(low)),
        captured,
        length: length.max(captured),
        data: start..end,
        options: start.saturating_add(size(captured).next_multiple_of(4)),
    })
}

/// Reads a Simple Packet Block. The captured length is the minimum of packet length, block length and snap length.
fn simple(order: ByteOrder, body: &[u8], in_file: usize) -> Option<PacketBlock> {
    let mut fields = FieldReader::new(order, body);
    let length = fields.u32()?;
    let start = body.len() - fields.rest.len();
    let captured = u32::try_from(in_file.saturating_sub(start)).unwrap_or(u32::MAX).min(length);
    let end = start.saturating_add(size(captured));
    Some(PacketBlock { interface: 0, units: None, captured, length, data: start..end, options: usize::MAX })
}

impl PacketBlock {
    /// Limits a simple packet to the snap length of its interface, which separates data from padding.
    pub(crate) fn limit(&mut self, interface: &Interface) {
        if let Some(limit) = interface.snap_length.filter(|_| self.units.is_none()) {
            self.captured = self.captured.min(u32::try_from(limit).unwrap_or(u32::MAX));
            self.data.end = self.data.end.min(self.data.start.saturating_add(limit));
        }
    }

    /// Returns the flags among the options.
    pub(crate) fn flags(order: ByteOrder, options: &Options<'_>) -> Option<u32> {
        options.find(FLAGS)?.try_into().ok().map(|flags| order.u32(flags))
    }
}
