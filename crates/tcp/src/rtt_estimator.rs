//! Round-trip times and the retransmission timeout (RFC 6298).

use std::time::Duration;

/// Estimates the round-trip time of a connection, and computes the retransmission timeout (RTO).
///
/// The caller takes no sample of a retransmitted segment, unless a timestamp says which transmission was acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct RttEstimator {
    /// Smoothed RTT in nanoseconds, or zero before the first sample.
    smoothed: u64,
    variation: u64,
    /// Smallest sample, or `u64::MAX` before the first sample.
    minimum: u64,
    /// RTO in nanoseconds, without the doublings.
    base: u64,
    /// Smallest distance between the smoothed RTT and the RTO.
    minimum_rto: u64,
    /// Number of expirations since the last sample.
    doublings: u8,
}

impl RttEstimator {
    /// RTO before the first sample.
    pub const INITIAL_RTO: Duration = Duration::from_secs(1);

    /// RTO before the first sample if a SYN was retransmitted.
    pub const RTO_AFTER_LOST_SYN: Duration = Duration::from_secs(3);

    /// Maximum RTO.
    pub const MAXIMUM_RTO: Duration = Duration::from_mins(1);

    /// Maximum number of doublings that matter: the RTO is at least one nanosecond.
    const MAXIMUM_DOUBLINGS: u8 = 40;

    /// Creates an estimator without a sample. The RTO is at least `minimum_rto` longer than the smoothed RTT.
    pub fn new(minimum_rto: Duration) -> RttEstimator {
        RttEstimator {
            smoothed: 0,
            variation: 0,
            minimum: u64::MAX,
            // spec: rfc6298-initial
            // RFC 6298 2.1: "Until a round-trip time (RTT) measurement has been made for a segment sent between the
            // sender and receiver, the sender SHOULD set RTO <- 1 second".
            base: nanoseconds(Self::INITIAL_RTO),
            minimum_rto: nanoseconds(minimum_rto),
            doublings: 0,
        }
    }

    /// Takes a sample, and ends the back-off.
    pub fn sample(&mut self, rtt: Duration) {
        // Zero means that there is no sample.
        let rtt = nanoseconds(rtt.min(Self::MAXIMUM_RTO)).max(1);
        if self.smoothed == 0 {
            // spec: rfc6298-estimator
            // RFC 6298 2.2: "When the first RTT measurement R is made, the host MUST set SRTT <- R,
            // RTTVAR <- R/2".
            (self.smoothed, self.variation) = (rtt, rtt / 2);
        } else {
            // spec: rfc6298-estimator
            // RFC 6298 2.3: "RTTVAR <- (1 - beta) * RTTVAR + beta * |SRTT - R'|",
            // "SRTT <- (1 - alpha) * SRTT + alpha * R'", "updating RTTVAR and SRTT MUST be computed in the above
            // order", "alpha=1/8 and beta=1/4".
            self.variation = self.variation - self.variation / 4 + self.smoothed.abs_diff(rtt) / 4;
            self.smoothed = (self.smoothed - self.smoothed / 8 + rtt / 8).max(1);
        }
        self.minimum = self.minimum.min(rtt);
        // spec: rfc6298-timeout
        // RFC 6298 2.3: "RTO <- SRTT + max (G, K*RTTVAR)" with K = 4. The minimum RTO takes the place of G, as in
        // Linux: the RTO then exceeds the RTT by the time for which a peer delays its ACK.
        self.base = self.smoothed.saturating_add(self.minimum_rto.max(4 * self.variation));
        self.doublings = 0;
    }

    /// Returns the retransmission timeout.
    pub fn rto(&self) -> Duration {
        // spec: rfc6298-maximum
        // RFC 6298 2.5: "A maximum value MAY be placed on RTO provided it is at least 60 seconds."
        let backed_off = self.base.saturating_mul(1 << self.doublings.min(Self::MAXIMUM_DOUBLINGS));
        Duration::from_nanos(backed_off).min(Self::MAXIMUM_RTO)
    }

    /// Doubles the RTO after the retransmission timer expired.
    pub fn back_off(&mut self) {
        // RFC 6298 5.5: "The host MUST set RTO <- RTO * 2 ("back off the timer")."
        self.doublings = self.doublings.saturating_add(1);
    }

    /// Ends the handshake in which a SYN was retransmitted. The RTO becomes three seconds if there is no sample.
    pub fn end_handshake_with_lost_syn(&mut self) {
        // RFC 6298 5.7: "If the timer expires awaiting the ACK of a SYN segment and the TCP implementation is using an
        // RTO less than 3 seconds, the RTO MUST be re-initialized to 3 seconds when data transmission begins".
        if self.smoothed == 0 {
            (self.base, self.doublings) = (nanoseconds(Self::RTO_AFTER_LOST_SYN), 0);
        }
    }

    /// Returns the smoothed RTT.
    pub fn smoothed(&self) -> Option<Duration> {
        (self.smoothed != 0).then_some(Duration::from_nanos(self.smoothed))
    }

    /// Returns the variation of the RTT.
    pub fn variation(&self) -> Option<Duration> {
        (self.smoothed != 0).then_some(Duration::from_nanos(self.variation))
    }

    /// Returns the smallest sample.
    pub fn minimum(&self) -> Option<Duration> {
        (self.smoothed != 0).then_some(Duration::from_nanos(self.minimum))
    }
}

/// Returns a duration in nanoseconds. The longest duration has 584 years.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
