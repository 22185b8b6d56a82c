//! A UDP socket of the kernel that receives several datagrams with one system call.

use std::io::IoSliceMut;
use std::net::SocketAddrV4;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::sockopt::{RcvBuf, RcvBufForce};
use nix::sys::socket::{
    AddressFamily, MsgFlags, MultiHeaders, SockFlag, SockType, SockaddrIn, bind, recvmmsg, setsockopt, socket,
};

/// Maximum number of datagrams per system call, as in tapstack's host.
const BATCH: usize = tap::Exchange::BATCH;
/// Maximum length of the data of a datagram, in bytes. Longer data is cut.
const MAX_DATA: usize = 128;
/// Size of a receive buffer in bytes, which holds the frames or datagrams of one round.
const RECEIVE_BUFFER: usize = 4 << 20;

/// A bound socket, and the datagrams that it received last.
pub(crate) struct UdpSocket {
    socket: OwnedFd,
    headers: MultiHeaders<SockaddrIn>,
    space: Vec<[u8; MAX_DATA]>,
    lengths: Vec<usize>,
    sources: Vec<Option<SockaddrIn>>,
}

impl UdpSocket {
    /// Binds a socket that does not block in the current network namespace.
    pub(crate) fn bind(address: SocketAddrV4) -> Result<UdpSocket, String> {
        let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_NONBLOCK, None)
            .map_err(|errno| format!("cannot open a UDP socket: {}", errno.desc()))?;
        bind(socket.as_raw_fd(), &SockaddrIn::from(address))
            .map_err(|errno| format!("cannot bind a UDP socket to {address}: {}", errno.desc()))?;
        enlarge_receive_buffer(socket.as_fd())?;
        Ok(UdpSocket {
            socket,
            headers: MultiHeaders::preallocate(BATCH, None),
            space: vec![[0; MAX_DATA]; BATCH],
            lengths: Vec::with_capacity(BATCH),
            sources: Vec::with_capacity(BATCH),
        })
    }

    /// Receives up to `count` datagrams, at most 64, and returns their number.
    pub(crate) fn receive(&mut self, count: usize) -> Result<usize, String> {
        self.lengths.clear();
        self.sources.clear();
        let space = &mut self.space[..count.min(BATCH)];
        let mut parts: Vec<_> = space.iter_mut().map(|space| [IoSliceMut::new(space)]).collect();
        let (fd, flags) = (self.socket.as_raw_fd(), MsgFlags::MSG_DONTWAIT);
        match recvmmsg(fd, &mut self.headers, parts.iter_mut(), flags, None) {
            Ok(messages) => {
                for message in messages {
                    self.lengths.push(message.bytes.min(MAX_DATA));
                    self.sources.push(message.address);
                }
                Ok(self.lengths.len())
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(0),
            Err(errno) => Err(format!("cannot receive: {}", errno.desc())),
        }
    }

    /// Returns the data of the received datagrams.
    pub(crate) fn data(&self) -> impl Iterator<Item = &[u8]> {
        self.space.iter().zip(&self.lengths).map(|(space, length)| &space[..*length])
    }

    /// Returns the source of each received datagram.
    pub(crate) fn sources(&self) -> &[Option<SockaddrIn>] {
        &self.sources
    }
}

impl AsFd for UdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Enlarges the receive buffer of a socket, so that it holds the frames or datagrams of one round. Without the
/// privilege, the buffer has the size that the system allows, and a round that exceeds the buffer fails.
pub(crate) fn enlarge_receive_buffer(socket: BorrowedFd<'_>) -> Result<(), String> {
    setsockopt(&socket, RcvBufForce, &RECEIVE_BUFFER)
        .or_else(|_| setsockopt(&socket, RcvBuf, &RECEIVE_BUFFER))
        .map_err(|errno| format!("cannot set the receive buffer: {}", errno.desc()))
}
