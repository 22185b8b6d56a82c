//! The sequence variables of a connection (RFC 9293 3.3.1).

use tap::Instant;

use super::{Connection, length};
use crate::{SequenceNumber, State};

/// The sequence numbers of sent data.
#[derive(Clone, Copy, Debug)]
pub(super) struct SendSequence {
    /// ISS: the initial sequence number.
    pub(super) initial: SequenceNumber,
    /// SND.UNA: the first sequence number that is not acknowledged.
    pub(super) unacknowledged: SequenceNumber,
    /// SND.NXT: the next sequence number to send for the first time.
    pub(super) next: SequenceNumber,
    /// SND.WND: the window from SND.UNA on.
    pub(super) window: u32,
    /// SND.WL1: the sequence number of the segment that changed the window last.
    pub(super) window_sequence: SequenceNumber,
    /// MAX.SND.WND: the largest window of the peer so far.
    pub(super) maximum_window: u32,
    /// End of the last small segment that was sent (RFC 9293 A.3).
    pub(super) small_end: SequenceNumber,
    /// SND.UP: the sequence number after the urgent data, until it is acknowledged.
    pub(super) urgent: Option<SequenceNumber>,
    /// Time of the last transmission of a sequence number.
    pub(super) last_sent: Instant,
    /// Number of expirations of the retransmission timer since the last progress.
    pub(super) retransmissions: u8,
    /// Number of retransmissions of the SYN or SYN,ACK.
    pub(super) lost_syns: u8,
    /// State of the local FIN.
    pub(super) fin: LocalFin,
    /// Whether the SYN or SYN,ACK is sent.
    pub(super) is_syn_due: bool,
    /// Whether a probe of the window or of an idle peer is sent.
    pub(super) is_probe_due: bool,
    /// Whether `last_sent` is the time of the last SYN or SYN,ACK, if the local SYN is not acknowledged.
    pub(super) is_syn_timed: bool,
}

/// State of the local FIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LocalFin {
    /// The user has not shut down the connection.
    None,
    /// The user has shut down the connection: a FIN follows the data.
    Requested,
    /// The FIN is acknowledged.
    Acknowledged,
}

/// The sequence numbers of received data.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReceiveSequence {
    /// IRS: the initial sequence number of the peer.
    pub(super) initial: SequenceNumber,
    /// RCV.NXT: the next sequence number that is expected.
    pub(super) next: SequenceNumber,
    /// Last.ACK.sent (RFC 7323 4.3): the acknowledgment number of the last segment that was sent.
    pub(super) last_acknowledged: SequenceNumber,
    /// The sequence number of the peer's FIN, if it was received and data before it is missing.
    pub(super) fin: Option<SequenceNumber>,
    /// RCV.UP: the sequence number after the urgent data, until it is read.
    pub(super) urgent: Option<SequenceNumber>,
    /// Whether the peer's FIN was processed.
    pub(super) is_finished: bool,
}

impl SendSequence {
    pub(super) fn new(now: Instant, initial: SequenceNumber) -> SendSequence {
        // RFC 9293 3.10.1: "Set SND.UNA to ISS, SND.NXT to ISS+1, enter SYN-SENT state, and return."
        SendSequence {
            initial,
            unacknowledged: initial,
            next: initial.plus(1),
            window: 0,
            window_sequence: SequenceNumber::default(),
            maximum_window: 0,
            small_end: initial,
            urgent: None,
            last_sent: now,
            retransmissions: 0,
            lost_syns: 0,
            fin: LocalFin::None,
            is_syn_due: true,
            is_probe_due: false,
            is_syn_timed: true,
        }
    }

    /// Returns whether the user has shut down the connection.
    pub(super) fn is_shut_down(&self) -> bool {
        self.fin != LocalFin::None
    }

    /// Returns the number of sequence numbers that were sent and are not acknowledged.
    pub(super) fn outstanding(&self) -> u32 {
        self.next.distance_from(self.unacknowledged)
    }
}

impl Connection {
    /// Returns the sequence number of the first byte in the send buffer.
    pub(super) fn data_start(&self) -> SequenceNumber {
        if self.is_syn_outstanding() { self.send.initial.plus(1) } else { self.send.unacknowledged }
    }

    /// Returns the sequence number after the last byte in the send buffer: the sequence number of the FIN.
    pub(super) fn data_end(&self) -> SequenceNumber {
        self.data_start().plus(length(self.send_buffer.len()))
    }

    /// Returns whether the local SYN is not acknowledged yet.
    pub(crate) fn is_syn_outstanding(&self) -> bool {
        matches!(self.state, State::SynSent | State::SynReceived)
    }

    /// Returns whether the local FIN was sent and is not acknowledged.
    pub(super) fn is_fin_outstanding(&self) -> bool {
        self.can_send() && self.send.is_shut_down() && self.data_end().is_before(self.send.next)
    }

    /// Returns the number of bytes of data that were sent and are not acknowledged.
    pub(super) fn outstanding_data(&self) -> u32 {
        if self.is_syn_outstanding() {
            return 0;
        }
        self.send.outstanding() - u32::from(self.is_fin_outstanding())
    }

    /// Returns whether data or a FIN can still be sent or outstanding.
    pub(super) fn can_send(&self) -> bool {
        matches!(
            self.state,
            State::Established | State::FinWait1 | State::CloseWait | State::Closing | State::LastAck
        )
    }
}
