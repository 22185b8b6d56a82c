//! Arriving segments: the eight checks of RFC 9293 3.10.7.4.

use tap::{Frame, Instant};

use super::acceptability::is_acceptable;
use super::sequences::LocalFin;
use super::{Connection, Owed, length};
use crate::{
    CloseReason, Flags, Reception, Resources, SackBlock, Segment, SegmentFields, SegmentOutcome,
    SequenceNumber, State, TcpDropReason,
};

/// A segment while it is processed.
#[derive(Debug)]
pub(super) struct Arrival {
    /// The segment as it arrived.
    pub(super) segment: Segment,
    /// Data in the window. `None` after the receive buffer took the data.
    pub(super) data: Option<Frame>,
    /// Length of the data of each segment but the last, if the device has merged several segments.
    segment_size: Option<u16>,
    /// Sequence number of the first byte of data in the window.
    pub(super) start: SequenceNumber,
    /// Whether the segment has a FIN in the window.
    pub(super) has_fin: bool,
    /// Data before the window, which was received before.
    pub(super) duplicate: Option<SackBlock>,
    /// Whether the data fills a gap before data that was received earlier, or a part of the gap.
    pub(super) fills_gap: bool,
    pub(super) reply: Option<SegmentFields>,
    pub(super) is_progress: bool,
}

/// Reason for which the processing of a segment stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The segment was processed.
    Done,
    /// The segment is dropped.
    Drop(TcpDropReason),
}

impl Arrival {
    fn new(segment: &Segment, data: Frame) -> Arrival {
        let start = segment.sequence.plus(u32::from(segment.flags.contains(Flags::SYN)));
        Arrival {
            segment: *segment,
            segment_size: data.offload().segmentation.map(|segmentation| segmentation.size),
            data: Some(data),
            start,
            has_fin: segment.flags.contains(Flags::FIN),
            duplicate: None,
            fills_gap: false,
            reply: None,
            is_progress: false,
        }
    }

    /// Returns the length of the data in the window.
    pub(super) fn length(&self) -> u32 {
        self.data.as_ref().map_or(0, |data| length(data.len()))
    }

    /// Returns the number of segments that have arrived.
    pub(super) fn segments(&self) -> u32 {
        let count = |size: u16| length(self.segment.data_length.div_ceil(usize::from(size).max(1)));
        self.segment_size.map_or(1, count)
    }

    /// Returns the length of the longest segment of data in bytes, given the length of all data.
    pub(super) fn segment_length(&self, data: usize) -> usize {
        self.segment_size.map_or(data, |size| data.min(size.into()))
    }

    /// Cuts off the data and the FIN outside the window of `window` sequence numbers from `next` on.
    pub(super) fn trim(&mut self, next: SequenceNumber, window: u32) {
        // RFC 9293 3.10.7.4: "One could tailor actual segments to fit this assumption by trimming off any portions that
        // lie outside the window (including SYN and FIN)".
        // spec: rfc9293-trim
        let length = self.length();
        let old = if self.start.is_before(next) { next.distance_from(self.start).min(length) } else { 0 };
        let start = self.start.plus(old);
        let edge = next.plus(window);
        let kept = if start.is_before(edge) { edge.distance_from(start).min(length - old) } else { 0 };
        self.has_fin &= self.start.plus(length).is_within(next, window);
        self.start = start;
        if let Some(data) = &mut self.data
            && let (Ok(old), Ok(kept)) = (usize::try_from(old), usize::try_from(kept))
        {
            // The range is within the data, so that this does not fail.
            let _ = data.narrow(old, kept);
        }
    }
}

impl Connection {
    /// Processes a segment to this connection. `data` is the data of the segment, or the data of several segments that a
    /// device has merged.
    pub fn receive(
        &mut self,
        now: Instant,
        segment: &Segment,
        data: Frame,
        cx: &mut Resources<'_>,
    ) -> Reception {
        self.memory_level = cx.memory.level();
        let mut arrival = Arrival::new(segment, data);
        let result = match self.state {
            State::Closed => receive_when_closed(&mut arrival),
            State::SynSent => self.receive_in_syn_sent(now, &mut arrival, cx),
            _ => self.receive_in_other_state(now, &mut arrival, cx),
        };
        if let Some(frame) = arrival.data {
            cx.pool.give(frame);
        }
        self.flush_if_ended(cx);
        self.arm(now);
        let outcome = match result {
            Ok(()) | Err(Stop::Done) => SegmentOutcome::Accepted,
            Err(Stop::Drop(reason)) => SegmentOutcome::Dropped(reason),
        };
        Reception { outcome, reply: arrival.reply, is_progress: arrival.is_progress }
    }

    /// Processes a segment in a state other than CLOSED and SYN-SENT (RFC 9293 3.10.7.4).
    fn receive_in_other_state(
        &mut self,
        now: Instant,
        arrival: &mut Arrival,
        cx: &mut Resources<'_>,
    ) -> Result<(), Stop> {
        self.check_timestamp(now, arrival)?;
        self.check_sequence(now, arrival)?;
        self.check_reset(now, arrival)?;
        // Third, security: not supported.
        self.check_syn(now, arrival)?;
        self.check_acknowledgment(now, arrival, cx)?;
        self.note_mark(&arrival.segment);
        self.record_timestamp(now, &arrival.segment);
        self.note_arrival(now, arrival.segments());
        self.process_text(now, arrival, cx)
    }

    /// Returns RCV.WND: the announced window that is left.
    pub(super) fn current_window(&self) -> u32 {
        self.receive_window.length()
    }

    /// First: check the sequence number.
    fn check_sequence(&mut self, now: Instant, arrival: &mut Arrival) -> Result<(), Stop> {
        let segment = arrival.segment;
        let (next, window) = (self.receive.next, self.current_window());
        if !is_acceptable(segment.sequence, segment.sequence_length(), next, window) {
            // RFC 9293 3.10.7.4: "If the RCV.WND is zero, no segments will be acceptable, but special allowance should be
            // made to accept valid ACKs, URGs, and RSTs." RFC 9293 3.4: "A TCP receiver MUST process the RST and URG fields
            // of all incoming segments, even when the receive window is zero (MUST-66)."
            // spec: rfc9293-zero-window
            if window == 0 && segment.sequence == next {
                // The checks of RST and SYN answer these segments themselves.
                if !segment.flags.contains(Flags::RST) && !segment.flags.contains(Flags::SYN) {
                    arrival.reply = self.answer_unacceptable(now, &segment);
                }
                arrival.trim(next, window);
                return Ok(());
            }
            // RFC 9293 A.2: "There are cases where the TCP sequence number validation rules can prevent ACK fields from being
            // processed", such as "simultaneous window probes". If both sides have accepted a probe of a byte, the
            // acknowledgments of both begin at that byte, before the window.
            // spec: tcp-simultaneous-probes
            if self.is_answer_to_probe(&segment) {
                arrival.reply = self.answer_unacceptable(now, &segment);
                arrival.trim(next, window);
                return Ok(());
            }
            // RFC 9293 3.10.7.4, TIME-WAIT: "The only thing that can arrive in this state is a retransmission of the remote
            // FIN. Acknowledge it, and restart the 2 MSL timeout."
            // spec: rfc9293-time-wait-fin
            let end = segment.sequence.plus(segment.sequence_length());
            if self.state == State::TimeWait && segment.flags.contains(Flags::FIN) && end == next {
                self.timers.life = self.policy.time_wait.after(now);
            }
            arrival.reply = self.answer_unacceptable(now, &segment);
            return Err(Stop::Drop(TcpDropReason::OutsideWindow));
        }
        arrival.duplicate = self.repeated_data(&segment);
        arrival.trim(next, window);
        Ok(())
    }

    /// Returns whether a segment that begins at the byte before the window may acknowledge a probe of the peer's window.
    fn is_answer_to_probe(&self, segment: &Segment) -> bool {
        self.is_probing_window()
            && segment.sequence == self.receive.next.minus(1)
            && segment.sequence_length() <= 1
            && segment.flags.contains(Flags::ACK)
            && !segment.flags.contains(Flags::SYN)
            && !segment.flags.contains(Flags::RST)
    }

    /// Second: check the RST bit.
    fn check_reset(&mut self, now: Instant, arrival: &mut Arrival) -> Result<(), Stop> {
        if !arrival.segment.flags.contains(Flags::RST) {
            return Ok(());
        }
        // RFC 1337 3 (F1): "Ignore RST segments in TIME-WAIT state."
        if self.state == State::TimeWait {
            return Err(Stop::Drop(TcpDropReason::ResetInTimeWait));
        }
        // RFC 9293 3.10.7.4: "If the RST bit is set and the sequence number is outside the current receive window, silently
        // drop the segment." A segment that begins before the window can be acceptable because of its data.
        if arrival.segment.sequence.is_before(self.receive.next) {
            return Err(Stop::Drop(TcpDropReason::OutsideWindow));
        }
        // "If the RST bit is set and the sequence number does not exactly match the next expected sequence value, yet is
        // within the current receive window, TCP endpoints MUST send an acknowledgment (challenge ACK)". "After sending the
        // challenge ACK, TCP endpoints MUST drop the unacceptable segment and stop processing the incoming packet further."
        // spec: rfc5961-reset
        if arrival.segment.sequence != self.receive.next {
            arrival.reply = self.challenge(now);
            return Err(Stop::Drop(TcpDropReason::ResetNotAtNext));
        }
        // "If the RST bit is set and the sequence number exactly matches the next expected sequence number (RCV.NXT), then
        // TCP endpoints MUST reset the connection in the manner prescribed below according to the connection state."
        // spec: rfc9293-reset-states, rfc9293-reset-passive
        let reason = match self.state {
            // "If this connection was initiated with a passive OPEN (i.e., came from the LISTEN state), then return this
            // connection to LISTEN state and return. The user need not be informed." The owner drops the connection.
            State::SynReceived if self.is_passive() => CloseReason::Reset,
            // "If this connection was initiated with an active OPEN (i.e., came from SYN-SENT state), then the connection
            // was refused; signal the user "connection refused"."
            State::SynReceived => CloseReason::Refused,
            // "If the RST bit is set, then enter the CLOSED state, delete the TCB, and return."
            State::Closing | State::LastAck => CloseReason::Closed,
            // "Users should also receive an unsolicited general "connection reset" signal. Enter the CLOSED state, delete
            // the TCB, and return."
            _ => CloseReason::Reset,
        };
        self.end(reason);
        Err(Stop::Done)
    }

    /// Fourth: check the SYN bit.
    fn check_syn(&mut self, now: Instant, arrival: &mut Arrival) -> Result<(), Stop> {
        if !arrival.segment.flags.contains(Flags::SYN) {
            return Ok(());
        }
        // RFC 9293 3.10.7.4, SYN-RECEIVED: "If the connection was initiated with a passive OPEN, then return this
        // connection to the LISTEN state and return."
        if self.state == State::SynReceived && self.is_passive() {
            self.end(CloseReason::Reset);
            return Err(Stop::Done);
        }
        // RFC 9293 3.10.7.4: "RFC 5961 recommends that in these synchronized states, if the SYN bit is set, irrespective of
        // the sequence number, TCP endpoints MUST send a "challenge ACK" to the remote peer". "After sending the
        // acknowledgment, TCP implementations MUST drop the unacceptable segment and stop processing further."
        // spec: rfc5961-syn
        arrival.reply = self.challenge(now);
        Err(Stop::Drop(TcpDropReason::UnexpectedSyn))
    }

    /// Fifth: check the ACK field.
    fn check_acknowledgment(
        &mut self,
        now: Instant,
        arrival: &mut Arrival,
        cx: &mut Resources<'_>,
    ) -> Result<(), Stop> {
        let segment = arrival.segment;
        // RFC 9293 3.10.7.4: "if the ACK bit is off, drop the segment and return"
        // spec: rfc9293-no-ack
        if !segment.flags.contains(Flags::ACK) {
            return Err(Stop::Drop(TcpDropReason::NoAck));
        }
        let acknowledgment = segment.acknowledgment;
        if self.state == State::SynReceived {
            // RFC 9293 3.10.7.4: "If SND.UNA < SEG.ACK =< SND.NXT, then enter ESTABLISHED state and continue processing with
            // the variables below set to: SND.WND <- SEG.WND SND.WL1 <- SEG.SEQ SND.WL2 <- SEG.ACK". "If the segment
            // acknowledgment is not acceptable, form a reset segment <SEQ=SEG.ACK><CTL=RST>".
            // spec: rfc9293-ack-syn-received
            if !self.send.unacknowledged.is_before(acknowledgment)
                || !acknowledgment.is_at_or_before(self.send.next)
            {
                arrival.reply = SegmentFields::reset_for(&segment);
                return Err(Stop::Drop(TcpDropReason::UnacceptableAck));
            }
            // The segment is newer than the peer's SYN, so it sets the window below.
            self.establish(now, &segment);
            arrival.is_progress = true;
        }
        // RFC 9293 3.10.7.4: "TCP stacks that implement RFC 5961 MUST add an input check that the ACK value is acceptable
        // only if it is in the range of ((SND.UNA - MAX.SND.WND) =< SEG.ACK =< SND.NXT). All incoming segments whose ACK
        // value doesn't satisfy the above condition MUST be discarded and an ACK sent back."
        // spec: rfc5961-ack, rfc9293-ack-unsent
        let oldest = self.send.unacknowledged.minus(self.send.maximum_window);
        if acknowledgment.distance_from(oldest) > self.send.next.distance_from(oldest) {
            arrival.reply = self.challenge(now);
            let is_unsent = self.send.next.is_before(acknowledgment);
            return Err(Stop::Drop(if is_unsent {
                TcpDropReason::AckOfUnsent
            } else {
                TcpDropReason::OldAck
            }));
        }
        self.check_echo(now, &segment);
        let was_closed = self.send.window == 0;
        // "If SND.UNA < SEG.ACK =< SND.NXT, then set SND.UNA <- SEG.ACK. Any segments on the retransmission queue that are
        // thereby entirely acknowledged are removed." "If the ACK is a duplicate (SEG.ACK =< SND.UNA), it can be ignored",
        // apart from its SACK blocks and its count.
        // spec: rfc9293-ack-old
        arrival.is_progress |= self.acknowledge(now, &segment, cx);
        self.update_send_window(&segment, was_closed);
        self.check_own_fin(now)
    }

    /// Fifth, continued: changes the state if the local FIN is acknowledged.
    fn check_own_fin(&mut self, now: Instant) -> Result<(), Stop> {
        if self.send.fin != LocalFin::Acknowledged {
            return Ok(());
        }
        // spec: rfc9293-fin-acknowledged
        match self.state {
            // RFC 9293 3.10.7.4: "if the FIN segment is now acknowledged, then enter FIN-WAIT-2 and continue processing in
            // that state."
            State::FinWait1 => {
                self.state = State::FinWait2;
                self.limit_fin_wait_2(now);
                Ok(())
            }
            // "if the ACK acknowledges our FIN, then enter the TIME-WAIT state; otherwise, ignore the segment."
            State::Closing => {
                self.enter_time_wait(now);
                Ok(())
            }
            // "If our FIN is now acknowledged, delete the TCB, enter the CLOSED state, and return."
            State::LastAck => {
                self.end(CloseReason::Closed);
                Err(Stop::Done)
            }
            _ => Ok(()),
        }
    }

    /// Sixth to eighth: processes urgent pointer, data and FIN.
    pub(super) fn process_text(
        &mut self,
        now: Instant,
        arrival: &mut Arrival,
        cx: &mut Resources<'_>,
    ) -> Result<(), Stop> {
        self.check_urgent(&arrival.segment);
        let result = self.take_text(now, arrival, cx);
        self.check_fin(now, arrival);
        // RFC 5681 4.2: "The receiver SHOULD send an immediate ACK when it receives a data segment that fills in all or part
        // of a gap in the sequence space." This ACK ends the recovery of the peer. If the ACK is lost, the ACK of other data
        // of the same turn takes its place.
        // RFC 2883 4: the acknowledgment of a segment with data that was received before reports that data.
        // spec: rfc5681-duplicate-ack
        if (arrival.fills_gap || arrival.duplicate.is_some()) && self.state != State::Closed {
            arrival.reply = Some(self.acknowledgment(now, arrival.duplicate));
        }
        result
    }

    /// Sixth: check the URG bit.
    fn check_urgent(&mut self, segment: &Segment) {
        // RFC 9293 3.10.7.4: "If the URG bit is set, RCV.UP <- max(RCV.UP,SEG.UP), and signal the user that the remote side
        // has urgent data if the urgent pointer (RCV.UP) is in advance of the data consumed." In the other states:
        // "Ignore the URG."
        // spec: rfc9293-urgent-receive
        if !segment.flags.contains(Flags::URG) || !self.state.can_receive() {
            return;
        }
        let pointer = segment.sequence.plus(segment.urgent_pointer.into());
        let consumed = self.receive.next.minus(length(self.receive_buffer.readable()));
        let is_advance = self.receive.urgent.is_none_or(|known| known.is_before(pointer));
        if consumed.is_before(pointer) && is_advance {
            self.receive.urgent = Some(pointer);
        }
    }

    /// Returns the number of unread bytes up to the end of the urgent data.
    pub(super) fn unread_urgent(&self, readable: usize) -> Option<u32> {
        let consumed = self.receive.next.minus(length(readable));
        self.receive.urgent.filter(|end| consumed.is_before(*end)).map(|end| end.distance_from(consumed))
    }

    /// Eighth: check the FIN bit.
    fn check_fin(&mut self, now: Instant, arrival: &mut Arrival) {
        if self.receive.is_finished || !self.state.is_synchronized() {
            return;
        }
        if arrival.has_fin {
            let fin = arrival.segment.sequence.plus(arrival.segment.sequence_length() - 1);
            self.receive.fin.get_or_insert(fin);
        }
        // A FIN behind missing data waits for the data.
        if self.receive.fin != Some(self.receive.next) {
            // RFC 5681 4.2: "A TCP receiver SHOULD send an immediate duplicate ACK when an out-of-order segment arrives."
            // spec: rfc5681-duplicate-ack
            if arrival.has_fin && arrival.reply.is_none() {
                arrival.reply = Some(self.acknowledgment(now, None));
            }
            return;
        }
        // RFC 9293 3.10.7.4: "If the FIN bit is set, signal the user "connection closing" and return any pending RECEIVEs
        // with same message, advance RCV.NXT over the FIN, and send an acknowledgment for the FIN."
        // spec: rfc9293-fin
        self.receive.is_finished = true;
        self.receive.next = self.receive.next.plus(1);
        self.receive_window.advance(1);
        self.acknowledging.owed = Owed::Now;
        match self.state {
            // "Enter the CLOSE-WAIT state."
            State::Established => self.state = State::CloseWait,
            // "If our FIN has been ACKed (perhaps in this segment), then enter TIME-WAIT, start the time-wait timer, turn off
            // the other timers; otherwise, enter the CLOSING state." The fifth check has changed the state if so.
            State::FinWait1 => self.state = State::Closing,
            // "Enter the TIME-WAIT state. Start the time-wait timer, turn off the other timers."
            State::FinWait2 => self.enter_time_wait(now),
            // "Remain in the" state.
            _ => {}
        }
    }
}

/// Answers a segment after the end of the connection (RFC 9293 3.10.7.1).
fn receive_when_closed(arrival: &mut Arrival) -> Result<(), Stop> {
    // spec: rfc9293-closed
    arrival.reply = SegmentFields::reset_for(&arrival.segment);
    Err(Stop::Drop(TcpDropReason::Closed))
}
