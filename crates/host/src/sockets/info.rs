//! The state of a socket for users.

use std::net::SocketAddr;

use ipnet::IpNet;

use super::id::{SocketId, SocketKind};

/// State of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketInfo {
    /// Identifier.
    pub id: SocketId,
    /// Kind.
    pub kind: SocketKind,
    /// Local addresses. A connected socket has one address.
    pub addresses: IpNet,
    /// Local port, or identifier of echo requests.
    pub port: u16,
    /// Peer of a connected socket.
    pub peer: Option<SocketAddr>,
    /// Whether the socket sends and receives broadcasts.
    pub broadcast: bool,
    /// Capacity of the frames in the receive buffer, in bytes.
    pub received_bytes: usize,
    /// Capacity of the frames in the send buffer, in bytes.
    pub sending_bytes: usize,
    /// Received datagrams that the socket dropped, because a limit was reached.
    pub dropped: u64,
    /// Failures that the socket dropped, because a limit was reached.
    pub failures_lost: u64,
}
