//! The handshake: segments in SYN-SENT, and the options of both SYN segments (RFC 9293 3.10.7.3).

use tap::Instant;

use super::receive::{Arrival, Stop};
use super::timers::NEVER;
use super::{Connection, DEFAULT_SEGMENT_SIZE, MINIMUM_SEGMENT_SIZE, Origin, Owed, is_ecn_setup};
use crate::{
    CloseReason, Flags, Options, Resources, Segment, SegmentFields, SequenceNumber, State, TcpDropReason,
};

/// Maximum shift of a window (RFC 7323 2.3).
const MAXIMUM_SHIFT: u8 = 14;

impl Connection {
    /// Processes a segment in SYN-SENT.
    pub(super) fn receive_in_syn_sent(
        &mut self,
        now: Instant,
        arrival: &mut Arrival,
        cx: &mut Resources<'_>,
    ) -> Result<(), Stop> {
        let segment = arrival.segment;
        let has_ack = segment.flags.contains(Flags::ACK);
        // RFC 9293 3.10.7.3, first: "If SEG.ACK =< ISS or SEG.ACK > SND.NXT, send a reset (unless the RST bit is set, if so
        // drop the segment and return) <SEQ=SEG.ACK><CTL=RST>".
        // spec: rfc9293-syn-sent-ack
        let is_acceptable = self.send.unacknowledged.is_before(segment.acknowledgment)
            && segment.acknowledgment.is_at_or_before(self.send.next);
        if has_ack && !is_acceptable {
            arrival.reply = SegmentFields::reset_for(&segment);
            return Err(Stop::Drop(TcpDropReason::UnacceptableAck));
        }
        // RFC 9293 3.10.7.3, second: "If the ACK was acceptable, then signal to the user "error: connection reset", drop
        // the segment, enter CLOSED state, delete TCB, and return. Otherwise (no ACK), drop the segment and return."
        // spec: rfc9293-syn-sent-reset
        if segment.flags.contains(Flags::RST) {
            if !has_ack {
                return Err(Stop::Drop(TcpDropReason::ResetWithoutAck));
            }
            self.end(CloseReason::Refused);
            return Err(Stop::Done);
        }
        // RFC 9293 3.10.7.3, fifth: "if neither of the SYN or RST bits is set, then drop the segment and return."
        // spec: rfc9293-syn-sent-other
        if !segment.flags.contains(Flags::SYN) {
            return Err(Stop::Drop(TcpDropReason::NoSyn));
        }
        // RFC 9293 3.10.7.3, fourth: "RCV.NXT is set to SEG.SEQ+1, IRS is set to SEG.SEQ."
        let has_ecn = self.negotiated.has_ecn && is_ecn_setup(segment.flags);
        self.negotiate(now, segment.sequence, &segment.options, has_ecn);
        // "Set the variables: SND.WND <- SEG.WND SND.WL1 <- SEG.SEQ SND.WL2 <- SEG.ACK". The window of a SYN is not
        // scaled (RFC 7323 2.2).
        // spec: rfc7323-scale-both
        self.send.window = segment.window.into();
        self.send.maximum_window = self.send.window;
        self.send.window_sequence = segment.sequence;
        if has_ack {
            // "SND.UNA should be advanced to equal SEG.ACK (if there is an ACK)". "If SND.UNA > ISS (our SYN has been
            // ACKed), change the connection state to ESTABLISHED, form an ACK segment <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
            // and send it."
            // spec: rfc9293-syn-sent-established
            self.establish(now, &segment);
            self.note_arrival(now, 1);
            self.acknowledging.owed = Owed::Now;
            arrival.is_progress = true;
            // "If there are other controls or text in the segment, then continue processing at the sixth step under
            // Section 3.10.7.4 where the URG bit is checked; otherwise, return."
            arrival.trim(self.receive.next, self.current_window());
            self.process_text(now, arrival, cx)
        } else {
            // "Otherwise, enter SYN-RECEIVED, form a SYN,ACK segment <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK> and send it."
            // spec: rfc9293-simultaneous-open
            self.state = State::SynReceived;
            self.send.is_syn_due = true;
            Ok(())
        }
    }

    /// Takes over the initial sequence number and the options of the peer's SYN.
    /// `has_ecn` if the local side and the peer use ECN.
    pub(super) fn negotiate(
        &mut self,
        now: Instant,
        sequence: SequenceNumber,
        options: &Options,
        has_ecn: bool,
    ) {
        self.receive.initial = sequence;
        self.receive.next = sequence.plus(1);
        self.receive.last_acknowledged = self.receive.next;
        let negotiated = &mut self.negotiated;
        // RFC 9293 3.7.1: "If an MSS Option is not received at connection setup, TCP implementations MUST assume a default
        // send MSS of 536 (576 - 40) for IPv4".
        // spec: rfc9293-mss-default
        negotiated.peer_segment_size =
            options.maximum_segment_size.unwrap_or(DEFAULT_SEGMENT_SIZE).max(MINIMUM_SEGMENT_SIZE);
        negotiated.has_sack &= options.sack_permitted;
        negotiated.has_ecn = has_ecn;
        // RFC 7323 2.2: "both sides MUST send Window Scale options in their <SYN> segments to enable window scaling in
        // either direction."
        negotiated.has_scale &= options.window_scale.is_some();
        // RFC 7323 2.3: "If a Window Scale option is received with a shift.cnt value larger than 14, the TCP SHOULD log
        // the error but MUST use 14 instead of the specified value."
        // spec: rfc7323-scale-limit
        negotiated.send_shift =
            options.window_scale.filter(|_| negotiated.has_scale).unwrap_or_default().min(MAXIMUM_SHIFT);
        if !negotiated.has_scale {
            negotiated.receive_shift = 0;
        }
        negotiated.has_timestamps &= options.timestamps.is_some();
        if let Some(timestamps) = options.timestamps.filter(|_| negotiated.has_timestamps) {
            self.peer_clock.set(now, timestamps.value);
        }
        self.receive_window.set_shift(self.negotiated.receive_shift);
    }

    /// Enters ESTABLISHED, after the peer has acknowledged the local SYN.
    pub(super) fn establish(&mut self, now: Instant, segment: &Segment) {
        self.state = State::Established;
        self.send.unacknowledged = self.send.initial.plus(1);
        if self.send.retransmissions == 0 && self.send.is_syn_timed {
            self.rtt.sample(now.since(self.send.last_sent));
        } else if let Some(age) = self.echoed_age(now, segment) {
            self.rtt.sample(age);
        } else if self.send.retransmissions > 0 {
            // spec: rfc6298-syn-lost
            self.rtt.end_handshake_with_lost_syn();
        }
        self.send.lost_syns = std::mem::take(&mut self.send.retransmissions);
        self.timers.retransmit = NEVER;
        self.send.small_end = self.send.unacknowledged;
        // RFC 9293 3.10.4, SYN-RECEIVED: "If no SENDs have been issued and there is no pending data to send, then form a
        // FIN segment and send it, and enter FIN-WAIT-1 state; otherwise, queue for processing after entering ESTABLISHED
        // state."
        if self.send.is_shut_down() {
            self.state = State::FinWait1;
        }
        self.start_keep_alive(now);
    }

    /// Sends the SYN again that was lost before it left the host.
    pub(crate) fn repeat_syn(&mut self) {
        self.send.is_syn_due |= self.is_syn_outstanding();
    }

    /// Returns whether the connection was opened by the peer.
    pub(super) fn is_passive(&self) -> bool {
        self.origin == Origin::Passive
    }
}
