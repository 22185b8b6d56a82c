//! A bounded queue of frames.

use std::collections::VecDeque;

use crate::{Frame, Token};

/// Bounded queue of frames, in the order in which they were received or will be transmitted. Devices receive and
/// transmit only batches.
///
/// A device leaves the tokens of the frames that it refuses in the batch. A token takes the capacity of its frame until
/// it is taken, so no token is lost.
#[derive(Debug)]
pub struct Batch {
    frames: VecDeque<Frame>,
    /// Tokens of refused frames.
    refused: VecDeque<Token>,
    /// Number of frames at the front that [`Batch::next_unfinished`] has returned.
    finished: usize,
    capacity: usize,
}

impl Batch {
    /// Creates an empty batch for up to `capacity` frames and reserves its memory.
    pub fn new(capacity: usize) -> Batch {
        Batch {
            frames: VecDeque::with_capacity(capacity),
            refused: VecDeque::with_capacity(capacity),
            finished: 0,
            capacity,
        }
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

    /// Moves up to `count` frames from the front of a queue to this batch, while the batch has capacity. Returns the
    /// number of moved frames.
    #[inline]
    pub fn append(&mut self, queue: &mut VecDeque<Frame>, count: usize) -> usize {
        let count = count.min(queue.len()).min(self.free_capacity());
        if count == queue.len() {
            self.frames.append(queue);
        } else {
            self.frames.extend(queue.drain(..count));
        }
        count
    }

    /// Removes and returns the first frame.
    #[inline]
    pub fn pop(&mut self) -> Option<Frame> {
        self.finished = self.finished.saturating_sub(1);
        self.frames.pop_front()
    }

    /// Returns the first frame.
    #[inline]
    pub fn front(&self) -> Option<&Frame> {
        self.frames.front()
    }

    /// Returns a mutable reference to the first frame.
    #[cfg(feature = "linux")]
    #[inline]
    pub(crate) fn front_mut(&mut self) -> Option<&mut Frame> {
        self.frames.front_mut()
    }

    /// Returns the number of frames.
    #[inline]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Returns how many more frames or tokens fit.
    #[inline]
    pub fn free_capacity(&self) -> usize {
        self.capacity.saturating_sub(self.frames.len() + self.refused.len())
    }

    /// Returns whether the batch has no frames.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Iterates over the frames in order.
    pub fn iter(&self) -> impl Iterator<Item = &Frame> {
        self.frames.iter()
    }

    /// Adds the token of a frame that the device refused, and that is no longer in the batch. [`Token::NONE`] is not
    /// added. Returns the token if the batch is full: a device that has accepted the frame in an earlier call must keep
    /// the token until the next call.
    pub fn refuse(&mut self, token: Token) -> Result<(), Token> {
        if token.is_none() {
            return Ok(());
        }
        if self.free_capacity() == 0 {
            return Err(token);
        }
        self.refused.push_back(token);
        Ok(())
    }

    /// Removes and returns the first token of a refused frame.
    #[inline]
    pub fn take_refused(&mut self) -> Option<Token> {
        self.refused.pop_front()
    }

    /// Returns the first frame that this method has not returned yet.
    #[inline]
    pub(crate) fn next_unfinished(&mut self) -> Option<&mut Frame> {
        let frame = self.frames.get_mut(self.finished)?;
        self.finished += 1;
        Some(frame)
    }
}

#[cfg(test)]
mod tests;
