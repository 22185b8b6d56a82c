//! Identifiers and kinds of sockets.

use std::fmt;

use base::Place;

/// Identifier of a socket. The identifier of a closed socket stays invalid: it never becomes the identifier of another
/// socket of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId {
    pub(crate) index: Place,
    pub(crate) generation: u32,
}

/// Kind of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketKind {
    /// A socket for UDP datagrams.
    Udp,
    /// A socket for ICMP echo requests and their replies.
    Echo,
}

impl SocketId {
    /// Returns the identifier as a number.
    pub const fn number(self) -> u64 {
        let ([a, b, c, d], [e, f, g, h]) = (self.generation.to_be_bytes(), self.index.to_be_bytes());
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// Returns the identifier with a number. It is invalid if no socket has had this identifier.
    pub const fn of_number(number: u64) -> SocketId {
        let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
        SocketId { index: Place::from_be_bytes([e, f, g, h]), generation: u32::from_be_bytes([a, b, c, d]) }
    }
}

impl SocketKind {
    /// Returns the layer that counts the datagrams of the socket, as in [`Counter::layer`](crate::Counter::layer).
    pub(crate) const fn layer(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Echo => "icmp",
        }
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index, self.generation)
    }
}
