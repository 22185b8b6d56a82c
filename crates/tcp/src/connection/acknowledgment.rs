//! Acknowledgments of sent data: the retransmission timer, RTT samples, congestion control, loss detection, and the send
//! window (RFC 9293 3.10.7.4, fifth check; RFC 6298; RFC 5681; RFC 6582).

use std::time::Duration;

use tap::Instant;

use super::Connection;
use super::sequences::LocalFin;
use super::timers::NEVER;
use super::transfer::Transfer;
use crate::rack::{AckTime, duplicate_block};
use crate::recovery::{Recovery, Undo};
use crate::scoreboard::Sent;
use crate::{
    DuplicateAck, Flags, NewAck, Resources, Round, SackBlock, SackBlocks, Segment, SentMark,
    WindowControl as _,
};

/// What an acknowledgment delivers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delivered {
    /// Bytes that no earlier acknowledgment has delivered.
    pub(super) bytes: u32,
    /// Time of the last transmission of the first delivered segment.
    oldest: Option<Instant>,
    /// Mark of the segment that was sent last.
    newest: Option<SentMark>,
    /// Whether one of the segments was sent more than once.
    is_retransmitted: bool,
    /// Data that the peer has received twice.
    pub(super) duplicate: Option<SackBlock>,
}

impl Delivered {
    fn add(&mut self, sent: &Sent) {
        self.oldest = self.oldest.or(Some(sent.mark.sent_at()));
        if self.newest.is_none_or(|newest| newest.sent_at() <= sent.mark.sent_at()) {
            self.newest = Some(sent.mark);
        }
        self.is_retransmitted |= sent.is_retransmitted;
    }
}

impl Connection {
    /// Processes an acknowledgment number and SACK blocks. Returns whether new data is acknowledged.
    pub(super) fn acknowledge(&mut self, now: Instant, segment: &Segment, cx: &mut Resources<'_>) -> bool {
        let before = self.send.unacknowledged;
        let is_new = before.is_before(segment.acknowledgment);
        // A segment with data is no duplicate ACK, so it says nothing about sent data if no data is outstanding.
        let has_blocks = !segment.options.sack.as_slice().is_empty();
        if !is_new && segment.data_length > 0 && self.send.outstanding() == 0 && !has_blocks {
            return false;
        }
        let round = self.round(now);
        let data = if is_new { self.advance(segment, cx) } else { 0 };
        let bytes = self.send.unacknowledged.distance_from(before);
        let delivered = self.deliver(now, segment);
        let sample = self.sample(now, segment, data, is_new, &delivered);
        let round = Round { sample, ..round };
        let has_rack = self.transfer.as_ref().is_some_and(|transfer| transfer.recovery.rack().is_some());
        let is_restart = if has_rack {
            self.recover_by_rack(now, segment, bytes, &delivered, &round);
            true
        } else {
            self.recover_by_duplicates(now, segment, bytes, &round)
        };
        if !is_new {
            return false;
        }
        // spec: tcp-send-tuning
        let window = usize::try_from(self.congestion_window()).unwrap_or(usize::MAX);
        self.send_buffer.tune(window, self.memory_level);
        // RFC 6298 5.3: "When an ACK is received that acknowledges new data, restart the retransmission timer so that it
        // will expire after RTO seconds (for the current value of RTO)." RFC 6582 3.2 3: "For the first partial ACK that
        // arrives during fast recovery, also reset the retransmit timer."
        // spec: rfc6298-restart, rfc6298-timer
        self.timers.stalled_since =
            self.transfer.as_ref().and_then(|transfer| transfer.scoreboard.first_sent()).unwrap_or(now);
        if self.send.outstanding() == 0 {
            self.timers.retransmit = NEVER;
        } else if is_restart {
            self.timers.retransmit = now + self.rtt.rto();
        }
        self.age_evidence();
        self.schedule_tail_probe(now);
        true
    }

    /// Moves SND.UNA to the acknowledgment number. Returns the number of acknowledged bytes of data.
    fn advance(&mut self, segment: &Segment, cx: &mut Resources<'_>) -> u32 {
        let acknowledgment = segment.acknowledgment;
        let fin = self.data_end();
        let bytes = acknowledgment.distance_from(self.send.unacknowledged);
        let covers_fin = self.is_fin_outstanding() && fin.is_before(acknowledgment);
        if covers_fin {
            self.send.fin = LocalFin::Acknowledged;
        }
        let data = bytes - u32::from(covers_fin);
        self.send_buffer.acknowledge(usize::try_from(data).unwrap_or(usize::MAX));
        self.memory_level = cx.memory.level();
        self.send.unacknowledged = acknowledgment;
        // The right edge of the window stays where the peer has announced it, also if the segment does not set the window.
        self.send.window = self.send.window.saturating_sub(bytes);
        if self.send.small_end.is_before(acknowledgment) {
            self.send.small_end = acknowledgment;
        }
        self.send.urgent = self.send.urgent.filter(|end| acknowledgment.is_before(*end));
        self.send.retransmissions = 0;
        // If the window is still closed, its probes start anew.
        self.timers.is_probing = false;
        data
    }

    /// Removes the acknowledged segments from the scoreboard, and marks those that are acknowledged selectively.
    fn deliver(&mut self, now: Instant, segment: &Segment) -> Delivered {
        let (unacknowledged, next) = (self.send.unacknowledged, self.send.next);
        let oldest = unacknowledged.minus(self.send.maximum_window);
        let mut delivered = Delivered::default();
        let time = self.ack_time(now, segment);
        let Some(transfer) = &mut self.transfer else { return delivered };
        let Transfer { scoreboard, recovery, ignored_blocks, .. } = &mut **transfer;
        let mut rack = recovery.rack_mut();
        let mut deliver = |time: &AckTime, sent: &Sent| {
            delivered.add(sent);
            if let Some(recovery) = &mut rack {
                recovery.rack.delivered(time, sent);
            }
        };
        let mut bytes = scoreboard.acknowledge(unacknowledged, |sent| deliver(&time, sent));
        let mut duplicate = None;
        if self.negotiated.has_sack {
            let received = segment.options.sack;
            duplicate = duplicate_block(segment.acknowledgment, received.as_slice());
            let mut blocks = [SackBlock::default(); SackBlocks::MAX];
            let mut count = 0;
            // RFC 2018 5: "the data sender records the SACK option for future reference." A block that does not select sent
            // data is invalid, and a block of acknowledged data is old.
            // spec: rfc2018-blocks, rfc2883-range
            for block in received.iter() {
                let is_sent = block.start.is_before(block.end)
                    && oldest.is_at_or_before(block.start)
                    && block.end.is_at_or_before(next);
                if !is_sent {
                    *ignored_blocks = ignored_blocks.saturating_add(1);
                    duplicate = duplicate.filter(|duplicate| *duplicate != block);
                } else if unacknowledged.is_at_or_before(block.start)
                    && let Some(free) = blocks.get_mut(count)
                {
                    (*free, count) = (block, count + 1);
                }
            }
            let blocks = blocks.get_mut(..count).unwrap_or_default();
            blocks.sort_unstable_by_key(|block| block.start.distance_from(unacknowledged));
            // RFC 7323 4.3: the peer echoes the timestamp of the last segment in order, which says nothing about segments that
            // are out of order.
            let time = AckTime { echo: None, ..time };
            for block in blocks {
                let (selected, is_complete) = scoreboard.sack(*block, |sent| deliver(&time, sent));
                bytes = bytes.saturating_add(selected);
                *ignored_blocks = ignored_blocks.saturating_add(u32::from(!is_complete));
            }
        }
        (delivered.bytes, delivered.duplicate) = (bytes, duplicate);
        delivered
    }

    /// Takes a sample of the RTT and of the delivery rate. `data` is the number of acknowledged bytes of data. `is_new` if
    /// SND.UNA has moved. Returns the measured RTT.
    fn sample(
        &mut self,
        now: Instant,
        segment: &Segment,
        data: u32,
        is_new: bool,
        delivered: &Delivered,
    ) -> Option<Duration> {
        let echoed_age = self.echoed_age(now, segment);
        self.counts.bytes_acknowledged = self.counts.bytes_acknowledged.saturating_add(data.into());
        let transfer = self.transfer.as_mut()?;
        // RFC 6298 3: "RTT samples MUST NOT be made using segments that were retransmitted (and thus for which it is
        // ambiguous whether the reply was for the first instance of the packet or a later instance)." A timestamp removes
        // the ambiguity, unless the acknowledgment only has SACK blocks: then the peer echoes an older timestamp.
        // spec: rfc6298-karn, rfc6298-sample, rfc7323-rtt
        let rtt = match delivered.oldest {
            Some(sent_at) if !delivered.is_retransmitted => Some(now.since(sent_at)),
            Some(_) => echoed_age.filter(|_| is_new),
            None => None,
        };
        if let Some(rtt) = rtt {
            self.rtt.sample(rtt);
            if let Some(recovery) = transfer.recovery.rack_mut() {
                recovery.rack.sample(now, rtt);
                recovery.probe.sampled();
            }
        }
        // The acknowledgment of a part of a segment counts with the rest of the segment.
        match delivered.newest {
            Some(mark) => transfer.delivery.delivered(now, delivered.bytes, &mark, self.rtt.minimum()),
            None => transfer.delivery.delivered_part(delivered.bytes),
        }
        rtt
    }

    /// Detects losses by duplicate ACKs, for a peer without selective acknowledgments. `bytes` is the number of
    /// acknowledged sequence numbers. Returns whether the retransmission timer restarts.
    fn recover_by_duplicates(&mut self, now: Instant, segment: &Segment, bytes: u32, round: &Round) -> bool {
        if bytes == 0 {
            self.count_duplicate(segment, round);
            return false;
        }
        self.undo_by_timestamp(now, segment, false);
        let in_flight = self.send.outstanding();
        let Some(transfer) = &mut self.transfer else { return true };
        let Recovery::NewReno(recovery) = &mut transfer.recovery else { return true };
        transfer.is_lost_due = false;
        match recovery.acknowledged(segment.acknowledgment, bytes, round.segment_size) {
            NewAck::Normal { bytes } => {
                transfer.congestion.acknowledged(round, bytes);
                true
            }
            // RFC 6582 3.2 3: "If this ACK does *not* acknowledge all of the data up to and including recover, then this is
            // a partial ACK. In this case, retransmit the first unacknowledged segment."
            NewAck::Partial { is_first } => {
                transfer.scoreboard.lose_first();
                transfer.is_lost_due = true;
                is_first
            }
            NewAck::Complete => {
                transfer.congestion.recovered(&Round { in_flight, ..*round });
                true
            }
        }
    }

    /// Counts a segment that acknowledges nothing new, if the segment is a duplicate ACK.
    fn count_duplicate(&mut self, segment: &Segment, round: &Round) {
        if !self.is_duplicate_ack(segment) {
            return;
        }
        let (unacknowledged, next) = (self.send.unacknowledged, self.send.next);
        let Some(transfer) = &mut self.transfer else { return };
        let Recovery::NewReno(recovery) = &mut transfer.recovery else { return };
        match recovery.duplicate(unacknowledged, next, round.segment_size) {
            DuplicateAck::NewData => {}
            DuplicateAck::Retransmit => {
                if !transfer.is_reduced(unacknowledged) {
                    transfer.congestion.lost(round);
                }
                transfer.undo = Some(Undo::new(unacknowledged, next));
                transfer.scoreboard.lose_first();
                transfer.is_lost_due = true;
                self.note_reduction();
            }
        }
    }

    /// Returns whether a segment is a duplicate ACK.
    pub(super) fn is_duplicate_ack(&self, segment: &Segment) -> bool {
        // RFC 5681 2: "An acknowledgment is considered a "duplicate" in the following algorithms when (a) the receiver of
        // the ACK has outstanding data, (b) the incoming acknowledgment carries no data, (c) the SYN and FIN bits are both
        // off, (d) the acknowledgment number is equal to the greatest acknowledgment received on the given connection
        // (TCP.UNA from [RFC793]) and (e) the advertised window in the incoming acknowledgment equals the advertised window
        // in the last incoming acknowledgment."
        self.send.outstanding() > 0 && self.is_repeated_ack(segment)
    }

    /// Returns whether a segment only repeats the last acknowledgment, whether data is outstanding or not.
    pub(super) fn is_repeated_ack(&self, segment: &Segment) -> bool {
        segment.data_length == 0
            && !segment.flags.contains(Flags::FIN)
            && segment.acknowledgment == self.send.unacknowledged
            && self.scaled_window(segment) == self.send.window
            && !self.timers.is_probing
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
        if was_closed && self.send.window > 0 {
            self.lose_all();
            self.send.is_probe_due = false;
        }
    }
}

#[cfg(test)]
mod tests;
