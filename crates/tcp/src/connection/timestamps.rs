//! Timestamps of a connection and protection against wrapped sequence numbers (RFC 7323).

use std::time::Duration;

use tap::Instant;

use super::Connection;
use super::receive::{Arrival, Stop};
use crate::timestamp_clock::timestamp;
use crate::{Flags, Options, Segment, SequenceNumber, TcpDropReason, Timestamps};

/// Time without an update after which TS.Recent is invalid: 24 days (RFC 7323 5.5).
const VALID: Duration = Duration::from_hours(24 * 24);

/// The peer's timestamp clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PeerClock {
    /// TS.Recent: the timestamp to echo.
    recent: u32,
    /// Time of the last update.
    updated: Instant,
}

impl PeerClock {
    /// Sets TS.Recent.
    pub(super) fn set(&mut self, now: Instant, value: u32) {
        *self = PeerClock { recent: value, updated: now };
    }

    /// Returns TS.Recent.
    pub(super) fn recent(self) -> u32 {
        self.recent
    }

    /// Returns whether a timestamp is before TS.Recent, and TS.Recent is valid.
    fn rejects(self, now: Instant, value: u32) -> bool {
        // Timestamps wrap like sequence numbers.
        let is_old = SequenceNumber::new(value).is_before(SequenceNumber::new(self.recent));
        // RFC 7323 5.5: "an implementation of PAWS include a mechanism to "invalidate" the TS.Recent value when a
        // connection is idle for more than 24 days."
        // spec: rfc7323-paws-idle
        is_old && now.since(self.updated) <= VALID
    }
}

impl Connection {
    /// Returns the options of a segment without SYN.
    pub(super) fn timestamp_options(&self, now: Instant) -> Options {
        // spec: rfc7323-timestamps
        let timestamps = self
            .negotiated
            .has_timestamps
            .then(|| Timestamps { value: self.timestamp(now), echo: self.peer_clock.recent });
        Options { timestamps, ..Options::default() }
    }

    /// Returns the local timestamp clock: milliseconds, plus the offset of the connection.
    pub(super) fn timestamp(&self, now: Instant) -> u32 {
        timestamp(now, self.negotiated.timestamp_offset)
    }

    /// Returns the age of the timestamp that a segment echoes.
    pub(super) fn echoed_age(&self, now: Instant, segment: &Segment) -> Option<Duration> {
        let timestamps = segment.options.timestamps.filter(|_| self.negotiated.has_timestamps)?;
        let age = self.timestamp(now).wrapping_sub(timestamps.echo);
        // A larger age is no RTT, but an echo of another number.
        let age = Duration::from_millis(age.into());
        (age <= Duration::from_mins(10)).then_some(age)
    }

    /// Checks the timestamp of a segment (RFC 7323 5.3), which precedes the checks of RFC 9293 3.10.7.4.
    pub(super) fn check_timestamp(&mut self, now: Instant, arrival: &mut Arrival) -> Result<(), Stop> {
        // RFC 7323 3.2: "If a TSopt is received on a connection where TSopt was not negotiated in the initial three-way
        // handshake, the TSopt MUST be ignored and the packet processed normally."
        // RFC 7323 5.2: "When an <RST> segment is received, it MUST NOT be subjected to the PAWS check by verifying an
        // acceptable value in SEG.TSval".
        // spec: rfc7323-timestamps-ignored, rfc7323-paws-reset
        if !self.negotiated.has_timestamps || arrival.segment.flags.contains(Flags::RST) {
            return Ok(());
        }
        // RFC 7323 3.2: "If a non-<RST> segment is received without a TSopt, a TCP SHOULD silently drop the segment."
        // spec: rfc7323-timestamps-missing
        let Some(timestamps) = arrival.segment.options.timestamps else {
            return Err(Stop::Drop(TcpDropReason::MissingTimestamp));
        };
        // RFC 7323 5.3 R1: "If there is a Timestamps option in the arriving segment, SEG.TSval < TS.Recent, TS.Recent is
        // valid (see later discussion), and if the RST bit is not set, then treat the arriving segment as not acceptable:
        // Send an acknowledgment in reply as specified in Section 3.9 of [RFC0793], page 69, and drop the segment."
        // spec: rfc7323-paws
        if self.peer_clock.rejects(now, timestamps.value) {
            arrival.reply = self.answer_unacceptable(now, &arrival.segment);
            return Err(Stop::Drop(TcpDropReason::OldTimestamp));
        }
        Ok(())
    }

    /// Records the timestamp of an acceptable segment.
    pub(super) fn record_timestamp(&mut self, now: Instant, segment: &Segment) {
        // RFC 7323 5.3 R3: "If an arriving segment satisfies SEG.TSval >= TS.Recent and SEG.SEQ <= Last.ACK.sent (see
        // Section 4.3), then record its timestamp in TS.Recent."
        // spec: rfc7323-recent
        if let Some(timestamps) = segment.options.timestamps
            && self.negotiated.has_timestamps
            && segment.sequence.is_at_or_before(self.receive.last_acknowledged)
            && !self.peer_clock.rejects(now, timestamps.value)
        {
            self.peer_clock.set(now, timestamps.value);
        }
    }
}
