//! Rate at which the network delivers the data of a connection.

use std::time::Duration;

use tap::Instant;

/// Measures the delivery rate of a connection: bytes that were delivered between the transmission of a segment and its
/// acknowledgment, divided by the time (Cheng et al., "Delivery Rate Estimation").
#[derive(Clone, Copy, Debug)]
pub struct DeliveryRate {
    /// Bytes that were delivered so far.
    delivered: u64,
    /// Time of the last delivery.
    delivered_at: Instant,
    /// Time when the segment was sent that was delivered last.
    first_sent_at: Instant,
    /// Number of delivered bytes up to which the application limits the rate. Zero if the application does not.
    limited_until: u64,
    latest: Option<RateSample>,
}

/// State of the estimator when a segment was sent. The sender keeps it with the segment.
#[derive(Clone, Copy, Debug)]
pub struct SentMark {
    sent_at: Instant,
    delivered: u64,
    delivered_at: Instant,
    first_sent_at: Instant,
    is_application_limited: bool,
}

/// Measured delivery rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateSample {
    /// Delivered bytes.
    pub bytes: u64,
    /// Time in which the bytes were delivered.
    pub interval: Duration,
    /// Whether the application had no data to send, so that the rate of the network can be higher.
    pub is_application_limited: bool,
}

impl DeliveryRate {
    /// Creates the estimator of a connection that has delivered this number of bytes.
    pub fn new(now: Instant, delivered: u64) -> DeliveryRate {
        DeliveryRate { delivered, delivered_at: now, first_sent_at: now, limited_until: 0, latest: None }
    }

    /// Returns the mark of a segment that is sent now. `in_flight` is the number of bytes in flight before the segment.
    pub fn sent(&mut self, now: Instant, in_flight: u32) -> SentMark {
        // After idle, the time before the segment does not count.
        if in_flight == 0 {
            (self.first_sent_at, self.delivered_at) = (now, now);
        }
        SentMark {
            sent_at: now,
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            first_sent_at: self.first_sent_at,
            is_application_limited: self.limited_until != 0,
        }
    }

    /// Records that the application has no more data while the congestion window has capacity. `in_flight` is the number
    /// of bytes in flight.
    pub fn limit_by_application(&mut self, in_flight: u32) {
        self.limited_until = self.delivered.saturating_add(in_flight.into()).max(1);
    }

    /// Records that `bytes` were delivered. `mark` is the mark of the last of these segments that was sent.
    /// `minimum_rtt` is the smallest RTT of the connection.
    // spec: tcp-delivery-rate
    pub fn delivered(&mut self, now: Instant, bytes: u32, mark: &SentMark, minimum_rtt: Option<Duration>) {
        self.delivered = self.delivered.saturating_add(bytes.into());
        self.delivered_at = now;
        if self.limited_until != 0 && self.delivered > self.limited_until {
            self.limited_until = 0;
        }
        self.first_sent_at = self.first_sent_at.max(mark.sent_at);
        // ACKs can arrive faster than the data was sent, and data can be sent faster than it arrives.
        let sending = mark.sent_at.since(mark.first_sent_at);
        let receiving = now.since(mark.delivered_at);
        let interval = sending.max(receiving);
        // An interval shorter than the RTT would give a rate that no path has.
        if interval.is_zero() || minimum_rtt.is_some_and(|minimum| interval < minimum) {
            return;
        }
        self.latest = Some(RateSample {
            bytes: self.delivered.saturating_sub(mark.delivered),
            interval,
            is_application_limited: mark.is_application_limited,
        });
    }

    /// Records that `bytes` of a segment were delivered, before the rest of the segment.
    pub fn delivered_part(&mut self, bytes: u32) {
        self.delivered = self.delivered.saturating_add(bytes.into());
    }

    /// Returns the number of bytes that were delivered so far.
    pub fn total(&self) -> u64 {
        self.delivered
    }

    /// Returns the last measured rate.
    pub fn latest(&self) -> Option<RateSample> {
        self.latest
    }
}

impl SentMark {
    /// Returns the time when the segment was sent.
    pub fn sent_at(&self) -> Instant {
        self.sent_at
    }
}

impl RateSample {
    /// Returns the rate in bytes per second.
    pub fn bytes_per_second(&self) -> u64 {
        let nanoseconds = self.interval.as_nanos().max(1);
        u64::try_from(u128::from(self.bytes) * 1_000_000_000 / nanoseconds).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests;
