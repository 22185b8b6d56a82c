//! A bounded store of empty frames.

use crate::Frame;

/// Bounded store of empty frames in two sizes: small frames for the wire's MTU, and large ones of 64 KiB for
/// reassembled datagrams.
///
/// A frame is allocated when it is first needed, and reused afterwards. A program that has warmed up allocates no
/// frames.
#[derive(Debug)]
pub struct Pool {
    small: FreeList,
    large: FreeList,
}

#[derive(Debug)]
struct FreeList {
    free: Vec<Frame>,
    mtu: usize,
    /// Capacity of the frames in this list, which identifies these frames.
    capacity: usize,
    limit: usize,
    held: usize,
    exhausted: u64,
}

impl Pool {
    /// The MTU of a large frame: the longest IPv4 datagram.
    const LARGE: usize = 65_535;

    /// Creates a pool for a wire with this MTU in bytes. Up to `limit` frames of each size can be held at the same
    /// time.
    pub fn new(mtu: usize, limit: usize) -> Pool {
        Pool {
            small: FreeList::new(mtu, limit),
            // Larger than a small frame at any MTU, so that the size distinguishes small and large frames.
            large: FreeList::new(Self::LARGE.max(mtu.saturating_add(1)), limit),
        }
    }

    /// Takes an empty small frame. Returns `None` if `limit` small frames are held.
    #[inline]
    pub fn take(&mut self) -> Option<Frame> {
        self.small.take()
    }

    /// Takes an empty large frame. Returns `None` if `limit` large frames are held.
    pub fn take_large(&mut self) -> Option<Frame> {
        self.large.take()
    }

    /// Returns a frame to the pool. A frame that was not taken from this pool is kept if it has one of the pool's
    /// sizes.
    #[inline]
    pub fn give(&mut self, frame: Frame) {
        // A frame taken before the pool grew has neither size. Such a frame is counted as a small frame and is freed.
        if frame.capacity() == self.large.capacity {
            self.large.give(frame);
        } else {
            self.small.give(frame);
        }
    }

    /// Enlarges the small frames that are taken from now on to this MTU in bytes, limited to one byte below the MTU of
    /// large frames. Does nothing if small frames are already larger: a pool never shrinks.
    #[inline]
    pub fn grow(&mut self, mtu: usize) {
        let mtu = mtu.min(self.large.mtu - 1);
        if mtu > self.small.mtu {
            self.small.grow(mtu);
        }
    }

    /// Returns the MTU of small frames, in bytes.
    pub fn mtu(&self) -> usize {
        self.small.mtu
    }

    /// Stops counting `count` small frames as held, because these frames will not be returned.
    pub fn forget(&mut self, count: usize) {
        self.small.held = self.small.held.saturating_sub(count);
    }

    /// Returns the number of frames that were taken and not returned yet.
    pub fn held(&self) -> usize {
        self.small.held + self.large.held
    }

    /// Returns how often no frame could be taken because all were held.
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
