//! The contents of a receive buffer.

use std::ops::Range;

use base::{List, Place, Slab};
use tap::Frame;

use super::chunks::Chunks;
use super::{Inserted, ReceiveBuffer};
use crate::{MemoryLevel, Resources, TcpDropReason};

/// The contents of a [`ReceiveBuffer`] with memory.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) chunks: Chunks,
    /// Data that the user can read.
    in_order: List,
    /// Data out of order. No two blocks touch.
    blocks: Slab<Block>,
    /// The blocks in the order of their data.
    order: Vec<Place>,
    /// The blocks in the order in which they received data. The block that received data last is the last.
    recent: List,
    /// Position of RCV.NXT in the data stream, modulo 2^32.
    pub(super) next: u32,
    /// Number of bytes in order.
    readable: usize,
    /// Capacity of all frames.
    held: usize,
}

/// A block of data out of order. Its positions in the data stream are modulo 2^32.
#[derive(Debug)]
struct Block {
    start: u32,
    end: u32,
    chunks: List,
}

impl Default for Stored {
    fn default() -> Stored {
        Stored {
            chunks: Chunks::EMPTY,
            in_order: List::EMPTY,
            blocks: Slab::new(ReceiveBuffer::MAX_BLOCKS),
            order: Vec::new(),
            recent: List::EMPTY,
            next: 0,
            readable: 0,
            held: 0,
        }
    }
}

impl Stored {
    /// Adds the data of a segment. `offset` is the distance of the data from RCV.NXT, and `frame` has the data without
    /// headers. The caller has cut off the data outside the receive window.
    pub(super) fn insert(&mut self, offset: u32, mut frame: Frame, cx: &mut Resources<'_>) -> Inserted {
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let received = offset..offset.saturating_add(length);
        let duplicate = self.first_duplicate(&received);
        let missing = self.missing_part(&received);
        if missing.is_empty() {
            // The next SACK option reports the block that contains the duplicate before other blocks.
            if let Some(place) = self.order.get(self.position(offset.saturating_add(1))) {
                self.blocks.move_to_end(&mut self.recent, *place);
            }
            cx.pool.give(frame);
            return Inserted { duplicate, ..Inserted::default() };
        }
        if let Some(reason) = self.reason_to_drop(&missing, frame.capacity(), cx) {
            cx.pool.give(frame);
            return Inserted { advanced: 0, duplicate, reason: Some(reason) };
        }

        // The data continues a block, replaces blocks that are parts of it, and is continued by a block.
        let position = self.position(missing.start);
        let before = self.take_block(position, |range| range.end == missing.start);
        self.discard_parts(position, &missing, cx);
        let after = self.take_block(position, |range| range.start == missing.end);
        // The part that is missing is a part of the frame.
        let skipped = usize::try_from(missing.start - offset).unwrap_or(usize::MAX);
        let _ = frame.narrow(skipped, missing.len());

        let is_in_order = missing.start == 0;
        let mut list = match &before {
            Some(before) => before.chunks,
            None if is_in_order => self.in_order,
            None => List::EMPTY,
        };
        self.append(&mut list, frame, cx);
        let end = match after {
            Some(after) => {
                self.join(&mut list, after.chunks, cx);
                after.end
            }
            None => self.next.wrapping_add(missing.end),
        };
        if is_in_order {
            let advanced = end.wrapping_sub(self.next);
            self.in_order = list;
            self.next = end;
            self.readable = self.readable.saturating_add(usize::try_from(advanced).unwrap_or(usize::MAX));
            Inserted { advanced, duplicate, reason: None }
        } else {
            let start = before.map_or(self.next.wrapping_add(missing.start), |before| before.start);
            // The number of blocks was checked before.
            if let Ok(place) = self.blocks.push(&mut self.recent, Block { start, end, chunks: list }) {
                self.order.insert(position, place);
            }
            Inserted { advanced: 0, duplicate, reason: None }
        }
    }

    /// Returns the first bytes in order, or nothing if there are none. The slice may have fewer bytes than
    /// [`Stored::readable`].
    pub(super) fn chunk(&self) -> &[u8] {
        self.chunks.first(self.in_order).map_or(&[], Frame::bytes)
    }

    /// Removes up to `bytes` bytes in order.
    pub(super) fn consume(&mut self, bytes: usize, cx: &mut Resources<'_>) {
        let mut left = bytes.min(self.readable);
        self.readable -= left;
        while left > 0 {
            let Some(frame) = self.chunks.first_mut(self.in_order) else { break };
            if let Some(rest) = frame.len().checked_sub(left).filter(|rest| *rest > 0) {
                let _ = frame.narrow(left, rest);
                break;
            }
            left -= frame.len();
            if let Some(frame) = self.chunks.pop(&mut self.in_order) {
                self.give_back(frame, cx);
            }
        }
    }

    /// Moves bytes in order to `target`. Returns the number of these bytes.
    pub(super) fn read(&mut self, target: &mut [u8], cx: &mut Resources<'_>) -> usize {
        let mut count = 0;
        while let Some(rest) = target.get_mut(count..) {
            let chunk = self.chunk();
            let length = chunk.len().min(rest.len());
            if length == 0 {
                break;
            }
            if let (Some(rest), Some(chunk)) = (rest.get_mut(..length), chunk.get(..length)) {
                rest.copy_from_slice(chunk);
            }
            self.consume(length, cx);
            count += length;
        }
        count
    }

    /// Returns the number of bytes in order.
    pub(super) fn readable(&self) -> usize {
        self.readable
    }

    /// Returns the memory of the buffer in bytes: the capacity of its frames.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Returns whether the buffer has data out of order.
    pub(super) fn has_blocks(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// Returns the blocks of data out of order, as offsets from RCV.NXT, in the order of a SACK option: the block that
    /// received data last is the first.
    pub(super) fn blocks(&self) -> impl Iterator<Item = Range<u32>> {
        let places = std::iter::successors(self.recent.last(), |place| self.blocks.previous(*place));
        places.filter_map(|place| self.range(place))
    }

    /// Returns whether the buffer has no data.
    pub(super) fn is_empty(&self) -> bool {
        self.readable == 0 && self.blocks.is_empty()
    }

    /// Removes all data.
    pub(super) fn clear(&mut self, cx: &mut Resources<'_>) {
        let in_order = std::mem::replace(&mut self.in_order, List::EMPTY);
        self.discard(in_order, cx);
        while let Some(block) = self.blocks.pop(&mut self.recent) {
            self.discard(block.chunks, cx);
        }
        self.order.clear();
        self.readable = 0;
    }

    /// Returns a block as offsets from RCV.NXT.
    fn range(&self, place: Place) -> Option<Range<u32>> {
        let block = self.blocks.get(place)?;
        Some(block.start.wrapping_sub(self.next)..block.end.wrapping_sub(self.next))
    }

    /// Returns the block at a position of the order, as offsets from RCV.NXT.
    fn range_at(&self, position: usize) -> Option<Range<u32>> {
        self.range(*self.order.get(position)?)
    }

    /// Returns the position of the first block that ends at `offset` or behind it.
    // spec: tcp-out-of-order-cost
    fn position(&self, offset: u32) -> usize {
        self.order.partition_point(|place| self.range(*place).is_some_and(|range| range.end < offset))
    }

    /// Returns the first part of a range that the blocks contain.
    fn first_duplicate(&self, received: &Range<u32>) -> Option<Range<u32>> {
        let range = self.range_at(self.position(received.start.saturating_add(1)))?;
        let part = range.start.max(received.start)..range.end.min(received.end);
        (!part.is_empty()).then_some(part)
    }

    /// Returns a range without its beginning and its end that the blocks contain. The result may contain blocks.
    fn missing_part(&self, received: &Range<u32>) -> Range<u32> {
        let Range { mut start, mut end } = received.clone();
        let first = self.range_at(self.position(start.saturating_add(1)));
        if let Some(range) = first.filter(|range| range.contains(&start)) {
            start = range.end;
        }
        let last = self.range_at(self.position(end));
        if let Some(range) = last.filter(|range| range.start < end) {
            end = range.start;
        }
        start..end
    }

    /// Returns why data must be dropped. `capacity` is that of its frame.
    fn reason_to_drop(
        &self,
        missing: &Range<u32>,
        capacity: usize,
        cx: &Resources<'_>,
    ) -> Option<TcpDropReason> {
        // The window has permitted data in order, so the reserve is for it.
        // spec: tcp-memory-promise
        if missing.start == 0 {
            return cx.memory.is_exhausted().then_some(TcpDropReason::MemoryExhausted);
        }
        let is_new_block =
            self.range_at(self.position(missing.start)).is_none_or(|range| missing.end < range.start);
        // spec: tcp-out-of-order-bound
        let maximum = if missing.len() < capacity / 4 {
            ReceiveBuffer::MAX_SMALL_BLOCKS
        } else {
            ReceiveBuffer::MAX_BLOCKS
        };
        if is_new_block && self.blocks.len() >= maximum {
            return Some(TcpDropReason::OutOfOrderBlocks);
        }
        (cx.memory.level() == MemoryLevel::Full).then_some(TcpDropReason::OutOfOrderMemory)
    }

    /// Removes and returns the block at a position of the order, if its range matches.
    fn take_block(&mut self, position: usize, is_match: impl Fn(&Range<u32>) -> bool) -> Option<Block> {
        self.range_at(position).filter(is_match)?;
        let place = self.order.remove(position);
        self.blocks.remove(&mut self.recent, place)
    }

    /// Removes the blocks from a position of the order on that are parts of a range.
    fn discard_parts(&mut self, position: usize, whole: &Range<u32>, cx: &mut Resources<'_>) {
        let mut end = position;
        while let Some(place) = self.order.get(end).copied()
            && self.range(place).is_some_and(|range| range.end <= whole.end)
        {
            if let Some(block) = self.blocks.remove(&mut self.recent, place) {
                self.discard(block.chunks, cx);
            }
            end += 1;
        }
        self.order.drain(position..end);
    }

    /// Appends data to a list, in its frame or as a copy. Returns whether the last frame of the list took the data.
    fn append(&mut self, list: &mut List, mut frame: Frame, cx: &mut Resources<'_>) -> bool {
        // spec: tcp-copy-small
        if let Some(last) = self.chunks.last_mut(*list)
            && let Ok(space) = last.append(frame.len())
        {
            space.copy_from_slice(frame.bytes());
            cx.pool.give(frame);
            return true;
        }
        // spec: tcp-copy-small
        while frame.len() < frame.capacity() / 4 && frame.capacity() > Frame::capacity_for(cx.pool.mtu()) {
            let Some(mut small) = cx.pool.take() else { break };
            let length = frame.len().min(cx.pool.mtu());
            let rest = frame.len() - length;
            let (part, _) = frame.bytes().split_at_checked(length).unwrap_or_default();
            // A small frame has capacity for the MTU of the pool.
            let _ = small.write(part);
            self.keep(list, small, cx);
            let _ = frame.narrow(length, rest);
            if frame.is_empty() {
                cx.pool.give(frame);
                return false;
            }
        }
        self.keep(list, frame, cx);
        false
    }

    /// Appends the chunks of a block to a list. Chunks that fit behind the last chunk are copied, so that no order of
    /// arrival makes single bytes hold frames.
    fn join(&mut self, list: &mut List, mut block: List, cx: &mut Resources<'_>) {
        // spec: tcp-copy-small
        while let Some(frame) = self.chunks.pop(&mut block) {
            self.uncount(&frame, cx);
            if !self.append(list, frame, cx) {
                break;
            }
        }
        self.chunks.append(list, block);
    }

    /// Appends a frame to a list.
    fn keep(&mut self, list: &mut List, frame: Frame, cx: &mut Resources<'_>) {
        // spec: tcp-memory-bound
        cx.memory.charge(frame.capacity());
        self.held = self.held.saturating_add(frame.capacity());
        self.chunks.push(list, frame);
    }

    /// Returns a frame that was in a list.
    fn give_back(&mut self, frame: Frame, cx: &mut Resources<'_>) {
        self.uncount(&frame, cx);
        cx.pool.give(frame);
    }

    /// Stops counting a frame that was in a list.
    fn uncount(&mut self, frame: &Frame, cx: &mut Resources<'_>) {
        cx.memory.release(frame.capacity());
        self.held = self.held.saturating_sub(frame.capacity());
    }

    /// Returns all frames of a list.
    fn discard(&mut self, mut list: List, cx: &mut Resources<'_>) {
        while let Some(frame) = self.chunks.pop(&mut list) {
            self.give_back(frame, cx);
        }
    }
}
