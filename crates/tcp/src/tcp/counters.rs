//! Counters of all connections.

/// Current numbers of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpTotals {
    /// Connections, apart from half-open connections and those in TIME-WAIT that their users have closed.
    pub connections: usize,
    /// Connections that their users have closed, among `connections`.
    pub orphans: usize,
    /// Half-open connections.
    pub half_open: usize,
    /// Connections in TIME-WAIT that their users have closed.
    pub time_wait: usize,
    /// Memory of the buffers of all connections, in bytes.
    pub memory: usize,
}

/// Counters of all connections. The reasons of dropped segments are counted by the caller of [`crate::Tcp::receive`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpCounters {
    /// Connections that users opened.
    pub active_opens: u64,
    /// Connections that listeners accepted.
    pub passive_opens: u64,
    /// Half-open connections that ended without an acknowledgment of the SYN,ACK.
    pub half_open_timeouts: u64,
    /// SYN,ACK segments that were sent again.
    pub syn_ack_retransmissions: u64,
    /// SYN,ACK segments with cookies.
    pub cookies_sent: u64,
    /// Connections that were established with cookies.
    pub cookies_accepted: u64,
    /// Connections in TIME-WAIT that ended early, because the maximum number was reached.
    pub time_wait_evicted: u64,
    /// Connections in TIME-WAIT that a new connection replaced.
    pub time_wait_reused: u64,
    /// Connections that were reset because too many connections were closed by their users.
    pub orphans_reset: u64,
    /// Resets to segments without a connection.
    pub resets_sent: u64,
    /// Resets to segments without a connection that were not sent because of a rate limit.
    pub resets_suppressed: u64,
    /// Resets of aborted connections that were not sent because too many of them were due.
    pub resets_lost: u64,
    /// SACK blocks that were ignored: invalid, or more than a connection can record.
    pub ignored_sack_blocks: u64,
    /// SYN and SYN,ACK segments that wait for their timeout instead of their next hop, because too many of them waited.
    pub unresolved_lost: u64,
}
