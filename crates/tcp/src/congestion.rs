//! Congestion control: how many bytes may be in flight.

mod cubic;
mod new_reno;
mod unlimited;
mod window;

use std::time::Duration;

use tap::Instant;

pub use self::cubic::Cubic;
pub use self::new_reno::NewReno;
pub use self::unlimited::Unlimited;
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
    /// RTT that the event has measured.
    pub sample: Option<Duration>,
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
    /// Whether the peer reports a mark of a router (RFC 3168), so that the window does not grow.
    pub is_echoed: bool,
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

    /// Processes the peer's report that a router has marked a segment because of congestion (RFC 3168 6.1.2). The caller
    /// calls this at most once in a round trip, and not in a recovery. This reduction cannot be undone.
    fn marked(&mut self, round: &Round);

    /// Processes the end of a recovery in which the window was inflated (RFC 6582).
    fn recovered(&mut self, round: &Round);

    /// Processes an expiry of the retransmission timer. `is_repeated` if the threshold was already lowered for the same
    /// loss, by a recovery or by an earlier expiry.
    fn timed_out(&mut self, round: &Round, is_repeated: bool);

    /// Restores window and threshold, after the last call of [`WindowControl::lost`] or [`WindowControl::timed_out`] that
    /// lowered the threshold has proved unnecessary. Has no effect without such a call since the last undo or mark.
    fn undo(&mut self);

    /// Processes a transmission while no data is in flight. The time without data in flight does not count for the growth
    /// of the window.
    fn resume(&mut self, now: Instant);

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
    /// RFC 9438.
    Cubic(Cubic),
    /// RFC 5681 and RFC 6582.
    NewReno(NewReno),
    /// No congestion control.
    None(Unlimited),
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
            CongestionControl::Cubic => Algorithm::Cubic(Cubic::new(window)),
            CongestionControl::NewReno => Algorithm::NewReno(NewReno::new(window)),
            CongestionControl::None => Algorithm::None(Unlimited),
        }
    }
}

/// Calls a method of the algorithm.
macro_rules! call {
    ($algorithm:expr, $control:ident => $call:expr) => {
        match $algorithm {
            Algorithm::Cubic($control) => $call,
            Algorithm::NewReno($control) => $call,
            Algorithm::None($control) => $call,
        }
    };
}

impl WindowControl for Algorithm {
    fn acknowledged(&mut self, round: &Round, bytes: u32) {
        call!(self, control => control.acknowledged(round, bytes));
    }

    fn lost(&mut self, round: &Round) {
        call!(self, control => control.lost(round));
    }

    fn marked(&mut self, round: &Round) {
        call!(self, control => control.marked(round));
    }

    fn recovered(&mut self, round: &Round) {
        call!(self, control => control.recovered(round));
    }

    fn timed_out(&mut self, round: &Round, is_repeated: bool) {
        call!(self, control => control.timed_out(round, is_repeated));
    }

    fn undo(&mut self) {
        call!(self, control => control.undo());
    }

    fn resume(&mut self, now: Instant) {
        call!(self, control => control.resume(now));
    }

    fn restart_after_idle(&mut self, segment_size: u32) {
        call!(self, control => control.restart_after_idle(segment_size));
    }

    fn shrink_segments(&mut self, from: u32, to: u32) {
        call!(self, control => control.shrink_segments(from, to));
    }

    fn window(&self) -> u32 {
        call!(self, control => control.window())
    }

    fn threshold(&self) -> u32 {
        call!(self, control => control.threshold())
    }
}

#[cfg(test)]
mod tests;
