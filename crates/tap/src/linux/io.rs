//! How the frames of a TAP are moved: by `io_uring` or by `read` and `write`, and how many at once.

use std::io;
use std::os::fd::BorrowedFd;

use super::read_write::{self, FrameFile};
use super::ring::Ring;
use crate::{Batch, DeviceCounters, DeviceError, Pool};

/// How the frames of a TAP are moved between the kernel and this program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Io {
    /// One at a time while few come, many at a time under load; one at a time always where the kernel
    /// refuses the other way.
    Auto,
    /// Many a system call, by `io_uring`. It takes Linux 5.12 or later, which reads a TAP without waiting; from 5.18 on
    /// it also spares calls after a frame that is refused.
    Ring,
    /// One a system call, by `read` and `write`.
    #[default]
    ReadWrite,
}

/// Moves the frames of a TAP by the method that its [`Io`] and the load select.
#[derive(Debug)]
pub(super) struct FrameIo {
    ring: Option<Ring>,
    /// Whether the ring is used now.
    by_ring: bool,
    /// Whether the way is the one that the load asks for.
    adapts: bool,
    /// How many frames are read at once: one that comes alone is answered before the next is looked for.
    reads: usize,
    /// Why the kernel refused a ring.
    refused: Option<io::Error>,
}

impl FrameIo {
    /// So many frames at once are load.
    const MANY: usize = 32;
    /// With less than so many, a ring gains nothing.
    const FEW: usize = 8;

    /// The ways to carry frames of this file. Fails only where a ring is insisted on.
    pub(super) fn new(io: Io, file: BorrowedFd<'_>) -> io::Result<FrameIo> {
        let (ring, refused) = match io {
            Io::ReadWrite => (None, None),
            Io::Ring => (Some(Ring::over(file)?), None),
            Io::Auto => match Ring::over(file) {
                Ok(ring) => (Some(ring), None),
                Err(error) => (None, Some(error)),
            },
        };
        Ok(FrameIo { ring, by_ring: io == Io::Ring, adapts: io == Io::Auto, reads: 1, refused })
    }

    /// Why the kernel refused a ring.
    pub(super) fn refused(&self) -> Option<&io::Error> {
        self.refused.as_ref()
    }

    /// Frames that were transmitted and are not on the wire yet.
    pub(super) fn in_flight(&self) -> usize {
        self.ring.as_ref().map_or(0, Ring::in_flight)
    }

    /// [`Device::receive`](crate::Device::receive).
    pub(super) fn receive(
        &mut self,
        file: &mut impl FrameFile,
        counters: &mut DeviceCounters,
        pool: &mut Pool,
        arrived: &mut Batch,
    ) -> Result<usize, DeviceError> {
        let reads = self.reads;
        let added = match &mut self.ring {
            Some(ring) if self.by_ring => ring.receive(counters, pool, arrived, reads)?,
            _ => read_write::receive(file, counters, pool, arrived, reads)?,
        };
        self.adapt(added);
        Ok(added)
    }

    /// Reads twice as many next time if all of them came, fewer if not; and goes the way that so many want.
    fn adapt(&mut self, added: usize) {
        let next = if added == self.reads { 2 * added } else { added.max(self.reads / 2) };
        self.reads = next.clamp(1, Ring::BATCH);
        // While frames are in flight the way does not change: they would be overtaken.
        if self.adapts && self.in_flight() == 0 {
            self.by_ring =
                self.ring.is_some() && self.reads > if self.by_ring { Self::FEW } else { Self::MANY };
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
            Some(ring) if self.by_ring => ring.transmit(counters, departing, pool),
            _ => read_write::transmit(file, counters, departing, pool),
        }
    }
}

#[cfg(test)]
mod tests;
