//! Reader for the packets of a capture.

use std::io::Read;
use std::ops::Range;

use crate::classic::{self, RecordLayout};
use crate::error::{Damage, Error, UnsupportedFormat};
use crate::fields::{ByteOrder, Options, size};
use crate::link_type::LinkType;
use crate::packet::Interface;
use crate::packet::{CapturedPacket, PacketInterface};
use crate::pcapng::{self, BlockKind, HEAD, PacketBlock, SECTION, TAIL};
use crate::source::Source;
use crate::{BLOCK_LIMIT, FRAME_LIMIT, INTERFACE_LIMIT};

/// Reader for the packets of a pcap or pcapng file.
pub struct PacketReader<R> {
    source: Source<R>,
    format: Format,
    /// Interfaces of the current section.
    interfaces: Vec<Interface>,
    /// Names of these interfaces. A pcap file has no names.
    names: Vec<Option<Box<str>>>,
    number: u64,
    /// Number of bytes in memory of the current record or block.
    held: usize,
    /// Bytes of the same record or block that are not in memory.
    rest: Remainder,
    unknown_blocks: u64,
    unknown_type: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
enum Format {
    Classic(RecordLayout),
    Pcapng(ByteOrder),
}

/// Rest of a record or block that is not in memory.
#[derive(Clone, Copy, Debug)]
enum Remainder {
    Bytes(u64),
    /// Rest of a block, followed by its trailing length.
    Block {
        bytes: u64,
        length: [u8; 4],
    },
}

/// Location of a packet among the bytes in memory.
struct PacketLocation {
    /// Number of the interface.
    number: u32,
    interface: Interface,
    time: Option<u64>,
    captured: u32,
    length: u32,
    data: Range<usize>,
    options: Range<usize>,
    order: ByteOrder,
}

impl<R: Read> PacketReader<R> {
    /// Reads the header of a capture.
    ///
    /// Fails if the file is empty, truncated, damaged, or of an unsupported format or version.
    pub fn new(from: R) -> Result<PacketReader<R>, Error> {
        let mut source = Source::new(from);
        let first = source.peek(4)?;
        if first.is_empty() {
            return Err(Error::Empty);
        }
        let first: [u8; 4] =
            first.try_into().map_err(|_| Error::UnsupportedFormat(UnsupportedFormat::Unknown))?;
        let mut reader = PacketReader {
            source,
            format: Format::Pcapng(ByteOrder::Little),
            interfaces: Vec::new(),
            names: Vec::new(),
            number: 0,
            held: 0,
            rest: Remainder::Bytes(0),
            unknown_blocks: 0,
            unknown_type: None,
        };
        if u32::from_be_bytes(first) == SECTION {
            reader.block()?;
        } else if let Some((magic, order)) = classic::magic(first) {
            let header = reader.source.peek(classic::HEADER)?;
            if header.len() < classic::HEADER {
                return Err(Error::Truncated);
            }
            let (layout, interface) = RecordLayout::read(magic, order, header)?;
            (reader.format, reader.held) = (Format::Classic(layout), classic::HEADER);
            reader.interfaces.push(interface);
        } else {
            return Err(Error::UnsupportedFormat(UnsupportedFormat::of(first)));
        }
        Ok(reader)
    }

    /// Returns the link type of a pcap file, or none for pcapng, where each interface has a link type.
    pub fn link_type(&self) -> Option<LinkType> {
        let is_classic = matches!(self.format, Format::Classic(_));
        self.interfaces.first().map(|interface| interface.link_type).filter(|_| is_classic)
    }

    /// Returns the number of blocks of unknown types, which may contain packets, and the first such type.
    pub fn unknown_blocks(&self) -> (u64, Option<u32>) {
        (self.unknown_blocks, self.unknown_type)
    }

    /// Returns the next packet, or none at the end of the file.
    ///
    /// Fails if the input fails, or if the file is truncated or damaged.
    pub fn next_packet(&mut self) -> Result<Option<CapturedPacket<'_>>, Error> {
        let location = loop {
            self.skip_current()?;
            let step = match self.format {
                Format::Classic(layout) => self.record(layout)?,
                Format::Pcapng(_) => self.block()?,
            };
            match step {
                Item::Packet(location) => break location,
                Item::Other => {}
                Item::End => return Ok(None),
            }
        };
        self.number = self.number.saturating_add(1);
        let held = self.source.peeked(self.held);
        let options = Options::new(location.order, held.get(location.options).unwrap_or_default());
        Ok(Some(CapturedPacket {
            number: self.number,
            interface: PacketInterface {
                number: location.number,
                name: self.names.get(size(location.number)).and_then(Option::as_deref),
                count: self.interfaces.len(),
            },
            link_type: location.interface.link_type,
            time: location.time,
            length: location.length,
            captured: location.captured,
            data: held.get(location.data).unwrap_or_default(),
            flags: PacketBlock::flags(location.order, &options),
            options,
        }))
    }

    /// Returns the size of the input buffer, in bytes.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.source.capacity()
    }

    /// Consumes the current record or block. Checks the trailing length of a block if only a part of the block was in
    /// memory.
    fn skip_current(&mut self) -> Result<(), Error> {
        let held = u64::try_from(std::mem::take(&mut self.held)).unwrap_or(u64::MAX);
        let is_there = match std::mem::replace(&mut self.rest, Remainder::Bytes(0)) {
            Remainder::Bytes(bytes) => self.source.skip(held.saturating_add(bytes))?,
            Remainder::Block { bytes, length } => {
                let is_there = self.source.skip(held.saturating_add(bytes))?;
                let tail = self.source.peek(TAIL)?;
                if is_there && tail.len() == TAIL && tail != length {
                    return Err(Damage::BlockLength.into());
                }
                is_there && self.source.skip(u64::try_from(TAIL).unwrap_or_default())?
            }
        };
        if is_there { Ok(()) } else { Err(Error::Truncated) }
    }

    /// Reads a record of a pcap file.
    fn record(&mut self, layout: RecordLayout) -> Result<Item, Error> {
        let interface = *self.interfaces.first().ok_or(Damage::NoInterface(0))?;
        let bytes = self.source.peek(layout.record)?;
        if bytes.is_empty() {
            return Ok(Item::End);
        }
        let record = layout.header(bytes, &interface).filter(|_| bytes.len() == layout.record);
        let record = record.ok_or(Error::Truncated)?;
        let held = size(record.captured).min(FRAME_LIMIT);
        let end = layout.record + held;
        if self.source.peek(end)?.len() < end {
            return Err(Error::Truncated);
        }
        self.held = end;
        self.rest = Remainder::Bytes(u64::try_from(size(record.captured) - held).unwrap_or(u64::MAX));
        Ok(Item::Packet(PacketLocation {
            number: 0,
            interface,
            time: interface.time(record.units),
            captured: record.captured,
            length: record.length,
            data: layout.record..end,
            options: 0..0,
            order: layout.order,
        }))
    }

    /// Reads a block of a pcapng file.
    fn block(&mut self) -> Result<Item, Error> {
        let Some((number, order, length)) = self.block_head()? else { return Ok(Item::End) };
        self.format = Format::Pcapng(order);
        let kind = BlockKind::of(number);
        let limit = if kind.is_read() { BLOCK_LIMIT } else { HEAD };
        let whole = size(length);
        // The trailing length is either in memory with the whole block, or not at all.
        self.held = if whole <= limit { whole } else { limit.min(whole - TAIL) };
        let bytes = self.source.peek(self.held)?;
        if bytes.len() < self.held {
            return Err(Error::Truncated);
        }
        let tail = match order {
            ByteOrder::Little => length.to_le_bytes(),
            ByteOrder::Big => length.to_be_bytes(),
        };
        if self.held < whole {
            let bytes = u64::try_from(whole - self.held - TAIL).unwrap_or(u64::MAX);
            self.rest = Remainder::Block { bytes, length: tail };
        } else if !bytes.ends_with(&tail) {
            return Err(Damage::BlockLength.into());
        }
        let body = bytes.get(HEAD..self.held.min(whole - TAIL)).unwrap_or_default();
        match kind {
            BlockKind::Section => {
                pcapng::check_version(order, body)?;
                self.interfaces.clear();
                self.names.clear();
            }
            BlockKind::Interface => {
                if self.held < whole {
                    return Err(Damage::InterfaceLength.into());
                }
                if self.interfaces.len() >= INTERFACE_LIMIT {
                    return Err(Damage::Interfaces.into());
                }
                self.interfaces.push(pcapng::interface(order, body)?);
                self.names.push(pcapng::interface_name(order, body));
            }
            BlockKind::NoPacket => {}
            BlockKind::Unknown => {
                self.unknown_blocks = self.unknown_blocks.saturating_add(1);
                self.unknown_type.get_or_insert(number);
            }
            BlockKind::Enhanced | BlockKind::Simple | BlockKind::Obsolete => {
                let mut found = pcapng::packet(kind, order, body, whole - HEAD - TAIL)?;
                let end = HEAD + body.len();
                let interface = usize::try_from(found.interface).ok();
                let interface = interface.and_then(|number| self.interfaces.get(number));
                let interface = *interface.ok_or(Damage::NoInterface(found.interface))?;
                found.limit(&interface);
                return Ok(Item::Packet(PacketLocation::of(&found, interface, order, end)));
            }
        }
        Ok(Item::Other)
    }

    /// Reads the type, byte order and length of a block. Returns none at the end of the file.
    fn block_head(&mut self) -> Result<Option<(u32, ByteOrder, u32)>, Error> {
        let Format::Pcapng(order) = self.format else { return Ok(None) };
        let bytes = self.source.peek(HEAD)?;
        let Some(&[a, b, c, d, e, f, g, h]) = bytes.first_chunk() else {
            return if bytes.is_empty() { Ok(None) } else { Err(Error::Truncated) };
        };
        let number = order.u32([a, b, c, d]);
        let (order, length) = if number == SECTION {
            let start = self.source.peek(HEAD + 4)?.first_chunk().copied();
            pcapng::section(start.ok_or(Error::Truncated)?)?
        } else {
            (order, order.u32([e, f, g, h]))
        };
        let is_valid = size(length) >= HEAD + TAIL && length.is_multiple_of(4);
        if is_valid { Ok(Some((number, order, length))) } else { Err(Damage::BlockLength.into()) }
    }
}

/// Result of reading one record or block.
enum Item {
    Packet(PacketLocation),
    Other,
    End,
}

impl PacketLocation {
    /// Returns the location of a packet in a block. The bytes up to `end` are in memory, without the trailing length.
    fn of(found: &PacketBlock, interface: Interface, order: ByteOrder, end: usize) -> PacketLocation {
        let at = |location: usize| location.saturating_add(HEAD).min(end);
        let start = at(found.data.start);
        PacketLocation {
            number: found.interface,
            time: found.units.and_then(|units| interface.time(units)),
            interface,
            captured: found.captured,
            length: found.length,
            data: start..at(found.data.end).min(start.saturating_add(FRAME_LIMIT)),
            options: at(found.options)..end,
            order,
        }
    }
}

impl UnsupportedFormat {
    /// Returns the format of a file that starts with these bytes.
    fn of(first: [u8; 4]) -> UnsupportedFormat {
        match first {
            [b'B', b'Z', b'h', _] => Self::Bzip2,
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0xfd, b'7', b'z', b'X'] => Self::Xz,
            [0x28, 0xb5, 0x2f, 0xfd] => Self::Zstandard,
            [b's', b'n', b'o', b'o'] => Self::Snoop,
            _ => Self::Unknown,
        }
    }
}
