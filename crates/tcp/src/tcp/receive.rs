//! Received segments: connections, TIME-WAIT, and segments without a connection.

use base::Place;
use tap::{Frame, Instant, Pool};

use super::places::Entry;
use super::time_wait::TimeWait;
use super::{Path, Tcp, TcpReception};
use crate::connection::is_acceptable;
use crate::{
    Flags, Options, Reception, Resources, Segment, SegmentFields, SegmentOutcome, SegmentService,
    SequenceNumber, State, TcpDropReason,
};

impl Tcp {
    /// Processes a received segment. `data` is the data of the segment. The destination of the segment is an address of
    /// the host, and its source is the address of another host.
    pub fn receive(
        &mut self,
        now: Instant,
        path: &Path,
        segment: &Segment,
        data: Frame,
        pool: &mut Pool,
    ) -> TcpReception {
        self.now = now;
        match self.places.find(path.interface, segment.destination, segment.source) {
            Some(Entry::Connection(place)) => match self.replacement(place, segment) {
                Some((state, listener)) => {
                    pool.give(data);
                    self.end_time_wait(now, place, pool);
                    self.receive_syn(now, *path, listener, segment, Some(state.send_next))
                }
                None => self.receive_on_connection(now, *path, place, segment, data, pool),
            },
            Some(Entry::HalfOpen(place)) => self.receive_on_half_open(now, *path, place, segment, data, pool),
            Some(Entry::Listener(place)) => self.receive_on_listener(now, *path, place, segment, data, pool),
            Some(Entry::TimeWait(place)) => {
                pool.give(data);
                self.receive_in_time_wait(now, *path, place, segment)
            }
            None => {
                pool.give(data);
                // spec: rfc9293-closed
                let reply = self.reset_for(now, segment);
                TcpReception::dropped(TcpDropReason::NoConnection, reply)
            }
        }
    }

    fn receive_on_connection(
        &mut self,
        now: Instant,
        path: Path,
        place: Place,
        segment: &Segment,
        data: Frame,
        pool: &mut Pool,
    ) -> TcpReception {
        let Some(held) = self.connections.get_mut(place) else {
            pool.give(data);
            return TcpReception::dropped(TcpDropReason::NoConnection, None);
        };
        held.connection.set_mtu(now, path.mtu);
        let service = held.connection.service();
        let cx = &mut Resources { memory: &mut self.memory, pool };
        let ignored = held.connection.ignored_blocks();
        let reception = held.connection.receive(now, segment, data, cx);
        // spec: drops-counted
        let ignored = held.connection.ignored_blocks().saturating_sub(ignored);
        self.counters.ignored_sack_blocks += u64::from(ignored);
        self.settle(now, place, pool);
        TcpReception::from(reception).with(service)
    }

    /// Returns the reset that answers a segment without a connection, if the rate limits permit it.
    // spec: tcp-reset-limit
    pub(super) fn reset_for(&mut self, now: Instant, segment: &Segment) -> Option<SegmentFields> {
        let reset = SegmentFields::reset_for(segment)?;
        if self.resets.take(now, *segment.source.ip()).is_err() {
            self.counters.resets_suppressed += 1;
            return None;
        }
        self.counters.resets_sent += 1;
        Some(reset)
    }

    /// Processes a segment to a connection in TIME-WAIT that its user has closed (RFC 9293 3.10.7.4).
    fn receive_in_time_wait(
        &mut self,
        now: Instant,
        path: Path,
        place: Place,
        segment: &Segment,
    ) -> TcpReception {
        let Some(state) = self.time_waits.get(place) else {
            return TcpReception::dropped(TcpDropReason::NoConnection, None);
        };
        let has = |flag| segment.flags.contains(flag);
        if has(Flags::SYN) && !has(Flags::RST) {
            if let Some(listener) = self.replacing_listener(&state, segment) {
                // spec: rfc9293-time-wait-reuse
                self.counters.time_wait_reused += 1;
                self.remove_time_wait(place);
                return self.receive_syn(now, path, listener, segment, Some(state.send_next));
            }
            // RFC 5961 4.2: "If the SYN bit is set, irrespective of the sequence number, TCP MUST send an ACK (also
            // referred to as challenge ACK) to the remote peer".
            // spec: rfc6191-refused
            let reply = self.time_waits.may_reply(now, place).then(|| self.acknowledgment_of(now, &state));
            return TcpReception::dropped(TcpDropReason::UnexpectedSyn, reply).with(state.service);
        }
        let length = segment.sequence_length();
        if !is_acceptable(segment.sequence, length, state.receive_next, state.receive_window) {
            return self.receive_outside_window(now, place, &state, segment);
        }
        // RFC 1337 3 (F1): "Ignore RST segments in TIME-WAIT state."
        let reason = if has(Flags::RST) {
            TcpDropReason::ResetInTimeWait
        } else if has(Flags::ACK) {
            // RFC 9293 3.10.7.4: "This should not occur since a FIN has been received from the remote side. Ignore the
            // segment text."
            // spec: rfc9293-text-ignored
            TcpDropReason::TimeWait
        } else {
            TcpDropReason::NoAck
        };
        TcpReception::dropped(reason, None)
    }

    /// Processes a segment outside the receive window of a connection in TIME-WAIT.
    fn receive_outside_window(
        &mut self,
        now: Instant,
        place: Place,
        state: &TimeWait,
        segment: &Segment,
    ) -> TcpReception {
        let has = |flag| segment.flags.contains(flag);
        let end = segment.sequence.plus(segment.sequence_length());
        // RFC 9293 3.10.7.4: "The only thing that can arrive in this state is a retransmission of the remote FIN.
        // Acknowledge it, and restart the 2 MSL timeout."
        // spec: rfc9293-time-wait-fin
        if has(Flags::FIN) && !has(Flags::RST) && end == state.receive_next {
            self.time_waits.restart(now, place);
        }
        // RFC 9293 3.10.7.4: "If an incoming segment is not acceptable, an acknowledgment should be sent in reply (unless
        // the RST bit is set, if so drop the segment and return)".
        let may_reply =
            !has(Flags::RST) && (segment.sequence_length() > 0 || self.time_waits.may_reply(now, place));
        let reply = may_reply.then(|| self.acknowledgment_of(now, state));
        TcpReception::dropped(TcpDropReason::OutsideWindow, reply).with(state.service)
    }

    /// Returns a connection in TIME-WAIT that its user has not closed, if a SYN replaces it, and the listener of the SYN.
    fn replacement(&self, place: Place, segment: &Segment) -> Option<(TimeWait, Place)> {
        let held = self.connections.get(place)?;
        if held.connection.state() != State::TimeWait {
            return None;
        }
        let state = held.connection.time_wait();
        let listener = self.replacing_listener(&state, segment)?;
        Some((state, listener))
    }

    /// Ends a connection in TIME-WAIT that a SYN replaces. Its user can read the received data.
    fn end_time_wait(&mut self, now: Instant, place: Place, pool: &mut Pool) {
        let Some(held) = self.connections.get_mut(place) else { return };
        // spec: rfc9293-time-wait-reuse
        held.connection.end_time_wait();
        self.counters.time_wait_reused += 1;
        self.settle(now, place, pool);
    }

    /// Returns the listener of a SYN that replaces a connection in TIME-WAIT.
    fn replacing_listener(&self, state: &TimeWait, segment: &Segment) -> Option<Place> {
        // A cookie is not above the last sequence number of the old connection.
        // spec: tcp-listen-flags, rfc6191-initial
        let ignored = Flags::ECE.with(Flags::CWR).with(Flags::PSH).with(Flags::URG);
        let is_syn = segment.flags.without(ignored) == Flags::SYN;
        self.places.listener(segment.destination).filter(|listener| {
            is_syn && self.may_replace(state, segment, *listener) && self.has_half_open_capacity(*listener)
        })
    }

    /// Returns whether a SYN to a listener may replace a connection in TIME-WAIT (RFC 6191 2).
    fn may_replace(&self, state: &TimeWait, segment: &Segment, listener: Place) -> bool {
        let Some(listener) = self.listeners.get(listener) else { return false };
        // RFC 6191 2: "the incoming SYN segment contains a TCP Timestamps option [...], and that the SYN/ACK segment that
        // would be sent in response to it would also contain a Timestamps option".
        let timestamps = segment.options.timestamps.filter(|_| listener.settings.timestamps);
        // RFC 6191 2: "the last sequence number seen on the previous incarnation" is "the sequence number corresponding to
        // the FIN flag".
        let is_later = state.receive_next.minus(1).is_before(segment.sequence);
        match (state.timestamp, timestamps) {
            (Some(last), Some(new)) => {
                let (last, new) = (SequenceNumber::new(last), SequenceNumber::new(new.value));
                // spec: rfc6191-timestamps, rfc6191-sequence
                last.is_before(new) || last == new && is_later
            }
            // "If the previous incarnation of the connection did not use Timestamps, then: If TCP Timestamps would be
            // enabled for the new incarnation of the connection, honor the incoming connection request".
            // spec: rfc6191-timestamps
            (None, Some(_)) => true,
            // spec: rfc6191-sequence
            (_, None) => is_later,
        }
    }

    /// Returns the acknowledgment of a connection in TIME-WAIT.
    fn acknowledgment_of(&self, now: Instant, state: &TimeWait) -> SegmentFields {
        let addresses = (state.local, state.peer);
        let timestamps = self.timestamps(now, addresses, state.timestamp);
        let options = Options { timestamps, ..Options::NONE };
        SegmentFields::acknowledgment(addresses, (state.send_next, state.receive_next), state.window, options)
    }
}

impl TcpReception {
    pub(super) fn accepted(reply: Option<SegmentFields>) -> TcpReception {
        let service = SegmentService::default();
        TcpReception { outcome: SegmentOutcome::Accepted, reply, service, is_progress: false }
    }

    /// Returns the result with these IP header fields of the reply.
    pub(super) fn with(self, service: SegmentService) -> TcpReception {
        TcpReception { service, ..self }
    }

    pub(super) fn dropped(reason: TcpDropReason, reply: Option<SegmentFields>) -> TcpReception {
        TcpReception { outcome: SegmentOutcome::Dropped(reason), ..TcpReception::accepted(reply) }
    }
}

impl From<Reception> for TcpReception {
    fn from(Reception { outcome, reply, is_progress }: Reception) -> TcpReception {
        TcpReception { outcome, is_progress, ..TcpReception::accepted(reply) }
    }
}
