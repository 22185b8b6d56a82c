//! Errors of socket calls.

use std::fmt;
use std::net::IpAddr;

use tcp::CloseReason;

/// Error of a call with a socket. The call has changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketError {
    /// The socket is closed, or the socket is of another kind.
    Closed,
    /// Another socket has the same binding: addresses, port, and peer.
    AddressInUse,
    /// The address is not a local address of the host, or the source address is not an address of the socket.
    AddressNotLocal(IpAddr),
    /// IPv6 is not supported.
    Ipv6(IpAddr),
    /// A socket cannot have a multicast address: multicast reception is not supported.
    Multicast(IpAddr),
    /// No ephemeral port or echo identifier is free.
    NoFreePort,
    /// The host has the maximum number of sockets.
    TooManySockets,
    /// The host has the maximum number of sockets that receive broadcasts.
    TooManyBroadcastSockets,
    /// The socket is not connected, and the message has no destination.
    DestinationRequired,
    /// The socket is connected, and the message has another destination.
    IsConnected,
    /// The destination is a broadcast address, and the socket was bound without broadcasts.
    Broadcast,
    /// No host has this address, or the address is the source address.
    InvalidDestination(IpAddr),
    /// The port is 0.
    PortZero,
    /// The host has no route to the destination.
    NoRoute(IpAddr),
    /// No address of the socket is in use, or none on the interface of the message.
    NoSourceAddress,
    /// The data is longer than a datagram allows, or longer than the path MTU allows without fragments.
    TooLong {
        /// Maximum length of the data, in bytes.
        limit: usize,
    },
    /// The frame has too few bytes of headroom for the headers.
    NoHeadroom,
    /// The send buffer has no capacity for the datagram. The readiness list will have the socket when the buffer has
    /// capacity again.
    SendBufferFull,
    /// The datagrams of all sockets take the maximum memory. The readiness list does not report the end of this
    /// condition.
    SocketMemoryFull,
    /// All frames of the pool are in use.
    NoFrame,
    /// The TCP connection has ended for this reason.
    Disconnected(CloseReason),
    /// The sending direction of the TCP connection is shut down.
    ShutDown,
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("socket closed"),
            Self::AddressInUse => f.write_str("address in use"),
            Self::AddressNotLocal(ip) => write!(f, "address not available: {ip}"),
            Self::Ipv6(ip) => write!(f, "IPv6 is not supported: {ip}"),
            Self::Multicast(ip) => write!(f, "multicast reception is not supported: {ip}"),
            Self::NoFreePort => f.write_str("no free port"),
            Self::TooManySockets => f.write_str("too many sockets"),
            Self::TooManyBroadcastSockets => f.write_str("too many sockets that receive broadcasts"),
            Self::DestinationRequired => f.write_str("destination required: the socket is not connected"),
            Self::IsConnected => f.write_str("socket connected to another peer"),
            Self::Broadcast => f.write_str("broadcasts not enabled for the socket"),
            Self::InvalidDestination(ip) => write!(f, "invalid destination {ip}"),
            Self::PortZero => f.write_str("invalid port 0"),
            Self::NoRoute(ip) => write!(f, "no route to {ip}"),
            Self::NoSourceAddress => f.write_str("no source address in use"),
            Self::TooLong { limit } => write!(f, "data too long (limit {limit} bytes)"),
            Self::NoHeadroom => f.write_str("too few bytes of headroom in the frame"),
            Self::SendBufferFull => f.write_str("send buffer full"),
            Self::SocketMemoryFull => f.write_str("socket memory full"),
            Self::NoFrame => f.write_str("no free frame in the pool"),
            Self::Disconnected(reason) => write!(f, "{reason}"),
            Self::ShutDown => f.write_str("sending direction of the connection shut down"),
        }
    }
}

impl std::error::Error for SocketError {}
