//! Memory of the buffers of all connections.

use tap::Pool;

/// Memory of the buffers of all connections: bytes in use, and their limit.
///
/// Buffers are counted by capacity: a received frame counts with its whole storage, also if it has few bytes.
///
/// Data to send and data out of order are accepted within the limit only, and the limit keeps receive windows from
/// growing. A quarter of the limit in addition is a reserve for data in order that the peer was allowed to send, so that
/// send buffers do not stop reception.
#[derive(Debug)]
pub struct Memory {
    used: usize,
    limit: usize,
}

/// How much of a [`Memory`] is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryLevel {
    /// Less than three quarters. Buffers grow with the throughput.
    Normal,
    /// Three quarters or more. Buffers do not grow.
    Pressure,
    /// All memory. Send buffers take no memory, receive windows do not move, and data out of order is dropped.
    Full,
}

/// What a connection uses to store data: the memory of all connections, and the pool of the frames.
#[derive(Debug)]
pub struct Resources<'a> {
    /// Memory of all connections.
    pub memory: &'a mut Memory,
    /// Pool of all frames.
    pub pool: &'a mut Pool,
}

impl Memory {
    /// Creates memory of up to `limit` bytes.
    pub fn new(limit: usize) -> Memory {
        Memory { used: 0, limit }
    }

    /// Returns the bytes in use.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Returns the limit in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Returns how much of the memory is in use.
    pub fn level(&self) -> MemoryLevel {
        if self.used >= self.limit {
            MemoryLevel::Full
        } else if self.used >= self.limit - self.limit / 4 {
            MemoryLevel::Pressure
        } else {
            MemoryLevel::Normal
        }
    }

    /// Returns whether the reserve for data in order is used too.
    pub fn is_exhausted(&self) -> bool {
        self.used >= self.limit.saturating_add(self.limit / 4)
    }

    /// Takes `bytes` if the limit permits it. Returns whether the bytes were taken.
    #[must_use]
    pub fn reserve(&mut self, bytes: usize) -> bool {
        let used = self.used.saturating_add(bytes);
        let is_within_limit = used <= self.limit;
        if is_within_limit {
            self.used = used;
        }
        is_within_limit
    }

    /// Takes `bytes`, also beyond the limit.
    pub fn charge(&mut self, bytes: usize) {
        self.used = self.used.saturating_add(bytes);
    }

    /// Returns `bytes` that were taken before.
    pub fn release(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests;
