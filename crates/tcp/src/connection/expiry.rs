//! What a connection does by itself: retransmissions, window probes, delayed acknowledgments, keep-alives, and the ends of
//! FIN-WAIT-2 and TIME-WAIT.

use std::time::Duration;

use tap::Instant;

use super::timers::NEVER;
use super::{Connection, Owed};
use crate::{CloseReason, Resources, RttEstimator, State};

/// Number of retransmissions after which the user learns about the delay (RFC 9293 3.8.3, R1).
pub(super) const DELAYED_AFTER: u8 = 3;

/// Number of retransmissions of data that end a connection without a user timeout (RFC 9293 3.8.3, R2), as in Linux.
const MAXIMUM_RETRANSMISSIONS: u8 = 15;

/// Number of window probes that end a connection that its user has closed, while its peer keeps the window closed. With
/// the minimum RTO, the probes take 222 seconds in total.
const MAXIMUM_ORPHAN_PROBES: u8 = 10;

/// Number of retransmissions of a SYN. The timeouts before the connection ends take 183 seconds in total.
const MAXIMUM_SYN_RETRANSMISSIONS: u8 = 7;

/// Time after which a connection ends if no device accepts its SYN: the time that the retransmissions of a SYN take.
const UNSENT_SYN: Duration = Duration::from_secs(183);

/// Time after which a connection ends if no device accepts its data, about as long as the retransmissions of data take.
const UNSENT_DATA: Duration = Duration::from_mins(15);

/// Maximum time for which small segments are held back to avoid the silly window syndrome (RFC 9293 3.8.6.2.1).
const OVERRIDE: Duration = Duration::from_millis(500);

/// Time without sent data after which the memory of the empty buffers is released.
const IDLE: Duration = Duration::from_secs(1);

impl Connection {
    /// Returns the time of the next [`Connection::poll`].
    pub fn deadline(&self) -> Option<Instant> {
        let timers = &self.timers;
        let earliest = timers.next_of_data().min(timers.acknowledge).min(timers.life).min(timers.idle);
        let earliest = earliest.min(timers.hold).min(self.give_up_at());
        (earliest != NEVER).then_some(earliest)
    }

    /// Processes the timers that have expired.
    pub fn poll(&mut self, now: Instant, cx: &mut Resources<'_>) {
        if self.timers.acknowledge <= now {
            self.timers.acknowledge = NEVER;
            self.acknowledging.owed = Owed::Now;
        }
        // RFC 9293 3.10.8: "For any state if the user timeout expires, flush all queues, signal the user "error: connection
        // aborted due to user timeout" in general and for any outstanding calls, delete the TCB, enter the CLOSED state, and
        // return."
        // spec: rfc9293-user-timeout
        if self.give_up_at() <= now {
            self.end(CloseReason::TimedOut);
        }
        if self.timers.detection <= now {
            self.expire_detection(now);
        } else if self.timers.next_of_data() <= now {
            self.expire_retransmission(now);
        }
        if self.timers.life <= now {
            self.expire_life(now);
        }
        if self.timers.idle <= now {
            self.expire_idle(now, cx);
        }
        self.flush_if_ended(cx);
        self.arm(now);
    }

    /// Processes an expiry of the retransmission timer (RFC 6298 5.4 to 5.6) or of the timer for window probes.
    fn expire_retransmission(&mut self, now: Instant) {
        let is_over = self.policy.user_timeout.is_none() && self.has_too_many_retransmissions();
        if is_over || self.has_too_many_orphan_probes() {
            return self.end(CloseReason::TimedOut);
        }
        if self.timers.is_probing {
            self.timers.window_probes = self.timers.window_probes.saturating_add(1);
            self.timers.unanswered_window_probes = self.timers.unanswered_window_probes.saturating_add(1);
            self.send.is_probe_due = true;
            self.timers.retransmit = now + self.probe_interval();
            return;
        }
        // RFC 6298 5.4: "Retransmit the earliest segment that has not been acknowledged by the TCP receiver."
        // spec: rfc6298-expiry, rfc9293-retransmission
        if self.is_syn_outstanding() {
            self.send.is_syn_due = true;
        } else {
            self.lose_by_timeout(now);
        }
        self.send.retransmissions = self.send.retransmissions.saturating_add(1);
        self.rtt.back_off();
        // RFC 6298 5.6: "Start the retransmission timer, such that it expires after RTO seconds".
        self.timers.retransmit = now + self.rtt.rto();
    }

    /// Returns whether the retransmissions, or the probes without an answer, reach the limit (RFC 9293 3.8.3, R2).
    fn has_too_many_retransmissions(&self) -> bool {
        // spec: rfc9293-retransmission-limits, rfc9293-syn-retransmission, rfc9293-zero-window-stay
        if self.timers.is_probing {
            return self.timers.unanswered_window_probes >= MAXIMUM_RETRANSMISSIONS;
        }
        let maximum =
            if self.is_syn_outstanding() { MAXIMUM_SYN_RETRANSMISSIONS } else { MAXIMUM_RETRANSMISSIONS };
        self.send.retransmissions >= maximum
    }

    /// Returns whether the user has closed the connection, and the peer has kept its window closed for too many probes.
    fn has_too_many_orphan_probes(&self) -> bool {
        // RFC 9293 3.8.6.1: "As long as the receiving TCP peer continues to send acknowledgments in response to the probe
        // segments, the sending TCP peer MUST allow the connection to stay open (MUST-37)." "The behavior is subject to the
        // implementation's resource management concerns, as noted in [41]."
        // spec: tcp-orphan-probes
        self.is_orphan && self.timers.is_probing && self.timers.window_probes >= MAXIMUM_ORPHAN_PROBES
    }

    /// Returns whether a probe of the peer's window is outstanding.
    pub(super) fn is_probing_window(&self) -> bool {
        self.timers.is_probing && self.send.outstanding() > 0
    }

    /// Returns whether no device has accepted the SYN yet.
    fn is_syn_unsent(&self) -> bool {
        self.state == State::SynSent && self.timers.retransmit == NEVER
    }

    /// Returns whether data or a FIN is due, and no device has accepted it yet.
    fn is_data_unsent(&self) -> bool {
        self.timers.retransmit == NEVER && self.timers.stalled_since != NEVER && self.can_send()
    }

    /// Returns the end of the user timeout, while a SYN, data or a FIN is due or outstanding, or the peer's window is probed.
    fn give_up_at(&self) -> Instant {
        let since = self.timers.stalled_since;
        // spec: tcp-unsent
        match self.policy.user_timeout {
            Some(timeout)
                if self.timers.retransmit != NEVER || self.is_syn_unsent() || self.is_data_unsent() =>
            {
                timeout.after(since)
            }
            None if self.is_syn_unsent() => since + UNSENT_SYN,
            None if self.is_data_unsent() => since + UNSENT_DATA,
            _ => NEVER,
        }
    }

    /// Returns the time until the next probe of the window.
    fn probe_interval(&self) -> Duration {
        // RFC 9293 3.8.6.2.1: "The override timeout should be in the range 0.1 - 1.0 seconds. It may be convenient to
        // combine this timer with the timer used to probe zero windows".
        // spec: tcp-sws-override
        if self.send.window > 0 && self.send.outstanding() == 0 {
            return self.rtt.rto().min(OVERRIDE);
        }
        // RFC 9293 3.8.6.1: "The transmitting host SHOULD send the first zero-window probe when a zero window has existed
        // for the retransmission timeout period (SHLD-29) (Section 3.8.1), and SHOULD increase exponentially the
        // interval between successive probes (SHLD-30)."
        // spec: rfc9293-zero-window-probe
        let doublings = u32::from(self.timers.window_probes.min(16));
        self.rtt.rto().saturating_mul(1 << doublings).min(RttEstimator::MAXIMUM_RTO)
    }

    /// Starts and stops the timers as the state requires. Called after each change of the connection.
    pub(super) fn arm(&mut self, now: Instant) {
        if self.timers.hold <= now {
            self.timers.hold = NEVER;
        }
        self.arm_idle(now);
        match self.state {
            State::Closed | State::FinWait2 | State::TimeWait => {
                self.timers.stop_retransmission();
            }
            State::SynSent | State::SynReceived => {}
            _ => self.arm_for_data(now),
        }
        self.note_activity(now);
    }

    /// Starts the timer that releases the memory of empty buffers.
    pub(super) fn arm_idle(&mut self, now: Instant) {
        if self.timers.idle == NEVER && self.state != State::Closed && self.has_idle_memory() {
            self.timers.idle = now + IDLE;
        }
    }

    fn arm_for_data(&mut self, now: Instant) {
        let has_outstanding = self.send.outstanding() > 0;
        let has_unsent = self.unsent() > 0 || self.send.is_shut_down() && !self.is_fin_outstanding();
        if !has_outstanding && !has_unsent {
            // RFC 6298 5.2: "When all outstanding data has been acknowledged, turn off the retransmission timer."
            // spec: rfc6298-restart
            self.timers.stalled_since = NEVER;
            return self.timers.stop_retransmission();
        }
        if self.timers.stalled_since == NEVER {
            self.timers.stalled_since = now;
        }
        let is_blocked =
            self.send.window == 0 || !has_outstanding && !self.is_held() && self.plan().is_none();
        if !is_blocked {
            self.timers.window_probes = 0;
        }
        if is_blocked && !self.timers.is_probing {
            (self.timers.is_probing, self.timers.detection) = (true, NEVER);
            // The probes of an orphan count until the window opens, also if the peer accepts their data.
            if !self.is_orphan {
                self.timers.window_probes = 0;
            }
            self.timers.unanswered_window_probes = 0;
            self.timers.stalled_since = now;
            self.timers.retransmit = now + self.probe_interval();
        } else if !is_blocked && self.timers.is_probing && !self.send.is_probe_due {
            self.timers.is_probing = false;
            self.timers.retransmit = if has_outstanding { now + self.rtt.rto() } else { NEVER };
        }
    }

    /// Processes an expiry of the timer that ends FIN-WAIT-2 and TIME-WAIT and sends keep-alive probes.
    fn expire_life(&mut self, now: Instant) {
        self.timers.life = NEVER;
        match self.state {
            // RFC 9293 3.10.8: "If the time-wait timeout expires on a connection, delete the TCB, enter the CLOSED state,
            // and return."
            // spec: rfc9293-time-wait
            State::TimeWait => self.end(CloseReason::Closed),
            // spec: tcp-fin-wait-2
            State::FinWait2 if self.is_orphan => self.end(CloseReason::Closed),
            _ => self.probe_idle_peer(now),
        }
    }

    /// Returns whether an empty buffer has memory.
    fn has_idle_memory(&self) -> bool {
        self.has_idle_send_memory() || self.receive_buffer.has_idle_memory()
    }

    fn has_idle_send_memory(&self) -> bool {
        self.send_buffer.is_empty() && self.send_buffer.capacity() > 0
    }

    /// Releases the memory of each empty buffer that was not used shortly before.
    fn expire_idle(&mut self, now: Instant, cx: &mut Resources<'_>) {
        self.timers.idle = NEVER;
        // spec: tcp-buffer-idle
        if self.has_idle_send_memory() {
            let end = self.send.last_sent + IDLE;
            if now < end {
                self.timers.idle = end;
            } else {
                self.send_buffer.release(cx.memory);
            }
        }
        self.release_transfer(now);
        if self.receive_buffer.has_idle_memory() {
            let end = self.acknowledging.last_received + IDLE;
            if now < end {
                self.timers.idle = self.timers.idle.min(end);
            } else {
                self.receive_buffer.release();
            }
        }
    }

    /// Releases the state of the data in flight of an idle connection, or the records in it.
    fn release_transfer(&mut self, now: Instant) {
        // RFC 5681 4.1: "a TCP SHOULD set cwnd to no more than RW before beginning transmission if the TCP has not sent data
        // in an interval exceeding the retransmission timeout." So the window need not be kept after this time.
        // spec: tcp-idle-transfer
        let is_idle = self.send_buffer.is_empty() && self.send.outstanding() == 0;
        let Some(transfer) = self.transfer.as_mut().filter(|_| is_idle) else { return };
        let is_uneventful = transfer.is_uneventful();
        let end = self.send.last_sent + if is_uneventful { self.rtt.rto().max(IDLE) } else { IDLE };
        if now < end {
            self.timers.idle = self.timers.idle.min(end);
        } else if is_uneventful {
            self.transfer = None;
        } else {
            transfer.scoreboard.release();
        }
    }

    /// Starts the timer of keep-alive probes, if they are enabled.
    pub(super) fn start_keep_alive(&mut self, now: Instant) {
        if !self.state.is_synchronized() || self.state == State::TimeWait || self.is_orphan {
            return;
        }
        self.timers.unanswered_keep_alives = 0;
        self.timers.life = self.policy.keep_alive.as_ref().map_or(NEVER, |keep_alive| now + keep_alive.idle);
    }

    /// Sends a keep-alive probe if the connection is idle (RFC 9293 3.8.4).
    fn probe_idle_peer(&mut self, now: Instant) {
        let Some(keep_alive) = self.policy.keep_alive.as_deref().copied() else { return };
        // RFC 9293 3.8.4: "Keep-alive packets MUST only be sent when no sent data is outstanding, and no data or
        // acknowledgment packets have been received for the connection within an interval (MUST-26)."
        // spec: rfc9293-keep-alive
        if self.timers.retransmit != NEVER {
            self.timers.life = now + keep_alive.idle;
            return;
        }
        let next = self.acknowledging.last_received + keep_alive.idle;
        if self.timers.unanswered_keep_alives == 0 && now < next {
            self.timers.life = next;
            return;
        }
        if u32::from(self.timers.unanswered_keep_alives) >= keep_alive.probes {
            return self.end(CloseReason::TimedOut);
        }
        self.timers.unanswered_keep_alives = self.timers.unanswered_keep_alives.saturating_add(1);
        self.send.is_probe_due = true;
        self.timers.life = now + keep_alive.interval;
    }
}
