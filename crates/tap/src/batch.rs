//! A bounded row of frames.

use std::collections::VecDeque;

use crate::Frame;

/// Frames in the order in which they arrived or will depart, at most as many as the batch was made
/// for. The unit of every device call: one frame is a batch of one.
#[derive(Debug)]
pub struct Batch {
    frames: VecDeque<Frame>,
    capacity: usize,
}

impl Batch {
    /// An empty batch that holds up to `capacity` frames; its memory is set aside here.
    pub fn new(capacity: usize) -> Batch {
        Batch { frames: VecDeque::with_capacity(capacity), capacity }
    }

    /// Adds a frame behind the others. A full batch gives it back.
    #[inline]
    pub fn push(&mut self, frame: Frame) -> Result<(), Frame> {
        if self.free_capacity() == 0 {
            return Err(frame);
        }
        self.frames.push_back(frame);
        Ok(())
    }

    /// Takes the first frame.
    #[inline]
    pub fn pop(&mut self) -> Option<Frame> {
        self.frames.pop_front()
    }

    /// The first frame.
    pub fn front(&self) -> Option<&Frame> {
        self.frames.front()
    }

    /// How many frames are in it.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// How many more frames it takes.
    pub fn free_capacity(&self) -> usize {
        self.capacity.saturating_sub(self.frames.len())
    }

    /// Whether no frame is in it.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The frames in order.
    pub fn iter(&self) -> impl Iterator<Item = &Frame> {
        self.frames.iter()
    }

    /// The frame at a place, counted from the first one's 0, to change in place.
    #[inline]
    pub fn get_mut(&mut self, place: usize) -> Option<&mut Frame> {
        self.frames.get_mut(place)
    }
}

#[cfg(test)]
mod tests;
