//! What a connection reports to its user, and what its user can change.

use std::time::Duration;

use crate::{BufferSize, CloseReason, KeepAlive, PathProblem, SegmentFields, State, TcpDropReason};

/// Result of the processing of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reception {
    /// Whether the segment was accepted.
    pub outcome: SegmentOutcome,
    /// A segment without data that answers this segment: an acknowledgment or a reset.
    pub reply: Option<SegmentFields>,
    /// Whether the segment acknowledges new data, which confirms that the next hop is reachable.
    pub is_progress: bool,
}

/// Whether a segment was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentOutcome {
    /// The segment was accepted.
    Accepted,
    /// The segment or a part of it was dropped.
    Dropped(TcpDropReason),
}

/// What a connection has to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Nothing.
    None,
    /// An acknowledgment.
    Ack,
    /// Data, a SYN, a FIN or a probe.
    Data,
}

/// State of a connection for its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// State of the connection.
    pub state: State,
    /// Number of bytes that can be read.
    pub readable: usize,
    /// Number of bytes that can be written. Zero if no data may be written.
    pub writable: usize,
    /// Whether the peer has sent its FIN. The end follows the readable bytes.
    pub is_end_of_data: bool,
    /// How the connection ended, once it ended.
    pub closed: Option<CloseReason>,
    /// Number of unread bytes up to the end of the urgent data (RFC 9293 3.8.5). `None` if all urgent data was read.
    pub urgent: Option<u32>,
    /// Whether the peer did not acknowledge data for at least three retransmissions (RFC 9293 3.8.3, R1).
    pub is_delayed: bool,
    /// Last problem of the path that did not end the connection.
    pub soft_error: Option<PathProblem>,
}

/// A setting that can be changed while a connection exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Whether a small segment waits while another small segment is unacknowledged.
    Nagle(bool),
    /// Whether a small segment waits for more data. The end of this setting or of a record sends the segment.
    ///
    /// The wait also ends at most 500 milliseconds after all sent data is acknowledged, and if the acknowledgment of sent data
    /// is overdue: the probe for the loss of the last segments (RFC 8985 7.3) has the waiting data.
    Cork(bool),
    /// Probes of an idle connection.
    KeepAlive(Option<KeepAlive>),
    /// Maximum time without an acknowledgment.
    UserTimeout(Option<Duration>),
    /// Size of the send buffer. Data that is in the buffer stays there.
    SendBuffer(BufferSize),
    /// Size of the receive buffer. The announced window stays open, and window scaling limits the size.
    ReceiveBuffer(BufferSize),
    /// Time to live of sent datagrams. `None` is the default of the host.
    TimeToLive(Option<u8>),
    /// Type of service of sent datagrams.
    TypeOfService(u8),
}
