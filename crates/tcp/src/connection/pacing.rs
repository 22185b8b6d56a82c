//! Pacing: data is spread over the round trip instead of sent in bursts, with a time before which no data is sent.

use std::time::Duration;

use tap::Instant;

use super::Connection;
use super::timers::NEVER;
use crate::{WindowControl as _, initial_window};

/// Time for which a connection sends ahead of its rate, so that one expiry of the timer permits several segments.
const BURST: Duration = Duration::from_millis(1);

impl Connection {
    /// Returns the rate of a connection that is always paced, in bytes per second.
    pub(super) fn pacing_rate(&self) -> Option<u64> {
        if self.policy.has_pacing { self.rate() } else { None }
    }

    /// Returns the rate of paced data in bytes per second. Without a sample of the RTT, nothing is paced.
    fn rate(&self) -> Option<u64> {
        let rtt = self.rtt.smoothed()?;
        let transfer = self.transfer.as_ref()?;
        let (window, threshold) = (transfer.congestion.window(), transfer.congestion.threshold());
        // A rate slightly above a window per round trip uses the window, and slow start doubles the window in a round trip.
        let percent = if window < threshold / 2 { 200 } else { 120 };
        let rate = u128::from(window) * percent * 10_000_000 / rtt.as_nanos().max(1);
        Some(u64::try_from(rate).unwrap_or(u64::MAX).max(1))
    }

    /// Returns the rate of the data that is sent now in bytes per second, or `None` if the data is not paced.
    fn current_rate(&self, now: Instant) -> Option<u64> {
        let is_spread = self.transfer.as_ref().is_some_and(|transfer| now < transfer.spread_until);
        if self.policy.has_pacing || is_spread { self.rate() } else { None }
    }

    /// Holds further data until the rate permits it, after `length` bytes were sent.
    // spec: tcp-pacing, tcp-recovery-burst
    pub(super) fn pace(&mut self, now: Instant, length: u32) {
        let Some(rate) = self.current_rate(now) else { return };
        let time = Duration::from_nanos(u64::from(length).saturating_mul(1_000_000_000) / rate);
        let Some(transfer) = &mut self.transfer else { return };
        transfer.paced_until = transfer.paced_until.max(now) + time;
        let wait = transfer.paced_until.since(now + BURST);
        if !wait.is_zero() {
            self.hold_until(now + wait);
        }
    }

    /// Returns how many bytes may be sent at once, without those that a single segment exceeds.
    // spec: tcp-pacing, tcp-superframe
    pub(super) fn paced_burst(&self, now: Instant) -> u32 {
        let (Some(rate), Some(transfer)) = (self.current_rate(now), &self.transfer) else { return u32::MAX };
        let time = (now + BURST).since(transfer.paced_until.max(now)).as_nanos();
        u32::try_from(u128::from(rate) * time / 1_000_000_000).unwrap_or(u32::MAX)
    }

    /// Spreads data over the next round trip if a recovery permits more than the initial window at once.
    ///
    /// The peer's window can stop a recovery before the lost data arrives. The acknowledgment of the lost data then permits
    /// a whole window, because little data is in flight. Such a burst would overflow the queue of a router.
    // spec: tcp-recovery-burst
    pub(super) fn spread_burst(&mut self, now: Instant) {
        let (segment_size, rtt) = (self.segment_size(), self.rtt.smoothed().unwrap_or_default());
        let unused = self.congestion_window().saturating_sub(self.pipe());
        let unsent = self.unsent();
        if let Some(transfer) = &mut self.transfer
            && let permitted = transfer.recovery.permitted().unwrap_or(unused)
            && let waiting = unsent.saturating_add(transfer.scoreboard.lost_bytes())
            && permitted.min(waiting) > initial_window(segment_size, 0)
        {
            transfer.spread_until = now + rtt;
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
