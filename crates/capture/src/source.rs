//! Buffered input.

use std::io::{self, ErrorKind, Read};

use crate::BLOCK_LIMIT;

/// Initial size of the buffer, in bytes.
const CAPACITY: usize = 256 * 1_024;

/// Buffered input with lookahead. The buffer grows to the longest peek.
pub(crate) struct Source<R> {
    from: R,
    buffer: Vec<u8>,
    /// Start of the unread bytes in the buffer.
    start: usize,
    /// End of the unread bytes.
    end: usize,
}

impl<R: Read> Source<R> {
    pub(crate) fn new(from: R) -> Source<R> {
        Source { from, buffer: vec![0; CAPACITY], start: 0, end: 0 }
    }

    /// Returns the next `length` bytes, up to [`BLOCK_LIMIT`], without consuming these bytes. Returns fewer bytes if
    /// the input ends.
    ///
    /// Does not wait for further bytes.
    pub(crate) fn peek(&mut self, length: usize) -> io::Result<&[u8]> {
        let length = length.min(BLOCK_LIMIT);
        if self.end - self.start < length {
            self.reserve(length);
            while self.end - self.start < length && self.fill()? {}
        }
        Ok(self.peeked(length))
    }

    /// Returns the same bytes as the last [`Source::peek`] with this length.
    pub(crate) fn peeked(&self, length: usize) -> &[u8] {
        let unread = self.buffer.get(self.start..self.end).unwrap_or_default();
        unread.get(..length).unwrap_or(unread)
    }

    /// Consumes `length` bytes. Returns false if the input ends before.
    pub(crate) fn skip(&mut self, length: u64) -> io::Result<bool> {
        let mut left = length;
        loop {
            let unread = self.end - self.start;
            match usize::try_from(left) {
                Ok(left) if left <= unread => {
                    self.start += left;
                    return Ok(true);
                }
                _ => left -= u64::try_from(unread).unwrap_or(left),
            }
            (self.start, self.end) = (0, 0);
            if !self.fill()? {
                return Ok(false);
            }
        }
    }

    /// Returns the size of the buffer, in bytes.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.buffer.len()
    }

    /// Makes `length` bytes available from `start`: moves the unread bytes to the front and grows the buffer if needed.
    fn reserve(&mut self, length: usize) {
        if self.start + length <= self.buffer.len() {
            return;
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if length > self.buffer.len() {
            self.buffer.resize(length, 0);
        }
    }

    /// Reads once into the free part of the buffer. Returns false at the end of the input.
    fn fill(&mut self) -> io::Result<bool> {
        let free = self.buffer.get_mut(self.end..).unwrap_or_default();
        loop {
            match self.from.read(free) {
                Ok(count) => {
                    self.end += count.min(free.len());
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
