//! A pair of connected devices in one process.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;

use super::read_write::{self, ErrorClass, FrameFile};
use crate::{
    Batch, Capabilities, Checksum, Device, DeviceCounters, DeviceError, Frame, Offload, Pool, Received,
    Segmentation, SegmentationKind, Transmitted,
};

/// End of a cable between two devices: frames transmitted on one end are received on the other.
///
/// A cable is a pair of datagram sockets. An end has a file descriptor to wait on, and is congested when the send
/// buffer of its socket is full. The offload state of a frame is transmitted with the frame.
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

/// Socket of one end. Each datagram is an encoded [`Offload`], followed by a frame.
#[derive(Debug)]
struct CableEnd {
    socket: UnixDatagram,
    /// Buffer for one datagram.
    message: Vec<u8>,
}

impl Device for Cable {
    fn capabilities(&self) -> Capabilities {
        Capabilities { mtu: self.mtu, ..Capabilities::default() }
    }

    fn receive(&mut self, pool: &mut Pool, into: &mut Batch) -> Result<Received, DeviceError> {
        read_write::receive(&mut self.end, &mut self.counters, pool, into, usize::MAX)
    }

    fn transmit(&mut self, from: &mut Batch, pool: &mut Pool) -> Result<Transmitted, DeviceError> {
        read_write::transmit(&mut self.end, &mut self.counters, from, pool)
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

/// Length in bytes of an encoded [`Offload`].
const HEADER: usize = 11;

/// Encodes the offload state of a frame.
fn encode(offload: Offload) -> [u8; HEADER] {
    let (checksum, start, offset) = match offload.checksum {
        Checksum::None => (0, 0, 0),
        Checksum::Verified => (1, 0, 0),
        Checksum::Partial { start, offset } => (2, start, offset),
    };
    let (kind, size, header, cwr) = offload.segmentation.map_or((0, 0, 0, false), |segmentation| {
        let kind = match segmentation.kind {
            SegmentationKind::TcpV4 => 1,
            SegmentationKind::TcpV6 => 2,
            SegmentationKind::Udp => 3,
        };
        (kind, segmentation.size, segmentation.header, segmentation.cwr)
    });
    let [[a, b], [c, d], [e, f], [g, h]] = [start, offset, size, header].map(u16::to_be_bytes);
    [checksum, a, b, c, d, kind, e, f, g, h, cwr.into()]
}

/// Decodes an encoded offload state.
fn decode([checksum, a, b, c, d, kind, e, f, g, h, cwr]: [u8; HEADER]) -> Offload {
    let [start, offset, size, header] = [[a, b], [c, d], [e, f], [g, h]].map(u16::from_be_bytes);
    let checksum = match checksum {
        1 => Checksum::Verified,
        2 => Checksum::Partial { start, offset },
        _ => Checksum::None,
    };
    let kind = match kind {
        1 => Some(SegmentationKind::TcpV4),
        2 => Some(SegmentationKind::TcpV6),
        3 => Some(SegmentationKind::Udp),
        _ => None,
    };
    Offload { checksum, segmentation: kind.map(|kind| Segmentation { kind, size, header, cwr: cwr != 0 }) }
}

impl FrameFile for CableEnd {
    fn receive(&mut self, frame: &mut Frame, _: &mut Pool) -> io::Result<()> {
        read_write::fill(frame, |space| {
            // A frame longer than `space` is truncated and fills `space`, which the caller counts.
            self.message.resize(HEADER + space.len(), 0);
            let length = self.socket.recv(&mut self.message)?;
            let message = self.message.get(..length).and_then(<[u8]>::split_first_chunk);
            let Some((header, bytes)) = message else { return Ok((0, Offload::default())) };
            if let Some(space) = space.get_mut(..bytes.len()) {
                space.copy_from_slice(bytes);
            }
            Ok((bytes.len(), decode(*header)))
        })
    }

    fn transmit(&mut self, frames: &mut Batch) -> (usize, io::Result<usize>) {
        read_write::write_one(frames, |frame| {
            self.message.clear();
            self.message.extend_from_slice(&encode(frame.offload()));
            self.message.extend_from_slice(frame.bytes());
            self.socket.send(&self.message)
        })
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
