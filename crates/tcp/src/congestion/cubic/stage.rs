//! A stage of congestion avoidance: the cubic function of time, and the window of a Reno sender (RFC 9438 4.2, 4.3).

use std::time::Duration;

use tap::Instant;

use crate::MAXIMUM_WINDOW;

/// Ticks in a second, as a power of two: a tick is about a microsecond.
const TICKS: u32 = 20;

/// Longest time that matters, in ticks: in 2,048 seconds, the cubic function of any segment size exceeds any window.
const MAXIMUM_TICKS: u64 = (1 << (TICKS + 11)) - 1;

/// Fraction of a byte in the estimate of a Reno window, as a power of two.
const FRACTION: u32 = 10;

/// A stage of congestion avoidance, from its first ACK to the next congestion event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stage {
    /// `t_epoch`, moved forward by the time that does not count.
    epoch: Instant,
    /// Time of the last event.
    last: Instant,
    /// K, in ticks.
    k: u32,
    /// `W_max`, in bytes.
    origin: u32,
    /// `W_est`, in bytes with a fraction.
    estimate: u64,
    /// Rest of the last growth of the window, in bytes multiplied by the window.
    rest: u64,
}

impl Stage {
    /// Starts a stage. `window` is the congestion window, and `maximum` is `W_max`, which counts if the window is below it.
    pub(super) fn new(now: Instant, window: u32, maximum: u32, segment_size: u32) -> Stage {
        // spec: rfc9438-timeout
        // RFC 9438 4.8, 4.10: without a larger W_max, "K is set to 0, and W_max is set to the congestion window size at the
        // beginning of the current congestion avoidance stage."
        let origin = maximum.max(window);
        // RFC 9438 4.3: "W_est is set equal to cwnd_epoch at the start of the congestion avoidance stage."
        let estimate = u64::from(window) << FRACTION;
        Stage { epoch: now, last: now, k: time_to(origin - window, segment_size), origin, estimate, rest: 0 }
    }

    /// Excludes the time since the last event.
    pub(super) fn skip_to(&mut self, now: Instant) {
        // spec: rfc9438-application-limited
        // RFC 9438 4.2: "The elapsed time t in Figure 1 MUST NOT include periods during which cwnd has not been updated due
        // to application-limited behavior".
        self.epoch = self.epoch + now.since(self.last);
        self.last = now;
    }

    /// Returns the congestion window after an ACK of `bytes` bytes. `rtt` is the smoothed RTT, and `prior` is `cwnd_prior`.
    pub(super) fn grow(
        &mut self,
        now: Instant,
        rtt: Duration,
        segment_size: u32,
        (window, prior): (u32, u32),
        bytes: u32,
    ) -> u32 {
        self.last = now;
        // An ACK cannot acknowledge more than the window that was in flight.
        let bytes = u64::from(bytes.min(window));
        self.grow_estimate(segment_size, window, prior, bytes);
        let estimate = u32::try_from(self.estimate >> FRACTION).unwrap_or(MAXIMUM_WINDOW);
        let elapsed = now.since(self.epoch);
        // spec: rfc9438-reno-friendly
        // RFC 9438 4.3: "CUBIC checks whether W_cubic(t) is less than W_est. If so, CUBIC is in the Reno-friendly region and
        // cwnd SHOULD be set to W_est at each reception of a new ACK."
        if self.cubic(elapsed, segment_size) < estimate {
            self.rest = 0;
            return window.max(estimate);
        }
        // spec: rfc9438-target
        // RFC 9438 4.2: the target is W_cubic(t + RTT), but at least cwnd and at most 1.5 cwnd.
        let target = self.cubic(elapsed.saturating_add(rtt), segment_size);
        let target = target.clamp(window, window.saturating_add(window / 2)).min(MAXIMUM_WINDOW.max(window));
        // spec: rfc9438-growth
        // RFC 9438 4.4, 4.5: "cwnd MUST be incremented by (target - cwnd) / cwnd for each received new ACK". An ACK counts
        // by its bytes.
        let growth = u64::from(target - window).saturating_mul(bytes).saturating_add(self.rest);
        let divisor = u64::from(window.max(1));
        self.rest = growth % divisor;
        window.saturating_add(u32::try_from(growth / divisor).unwrap_or_default()).min(target)
    }

    /// Adds the growth of a Reno sender to `W_est`.
    fn grow_estimate(&mut self, segment_size: u32, window: u32, prior: u32, bytes: u64) {
        // spec: rfc9438-reno-friendly
        // RFC 9438 4.3: "W_est = W_est + alpha_cubic * segments_acked / cwnd", with "alpha_cubic = 3 * (1 - beta_cubic) /
        // (1 + beta_cubic)". "Once W_est has grown to reach the cwnd at the time of most recently setting ssthresh -- that
        // is, W_est >= cwnd_prior -- the sender SHOULD set alpha_cubic to 1".
        let is_restored = self.estimate >> FRACTION >= u64::from(prior);
        let (numerator, denominator) = if is_restored { (1, 1) } else { (9, 17) };
        let product = bytes.saturating_mul(segment_size.into()).saturating_mul(numerator << FRACTION);
        let growth = product / (u64::from(window.max(1)) * denominator);
        self.estimate = self.estimate.saturating_add(growth).min(u64::from(MAXIMUM_WINDOW) << FRACTION);
    }

    /// Returns `W_cubic` after this time, in bytes.
    fn cubic(&self, elapsed: Duration, segment_size: u32) -> u32 {
        let elapsed = ticks(elapsed);
        let distance = u128::from(elapsed.abs_diff(self.k.into()).min(MAXIMUM_TICKS));
        // RFC 9438 4.2: "W_cubic(t) = C * (t - K)^3 + W_max", with C = 0.4 = 2 / 5 segments per second cubed. The product
        // has at most 93 + 33 bits.
        let cube = distance * distance * distance;
        let growth = ((cube * 2 * u128::from(segment_size)) >> (3 * TICKS)) / 5;
        let growth = u32::try_from(growth).unwrap_or(u32::MAX);
        if elapsed < u64::from(self.k) {
            self.origin.saturating_sub(growth)
        } else {
            self.origin.saturating_add(growth).min(MAXIMUM_WINDOW.max(self.origin))
        }
    }
}

/// Returns a time in ticks.
fn ticks(time: Duration) -> u64 {
    let fraction = (u64::from(time.subsec_nanos()) << TICKS) / 1_000_000_000;
    time.as_secs().min(MAXIMUM_TICKS).saturating_mul(1 << TICKS) + fraction
}

/// Returns the time in which the cubic function grows by this number of bytes up to its origin, in ticks.
fn time_to(bytes: u32, segment_size: u32) -> u32 {
    // spec: rfc9438-cubic
    // RFC 9438 4.2: K is the cubic root of "(W_max - cwnd_epoch) / C".
    let cube = (u128::from(bytes) * 5) << (3 * TICKS);
    cube_root(cube / (2 * u128::from(segment_size.max(1))))
}

/// Returns the cube root of a number below 2^96, rounded down.
fn cube_root(number: u128) -> u32 {
    let mut root = 0_u32;
    for bit in (0..u32::BITS).rev() {
        let candidate = root | 1 << bit;
        if u128::from(candidate).pow(3) <= number {
            root = candidate;
        }
    }
    root
}
