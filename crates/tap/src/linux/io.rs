//! How the frames of a TAP are moved: by `io_uring` or by `read` and `write`, and how many at once.

use std::io;
use std::os::fd::BorrowedFd;

use super::read_write::{self, FrameFile};
use super::ring::IoRing;
use crate::{Batch, DeviceCounters, DeviceError, Pool};

/// How the frames of a TAP are moved between the kernel and this program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Io {
    /// One per system call while few arrive, many per call under load; always one per call where the kernel refuses
    /// `io_uring`.
    Auto,
    /// Many per system call, by `io_uring`. It requires Linux 5.12, which reads a TAP without waiting; from 5.18 on it
    /// also saves calls after a frame that is refused.
    Ring,
    /// One per system call, by `read` and `write`.
    #[default]
    ReadWrite,
}

/// Moves the frames of a TAP by the method that its [`Io`] and the load select.
#[derive(Debug)]
pub(super) struct FrameIo {
    ring: Option<IoRing>,
    /// Whether the ring is used now.
    uses_ring: bool,
    /// Whether the load decides if the ring is used.
    is_adaptive: bool,
    /// How many frames are read at once: a single frame is answered before the next is read.
    read_limit: usize,
    /// Why the kernel refused a ring.
    ring_error: Option<io::Error>,
}

impl FrameIo {
    /// With more frames at once than this, the ring is used.
    const RING_THRESHOLD: usize = 32;
    /// With this many or fewer, `read` and `write` are used.
    const READ_WRITE_THRESHOLD: usize = 8;

    /// Makes the I/O of an open TAP. Fails only with [`Io::Ring`].
    pub(super) fn new(io: Io, file: BorrowedFd<'_>) -> io::Result<FrameIo> {
        let (ring, ring_error) = match io {
            Io::ReadWrite => (None, None),
            Io::Ring => (Some(IoRing::new(file)?), None),
            Io::Auto => match IoRing::new(file) {
                Ok(ring) => (Some(ring), None),
                Err(error) => (None, Some(error)),
            },
        };
        Ok(FrameIo {
            ring,
            uses_ring: io == Io::Ring,
            is_adaptive: io == Io::Auto,
            read_limit: 1,
            ring_error,
        })
    }

    /// Why the kernel refused a ring.
    pub(super) fn ring_error(&self) -> Option<&io::Error> {
        self.ring_error.as_ref()
    }

    /// Frames that were transmitted and are not on the wire yet.
    pub(super) fn in_flight(&self) -> usize {
        self.ring.as_ref().map_or(0, IoRing::in_flight)
    }

    /// [`Device::receive`](crate::Device::receive).
    pub(super) fn receive(
        &mut self,
        file: &mut impl FrameFile,
        counters: &mut DeviceCounters,
        pool: &mut Pool,
        arrived: &mut Batch,
    ) -> Result<usize, DeviceError> {
        let read_limit = self.read_limit;
        let added = match &mut self.ring {
            Some(ring) if self.uses_ring => ring.receive(counters, pool, arrived, read_limit)?,
            _ => read_write::receive(file, counters, pool, arrived, read_limit)?,
        };
        self.adapt(added);
        Ok(added)
    }

    /// Doubles the read limit if all reads returned a frame, lowers it if not, and selects the method by it.
    fn adapt(&mut self, added: usize) {
        let next = if added == self.read_limit { 2 * added } else { added.max(self.read_limit / 2) };
        self.read_limit = next.clamp(1, IoRing::BATCH);
        // While frames are in flight the method does not change: they would be overtaken.
        if self.is_adaptive && self.in_flight() == 0 {
            self.uses_ring = self.ring.is_some()
                && self.read_limit
                    > if self.uses_ring { Self::READ_WRITE_THRESHOLD } else { Self::RING_THRESHOLD };
        }
    }

    /// [`Device::transmit`](crate::Device::transmit).
    pub(super) fn transmit(
        &mut self,
        file: &mut impl FrameFile,
        counters: &mut DeviceCounters,
        departing: &mut Batch,
        pool: &mut Pool,
    ) -> Result<usize, DeviceError> {
        match &mut self.ring {
            Some(ring) if self.uses_ring => ring.transmit(counters, departing, pool),
            _ => read_write::transmit(file, counters, departing, pool),
        }
    }
}

#[cfg(test)]
mod tests;
