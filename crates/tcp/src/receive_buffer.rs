//! The receive buffer of a connection.

use std::fmt;
use std::ops::Range;

use tap::Frame;

use crate::{Resources, TcpDropReason};

mod chunks;
mod stored;

use self::stored::Stored;

/// Receive buffer of a connection: data in order that the user has not read, and blocks of data out of order.
///
/// The buffer keeps received frames, so most data is not copied. Two kinds of data are copied, so that a few bytes do
/// not hold a large frame: data that fits behind the data of the last frame, and data that takes less than a quarter of
/// a large frame.
///
/// Data that is in the buffer stays there until the user reads it or [`ReceiveBuffer::clear`] removes it: the buffer
/// never discards data that a SACK option has reported (RFC 2018 8).
#[derive(Default)]
pub struct ReceiveBuffer {
    /// The contents, if the buffer has memory.
    stored: Option<Box<Stored>>,
}

/// What [`ReceiveBuffer::insert`] did with data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inserted {
    /// By how many bytes RCV.NXT advances.
    pub advanced: u32,
    /// The first range of the data that the buffer had as data out of order, as offsets from the previous RCV.NXT: the
    /// block of a D-SACK (RFC 2883 4).
    pub duplicate: Option<Range<u32>>,
    /// Why the data was dropped.
    pub reason: Option<TcpDropReason>,
}

impl ReceiveBuffer {
    /// Maximum number of blocks of data out of order.
    pub const MAX_BLOCKS: usize = 8_192;

    /// Number of blocks after which data creates no block if it takes less than a quarter of its frame.
    pub const MAX_SMALL_BLOCKS: usize = 64;

    /// Creates an empty buffer, without memory.
    pub const fn new() -> ReceiveBuffer {
        ReceiveBuffer { stored: None }
    }

    /// Adds the data of a segment. `offset` is the distance of the data from RCV.NXT, and `frame` has the data without
    /// headers. The caller has cut off the data outside the receive window.
    pub fn insert(&mut self, offset: u32, frame: Frame, cx: &mut Resources<'_>) -> Inserted {
        self.stored.get_or_insert_default().insert(offset, frame, cx)
    }

    /// Returns the first bytes in order, or nothing if there are none. The slice may have fewer bytes than
    /// [`ReceiveBuffer::readable`].
    pub fn chunk(&self) -> &[u8] {
        self.stored.as_ref().map_or(&[], |stored| stored.chunk())
    }

    /// Removes up to `bytes` bytes in order.
    pub fn consume(&mut self, bytes: usize, cx: &mut Resources<'_>) {
        if let Some(stored) = &mut self.stored {
            stored.consume(bytes, cx);
        }
    }

    /// Moves bytes in order to `target`. Returns the number of these bytes.
    pub fn read(&mut self, target: &mut [u8], cx: &mut Resources<'_>) -> usize {
        self.stored.as_mut().map_or(0, |stored| stored.read(target, cx))
    }

    /// Returns the number of bytes in order.
    pub fn readable(&self) -> usize {
        self.stored.as_ref().map_or(0, |stored| stored.readable())
    }

    /// Returns the memory of the buffer in bytes: the capacity of its frames.
    pub fn held(&self) -> usize {
        self.stored.as_ref().map_or(0, |stored| stored.held())
    }

    /// Returns the memory of data out of order in bytes, including the unused memory of the frames of data in order.
    pub fn held_out_of_order(&self) -> usize {
        if self.has_blocks() { self.held().saturating_sub(self.readable()) } else { 0 }
    }

    /// Returns whether the buffer has data out of order.
    pub fn has_blocks(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.has_blocks())
    }

    /// Returns the blocks of data out of order, as offsets from RCV.NXT, in the order of a SACK option: the block that
    /// received data last is the first.
    // spec: rfc2018-first, rfc2018-recent, rfc2883-second
    pub fn blocks(&self) -> impl Iterator<Item = Range<u32>> {
        self.stored.iter().flat_map(|stored| stored.blocks())
    }

    /// Removes all data, and frees the memory of the buffer.
    pub fn clear(&mut self, cx: &mut Resources<'_>) {
        if let Some(mut stored) = self.stored.take() {
            stored.clear(cx);
        }
    }

    /// Frees the memory of an empty buffer. Does nothing if the buffer has data.
    pub fn release(&mut self) {
        if self.has_idle_memory() {
            self.stored = None;
        }
    }

    /// Returns whether the buffer has no data, and has memory.
    pub fn has_idle_memory(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.is_empty())
    }
}

impl fmt::Debug for ReceiveBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReceiveBuffer({} bytes, {} blocks)", self.readable(), self.blocks().count())
    }
}

#[cfg(test)]
mod tests;
