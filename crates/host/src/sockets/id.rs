//! Identifiers and kinds of sockets.

use std::fmt;

use base::Place;

/// Identifier of a socket. The identifier of a closed socket stays invalid: it never becomes the identifier of another
/// socket of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId {
    pub(crate) table: SocketTable,
    pub(crate) index: Place,
    pub(crate) generation: u32,
}

/// The table that has a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum SocketTable {
    /// UDP and echo sockets.
    Datagram,
    /// TCP connections.
    Connection,
    /// TCP listeners.
    Listener,
}

/// Kind of a socket for datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatagramSocketKind {
    /// A socket for UDP datagrams.
    Udp,
    /// A socket for ICMP echo requests and their replies.
    Echo,
}

/// Kind of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketKind {
    /// A socket for UDP datagrams.
    Udp,
    /// A socket for ICMP echo requests and their replies.
    Echo,
    /// A socket that accepts TCP connections.
    TcpListener,
    /// A TCP connection.
    Tcp,
}

impl SocketId {
    /// Number of bits of an index. The table of the socket takes the other bits of a place.
    const INDEX_BITS: u32 = 30;

    /// Returns the identifier as a number.
    pub const fn number(self) -> u64 {
        let table: Place = match self.table {
            SocketTable::Datagram => 0,
            SocketTable::Connection => 1,
            SocketTable::Listener => 2,
        };
        let place = (table << Self::INDEX_BITS) | self.index;
        let ([a, b, c, d], [e, f, g, h]) = (self.generation.to_be_bytes(), place.to_be_bytes());
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// Returns the identifier with a number. It is invalid if no socket has had this identifier.
    pub const fn of_number(number: u64) -> SocketId {
        let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
        let (place, generation) = (Place::from_be_bytes([e, f, g, h]), u32::from_be_bytes([a, b, c, d]));
        // No table has an index with more bits.
        let (table, index) = match place >> Self::INDEX_BITS {
            1 => (SocketTable::Connection, place & !(3 << Self::INDEX_BITS)),
            2 => (SocketTable::Listener, place & !(3 << Self::INDEX_BITS)),
            _ => (SocketTable::Datagram, place),
        };
        SocketId { table, index, generation }
    }
}

impl DatagramSocketKind {
    /// Returns the layer that counts the datagrams of the socket, as in [`Counter::layer`](crate::Counter::layer).
    pub(crate) const fn layer(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Echo => "icmp",
        }
    }
}

impl From<DatagramSocketKind> for SocketKind {
    fn from(kind: DatagramSocketKind) -> SocketKind {
        match kind {
            DatagramSocketKind::Udp => SocketKind::Udp,
            DatagramSocketKind::Echo => SocketKind::Echo,
        }
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = match self.table {
            SocketTable::Datagram => "",
            SocketTable::Connection => "c",
            SocketTable::Listener => "l",
        };
        write!(f, "{table}{}.{}", self.index, self.generation)
    }
}
