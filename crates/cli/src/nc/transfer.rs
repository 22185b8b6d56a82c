//! The state of a transfer: when it reads, and when it ends.

use std::time::Duration;

use tap::Instant;

use super::arguments::NcArguments;

/// Conditions for the end of a transfer, and its pace.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TransferLimits {
    /// Time after the end of the input.
    pub(super) quit: Option<Duration>,
    /// Time without data.
    pub(super) timeout: Option<Duration>,
    /// Number of received datagrams.
    pub(super) count: Option<u64>,
    /// Time between two reads of the input.
    pub(super) interval: Duration,
}

impl From<&NcArguments> for TransferLimits {
    /// Returns the limits of the arguments. Only datagrams are counted.
    fn from(arguments: &NcArguments) -> TransferLimits {
        TransferLimits {
            quit: arguments.quit.0,
            timeout: arguments.timeout,
            count: arguments.limit.filter(|_| arguments.udp),
            interval: arguments.interval.unwrap_or_default(),
        }
    }
}

/// A transfer. It performs no I/O.
#[derive(Debug)]
pub(super) struct Transfer {
    limits: TransferLimits,
    /// Time of the last data in any direction, or of the start.
    active: Instant,
    /// Time of the next read of the input.
    next_read: Instant,
    input_end: Option<Instant>,
    received: u64,
}

/// What a transfer does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TransferStep {
    /// Wait for data, for at most this time if there is one.
    Wait(Option<Duration>),
    Over,
}

impl Transfer {
    pub(super) fn new(now: Instant, limits: TransferLimits) -> Transfer {
        Transfer { limits, active: now, next_read: now, input_end: None, received: 0 }
    }

    /// Records a read of the input.
    pub(super) fn read(&mut self, now: Instant) {
        self.active = now;
        self.next_read = now + self.limits.interval;
    }

    /// Records the end of the input.
    pub(super) fn input_ended(&mut self, now: Instant) {
        self.active = now;
        self.input_end = Some(now);
    }

    /// Records data that was sent.
    pub(super) fn sent(&mut self, now: Instant) {
        self.active = now;
    }

    /// Records a received datagram, or received data.
    pub(super) fn received(&mut self, now: Instant) {
        self.active = now;
        self.received = self.received.saturating_add(1);
    }

    /// Returns whether a datagram was received.
    pub(super) fn has_received(&self) -> bool {
        self.received > 0
    }

    /// Returns whether the last datagram was received.
    pub(super) fn is_complete(&self) -> bool {
        self.limits.count.is_some_and(|count| self.received >= count)
    }

    /// Returns whether the input may be read now.
    pub(super) fn may_read(&self, now: Instant) -> bool {
        self.input_end.is_none() && now >= self.next_read
    }

    /// Returns the next step. `is_sent` says that the device has accepted all data: the time after the end of the input
    /// does not end a transfer before that.
    pub(super) fn next(&self, now: Instant, is_sent: bool) -> TransferStep {
        let quit = self.limits.quit.zip(self.input_end).map(|(time, end)| end + time);
        let timeout = self.limits.timeout.map(|time| self.active + time);
        let is_over = quit.is_some_and(|at| now >= at && is_sent) || timeout.is_some_and(|at| now >= at);
        if self.is_complete() || is_over {
            return TransferStep::Over;
        }
        let read = (self.input_end.is_none()).then_some(self.next_read);
        let next = [quit, timeout, read].into_iter().flatten().filter(|at| *at > now).min();
        TransferStep::Wait(next.map(|at| at.since(now)))
    }
}

#[cfg(test)]
mod tests;
