//! The state of a socket for users.

use std::net::SocketAddr;

use ipnet::IpNet;
use tcp::State;

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
    /// State of a TCP connection.
    pub state: Option<State>,
    /// Queue of a TCP listener.
    pub backlog: Option<TcpBacklog>,
    /// Data to read from a TCP connection, or capacity of the frames in the receive buffer of another socket, in bytes.
    pub received_bytes: usize,
    /// Unacknowledged and unsent data of a TCP connection, or capacity of the frames in the send buffer of another
    /// socket, in bytes.
    pub sending_bytes: usize,
    /// Received datagrams that the socket dropped, because a limit was reached.
    pub dropped: u64,
    /// Failures that the socket dropped, because a limit was reached.
    pub failures_lost: u64,
}

/// Queue of a TCP listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpBacklog {
    /// Number of established connections that wait to be accepted.
    pub waiting: usize,
    /// Maximum of `waiting`.
    pub limit: usize,
}
