//! Recovery from losses: its phase, and its undo.

use crate::rack::Rack;
use crate::tail_loss_probe::TailLossProbe;
use crate::{FastRecovery, Prr, SackBlock, SequenceNumber};

/// How a connection detects losses and recovers from them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Recovery {
    /// `NewReno`, if the peer sends no selective acknowledgments.
    NewReno(FastRecovery),
    /// RACK-TLP.
    Rack(RackRecovery),
}

/// Recovery with selective acknowledgments (RFC 8985, RFC 6675, RFC 6937).
#[derive(Clone, Copy, Debug)]
pub(crate) struct RackRecovery {
    pub(crate) rack: Rack,
    pub(crate) probe: TailLossProbe,
    pub(crate) phase: Phase,
}

/// Phase of a recovery. A recovery ends when its `end` is acknowledged: `RecoveryPoint` of RFC 6675, SND.NXT when the
/// recovery began.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase {
    /// No loss is known.
    Open,
    /// Acknowledgments revealed a loss.
    Fast {
        end: SequenceNumber,
        prr: Prr,
        /// Number of bytes that the last acknowledgment permits to send.
        permitted: u32,
    },
    /// The retransmission timer expired.
    Timeout { end: SequenceNumber },
}

/// Evidence that a reduction of the congestion window was unnecessary (RFC 3522, RFC 3708).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Undo {
    /// SND.UNA when the recovery began.
    start: SequenceNumber,
    /// SND.NXT when the recovery began.
    end: SequenceNumber,
    /// Timestamp of the first retransmission.
    timestamp: Option<u32>,
    /// Bytes that were sent again, without those that the peer has reported as received twice.
    unproved: u32,
    /// Whether data was sent again more than once, so that reports of duplicates prove nothing.
    is_ambiguous: bool,
    /// Whether data was sent again.
    has_retransmitted: bool,
    /// SND.NXT when the recovery ended. When the number is acknowledged, no more evidence is expected.
    expiry: Option<SequenceNumber>,
}

impl Recovery {
    /// Returns whether losses are repaired.
    pub(crate) fn is_active(&self) -> bool {
        match self {
            Recovery::NewReno(recovery) => recovery.is_active(),
            Recovery::Rack(recovery) => !matches!(recovery.phase, Phase::Open),
        }
    }

    /// Returns whether acknowledgments revealed the losses that are repaired.
    pub(crate) fn is_fast(&self) -> bool {
        match self {
            Recovery::NewReno(recovery) => recovery.is_active(),
            Recovery::Rack(recovery) => matches!(recovery.phase, Phase::Fast { .. }),
        }
    }

    /// Returns the state of RACK-TLP.
    pub(crate) fn rack_mut(&mut self) -> Option<&mut RackRecovery> {
        match self {
            Recovery::NewReno(_) => None,
            Recovery::Rack(recovery) => Some(recovery),
        }
    }

    /// Returns the state of RACK-TLP.
    pub(crate) fn rack(&self) -> Option<&RackRecovery> {
        match self {
            Recovery::NewReno(_) => None,
            Recovery::Rack(recovery) => Some(recovery),
        }
    }

    /// Returns how many bytes may be in flight, given the congestion window.
    pub(crate) fn window(&self, congestion_window: u32, segment_size: u32) -> u32 {
        match self {
            Recovery::NewReno(recovery) => recovery.window(congestion_window, segment_size),
            Recovery::Rack(_) => congestion_window,
        }
    }

    /// Returns how many bytes may be sent now, in a recovery in which each acknowledgment permits a number of bytes.
    pub(crate) fn permitted(&self) -> Option<u32> {
        match self {
            Recovery::Rack(RackRecovery { phase: Phase::Fast { permitted, .. }, .. }) => Some(*permitted),
            _ => None,
        }
    }

    /// Records the transmission of bytes.
    pub(crate) fn sent(&mut self, bytes: u32) {
        if let Recovery::Rack(RackRecovery { phase: Phase::Fast { prr, permitted, .. }, .. }) = self {
            prr.sent(bytes);
            *permitted = permitted.saturating_sub(bytes);
        }
    }

    /// Ends the recovery, because it was unnecessary.
    pub(crate) fn undo(&mut self) {
        match self {
            Recovery::NewReno(recovery) => recovery.undo(),
            Recovery::Rack(recovery) => {
                if matches!(recovery.phase, Phase::Fast { .. }) {
                    recovery.rack.reordered();
                }
                recovery.phase = Phase::Open;
            }
        }
    }
}

impl Phase {
    /// Returns the sequence number up to which an acknowledgment ends the recovery.
    pub(crate) fn end(&self) -> Option<SequenceNumber> {
        match self {
            Phase::Open => None,
            Phase::Fast { end, .. } | Phase::Timeout { end } => Some(*end),
        }
    }
}

impl Undo {
    /// Creates the evidence at the start of a recovery. `start` is SND.UNA, and `end` is SND.NXT.
    pub(crate) fn new(start: SequenceNumber, end: SequenceNumber) -> Undo {
        Undo {
            start,
            end,
            timestamp: None,
            unproved: 0,
            is_ambiguous: false,
            has_retransmitted: false,
            expiry: None,
        }
    }

    /// Records that bytes are sent again, with this timestamp. `is_repeated` if they were sent more than once before.
    pub(crate) fn sent_again(&mut self, bytes: u32, timestamp: Option<u32>, is_repeated: bool) {
        // RFC 3522 3.2 (2): "Set a "RetransmitTS" variable to the value of the Timestamp Value field of the Timestamps
        // option included in the retransmit sent when loss recovery is initiated." The value is not "overwritten as loss
        // recovery progresses".
        // spec: rfc3522-first
        if !self.has_retransmitted {
            (self.has_retransmitted, self.timestamp) = (true, timestamp);
        }
        self.unproved = self.unproved.saturating_add(bytes);
        // RFC 3708 3 (A.3): "If the segment was retransmitted more than once processing of this DSACK MUST be terminated and
        // the congestion control state MUST NOT be reverted to its previous state during the current window of data."
        // spec: rfc3708-once
        self.is_ambiguous |= is_repeated;
    }

    /// Records data that the peer reports as received twice. Returns whether all data that was sent again in the
    /// recovery was received twice.
    // spec: rfc3708-undo
    pub(crate) fn reported(&mut self, block: SackBlock) -> bool {
        let is_within = self.start.is_at_or_before(block.start) && block.end.is_at_or_before(self.end);
        if !is_within || !self.has_retransmitted || self.is_ambiguous {
            return false;
        }
        // RFC 3708 3 (B.1): "If all segments or chunks marked as retransmitted have also been marked as acknowledged and
        // duplicated, we conclude that all retransmissions in the previous window of data were spurious and no loss
        // occurred."
        self.unproved = self.unproved.saturating_sub(block.end.distance_from(block.start));
        self.unproved == 0
    }

    /// Returns whether an acknowledgment of new data echoes a timestamp from before the first retransmission.
    // spec: rfc3522-timestamp
    pub(crate) fn is_echo_older(&self, echo: u32) -> bool {
        self.timestamp
            .is_some_and(|timestamp| SequenceNumber::new(echo).is_before(SequenceNumber::new(timestamp)))
    }

    /// Returns whether the recovery is in progress.
    pub(crate) fn is_in_recovery(&self) -> bool {
        self.expiry.is_none()
    }

    /// Processes an acknowledgment of new data. `unacknowledged` is SND.UNA, and `next` is SND.NXT. Returns whether more
    /// evidence can arrive: reports of duplicates arrive until one round trip after the recovery.
    pub(crate) fn acknowledged(&mut self, unacknowledged: SequenceNumber, next: SequenceNumber) -> bool {
        if let Some(expiry) = self.expiry {
            return unacknowledged.is_at_or_before(expiry);
        }
        self.expiry = self.end.is_at_or_before(unacknowledged).then_some(next);
        true
    }
}

#[cfg(test)]
mod tests;
