//! A bounded store of empty frames.

use crate::Frame;
use crate::frame::FrameClass;

/// Bounded store of empty frames in two size classes: small frames for the wire's MTU, and large frames of 64 KiB for
/// long datagrams.
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
    class: FrameClass,
    mtu: usize,
    limit: usize,
    held: usize,
    exhausted: u64,
}

impl Pool {
    /// Maximum MTU of small frames, and the MTU of large frames: the longest IPv4 datagram.
    pub const MAX_MTU: usize = 65_535;

    /// Creates a pool for a wire with this MTU in bytes. Up to `limit` frames of each class can be held at the same
    /// time.
    pub fn new(mtu: usize, limit: usize) -> Pool {
        Pool {
            small: FreeList::new(FrameClass::Small, mtu.min(Self::MAX_MTU), limit),
            large: FreeList::new(FrameClass::Large, Self::MAX_MTU, limit),
        }
    }

    /// Returns the pool with another limit for large frames.
    #[must_use]
    pub fn with_large_limit(self, limit: usize) -> Pool {
        Pool { large: FreeList::new(FrameClass::Large, Self::MAX_MTU, limit), ..self }
    }

    /// Takes an empty small frame. Returns `None` if the limit of small frames is reached.
    #[inline]
    pub fn take(&mut self) -> Option<Frame> {
        self.small.take()
    }

    /// Takes an empty large frame. Returns `None` if the limit of large frames is reached.
    pub fn take_large(&mut self) -> Option<Frame> {
        self.large.take()
    }

    /// Returns a frame to the pool. The frame may be from another pool.
    #[inline]
    pub fn give(&mut self, frame: Frame) {
        match frame.class() {
            FrameClass::Small => self.small.give(frame),
            FrameClass::Large => self.large.give(frame),
        }
    }

    /// Enlarges the small frames that are taken from now on to this MTU in bytes, up to [`Pool::MAX_MTU`]. Does nothing
    /// if small frames are already that large: a pool never shrinks. Smaller frames that were taken before are freed
    /// when they return.
    #[inline]
    pub fn grow(&mut self, mtu: usize) {
        let mtu = mtu.min(Self::MAX_MTU);
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

    /// Returns how often no frame could be taken because the limit of its class was reached.
    pub fn exhausted(&self) -> u64 {
        self.small.exhausted + self.large.exhausted
    }
}

impl FreeList {
    fn new(class: FrameClass, mtu: usize, limit: usize) -> FreeList {
        FreeList { free: Vec::with_capacity(limit), class, mtu, limit, held: 0, exhausted: 0 }
    }

    fn grow(&mut self, mtu: usize) {
        self.mtu = mtu;
        self.free.clear();
    }

    #[inline]
    fn take(&mut self) -> Option<Frame> {
        if self.held >= self.limit {
            self.exhausted = self.exhausted.saturating_add(1);
            return None;
        }
        self.held += 1;
        Some(self.free.pop().unwrap_or_else(|| Frame::with_class(self.mtu, self.class)))
    }

    #[inline]
    fn give(&mut self, mut frame: Frame) {
        self.held = self.held.saturating_sub(1);
        if frame.capacity() == Frame::capacity_for(self.mtu) && self.free.len() < self.limit {
            frame.clear();
            self.free.push(frame);
        }
    }
}

#[cfg(test)]
mod tests;
