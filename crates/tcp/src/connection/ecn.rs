//! Explicit congestion notification (RFC 3168 6.1): marks of routers on received segments, and the peer's reports of marks on
//! sent segments.

use tap::Instant;

use super::Connection;
use crate::{Flags, Segment, WindowControl as _};

/// The ECN field of a datagram that supports ECN: ECT(0) (RFC 3168 5).
pub(super) const ECT_0: u8 = 0b10;

/// State of a connection that uses ECN.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EcnState {
    /// Whether acknowledgments have the flag ECE, because a received segment was marked.
    is_echoing: bool,
    /// Whether the next segment of new data has the flag CWR, because the congestion window was reduced.
    is_reduction_due: bool,
    /// Whether the segment that is processed reports a mark, so that the congestion window does not grow.
    pub(super) is_echoed: bool,
}

/// Returns whether a SYN or SYN,ACK with these flags offers or accepts ECN.
pub(crate) fn is_ecn_setup(flags: Flags) -> bool {
    // RFC 3168 6.1.1: "we call a SYN packet with the ECE and CWR flags set an "ECN-setup SYN packet"". "we call a SYN-ACK
    // packet with only the ECE flag set but the CWR flag not set an "ECN-setup SYN-ACK packet"".
    // spec: rfc3168-setup
    flags.contains(Flags::ECE) && flags.contains(Flags::CWR) != flags.contains(Flags::ACK)
}

impl Connection {
    /// Returns the flags of the local SYN or SYN,ACK for ECN.
    pub(super) fn ecn_of_syn(&mut self, is_answer: bool) -> Flags {
        // RFC 3168 6.1.1.1: "A host that receives no reply to an ECN-setup SYN within the normal SYN retransmission timeout
        // interval MAY resend the SYN and any subsequent SYN retransmissions with CWR and ECE cleared." RFC 3168 6.1.1: "A host
        // MUST NOT set ECT on data packets unless it [...] has sent no non-ECN-setup SYN".
        // spec: rfc3168-fallback, rfc3168-agreement
        if self.send.retransmissions > 0 {
            self.negotiated.has_ecn = false;
        }
        match (self.negotiated.has_ecn, is_answer) {
            (false, _) => Flags::NONE,
            (true, false) => Flags::ECE | Flags::CWR,
            (true, true) => Flags::ECE,
        }
    }

    /// Records marks and the end of their reports, after a segment has proved to be in the window.
    pub(super) fn note_mark(&mut self, segment: &Segment) {
        // RFC 3168 6.1.4: a segment without data has no mark that counts.
        if !self.negotiated.has_ecn || segment.data_length == 0 {
            return;
        }
        // RFC 3168 6.1.3: "After a TCP receiver sends an ACK packet with the ECN-Echo bit set, that TCP receiver continues to
        // set the ECN-Echo flag in all the ACK packets it sends [...] until it receives a CWR packet". "If another CE packet is
        // received by the data receiver, the receiver would once again send ACK packets with the ECN-Echo flag set."
        // spec: rfc3168-echo, rfc3168-outside-window
        if segment.flags.contains(Flags::CWR) {
            self.ecn.is_echoing = false;
        }
        self.ecn.is_echoing |= segment.is_marked;
    }

    /// Returns the flags of a segment with the report of a mark, if it is due.
    pub(super) fn with_echo(&self, flags: Flags) -> Flags {
        let is_due = self.ecn.is_echoing && flags.contains(Flags::ACK) && !flags.contains(Flags::SYN);
        if is_due { flags | Flags::ECE } else { flags }
    }

    /// Reduces the congestion window if a segment with an acceptable acknowledgment reports a mark.
    pub(super) fn check_echo(&mut self, now: Instant, segment: &Segment) {
        self.ecn.is_echoed = self.negotiated.has_ecn && segment.flags.contains(Flags::ECE);
        let round = self.round(now);
        let Some(transfer) = &mut self.transfer else { return };
        // An acknowledgment of the data after the reduction shows that the peer has received CWR, and then reports another
        // mark.
        if transfer.reduced_until.is_some_and(|end| end.is_before(segment.acknowledgment)) {
            transfer.reduced_until = None;
        }
        // RFC 3168 6.1.2: "TCP should not react to congestion indications more than once every window of data (or more loosely,
        // more than once every round-trip time)."
        // spec: rfc3168-once
        if !self.ecn.is_echoed || transfer.reduced_until.is_some() || transfer.recovery.is_active() {
            return;
        }
        let is_minimum = transfer.congestion.window() <= round.segment_size;
        transfer.congestion.marked(&round);
        self.note_reduction();
        if is_minimum {
            // RFC 3168 6.1.2: "the sending TCP MUST reset the retransmit timer on receiving the ECN-Echo packet when the
            // congestion window is one. The sending TCP will then be able to send a new packet only when the retransmit timer
            // expires."
            // spec: rfc3168-one-segment
            self.hold_until(now + self.rtt.rto());
        }
    }

    /// Records a reduction of the congestion window.
    pub(super) fn note_reduction(&mut self) {
        if !self.negotiated.has_ecn {
            return;
        }
        // RFC 3168 6.1.2: "When an ECN-Capable TCP sender reduces its congestion window for any reason (because of a retransmit
        // timeout, a Fast Retransmit, or in response to an ECN Notification), the TCP sender sets the CWR flag in the TCP
        // header of the first new data packet sent after the window reduction."
        // spec: rfc3168-reduced
        self.ecn.is_reduction_due = true;
        let next = self.send.next;
        if let Some(transfer) = &mut self.transfer {
            transfer.reduced_until = Some(next);
        }
    }

    /// Returns the flag for ECN of a segment of new data.
    pub(super) fn ecn_of_data(&self) -> Flags {
        if self.ecn.is_reduction_due { Flags::CWR } else { Flags::NONE }
    }

    /// Records that a segment of new data was sent.
    pub(super) fn reported_reduction(&mut self) {
        self.ecn.is_reduction_due = false;
    }
}
