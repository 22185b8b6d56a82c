//! Fast retransmit and fast recovery of NewReno (RFC 5681 3.2, RFC 6582).

use crate::SequenceNumber;

/// Detects a loss by duplicate ACKs, and retransmits one segment per round trip until all losses are repaired.
///
/// The caller retransmits, and reports the loss and the end of the recovery to the congestion control.
/// [`FastRecovery::window`] is the congestion window during the recovery.
#[derive(Clone, Copy, Debug)]
pub struct FastRecovery {
    /// The number after the highest one that was sent when the last recovery or timeout began. A recovery ends when this
    /// number is acknowledged, and another recovery begins only above this number.
    end: SequenceNumber,
    /// Duplicate ACKs since the last ACK of new data.
    duplicates: u8,
    is_active: bool,
    /// Bytes that are added to the congestion window, because segments left the network. Negative if an ACK reported
    /// that more segments left the network than duplicate ACKs did.
    inflation: i64,
    /// Whether this recovery had a partial ACK.
    has_partial: bool,
}

/// What a duplicate ACK causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DuplicateAck {
    /// Nothing, or the window is larger, so that new data may be sent.
    NewData,
    /// The first segment that is not acknowledged is lost: a recovery begins, and the segment is sent again.
    Retransmit,
}

/// What an ACK of new data means for the recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewAck {
    /// No recovery is in progress.
    Normal {
        /// Acknowledged bytes, without those of the segments that duplicate ACKs have reported before.
        bytes: u32,
    },
    /// The next segment is lost as well, and is sent again.
    Partial {
        /// Whether this is the first such ACK of the recovery, which restarts the retransmission timer.
        is_first: bool,
    },
    /// All losses are repaired: the recovery ended.
    Complete,
}

impl FastRecovery {
    /// Number of duplicate ACKs that mean a loss.
    const DUPLICATE_THRESHOLD: u8 = 3;

    /// Creates the state of a connection with this initial sequence number.
    pub fn new(initial_sequence: SequenceNumber) -> FastRecovery {
        // RFC 6582 3.2 1: "recover is set to the initial send sequence number." The number after the SYN is the first
        // number of data, so that a recovery can begin at the first segment.
        FastRecovery {
            end: initial_sequence,
            duplicates: 0,
            is_active: false,
            inflation: 0,
            has_partial: false,
        }
    }

    /// Returns whether a recovery is in progress.
    pub fn is_active(&self) -> bool {
        self.is_active
    }

    /// Returns the number of bytes that may be in flight, given the congestion window.
    pub fn window(&self, congestion_window: u32, segment_size: u32) -> u32 {
        if self.is_active {
            let window = i64::from(congestion_window).saturating_add(self.inflation);
            return u32::try_from(window.max(segment_size.into())).unwrap_or(u32::MAX);
        }
        // spec: rfc5681-limited-transmit
        // RFC 5681 3.2 1: "On the first and second duplicate ACKs received at a sender, a TCP SHOULD send a segment of
        // previously unsent data per [RFC3042] provided that the receiver's advertised window allows, the total
        // FlightSize would remain less than or equal to cwnd plus 2*SMSS".
        congestion_window.saturating_add(segment_size.saturating_mul(self.duplicates.min(2).into()))
    }

    /// Processes a duplicate ACK (RFC 5681 2). `unacknowledged` is SND.UNA, and `next` is SND.NXT.
    pub fn duplicate(
        &mut self,
        unacknowledged: SequenceNumber,
        next: SequenceNumber,
        segment_size: u32,
    ) -> DuplicateAck {
        if self.is_active {
            // spec: rfc5681-fast-recovery
            // RFC 5681 3.2 4: "For each additional duplicate ACK received (after the third), cwnd MUST be incremented by
            // SMSS." "A TCP MAY therefore limit the number of times cwnd is artificially inflated during loss recovery to
            // the number of outstanding segments".
            let outstanding = i64::from(next.distance_from(unacknowledged));
            self.inflation = self.inflation.saturating_add(segment_size.into()).min(outstanding);
            return DuplicateAck::NewData;
        }
        self.duplicates = self.duplicates.saturating_add(1);
        // spec: rfc5681-fast-retransmit, rfc6582-after-timeout
        // RFC 6582 3.2 2: "When the third duplicate ACK is received, the TCP sender first checks the value of recover to
        // see if the Cumulative Acknowledgment field covers more than recover."
        if self.duplicates != Self::DUPLICATE_THRESHOLD || !self.end.is_before(unacknowledged) {
            return DuplicateAck::NewData;
        }
        // RFC 5681 3.2 3: "cwnd set to ssthresh plus 3*SMSS".
        *self = FastRecovery {
            end: next,
            duplicates: 0,
            is_active: true,
            inflation: i64::from(segment_size).saturating_mul(3),
            has_partial: false,
        };
        DuplicateAck::Retransmit
    }

    /// Processes an ACK of new data: `bytes` up to `acknowledgment`.
    pub fn acknowledged(&mut self, acknowledgment: SequenceNumber, bytes: u32, segment_size: u32) -> NewAck {
        let duplicates = u32::from(std::mem::take(&mut self.duplicates));
        if !self.is_active {
            // The number would be in the future after 2^31 bytes.
            if self.end.is_before(acknowledgment) {
                self.end = acknowledgment.minus(1);
            }
            // RFC 3042 2: "The congestion window (cwnd) MUST NOT be changed when these new segments are transmitted." The segments
            // that made way for them do not raise the window later, either.
            // spec: rfc3042-window
            return NewAck::Normal { bytes: bytes.saturating_sub(duplicates.saturating_mul(segment_size)) };
        }
        // spec: rfc6582-partial
        // RFC 6582 3.2 3: "If this ACK acknowledges all of the data up to and including recover", the recovery ends.
        if self.end.is_at_or_before(acknowledgment) {
            (self.is_active, self.inflation) = (false, 0);
            return NewAck::Complete;
        }
        // spec: rfc5681-fast-recovery
        // RFC 6582 3.2 3: "Deflate the congestion window by the amount of new data acknowledged by the Cumulative
        // Acknowledgment field. If the partial ACK acknowledges at least one SMSS of new data, then add back SMSS bytes
        // to the congestion window."
        self.inflation = self.inflation.saturating_sub(bytes.into());
        if bytes >= segment_size {
            self.inflation = self.inflation.saturating_add(segment_size.into());
        }
        NewAck::Partial { is_first: !std::mem::replace(&mut self.has_partial, true) }
    }

    /// Ends the recovery, because no segment was lost.
    pub(crate) fn undo(&mut self) {
        (self.is_active, self.inflation, self.duplicates) = (false, 0, 0);
    }

    /// Processes an expiry of the retransmission timer, which ends a recovery. `next` is the sequence number after the
    /// highest one that was sent.
    pub fn timed_out(&mut self, next: SequenceNumber) {
        // spec: rfc6582-after-timeout
        // RFC 6582 3.2 4: "After a retransmit timeout, record the highest sequence number transmitted in the variable
        // recover, and exit the fast recovery procedure if applicable."
        *self = FastRecovery::new(next);
    }
}

#[cfg(test)]
mod tests;
