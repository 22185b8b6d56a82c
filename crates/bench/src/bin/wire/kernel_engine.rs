//! The kernel's UDP as a contender: a thread that echoes datagrams through a socket.

use std::io::IoSlice;
use std::net::SocketAddrV4;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, sendmmsg};

use crate::engine::{PollEngine, PollResult};
use crate::traffic::{ECHO_PORT, RESPONDER};
use crate::udp_socket::UdpSocket;

/// Maximum number of datagrams per system call, as in tapstack's host.
const BATCH: usize = tap::Exchange::BATCH;

/// Engine that receives up to 64 datagrams with one system call, and sends them back with another.
pub(crate) struct KernelEcho {
    socket: UdpSocket,
    outgoing: MultiHeaders<SockaddrIn>,
    calls: u64,
}

impl KernelEcho {
    /// Binds a socket in the current network namespace.
    pub(crate) fn new() -> Result<KernelEcho, String> {
        let socket = UdpSocket::bind(SocketAddrV4::new(RESPONDER.ip, ECHO_PORT))?;
        Ok(KernelEcho { socket, outgoing: MultiHeaders::preallocate(BATCH, None), calls: 0 })
    }

    /// Sends the received datagrams back.
    fn echo(&mut self) -> Result<(), String> {
        let parts: Vec<_> = self.socket.data().map(|data| [IoSlice::new(data)]).collect();
        let (fd, flags) = (self.socket.as_fd().as_raw_fd(), MsgFlags::empty());
        let mut sent = 0;
        while sent < parts.len() {
            self.calls += 1;
            let peers = &self.socket.sources()[sent..];
            match sendmmsg(fd, &mut self.outgoing, &parts[sent..], peers, [], flags) {
                Ok(messages) => sent += messages.count(),
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(errno) => return Err(format!("cannot send: {}", errno.desc())),
            }
        }
        Ok(())
    }
}

impl PollEngine for KernelEcho {
    fn poll_once(&mut self) -> Result<PollResult, String> {
        self.calls += 1;
        let arrived = self.socket.receive(BATCH)?;
        self.echo()?;
        Ok(PollResult { arrived, congested: false, again: arrived == BATCH })
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    fn calls(&self) -> Option<u64> {
        Some(self.calls)
    }
}
