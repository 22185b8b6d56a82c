//! A bounded queue of frames.

use std::collections::VecDeque;

use crate::Frame;

/// Bounded queue of frames, in the order in which they were received or will be transmitted. Devices receive and
/// transmit only batches.
#[derive(Debug)]
pub struct Batch {
    frames: VecDeque<Frame>,
    capacity: usize,
}

impl Batch {
    /// Creates an empty batch for up to `capacity` frames and reserves its memory.
    pub fn new(capacity: usize) -> Batch {
        Batch { frames: VecDeque::with_capacity(capacity), capacity }
    }

    /// Appends a frame. Returns the frame if the batch is full.
    #[inline]
    pub fn push(&mut self, frame: Frame) -> Result<(), Frame> {
        if self.free_capacity() == 0 {
            return Err(frame);
        }
        self.frames.push_back(frame);
        Ok(())
    }

    /// Removes and returns the first frame.
    #[inline]
    pub fn pop(&mut self) -> Option<Frame> {
        self.frames.pop_front()
    }

    /// Returns the first frame.
    pub fn front(&self) -> Option<&Frame> {
        self.frames.front()
    }

    /// Returns the number of frames.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Returns how many more frames fit.
    pub fn free_capacity(&self) -> usize {
        self.capacity.saturating_sub(self.frames.len())
    }

    /// Returns whether the batch has no frames.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Iterates over the frames in order.
    pub fn iter(&self) -> impl Iterator<Item = &Frame> {
        self.frames.iter()
    }

    /// Returns a mutable reference to the frame at a position, counted from 0.
    #[inline]
    pub fn get_mut(&mut self, place: usize) -> Option<&mut Frame> {
        self.frames.get_mut(place)
    }
}

#[cfg(test)]
mod tests;
