//! The peer of a connection, which knows the sequence numbers of the connection, and lies about anything.

use std::net::{Ipv4Addr, SocketAddrV4};

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use tcp::{Flags, Options, SackBlock, Segment, SegmentFields, SequenceNumber, Timestamps};

/// A place in the sequence space.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Place {
    /// The next number.
    Next,
    /// A distance from the next number.
    Near(i8),
    /// A distance from the next number.
    Distance(i16),
    /// A distance in the whole sequence space.
    Any(u32),
}

/// A segment of the peer.
#[derive(Arbitrary, Debug)]
pub(crate) struct SegmentInput {
    sequence: Place,
    acknowledgment: Place,
    flags: u8,
    /// Whether the segment has the flag ACK, as almost all segments have.
    has_ack: bool,
    window: u16,
    urgent_pointer: u16,
    length: u16,
    timestamps: Option<(i16, u32)>,
    sack: [Option<(Place, u16)>; 2],
    syn_options: Option<(Option<u16>, Option<u8>, bool)>,
}

/// The state of the peer.
pub(crate) struct LyingPeer {
    initial: SequenceNumber,
    /// Next sequence number that the connection expects.
    pub(crate) next: SequenceNumber,
    /// End of what the connection has sent.
    pub(crate) sent_end: SequenceNumber,
    /// Sequence number of the first byte of the connection's data.
    pub(crate) data_start: SequenceNumber,
    /// Rightmost edge of the windows that the peer has announced, as a distance from the first byte of the data.
    pub(crate) edge: u32,
    /// Options of the honest SYN.
    options: Options,
    clock: u32,
}

/// Longest data of a segment, in bytes.
const LONGEST: u16 = 3_000;

pub(crate) fn local() -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 40_000)
}

pub(crate) fn peer() -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 80)
}

/// Returns a byte of the peer's data stream.
pub(crate) fn received_byte(position: u32) -> u8 {
    let [low, high, ..] = position.to_le_bytes();
    low.wrapping_mul(3) ^ high
}

impl Place {
    fn from(self, next: SequenceNumber) -> SequenceNumber {
        match self {
            Place::Next => next,
            Place::Near(distance) => next.plus(i32::from(distance).cast_unsigned()),
            Place::Distance(distance) => next.plus(i32::from(distance).cast_unsigned()),
            Place::Any(distance) => next.plus(distance),
        }
    }
}

impl LyingPeer {
    /// Creates a peer with these initial sequence numbers, before its SYN.
    pub(crate) fn new(initial: SequenceNumber, local: SequenceNumber, options: Options) -> LyingPeer {
        LyingPeer {
            initial,
            next: initial,
            sent_end: local,
            data_start: local.plus(1),
            // The window of a passive handshake.
            edge: 1_000,
            options,
            clock: 1,
        }
    }

    /// Returns the honest segment that completes the handshake.
    pub(crate) fn handshake(&mut self, is_opening: bool) -> SegmentFields {
        if !is_opening {
            return self.acknowledgment();
        }
        let flags = Flags::SYN | Flags::ACK;
        self.edge = self.edge.max(1_000);
        let fields = fields(self.initial, self.sent_end, flags, 1_000);
        SegmentFields { options: self.options, ..fields }
    }

    /// Returns the honest acknowledgment of everything that was sent.
    pub(crate) fn acknowledgment(&mut self) -> SegmentFields {
        self.clock = self.clock.wrapping_add(1);
        let mut fields = fields(self.next, self.sent_end, Flags::ACK, 5_000);
        fields.options.timestamps =
            self.options.timestamps.map(|_| Timestamps { value: self.clock, echo: 0 });
        self.note_window(&fields);
        fields
    }

    /// Returns a segment with its data. A SYN to a connection that opens has the initial sequence number.
    pub(crate) fn segment(&mut self, input: &SegmentInput, is_opening: bool) -> (SegmentFields, Vec<u8>) {
        let mut flags = Flags::from_bits(input.flags);
        if input.has_ack {
            flags = flags.with(Flags::ACK);
        }
        let is_syn = flags.contains(Flags::SYN);
        let sequence = if is_syn && is_opening { self.initial } else { input.sequence.from(self.next) };
        let mut options = Options::default();
        if let Some((value, echo)) = input.timestamps {
            let value = self.clock.wrapping_add_signed(value.into());
            options.timestamps = Some(Timestamps { value, echo });
        } else if self.options.timestamps.is_some() {
            self.clock = self.clock.wrapping_add(1);
            options.timestamps = Some(Timestamps { value: self.clock, echo: 0 });
        }
        if let Some((size, scale, sack)) = input.syn_options {
            (options.maximum_segment_size, options.window_scale, options.sack_permitted) =
                (size, scale, sack);
        } else {
            for (place, length) in input.sack.iter().flatten() {
                let start = place.from(self.sent_end);
                options.sack.push(SackBlock { start, end: start.plus((*length).into()) });
            }
        }
        let first = sequence.plus(u32::from(is_syn)).distance_from(self.initial.plus(1));
        let length = u32::from(input.length % LONGEST);
        let data = (0..length).map(|offset| received_byte(first.wrapping_add(offset))).collect();
        let fields = SegmentFields {
            urgent_pointer: input.urgent_pointer,
            options,
            ..fields(sequence, input.acknowledgment.from(self.sent_end), flags, input.window)
        };
        if is_syn {
            self.options.window_scale = options.window_scale.max(self.options.window_scale);
        }
        self.note_window(&fields);
        (fields, data)
    }

    /// Returns a place relative to the end of what the connection has sent.
    pub(crate) fn sent_place(&self, place: Place) -> SequenceNumber {
        place.from(self.sent_end)
    }

    /// Notes the window of a segment that is delivered.
    pub(crate) fn note(&mut self, segment: &Segment) {
        if segment.flags.contains(Flags::SYN) {
            self.options.window_scale = segment.options.window_scale.max(self.options.window_scale);
        }
        self.note_edge(segment.acknowledgment, segment.window);
    }

    fn note_window(&mut self, fields: &SegmentFields) {
        self.note_edge(fields.acknowledgment, fields.window);
    }

    fn note_edge(&mut self, acknowledgment: SequenceNumber, window: u16) {
        // The window is that of an acknowledgment of sent data, and scaled by at most the shift of the SYN.
        let shift = self.options.window_scale.unwrap_or_default().min(14);
        // Before the SYN is sent, the end of what was sent precedes the data.
        let has_data = self.data_start.is_before(self.sent_end);
        let sent = if has_data { self.sent_end.distance_from(self.data_start) } else { 0 };
        let acknowledged = acknowledgment.distance_from(self.data_start);
        let acknowledged = if acknowledged <= sent { acknowledged } else { 0 };
        self.edge = self.edge.max(acknowledged.saturating_add(u32::from(window) << shift));
    }

    /// Observes a segment of the connection.
    pub(crate) fn observe(&mut self, segment: &Segment) {
        let end = segment.sequence.plus(segment.sequence_length());
        if self.sent_end.is_before(end) && !segment.flags.contains(Flags::RST) {
            self.sent_end = end;
        }
        if segment.flags.contains(Flags::ACK) && self.next.is_before(segment.acknowledgment) {
            self.next = segment.acknowledgment;
        }
    }
}

/// Returns the fields of a segment without options.
fn fields(
    sequence: SequenceNumber,
    acknowledgment: SequenceNumber,
    flags: Flags,
    window: u16,
) -> SegmentFields {
    SegmentFields {
        source: peer(),
        destination: local(),
        sequence,
        acknowledgment,
        flags,
        window,
        urgent_pointer: 0,
        options: Options::default(),
    }
}
