//! Round-trip times and the retransmission timeout (RFC 6298).

use std::time::Duration;

/// Estimates the round-trip time of a connection, and computes the retransmission timeout (RTO).
///
/// The caller takes no sample of a retransmitted segment, unless a timestamp says which transmission was acknowledged.
///
/// Times have a resolution of 125 nanoseconds, so that they fit into 32 bits.
#[derive(Clone, Copy, Debug)]
pub struct RttEstimator {
    /// Smoothed RTT in units, or zero before the first sample.
    smoothed: u32,
    variation: u32,
    /// Smallest sample, or `u32::MAX` before the first sample.
    minimum: u32,
    /// RTO without the doublings.
    base: u32,
    /// Smallest distance between the smoothed RTT and the RTO.
    minimum_rto: u32,
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

    /// Maximum number of doublings that matter: the RTO is at least one unit.
    const MAXIMUM_DOUBLINGS: u8 = 32;

    /// Unit of time in nanoseconds.
    const UNIT: u32 = 125;

    /// Creates an estimator without a sample. The RTO is at least `minimum_rto` longer than the smoothed RTT.
    pub fn new(minimum_rto: Duration) -> RttEstimator {
        RttEstimator {
            smoothed: 0,
            variation: 0,
            minimum: u32::MAX,
            // spec: rfc6298-initial
            // RFC 6298 2.1: "Until a round-trip time (RTT) measurement has been made for a segment sent between the
            // sender and receiver, the sender SHOULD set RTO <- 1 second".
            base: units(Self::INITIAL_RTO),
            minimum_rto: units(minimum_rto.saturating_add(Duration::from_nanos(u64::from(Self::UNIT) - 1))),
            doublings: 0,
        }
    }

    /// Takes a sample, and ends the back-off.
    pub fn sample(&mut self, rtt: Duration) {
        // Zero means that there is no sample.
        let rtt = units(rtt.min(Self::MAXIMUM_RTO)).max(1);
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
        self.base = self.smoothed.saturating_add(self.minimum_rto.max(self.variation.saturating_mul(4)));
        self.doublings = 0;
    }

    /// Returns the retransmission timeout.
    pub fn rto(&self) -> Duration {
        // spec: rfc6298-maximum
        // RFC 6298 2.5: "A maximum value MAY be placed on RTO provided it is at least 60 seconds."
        let backed_off = u64::from(self.base) << self.doublings.min(Self::MAXIMUM_DOUBLINGS);
        Duration::from_nanos(backed_off.saturating_mul(Self::UNIT.into())).min(Self::MAXIMUM_RTO)
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
            (self.base, self.doublings) = (units(Self::RTO_AFTER_LOST_SYN), 0);
        }
    }

    /// Returns the smoothed RTT.
    pub fn smoothed(&self) -> Option<Duration> {
        (self.smoothed != 0).then_some(duration(self.smoothed))
    }

    /// Returns the variation of the RTT.
    pub fn variation(&self) -> Option<Duration> {
        (self.smoothed != 0).then_some(duration(self.variation))
    }

    /// Returns the smallest sample.
    pub fn minimum(&self) -> Option<Duration> {
        (self.smoothed != 0).then_some(duration(self.minimum))
    }
}

/// Returns a duration in units. The longest duration has nine minutes.
fn units(duration: Duration) -> u32 {
    u32::try_from(duration.as_nanos() / u128::from(RttEstimator::UNIT)).unwrap_or(u32::MAX)
}

fn duration(units: u32) -> Duration {
    Duration::from_nanos(u64::from(units) * u64::from(RttEstimator::UNIT))
}

#[cfg(test)]
mod tests;
