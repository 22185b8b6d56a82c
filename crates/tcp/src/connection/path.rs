//! The path to the peer: its MTU, and ICMP errors (RFC 9293 3.9.2.2, RFC 1191, RFC 5927).

use std::time::Duration;

use tap::Instant;

use super::{Connection, HEADERS};
use crate::{CloseReason, PathProblem, SequenceNumber, State, WindowControl as _};

/// Time after a decrease of the MTU of the path in which the MTU does not increase.
const MTU_LIFETIME: Duration = Duration::from_mins(10);

impl Connection {
    /// Changes the MTU of the path, in bytes. An increase within ten minutes after a decrease has no effect: the caller may
    /// know the path MTUs of fewer peers than there are connections.
    pub fn set_mtu(&mut self, now: Instant, mtu: u16) {
        // RFC 1191 6.4: "The TCP layer must track the PMTU for the destination of a connection; it should not send datagrams
        // that would be larger than this." RFC 1191 6.3: "An upper layer MUST not retransmit datagrams in response to an
        // increase in the PMTU estimate".
        // spec: rfc1191-follow
        if self.negotiated.mtu == mtu || self.negotiated.mtu < mtu && self.is_mtu_reduced(now) {
            return;
        }
        let is_decrease = mtu < self.negotiated.mtu;
        let before = self.segment_size();
        self.negotiated.mtu = mtu;
        let after = self.segment_size();
        if let Some(transfer) = &mut self.transfer {
            transfer.congestion.shrink_segments(before, after);
            transfer.mtu_reduced_at = is_decrease.then_some(now);
        }
        self.arm(now);
    }

    /// Returns whether the MTU of the path has decreased so recently that it does not increase.
    fn is_mtu_reduced(&self, now: Instant) -> bool {
        // RFC 1191 3: "An attempt to detect an increase (by sending a datagram larger than the current estimate) MUST NOT be
        // done less than 5 minutes after a Datagram Too Big message has been received for the given destination". "We recommend
        // setting these timers at twice their minimum values (10 minutes and 2 minutes, respectively)."
        // spec: rfc1191-increase
        let reduced_at = self.transfer.as_ref().and_then(|transfer| transfer.mtu_reduced_at);
        reduced_at.is_some_and(|time| now.since(time) < MTU_LIFETIME)
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
            // The caller may have forgotten an MTU to which the connection has reduced its segments.
            if u32::from(mtu) >= longest {
                return u32::from(mtu) == longest && self.is_mtu_reduced(now);
            }
            self.set_mtu(now, mtu);
            // RFC 1191 6.4: "Alternatively, the retransmission could be done in immediate response to a notification that
            // the Path MTU has changed, but only for the specific connection specified by the Datagram Too Big message."
            // "Unlike a retransmission caused by a TCP retransmission timeout, a retransmission caused by a Datagram Too Big
            // message should not change the congestion window."
            if self.can_send() && self.send.outstanding() > self.segment_size() {
                self.lose_all();
                self.arm(now);
            }
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
