//! Congestion control: how many bytes may be in flight.

mod new_reno;

use std::time::Duration;

use tap::Instant;

pub use self::new_reno::NewReno;
use crate::CongestionControl;

/// State of a connection at an event of congestion control.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Time of the event.
    pub now: Instant,
    /// Smoothed RTT. `None` before the first sample.
    pub rtt: Option<Duration>,
    /// Smallest RTT of the connection. `None` before the first sample.
    pub minimum_rtt: Option<Duration>,
    /// Bytes that were delivered before the event.
    pub delivered: u64,
    /// Largest segment in bytes of data.
    pub segment_size: u32,
    /// Bytes in flight before the event.
    pub in_flight: u32,
    /// Largest number of bytes in flight during the last round trip.
    pub maximum_in_flight: u32,
    /// Whether the congestion window was the limit of what was sent during the last round trip.
    pub is_window_limited: bool,
}

/// An algorithm of congestion control.
///
/// Loss detection and recovery are not part of an algorithm. They report what was acknowledged and lost, and the
/// algorithm determines how many bytes may be in flight.
pub trait WindowControl {
    /// Processes the acknowledgment of bytes, outside of a recovery.
    fn acknowledged(&mut self, round: &Round, bytes: u32);

    /// Processes the first loss of a recovery, which the peer's acknowledgments revealed. The window becomes the
    /// threshold.
    fn lost(&mut self, round: &Round);

    /// Processes the end of a recovery in which the window was inflated (RFC 6582).
    fn recovered(&mut self, round: &Round);

    /// Processes an expiry of the retransmission timer. `is_repeated` if the threshold was already lowered for the same
    /// loss, by a recovery or by an earlier expiry.
    fn timed_out(&mut self, round: &Round, is_repeated: bool);

    /// Restores window and threshold, after the last call of [`WindowControl::lost`] or [`WindowControl::timed_out`] that
    /// lowered the threshold has proved unnecessary. Has no effect without such a call since the last undo.
    fn undo(&mut self);

    /// Processes the end of a time longer than the retransmission timeout in which the connection sent nothing.
    fn restart_after_idle(&mut self, segment_size: u32);

    /// Processes a decrease of the segment size.
    fn shrink_segments(&mut self, from: u32, to: u32);

    /// Returns the congestion window in bytes.
    fn window(&self) -> u32;

    /// Returns the slow start threshold in bytes.
    fn threshold(&self) -> u32;
}

/// The congestion control of a connection.
#[derive(Clone, Copy, Debug)]
pub enum Algorithm {
    /// RFC 5681 and RFC 6582.
    NewReno(NewReno),
}

/// Tracks how much of the congestion window a connection uses.
#[derive(Clone, Copy, Debug, Default)]
pub struct WindowUse {
    maximum_in_flight: u32,
    is_window_limited: bool,
    /// Number of delivered bytes that ends the round trip.
    end: u64,
}

/// Maximum congestion window: the largest window that a peer can advertise.
pub const MAXIMUM_WINDOW: u32 = 65_535 << 14;

/// Returns the initial window in bytes. `lost_syns` is the number of retransmissions of a SYN or SYN,ACK.
pub fn initial_window(segment_size: u32, lost_syns: u32) -> u32 {
    // spec: rfc5681-syn-lost
    // RFC 6928 2: "it is RECOMMENDED that implementations refrain from resetting the initial window to 1 segment, unless
    // there have been more than one SYN or SYN/ACK retransmissions".
    if lost_syns > 1 {
        return segment_size;
    }
    // spec: rfc6928-initial-window
    // RFC 6928 2: "the upper bound for the initial window will be min (10*MSS, max (2*MSS, 14600))".
    segment_size.saturating_mul(10).min(segment_size.saturating_mul(2).max(14_600))
}

impl WindowUse {
    /// Records the bytes in flight after a transmission. `is_window_limited` if the congestion window is the reason why
    /// nothing more was sent. `delivered` is the number of bytes that were delivered so far.
    pub fn sent(&mut self, in_flight: u32, is_window_limited: bool, delivered: u64) {
        if delivered >= self.end
            || is_window_limited
            || !self.is_window_limited && in_flight > self.maximum_in_flight
        {
            *self = WindowUse {
                maximum_in_flight: in_flight,
                is_window_limited,
                end: delivered.saturating_add(in_flight.into()),
            };
        }
    }

    /// Returns the largest number of bytes in flight during the last round trip.
    pub fn maximum_in_flight(&self) -> u32 {
        self.maximum_in_flight
    }

    /// Returns whether the congestion window was the limit of what was sent during the last round trip.
    pub fn is_window_limited(&self) -> bool {
        self.is_window_limited
    }
}

impl Algorithm {
    /// Creates the congestion control of a connection with this initial window in bytes.
    pub fn new(kind: CongestionControl, window: u32) -> Algorithm {
        match kind {
            CongestionControl::NewReno => Algorithm::NewReno(NewReno::new(window)),
        }
    }

    /// Returns the algorithm as its trait.
    fn get(&self) -> &impl WindowControl {
        let Algorithm::NewReno(new_reno) = self;
        new_reno
    }

    fn get_mut(&mut self) -> &mut impl WindowControl {
        let Algorithm::NewReno(new_reno) = self;
        new_reno
    }
}

impl WindowControl for Algorithm {
    fn acknowledged(&mut self, round: &Round, bytes: u32) {
        self.get_mut().acknowledged(round, bytes);
    }

    fn lost(&mut self, round: &Round) {
        self.get_mut().lost(round);
    }

    fn recovered(&mut self, round: &Round) {
        self.get_mut().recovered(round);
    }

    fn timed_out(&mut self, round: &Round, is_repeated: bool) {
        self.get_mut().timed_out(round, is_repeated);
    }

    fn undo(&mut self) {
        self.get_mut().undo();
    }

    fn restart_after_idle(&mut self, segment_size: u32) {
        self.get_mut().restart_after_idle(segment_size);
    }

    fn shrink_segments(&mut self, from: u32, to: u32) {
        self.get_mut().shrink_segments(from, to);
    }

    fn window(&self) -> u32 {
        self.get().window()
    }

    fn threshold(&self) -> u32 {
        self.get().threshold()
    }
}

#[cfg(test)]
mod tests;
