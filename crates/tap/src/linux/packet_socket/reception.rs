//! How frames come in: out of a ring, or one a system call.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::socket::{getsockopt, sockopt};

use super::read_write::{self, ErrorClass, FrameFile};
use super::ring::Ring;
use super::{Socket, system};
use crate::{Batch, DeviceCounters, DeviceError, Frame, Pool};

/// Where the frames of a socket are, and what is known of its interface.
#[derive(Debug)]
pub(super) struct Reception {
    ring: Option<Ring>,
    /// Why the kernel refused a ring.
    refused: Option<io::Error>,
    /// The interface.
    index: i32,
    /// Whether something arrived since we asked how much was lost.
    is_fed: bool,
    /// Whether the interface went down, and nothing arrived since.
    was_down: bool,
    /// Whether what had arrived before is read.
    is_dry: bool,
}

impl Reception {
    /// The reception of a socket that is to be bound to the interface with this index and MTU.
    pub(super) fn of(socket: BorrowedFd<'_>, index: i32, mtu: usize) -> Reception {
        let (ring, refused) = match Ring::over(socket, mtu) {
            Ok(ring) => (Some(ring), None),
            Err(error) => (None, Some(error)),
        };
        Reception { ring, refused, ..Reception::without_ring(index) }
    }

    /// The same where no ring is wanted.
    pub(super) fn without_ring(index: i32) -> Reception {
        Reception { ring: None, refused: None, index, is_fed: false, was_down: false, is_dry: false }
    }

    /// Why the kernel refused a ring.
    pub(super) fn refused(&self) -> Option<&io::Error> {
        self.refused.as_ref()
    }

    /// Whether the interface went down, and nothing arrived since.
    pub(super) fn was_down(&self) -> bool {
        self.was_down
    }

    /// [`Device::receive`](crate::Device::receive).
    pub(super) fn receive(
        &mut self,
        socket: &mut Socket,
        counters: &mut DeviceCounters,
        pool: &mut Pool,
        arrived: &mut Batch,
    ) -> Result<usize, DeviceError> {
        let before = *counters;
        let added = match &mut self.ring {
            Some(ring) => empty(ring, socket, counters, pool, arrived),
            None => read_write::receive(socket, counters, pool, arrived, usize::MAX)?,
        };
        let has_arrived = added > 0 || counters.truncated > before.truncated;
        if has_arrived {
            self.is_fed = true;
            // What lay there when the interface went down does not say that it is up again.
            self.was_down &= !self.is_dry;
        }
        if counters.unreadable > before.unreadable {
            self.note_down();
        } else if !has_arrived {
            self.is_dry = true;
        }
        if !has_arrived {
            self.hear_news(socket.as_fd(), counters)?;
        }
        Ok(added)
    }

    /// The interface went down, perhaps before something that is there was read.
    fn note_down(&mut self) {
        (self.was_down, self.is_dry) = (true, false);
    }

    /// What the kernel has to say while no frame is there.
    fn hear_news(
        &mut self,
        socket: BorrowedFd<'_>,
        counters: &mut DeviceCounters,
    ) -> Result<(), DeviceError> {
        if self.is_fed {
            self.is_fed = false;
            count_lost(socket, counters);
        }
        // Whoever reads from a ring hears of no error unless he asks, and is woken for it again and again.
        if self.ring.is_some() {
            counters.calls += 1;
            let error = getsockopt(&socket, sockopt::SocketError).unwrap_or_default();
            if error != 0 && judge(io::Error::from_raw_os_error(error), counters)? {
                self.note_down();
            }
        }
        // spec: beside-gone
        // An interface goes down before it is deleted, and of that the kernel says no more.
        if self.was_down {
            counters.calls += 1;
            if system::interface(socket).map_err(DeviceError::Failed)? != self.index {
                return Err(DeviceError::Gone(Errno::ENXIO.into()));
            }
        }
        Ok(())
    }
}

/// Moves what lies in a ring into `arrived`. Returns how many frames were added.
fn empty(
    ring: &mut Ring,
    socket: &mut Socket,
    counters: &mut DeviceCounters,
    pool: &mut Pool,
    arrived: &mut Batch,
) -> usize {
    let (mut added, mut has_lost) = (0, false);
    // Frames that are dropped count too, or a wire full of them would never let go.
    for _ in 0..arrived.free_capacity() {
        let Some(mut frame) = pool.take() else { break };
        let taken = ring.take(|arrival| {
            // It cannot fail: the octets are there already.
            let _ = frame.fill(|space| Ok(arrival.write_to(space)));
            frame.set_checksum(arrival.checksum());
            (arrival.is_kept, arrival.has_lost)
        });
        let Some((is_kept, were_lost)) = taken else {
            pool.give(frame);
            break;
        };
        has_lost |= were_lost;
        // The slot holds its start. Those kept come in the order of their slots.
        let is_read = !is_kept || read_kept(&mut frame, socket, counters);
        if !is_read || frame.is_full() {
            counters.truncated += 1;
            pool.give(frame);
            continue;
        }
        counters.received += 1;
        added += 1;
        if let Err(frame) = arrived.push(frame) {
            pool.give(frame);
        }
    }
    // Every frame says so that came between the loss and this question: one answer is for all of them.
    if has_lost {
        count_lost(socket.as_fd(), counters);
    }
    added
}

/// How many errors of the interface may precede a kept frame.
const ERRORS: usize = 1_024;

/// Reads a frame that the kernel keeps because it is longer than a slot. Returns whether it is there.
///
/// One that stayed in the receive queue would be taken for the next that is kept.
fn read_kept<F: FrameFile>(frame: &mut Frame, file: &mut F, counters: &mut DeviceCounters) -> bool {
    // Errors of the interface that were not read yet come before it, one each time that it goes down.
    for _ in 0..ERRORS {
        counters.calls += 1;
        match read_write::fill(frame, file).map_err(|error| F::classify(&error)) {
            Ok(_) => return true,
            Err(ErrorClass::FrameLost) => counters.unreadable += 1,
            Err(ErrorClass::Interrupted) => {}
            Err(ErrorClass::WouldBlock | ErrorClass::DeviceGone | ErrorClass::DeviceFailed) => break,
        }
    }
    false
}

/// Counts the frames that the kernel had no room for since it was asked last.
// spec: beside-lost
fn count_lost(socket: BorrowedFd<'_>, counters: &mut DeviceCounters) {
    counters.calls += 1;
    counters.lost += u64::from(system::lost(socket).unwrap_or_default());
}

/// Counts an error that does not end the device: then it is true.
fn judge(error: io::Error, counters: &mut DeviceCounters) -> Result<bool, DeviceError> {
    match Socket::classify(&error) {
        ErrorClass::WouldBlock | ErrorClass::Interrupted => Ok(false),
        ErrorClass::FrameLost => {
            counters.unreadable += 1;
            Ok(true)
        }
        ErrorClass::DeviceGone => Err(DeviceError::Gone(error)),
        ErrorClass::DeviceFailed => Err(DeviceError::Failed(error)),
    }
}

#[cfg(test)]
mod tests;
