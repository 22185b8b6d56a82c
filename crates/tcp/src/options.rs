//! Options of a header: maximum segment size (RFC 9293 3.2), window scale and timestamps (RFC 7323), and selective
//! acknowledgments (RFC 2018).

use crate::SequenceNumber;

/// Options of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Maximum length of the data of a segment that the sender can receive, in bytes.
    pub maximum_segment_size: Option<u16>,
    /// Number of bits by which the sender's windows are shifted.
    pub window_scale: Option<u8>,
    /// Whether the sender can receive selective acknowledgments.
    pub sack_permitted: bool,
    /// Timestamps.
    pub timestamps: Option<Timestamps>,
    /// Selective acknowledgments.
    pub sack: SackBlocks,
}

/// Timestamps option (RFC 7323 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timestamps {
    /// `TSval`: the sender's timestamp clock.
    pub value: u32,
    /// `TSecr`: the last timestamp that the sender received. Significant only if the flag ACK is set.
    pub echo: u32,
}

/// Range of selectively acknowledged sequence numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SackBlock {
    /// The first sequence number.
    pub start: SequenceNumber,
    /// The sequence number after the last sequence number.
    pub end: SequenceNumber,
}

/// Up to four selective acknowledgments, which is all that a header can contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SackBlocks {
    /// The blocks from `length` on are zero.
    blocks: [SackBlock; Self::MAX],
    length: usize,
}

/// An option of a received header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpOption<'a> {
    /// End of option list: the rest of the header is padding.
    End,
    /// No operation.
    NoOperation,
    /// Maximum segment size, in bytes.
    MaximumSegmentSize(u16),
    /// Window scale, in bits.
    WindowScale(u8),
    /// Selective acknowledgments are permitted.
    SackPermitted,
    /// Selective acknowledgments.
    Sack(SackBlocks),
    /// Timestamps.
    Timestamps(Timestamps),
    /// An option that this crate does not support, with the bytes after kind and length.
    Unsupported {
        /// Kind of the option.
        kind: u8,
        /// Bytes after the length.
        data: &'a [u8],
    },
    /// An option with a length that its kind does not have. The option has no effect.
    InvalidLength {
        /// Kind of the option.
        kind: u8,
        /// Length of the option, with the bytes of kind and length.
        length: u8,
    },
    /// An option that is shorter than its kind and length, or that exceeds the header. No option follows.
    Malformed {
        /// Kind of the option.
        kind: u8,
    },
}

/// The options of a received header, in their order.
#[derive(Clone, Debug)]
pub struct TcpOptions<'a> {
    bytes: &'a [u8],
}

/// Kind of the end of option list.
const END: u8 = 0;
/// Kind of no operation.
const NO_OPERATION: u8 = 1;
/// Kind of the maximum segment size.
const MAXIMUM_SEGMENT_SIZE: u8 = 2;
/// Kind of the window scale.
const WINDOW_SCALE: u8 = 3;
/// Kind of the permission of selective acknowledgments.
const SACK_PERMITTED: u8 = 4;
/// Kind of selective acknowledgments.
const SACK: u8 = 5;
/// Kind of timestamps.
const TIMESTAMPS: u8 = 8;

/// Length of the longest option list, in bytes.
const MAX_LENGTH: usize = 40;
/// Length of a selective acknowledgment, in bytes.
const SACK_BLOCK_LENGTH: usize = 8;

impl<'a> TcpOptions<'a> {
    /// Creates the options from the bytes between the first 20 bytes of a header and its end.
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> TcpOptions<'a> {
        TcpOptions { bytes }
    }
}

impl<'a> Iterator for TcpOptions<'a> {
    type Item = TcpOption<'a>;

    // RFC 9293 3.1: "TCP implementations MUST be prepared to handle an illegal option length (e.g., zero)". Every
    // iteration consumes at least one byte.
    // spec: rfc9293-option-length, rfc9293-options
    #[inline]
    fn next(&mut self) -> Option<TcpOption<'a>> {
        let (kind, rest) = self.bytes.split_first()?;
        let kind = *kind;
        if kind == NO_OPERATION {
            self.bytes = rest;
            return Some(TcpOption::NoOperation);
        }
        self.bytes = &[];
        if kind == END {
            return Some(TcpOption::End);
        }
        let option = rest.split_first().and_then(|(length, rest)| {
            let (data, rest) = rest.split_at_checked(usize::from(*length).checked_sub(2)?)?;
            Some((*length, data, rest))
        });
        let Some((length, data, rest)) = option else { return Some(TcpOption::Malformed { kind }) };
        self.bytes = rest;
        Some(match (kind, data) {
            (MAXIMUM_SEGMENT_SIZE, [a, b]) => TcpOption::MaximumSegmentSize(u16::from_be_bytes([*a, *b])),
            (WINDOW_SCALE, [shift]) => TcpOption::WindowScale(*shift),
            (SACK_PERMITTED, []) => TcpOption::SackPermitted,
            (TIMESTAMPS, [a, b, c, d, e, f, g, h]) => TcpOption::Timestamps(Timestamps {
                value: u32::from_be_bytes([*a, *b, *c, *d]),
                echo: u32::from_be_bytes([*e, *f, *g, *h]),
            }),
            (SACK, [_, ..]) => {
                SackBlocks::parse(data).map_or(TcpOption::InvalidLength { kind, length }, TcpOption::Sack)
            }
            (MAXIMUM_SEGMENT_SIZE | WINDOW_SCALE | SACK_PERMITTED | TIMESTAMPS | SACK, _) => {
                TcpOption::InvalidLength { kind, length }
            }
            _ => TcpOption::Unsupported { kind, data },
        })
    }
}

impl Options {
    /// No option.
    pub const NONE: Options = Options {
        maximum_segment_size: None,
        window_scale: None,
        sack_permitted: false,
        timestamps: None,
        sack: SackBlocks::EMPTY,
    };

    /// Returns the options of a received header, and whether all options have a valid length. An option with an invalid
    /// length has no effect. Of several options of a kind, the first has effect.
    // spec: tcp-option-known-length, tcp-option-first
    #[inline]
    pub fn parse(bytes: &[u8]) -> (Options, bool) {
        let mut options = Options::default();
        let mut is_valid = true;
        for option in TcpOptions::new(bytes) {
            match option {
                TcpOption::MaximumSegmentSize(size) => {
                    options.maximum_segment_size.get_or_insert(size);
                }
                TcpOption::WindowScale(shift) => {
                    options.window_scale.get_or_insert(shift);
                }
                TcpOption::SackPermitted => options.sack_permitted = true,
                TcpOption::Timestamps(timestamps) => {
                    options.timestamps.get_or_insert(timestamps);
                }
                TcpOption::Sack(blocks) if options.sack.is_empty() => options.sack = blocks,
                TcpOption::End
                | TcpOption::NoOperation
                | TcpOption::Sack(_)
                | TcpOption::Unsupported { .. } => {}
                TcpOption::InvalidLength { .. } | TcpOption::Malformed { .. } => is_valid = false,
            }
        }
        (options, is_valid)
    }

    /// Returns the length of the options in a header, in bytes: a multiple of 4, and at most 40.
    #[inline]
    pub fn length(&self) -> usize {
        let sack = self.sack_to_write().len();
        self.length_without_sack() + if sack == 0 { 0 } else { 4 + SACK_BLOCK_LENGTH * sack }
    }

    /// Returns the length of the options without selective acknowledgments, in bytes.
    #[inline]
    fn length_without_sack(&self) -> usize {
        let word = |is_present: bool| if is_present { 4 } else { 0 };
        // Timestamps fill three words, and the permission of selective acknowledgments fits into the first of them.
        word(self.maximum_segment_size.is_some())
            + word(self.window_scale.is_some())
            + if self.timestamps.is_some() { 12 } else { word(self.sack_permitted) }
    }

    /// Returns the selective acknowledgments that fit into a header with the other options: the first of them.
    #[inline]
    fn sack_to_write(&self) -> &[SackBlock] {
        let capacity = MAX_LENGTH.saturating_sub(self.length_without_sack() + 4) / SACK_BLOCK_LENGTH;
        let blocks = self.sack.as_slice();
        blocks.get(..capacity).unwrap_or(blocks)
    }

    /// Writes the options to bytes of their [`Options::length`]. Each option ends at a word boundary, so no padding
    /// follows.
    // spec: rfc9293-option-padding
    #[inline]
    pub(crate) fn write_to(&self, bytes: &mut [u8]) {
        let mut words = bytes.as_chunks_mut::<4>().0.iter_mut();
        let mut write = |word: [u8; 4]| {
            if let Some(to) = words.next() {
                *to = word;
            }
        };
        if let Some(size) = self.maximum_segment_size {
            let [a, b] = size.to_be_bytes();
            write([MAXIMUM_SEGMENT_SIZE, 4, a, b]);
        }
        let padding = if self.sack_permitted { [SACK_PERMITTED, 2] } else { [NO_OPERATION; 2] };
        if let Some(timestamps) = self.timestamps {
            write([padding[0], padding[1], TIMESTAMPS, 10]);
            write(timestamps.value.to_be_bytes());
            write(timestamps.echo.to_be_bytes());
        } else if self.sack_permitted {
            write([NO_OPERATION, NO_OPERATION, SACK_PERMITTED, 2]);
        }
        if let Some(shift) = self.window_scale {
            write([NO_OPERATION, WINDOW_SCALE, 3, shift]);
        }
        let blocks = self.sack_to_write();
        if let Ok(length @ 1..) = u8::try_from(SACK_BLOCK_LENGTH * blocks.len()) {
            write([NO_OPERATION, NO_OPERATION, SACK, 2 + length]);
        }
        for block in blocks {
            write(block.start.value().to_be_bytes());
            write(block.end.value().to_be_bytes());
        }
    }
}

impl SackBlocks {
    /// Maximum number of blocks.
    pub const MAX: usize = 4;
    /// No block.
    pub const EMPTY: SackBlocks = SackBlocks {
        blocks: [SackBlock { start: SequenceNumber::new(0), end: SequenceNumber::new(0) }; Self::MAX],
        length: 0,
    };

    /// Parses the data of an option: between one and four blocks.
    fn parse(data: &[u8]) -> Option<SackBlocks> {
        let (chunks, rest) = data.as_chunks::<SACK_BLOCK_LENGTH>();
        let mut blocks = SackBlocks::default();
        let is_complete = rest.is_empty()
            && chunks.iter().all(|[a, b, c, d, e, f, g, h]| {
                blocks.push(SackBlock {
                    start: SequenceNumber::new(u32::from_be_bytes([*a, *b, *c, *d])),
                    end: SequenceNumber::new(u32::from_be_bytes([*e, *f, *g, *h])),
                })
            });
        is_complete.then_some(blocks)
    }

    /// Adds a block after the other blocks. Returns whether the list had capacity for the block.
    #[inline]
    pub fn push(&mut self, block: SackBlock) -> bool {
        let Some(free) = self.blocks.get_mut(self.length) else { return false };
        *free = block;
        self.length += 1;
        true
    }

    /// Returns the blocks in their order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = SackBlock> + '_ {
        self.as_slice().iter().copied()
    }

    /// Returns the number of blocks.
    #[inline]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Returns whether the list has no block.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Returns the blocks in their order.
    #[inline]
    pub fn as_slice(&self) -> &[SackBlock] {
        self.blocks.get(..self.length).unwrap_or_default()
    }
}

impl Default for SackBlocks {
    fn default() -> SackBlocks {
        SackBlocks::EMPTY
    }
}

#[cfg(test)]
pub(crate) mod tests;
