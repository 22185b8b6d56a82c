//! Frames carried many a system call, by `io_uring`.

mod queues;

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;

use self::queues::{Completion, Queues, Request};
use super::node::classify;
use super::read_write::ErrorClass;
use crate::{Batch, DeviceCounters, DeviceError, Frame, Pool};

/// An open TAP's ring. One call into the kernel carries the writes of the last batch and the reads of the next.
#[derive(Debug)]
pub(super) struct IoRing {
    queues: Queues,
    /// Whether the last reads were many and each returned a frame: then more frames wait, and writes are deferred to the
    /// next reads.
    has_backlog: bool,
    /// Frames that the wire did not accept yet, in order.
    unsent: VecDeque<Frame>,
    /// Frames in the queues to be written, or in [`IoRing::unsent`].
    pending_writes: usize,
    /// The error that ended the device.
    failure: Option<DeviceError>,
}

impl IoRing {
    /// The most frames that one call reads, and the most that it writes.
    pub(super) const BATCH: usize = 64;
    /// Writes are deferred only after more reads than this.
    const DEFER_THRESHOLD: usize = 7;

    /// A ring over an open TAP.
    pub(super) fn new(file: BorrowedFd<'_>) -> io::Result<IoRing> {
        Ok(IoRing {
            queues: Queues::new(file, 2 * 64)?,
            has_backlog: false,
            unsent: VecDeque::with_capacity(Self::BATCH),
            pending_writes: 0,
            failure: None,
        })
    }

    /// Frames that were transmitted and are not on the wire yet.
    pub(super) fn in_flight(&self) -> usize {
        self.pending_writes
    }

    /// [`Device::receive`](crate::Device::receive) of at most `limit` frames.
    pub(super) fn receive(
        &mut self,
        counters: &mut DeviceCounters,
        pool: &mut Pool,
        arrived: &mut Batch,
        limit: usize,
    ) -> Result<usize, DeviceError> {
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
            // What has arrived is judged first.
            Some(end) if added == 0 => Err(end),
            end => {
                self.failure = end;
                Ok(added)
            }
        }
    }

    /// [`Device::transmit`](crate::Device::transmit).
    pub(super) fn transmit(
        &mut self,
        counters: &mut DeviceCounters,
        departing: &mut Batch,
        pool: &mut Pool,
    ) -> Result<usize, DeviceError> {
        let before = counters.transmitted;
        while !departing.is_empty() {
            if self.pending_writes >= Self::BATCH || !self.unsent.is_empty() {
                self.flush(counters, pool)?;
            }
            // What the wire had no room for goes first.
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
        Ok(usize::try_from(counters.transmitted - before).unwrap_or(usize::MAX))
    }

    /// Writes what is to be written, now.
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
                    pool.give(frame);
                    match result {
                        Ok(_) => counters.transmitted += 1,
                        Err(errno) => self.write_failed(errno, counters),
                    }
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, frame: Frame) {
        if let Err(frame) = self.queues.push(Request::Write, frame) {
            self.unsent.push_back(frame);
        }
    }

    /// Counts or keeps the error of a read.
    fn read_failed(&mut self, errno: Errno, counters: &mut DeviceCounters) {
        match classify(errno) {
            ErrorClass::WouldBlock | ErrorClass::Interrupted => {}
            ErrorClass::FrameLost => counters.unreadable += 1,
            ErrorClass::DeviceGone => self.failure = Some(DeviceError::Gone(errno.into())),
            ErrorClass::DeviceFailed => self.failure = Some(DeviceError::Failed(errno.into())),
        }
    }

    /// Counts or keeps the error of a write.
    fn write_failed(&mut self, errno: Errno, counters: &mut DeviceCounters) {
        match classify(errno) {
            ErrorClass::WouldBlock | ErrorClass::Interrupted | ErrorClass::FrameLost => counters.refused += 1,
            ErrorClass::DeviceGone => self.failure = Some(DeviceError::Gone(errno.into())),
            ErrorClass::DeviceFailed => self.failure = Some(DeviceError::Failed(errno.into())),
        }
    }
}

/// Counts a frame that was read, and adds it to `arrived` if it is whole.
fn accept(frame: Frame, counters: &mut DeviceCounters, pool: &mut Pool, arrived: &mut Batch) {
    let taken = if frame.is_full() {
        counters.truncated += 1;
        Err(frame)
    } else {
        counters.received += 1;
        arrived.push(frame)
    };
    if let Err(frame) = taken {
        pool.give(frame);
    }
}

#[cfg(test)]
mod tests;
