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
    /// Time of the next detection of losses, which takes the place of `retransmit`.
    pub(super) detection: Instant,
    /// Time when a delayed acknowledgment is sent.
    pub(super) acknowledge: Instant,
    /// Time of the next keep-alive probe, or the end of FIN-WAIT-2 or TIME-WAIT.
    pub(super) life: Instant,
    /// Time when the memory of the empty buffers is released.
    pub(super) idle: Instant,
    /// Time when the user timeout began: of the last progress, or of the first data or transmission after it. `NEVER` if
    /// all data is acknowledged.
    pub(super) stalled_since: Instant,
    /// Number of window probes since the window closed.
    pub(super) window_probes: u8,
    /// Number of window probes since the peer sent a segment.
    pub(super) unanswered_window_probes: u8,
    /// Number of keep-alive probes since the peer sent a segment.
    pub(super) unanswered_keep_alives: u8,
    /// Whether the timer `retransmit` sends probes, because the peer's window prevents the transmission of data.
    pub(super) is_probing: bool,
    /// What happens at `detection`.
    pub(super) detects: Detection,
}

/// How losses are detected before the retransmission timer expires (RFC 8985).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detection {
    /// The reordering window of a segment ends.
    Reordering,
    /// An acknowledgment is overdue, and a probe is sent.
    TailLoss,
}

impl Timers {
    pub(super) fn new(now: Instant) -> Timers {
        Timers {
            retransmit: NEVER,
            hold: NEVER,
            detection: NEVER,
            acknowledge: NEVER,
            life: NEVER,
            idle: NEVER,
            stalled_since: now,
            window_probes: 0,
            unanswered_window_probes: 0,
            unanswered_keep_alives: 0,
            is_probing: false,
            detects: Detection::Reordering,
        }
    }

    /// Stops all timers.
    pub(super) fn stop(&mut self) {
        self.stop_retransmission();
        (self.hold, self.acknowledge, self.life, self.idle) = (NEVER, NEVER, NEVER, NEVER);
    }

    /// Stops the timers of sent data.
    pub(super) fn stop_retransmission(&mut self) {
        (self.retransmit, self.detection, self.is_probing) = (NEVER, NEVER, false);
    }

    /// Returns the time of the next event of sent data. Only one timer runs at a time (RFC 8985 8).
    // spec: rfc8985-one-timer
    pub(super) fn next_of_data(&self) -> Instant {
        if self.detection == NEVER { self.retransmit } else { self.detection }
    }
}
