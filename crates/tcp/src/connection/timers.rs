//! The times at which a connection acts by itself.

use tap::Instant;

/// A time that never comes.
pub(super) const NEVER: Instant = Instant::from_nanos(u64::MAX);

/// The times of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timers {
    /// Time of the next retransmission or probe of the window.
    pub(super) retransmit: Instant,
    /// Time before which no data is sent, or `NEVER` if data may be sent.
    pub(super) hold: Instant,
    /// Time when a delayed acknowledgment is sent.
    pub(super) acknowledge: Instant,
    /// Time of the next keep-alive probe, or the end of FIN-WAIT-2 or TIME-WAIT.
    pub(super) life: Instant,
    /// Time when the memory of the empty buffers is released.
    pub(super) idle: Instant,
    /// Time when the user timeout began: of the last progress, or of the first transmission after it.
    pub(super) stalled_since: Instant,
    /// Number of window probes since the window closed.
    pub(super) window_probes: u8,
    /// Number of window probes since the peer sent a segment.
    pub(super) unanswered_window_probes: u8,
    /// Number of keep-alive probes since the peer sent a segment.
    pub(super) unanswered_keep_alives: u8,
    /// Whether the timer `retransmit` sends probes, because the peer's window prevents the transmission of data.
    pub(super) is_probing: bool,
}

impl Timers {
    pub(super) fn new(now: Instant) -> Timers {
        Timers {
            retransmit: NEVER,
            hold: NEVER,
            acknowledge: NEVER,
            life: NEVER,
            idle: NEVER,
            stalled_since: now,
            window_probes: 0,
            unanswered_window_probes: 0,
            unanswered_keep_alives: 0,
            is_probing: false,
        }
    }

    /// Stops all timers.
    pub(super) fn stop(&mut self) {
        (self.retransmit, self.acknowledge, self.life, self.idle) = (NEVER, NEVER, NEVER, NEVER);
        self.hold = NEVER;
        self.is_probing = false;
    }
}
