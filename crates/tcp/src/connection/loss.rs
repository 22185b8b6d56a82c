//! Loss detection and recovery with selective acknowledgments (RFC 8985, RFC 6675, RFC 6937), and the undo of unnecessary
//! recoveries (RFC 3522, RFC 3708).

use tap::Instant;

use super::Connection;
use super::acknowledgment::Delivered;
use super::timers::{Detection, NEVER};
use super::transfer::Transfer;
use crate::rack::{AckTime, Circumstances};
use crate::recovery::{Phase, RackRecovery, Recovery, Undo};
use crate::scoreboard::Verdict;
use crate::tail_loss_probe::{ProbeAck, TailLossProbe};
use crate::{Prr, Round, Segment, WindowControl as _};

impl Connection {
    /// Returns the times of an acknowledgment.
    pub(super) fn ack_time(&self, now: Instant, segment: &Segment) -> AckTime {
        let timestamps = segment.options.timestamps.filter(|_| self.negotiated.has_timestamps);
        AckTime {
            now,
            echo: timestamps.map(|timestamps| timestamps.echo),
            offset: self.negotiated.timestamp_offset,
        }
    }

    /// Detects losses by time, and continues or ends the recovery. `bytes` is the number of acknowledged sequence numbers.
    pub(super) fn recover_by_rack(
        &mut self,
        now: Instant,
        segment: &Segment,
        bytes: u32,
        delivered: &Delivered,
        round: &Round,
    ) {
        let is_new = bytes > 0;
        let is_duplicate = self.note_duplicate(bytes, delivered);
        if is_new {
            self.undo_by_timestamp(now, segment, delivered.duplicate.is_some());
        }
        self.check_tail_probe(segment, is_new, delivered, round);
        let (unacknowledged, next) = (self.send.unacknowledged, self.send.next);
        let Some(transfer) = &mut self.transfer else { return };
        let Transfer { recovery: Recovery::Rack(recovery), congestion, is_lost_due, .. } = &mut **transfer
        else {
            return;
        };
        recovery.rack.acknowledged(unacknowledged, next, is_duplicate);
        let was_recovering = !matches!(recovery.phase, Phase::Open);
        // RFC 6675 5: "An incoming cumulative ACK for a sequence number greater than RecoveryPoint signals the end of loss
        // recovery".
        // spec: rfc6675-recovery-point
        if recovery.phase.end().is_some_and(|end| end.is_at_or_before(unacknowledged)) {
            recovery.phase = Phase::Open;
            recovery.rack.recovered();
        } else if !matches!(recovery.phase, Phase::Fast { .. }) && (is_new || recovery.rack.reorderings() > 0)
        {
            // Data that was acknowledged selectively makes way for other data, and does not raise the window when it is
            // acknowledged. On a path that reorders segments, such data raises the window at once, because the window would
            // hardly grow otherwise.
            congestion.acknowledged(round, delivered.bytes);
        }
        if is_new {
            *is_lost_due = false;
        }
        let is_loss = self.detect_losses(now, delivered.bytes, round);
        self.permit(delivered.bytes, is_new && !is_loss);
        if was_recovering {
            self.spread_burst(now);
        }
    }

    /// Marks lost segments, and begins a recovery if no recovery is in progress. `delivered` is the number of bytes that the
    /// acknowledgment delivers. Returns whether a segment is lost.
    fn detect_losses(&mut self, now: Instant, delivered: u32, round: &Round) -> bool {
        let circumstances = self.circumstances();
        let (unacknowledged, next) = (self.send.unacknowledged, self.send.next);
        let Some(transfer) = &mut self.transfer else { return false };
        let is_reduced = transfer.is_reduced(unacknowledged);
        let Transfer { recovery: Recovery::Rack(recovery), scoreboard, congestion, undo, .. } =
            &mut **transfer
        else {
            return false;
        };
        let (lost, next_detection) = recovery.rack.detect(now, scoreboard, &circumstances);
        if lost > 0 && matches!(recovery.phase, Phase::Open) {
            // RFC 6675 5: "RecoveryPoint = HighData". RFC 8985 9.3: "The Proportional Rate Reduction (PRR) algorithm [RFC6937] is
            // RECOMMENDED for the specific congestion control actions taken upon the losses detected by RACK-TLP."
            // spec: rfc6675-recovery-point, rfc8985-congestion
            if !is_reduced {
                congestion.lost(round);
            }
            // Data that earlier acknowledgments have delivered is not in flight at the start of the recovery.
            let outstanding = next.distance_from(unacknowledged).saturating_sub(scoreboard.sacked_bytes());
            let prr = Prr::new(outstanding.saturating_add(delivered), congestion.threshold());
            recovery.phase = Phase::Fast { end: next, prr, permitted: 0 };
            recovery.probe.reset();
            *undo = Some(Undo::new(unacknowledged, next));
            self.note_reduction();
        }
        match next_detection {
            Some(time) => (self.timers.detection, self.timers.detects) = (time, Detection::Reordering),
            None if self.timers.detects == Detection::Reordering || !self.may_probe_tail() => {
                self.timers.detection = NEVER;
            }
            None => {}
        }
        lost > 0
    }

    /// Computes how many bytes an acknowledgment in a recovery permits to send.
    fn permit(&mut self, delivered: u32, is_safe: bool) {
        let segment_size = self.segment_size();
        if let Some(transfer) = &mut self.transfer
            && let pipe = transfer.scoreboard.pipe()
            && let Recovery::Rack(RackRecovery { phase: Phase::Fast { prr, permitted, .. }, .. }) =
                &mut transfer.recovery
        {
            *permitted = prr.acknowledged(delivered, pipe, segment_size, is_safe);
        }
    }

    fn circumstances(&self) -> Circumstances {
        let transfer = self.transfer.as_deref();
        Circumstances {
            smoothed_rtt: self.rtt.smoothed(),
            is_recovering: transfer.is_some_and(|transfer| transfer.recovery.is_active()),
            sacked_segments: transfer.map_or(0, |transfer| transfer.scoreboard.sacked_segments()),
        }
    }

    /// Counts a report of data that was received twice, and undoes a recovery that the reports prove unnecessary. `bytes` is
    /// the number of acknowledged sequence numbers. Returns whether a retransmission may be the reason of the report.
    fn note_duplicate(&mut self, bytes: u32, delivered: &Delivered) -> bool {
        let before = self.send.unacknowledged.minus(bytes);
        let Some(block) = delivered.duplicate else { return false };
        let Some(transfer) = &mut self.transfer else { return false };
        transfer.duplicate_reports = transfer.duplicate_reports.saturating_add(1);
        // RFC 3708 3 (A.4): "If the segment was not retransmitted the incoming DSACK indicates that the network duplicated the
        // segment in question." Reports that outnumber the retransmissions are such reports.
        // spec: rfc3708-network
        if transfer.duplicate_reports > transfer.retransmissions {
            return false;
        }
        // RFC 3708 3 (A.1): "If the SACK scoreboard is empty [...] and the left edge of the incoming DSACK is equal to SND.UNA,
        // processing of this DSACK MUST be terminated and the congestion control state MUST NOT be reverted during the current
        // window of data. This clause intends to cover the case when an entire window of acknowledgments have been dropped".
        // spec: rfc3708-lost-acknowledgments
        if block.start == before && transfer.scoreboard.sacked_bytes() == 0 {
            transfer.undo = None;
        }
        if transfer.undo.as_mut().is_some_and(|undo| undo.reported(block)) {
            self.undo();
        }
        true
    }

    /// Undoes a recovery if an acknowledgment of new data answers an original transmission. `is_duplicate` if the
    /// acknowledgment reports data that was received twice.
    pub(super) fn undo_by_timestamp(&mut self, now: Instant, segment: &Segment, is_duplicate: bool) {
        let is_complete = self.send.outstanding() == 0;
        let Some(echo) = self.ack_time(now, segment).echo else { return };
        let Some(transfer) = &self.transfer else { return };
        // RFC 3522 3.2 (5): "If the acceptable ACK carries a DSACK option [RFC2883], then proceed to step (DONE), else if during
        // the lifetime of the TCP connection the TCP sender has previously received an ACK with a DSACK option, or the
        // acceptable ACK does not acknowledge all outstanding data, then proceed to step (6)".
        // spec: rfc3522-lost-acknowledgments
        let is_reliable = !is_duplicate && (transfer.duplicate_reports > 0 || !is_complete);
        // While a retransmission is outstanding, another segment can be lost.
        if is_reliable
            && transfer.scoreboard.retransmitted() == 0
            && transfer.undo.is_some_and(|undo| undo.is_in_recovery() && undo.is_echo_older(echo))
        {
            self.undo();
        }
    }

    /// Ends the search for evidence if no more evidence can arrive, after new data was acknowledged.
    pub(super) fn age_evidence(&mut self) {
        let (unacknowledged, next) = (self.send.unacknowledged, self.send.next);
        if let Some(transfer) = &mut self.transfer
            && let Some(undo) = &mut transfer.undo
            && !undo.acknowledged(unacknowledged, next)
        {
            transfer.undo = None;
        }
    }

    /// Restores the congestion window and ends the recovery, because no segment was lost.
    // spec: rfc4015-restore
    fn undo(&mut self) {
        let Some(transfer) = &mut self.transfer else { return };
        transfer.congestion.undo();
        transfer.recovery.undo();
        transfer.scoreboard.restore();
        transfer.undone = transfer.undone.saturating_add(1);
        // The reduction has not happened, so that a loss in the same window reduces the window.
        transfer.reduced_until = None;
        (transfer.undo, transfer.is_lost_due) = (None, false);
    }

    /// Processes the acknowledgment of a probe for tail losses.
    fn check_tail_probe(&mut self, segment: &Segment, is_new: bool, delivered: &Delivered, round: &Round) {
        let is_duplicate_ack = !is_new && segment.options.sack.is_empty() && self.is_repeated_ack(segment);
        let unacknowledged = self.send.unacknowledged;
        let Some(transfer) = &mut self.transfer else { return };
        let is_reduced = transfer.is_reduced(unacknowledged);
        let Transfer { recovery: Recovery::Rack(RackRecovery { probe, .. }), congestion, .. } =
            &mut **transfer
        else {
            return;
        };
        let ack = ProbeAck {
            acknowledgment: segment.acknowledgment,
            is_duplicate_report: delivered.duplicate.is_some_and(|block| probe.ends_at(block.end)),
            is_duplicate_ack,
        };
        // RFC 8985 7.4.2: "The sender then SHOULD invoke a congestion control response equivalent to a fast recovery."
        if probe.acknowledged(ack) && !is_reduced {
            congestion.lost(round);
            self.note_reduction();
        }
    }

    /// Returns whether a probe for tail losses may be scheduled.
    fn may_probe_tail(&self) -> bool {
        // RFC 8985 7.2: "unless it is already in fast recovery, RTO recovery, or segments have been SACKed (i.e.,
        // RACK.segs_sacked is not zero)."
        // spec: rfc8985-probe-schedule
        self.transfer.as_ref().is_some_and(|transfer| {
            let scoreboard = &transfer.scoreboard;
            transfer.recovery.rack().is_some_and(|recovery| {
                matches!(recovery.phase, Phase::Open) && recovery.probe.is_permitted()
            }) && scoreboard.sacked_bytes() == 0
                && scoreboard.lost_bytes() == 0
                // Without data in flight, no acknowledgment is due: unsent data waits for the device.
                && scoreboard.pipe() > 0
        })
    }

    /// Schedules a probe for tail losses, after new data was sent or acknowledged.
    pub(super) fn schedule_tail_probe(&mut self, now: Instant) {
        if !self.may_probe_tail() || self.timers.is_probing {
            return;
        }
        let is_single = self.send.outstanding() <= self.segment_size();
        let interval = TailLossProbe::interval(self.rtt.smoothed(), is_single);
        // RFC 8985 7.2: "If Now() + PTO > TCP_RTO_expiration(): PTO = TCP_RTO_expiration() - Now()".
        let time = (now + interval).min(self.timers.retransmit);
        (self.timers.detection, self.timers.detects) = (time, Detection::TailLoss);
    }

    /// Processes an expiry of the timer that detects losses.
    pub(super) fn expire_detection(&mut self, now: Instant) {
        self.timers.detection = NEVER;
        let round = self.round(now);
        match self.timers.detects {
            Detection::Reordering => {
                if self.detect_losses(now, 0, &round) {
                    self.permit(0, false);
                }
                // RFC 8985 8: "When arming a RACK reordering timer or TLP PTO timer, the sender SHOULD cancel any other pending
                // timers." The retransmission timer is armed again.
                self.timers.retransmit = self.timers.retransmit.max(now + self.rtt.rto());
            }
            Detection::TailLoss => {
                let may_probe = self.may_probe_tail();
                if let Some(transfer) = &mut self.transfer
                    && let Some(recovery) = transfer.recovery.rack_mut()
                {
                    recovery.probe.is_due = may_probe;
                }
                // RFC 8985 7.3: "the sender MUST re-arm the RTO timer, not the PTO timer, if the FlightSize is not zero."
                // spec: rfc8985-probe-timer
                self.timers.retransmit = now + self.rtt.rto();
            }
        }
    }

    /// Marks the lost segments after an expiry of the retransmission timer, and begins a recovery.
    pub(super) fn lose_by_timeout(&mut self, now: Instant) {
        let (round, circumstances) = (self.round(now), self.circumstances());
        let (unacknowledged, next) = (self.send.unacknowledged, self.send.next);
        let Some(transfer) = &mut self.transfer else { return };
        let Transfer { recovery, scoreboard, congestion, undo, is_lost_due, .. } = &mut **transfer;
        // RFC 3522 3.2: "it must not be reinitiated upon subsequent timeouts for the same segment".
        let is_repeated = self.send.retransmissions > 0 || recovery.is_fast();
        congestion.timed_out(&round, is_repeated);
        if !is_repeated {
            *undo = Some(Undo::new(unacknowledged, next));
        }
        *is_lost_due = true;
        self.timers.detection = NEVER;
        match recovery {
            Recovery::NewReno(recovery) => {
                recovery.timed_out(next);
                scoreboard.lose(|_| Verdict::Lost);
            }
            Recovery::Rack(recovery) => {
                // RFC 2018 8: "the data sender SHOULD turn off all of the SACKed bits, since the timeout might indicate that the
                // data receiver has reneged." RFC 6675 5.1 permits to keep the marks unless the peer has reneged: then the
                // first segment is selectively acknowledged, but not acknowledged.
                // The timeout was necessary then, and is not undone.
                // spec: rfc2018-reneged
                if scoreboard.is_first_sacked() {
                    scoreboard.forget_sacked();
                    *undo = None;
                }
                recovery.rack.detect_at_timeout(now, scoreboard, &circumstances);
                recovery.phase = Phase::Timeout { end: next };
                recovery.probe.reset();
            }
        }
        self.note_reduction();
    }

    /// Marks all segments in the network as lost, without a reaction of congestion control.
    pub(super) fn lose_all(&mut self) {
        if let Some(transfer) = &mut self.transfer {
            transfer.scoreboard.lose(|_| Verdict::Lost);
        }
        self.timers.detection = NEVER;
    }
}
