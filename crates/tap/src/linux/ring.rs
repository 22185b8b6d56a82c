//! Receiving and transmitting with many frames per system call, by `io_uring`.

mod queues;

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;

use self::queues::{Completion, Queues, Request};
use super::node::classify;
use super::read_write::ErrorClass;
use crate::{Batch, DeviceCounters, DeviceError, Frame, Pool, Received, Token, Transmitted};

/// Ring of an open TAP. One system call performs the writes of one batch and the reads of the next.
#[derive(Debug)]
pub(super) struct IoRing {
    queues: Queues,
    /// Whether more frames wait, because the last reads were many and all returned a frame. Writes are then deferred to
    /// the next reads.
    has_backlog: bool,
    /// Frames that the congested device did not accept yet, in order.
    unsent: VecDeque<Frame>,
    /// Number of frames to write, in the queues or in [`IoRing::unsent`].
    pending_writes: usize,
    /// Number of frames that the device refused since the last transmit.
    refused: usize,
    /// Tokens of refused frames, until the next transmit reports them.
    refused_tokens: VecDeque<Token>,
    /// Error that ended the device.
    failure: Option<DeviceError>,
}

impl IoRing {
    /// Maximum number of frames that one call reads, and maximum number of frames that it writes.
    pub(super) const BATCH: usize = 64;
    /// Maximum number of reads after which writes are not deferred.
    const DEFER_THRESHOLD: usize = 7;

    /// Creates a ring for an open TAP.
    pub(super) fn new(file: BorrowedFd<'_>) -> io::Result<IoRing> {
        Ok(IoRing {
            queues: Queues::new(file, 2 * 64)?,
            has_backlog: false,
            unsent: VecDeque::with_capacity(Self::BATCH),
            pending_writes: 0,
            refused: 0,
            // A transmit reports a token for each frame that it takes. The tokens of two batches wait at most: of frames
            // that were refused during a receive, and of frames that a transmit submits in one call.
            refused_tokens: VecDeque::with_capacity(2 * Self::BATCH),
            failure: None,
        })
    }

    /// Returns whether no frame is in flight, and no refused frame is unreported.
    pub(super) fn is_idle(&self) -> bool {
        self.pending_writes == 0 && self.refused == 0 && self.refused_tokens.is_empty()
    }

    /// Returns whether frames in flight wait until the device is writable.
    fn would_block(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Implements [`Device::receive`](crate::Device::receive) for up to `limit` frames.
    pub(super) fn receive(
        &mut self,
        counters: &mut DeviceCounters,
        pool: &mut Pool,
        arrived: &mut Batch,
        limit: usize,
    ) -> Result<Received, DeviceError> {
        let before = arrived.len();
        let limit = arrived.free_capacity().min(limit).min(Self::BATCH);
        let mut requested = 0;
        while requested < limit {
            let Some(frame) = pool.take() else { break };
            if let Err(frame) = self.queues.push(Request::Read, frame) {
                pool.give(frame);
                break;
            }
            requested += 1;
        }
        self.submit(counters, pool, arrived)?;
        let added = arrived.len() - before;
        self.has_backlog = added == requested && requested > Self::DEFER_THRESHOLD;
        match self.failure.take() {
            // Return the received frames before the error.
            Some(failure) if added == 0 => Err(failure),
            failure => {
                self.failure = failure;
                let (in_flight, would_block) = (self.pending_writes, self.would_block());
                Ok(Received { frames: added, in_flight, would_block })
            }
        }
    }

    /// Implements [`Device::transmit`](crate::Device::transmit).
    pub(super) fn transmit(
        &mut self,
        counters: &mut DeviceCounters,
        departing: &mut Batch,
        pool: &mut Pool,
    ) -> Result<Transmitted, DeviceError> {
        let before = counters.transmitted;
        while !departing.is_empty() {
            if self.pending_writes >= Self::BATCH || !self.unsent.is_empty() {
                self.flush(counters, pool)?;
                self.report_refused(departing);
            }
            // The unsent frames go first.
            if !self.unsent.is_empty() {
                break;
            }
            let Some(frame) = departing.pop() else { break };
            self.pending_writes += 1;
            self.write(frame);
        }
        if !self.has_backlog && self.pending_writes > self.unsent.len() {
            self.flush(counters, pool)?;
        }
        self.report_refused(departing);
        Ok(Transmitted {
            sent: usize::try_from(counters.transmitted - before).unwrap_or(usize::MAX),
            refused: mem::take(&mut self.refused),
            in_flight: self.pending_writes,
            would_block: self.would_block(),
        })
    }

    /// Moves the tokens of refused frames into the batch, as far as the batch has capacity.
    fn report_refused(&mut self, departing: &mut Batch) {
        while let Some(token) = self.refused_tokens.pop_front() {
            if let Err(token) = departing.refuse(token) {
                self.refused_tokens.push_front(token);
                break;
            }
        }
    }

    /// Performs all pending writes.
    fn flush(&mut self, counters: &mut DeviceCounters, pool: &mut Pool) -> Result<(), DeviceError> {
        self.submit(counters, pool, &mut Batch::new(0))?;
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Submits all requests in one call, and processes the completions.
    fn submit(
        &mut self,
        counters: &mut DeviceCounters,
        pool: &mut Pool,
        arrived: &mut Batch,
    ) -> Result<(), DeviceError> {
        for _ in 0..self.unsent.len() {
            let Some(frame) = self.unsent.pop_front() else { break };
            self.write(frame);
        }
        counters.calls += self.queues.submit().map_err(DeviceError::Failed)?;
        while let Some(Completion { request, frame, result }) = self.queues.next_completion() {
            match (request, result) {
                (Request::Read, Ok(_)) => accept(frame, counters, pool, arrived),
                (Request::Read, Err(errno)) => {
                    pool.give(frame);
                    self.read_failed(errno, counters);
                }
                (Request::Write, Err(Errno::EAGAIN)) => {
                    counters.congested += 1;
                    self.unsent.push_back(frame);
                }
                (Request::Write, result) => {
                    self.pending_writes = self.pending_writes.saturating_sub(1);
                    let token = frame.token();
                    pool.give(frame);
                    match result {
                        Ok(_) => counters.transmitted += 1,
                        Err(errno) => self.write_failed(errno, token, counters),
                    }
                }
            }
        }
        Ok(())
    }

    /// Queues the write of a frame. If the queue is full, the frame stays unsent.
    fn write(&mut self, frame: Frame) {
        if let Err(frame) = self.queues.push(Request::Write, frame) {
            self.unsent.push_back(frame);
        }
    }

    /// Counts the error of a read, or keeps an error that ends the device.
    fn read_failed(&mut self, errno: Errno, counters: &mut DeviceCounters) {
        match classify(errno) {
            ErrorClass::WouldBlock | ErrorClass::Interrupted => {}
            ErrorClass::FrameLost => counters.unreadable += 1,
            ErrorClass::DeviceGone => self.failure = Some(DeviceError::Gone(errno.into())),
            ErrorClass::DeviceFailed => self.failure = Some(DeviceError::Failed(errno.into())),
        }
    }

    /// Counts the error of a write and keeps the token of the refused frame, or keeps an error that ends the device.
    fn write_failed(&mut self, errno: Errno, token: Token, counters: &mut DeviceCounters) {
        match classify(errno) {
            ErrorClass::WouldBlock | ErrorClass::Interrupted | ErrorClass::FrameLost => {
                counters.refused += 1;
                self.refused += 1;
                if !token.is_none() {
                    self.refused_tokens.push_back(token);
                }
            }
            ErrorClass::DeviceGone => self.failure = Some(DeviceError::Gone(errno.into())),
            ErrorClass::DeviceFailed => self.failure = Some(DeviceError::Failed(errno.into())),
        }
    }
}

/// Counts a frame that was read, and adds the frame to `arrived` unless it is truncated.
fn accept(frame: Frame, counters: &mut DeviceCounters, pool: &mut Pool, arrived: &mut Batch) {
    let added = if frame.is_full() {
        counters.truncated += 1;
        Err(frame)
    } else {
        counters.received += 1;
        arrived.push(frame)
    };
    if let Err(frame) = added {
        pool.give(frame);
    }
}

#[cfg(test)]
mod tests;
