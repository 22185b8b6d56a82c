//! Identifiers of connections and listeners.

/// Identifier of a connection. The identifier of a closed connection never becomes the identifier of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    /// Place of the connection in its table.
    pub index: u32,
    /// Number of earlier connections at this place.
    pub generation: u32,
}

/// Identifier of a listener. The identifier of a closed listener never becomes the identifier of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId {
    /// Place of the listener in its table.
    pub index: u32,
    /// Number of earlier listeners at this place.
    pub generation: u32,
}

/// A connection or a listener with a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpReady {
    /// The state of the connection changed, data was received, or the send buffer has capacity again.
    Connection(ConnectionId),
    /// A connection can be accepted.
    Listener(ListenerId),
}
