//! Probes for the loss of the last segments (RFC 8985 7, TLP).

use std::time::Duration;

use crate::SequenceNumber;

/// Sends one segment if an acknowledgment is overdue, so that the answer reveals the losses before the retransmission timer
/// expires.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TailLossProbe {
    /// `TLP.end_seq`: SND.NXT when the outstanding probe was sent.
    end: Option<SequenceNumber>,
    /// `TLP.is_retrans`: whether the outstanding probe is a retransmission.
    is_retransmission: bool,
    /// Whether the RTT was sampled since the last probe.
    has_sample: bool,
    /// Whether a probe is due.
    pub(crate) is_due: bool,
}

/// Acknowledgment of data while a probe may be outstanding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProbeAck {
    pub(crate) acknowledgment: SequenceNumber,
    /// Whether the acknowledgment reports the end of the probe as received twice.
    pub(crate) is_duplicate_report: bool,
    /// Whether the acknowledgment is a duplicate ACK without SACK blocks.
    pub(crate) is_duplicate_ack: bool,
}

/// Interval before the first sample of the RTT.
const INITIAL_INTERVAL: Duration = Duration::from_secs(1);

/// `TLP.max_ack_delay`: time for which the peer may delay the acknowledgment of one segment.
const MAXIMUM_ACK_DELAY: Duration = Duration::from_millis(40);

/// Time for the processing of an acknowledgment in both hosts. A shorter RTT is no reason for an earlier probe.
const PROCESSING: Duration = Duration::from_millis(2);

impl TailLossProbe {
    /// Creates the state of a connection without a probe.
    pub(crate) fn new() -> TailLossProbe {
        TailLossProbe { end: None, is_retransmission: false, has_sample: true, is_due: false }
    }

    /// Returns the time from the last progress to the probe.
    pub(crate) fn interval(smoothed_rtt: Option<Duration>, is_single: bool) -> Duration {
        // RFC 8985 7.2: "If SRTT is available: PTO = 2 * SRTT. If FlightSize is one segment: PTO += TLP.max_ack_delay. Else:
        // PTO = 1 sec".
        // spec: rfc8985-probe-interval
        let Some(rtt) = smoothed_rtt else { return INITIAL_INTERVAL };
        rtt.saturating_mul(2).saturating_add(if is_single { MAXIMUM_ACK_DELAY } else { PROCESSING })
    }

    /// Returns whether a probe may be sent.
    pub(crate) fn is_permitted(&self) -> bool {
        // RFC 8985 7.3: "First, there is no other previous loss probe still in flight." "Second, the sender has obtained an RTT
        // measurement since the last loss probe transmission or the start of the connection".
        // spec: rfc8985-probe-conditions
        self.end.is_none() && self.has_sample
    }

    /// Records that the RTT was sampled.
    pub(crate) fn sampled(&mut self) {
        self.has_sample = true;
    }

    /// Records the transmission of a probe. `next` is SND.NXT after the transmission.
    pub(crate) fn sent(&mut self, next: SequenceNumber, is_retransmission: bool) {
        *self = TailLossProbe { end: Some(next), is_retransmission, has_sample: false, is_due: false };
    }

    /// Processes an acknowledgment. Returns whether the probe has repaired a loss.
    pub(crate) fn acknowledged(&mut self, ack: ProbeAck) -> bool {
        self.is_due = false;
        let Some(end) = self.end.filter(|end| end.is_at_or_before(ack.acknowledgment)) else { return false };
        // RFC 8985 7.4.2: "If not TLP.is_retrans: TLP.end_seq = None. Else if ACK has a DSACK option matching TLP.end_seq:
        // TLP.end_seq = None. Else If ACK's ack. number > TLP.end_seq: TLP.end_seq = None (Invoke congestion control to react
        // to the loss event the probe has repaired). Else If ACK is a DupAck without any SACK option: TLP.end_seq = None".
        // spec: rfc8985-probe-repaired
        let is_spurious = !self.is_retransmission || ack.is_duplicate_report;
        let is_repaired = !is_spurious && end.is_before(ack.acknowledgment);
        if is_spurious || is_repaired || ack.is_duplicate_ack {
            self.end = None;
        }
        is_repaired
    }

    /// Returns whether `end` is the end of the outstanding probe.
    pub(crate) fn ends_at(&self, end: SequenceNumber) -> bool {
        self.end == Some(end)
    }

    /// Ends the probing, because a recovery begins.
    // spec: rfc8985-probe-reset
    pub(crate) fn reset(&mut self) {
        (self.end, self.is_due) = (None, false);
    }
}

#[cfg(test)]
mod tests;
