//! Receiving and transmitting with one system call per frame, or for several, for all devices without a ring.

use std::io;

use crate::{Batch, DeviceCounters, DeviceError, Frame, Offload, Pool, Received, Transmitted};

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
    /// Reads one frame. Returns its length in bytes and its offload state.
    fn read(&mut self, space: &mut [u8]) -> io::Result<(usize, Offload)>;
    /// Writes one frame. Returns its length in bytes.
    fn write(&mut self, frame: &Frame) -> io::Result<usize>;
    /// Reads one frame into `frame`, or into a large frame of `pool` that replaces `frame`.
    #[inline]
    fn receive(&mut self, frame: &mut Frame, _pool: &mut Pool) -> io::Result<()> {
        fill(frame, self).map(drop)
    }
    /// Writes frames at the front of a batch that is not empty, in one call. Returns the number of these frames with the
    /// result of the call.
    #[inline]
    fn transmit(&mut self, frames: &mut Batch) -> (usize, io::Result<usize>) {
        (1, frames.front().map_or(Ok(0), |frame| self.write(frame)))
    }
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

/// Reads one frame into `frame`. Returns its length in bytes.
pub(crate) fn fill<F: FrameFile + ?Sized>(frame: &mut Frame, file: &mut F) -> io::Result<usize> {
    let mut offload = Offload::default();
    let length = frame.fill(|space| {
        let (length, state) = file.read(space)?;
        offload = state;
        Ok(length)
    })?;
    frame.set_offload(offload);
    Ok(length)
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
