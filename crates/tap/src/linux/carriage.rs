//! Which way frames are carried: one a system call, or many.

use std::io;
use std::os::fd::BorrowedFd;

use super::Io;
use super::ring::Ring;
use crate::plain::{self, Port};
use crate::{Batch, Counters, DeviceError, Pool};

/// The two ways, and which of them is taken.
#[derive(Debug)]
pub(super) struct Carriage {
    ring: Option<Ring>,
    /// Whether the ring is used now.
    by_ring: bool,
    /// Whether the plain way is taken again when little comes.
    adapts: bool,
    /// Why the kernel refused a ring.
    refused: Option<io::Error>,
}

impl Carriage {
    /// So many frames at once are load.
    const LOAD: usize = 32;

    /// The ways to carry frames of this file. Fails only where a ring is insisted on.
    pub(super) fn new(io: Io, file: BorrowedFd<'_>) -> io::Result<Carriage> {
        let (ring, refused) = match io {
            Io::ReadWrite => (None, None),
            Io::Ring => (Some(Ring::over(file)?), None),
            Io::Auto => match Ring::over(file) {
                Ok(ring) => (Some(ring), None),
                Err(error) => (None, Some(error)),
            },
        };
        Ok(Carriage { ring, by_ring: io == Io::Ring, adapts: io == Io::Auto, refused })
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
        port: &mut impl Port,
        counters: &mut Counters,
        pool: &mut Pool,
        arrived: &mut Batch,
    ) -> Result<usize, DeviceError> {
        let Some(ring) = &mut self.ring else {
            return plain::receive(port, counters, pool, arrived);
        };
        if self.by_ring {
            let added = ring.receive(counters, pool, arrived)?;
            self.by_ring = !(self.adapts && ring.is_idle());
            return Ok(added);
        }
        let added = plain::receive(port, counters, pool, arrived)?;
        if added >= Self::LOAD {
            ring.open_up();
            self.by_ring = true;
        }
        Ok(added)
    }

    /// [`Device::transmit`](crate::Device::transmit).
    pub(super) fn transmit(
        &mut self,
        port: &mut impl Port,
        counters: &mut Counters,
        departing: &mut Batch,
        pool: &mut Pool,
    ) -> Result<usize, DeviceError> {
        match &mut self.ring {
            Some(ring) if self.by_ring => ring.transmit(counters, departing, pool),
            _ => plain::transmit(port, counters, departing, pool),
        }
    }
}
