//! A pair of connected devices in one process.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;

use super::read_write::{self, ErrorClass, FrameFile};
use crate::{Batch, Checksum, Device, DeviceCounters, DeviceError, Frame, Pool};

/// End of a cable between two devices: frames transmitted on one end are received on the other.
///
/// A cable is a pair of datagram sockets. An end has a file descriptor to wait on, and is congested when the send
/// buffer of its socket is full. The checksum state of a frame is transmitted with the frame.
///
/// ```
/// use tap::linux::Cable;
/// use tap::{Batch, Device, Frame, Pool};
///
/// let (mut left, mut right) = Cable::pair(1500)?;
/// let mut pool = Pool::new(1500, 16);
/// let mut batch = Batch::new(16);
///
/// let mut frame = pool.take().ok_or("pool is exhausted")?;
/// frame.write(b"any bytes")?;
/// batch.push(frame).map_err(|_| "batch is full")?;
/// left.transmit(&mut batch, &mut pool)?;
///
/// right.receive(&mut pool, &mut batch)?;
/// assert_eq!(batch.front().map(Frame::bytes), Some(&b"any bytes"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Cable {
    end: CableEnd,
    mtu: usize,
    counters: DeviceCounters,
}

impl Cable {
    /// Creates a cable with this MTU (payload in bytes), and returns both ends.
    pub fn pair(mtu: usize) -> io::Result<(Cable, Cable)> {
        let (left, right) = UnixDatagram::pair()?;
        Ok((Cable::over(left, mtu)?, Cable::over(right, mtu)?))
    }

    fn over(socket: UnixDatagram, mtu: usize) -> io::Result<Cable> {
        socket.set_nonblocking(true)?;
        Ok(Cable { end: CableEnd { socket, message: Vec::new() }, mtu, counters: DeviceCounters::default() })
    }
}

/// Socket of one end. Each datagram is one byte for the [`Checksum`], followed by a frame.
#[derive(Debug)]
struct CableEnd {
    socket: UnixDatagram,
    /// Buffer for one datagram.
    message: Vec<u8>,
}

impl Device for Cable {
    fn mtu(&self) -> usize {
        self.mtu
    }

    fn receive(&mut self, pool: &mut Pool, arrived: &mut Batch) -> Result<usize, DeviceError> {
        read_write::receive(&mut self.end, &mut self.counters, pool, arrived, usize::MAX)
    }

    fn transmit(&mut self, departing: &mut Batch, pool: &mut Pool) -> Result<usize, DeviceError> {
        read_write::transmit(&mut self.end, &mut self.counters, departing, pool)
    }

    fn counters(&self) -> DeviceCounters {
        self.counters
    }
}

impl AsFd for Cable {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.end.socket.as_fd()
    }
}

/// First byte of a datagram if the checksum of its frame is partial. Otherwise, the first byte is 0.
const PARTIAL: u8 = 1;

impl FrameFile for CableEnd {
    fn read(&mut self, space: &mut [u8]) -> io::Result<(usize, Checksum)> {
        // One byte for the checksum state. A frame longer than `space` is truncated and fills `space`, which the caller counts.
        self.message.resize(space.len() + 1, 0);
        let length = self.socket.recv(&mut self.message)?;
        let Some((first, bytes)) = self.message.get(..length).and_then(<[u8]>::split_first) else {
            return Ok((0, Checksum::None));
        };
        if let Some(space) = space.get_mut(..bytes.len()) {
            space.copy_from_slice(bytes);
        }
        let checksum = if *first == PARTIAL { Checksum::Partial } else { Checksum::None };
        Ok((bytes.len(), checksum))
    }

    fn write(&mut self, frame: &Frame) -> io::Result<usize> {
        self.message.clear();
        self.message.push(match frame.checksum() {
            Checksum::None => 0,
            Checksum::Partial => PARTIAL,
        });
        self.message.extend_from_slice(frame.bytes());
        self.socket.send(&self.message)
    }

    fn classify(error: &io::Error) -> ErrorClass {
        match error.kind() {
            io::ErrorKind::WouldBlock => ErrorClass::WouldBlock,
            io::ErrorKind::Interrupted => ErrorClass::Interrupted,
            io::ErrorKind::OutOfMemory => ErrorClass::FrameLost,
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::NotConnected
            | io::ErrorKind::BrokenPipe => ErrorClass::DeviceGone,
            _ => ErrorClass::DeviceFailed,
        }
    }
}

#[cfg(test)]
mod tests;
