//! Congestion window and slow start threshold, with the changes that all algorithms have in common.

use super::{MAXIMUM_WINDOW, Round, initial_window};

/// Congestion window and slow start threshold, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Congestion window.
    pub(super) size: u32,
    /// Slow start threshold.
    pub(super) threshold: u32,
}

impl Window {
    /// Creates the window of a connection with this initial window in bytes.
    pub(super) fn new(initial: u32) -> Window {
        // spec: rfc5681-threshold
        // RFC 5681 3.1: "The initial value of ssthresh SHOULD be set arbitrarily high (e.g., to the size of the largest
        // possible advertised window)".
        Window { size: initial.min(MAXIMUM_WINDOW), threshold: MAXIMUM_WINDOW }
    }

    /// Returns whether slow start has ended once, so that the threshold is no longer the initial one.
    pub(super) fn has_threshold(self) -> bool {
        self.threshold < MAXIMUM_WINDOW
    }

    /// Grows the window below the threshold. Returns the number of acknowledged bytes that remain for congestion avoidance.
    pub(super) fn slow_start(&mut self, round: &Round, bytes: u32) -> u32 {
        // spec: rfc5681-slow-start, rfc9438-slow-start, tcp-ack-division
        // RFC 5681 3.1: "The slow start algorithm is used when cwnd < ssthresh". The window grows by the acknowledged
        // bytes, because one ACK can acknowledge a burst.
        // spec: tcp-application-limited
        // The window grows while it is less than twice the largest flight, so that an application that sends little
        // does not raise the window.
        let is_used = round.is_window_limited || self.size < round.maximum_in_flight.saturating_mul(2);
        let below = self.threshold.saturating_sub(self.size);
        let growth = if is_used { bytes.min(below) } else { 0 };
        self.size = self.size.saturating_add(growth);
        bytes.saturating_sub(below)
    }

    /// Ends a recovery in which the window was inflated.
    pub(super) fn deflate(&mut self, round: &Round) {
        // spec: rfc6582-partial
        // RFC 6582 3.2: "Set cwnd to either (1) min (ssthresh, max(FlightSize, SMSS) + SMSS) or (2) ssthresh". This is
        // (1), which avoids a burst.
        let segment = round.segment_size;
        self.size = self.threshold.min(round.in_flight.max(segment).saturating_add(segment));
    }

    /// Reduces the window after an idle time.
    pub(super) fn restart(&mut self, segment_size: u32) {
        // spec: rfc5681-restart
        // RFC 5681 4.1: "a TCP SHOULD set cwnd to no more than RW before beginning transmission if the TCP has not sent
        // data in an interval exceeding the retransmission timeout." RW is "min(IW,cwnd)".
        self.size = self.size.min(initial_window(segment_size, 0));
    }

    /// Reduces the window for smaller segments.
    pub(super) fn shrink(&mut self, from: u32, to: u32) {
        // RFC 5681 3.1: "cwnd SHOULD be reduced by the ratio of the old segment size to the new segment size."
        if to < from {
            let size = u64::from(self.size) * u64::from(to) / u64::from(from);
            self.size = u32::try_from(size).unwrap_or(self.size).max(to);
        }
    }
}
