//! Abstract datagram sockets, and the users who send to them.

use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, SockaddrLike, UnixAddr,
    UnixCredentials, bind, recvmsg, sendto, setsockopt, socket, sockopt,
};

/// First part of the names of all control sockets.
pub(super) const PREFIX: &str = "tapstack/";

/// Returns the name of the control socket of the host on an interface.
pub(super) fn server_address(interface: &str) -> nix::Result<UnixAddr> {
    UnixAddr::new_abstract(format!("{PREFIX}{interface}").as_bytes())
}

/// A received datagram.
pub(super) struct Received {
    /// Length of the datagram, in bytes. Bytes beyond the buffer are lost.
    pub(super) length: usize,
    /// Whether bytes are lost.
    pub(super) is_truncated: bool,
    /// Address of the sender, or `None` for a socket without an abstract name.
    pub(super) from: Option<UnixAddr>,
    /// User of the sending process.
    pub(super) user: Option<u32>,
}

/// Creates a socket with a name. The kernel selects the name of a socket with an unnamed address. The socket receives the
/// user of each sender.
pub(super) fn open(address: &UnixAddr, flags: SockFlag) -> nix::Result<OwnedFd> {
    let socket = socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC | flags, None)?;
    setsockopt(&socket, sockopt::PassCred, &true)?;
    bind(socket.as_raw_fd(), address)?;
    Ok(socket)
}

/// Receives a datagram into a buffer.
pub(super) fn receive(socket: &impl AsFd, buffer: &mut [u8]) -> nix::Result<Received> {
    let mut control = nix::cmsg_space!(UnixCredentials);
    let mut parts = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<UnixAddr>(socket.as_fd().as_raw_fd(), &mut parts, Some(&mut control), flags)?;
    let user = message.cmsgs()?.find_map(|control| match control {
        ControlMessageOwned::ScmCredentials(credentials) => Some(credentials.uid()),
        _ => None,
    });
    let from = message.address.filter(is_abstract);
    let is_truncated = message.flags.contains(MsgFlags::MSG_TRUNC);
    Ok(Received { length: message.bytes, is_truncated, from, user })
}

/// Returns whether the kernel gave this address to a socket, or the socket has another abstract name. A reply to a path
/// could reach another socket, because the path may be relative.
fn is_abstract(address: &UnixAddr) -> bool {
    // The address of a socket without a name has no length, which `as_abstract` does not accept.
    address.len() > 0 && address.as_abstract().is_some()
}

/// Sends a datagram through a socket of its own, without waiting.
///
/// Datagrams that are not read yet count against the send buffer of their socket. With a socket for each reply, clients
/// that read no replies do not prevent replies to other clients.
pub(super) fn send_reply(to: &UnixAddr, bytes: &[u8]) -> nix::Result<()> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Datagram, flags, None)?;
    sendto(socket.as_raw_fd(), bytes, to, MsgFlags::empty()).map(drop)
}
