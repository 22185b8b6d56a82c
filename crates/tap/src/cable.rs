//! Two devices joined by a cable.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;

use crate::plain::{self, Fate, Port};
use crate::{Batch, Counters, Device, DeviceError, Pool};

/// One end of a cable inside the machine: what one end transmits, the other receives.
///
/// It is a pair of datagram sockets, so it has a real file descriptor to wait on, and a real limit
/// (the socket's send buffer) beyond which it is congested.
#[derive(Debug)]
pub struct Cable {
    socket: UnixDatagram,
    mtu: usize,
    counters: Counters,
}

impl Cable {
    /// Both ends of a new cable with this MTU (octets of payload).
    pub fn pair(mtu: usize) -> io::Result<(Cable, Cable)> {
        let (left, right) = UnixDatagram::pair()?;
        Ok((Cable::over(left, mtu)?, Cable::over(right, mtu)?))
    }

    fn over(socket: UnixDatagram, mtu: usize) -> io::Result<Cable> {
        socket.set_nonblocking(true)?;
        Ok(Cable { socket, mtu, counters: Counters::default() })
    }
}

impl Device for Cable {
    fn mtu(&self) -> usize {
        self.mtu
    }

    fn receive(&mut self, pool: &mut Pool, arrived: &mut Batch) -> Result<usize, DeviceError> {
        plain::receive(&mut self.socket, &mut self.counters, pool, arrived, usize::MAX)
    }

    fn transmit(&mut self, departing: &mut Batch, pool: &mut Pool) -> Result<usize, DeviceError> {
        plain::transmit(&mut self.socket, &mut self.counters, departing, pool)
    }

    fn counters(&self) -> Counters {
        self.counters
    }
}

impl AsFd for Cable {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Port for UnixDatagram {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.recv(space)
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.send(octets)
    }

    fn fate(error: &io::Error) -> Fate {
        match error.kind() {
            io::ErrorKind::WouldBlock => Fate::Wait,
            io::ErrorKind::Interrupted => Fate::Again,
            io::ErrorKind::OutOfMemory => Fate::Drop,
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::NotConnected
            | io::ErrorKind::BrokenPipe => Fate::Gone,
            _ => Fate::Fail,
        }
    }
}

#[cfg(test)]
mod tests;
