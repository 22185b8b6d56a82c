//! Slow start and congestion avoidance of RFC 5681.

use tap::Instant;

use super::window::Window;
use super::{MAXIMUM_WINDOW, Round, WindowControl};

/// The window of RFC 5681, counted in bytes.
#[derive(Clone, Copy, Debug)]
pub struct NewReno {
    window: Window,
    /// Acknowledged bytes that count towards the next increase in congestion avoidance.
    acknowledged: u32,
    /// The window before the last reduction of the threshold.
    before_reduction: Option<Window>,
}

impl NewReno {
    /// Creates the state of a connection with this initial window in bytes.
    pub fn new(initial_window: u32) -> NewReno {
        NewReno { window: Window::new(initial_window), acknowledged: 0, before_reduction: None }
    }

    /// Lowers the threshold after a loss.
    fn lower_threshold(&mut self, round: &Round) {
        self.before_reduction = Some(self.window);
        // spec: rfc5681-timeout, rfc5681-fast-recovery
        // RFC 5681 3.1: "ssthresh = max (FlightSize / 2, 2*SMSS)".
        self.window.threshold =
            (round.in_flight / 2).max(round.segment_size.saturating_mul(2)).min(MAXIMUM_WINDOW);
    }
}

impl WindowControl for NewReno {
    fn acknowledged(&mut self, round: &Round, bytes: u32) {
        // RFC 3168 6.1.2: "The sending TCP SHOULD NOT increase the congestion window in response to the receipt of an ECN-Echo
        // ACK packet."
        // spec: rfc3168-no-growth
        if round.is_echoed {
            return;
        }
        let left = self.window.slow_start(round, bytes);
        // spec: tcp-application-limited
        if self.window.size < self.window.threshold || !round.is_window_limited {
            return;
        }
        // spec: rfc5681-avoidance, tcp-ack-division
        // RFC 5681 3.1: "When the number of bytes acknowledged reaches cwnd, then cwnd can be incremented by up to SMSS
        // bytes."
        self.acknowledged = self.acknowledged.saturating_add(left);
        if self.acknowledged >= self.window.size {
            self.acknowledged -= self.window.size;
            self.window.size = self.window.size.saturating_add(round.segment_size).min(MAXIMUM_WINDOW);
        }
    }

    fn lost(&mut self, round: &Round) {
        self.lower_threshold(round);
        (self.window.size, self.acknowledged) = (self.window.threshold, 0);
    }

    fn marked(&mut self, round: &Round) {
        // spec: rfc3168-response
        // RFC 3168 6.1.2: "the TCP source halves the congestion window "cwnd" and reduces the slow start threshold
        // "ssthresh"." The window may fall to one segment, in contrast to the threshold.
        self.lower_threshold(round);
        self.before_reduction = None;
        let half = (round.in_flight / 2).max(round.segment_size).min(MAXIMUM_WINDOW);
        (self.window.size, self.acknowledged) = (half.min(self.window.size), 0);
    }

    fn recovered(&mut self, round: &Round) {
        self.window.deflate(round);
    }

    fn timed_out(&mut self, round: &Round, is_repeated: bool) {
        // spec: rfc5681-timeout-again
        // RFC 5681 3.1: "when a TCP sender detects segment loss using the retransmission timer and the given segment has
        // already been retransmitted by way of the retransmission timer at least once, the value of ssthresh is held
        // constant."
        if !is_repeated {
            self.lower_threshold(round);
        }
        // spec: rfc5681-timeout
        // RFC 5681 3.1: "upon a timeout (as specified in [RFC2988]) cwnd MUST be set to no more than the loss window, LW,
        // which equals 1 full-sized segment".
        (self.window.size, self.acknowledged) = (round.segment_size, 0);
    }

    fn undo(&mut self) {
        if let Some(before) = self.before_reduction.take() {
            self.window.size = self.window.size.max(before.size);
            self.window.threshold = self.window.threshold.max(before.threshold);
            self.acknowledged = 0;
        }
    }

    fn resume(&mut self, _now: Instant) {}

    fn restart_after_idle(&mut self, segment_size: u32) {
        self.window.restart(segment_size);
        self.acknowledged = 0;
    }

    fn shrink_segments(&mut self, from: u32, to: u32) {
        self.window.shrink(from, to);
    }

    fn window(&self) -> u32 {
        self.window.size
    }

    fn threshold(&self) -> u32 {
        self.window.threshold
    }
}

#[cfg(test)]
mod tests;
