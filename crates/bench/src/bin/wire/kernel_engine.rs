//! The kernel's UDP as a contender: a thread that echoes datagrams through a socket in the kernel's namespace.

use std::fs::File;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use bench::namespace::within;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, MultiHeaders, SockFlag, SockType, SockaddrIn, bind, recvmmsg, sendmmsg, socket,
};

use crate::engine::{PollEngine, PollResult};
use crate::generator::enlarge_receive_buffer;
use crate::traffic::{ECHO_PORT, RESPONDER};

/// Maximum number of datagrams per system call, as in tapstack's host.
const BATCH: usize = tap::Exchange::BATCH;
/// Maximum length of the data of a request, in bytes.
const MAX_DATA: usize = 128;

/// Engine that receives up to 64 datagrams with one system call, and sends them back with another.
pub(crate) struct KernelEcho {
    socket: OwnedFd,
    incoming: MultiHeaders<SockaddrIn>,
    outgoing: MultiHeaders<SockaddrIn>,
    space: Vec<[u8; MAX_DATA]>,
    lengths: Vec<usize>,
    peers: Vec<Option<SockaddrIn>>,
    calls: u64,
}

impl KernelEcho {
    /// Binds a socket in the network namespace of the kernel.
    pub(crate) fn in_namespace(namespace: &File) -> Result<KernelEcho, String> {
        let socket = within(namespace, || {
            let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_NONBLOCK, None)
                .map_err(|errno| format!("cannot open a UDP socket: {}", errno.desc()))?;
            let address = SockaddrIn::from(std::net::SocketAddrV4::new(RESPONDER.ip, ECHO_PORT));
            bind(socket.as_raw_fd(), &address)
                .map_err(|errno| format!("cannot bind a UDP socket to port {ECHO_PORT}: {}", errno.desc()))?;
            enlarge_receive_buffer(socket.as_fd())?;
            Ok(socket)
        })?;
        Ok(KernelEcho {
            socket,
            incoming: MultiHeaders::preallocate(BATCH, None),
            outgoing: MultiHeaders::preallocate(BATCH, None),
            space: vec![[0; MAX_DATA]; BATCH],
            lengths: Vec::with_capacity(BATCH),
            peers: Vec::with_capacity(BATCH),
            calls: 0,
        })
    }

    /// Receives datagrams and returns their number.
    fn receive(&mut self) -> Result<usize, String> {
        self.lengths.clear();
        self.peers.clear();
        self.calls += 1;
        let mut parts: Vec<_> = self.space.iter_mut().map(|space| [IoSliceMut::new(space)]).collect();
        let (fd, flags) = (self.socket.as_raw_fd(), MsgFlags::MSG_DONTWAIT);
        match recvmmsg(fd, &mut self.incoming, parts.iter_mut(), flags, None) {
            Ok(messages) => {
                for message in messages {
                    self.lengths.push(message.bytes);
                    self.peers.push(message.address);
                }
                Ok(self.lengths.len())
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(0),
            Err(errno) => Err(format!("cannot receive: {}", errno.desc())),
        }
    }

    /// Sends the received datagrams back.
    fn echo(&mut self) -> Result<(), String> {
        let parts: Vec<_> = self
            .space
            .iter()
            .zip(&self.lengths)
            .map(|(space, length)| [IoSlice::new(&space[..(*length).min(MAX_DATA)])])
            .collect();
        let mut sent = 0;
        while sent < parts.len() {
            self.calls += 1;
            let (fd, flags) = (self.socket.as_raw_fd(), MsgFlags::empty());
            match sendmmsg(fd, &mut self.outgoing, &parts[sent..], &self.peers[sent..], [], flags) {
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
        let arrived = self.receive()?;
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
