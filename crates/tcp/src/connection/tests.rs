use std::net::SocketAddrV4;
use std::time::Duration;

use tap::{Checksum, Frame, Instant, Offload, Offloads, Pool, Segmentation, SegmentationKind};

use super::*;
use crate::{Flags, Memory, Reception, Segment, SegmentFields, SegmentOutcome, TcpDropReason, Timestamps};

mod acknowledging;
mod closing;
mod ecn;
mod handshake;
mod loss;
mod pacing;
mod path;
mod retransmission;
mod segments;
mod superframes;
mod timestamps;
mod windows;

/// Initial sequence numbers with which the tests of sequence numbers run.
const INITIAL: [u32; 5] = [0, (1 << 31) - 1, 1 << 31, u32::MAX - 3, u32::MAX];

/// Length of the data of a full segment without timestamps.
const FULL: usize = 1_460;

/// A connection and its peer, which the test plays.
struct Rig {
    connection: Connection,
    memory: Memory,
    pool: Pool,
    now: Instant,
    /// Initial sequence numbers of both sides.
    local: SequenceNumber,
    remote: SequenceNumber,
    /// Window of the segments that the peer sends.
    window: u16,
    /// Next sequence number of the peer, relative to its initial sequence number.
    next: u32,
    /// Last acknowledgment of the peer, relative to the local initial sequence number.
    acknowledged: u32,
    /// Work that is left to the device.
    offloads: Offloads,
}

/// A segment that the connection has sent. The numbers are relative to the initial sequence numbers.
#[derive(Debug, PartialEq)]
struct Sent {
    flags: Flags,
    sequence: u32,
    acknowledgment: u32,
    window: u16,
    options: Options,
    urgent_pointer: u16,
    type_of_service: u8,
    /// Length of the data of each segment but the last, if a device cuts the frame.
    segment_size: Option<u16>,
    data: Vec<u8>,
}

/// A segment that the peer sends.
#[derive(Clone, Copy)]
struct Given<'a> {
    flags: Flags,
    sequence: u32,
    acknowledgment: u32,
    window: Option<u16>,
    urgent_pointer: u16,
    options: Options,
    is_marked: bool,
    /// Length of the data of each segment but the last, if a device has merged segments.
    segment_size: Option<u16>,
    data: &'a [u8],
}

/// Returns settings without timestamps and window scaling, and with the congestion control of RFC 5681, so that the numbers
/// of the tests are those of the RFC.
fn plain() -> TcpSettings {
    TcpSettings {
        timestamps: false,
        window_scaling: false,
        sack: false,
        congestion: CongestionControl::NewReno,
        ..TcpSettings::default()
    }
}

fn local() -> SocketAddrV4 {
    "10.0.0.1:80".parse().expect("the address is valid")
}

fn peer() -> SocketAddrV4 {
    "10.0.0.2:4000".parse().expect("the address is valid")
}

fn start(local_sequence: u32) -> Start {
    Start {
        local: local(),
        peer: peer(),
        initial_sequence: SequenceNumber::new(local_sequence),
        timestamp_offset: 0,
        mtu: 1_500,
    }
}

impl<'a> Given<'a> {
    fn new(flags: Flags, sequence: u32, acknowledgment: u32) -> Given<'a> {
        let options = Options::default();
        Given {
            flags,
            sequence,
            acknowledgment,
            window: None,
            urgent_pointer: 0,
            options,
            is_marked: false,
            segment_size: None,
            data: &[],
        }
    }

    fn data(self, data: &'a [u8]) -> Given<'a> {
        Given { data, ..self }
    }

    fn merged(self, segment_size: u16) -> Given<'a> {
        Given { segment_size: Some(segment_size), ..self }
    }

    fn marked(self) -> Given<'a> {
        Given { is_marked: true, ..self }
    }

    fn window(self, window: u16) -> Given<'a> {
        Given { window: Some(window), ..self }
    }

    fn options(self, options: Options) -> Given<'a> {
        Given { options, ..self }
    }

    fn timestamps(self, value: u32, echo: u32) -> Given<'a> {
        self.options(Options { timestamps: Some(Timestamps { value, echo }), ..Options::default() })
    }
}

impl Rig {
    /// Creates a connection in SYN-SENT, before its SYN.
    fn opening(settings: &TcpSettings, local_sequence: u32, remote_sequence: u32) -> Rig {
        let now = Instant::from_nanos(1_000_000_000);
        Rig::with(
            Connection::open(now, settings, &start(local_sequence)),
            now,
            local_sequence,
            remote_sequence,
        )
    }

    fn with(connection: Connection, now: Instant, local_sequence: u32, remote_sequence: u32) -> Rig {
        Rig {
            connection,
            memory: Memory::new(64 << 20),
            pool: Pool::new(4_000, 1_000),
            now,
            local: SequenceNumber::new(local_sequence),
            remote: SequenceNumber::new(remote_sequence),
            window: 65_535,
            next: 1,
            acknowledged: 1,
            offloads: Offloads::default(),
        }
    }

    /// Creates a connection in ESTABLISHED that the local side has opened.
    fn established(settings: &TcpSettings) -> Rig {
        Rig::established_at(settings, 1_000, 5_000)
    }

    fn established_at(settings: &TcpSettings, local_sequence: u32, remote_sequence: u32) -> Rig {
        let options = Options { maximum_segment_size: Some(1_460), ..Options::default() };
        Rig::established_with(settings, options, local_sequence, remote_sequence)
    }

    /// Creates a connection in ESTABLISHED to a peer with these options of its SYN.
    fn established_with(
        settings: &TcpSettings,
        options: Options,
        local_sequence: u32,
        remote_sequence: u32,
    ) -> Rig {
        let mut rig = Rig::opening(settings, local_sequence, remote_sequence);
        assert_eq!(rig.sent().flags, Flags::SYN, "the first segment is no SYN");
        let reception = rig.receive(Given::new(Flags::SYN | Flags::ACK, 0, 1).options(options));
        assert_eq!(reception.reply, None, "the ACK of the SYN,ACK is not sent at the end of the turn");
        let ack = rig.sent();
        assert_eq!((ack.flags, ack.sequence, ack.acknowledgment), (Flags::ACK, 1, 1));
        assert_eq!(rig.connection.state(), State::Established);
        rig
    }

    /// Creates an established connection in a state, without data in flight except the FIN that the state implies.
    fn in_state(state: State) -> Rig {
        Rig::in_state_at(state, 1_000, 5_000)
    }

    fn in_state_at(state: State, local_sequence: u32, remote_sequence: u32) -> Rig {
        if state == State::SynSent {
            let mut rig = Rig::opening(&plain(), local_sequence, remote_sequence);
            assert_eq!(rig.sent().flags, Flags::SYN, "the first segment is no SYN");
            return rig;
        }
        if state == State::SynReceived {
            let mut rig = Rig::in_state_at(State::SynSent, local_sequence, remote_sequence);
            rig.receive(Given::new(Flags::SYN, 0, 0));
            assert_eq!(rig.sent().flags, Flags::SYN | Flags::ACK, "the SYN is not answered with SYN,ACK");
            return rig;
        }
        let mut rig = Rig::established_at(&plain(), local_sequence, remote_sequence);
        let fin = Flags::FIN | Flags::ACK;
        match state {
            State::FinWait1 | State::FinWait2 | State::Closing | State::TimeWait => {
                rig.connection.shutdown(rig.now);
                assert_eq!(rig.sent().flags, fin, "the FIN is missing");
                match state {
                    State::FinWait2 => rig.acknowledge(2),
                    State::Closing => rig.give(Given::new(fin, 1, 1)),
                    State::TimeWait => rig.give(Given::new(fin, 1, 2)),
                    _ => {}
                }
            }
            State::CloseWait => rig.give(Given::new(fin, 1, 1)),
            State::LastAck => {
                rig.give(Given::new(fin, 1, 1));
                rig.connection.shutdown(rig.now);
                assert_eq!(rig.sent().flags, fin, "the FIN is missing");
            }
            _ => {}
        }
        while rig.try_sent().is_some() {}
        assert_eq!(rig.connection.state(), state);
        rig
    }

    fn receive(&mut self, given: Given<'_>) -> Reception {
        let segment = Segment {
            source: peer(),
            destination: local(),
            sequence: self.remote.plus(given.sequence),
            acknowledgment: self.local.plus(given.acknowledgment),
            flags: given.flags,
            window: given.window.unwrap_or(self.window),
            urgent_pointer: given.urgent_pointer,
            options: given.options,
            has_invalid_option: false,
            is_marked: given.is_marked,
            header_length: 20,
            data_length: given.data.len(),
        };
        let is_long = given.data.len() > self.pool.mtu();
        let frame = if is_long { self.pool.take_large() } else { self.pool.take() };
        let mut frame = frame.expect("the pool has a frame");
        frame.write(given.data).expect("the data fits into a frame");
        if let Some(size) = given.segment_size {
            let kind = SegmentationKind::TcpV4;
            let segmentation = Some(Segmentation { kind, size, header: 0, cwr: false });
            frame.set_offload(Offload { segmentation, ..Offload::default() });
        }
        let mut cx = Resources { memory: &mut self.memory, pool: &mut self.pool };
        self.connection.receive(self.now, &segment, frame, &mut cx)
    }

    /// Receives a segment without a check of the result.
    fn give(&mut self, given: Given<'_>) {
        self.receive(given);
    }

    /// Receives an acknowledgment without data.
    fn acknowledge(&mut self, acknowledgment: u32) {
        self.acknowledged = acknowledgment;
        self.give(Given::new(Flags::ACK, self.next, acknowledgment));
    }

    /// Receives data in order.
    fn give_data(&mut self, data: &[u8]) -> Reception {
        let given = Given::new(Flags::ACK | Flags::PSH, self.next, self.acknowledged).data(data);
        self.next += u32::try_from(data.len()).expect("the data is short");
        self.receive(given)
    }

    /// Returns the next segment that the connection sends.
    fn try_sent(&mut self) -> Option<Sent> {
        let is_due = self.connection.output() != Output::None;
        let mut frame = Frame::for_mtu(if self.offloads.tcp_v4 { 65_535 } else { 1_500 });
        let type_of_service = self.connection.transmit(self.now, self.offloads, &mut frame);
        assert_eq!(is_due, type_of_service.is_some(), "output and transmit do not agree");
        let type_of_service = type_of_service?;
        let addresses = (*local().ip(), *peer().ip());
        let Offload { checksum, segmentation } = frame.offload();
        assert_eq!(
            checksum != Checksum::None,
            self.offloads.checksum,
            "the checksum is not that of the device"
        );
        let segment = Segment::parse(frame.bytes(), addresses, checksum).expect("the segment is valid");
        let sent = self.relative(&segment, &frame.bytes()[segment.header_length..]);
        let segment_size = segmentation.map(|segmentation| {
            assert_eq!(usize::from(segmentation.header), segment.header_length);
            segmentation.size
        });
        Some(Sent { type_of_service, segment_size, ..sent })
    }

    fn sent(&mut self) -> Sent {
        self.try_sent().expect("the connection sends a segment")
    }

    /// Returns all segments that the connection sends now.
    fn all_sent(&mut self) -> Vec<Sent> {
        std::iter::from_fn(|| self.try_sent()).collect()
    }

    /// Returns the lengths of the data of all segments that the connection sends now.
    fn sent_lengths(&mut self) -> Vec<usize> {
        self.all_sent().iter().map(|sent| sent.data.len()).collect()
    }

    fn assert_silent(&mut self) {
        assert_eq!(self.try_sent(), None, "the connection sends a segment");
    }

    fn relative(&self, segment: &Segment, data: &[u8]) -> Sent {
        assert_eq!((segment.source, segment.destination), (local(), peer()));
        let has_ack = segment.flags.contains(Flags::ACK);
        Sent {
            flags: segment.flags,
            sequence: segment.sequence.distance_from(self.local),
            acknowledgment: if has_ack { segment.acknowledgment.distance_from(self.remote) } else { 0 },
            window: segment.window,
            options: segment.options,
            urgent_pointer: segment.urgent_pointer,
            type_of_service: 0,
            segment_size: None,
            data: data.to_vec(),
        }
    }

    /// Returns flags, sequence number and acknowledgment number of a reply, relative to the initial sequence numbers.
    fn reply(&self, reception: &Reception) -> Option<(Flags, u32, u32)> {
        reception.reply.map(|fields: SegmentFields| {
            let has_ack = fields.flags.contains(Flags::ACK);
            let acknowledgment = if has_ack { fields.acknowledgment.distance_from(self.remote) } else { 0 };
            (fields.flags, fields.sequence.distance_from(self.local), acknowledgment)
        })
    }

    fn write(&mut self, data: &[u8]) -> usize {
        let mut cx = Resources { memory: &mut self.memory, pool: &mut self.pool };
        self.connection.write(self.now, data, &mut cx)
    }

    fn read(&mut self) -> Vec<u8> {
        let mut buffer = vec![0; 1 << 20];
        let mut cx = Resources { memory: &mut self.memory, pool: &mut self.pool };
        let length = self.connection.read(self.now, &mut buffer, &mut cx);
        buffer.truncate(length);
        buffer
    }

    fn close(&mut self) -> Option<SegmentFields> {
        let mut cx = Resources { memory: &mut self.memory, pool: &mut self.pool };
        self.connection.close(self.now, &mut cx)
    }

    fn abort(&mut self) -> Option<SegmentFields> {
        let mut cx = Resources { memory: &mut self.memory, pool: &mut self.pool };
        self.connection.abort(self.now, &mut cx)
    }

    /// Advances the time, and polls the connection at each of its deadlines.
    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(deadline) = self.connection.deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.poll();
        }
        self.now = end;
    }

    fn poll(&mut self) {
        let mut cx = Resources { memory: &mut self.memory, pool: &mut self.pool };
        self.connection.poll(self.now, &mut cx);
    }

    /// Advances the time to the next deadline and returns the elapsed time.
    fn pass_to_deadline(&mut self) -> Duration {
        let deadline = self.connection.deadline().expect("the connection has a deadline");
        let elapsed = deadline.since(self.now);
        self.now = self.now.max(deadline);
        self.poll();
        elapsed
    }

    fn status(&self) -> Status {
        self.connection.status()
    }

    /// Asserts that the connection ended for this reason, and that its memory is released.
    fn assert_ended(&mut self, reason: CloseReason) {
        assert_eq!((self.connection.state(), self.status().closed), (State::Closed, Some(reason)));
        assert_eq!(self.connection.deadline(), None, "an ended connection has a timer");
        self.assert_silent();
    }
}

/// Returns bytes that differ at neighboring positions.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| u8::try_from(index % 251).expect("the remainder is below 251")).collect()
}

#[test]
fn connection_without_sent_data_is_small() {
    assert!(size_of::<Connection>() <= 536, "a connection takes {} bytes", size_of::<Connection>());
}
