//! Receiving frames from a packet socket, from its ring or by one system call per frame.

use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::socket::{getsockopt, sockopt};

use super::read_write::{self, ErrorClass, FrameFile};
use super::ring::ReceiveRing;
use super::{Socket, system};
use crate::{Batch, DeviceCounters, DeviceError, Frame, Pool, Received};

/// Receiving side of a packet socket, and the state of its interface.
#[derive(Debug)]
pub(super) struct Receiver {
    ring: Option<ReceiveRing>,
    /// The reason why the kernel refused a ring.
    ring_error: Option<io::Error>,
    /// Index of the interface.
    index: i32,
    /// Whether a frame arrived since the drop count was read.
    has_received: bool,
    /// Whether the interface went down, and no frame arrived since.
    was_down: bool,
    /// Whether all frames that arrived before the interface went down have been read.
    is_drained: bool,
}

impl Receiver {
    /// Creates the receiver of a socket that will be bound to the interface with this index and MTU.
    pub(super) fn new(socket: &Socket, index: i32, mtu: usize) -> Receiver {
        let (ring, ring_error) = match ReceiveRing::new(socket.as_fd(), mtu, socket.has_header) {
            Ok(ring) => (Some(ring), None),
            Err(error) => (None, Some(error)),
        };
        Receiver { ring, ring_error, ..Receiver::without_ring(index) }
    }

    /// Creates a receiver without a ring.
    pub(super) fn without_ring(index: i32) -> Receiver {
        Receiver {
            ring: None,
            ring_error: None,
            index,
            has_received: false,
            was_down: false,
            is_drained: false,
        }
    }

    /// Returns why the kernel refused a ring.
    pub(super) fn ring_error(&self) -> Option<&io::Error> {
        self.ring_error.as_ref()
    }

    /// Returns whether the interface went down, and no frame arrived since.
    pub(super) fn was_down(&self) -> bool {
        self.was_down
    }

    /// Implements [`Device::receive`](crate::Device::receive).
    pub(super) fn receive(
        &mut self,
        socket: &mut Socket,
        counters: &mut DeviceCounters,
        pool: &mut Pool,
        arrived: &mut Batch,
    ) -> Result<Received, DeviceError> {
        let before = *counters;
        let added = match &mut self.ring {
            Some(ring) => drain_ring(ring, socket, counters, pool, arrived),
            None => read_write::receive(socket, counters, pool, arrived, usize::MAX)?.frames,
        };
        let has_arrived = added > 0 || counters.truncated > before.truncated;
        if has_arrived {
            self.has_received = true;
            // Frames that waited when the interface went down do not prove that the interface is up again.
            self.was_down &= !self.is_drained;
        }
        if counters.unreadable > before.unreadable {
            self.interface_went_down();
        } else if !has_arrived {
            self.is_drained = true;
        }
        if !has_arrived {
            self.check_interface(socket.as_fd(), counters)?;
        }
        Ok(Received { frames: added, ..Received::default() })
    }

    /// Records that the interface went down. Frames that arrived before may still wait.
    fn interface_went_down(&mut self) {
        (self.was_down, self.is_drained) = (true, false);
    }

    /// Reads the drop count, the error of the socket and the state of the interface. Called when no frame waits.
    fn check_interface(
        &mut self,
        socket: BorrowedFd<'_>,
        counters: &mut DeviceCounters,
    ) -> Result<(), DeviceError> {
        if self.has_received {
            self.has_received = false;
            count_drops(socket, counters);
        }
        // With a ring, no call returns the socket's error. While the error is not read, the descriptor stays ready.
        if self.ring.is_some() {
            counters.calls += 1;
            let error = getsockopt(&socket, sockopt::SocketError).unwrap_or_default();
            if error != 0 && count_error(io::Error::from_raw_os_error(error), counters)? {
                self.interface_went_down();
            }
        }
        // spec: shared-gone
        // An interface goes down before it is deleted. The kernel reports only that the interface went down.
        if self.was_down {
            counters.calls += 1;
            if system::bound_interface(socket).map_err(DeviceError::Failed)? != self.index {
                return Err(DeviceError::Gone(Errno::ENXIO.into()));
            }
        }
        Ok(())
    }
}

/// Moves the frames of a ring into `arrived`. Returns how many were added.
fn drain_ring(
    ring: &mut ReceiveRing,
    socket: &mut Socket,
    counters: &mut DeviceCounters,
    pool: &mut Pool,
    arrived: &mut Batch,
) -> usize {
    let (mut added, mut has_losses) = (0, false);
    // Dropped frames are counted against the limit too, so that a flood of dropped frames ends the call.
    for _ in 0..arrived.free_capacity() {
        let Some(mut frame) = pool.take() else { break };
        let taken = ring.next_frame(|slot| {
            // Copying from the slot cannot fail.
            let _ = frame.fill(|space| Ok(slot.write_to(space)));
            // A slot is longer than a small frame.
            if frame.is_full()
                && !slot.is_oversized
                && !slot.is_lost()
                && let Some(mut large) = pool.take_large()
            {
                let _ = large.fill(|space| Ok(slot.write_to(space)));
                pool.give(mem::replace(&mut frame, large));
            }
            slot.describe(&mut frame);
            (slot.is_oversized, slot.is_lost(), slot.has_losses)
        });
        let Some((is_oversized, is_lost, reports_losses)) = taken else {
            pool.give(frame);
            break;
        };
        has_losses |= reports_losses;
        if is_lost {
            counters.lost += 1;
            pool.give(frame);
            continue;
        }
        // The slot has only the start of an oversized frame. The receive queue keeps the order of the slots.
        let is_read = !is_oversized || read_oversized(&mut frame, socket, counters, pool);
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
    // All frames that arrive after a drop have the flag, until the count is read once.
    if has_losses {
        count_drops(socket.as_fd(), counters);
    }
    added
}

/// Maximum number of interface errors in front of an oversized frame.
const MAX_ERRORS: usize = 1_024;

/// Reads a frame that the kernel kept in the receive queue because the frame is longer than a slot. Returns whether the
/// queue contained the frame.
///
/// Each oversized frame must be read: a frame that stayed in the queue would be mistaken for the next oversized frame.
fn read_oversized<F: FrameFile>(
    frame: &mut Frame,
    file: &mut F,
    counters: &mut DeviceCounters,
    pool: &mut Pool,
) -> bool {
    // Unread errors of the interface come first: one error for each time that the interface went down.
    for _ in 0..MAX_ERRORS {
        counters.calls += 1;
        match file.receive(frame, pool).map_err(|error| F::classify(&error)) {
            Ok(()) => return true,
            Err(ErrorClass::FrameLost) => counters.unreadable += 1,
            Err(ErrorClass::Interrupted) => {}
            Err(ErrorClass::WouldBlock | ErrorClass::DeviceGone | ErrorClass::DeviceFailed) => break,
        }
    }
    false
}

/// Counts the frames that the kernel has dropped since the last call.
// spec: shared-lost
fn count_drops(socket: BorrowedFd<'_>, counters: &mut DeviceCounters) {
    counters.calls += 1;
    counters.lost += u64::from(system::take_drop_count(socket).unwrap_or_default());
}

/// Counts an error that affects only one frame. Returns whether the error was of this kind. Fails if the error ends the
/// device.
fn count_error(error: io::Error, counters: &mut DeviceCounters) -> Result<bool, DeviceError> {
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
