//! The send buffer of a connection.

use std::collections::VecDeque;
use std::fmt;

use base::list::index;

use crate::{BufferSize, Memory, MemoryLevel};

/// Send buffer of a connection: the bytes that the user has written and the peer has not acknowledged.
///
/// The bytes are in a ring with a capacity of a power of two, from 16 KiB on. The ring is taken from a [`Memory`] at the
/// first write, and grows as bytes are written. The first end of a record takes 4 KiB for all ends.
pub struct SendBuffer {
    /// The ring, if the buffer has memory.
    ring: Option<Box<Ring>>,
    /// Maximum number of bytes.
    limit: u32,
    /// Maximum of `limit`.
    maximum: u32,
}

/// A ring of bytes.
#[derive(Default)]
struct Ring {
    bytes: Box<[u8]>,
    /// Position of the first byte.
    start: usize,
    length: usize,
    /// Number of bytes that were removed from the start, modulo 2^32.
    removed: u32,
    /// Ends of records in ascending order, counted as `removed` is. Each end is in the buffer. Without capacity until the
    /// first end.
    record_ends: VecDeque<u32>,
}

/// Capacity of the smallest ring.
const MINIMUM_CAPACITY: usize = 16 << 10;
/// Capacity of the largest ring: the largest window (RFC 7323 2.2).
const MAXIMUM_CAPACITY: u32 = 1 << 30;
/// Maximum number of records with an end.
const MAXIMUM_RECORDS: usize = 1_024;
/// Memory of the ends of records, in bytes.
const RECORDS_MEMORY: usize = MAXIMUM_RECORDS * size_of::<u32>();

impl SendBuffer {
    /// Creates a buffer without memory.
    pub fn new(size: BufferSize) -> SendBuffer {
        let mut buffer = SendBuffer { ring: None, limit: 0, maximum: 0 };
        buffer.set_size(size);
        buffer
    }

    /// Changes the size. Bytes that are in the buffer stay there.
    pub fn set_size(&mut self, size: BufferSize) {
        self.maximum = to_u32(size.maximum).clamp(1, MAXIMUM_CAPACITY);
        self.limit = to_u32(size.initial).clamp(1, self.maximum);
    }

    /// Returns the number of bytes in the buffer.
    pub fn len(&self) -> usize {
        self.ring.as_ref().map_or(0, |ring| ring.length)
    }

    /// Returns whether the buffer has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many bytes can be written. The next write takes fewer bytes if the [`Memory`] is full.
    pub fn free(&self) -> usize {
        self.limit().saturating_sub(self.len())
    }

    /// Returns how many bytes the next write takes without more memory.
    pub fn unused(&self) -> usize {
        self.free().min(self.ring_capacity() - self.len())
    }

    /// Returns the maximum number of bytes in the buffer.
    pub fn limit(&self) -> usize {
        index(self.limit)
    }

    /// Returns the memory of the buffer in bytes.
    pub fn capacity(&self) -> usize {
        let has_records = self.ring.as_ref().is_some_and(|ring| ring.record_ends.capacity() > 0);
        self.ring_capacity() + if has_records { RECORDS_MEMORY } else { 0 }
    }

    /// Returns the capacity of the ring, in bytes.
    fn ring_capacity(&self) -> usize {
        self.ring.as_ref().map_or(0, |ring| ring.bytes.len())
    }

    /// Appends the first bytes of `data`, up to the capacity of the buffer. Returns the number of these bytes.
    pub fn write(&mut self, data: &[u8], memory: &mut Memory) -> usize {
        let accepted = data.len().min(self.free());
        self.grow(self.len() + accepted, memory);
        let Some(ring) = &mut self.ring else { return 0 };
        let taken = accepted.min(ring.bytes.len() - ring.length);
        let (data, _) = data.split_at_checked(taken).unwrap_or_default();
        ring.write(data);
        taken
    }

    /// Copies bytes from `offset` on into `target`. Returns the number of bytes, which is lower than the length of
    /// `target` if the buffer has fewer bytes.
    pub fn copy_to(&self, offset: usize, target: &mut [u8]) -> usize {
        self.ring.as_ref().map_or(0, |ring| ring.copy_to(offset, target))
    }

    /// Removes up to `bytes` bytes from the start, because the peer has acknowledged them.
    pub fn acknowledge(&mut self, bytes: usize) {
        if let Some(ring) = &mut self.ring {
            let bytes = bytes.min(ring.length);
            ring.start = ring.wrap(ring.start + bytes);
            ring.length -= bytes;
            ring.removed = ring.removed.wrapping_add(to_u32(bytes));
            while ring.record_ends.front().is_some_and(|end| ring.offset(*end) > ring.length) {
                ring.record_ends.pop_front();
            }
        }
    }

    /// Ends a record at the end of the bytes. Returns false if the buffer has 1,024 records with an end, or the memory is
    /// full. The record then has no end, and includes the bytes that are written later.
    // spec: tcp-record
    pub fn end_record(&mut self, memory: &mut Memory) -> bool {
        let Some(ring) = self.ring.as_mut().filter(|ring| ring.length > 0) else { return true };
        let end = ring.removed.wrapping_add(to_u32(ring.length));
        if ring.record_ends.back() == Some(&end) {
            return true;
        }
        // spec: tcp-memory-bound
        if ring.record_ends.capacity() == 0 && memory.reserve(RECORDS_MEMORY) {
            ring.record_ends.reserve_exact(MAXIMUM_RECORDS);
        }
        let has_capacity = ring.record_ends.len() < ring.record_ends.capacity().min(MAXIMUM_RECORDS);
        if has_capacity {
            ring.record_ends.push_back(end);
        }
        has_capacity
    }

    /// Returns the number of bytes from `offset` to the end of their record, or `None` if the record has no end.
    pub fn record_length(&self, offset: usize) -> Option<usize> {
        let ring = self.ring.as_ref()?;
        let next = ring.record_ends.partition_point(|end| ring.offset(*end) <= offset);
        Some(ring.offset(*ring.record_ends.get(next)?) - offset)
    }

    /// Returns the offset of the last end of a record before `offset`.
    pub fn last_record_end(&self, offset: usize) -> Option<usize> {
        let ring = self.ring.as_ref()?;
        let next = ring.record_ends.partition_point(|end| ring.offset(*end) < offset);
        ring.record_ends.get(next.checked_sub(1)?).map(|end| ring.offset(*end))
    }

    /// Raises the limit to twice the congestion window, up to the maximum size. Does nothing unless the memory level is
    /// normal.
    ///
    /// One congestion window of data can then wait while another one is outstanding.
    // spec: tcp-send-tuning
    pub fn tune(&mut self, congestion_window: usize, level: MemoryLevel) {
        if level == MemoryLevel::Normal {
            let target = to_u32(congestion_window).saturating_mul(2).min(self.maximum);
            self.limit = self.limit.max(target);
        }
    }

    /// Returns the memory of an empty buffer. Does nothing if the buffer has bytes.
    pub fn release(&mut self, memory: &mut Memory) {
        if self.is_empty() {
            memory.release(self.capacity());
            self.ring = None;
        }
    }

    /// Removes all bytes and returns the memory.
    pub fn clear(&mut self, memory: &mut Memory) {
        self.acknowledge(usize::MAX);
        self.release(memory);
    }

    /// Enlarges the ring for `length` bytes, or for fewer bytes if the memory does not permit more.
    fn grow(&mut self, length: usize, memory: &mut Memory) {
        let before = self.ring_capacity();
        if length <= before {
            return;
        }
        let mut capacity = length.next_power_of_two().max(MINIMUM_CAPACITY);
        // spec: tcp-memory-bound
        while !memory.reserve(capacity - before) {
            capacity /= 2;
            if capacity < MINIMUM_CAPACITY || capacity <= before {
                return;
            }
        }
        let ring = self.ring.get_or_insert_default();
        let mut bytes = vec![0; capacity].into_boxed_slice();
        ring.copy_to(0, bytes.get_mut(..ring.length).unwrap_or_default());
        (ring.bytes, ring.start) = (bytes, 0);
    }
}

impl Ring {
    /// Appends bytes. The ring has capacity for them.
    fn write(&mut self, data: &[u8]) {
        let end = self.wrap(self.start + self.length);
        let (first, second) = data.split_at(data.len().min(self.bytes.len() - end));
        for (position, part) in [(end, first), (0, second)] {
            if let Some(target) = self.bytes.get_mut(position..position + part.len()) {
                target.copy_from_slice(part);
            }
        }
        self.length += data.len();
    }

    /// Copies bytes from `offset` on into `target`. Returns the number of bytes.
    fn copy_to(&self, offset: usize, target: &mut [u8]) -> usize {
        let (first, second) = self.parts(offset, target.len());
        let (before, after) = target.split_at_mut(first.len());
        before.copy_from_slice(first);
        if let Some(after) = after.get_mut(..second.len()) {
            after.copy_from_slice(second);
        }
        first.len() + second.len()
    }

    /// Returns up to `length` bytes from `offset` on, in two parts of the ring.
    fn parts(&self, offset: usize, length: usize) -> (&[u8], &[u8]) {
        let length = length.min(self.length.saturating_sub(offset));
        let start = self.wrap(self.start.saturating_add(offset));
        let first = length.min(self.bytes.len().saturating_sub(start));
        let second = length - first;
        let part = |start: usize, length: usize| self.bytes.get(start..start + length).unwrap_or_default();
        (part(start, first), part(0, second))
    }

    /// Returns the offset of the end of a record. The offset of an end up to the start is greater than every length.
    fn offset(&self, end: u32) -> usize {
        index(end.wrapping_sub(self.removed).wrapping_sub(1)).saturating_add(1)
    }

    /// Returns a position modulo the capacity.
    fn wrap(&self, position: usize) -> usize {
        position & self.bytes.len().saturating_sub(1)
    }
}

/// Returns a number of bytes. Sizes above the maximum count as the maximum.
fn to_u32(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

impl fmt::Debug for SendBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SendBuffer({} of {} bytes)", self.len(), self.limit)
    }
}

#[cfg(test)]
mod tests;
