//! Passive opens: segments to listeners and to half-open connections (RFC 9293 3.10.7.2, RFC 4987 3).

use std::net::SocketAddrV4;

use base::Place;
use inet::InterfaceId;
use tap::{Frame, Instant, Pool};

use super::connections::{Held, Owner};
use super::cookies::{CookieOptions, Cookies};
use super::half_open::HalfOpen;
use super::places::Entry;
use super::{Path, Tcp, TcpReception};
use crate::connection::{DEFAULT_SEGMENT_SIZE, is_acceptable, is_ecn_setup, local_segment_size};
use crate::timestamp_clock::timestamp;
use crate::{
    Connection, Ecn, Flags, Handshake, InitialSequenceNumbers, Options, ReceiveWindow, Resources, Segment,
    SegmentFields, SegmentService, SequenceNumber, Start, TcpDropReason, TcpSettings, Timestamps,
};

/// The end of a handshake: what is known of the connection, before its acknowledgment is processed.
#[derive(Clone, Copy, Debug)]
struct Completion {
    listener: Place,
    path: Path,
    start: Start,
    handshake: Handshake,
}

impl Tcp {
    /// Returns whether a SYN to a listener becomes a half-open connection. Otherwise, a cookie answers the SYN.
    pub(super) fn has_half_open_capacity(&self, listener: Place) -> bool {
        let limit = self.limits.half_open_per_listener;
        let listener = self.listeners.get(listener);
        listener.is_some_and(|listener| listener.half_open < limit) && !self.half_opens.is_full()
    }

    /// Processes a segment to a listener.
    pub(super) fn receive_on_listener(
        &mut self,
        now: Instant,
        path: Path,
        listener: Place,
        segment: &Segment,
        data: Frame,
        pool: &mut Pool,
    ) -> TcpReception {
        let has = |flag| segment.flags.contains(flag);
        if !has(Flags::RST)
            && has(Flags::ACK)
            && let Some(completion) = self.check_cookie(now, path, listener, segment)
        {
            let reception = self.complete(now, completion, segment, data, pool);
            self.counters.cookies_accepted += u64::from(reception.is_progress);
            return reception;
        }
        // A listener does not keep the data of a SYN. The peer sends the data again, because it is not acknowledged.
        // spec: tcp-listen-data
        pool.give(data);
        // RFC 9293 3.10.7.2, first: "An incoming RST should be ignored. Return."
        // spec: rfc9293-listen-reset, tcp-listen-flags
        if has(Flags::RST) {
            return TcpReception::dropped(TcpDropReason::ResetToListener, None);
        }
        // Second: "Any acknowledgment is bad if it arrives on a connection still in the LISTEN state. An acceptable reset
        // segment should be formed for any arriving ACK-bearing segment."
        // spec: rfc9293-listen-ack
        if has(Flags::ACK) {
            let reply = self.reset_for(now, segment);
            return TcpReception::dropped(TcpDropReason::AckToListener, reply);
        }
        // Fourth: "This should not be reached. Drop the segment and return."
        // spec: rfc9293-listen-other, rfc9293-listen-fin
        if !has(Flags::SYN) {
            return TcpReception::dropped(TcpDropReason::NoSynToListener, None);
        }
        // spec: tcp-listen-flags
        if has(Flags::FIN) {
            return TcpReception::dropped(TcpDropReason::SynWithFin, None);
        }
        self.receive_syn(now, path, listener, segment, None)
    }

    /// Answers a SYN to a listener with SYN,ACK. The initial sequence number is above `above`, if it is present.
    pub(super) fn receive_syn(
        &mut self,
        now: Instant,
        path: Path,
        listener: Place,
        segment: &Segment,
        above: Option<SequenceNumber>,
    ) -> TcpReception {
        let has_capacity = self.has_half_open_capacity(listener);
        // spec: tcp-half-open-bound, tcp-cookies
        match self.half_opens.vacant().filter(|_| has_capacity) {
            Some(place) => self.add_half_open(now, path, (listener, place), segment, above),
            None => self.answer_with_cookie(now, path, listener, segment),
        }
    }

    /// Answers a SYN with a cookie, and stores nothing.
    fn answer_with_cookie(
        &mut self,
        now: Instant,
        path: Path,
        listener: Place,
        segment: &Segment,
    ) -> TcpReception {
        let Some(state) = self.listeners.get_mut(listener) else {
            return TcpReception::dropped(TcpDropReason::NoConnection, None);
        };
        state.cookies_until = Some(now + Cookies::LIFETIME);
        self.counters.cookies_sent += 1;
        let (settings, addresses) = (&state.settings, (segment.destination, segment.source));
        let options = answered(&segment.options, settings);
        let size = options.maximum_segment_size.unwrap_or(DEFAULT_SEGMENT_SIZE);
        let cookie = self.cookies.make(now, addresses, segment.sequence, size);
        let numbers = (cookie, segment.sequence);
        // Without timestamps, the peer does not echo the options.
        let reply = if options.timestamps.is_some() {
            let has_ecn = accepts_ecn(segment.flags, settings);
            let in_clock = CookieOptions {
                window_scale: options.window_scale,
                sack_permitted: options.sack_permitted,
                has_ecn,
            };
            let clock = in_clock.add_to(clock_of(&self.numbers, now, addresses, &options));
            syn_ack(settings, path.interface_mtu, addresses, numbers, &options, clock, has_ecn)
        } else {
            syn_ack(settings, path.interface_mtu, addresses, numbers, &Options::NONE, 0, false)
        };
        TcpReception::accepted(Some(reply)).with(settings.into())
    }

    /// Answers a SYN, and adds a half-open connection at a vacant place.
    fn add_half_open(
        &mut self,
        now: Instant,
        path: Path,
        (listener, place): (Place, Place),
        segment: &Segment,
        above: Option<SequenceNumber>,
    ) -> TcpReception {
        let (local, peer) = (segment.destination, segment.source);
        // RFC 9293 3.10.7.2, third: "Set RCV.NXT to SEG.SEQ+1, IRS is set to SEG.SEQ". "ISS should be selected and a SYN
        // segment sent of the form: <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>".
        // spec: rfc9293-listen-syn
        let sequence = self.initial_sequence(now, (local, peer), above);
        let Some(state) = self.listeners.get_mut(listener) else {
            return TcpReception::dropped(TcpDropReason::NoConnection, None);
        };
        let settings = &state.settings;
        let options = answered(&segment.options, settings);
        let has_ecn = accepts_ecn(segment.flags, settings);
        let row = HalfOpen::new(now, (local, peer), (sequence, segment.sequence), listener, &options);
        let row = row.on(segment.window, path.interface_mtu, path.interface).with_ecn(has_ecn);
        if self.places.insert(Entry::HalfOpen(place), path.interface, local, peer).is_err() {
            return TcpReception::dropped(TcpDropReason::NoConnection, None);
        }
        self.half_opens.insert(row);
        let numbers = (sequence, segment.sequence);
        let clock = clock_of(&self.numbers, now, (local, peer), &options);
        let reply = syn_ack(settings, path.interface_mtu, (local, peer), numbers, &options, clock, has_ecn);
        let service = settings.into();
        state.half_open += 1;
        TcpReception::accepted(Some(reply)).with(service)
    }

    /// Returns the initial sequence number of a connection. It is above `above`, if it is present.
    pub(super) fn initial_sequence(
        &self,
        now: Instant,
        (local, peer): (SocketAddrV4, SocketAddrV4),
        above: Option<SequenceNumber>,
    ) -> SequenceNumber {
        let selected = self.numbers.select(now, local, peer);
        // RFC 9293 3.6.1: the new connection "assigns its initial sequence number for the new connection to be larger than
        // the largest sequence number it used on the previous connection incarnation".
        // spec: rfc6191-initial
        match above {
            Some(last) if !last.is_before(selected) => last.plus(1 << 16),
            _ => selected,
        }
    }

    /// Returns the SYN,ACK of a half-open connection.
    pub(super) fn syn_ack_of(&self, now: Instant, row: &HalfOpen) -> Option<SegmentFields> {
        let settings = &self.listeners.get(row.listener)?.settings;
        let (addresses, options) = ((row.local, row.peer), row.options());
        let numbers = (row.sequence, row.peer_sequence);
        let clock = clock_of(&self.numbers, now, addresses, &options);
        Some(syn_ack(settings, row.mtu, addresses, numbers, &options, clock, row.has_ecn))
    }

    /// Processes a segment to a half-open connection: the checks of RFC 9293 3.10.7.4 in SYN-RECEIVED.
    pub(super) fn receive_on_half_open(
        &mut self,
        now: Instant,
        path: Path,
        place: Place,
        segment: &Segment,
        data: Frame,
        pool: &mut Pool,
    ) -> TcpReception {
        let service = self.half_opens.get(place).map(|row| self.service_of(row.listener)).unwrap_or_default();
        match self.check_half_open(now, path, place, segment) {
            Ok(completion) => self.complete(now, completion, segment, data, pool),
            Err(reception) => {
                pool.give(data);
                reception.with(service)
            }
        }
    }

    fn check_half_open(
        &mut self,
        now: Instant,
        path: Path,
        place: Place,
        segment: &Segment,
    ) -> Result<Completion, TcpReception> {
        let gone = TcpReception::dropped(TcpDropReason::NoConnection, None);
        let row = *self.half_opens.get(place).ok_or(gone)?;
        let settings = self.listeners.get(row.listener).ok_or(gone)?.settings;
        let has = |flag| segment.flags.contains(flag);
        let next = row.peer_sequence.plus(1);
        let drop = |reason, reply| Err(TcpReception::dropped(reason, reply));
        // spec: tcp-syn-duplicate
        if segment.flags.without(Flags::ECE.with(Flags::CWR).with(Flags::PSH)) == Flags::SYN
            && segment.sequence == row.peer_sequence
        {
            // RFC 3168 6.1.1.1: a SYN without ECN follows an ECN-setup SYN, and "Host B: Sends a non-ECN-setup SYN/ACK". Then
            // "neither Host A nor Host B may set the ECT bit on data packets".
            // spec: rfc3168-agreement
            if !is_ecn_setup(segment.flags) {
                self.half_opens.remove_ecn(place);
            }
            // RFC 7323 4.3: the SYN,ACK echoes the timestamp of the last SYN.
            if let Some(timestamps) = segment.options.timestamps {
                self.half_opens.update_timestamp(place, timestamps.value);
            }
            let reply = self.half_opens.get(place).and_then(|row| self.syn_ack_of(now, row));
            return Err(TcpReception::accepted(reply));
        }
        let options = row.options();
        if let Some(known) = options.timestamps
            && !has(Flags::RST)
        {
            // RFC 7323 3.2: "If a non-<RST> segment is received without a TSopt, a TCP SHOULD silently drop the segment."
            let Some(new) = segment.options.timestamps else {
                return drop(TcpDropReason::MissingTimestamp, None);
            };
            let (known, new) = (SequenceNumber::new(known.value), SequenceNumber::new(new.value));
            if new.is_before(known) {
                let reply = self.acknowledgment_of_half_open(now, place, segment);
                return drop(TcpDropReason::OldTimestamp, reply);
            }
        }
        // First: check the sequence number.
        let window = u32::from(ReceiveWindow::initial(settings.receive_buffer));
        if !is_acceptable(segment.sequence, segment.sequence_length(), next, window) {
            let reply = self.acknowledgment_of_half_open(now, place, segment);
            return drop(TcpDropReason::OutsideWindow, reply);
        }
        // Second: check the RST bit. RFC 9293 3.10.7.4: "If this connection was initiated with a passive OPEN (i.e., came
        // from the LISTEN state), then return this connection to LISTEN state and return. The user need not be informed."
        // spec: rfc9293-reset-passive
        if has(Flags::RST) {
            // RFC 5961 3.2: a reset with a sequence number before the window is dropped, and a reset with another sequence
            // number in the window is answered with a challenge ACK.
            if segment.sequence.is_before(next) {
                return drop(TcpDropReason::OutsideWindow, None);
            }
            if segment.sequence != next {
                let reply = self.half_opens.may_reply(now, place).then(|| self.ack(now, &row));
                return drop(TcpDropReason::ResetNotAtNext, reply);
            }
            self.remove_half_open(place);
            return Err(TcpReception::accepted(None));
        }
        // Fourth: check the SYN bit. "If the connection was initiated with a passive OPEN, then return this connection to
        // the LISTEN state and return."
        if has(Flags::SYN) {
            self.remove_half_open(place);
            return drop(TcpDropReason::UnexpectedSyn, None);
        }
        // Fifth: check the ACK field. "if the ACK bit is off, drop the segment and return".
        // spec: rfc9293-no-ack
        if !has(Flags::ACK) {
            return drop(TcpDropReason::NoAck, None);
        }
        // "If the segment acknowledgment is not acceptable, form a reset segment <SEQ=SEG.ACK><CTL=RST> and send it."
        // spec: rfc9293-ack-syn-received
        if segment.acknowledgment != row.sequence.plus(1) {
            let reply = self.reset_for(now, segment);
            return drop(TcpDropReason::UnacceptableAck, reply);
        }
        Ok(Completion {
            listener: row.listener,
            path,
            start: self.start((row.local, row.peer), row.sequence, row.mtu),
            handshake: Handshake {
                peer_sequence: row.peer_sequence,
                options,
                has_ecn: row.has_ecn,
                window: row.window,
                sent_at: Some(row.sent_at),
                retransmissions: row.retransmissions,
            },
        })
    }

    /// Returns the acknowledgment of an unacceptable segment to a half-open connection.
    fn acknowledgment_of_half_open(
        &mut self,
        now: Instant,
        place: Place,
        segment: &Segment,
    ) -> Option<SegmentFields> {
        let may_reply = !segment.flags.contains(Flags::RST)
            && (segment.sequence_length() > 0 || self.half_opens.may_reply(now, place));
        let row = self.half_opens.get(place).filter(|_| may_reply)?;
        Some(self.ack(now, row))
    }

    /// Returns `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>` of a half-open connection.
    fn ack(&self, now: Instant, row: &HalfOpen) -> SegmentFields {
        let settings = self.listeners.get(row.listener).map(|listener| listener.settings);
        let window = settings.map_or(0, |settings| ReceiveWindow::initial(settings.receive_buffer));
        let options = row.options();
        let shift = match (options.window_scale, settings) {
            (Some(_), Some(settings)) => ReceiveWindow::shift_for(settings.receive_buffer),
            _ => 0,
        };
        let addresses = (row.local, row.peer);
        let numbers = (row.sequence.plus(1), row.peer_sequence.plus(1));
        let echo = options.timestamps.map(|known| known.value);
        let options = Options { timestamps: self.timestamps(now, addresses, echo), ..Options::NONE };
        SegmentFields::acknowledgment(addresses, numbers, window >> shift, options)
    }

    /// Returns the reset of a half-open connection, and its interface.
    pub(super) fn reset_of_half_open(
        &self,
        now: Instant,
        place: Place,
    ) -> Option<(InterfaceId, SegmentFields)> {
        let row = self.half_opens.get(place)?;
        let reset = SegmentFields { flags: Flags::RST | Flags::ACK, window: 0, ..self.ack(now, row) };
        Some((row.interface(), reset))
    }

    /// Returns the timestamps of a segment of this host, or `None` without a timestamp to echo.
    pub(super) fn timestamps(
        &self,
        now: Instant,
        (local, peer): (SocketAddrV4, SocketAddrV4),
        echo: Option<u32>,
    ) -> Option<Timestamps> {
        let offset = self.numbers.timestamp_offset(*local.ip(), *peer.ip());
        echo.map(|echo| Timestamps { value: timestamp(now, offset), echo })
    }

    /// Returns the handshake of a segment that acknowledges a cookie.
    fn check_cookie(
        &self,
        now: Instant,
        path: Path,
        listener: Place,
        segment: &Segment,
    ) -> Option<Completion> {
        let state = self.listeners.get(listener)?;
        // spec: tcp-cookies
        if segment.flags.contains(Flags::SYN) || state.cookies_until.is_none_or(|until| now > until) {
            return None;
        }
        let addresses = (segment.destination, segment.source);
        let (sequence, peer_sequence) = (segment.acknowledgment.minus(1), segment.sequence.minus(1));
        let size = self.cookies.check(now, addresses, peer_sequence, sequence)?;
        let timestamps = segment.options.timestamps.filter(|_| state.settings.timestamps);
        let kept = timestamps.map(|timestamps| CookieOptions::of(timestamps.echo));
        let options = Options {
            maximum_segment_size: Some(size),
            window_scale: kept.and_then(|kept| kept.window_scale),
            sack_permitted: kept.is_some_and(|kept| kept.sack_permitted),
            timestamps,
            ..Options::NONE
        };
        Some(Completion {
            listener,
            path,
            start: self.start(addresses, sequence, path.interface_mtu),
            handshake: Handshake {
                peer_sequence,
                // The user may have other settings now than those of the SYN,ACK.
                options: answered(&options, &state.settings),
                has_ecn: state.settings.used_ecn() != Ecn::Off && kept.is_some_and(|kept| kept.has_ecn),
                window: segment.window,
                sent_at: None,
                retransmissions: 0,
            },
        })
    }

    fn start(
        &self,
        (local, peer): (SocketAddrV4, SocketAddrV4),
        sequence: SequenceNumber,
        mtu: u16,
    ) -> Start {
        let timestamp_offset = self.numbers.timestamp_offset(*local.ip(), *peer.ip());
        Start { local, peer, initial_sequence: sequence, timestamp_offset, mtu }
    }

    /// Creates the connection of a completed handshake, and adds it to the queue of its listener.
    fn complete(
        &mut self,
        now: Instant,
        completion: Completion,
        segment: &Segment,
        data: Frame,
        pool: &mut Pool,
    ) -> TcpReception {
        let Completion { listener, path, start, handshake } = completion;
        let interface = path.interface;
        let (place, settings) = match (self.connections.vacant(), self.listeners.get_mut(listener)) {
            // The half-open connection stays, so that its SYN,ACK is sent again.
            // spec: tcp-backlog
            (_, Some(state)) if state.queued >= state.backlog => {
                state.overflows = state.overflows.saturating_add(1);
                pool.give(data);
                return TcpReception::dropped(TcpDropReason::BacklogFull, None);
            }
            (Some(place), Some(state)) => (place, state.settings),
            // spec: tcp-connections-bound
            _ => {
                pool.give(data);
                return TcpReception::dropped(TcpDropReason::TooManyConnections, None);
            }
        };
        if let Some(Entry::HalfOpen(half_open)) = self.places.find(interface, start.local, start.peer) {
            self.remove_half_open(half_open);
        }
        let mut connection = Connection::accept(now, &settings, &start, &handshake);
        connection.set_mtu(now, path.mtu);
        let cx = &mut Resources { memory: &mut self.memory, pool };
        let reception = connection.receive(now, segment, data, cx);
        let is_indexed = connection.state().is_synchronized()
            && self.places.insert(Entry::Connection(place), interface, start.local, start.peer).is_ok();
        if !is_indexed {
            connection.release(cx);
            return TcpReception::from(reception).with((&settings).into());
        }
        self.connections.insert(Held::new(connection, interface, Owner::Listener(listener)));
        if let Some(state) = self.listeners.get_mut(listener) {
            state.queued += 1;
            self.connections.append_to_backlog(&mut state.queue, place);
        }
        self.counters.passive_opens += 1;
        self.listeners.mark_ready(listener);
        self.settle(now, place, pool);
        TcpReception::from(reception).with((&settings).into())
    }

    /// Returns the IP header fields of the segments of a listener.
    pub(super) fn service_of(&self, listener: Place) -> SegmentService {
        self.listeners.get(listener).map(|listener| (&listener.settings).into()).unwrap_or_default()
    }
}

/// Returns the options of a SYN that a SYN,ACK answers.
fn answered(options: &Options, settings: &TcpSettings) -> Options {
    Options {
        maximum_segment_size: options.maximum_segment_size,
        window_scale: options.window_scale.filter(|_| settings.window_scaling),
        sack_permitted: options.sack_permitted && settings.sack,
        timestamps: options.timestamps.filter(|_| settings.timestamps),
        ..Options::NONE
    }
}

/// Returns whether the SYN,ACK that answers a SYN with these flags accepts ECN.
fn accepts_ecn(flags: Flags, settings: &TcpSettings) -> bool {
    // RFC 3168 6.1.1: "If a host has received an ECN-setup SYN packet, then it MAY send an ECN-setup SYN-ACK packet.
    // Otherwise, it MUST NOT send an ECN-setup SYN-ACK packet."
    // spec: rfc3168-setup, rfc3168-accept
    settings.used_ecn() != Ecn::Off && is_ecn_setup(flags)
}

/// Returns the local timestamp of a SYN,ACK that answers these options, or zero if the SYN,ACK has no timestamps.
fn clock_of(
    numbers: &InitialSequenceNumbers,
    now: Instant,
    (local, peer): (SocketAddrV4, SocketAddrV4),
    options: &Options,
) -> u32 {
    options.timestamps.map_or(0, |_| timestamp(now, numbers.timestamp_offset(*local.ip(), *peer.ip())))
}

/// Returns a SYN,ACK. `options` are the options of the SYN to answer, and `clock` is the local timestamp. `has_ecn` if the
/// SYN,ACK accepts ECN.
fn syn_ack(
    settings: &TcpSettings,
    mtu: u16,
    (local, peer): (SocketAddrV4, SocketAddrV4),
    (sequence, peer_sequence): (SequenceNumber, SequenceNumber),
    options: &Options,
    clock: u32,
    has_ecn: bool,
) -> SegmentFields {
    let flags = Flags::SYN | Flags::ACK;
    SegmentFields {
        source: local,
        destination: peer,
        sequence,
        acknowledgment: peer_sequence.plus(1),
        flags: if has_ecn { flags | Flags::ECE } else { flags },
        // RFC 7323 2.2: "The window field in a segment where the SYN bit is set (i.e., a <SYN> or <SYN,ACK>) MUST NOT be
        // scaled."
        window: ReceiveWindow::initial(settings.receive_buffer),
        urgent_pointer: 0,
        options: Options {
            // spec: rfc9293-mss-sent
            maximum_segment_size: Some(local_segment_size(mtu, settings)),
            window_scale: options.window_scale.map(|_| ReceiveWindow::shift_for(settings.receive_buffer)),
            sack_permitted: options.sack_permitted,
            timestamps: options.timestamps.map(|peer| Timestamps { value: clock, echo: peer.value }),
            ..Options::NONE
        },
    }
}
