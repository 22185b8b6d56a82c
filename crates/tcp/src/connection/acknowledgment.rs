//! Acknowledgments of sent data: the retransmission timer, RTT samples, congestion control, loss detection, and the send
//! window (RFC 9293 3.10.7.4, fifth check; RFC 6298; RFC 5681; RFC 6582).

use tap::Instant;

use super::Connection;
use super::sequences::LocalFin;
use super::timers::NEVER;
use crate::{DuplicateAck, Flags, NewAck, Resources, Round, Segment, SequenceNumber, WindowControl as _};

impl Connection {
    /// Processes an acknowledgment of new data.
    pub(super) fn acknowledge(&mut self, now: Instant, segment: &Segment, cx: &mut Resources<'_>) {
        let acknowledgment = segment.acknowledgment;
        let fin = self.data_end();
        let bytes = acknowledgment.distance_from(self.send.unacknowledged);
        let covers_fin = self.is_fin_outstanding() && fin.is_before(acknowledgment);
        if covers_fin {
            self.send.fin = LocalFin::Acknowledged;
        }
        let data = bytes - u32::from(covers_fin);
        let round = self.round(now);
        self.send_buffer.acknowledge(usize::try_from(data).unwrap_or(usize::MAX));
        self.memory_level = cx.memory.level();
        self.send.unacknowledged = acknowledgment;
        // The right edge of the window stays where the peer has announced it, also if the segment does not set the window.
        self.send.window = self.send.window.saturating_sub(bytes);
        if self.send.resend.is_before(acknowledgment) {
            self.send.resend = acknowledgment;
        }
        if self.send.small_end.is_before(acknowledgment) {
            self.send.small_end = acknowledgment;
        }
        self.send.urgent = self.send.urgent.filter(|end| acknowledgment.is_before(*end));
        self.send.is_first_lost = false;
        self.send.retransmissions = 0;
        // If the window is still closed, its probes start anew.
        self.timers.is_probing = false;
        self.sample(now, segment, data);
        let is_restart = self.control_congestion(acknowledgment, bytes, &round);
        // spec: tcp-send-tuning
        let window = usize::try_from(self.congestion_window()).unwrap_or(usize::MAX);
        self.send_buffer.tune(window, self.memory_level);
        // RFC 6298 5.3: "When an ACK is received that acknowledges new data, restart the retransmission timer so that it
        // will expire after RTO seconds (for the current value of RTO)." RFC 6582 3.2 3: "For the first partial ACK that
        // arrives during fast recovery, also reset the retransmit timer."
        // spec: rfc6298-restart, rfc6298-timer
        self.timers.stalled_since =
            self.transfer.as_ref().and_then(|transfer| transfer.first_sent()).unwrap_or(now);
        if self.send.outstanding() == 0 {
            self.timers.retransmit = NEVER;
        } else if is_restart {
            self.timers.retransmit = now + self.rtt.rto();
        }
    }

    /// Takes a sample of the RTT and of the delivery rate.
    fn sample(&mut self, now: Instant, segment: &Segment, data: u32) {
        let echoed_age = self.echoed_age(now, segment);
        let Some(transfer) = &mut self.transfer else { return };
        transfer.bytes_acknowledged = transfer.bytes_acknowledged.saturating_add(data.into());
        let acknowledged = transfer.remove_records(segment.acknowledgment);
        // RFC 6298 3: "RTT samples MUST NOT be made using segments that were retransmitted (and thus for which it is
        // ambiguous whether the reply was for the first instance of the packet or a later instance)." A timestamp removes
        // the ambiguity.
        // spec: rfc6298-karn, rfc6298-sample, rfc7323-rtt
        let rtt = match acknowledged.first_sent {
            Some(sent_at) if !acknowledged.is_retransmitted => Some(now.since(sent_at)),
            Some(_) => echoed_age,
            None => None,
        };
        if let Some(rtt) = rtt {
            self.rtt.sample(rtt);
        }
        // The acknowledgment of a part of a segment counts with the rest of the segment.
        if let Some(mark) = acknowledged.last_mark {
            let delivered = transfer.bytes_acknowledged.saturating_sub(transfer.delivery.total());
            let delivered = u32::try_from(delivered).unwrap_or(u32::MAX);
            transfer.delivery.delivered(now, delivered, &mark, self.rtt.minimum());
        }
    }

    /// Updates congestion control and loss detection. Returns whether the retransmission timer restarts.
    fn control_congestion(&mut self, acknowledgment: SequenceNumber, bytes: u32, round: &Round) -> bool {
        let in_flight = self.send.outstanding();
        let Some(transfer) = &mut self.transfer else { return true };
        match transfer.recovery.acknowledged(acknowledgment, bytes, round.segment_size) {
            NewAck::Normal => {
                transfer.congestion.acknowledged(round, bytes);
                true
            }
            // RFC 6582 3.2 3: "If this ACK does *not* acknowledge all of the data up to and including recover, then this is
            // a partial ACK. In this case, retransmit the first unacknowledged segment."
            NewAck::Partial { is_first } => {
                self.send.is_first_lost = true;
                is_first
            }
            NewAck::Complete => {
                transfer.congestion.recovered(&Round { in_flight, ..*round });
                true
            }
        }
    }

    /// Counts a segment that acknowledges nothing new, if the segment is a duplicate ACK.
    pub(super) fn count_duplicate(&mut self, now: Instant, segment: &Segment) {
        // RFC 5681 2: "An acknowledgment is considered a "duplicate" in the following algorithms when (a) the receiver of
        // the ACK has outstanding data, (b) the incoming acknowledgment carries no data, (c) the SYN and FIN bits are both
        // off, (d) the acknowledgment number is equal to the greatest acknowledgment received on the given connection
        // (TCP.UNA from [RFC793]) and (e) the advertised window in the incoming acknowledgment equals the advertised window
        // in the last incoming acknowledgment."
        let is_duplicate = self.send.outstanding() > 0
            && segment.data_length == 0
            && !segment.flags.contains(Flags::FIN)
            && segment.acknowledgment == self.send.unacknowledged
            && self.scaled_window(segment) == self.send.window
            && !self.timers.is_probing;
        if !is_duplicate {
            return;
        }
        let round = self.round(now);
        let (unacknowledged, next) = (self.send.unacknowledged, self.send.next);
        let Some(transfer) = &mut self.transfer else { return };
        match transfer.recovery.duplicate(unacknowledged, next, round.segment_size) {
            DuplicateAck::NewData => {}
            DuplicateAck::Retransmit => {
                transfer.congestion.lost(&round);
                self.send.is_first_lost = true;
                self.note_reduction();
            }
        }
    }

    /// Returns the window of a segment without SYN.
    fn scaled_window(&self, segment: &Segment) -> u32 {
        // RFC 9293 3.1: "The window size MUST be treated as an unsigned number, or else large window sizes will appear like
        // negative windows and TCP will not work (MUST-1). It is RECOMMENDED that implementations will reserve 32-bit
        // fields for the send and receive window sizes in the connection record and do all window computations with 32
        // bits (REC-1)."
        // spec: rfc9293-window-unsigned, rfc7323-scale-both
        u32::from(segment.window) << self.negotiated.send_shift
    }

    /// Sets the send window to the window of a segment.
    fn set_send_window(&mut self, segment: &Segment) {
        self.send.window = self.scaled_window(segment);
        self.send.maximum_window = self.send.maximum_window.max(self.send.window);
        self.send.window_sequence = segment.sequence;
    }

    /// Sets the send window if the segment is not older than the segment that set the window last.
    /// `was_closed` if the window was zero before the segment.
    pub(super) fn update_send_window(&mut self, segment: &Segment, was_closed: bool) {
        // RFC 9293 3.10.7.4: "If SND.UNA =< SEG.ACK =< SND.NXT, the send window should be updated. If (SND.WL1 < SEG.SEQ or
        // (SND.WL1 = SEG.SEQ and SND.WL2 =< SEG.ACK)), set SND.WND <- SEG.WND, set SND.WL1 <- SEG.SEQ, and set SND.WL2 <-
        // SEG.ACK."
        // SND.WL2 is never after SND.UNA, so the last condition follows from the first one.
        // spec: rfc9293-window-update
        let is_current = self.send.unacknowledged.is_at_or_before(segment.acknowledgment)
            && self.send.window_sequence.is_at_or_before(segment.sequence);
        if !is_current {
            return;
        }
        self.set_send_window(segment);
        // The peer has discarded what was sent into a closed window.
        if was_closed && self.send.window > 0 && self.send.outstanding() > 0 {
            self.send.resend = self.send.unacknowledged;
            self.send.is_probe_due = false;
        }
    }
}
