//! The send buffer of a connection.

use std::fmt;

use crate::{BufferSize, Memory, MemoryLevel};

/// Send buffer of a connection: the bytes that the user has written and the peer has not acknowledged.
///
/// The bytes are in a ring with a capacity of a power of two, from 16 KiB on. The ring is taken from a [`Memory`] at the
/// first write, and grows as bytes are written.
pub struct SendBuffer {
    ring: Box<[u8]>,
    /// Position of the first byte.
    start: usize,
    length: usize,
    /// Maximum of `length`.
    limit: usize,
    /// Maximum of `limit`.
    maximum: usize,
}

/// Capacity of the smallest ring.
const MINIMUM_CAPACITY: usize = 16 << 10;
/// Capacity of the largest ring: the largest window (RFC 7323 2.2).
const MAXIMUM_CAPACITY: usize = 1 << 30;

impl SendBuffer {
    /// Creates a buffer without memory.
    pub fn new(size: BufferSize) -> SendBuffer {
        let maximum = size.maximum.clamp(1, MAXIMUM_CAPACITY);
        let limit = size.initial.clamp(1, maximum);
        SendBuffer { ring: Box::default(), start: 0, length: 0, limit, maximum }
    }

    /// Changes the size. Bytes that are in the buffer stay there.
    pub fn set_size(&mut self, size: BufferSize) {
        self.maximum = size.maximum.clamp(1, MAXIMUM_CAPACITY);
        self.limit = size.initial.clamp(1, self.maximum);
    }

    /// Returns the number of bytes in the buffer.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Returns whether the buffer has no bytes.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Returns how many bytes can be written. The next write takes fewer bytes if the [`Memory`] is full.
    pub fn free(&self) -> usize {
        self.limit.saturating_sub(self.length)
    }

    /// Returns how many bytes the next write takes without more memory.
    pub fn unused(&self) -> usize {
        self.free().min(self.ring.len() - self.length)
    }

    /// Returns the maximum number of bytes in the buffer.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Returns the memory of the buffer in bytes.
    pub fn capacity(&self) -> usize {
        self.ring.len()
    }

    /// Appends the first bytes of `data`, up to the capacity of the buffer. Returns the number of these bytes.
    pub fn write(&mut self, data: &[u8], memory: &mut Memory) -> usize {
        let accepted = data.len().min(self.free());
        self.grow(self.length + accepted, memory);
        let taken = accepted.min(self.ring.len() - self.length);
        let end = self.wrap(self.start + self.length);
        let (data, _) = data.split_at_checked(taken).unwrap_or_default();
        let (first, second) = data.split_at(taken.min(self.ring.len() - end));
        for (position, part) in [(end, first), (0, second)] {
            if let Some(target) = self.ring.get_mut(position..position + part.len()) {
                target.copy_from_slice(part);
            }
        }
        self.length += taken;
        taken
    }

    /// Copies bytes from `offset` on into `target`. Returns the number of bytes, which is lower than the length of
    /// `target` if the buffer has fewer bytes.
    pub fn copy_to(&self, offset: usize, target: &mut [u8]) -> usize {
        let (first, second) = self.parts(offset, target.len());
        let (before, after) = target.split_at_mut(first.len());
        before.copy_from_slice(first);
        if let Some(after) = after.get_mut(..second.len()) {
            after.copy_from_slice(second);
        }
        first.len() + second.len()
    }

    /// Removes up to `bytes` bytes from the start, because the peer has acknowledged them.
    pub fn acknowledge(&mut self, bytes: usize) {
        let bytes = bytes.min(self.length);
        self.start = self.wrap(self.start + bytes);
        self.length -= bytes;
    }

    /// Raises the limit to twice the congestion window, up to the maximum size. Does nothing unless the memory level is
    /// normal.
    ///
    /// One congestion window of data can then wait while another one is outstanding.
    // spec: tcp-send-tuning
    pub fn tune(&mut self, congestion_window: usize, level: MemoryLevel) {
        if level == MemoryLevel::Normal {
            let target = congestion_window.saturating_mul(2).min(self.maximum);
            self.limit = self.limit.max(target);
        }
    }

    /// Returns the memory of an empty buffer. Does nothing if the buffer has bytes.
    pub fn release(&mut self, memory: &mut Memory) {
        if self.length == 0 {
            memory.release(self.ring.len());
            (self.ring, self.start) = (Box::default(), 0);
        }
    }

    /// Removes all bytes and returns the memory.
    pub fn clear(&mut self, memory: &mut Memory) {
        self.length = 0;
        self.release(memory);
    }

    /// Enlarges the ring for `length` bytes, or for fewer bytes if the memory does not permit more.
    fn grow(&mut self, length: usize, memory: &mut Memory) {
        if length <= self.ring.len() {
            return;
        }
        let mut capacity = length.next_power_of_two().max(MINIMUM_CAPACITY);
        // spec: tcp-memory-bound
        while !memory.reserve(capacity - self.ring.len()) {
            capacity /= 2;
            if capacity < MINIMUM_CAPACITY || capacity <= self.ring.len() {
                return;
            }
        }
        let mut ring = vec![0; capacity].into_boxed_slice();
        self.copy_to(0, ring.get_mut(..self.length).unwrap_or_default());
        (self.ring, self.start) = (ring, 0);
    }

    /// Returns up to `length` bytes from `offset` on, in two parts of the ring.
    fn parts(&self, offset: usize, length: usize) -> (&[u8], &[u8]) {
        let length = length.min(self.length.saturating_sub(offset));
        let start = self.wrap(self.start.saturating_add(offset));
        let first = length.min(self.ring.len().saturating_sub(start));
        let second = length - first;
        let part = |start: usize, length: usize| self.ring.get(start..start + length).unwrap_or_default();
        (part(start, first), part(0, second))
    }

    /// Returns a position modulo the capacity.
    fn wrap(&self, position: usize) -> usize {
        position & self.ring.len().saturating_sub(1)
    }
}

impl fmt::Debug for SendBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SendBuffer({} of {} bytes)", self.length, self.limit)
    }
}

#[cfg(test)]
mod tests;
