//! A bounded store of empty frames.

use crate::Frame;

/// A bounded store of empty frames in two sizes: one for the wire's MTU, one of 64 KiB for a
/// reassembled datagram.
///
/// A frame is allocated the first time it is needed and used again ever after, so a warm program
/// allocates nothing. The pool is a plain value that the loop owns.
#[derive(Debug)]
pub struct Pool {
    small: FreeList,
    large: FreeList,
}

#[derive(Debug)]
struct FreeList {
    free: Vec<Frame>,
    mtu: usize,
    /// What tells its frames from others.
    capacity: usize,
    limit: usize,
    held: usize,
    exhausted: u64,
}

impl Pool {
    /// The MTU of a large frame: the longest IPv4 datagram.
    const LARGE: usize = 65_535;

    /// A pool for a wire with this MTU, with at most `limit` frames of either size outside at once.
    pub fn new(mtu: usize, limit: usize) -> Pool {
        Pool {
            small: FreeList::new(mtu, limit),
            // Longer than a small one whatever the MTU: the size distinguishes them.
            large: FreeList::new(Self::LARGE.max(mtu.saturating_add(1)), limit),
        }
    }

    /// An empty frame for the wire's MTU, or none if `limit` of them are held already.
    #[inline]
    pub fn take(&mut self) -> Option<Frame> {
        self.small.take()
    }

    /// An empty frame of 64 KiB, or none if `limit` of them are held already.
    pub fn take_large(&mut self) -> Option<Frame> {
        self.large.take()
    }

    /// Takes a frame back. A frame from elsewhere is kept if its size is one of this pool's.
    #[inline]
    pub fn give(&mut self, frame: Frame) {
        // One that was taken before the pool grew is neither size, and is dropped as a small one.
        if frame.capacity() == self.large.capacity {
            self.large.give(frame);
        } else {
            self.small.give(frame);
        }
    }

    /// Makes every small frame that is taken from now on hold this MTU, where it is larger than that of the pool, up
    /// to the MTU of a large one less one byte. A pool never shrinks.
    #[inline]
    pub fn grow(&mut self, mtu: usize) {
        let mtu = mtu.min(self.large.mtu - 1);
        if mtu > self.small.mtu {
            self.small.grow(mtu);
        }
    }

    /// The MTU that a small frame holds.
    pub fn mtu(&self) -> usize {
        self.small.mtu
    }

    /// Stops counting `count` small frames as held: they will not be given back.
    pub fn forget(&mut self, count: usize) {
        self.small.held = self.small.held.saturating_sub(count);
    }

    /// Frames taken and not yet given back.
    pub fn held(&self) -> usize {
        self.small.held + self.large.held
    }

    /// How often a frame was refused because all were held.
    pub fn exhausted(&self) -> u64 {
        self.small.exhausted + self.large.exhausted
    }
}

impl FreeList {
    fn new(mtu: usize, limit: usize) -> FreeList {
        let capacity = Frame::capacity_for(mtu);
        FreeList { free: Vec::with_capacity(limit), mtu, capacity, limit, held: 0, exhausted: 0 }
    }

    fn grow(&mut self, mtu: usize) {
        (self.mtu, self.capacity) = (mtu, Frame::capacity_for(mtu));
        self.free.clear();
    }

    #[inline]
    fn take(&mut self) -> Option<Frame> {
        if self.held >= self.limit {
            self.exhausted = self.exhausted.saturating_add(1);
            return None;
        }
        self.held += 1;
        Some(self.free.pop().unwrap_or_else(|| Frame::for_mtu(self.mtu)))
    }

    #[inline]
    fn give(&mut self, mut frame: Frame) {
        self.held = self.held.saturating_sub(1);
        if frame.capacity() == self.capacity && self.free.len() < self.limit {
            frame.clear();
            self.free.push(frame);
        }
    }
}

#[cfg(test)]
mod tests;
