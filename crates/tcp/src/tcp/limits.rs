//! Limits of the connections of a host.

use std::time::Duration;

use inet::{RateLimits, TokenRate};

/// Limits of the connections of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpLimits {
    /// Maximum number of connections, apart from half-open connections and those in TIME-WAIT.
    pub connections: usize,
    /// Maximum number of listeners.
    pub listeners: usize,
    /// Maximum memory of the buffers of all connections, in bytes. Received data in order may take a quarter more.
    pub memory: usize,
    /// Maximum number of half-open connections. A further SYN is answered with a cookie (RFC 4987 3.6).
    pub half_open: usize,
    /// Maximum number of half-open connections of a listener. A further SYN is answered with a cookie.
    pub half_open_per_listener: usize,
    /// Maximum number of connections in TIME-WAIT. Beyond it, the oldest ends.
    pub time_wait: usize,
    /// Maximum number of connections that their users have closed. A further connection is reset.
    pub orphans: usize,
    /// Rate limits of resets to segments without a connection.
    pub resets: RateLimits,
}

impl TcpLimits {
    /// Largest maximum number of connections, listeners, half-open connections and connections in TIME-WAIT, each.
    pub const MAX_ENTRIES: usize = 1 << 22;

    /// Returns the limits with numbers that are not larger than [`TcpLimits::MAX_ENTRIES`].
    pub(super) fn clamped(self) -> TcpLimits {
        TcpLimits {
            connections: self.connections.min(Self::MAX_ENTRIES),
            listeners: self.listeners.min(Self::MAX_ENTRIES),
            half_open: self.half_open.min(Self::MAX_ENTRIES),
            time_wait: self.time_wait.min(Self::MAX_ENTRIES),
            ..self
        }
    }
}

impl Default for TcpLimits {
    /// Returns limits of 65,536 connections and 64 MiB for their buffers, of 4,096 half-open connections, of 262,144
    /// connections in TIME-WAIT, and of 1,000 resets per second.
    fn default() -> TcpLimits {
        TcpLimits {
            connections: 65_536,
            listeners: 65_536,
            memory: 64 << 20,
            half_open: 4_096,
            half_open_per_listener: 1_024,
            time_wait: 262_144,
            orphans: 16_384,
            resets: RateLimits {
                per_destination: TokenRate { interval: Duration::from_millis(2), burst: 500 },
                global: TokenRate { interval: Duration::from_millis(1), burst: 1_000 },
            },
        }
    }
}
