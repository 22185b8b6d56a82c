//! States of a connection, and how a connection ends.

use std::fmt;

/// State of a connection (RFC 9293 3.3.2). A listener is not a connection, so LISTEN is not a state of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The connection ended.
    Closed,
    /// The local SYN was sent, and the peer has sent none.
    SynSent,
    /// Both SYN segments were sent, and the local SYN is not acknowledged yet.
    SynReceived,
    /// Data flows in both directions.
    Established,
    /// The user has shut down the connection, and the local FIN is not acknowledged yet.
    FinWait1,
    /// The local FIN is acknowledged, and the peer has sent none.
    FinWait2,
    /// The peer has sent its FIN, and the user has not shut down the connection yet.
    CloseWait,
    /// Both FIN segments were sent at the same time, and the local FIN is not acknowledged yet.
    Closing,
    /// The peer has sent its FIN, then the local FIN was sent, and is not acknowledged yet.
    LastAck,
    /// Both FIN segments are acknowledged. The connection waits until all of its segments have left the network.
    TimeWait,
}

/// How a connection ended (RFC 9293 3.9.1.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// Both directions were closed, or the user aborted the connection.
    Closed,
    /// The peer reset the connection.
    Reset,
    /// The peer refused the connection.
    Refused,
    /// The peer did not acknowledge data, a SYN or keep-alive probes in time.
    TimedOut,
    /// The peer cannot be reached.
    Unreachable,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CloseReason::Closed => "connection closed",
            CloseReason::Reset => "connection reset by peer",
            CloseReason::Refused => "connection refused",
            CloseReason::TimedOut => "connection timed out",
            CloseReason::Unreachable => "host unreachable",
        })
    }
}

impl State {
    /// All states.
    pub const ALL: [State; 10] = [
        State::Closed,
        State::SynSent,
        State::SynReceived,
        State::Established,
        State::FinWait1,
        State::FinWait2,
        State::CloseWait,
        State::Closing,
        State::LastAck,
        State::TimeWait,
    ];

    /// Returns whether the local SYN is acknowledged and the peer's SYN is known.
    pub fn is_synchronized(self) -> bool {
        !matches!(self, State::Closed | State::SynSent | State::SynReceived)
    }

    /// Returns whether the peer's FIN can still arrive, so that data and urgent data are processed.
    pub(crate) fn can_receive(self) -> bool {
        matches!(self, State::Established | State::FinWait1 | State::FinWait2)
    }

    /// Returns whether the user may write data.
    pub(crate) fn can_write(self) -> bool {
        matches!(self, State::SynSent | State::SynReceived | State::Established | State::CloseWait)
    }
}

impl fmt::Display for State {
    /// Prints the name in RFC 9293.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Closed => "CLOSED",
            State::SynSent => "SYN-SENT",
            State::SynReceived => "SYN-RECEIVED",
            State::Established => "ESTABLISHED",
            State::FinWait1 => "FIN-WAIT-1",
            State::FinWait2 => "FIN-WAIT-2",
            State::CloseWait => "CLOSE-WAIT",
            State::Closing => "CLOSING",
            State::LastAck => "LAST-ACK",
            State::TimeWait => "TIME-WAIT",
        })
    }
}
