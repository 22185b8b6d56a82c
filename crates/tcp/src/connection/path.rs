//! The path to the peer: its MTU, and ICMP errors (RFC 9293 3.9.2.2, RFC 1191, RFC 5927).

use tap::Instant;

use super::{Connection, HEADERS};
use crate::{CloseReason, PathProblem, SequenceNumber, State, WindowControl as _};

impl Connection {
    /// Changes the MTU of the path, in bytes.
    pub fn set_mtu(&mut self, now: Instant, mtu: u16) {
        let before = self.segment_size();
        self.negotiated.mtu = mtu;
        let after = self.segment_size();
        if let Some(transfer) = &mut self.transfer {
            transfer.congestion.shrink_segments(before, after);
        }
        // RFC 1191 6.4: "Unlike a retransmission caused by a TCP retransmission timeout, a retransmission caused by a Datagram
        // Too Big message should not change the congestion window."
        if after < before && self.can_send() && self.send.outstanding() > after {
            self.send.resend = self.send.unacknowledged;
        }
        self.arm(now);
    }

    /// Processes an ICMP error about a sent segment with this sequence number, or an unresolved next hop. Returns whether
    /// the error concerns the connection.
    pub fn icmp_error(&mut self, now: Instant, problem: PathProblem, sequence: SequenceNumber) -> bool {
        // RFC 5927 4.1: "These implementations check that the TCP sequence number contained in the payload of the ICMP error
        // message is within the range SND.UNA =< SEG.SEQ < SND.NXT."
        // spec: rfc5927-sequence
        let is_outstanding = sequence.is_within(self.send.unacknowledged, self.send.outstanding());
        if matches!(self.state, State::Closed | State::TimeWait) || !is_outstanding {
            return false;
        }
        if let PathProblem::FragmentationNeeded { mtu } = problem {
            // spec: rfc5927-path-mtu
            let longest = self.segment_size() + u32::from(HEADERS + self.timestamps_length());
            if u32::from(mtu) >= longest {
                return false;
            }
            self.set_mtu(now, mtu);
            return true;
        }
        // RFC 9293 3.9.2.2: "Since these Unreachable messages indicate soft error conditions, a TCP implementation MUST NOT
        // abort the connection (MUST-56), and it SHOULD make the information available to the application (SHLD-25)." Codes
        // 2 to 4: "These are hard error conditions, so TCP implementations SHOULD abort the connection (SHLD-26)."
        // RFC 5927 5.2: hard errors in a synchronized state are treated as soft errors.
        // spec: rfc9293-soft-errors, rfc9293-hard-errors, rfc5927-soft
        self.soft_error = Some(problem);
        if problem.is_hard() && self.is_syn_outstanding() {
            self.end(match problem {
                PathProblem::PortUnreachable => CloseReason::Refused,
                _ => CloseReason::Unreachable,
            });
        }
        true
    }
}
