//! Plain reads and writes, one frame a call: the loop that every unbuffered device shares.

use std::io;

use crate::{Batch, Checksum, Counters, DeviceError, Frame, Pool};

/// What an error of one read or write means for the device.
pub(crate) enum Fate {
    /// Nothing to read, or no room to write: the call ends, the frame stays.
    Wait,
    /// A signal came between: the same again.
    Again,
    /// This frame is lost, the next may pass.
    Drop,
    /// The device is no more.
    Gone,
    /// The device cannot go on.
    Fail,
}

/// A file descriptor that gives and takes whole frames, with its own reading of its errors.
pub(crate) trait Port {
    /// Reads one frame. Returns its length and what is known of its transport checksum.
    fn read(&mut self, space: &mut [u8]) -> io::Result<(usize, Checksum)>;
    fn write(&mut self, frame: &Frame) -> io::Result<usize>;
    fn fate(error: &io::Error) -> Fate;
}

/// [`Device::receive`](crate::Device::receive) over single reads, of which there are `most` at most.
pub(crate) fn receive<P: Port>(
    port: &mut P,
    counters: &mut Counters,
    pool: &mut Pool,
    arrived: &mut Batch,
    most: usize,
) -> Result<usize, DeviceError> {
    let mut added = 0;
    // Frames that are dropped count too, or a wire full of them would never let go.
    for _ in 0..arrived.room().min(most) {
        let Some(mut frame) = pool.take() else { break };
        counters.calls += 1;
        match fill(&mut frame, port) {
            Ok(_) if frame.is_full() => {
                counters.truncated += 1;
                pool.give(frame);
            }
            Ok(_) => {
                counters.received += 1;
                added += 1;
                if let Err(frame) = arrived.push(frame) {
                    pool.give(frame);
                }
            }
            Err(error) => {
                pool.give(frame);
                match P::fate(&error) {
                    Fate::Again => {}
                    Fate::Wait => break,
                    Fate::Drop => {
                        counters.unreadable += 1;
                        break;
                    }
                    // What has arrived is judged first; the next call meets the same error.
                    Fate::Gone | Fate::Fail if added > 0 => break,
                    Fate::Gone => return Err(DeviceError::Gone(error)),
                    Fate::Fail => return Err(DeviceError::Failed(error)),
                }
            }
        }
    }
    Ok(added)
}

/// Reads one frame into `frame`. Returns its length.
pub(crate) fn fill(frame: &mut Frame, port: &mut impl Port) -> io::Result<usize> {
    let mut checksum = Checksum::None;
    let length = frame.fill(|space| {
        let (length, known) = port.read(space)?;
        checksum = known;
        Ok(length)
    })?;
    frame.set_checksum(checksum);
    Ok(length)
}

/// [`Device::transmit`](crate::Device::transmit) over single writes.
pub(crate) fn transmit<P: Port>(
    port: &mut P,
    counters: &mut Counters,
    departing: &mut Batch,
    pool: &mut Pool,
) -> Result<usize, DeviceError> {
    let mut taken = 0;
    while let Some(frame) = departing.front() {
        counters.calls += 1;
        match port.write(frame) {
            Ok(_) => {
                counters.transmitted += 1;
                taken += 1;
            }
            Err(error) => match P::fate(&error) {
                Fate::Again => continue,
                Fate::Wait => {
                    counters.congested += 1;
                    break;
                }
                Fate::Drop => counters.refused += 1,
                Fate::Gone => return Err(DeviceError::Gone(error)),
                Fate::Fail => return Err(DeviceError::Failed(error)),
            },
        }
        if let Some(frame) = departing.pop() {
            pool.give(frame);
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests;
