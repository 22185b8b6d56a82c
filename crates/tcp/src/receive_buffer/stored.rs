//! The contents of a receive buffer.

use std::ops::Range;

use base::List;
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
    /// Data out of order. The block that received data last is the first. No two blocks touch.
    blocks: Vec<Block>,
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
            blocks: Vec::new(),
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
            if let Some(block) = self.blocks.iter().position(|block| self.range(block).contains(&offset)) {
                // The next SACK option reports the block that contains the duplicate before other blocks.
                self.blocks.get_mut(..=block).unwrap_or_default().rotate_right(1);
            }
            cx.pool.give(frame);
            return Inserted { duplicate, ..Inserted::default() };
        }
        if let Some(reason) = self.reason_to_drop(&missing, cx) {
            cx.pool.give(frame);
            return Inserted { advanced: 0, duplicate, reason: Some(reason) };
        }

        // The data replaces blocks that are parts of it.
        while let Some(block) = self.take_block(|range| is_part(range, &missing)) {
            self.discard(block.chunks, cx);
        }
        let before = self.take_block(|range| range.end == missing.start);
        let after = self.take_block(|range| range.start == missing.end);
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
            self.blocks.insert(0, Block { start, end, chunks: list });
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
        self.blocks.iter().map(|block| self.range(block))
    }

    /// Returns whether the buffer has no data.
    pub(super) fn is_empty(&self) -> bool {
        self.readable == 0 && self.blocks.is_empty()
    }

    /// Removes all data.
    pub(super) fn clear(&mut self, cx: &mut Resources<'_>) {
        let in_order = std::mem::replace(&mut self.in_order, List::EMPTY);
        self.discard(in_order, cx);
        while let Some(block) = self.blocks.pop() {
            self.discard(block.chunks, cx);
        }
        self.readable = 0;
    }

    /// Returns a block as offsets from RCV.NXT.
    fn range(&self, block: &Block) -> Range<u32> {
        block.start.wrapping_sub(self.next)..block.end.wrapping_sub(self.next)
    }

    /// Returns the first part of a range that the blocks contain.
    fn first_duplicate(&self, received: &Range<u32>) -> Option<Range<u32>> {
        let parts = self.blocks().map(|range| range.start.max(received.start)..range.end.min(received.end));
        parts.filter(|part| !part.is_empty()).min_by_key(|part| part.start)
    }

    /// Returns a range without its beginning and its end that the blocks contain. The result may contain blocks.
    fn missing_part(&self, received: &Range<u32>) -> Range<u32> {
        let Range { mut start, mut end } = received.clone();
        if let Some(range) = self.blocks().find(|range| range.contains(&start)) {
            start = range.end;
        }
        if let Some(range) = self.blocks().find(|range| range.start < end && end <= range.end) {
            end = range.start;
        }
        start..end
    }

    /// Returns why data must be dropped.
    fn reason_to_drop(&self, missing: &Range<u32>, cx: &Resources<'_>) -> Option<TcpDropReason> {
        // The window has permitted data in order, so the reserve is for it.
        // spec: tcp-memory-promise
        if missing.start == 0 {
            return cx.memory.is_exhausted().then_some(TcpDropReason::MemoryExhausted);
        }
        let is_new_block = !self.blocks().any(|range| {
            range.end == missing.start || range.start == missing.end || is_part(&range, missing)
        });
        // spec: tcp-out-of-order-bound
        if is_new_block && self.blocks.len() >= ReceiveBuffer::MAX_BLOCKS {
            return Some(TcpDropReason::OutOfOrderBlocks);
        }
        (cx.memory.level() == MemoryLevel::Full).then_some(TcpDropReason::OutOfOrderMemory)
    }

    /// Removes and returns the first block with a range that matches.
    fn take_block(&mut self, is_match: impl Fn(&Range<u32>) -> bool) -> Option<Block> {
        let position = self.blocks().position(|range| is_match(&range))?;
        Some(self.blocks.remove(position))
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

/// Returns whether a range is a part of another range.
fn is_part(range: &Range<u32>, whole: &Range<u32>) -> bool {
    whole.start <= range.start && range.end <= whole.end
}
