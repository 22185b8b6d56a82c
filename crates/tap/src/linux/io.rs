//! I/O methods of a TAP: `io_uring`, or `read` and `write`.

use std::io;
use std::os::fd::BorrowedFd;

use super::read_write::{self, FrameFile};
use super::ring::IoRing;
use crate::{Batch, DeviceCounters, DeviceError, Pool, Received, Transmitted};

/// I/O method: how frames move between a TAP and this program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Io {
    /// `read` and `write` under light load, `io_uring` under heavy load. The method is always `read` and `write` if the
    /// kernel refuses `io_uring`.
    Auto,
    /// `io_uring`: up to 64 frames per system call. `io_uring` requires Linux 5.12, the first version that reads a TAP
    /// without waiting. From Linux 5.18 on, a refused frame costs no extra system call.
    Ring,
    /// `read` and `write`: one frame per system call.
    #[default]
    ReadWrite,
    /// `read` and `write` with offloads: a frame may have up to 64 KiB of TCP data, and UDP datagrams with the same
    /// headers are written together. Each frame has a virtio header, which makes short frames a little slower.
    ///
    /// [`Capabilities::offloads`](crate::Capabilities::offloads) has the offloads. A received frame may have an incomplete
    /// checksum, or several segments: see [`Frame::offload`](crate::Frame::offload).
    Offload,
}

/// I/O of a TAP by the method that its [`Io`] and the load select.
#[derive(Debug)]
pub(super) struct FrameIo {
    ring: Option<IoRing>,
    /// Whether the ring is used now.
    uses_ring: bool,
    /// Whether the load decides if the ring is used.
    is_adaptive: bool,
    /// Maximum number of frames per read: under light load, a frame is answered before the next is read.
    read_limit: usize,
    /// The reason why the kernel refused a ring.
    ring_error: Option<io::Error>,
}

impl FrameIo {
    /// The ring is used above this read limit.
    const RING_THRESHOLD: usize = 32;
    /// `read` and `write` are used again at this read limit and below.
    const READ_WRITE_THRESHOLD: usize = 8;

    /// Creates the I/O of an open TAP. Fails only with [`Io::Ring`].
    pub(super) fn new(io: Io, file: BorrowedFd<'_>) -> io::Result<FrameIo> {
        let (ring, ring_error) = match io {
            Io::ReadWrite | Io::Offload => (None, None),
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

    /// Returns why the kernel refused a ring.
    pub(super) fn ring_error(&self) -> Option<&io::Error> {
        self.ring_error.as_ref()
    }

    /// Implements [`Device::receive`](crate::Device::receive).
    pub(super) fn receive(
        &mut self,
        file: &mut impl FrameFile,
        counters: &mut DeviceCounters,
        pool: &mut Pool,
        arrived: &mut Batch,
    ) -> Result<Received, DeviceError> {
        let read_limit = self.read_limit;
        let received = match &mut self.ring {
            Some(ring) if self.uses_ring => ring.receive(counters, pool, arrived, read_limit)?,
            _ => read_write::receive(file, counters, pool, arrived, read_limit)?,
        };
        self.adapt(received.frames);
        Ok(received)
    }

    /// Doubles the read limit if all reads returned a frame, and lowers the limit otherwise. Selects the I/O method by
    /// the limit.
    fn adapt(&mut self, added: usize) {
        let next = if added == self.read_limit { 2 * added } else { added.max(self.read_limit / 2) };
        self.read_limit = next.clamp(1, IoRing::BATCH);
        // While frames are in flight the method does not change: frames sent by the other method would overtake the
        // frames in flight.
        if self.is_adaptive && self.ring.as_ref().is_some_and(IoRing::is_idle) {
            let threshold = if self.uses_ring { Self::READ_WRITE_THRESHOLD } else { Self::RING_THRESHOLD };
            self.uses_ring = self.read_limit > threshold;
        }
    }

    /// Implements [`Device::transmit`](crate::Device::transmit).
    pub(super) fn transmit(
        &mut self,
        file: &mut impl FrameFile,
        counters: &mut DeviceCounters,
        departing: &mut Batch,
        pool: &mut Pool,
    ) -> Result<Transmitted, DeviceError> {
        match &mut self.ring {
            Some(ring) if self.uses_ring => ring.transmit(counters, departing, pool),
            _ => read_write::transmit(file, counters, departing, pool),
        }
    }
}

#[cfg(test)]
mod tests;
