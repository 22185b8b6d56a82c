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
pub(super) struct Ring {
    queues: Queues,
    /// Whether the last reads, and they were not few, all brought a frame: then more wait, and what is
    /// transmitted goes with the next reads.
    more: bool,
    /// What the wire had no room for, in order.
    refused: VecDeque<Frame>,
    /// Frames in the queues to be written, or in [`Ring::refused`].
    writes: usize,
    /// Why the device ended.
    end: Option<DeviceError>,
}

impl Ring {
    /// The most frames that one call reads, and the most that it writes.
    pub(super) const BATCH: usize = 64;
    /// So many frames are few: nothing is kept back for them.
    const FEW: usize = 7;

    /// A ring over an open TAP.
    pub(super) fn over(file: BorrowedFd<'_>) -> io::Result<Ring> {
        Ok(Ring {
            queues: Queues::over(file, 2 * 64)?,
            more: false,
            refused: VecDeque::with_capacity(Self::BATCH),
            writes: 0,
            end: None,
        })
    }

    /// Frames that were transmitted and are not on the wire yet.
    pub(super) fn in_flight(&self) -> usize {
        self.writes
    }

    /// [`Device::receive`](crate::Device::receive), of `most` frames at most.
    pub(super) fn receive(
        &mut self,
        counters: &mut DeviceCounters,
        pool: &mut Pool,
        arrived: &mut Batch,
        most: usize,
    ) -> Result<usize, DeviceError> {
        let before = arrived.len();
        let wanted = arrived.free_capacity().min(most).min(Self::BATCH);
        let mut asked = 0;
        while asked < wanted {
            let Some(frame) = pool.take() else { break };
            if let Err(frame) = self.queues.ask(Request::Read, frame) {
                pool.give(frame);
                break;
            }
            asked += 1;
        }
        self.exchange(counters, pool, arrived)?;
        let added = arrived.len() - before;
        self.more = added == asked && asked > Self::FEW;
        match self.end.take() {
            // What has arrived is judged first.
            Some(end) if added == 0 => Err(end),
            end => {
                self.end = end;
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
            if self.writes >= Self::BATCH || !self.refused.is_empty() {
                self.flush(counters, pool)?;
            }
            // What the wire had no room for goes first.
            if !self.refused.is_empty() {
                break;
            }
            let Some(frame) = departing.pop() else { break };
            self.writes += 1;
            self.write(frame);
        }
        if !self.more && self.writes > self.refused.len() {
            self.flush(counters, pool)?;
        }
        Ok(usize::try_from(counters.transmitted - before).unwrap_or(usize::MAX))
    }

    /// Writes what is to be written, now.
    fn flush(&mut self, counters: &mut DeviceCounters, pool: &mut Pool) -> Result<(), DeviceError> {
        self.exchange(counters, pool, &mut Batch::new(0))?;
        self.end.take().map_or(Ok(()), Err)
    }

    /// One call into the kernel, and what came of it.
    fn exchange(
        &mut self,
        counters: &mut DeviceCounters,
        pool: &mut Pool,
        arrived: &mut Batch,
    ) -> Result<(), DeviceError> {
        for _ in 0..self.refused.len() {
            let Some(frame) = self.refused.pop_front() else { break };
            self.write(frame);
        }
        counters.calls += self.queues.enter().map_err(DeviceError::Failed)?;
        while let Some(Completion { request, frame, result }) = self.queues.completed() {
            match (request, result) {
                (Request::Read, Ok(_)) => take_in(frame, counters, pool, arrived),
                (Request::Read, Err(errno)) => {
                    pool.give(frame);
                    self.unread(errno, counters);
                }
                (Request::Write, Err(Errno::EAGAIN)) => {
                    counters.congested += 1;
                    self.refused.push_back(frame);
                }
                (Request::Write, result) => {
                    self.writes = self.writes.saturating_sub(1);
                    pool.give(frame);
                    match result {
                        Ok(_) => counters.transmitted += 1,
                        Err(errno) => self.unwritten(errno, counters),
                    }
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, frame: Frame) {
        if let Err(frame) = self.queues.ask(Request::Write, frame) {
            self.refused.push_back(frame);
        }
    }

    /// A read brought no frame.
    fn unread(&mut self, errno: Errno, counters: &mut DeviceCounters) {
        match classify(errno) {
            ErrorClass::WouldBlock | ErrorClass::Interrupted => {}
            ErrorClass::FrameLost => counters.unreadable += 1,
            ErrorClass::DeviceGone => self.end = Some(DeviceError::Gone(errno.into())),
            ErrorClass::DeviceFailed => self.end = Some(DeviceError::Failed(errno.into())),
        }
    }

    /// A frame was not written, and will not be.
    fn unwritten(&mut self, errno: Errno, counters: &mut DeviceCounters) {
        match classify(errno) {
            ErrorClass::WouldBlock | ErrorClass::Interrupted | ErrorClass::FrameLost => counters.refused += 1,
            ErrorClass::DeviceGone => self.end = Some(DeviceError::Gone(errno.into())),
            ErrorClass::DeviceFailed => self.end = Some(DeviceError::Failed(errno.into())),
        }
    }
}

/// A frame arrived, whole or not.
fn take_in(frame: Frame, counters: &mut DeviceCounters, pool: &mut Pool, arrived: &mut Batch) {
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
