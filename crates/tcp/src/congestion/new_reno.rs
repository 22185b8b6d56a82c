//! Slow start and congestion avoidance of RFC 5681.

use super::{MAXIMUM_WINDOW, Round, WindowControl, initial_window};

/// The window of RFC 5681, counted in bytes.
#[derive(Clone, Copy, Debug)]
pub struct NewReno {
    window: u32,
    threshold: u32,
    /// Acknowledged bytes that count towards the next increase in congestion avoidance.
    acknowledged: u32,
    /// Window and threshold before the last reduction of the threshold.
    before_reduction: Option<(u32, u32)>,
}

impl NewReno {
    /// Creates the state of a connection with this initial window in bytes.
    pub fn new(window: u32) -> NewReno {
        // spec: rfc5681-threshold
        // RFC 5681 3.1: "The initial value of ssthresh SHOULD be set arbitrarily high (e.g., to the size of the largest
        // possible advertised window)".
        NewReno {
            window: window.min(MAXIMUM_WINDOW),
            threshold: MAXIMUM_WINDOW,
            acknowledged: 0,
            before_reduction: None,
        }
    }

    /// Lowers the threshold after a loss.
    fn lower_threshold(&mut self, round: &Round) {
        self.before_reduction = Some((self.window, self.threshold));
        // spec: rfc5681-timeout, rfc5681-fast-recovery
        // RFC 5681 3.1: "ssthresh = max (FlightSize / 2, 2*SMSS)".
        self.threshold = (round.in_flight / 2).max(round.segment_size.saturating_mul(2)).min(MAXIMUM_WINDOW);
    }
}

impl WindowControl for NewReno {
    fn acknowledged(&mut self, round: &Round, bytes: u32) {
        let mut left = bytes;
        // spec: rfc5681-slow-start, tcp-ack-division, tcp-application-limited
        // RFC 5681 3.1: "The slow start algorithm is used when cwnd < ssthresh". The window grows by the acknowledged
        // bytes, because one ACK can acknowledge a burst. The window grows to twice of what was in flight, so that an
        // application that sends little does not raise the window.
        if self.window < self.threshold {
            let limit = if round.is_window_limited {
                self.threshold
            } else {
                self.threshold.min(round.maximum_in_flight.saturating_mul(2))
            };
            let growth = left.min(limit.saturating_sub(self.window));
            self.window = self.window.saturating_add(growth);
            left -= growth;
        }
        // spec: tcp-application-limited
        if self.window < self.threshold || !round.is_window_limited {
            return;
        }
        // spec: rfc5681-avoidance, tcp-ack-division
        // RFC 5681 3.1: "When the number of bytes acknowledged reaches cwnd, then cwnd can be incremented by up to SMSS
        // bytes."
        self.acknowledged = self.acknowledged.saturating_add(left);
        if self.acknowledged >= self.window {
            self.acknowledged -= self.window;
            self.window = self.window.saturating_add(round.segment_size).min(MAXIMUM_WINDOW);
        }
    }

    fn lost(&mut self, round: &Round) {
        self.lower_threshold(round);
        (self.window, self.acknowledged) = (self.threshold, 0);
    }

    fn recovered(&mut self, round: &Round) {
        // spec: rfc6582-partial
        // RFC 6582 3.2: "Set cwnd to either (1) min (ssthresh, max(FlightSize, SMSS) + SMSS) or (2) ssthresh". This is
        // (1), which avoids a burst.
        let segment = round.segment_size;
        self.window = self.threshold.min(round.in_flight.max(segment).saturating_add(segment));
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
        (self.window, self.acknowledged) = (round.segment_size, 0);
    }

    fn undo(&mut self) {
        if let Some((window, threshold)) = self.before_reduction.take() {
            (self.window, self.threshold) = (self.window.max(window), self.threshold.max(threshold));
            self.acknowledged = 0;
        }
    }

    fn restart_after_idle(&mut self, segment_size: u32) {
        // spec: rfc5681-restart
        // RFC 5681 4.1: "a TCP SHOULD set cwnd to no more than RW before beginning transmission if the TCP has not sent
        // data in an interval exceeding the retransmission timeout." RW is "min(IW,cwnd)".
        self.window = self.window.min(initial_window(segment_size, 0));
        self.acknowledged = 0;
    }

    fn shrink_segments(&mut self, from: u32, to: u32) {
        // RFC 5681 3.1: "cwnd SHOULD be reduced by the ratio of the old segment size to the new segment size."
        let ratio = |value: u32| u64::from(value) * u64::from(to) / u64::from(from.max(1));
        if to < from {
            self.window = u32::try_from(ratio(self.window)).unwrap_or(self.window).max(to);
        }
    }

    fn window(&self) -> u32 {
        self.window
    }

    fn threshold(&self) -> u32 {
        self.threshold
    }
}

#[cfg(test)]
mod tests;
