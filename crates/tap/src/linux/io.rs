//! I/O methods of a TAP: `io_uring`, or `read` and `write`.

use std::io;
use std::mem;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use super::io_choice::IoChoice;
use super::read_write::{self, FrameFile};
use super::ring::IoRing;
use crate::{Batch, DeviceCounters, DeviceError, Pool, Received, Transmitted};

/// I/O method: how frames move between a TAP and this program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Io {
    /// `read` and `write` under light load. Under heavy load, the faster of `io_uring`, and `read` and `write`: the TAP
    /// measures both. The method is always `read` and `write` if the kernel refuses `io_uring`.
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
    /// The choice of the method under heavy load. `None` if the method is fixed.
    choice: Option<IoChoice>,
    /// Whether the load is heavy, if the method is not fixed.
    is_load_heavy: bool,
    /// Time of the calls since the last choice.
    time: Duration,
    /// Number of frames received and transmitted before the last choice.
    moved: u64,
    /// Maximum number of frames per read: under light load, a frame is answered before the next is read.
    read_limit: usize,
    /// The reason why the kernel refused a ring.
    ring_error: Option<io::Error>,
}

impl FrameIo {
    /// The load is heavy above this read limit.
    const HEAVY_LOAD: usize = 32;
    /// The load is light again at this read limit and below.
    const LIGHT_LOAD: usize = 8;

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
            uses_ring: io == Io::Ring,
            choice: (io == Io::Auto && ring.is_some()).then(IoChoice::default),
            ring,
            is_load_heavy: false,
            time: Duration::ZERO,
            moved: 0,
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
        let begin = self.begin();
        let read_limit = self.read_limit;
        let received = match &mut self.ring {
            Some(ring) if self.uses_ring => ring.receive(counters, pool, arrived, read_limit)?,
            _ => read_write::receive(file, counters, pool, arrived, read_limit)?,
        };
        self.end(begin);
        self.adapt(received.frames, counters.received + counters.transmitted);
        Ok(received)
    }

    /// Doubles the read limit if all reads returned a frame, and lowers the limit otherwise. Selects the I/O method.
    /// `moved` is the number of frames received and transmitted so far.
    fn adapt(&mut self, added: usize, moved: u64) {
        let next = if added == self.read_limit { 2 * added } else { added.max(self.read_limit / 2) };
        self.read_limit = next.clamp(1, IoRing::BATCH);
        // While frames are in flight the method does not change: frames sent by the other method would overtake the
        // frames in flight.
        if let (Some(choice), Some(ring)) = (&mut self.choice, &self.ring)
            && ring.is_idle()
        {
            let time = mem::take(&mut self.time);
            let frames = moved - mem::replace(&mut self.moved, moved);
            if self.is_load_heavy {
                choice.record(frames, time);
            }
            let threshold = if self.is_load_heavy { Self::LIGHT_LOAD } else { Self::HEAVY_LOAD };
            self.is_load_heavy = self.read_limit > threshold;
            self.uses_ring = self.is_load_heavy && choice.uses_ring();
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
        let begin = self.begin();
        let transmitted = match &mut self.ring {
            Some(ring) if self.uses_ring => ring.transmit(counters, departing, pool),
            _ => read_write::transmit(file, counters, departing, pool),
        };
        self.end(begin);
        transmitted
    }

    /// Returns the time at the beginning of a call, if the call is measured.
    #[expect(clippy::disallowed_methods, reason = "the driver measures the time of its own system calls")]
    #[inline]
    fn begin(&self) -> Option<Instant> {
        self.is_load_heavy.then(Instant::now)
    }

    /// Adds the time of a call.
    #[inline]
    fn end(&mut self, begin: Option<Instant>) {
        if let Some(begin) = begin {
            self.time += begin.elapsed();
        }
    }
}

#[cfg(test)]
mod tests;
