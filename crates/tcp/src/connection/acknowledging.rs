//! When and how received data is acknowledged (RFC 9293 3.8.6.3, RFC 5681 4.2, RFC 2018, RFC 2883, RFC 5961 7).

use std::time::Duration;

use base::Random;
use tap::Instant;

use super::timers::NEVER;
use super::{Connection, DEFAULT_SEGMENT_SIZE, length};
use crate::{Flags, MemoryLevel, Options, Resources, SackBlock, Segment, SegmentFields, SequenceNumber};

/// Maximum delay of an acknowledgment.
const DELAY: Duration = Duration::from_millis(40);

/// Number of segments that are acknowledged without a delay: at the start of a connection, after an idle time, and after
/// data that was received twice.
const QUICK_SEGMENTS: u8 = 16;

/// Shortest time without a segment after which the next segment may be acknowledged without a delay. In this time, a peer
/// with a shorter RTT processes its acknowledgments.
const SHORTEST_PAUSE: Duration = Duration::from_millis(2);

/// Minimum time between two acknowledgments of unacceptable segments without data, SYN and FIN.
const UNACCEPTABLE_INTERVAL: Duration = Duration::from_millis(500);

/// Bounds of the time between two challenge ACKs.
const CHALLENGE_INTERVAL: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(1_500));

/// What is owed to the sender of data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acknowledging {
    pub(super) owed: Owed,
    /// Whether unacknowledged data came with PSH.
    pub(super) is_pushed: bool,
    /// Number of segments that are acknowledged without a delay.
    quick: u8,
    /// Largest data of a segment so far, in bytes (RFC 9293 3.8.6.3, RMSS).
    pub(super) segment_size: u16,
    /// Received bytes since the last acknowledgment.
    bytes: u32,
    /// Time when the last segment was received.
    pub(super) last_received: Instant,
    /// Earliest time of the next challenge ACK.
    next_challenge: Instant,
    /// Earliest time of the next acknowledgment of an unacceptable segment without data.
    next_unacceptable: Instant,
}

/// When received data is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owed {
    /// All received data is acknowledged.
    Nothing,
    /// At the end of the delay, or with the next data.
    Later,
    /// At the end of the turn.
    Now,
}

impl Acknowledging {
    pub(super) fn new(now: Instant) -> Acknowledging {
        Acknowledging {
            owed: Owed::Nothing,
            is_pushed: false,
            quick: QUICK_SEGMENTS,
            segment_size: DEFAULT_SEGMENT_SIZE,
            bytes: 0,
            last_received: now,
            next_challenge: Instant::ORIGIN,
            next_unacceptable: Instant::ORIGIN,
        }
    }
}

impl Connection {
    /// Records that a number of segments of the peer arrived together.
    pub(super) fn note_arrival(&mut self, now: Instant, segments: u32) {
        let pause = now.since(self.acknowledging.last_received);
        if pause >= SHORTEST_PAUSE {
            self.note_pause(pause);
        }
        self.acknowledging.last_received = now;
        (self.timers.unanswered_window_probes, self.timers.unanswered_keep_alives) = (0, 0);
        if self.timers.is_probing {
            self.timers.stalled_since = now;
        }
        self.counts.segments_received = self.counts.segments_received.saturating_add(segments);
    }

    /// Decides how many of the next segments are acknowledged at once, after a time in which the peer sent nothing.
    // spec: tcp-quick-ack
    fn note_pause(&mut self, pause: Duration) {
        let quick = &mut self.acknowledging.quick;
        if pause > self.rtt.rto() {
            *quick = QUICK_SEGMENTS;
        } else if self.rtt.smoothed().is_some_and(|rtt| pause >= rtt.saturating_mul(2)) {
            // RFC 8985 7.2: "PTO = 2 * SRTT". After this time, a peer that waits for an acknowledgment sends a probe, and the delay
            // of its acknowledgment would add to the pause.
            *quick = (*quick).max(1);
        }
    }

    /// Owes an acknowledgment for the data of a number of segments, which advanced RCV.NXT by `bytes`.
    pub(super) fn owe(&mut self, now: Instant, bytes: u32, segments: u32) {
        let ack = &mut self.acknowledging;
        ack.bytes = ack.bytes.saturating_add(bytes);
        // RFC 9293 3.8.6.3: "An ACK SHOULD be generated for at least every second full-sized segment or 2*RMSS bytes of
        // new data".
        // spec: rfc9293-delayed-ack, tcp-superframe-received
        let is_due = ack.quick > 0 || segments > 1 || ack.bytes >= 2 * u32::from(ack.segment_size);
        ack.quick = ack.quick.saturating_sub(1);
        if is_due {
            // RFC 9293 3.10.7.4: "if the TCP endpoint is processing a series of queued segments, it MUST process them all
            // before sending any ACK segments (MUST-59)." The owner sends it at the end of the turn.
            // spec: rfc9293-ack-aggregate, rfc5681-one-ack
            ack.owed = Owed::Now;
        } else if ack.owed == Owed::Nothing {
            // RFC 9293 3.8.6.3: "an ACK should not be excessively delayed; in particular, the delay MUST be less than 0.5
            // seconds (MUST-40)."
            ack.owed = Owed::Later;
            self.timers.acknowledge = now + DELAY;
        }
    }

    /// Updates the window and the owed acknowledgment after the user has read `length` bytes.
    pub(super) fn after_reading(&mut self, now: Instant, length: usize, cx: &Resources<'_>) {
        if length == 0 {
            return;
        }
        self.memory_level = cx.memory.level();
        self.arm_idle(now);
        if self.unread_urgent(self.receive_buffer.readable()).is_none() {
            self.receive.urgent = None;
        }
        let segment_size = self.acknowledging.segment_size;
        let round_trip = self.rtt.smoothed().unwrap_or_default();
        let consumed = (length, self.receive_buffer.held_out_of_order());
        self.receive_window.consume(now, consumed, round_trip, segment_size, self.memory_level);
        // RFC 9293 3.8.6.2.2: "This algorithm combines with the delayed ACK algorithm (Section 3.8.6.3) to determine when an
        // ACK segment containing the current window will really be sent to the receiver."
        if self.needs_window_update(self.memory_level) {
            self.acknowledging.owed = Owed::Now;
        }
        // All pushed data is read, and no answer carries the acknowledgment.
        if self.acknowledging.owed == Owed::Later
            && self.acknowledging.is_pushed
            && self.receive_buffer.readable() == 0
        {
            self.acknowledging.owed = Owed::Now;
        }
    }

    /// Returns whether only the full memory of all connections keeps the peer from sending, because the window has not moved.
    pub(crate) fn waits_for_memory(&self) -> bool {
        self.memory_level == MemoryLevel::Full && self.needs_window_update(MemoryLevel::Pressure)
    }

    /// Announces the window that memory of other connections permits, if it is useful.
    pub(crate) fn use_free_memory(&mut self, level: MemoryLevel) {
        self.memory_level = level;
        // spec: tcp-memory-window
        if self.needs_window_update(level) {
            self.acknowledging.owed = Owed::Now;
        }
    }

    /// Returns whether a segment that announces the window is useful, with this level of the memory.
    fn needs_window_update(&self, level: MemoryLevel) -> bool {
        let (held, segment_size) = (self.receive_buffer.held(), self.acknowledging.segment_size);
        self.state.can_receive() && self.receive_window.needs_update(held, segment_size, level)
    }

    /// Records that an acknowledgment of all received data is sent.
    pub(super) fn acknowledged(&mut self) {
        let ack = &mut self.acknowledging;
        (ack.owed, ack.bytes, ack.is_pushed) = (Owed::Nothing, 0, false);
        self.timers.acknowledge = NEVER;
        self.receive.last_acknowledged = self.receive.next;
        self.counts.segments_sent = self.counts.segments_sent.saturating_add(1);
    }

    /// Returns the window of a segment without SYN, and records it as announced.
    pub(super) fn announce_window(&mut self) -> u16 {
        let segment_size = self.acknowledging.segment_size;
        self.receive_window.announce(self.receive_buffer.held(), segment_size, self.memory_level)
    }

    /// Returns an acknowledgment without data, and records that it is sent. `duplicate` is a range of data that was
    /// received again (RFC 2883).
    pub(super) fn acknowledgment(&mut self, now: Instant, duplicate: Option<SackBlock>) -> SegmentFields {
        // Data that is received twice shows that an acknowledgment was lost, or that the window of the peer is small after a
        // loss. In both cases, a delay costs the peer more than further acknowledgments.
        // spec: tcp-quick-ack
        if duplicate.is_some() {
            self.acknowledging.quick = QUICK_SEGMENTS;
        }
        let window = self.announce_window();
        let mut options = self.timestamp_options(now);
        self.add_sack_blocks(&mut options, duplicate);
        let numbers = (self.sendable_sequence(), self.receive.next);
        let fields = SegmentFields::acknowledgment((self.local, self.peer), numbers, window, options);
        let fields = SegmentFields { flags: self.with_echo(fields.flags), ..fields };
        self.acknowledged();
        fields
    }

    /// Returns the sequence number of a segment without data: SND.NXT, or the end of the peer's window if it is before
    /// SND.NXT.
    ///
    /// The peer would drop a segment behind its window, with the acknowledgment in it (RFC 9293 A.2).
    pub(super) fn sendable_sequence(&self) -> SequenceNumber {
        let (next, edge) = (self.send.next, self.send.unacknowledged.plus(self.send.window));
        if !edge.is_before(next) || !self.state.is_synchronized() {
            return next;
        }
        // RFC 7323 2.4: "The end of the window will be on a boundary based on the granularity of the scale factor being
        // used." The peer's window is then longer than its field, and the peer would drop a segment that begins before the
        // data that it has received.
        // spec: rfc7323-window-rounded
        let is_rounded = self.send.window > 0 && next.distance_from(edge) < 1 << self.negotiated.send_shift;
        if is_rounded { next } else { edge }
    }

    /// Adds selective acknowledgments of the received data that is out of order (RFC 2018 4).
    pub(super) fn add_sack_blocks(&self, options: &mut Options, duplicate: Option<SackBlock>) {
        // RFC 2018 4: "If the data receiver has not received a SACK-Permitted option for a given connection, it MUST NOT send
        // SACK options on that connection."
        // spec: rfc2018-permitted
        if !self.negotiated.has_sack {
            return;
        }
        // RFC 2883 4: "Each duplicate contiguous sequence of data received is reported in at most one D-SACK block."
        // spec: rfc2883-first, rfc2883-once
        if let Some(block) = duplicate {
            options.sack.push(block);
        }
        // RFC 2018 4: "If sent at all, SACK options SHOULD be included in all ACKs which do not ACK the highest sequence
        // number in the data receiver's queue."
        // spec: rfc2018-generate, rfc2018-first, rfc2018-recent
        for range in self.receive_buffer.blocks() {
            let (start, end) = (self.receive.next.plus(range.start), self.receive.next.plus(range.end));
            if !options.sack.push(SackBlock { start, end }) {
                break;
            }
        }
    }

    /// Returns the acknowledgment that answers an unacceptable segment, unless the segment is one of many without data.
    pub(super) fn answer_unacceptable(&mut self, now: Instant, segment: &Segment) -> Option<SegmentFields> {
        // RFC 9293 3.10.7.4: "If an incoming segment is not acceptable, an acknowledgment should be sent in reply (unless
        // the RST bit is set, if so drop the segment and return)".
        // spec: rfc9293-acceptable
        if segment.flags.contains(Flags::RST) {
            return None;
        }
        if segment.flags.contains(Flags::SYN) {
            return self.challenge(now);
        }
        // spec: tcp-ack-loop, tcp-probe-answer
        if segment.sequence_length() == 0 {
            if now < self.acknowledging.next_unacceptable {
                return None;
            }
            self.acknowledging.next_unacceptable = now + UNACCEPTABLE_INTERVAL;
        }
        Some(self.acknowledgment(now, self.repeated_data(segment)))
    }

    /// Returns the data of a segment before RCV.NXT.
    pub(super) fn repeated_data(&self, segment: &Segment) -> Option<SackBlock> {
        let start = segment.sequence.plus(u32::from(segment.flags.contains(Flags::SYN)));
        let end = start.plus(length(segment.data_length));
        let end = if self.receive.next.is_before(end) { self.receive.next } else { end };
        start.is_before(end).then_some(SackBlock { start, end })
    }

    /// Returns a challenge ACK (RFC 5961), unless one was sent shortly before.
    pub(super) fn challenge(&mut self, now: Instant) -> Option<SegmentFields> {
        // RFC 5961 7: "An implementation SHOULD include an ACK throttling mechanism to be conservative."
        // spec: rfc5961-throttle, rfc5961-throttle-connection
        if now < self.acknowledging.next_challenge {
            return None;
        }
        // The initial sequence number is unpredictable for other hosts.
        let seed = now.as_nanos() ^ u64::from(self.send.initial.value()) << 32;
        let (shortest, longest) = CHALLENGE_INTERVAL;
        self.acknowledging.next_challenge = now + Random::new(seed).between(shortest, longest);
        Some(self.acknowledgment(now, None))
    }

    /// Returns the fields of a segment of this connection, which acknowledges all received data if it has an ACK.
    pub(super) fn fields(
        &self,
        sequence: SequenceNumber,
        flags: Flags,
        window: u16,
        options: Options,
    ) -> SegmentFields {
        let acknowledgment =
            if flags.contains(Flags::ACK) { self.receive.next } else { SequenceNumber::default() };
        let flags = self.with_echo(flags);
        SegmentFields {
            source: self.local,
            destination: self.peer,
            sequence,
            acknowledgment,
            flags,
            window,
            urgent_pointer: 0,
            options,
        }
    }
}
