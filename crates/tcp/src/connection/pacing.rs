//! Pacing: data is spread over the round trip instead of sent in bursts, with a time before which no data is sent.

use std::time::Duration;

use tap::Instant;

use super::Connection;
use super::timers::NEVER;
use crate::WindowControl as _;

/// Time for which a connection sends ahead of its rate, so that one expiry of the timer permits several segments.
const BURST: Duration = Duration::from_millis(1);

impl Connection {
    /// Returns the rate of a paced connection in bytes per second. Without a sample of the RTT, nothing is paced.
    pub(super) fn pacing_rate(&self) -> Option<u64> {
        let rtt = self.rtt.smoothed().filter(|_| self.policy.has_pacing)?;
        let transfer = self.transfer.as_ref()?;
        let (window, threshold) = (transfer.congestion.window(), transfer.congestion.threshold());
        // A rate slightly above a window per round trip uses the window, and slow start doubles the window in a round trip.
        let percent = if window < threshold / 2 { 200 } else { 120 };
        let rate = u128::from(window) * percent * 10_000_000 / rtt.as_nanos().max(1);
        Some(u64::try_from(rate).unwrap_or(u64::MAX).max(1))
    }

    /// Holds further data until the rate permits it, after `length` bytes were sent.
    // spec: tcp-pacing
    pub(super) fn pace(&mut self, now: Instant, length: u32) {
        let Some(rate) = self.pacing_rate() else { return };
        let time = Duration::from_nanos(u64::from(length).saturating_mul(1_000_000_000) / rate);
        let Some(transfer) = &mut self.transfer else { return };
        transfer.paced_until = transfer.paced_until.max(now) + time;
        let wait = transfer.paced_until.since(now + BURST);
        if !wait.is_zero() {
            self.hold_until(now + wait);
        }
    }

    /// Sends no data before a time.
    pub(super) fn hold_until(&mut self, time: Instant) {
        let hold = &mut self.timers.hold;
        *hold = if *hold == NEVER { time } else { time.max(*hold) };
    }

    /// Returns whether no data is sent for now.
    pub(super) fn is_held(&self) -> bool {
        self.timers.hold != NEVER
    }
}
