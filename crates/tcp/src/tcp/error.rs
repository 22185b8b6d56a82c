//! Errors of calls.

use std::fmt;

/// Error of a call of [`crate::Tcp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpError {
    /// Another listener has the same addresses and the same port, or another connection has the same addresses and
    /// ports.
    AddressInUse,
    /// No ephemeral port is free.
    NoFreePort,
    /// The peer is not an address of another host, or its port is zero.
    InvalidPeer,
    /// The maximum number of connections exists.
    TooManyConnections,
    /// The maximum number of listeners exists.
    TooManyListeners,
    /// The connection or the listener was closed.
    Closed,
}

impl fmt::Display for TcpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TcpError::AddressInUse => "local address and port in use",
            TcpError::NoFreePort => "no free ephemeral port",
            TcpError::InvalidPeer => {
                "invalid peer: expected the address of another host, and a port other than 0"
            }
            TcpError::TooManyConnections => "too many connections",
            TcpError::TooManyListeners => "too many listeners",
            TcpError::Closed => "connection or listener is closed",
        })
    }
}

impl std::error::Error for TcpError {}
