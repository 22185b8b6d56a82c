//! Receiving and transmitting with one system call per frame, or for several, for all devices without a ring.

use std::io;
use std::mem;

use crate::{Batch, DeviceCounters, DeviceError, Frame, Offload, OutOfSpace, Pool, Received, Transmitted};

/// Effect of an error of one read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    /// No frame waits, or the device is congested: the call ends, and the frame is kept.
    WouldBlock,
    /// A signal arrived: the call is repeated.
    Interrupted,
    /// The frame is lost, but the next frame may pass.
    FrameLost,
    /// The device no longer exists.
    DeviceGone,
    /// The device cannot continue.
    DeviceFailed,
}

/// File descriptor that reads and writes whole frames.
pub(crate) trait FrameFile {
    /// Reads one frame into `frame`, or into a large frame of `pool` that replaces `frame`.
    fn receive(&mut self, frame: &mut Frame, pool: &mut Pool) -> io::Result<()>;
    /// Writes frames at the front of a batch that is not empty, in one call. Returns the number of these frames with the
    /// result of the call.
    fn transmit(&mut self, frames: &mut Batch) -> (usize, io::Result<usize>);
    /// Returns the effect of an error of a read or write.
    fn classify(error: &io::Error) -> ErrorClass;
}

/// Implements [`Device::receive`](crate::Device::receive) by up to `limit` reads.
pub(crate) fn receive<F: FrameFile>(
    file: &mut F,
    counters: &mut DeviceCounters,
    pool: &mut Pool,
    arrived: &mut Batch,
    limit: usize,
) -> Result<Received, DeviceError> {
    let mut added = 0;
    // Dropped frames are counted against the limit too, so that a flood of dropped frames ends the call.
    for _ in 0..arrived.free_capacity().min(limit) {
        let Some(mut frame) = pool.take() else { break };
        counters.calls += 1;
        match file.receive(&mut frame, pool) {
            Ok(()) if frame.is_full() => {
                counters.truncated += 1;
                pool.give(frame);
            }
            Ok(()) => {
                counters.received += 1;
                added += 1;
                if let Err(frame) = arrived.push(frame) {
                    pool.give(frame);
                }
            }
            Err(error) => {
                pool.give(frame);
                match F::classify(&error) {
                    ErrorClass::Interrupted => {}
                    ErrorClass::WouldBlock => break,
                    ErrorClass::FrameLost => {
                        counters.unreadable += 1;
                        break;
                    }
                    // Return the received frames first: the next call fails with the same error.
                    ErrorClass::DeviceGone | ErrorClass::DeviceFailed if added > 0 => break,
                    ErrorClass::DeviceGone => return Err(DeviceError::Gone(error)),
                    ErrorClass::DeviceFailed => return Err(DeviceError::Failed(error)),
                }
            }
        }
    }
    Ok(Received { frames: added, ..Received::default() })
}

/// Reads one frame into `frame`. `read` returns the length in bytes and the offload state of the frame.
#[inline]
pub(crate) fn fill(
    frame: &mut Frame,
    read: impl FnOnce(&mut [u8]) -> io::Result<(usize, Offload)>,
) -> io::Result<()> {
    let mut offload = Offload::default();
    frame.fill(|space| {
        let (length, state) = read(space)?;
        offload = state;
        Ok(length)
    })?;
    frame.set_offload(offload);
    Ok(())
}

/// Implements [`FrameFile::transmit`] by `write`, which writes one frame.
#[inline]
pub(crate) fn write_one(
    frames: &Batch,
    write: impl FnOnce(&Frame) -> io::Result<usize>,
) -> (usize, io::Result<usize>) {
    (1, frames.front().map_or(Ok(0), write))
}

/// Reads one frame behind a header of `N` bytes into `frame`, or into a large frame of `pool` that replaces `frame`. Returns
/// the header.
///
/// All frames are read into a large frame, and most are short and copied: a read into two buffers takes longer than the
/// copy. If the pool has no large frame, a frame that is too long is truncated, and fills `frame`.
pub(crate) fn read_with_header<const N: usize>(
    frame: &mut Frame,
    pool: &mut Pool,
    read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
) -> io::Result<[u8; N]> {
    if frame.capacity() >= Frame::capacity_for(Pool::MAX_MTU) {
        return read_into(frame, read);
    }
    let Some(mut large) = pool.take_large() else { return read_into(frame, read) };
    let header = read_into(&mut large, read);
    frame.clear();
    match frame.extend(large.len()) {
        Ok(space) => space.copy_from_slice(large.bytes()),
        Err(OutOfSpace) => mem::swap(frame, &mut large),
    }
    // A frame that fills its storage would count as truncated.
    if frame.is_full() {
        mem::swap(frame, &mut large);
    }
    pool.give(large);
    header
}

/// Reads one frame behind its header into `frame`. Returns the header.
fn read_into<const N: usize>(
    frame: &mut Frame,
    read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
) -> io::Result<[u8; N]> {
    let space = frame.receive_space(N);
    let length = read(space)?;
    let header = space.first_chunk().copied();
    let (Some(header), Some(length)) = (header, length.checked_sub(N)) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    frame.set_received(length);
    Ok(header)
}

/// Implements [`Device::transmit`](crate::Device::transmit) by one write for each frame, or for several.
pub(crate) fn transmit<F: FrameFile>(
    file: &mut F,
    counters: &mut DeviceCounters,
    departing: &mut Batch,
    pool: &mut Pool,
) -> Result<Transmitted, DeviceError> {
    let mut transmitted = Transmitted::default();
    while !departing.is_empty() {
        counters.calls += 1;
        let (count, result) = file.transmit(departing);
        let is_refused = match result {
            Ok(_) => false,
            Err(error) => match F::classify(&error) {
                ErrorClass::Interrupted => continue,
                ErrorClass::WouldBlock => {
                    counters.congested += 1;
                    transmitted.would_block = true;
                    break;
                }
                ErrorClass::FrameLost => true,
                ErrorClass::DeviceGone => return Err(DeviceError::Gone(error)),
                ErrorClass::DeviceFailed => return Err(DeviceError::Failed(error)),
            },
        };
        for _ in 0..count {
            let Some(frame) = departing.pop() else { break };
            if is_refused {
                counters.refused += 1;
                transmitted.refused += 1;
                // The removed frame has left capacity for its token.
                let _ = departing.refuse(frame.token());
            } else {
                counters.transmitted += 1;
                transmitted.sent += 1;
            }
            pool.give(frame);
        }
    }
    Ok(transmitted)
}

#[cfg(test)]
mod tests;
