//! A connection with a peer that lies: segments with any fields in any state, calls of the user, and time that jumps.
#![no_main]

mod lying_peer;

use std::time::Duration;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use tap::{Checksum, Instant, Offloads, Pool};
use tcp::{
    BufferSize, Connection, Flags, Handshake, KeepAlive, Memory, Options, Output, PathProblem, Reception,
    Resources, Segment, SegmentFields, SegmentOutcome, SequenceNumber, Setting, Start, State, TcpSettings,
    Timestamps,
};

use lying_peer::{LyingPeer, Place, SegmentInput, local, peer, received_byte};

#[derive(Arbitrary, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "the options are independent of each other")]
struct Setup {
    local_sequence: u32,
    peer_sequence: u32,
    mtu: u16,
    receive_buffer: u16,
    send_buffer: u16,
    is_passive: bool,
    timestamps: bool,
    sack: bool,
    window_scaling: bool,
    nagle: bool,
    has_keep_alive: bool,
    /// In seconds.
    user_timeout: Option<u8>,
    peer_segment_size: Option<u16>,
    peer_window_scale: Option<u8>,
    peer_has_sack: bool,
    peer_has_timestamps: bool,
    /// Whether the handshake succeeds before the steps.
    is_established: bool,
    /// Whether the device cuts frames into segments.
    has_segmentation: bool,
}

/// Maximum number of segments in one turn: one per byte of the largest send buffer, and a SYN, a FIN or replies. Path MTUs
/// that the host would not pass on permit segments of one byte.
const MAXIMUM_SEGMENTS: u32 = (64 << 10) + 16;

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    Segment(SegmentInput),
    /// The bytes of a segment, with ports that match.
    Bytes(&'a [u8]),
    /// The peer acknowledges everything that was sent.
    Acknowledge,
    Write(u16),
    WriteUrgent(u8),
    Read(u16),
    Consume(u16),
    Shutdown,
    Close,
    Abort,
    /// A time in units of 2^n nanoseconds.
    Wait(u16, u8),
    /// Waits for the deadline.
    Deadline,
    Mtu(u16),
    Problem(u8, u16, Place),
    Set(u8, u16),
}

/// Maximum number of steps.
const STEPS: usize = 200;
/// MTU of the frames of the pool.
const POOL_MTU: usize = 4_000;
/// Limit of the memory of all connections.
const MEMORY: usize = 1 << 20;

fuzz_target!(|input: (Setup, Vec<Step<'_>>)| {
    let (setup, steps) = input;
    let mut fuzz = FuzzConnection::new(&setup);
    if setup.is_established {
        fuzz.establish();
    }
    for step in steps.iter().take(STEPS) {
        fuzz.step(step);
        fuzz.check();
    }
    fuzz.finish();
});

/// A connection, and what the target knows about it.
struct FuzzConnection {
    connection: Connection,
    memory: Memory,
    pool: Pool,
    now: Instant,
    peer: LyingPeer,
    written: u32,
    /// Number of bytes that the user has read, while they are those of the peer's data stream.
    read: Option<u32>,
    is_closed_by_user: bool,
    offloads: Offloads,
}

impl FuzzConnection {
    fn new(setup: &Setup) -> FuzzConnection {
        let settings = TcpSettings {
            nagle: setup.nagle,
            keep_alive: setup.has_keep_alive.then(KeepAlive::default),
            user_timeout: setup.user_timeout.map(|seconds| Duration::from_secs(seconds.into())),
            receive_buffer: BufferSize { initial: setup.receive_buffer.into(), maximum: 64 << 10 },
            send_buffer: BufferSize { initial: setup.send_buffer.into(), maximum: 64 << 10 },
            timestamps: setup.timestamps,
            sack: setup.sack,
            window_scaling: setup.window_scaling,
            ..TcpSettings::default()
        };
        let start = Start {
            local: local(),
            peer: peer(),
            initial_sequence: SequenceNumber::new(setup.local_sequence),
            timestamp_offset: setup.peer_sequence,
            mtu: setup.mtu.clamp(68, 3_000),
        };
        let now = Instant::from_nanos(1_000_000_000);
        let options = Options {
            maximum_segment_size: setup.peer_segment_size,
            window_scale: setup.peer_window_scale,
            sack_permitted: setup.peer_has_sack,
            timestamps: setup.peer_has_timestamps.then_some(Timestamps { value: 1, echo: 0 }),
            ..Options::default()
        };
        let peer_sequence = SequenceNumber::new(setup.peer_sequence);
        let connection = if setup.is_passive {
            let options = Options {
                window_scale: options.window_scale.filter(|_| setup.window_scaling),
                sack_permitted: options.sack_permitted && setup.sack,
                timestamps: options.timestamps.filter(|_| setup.timestamps),
                ..options
            };
            let handshake = Handshake {
                peer_sequence,
                options,
                has_ecn: true,
                window: 1_000,
                sent_at: Some(now),
                retransmissions: 0,
            };
            Connection::accept(now, &settings, &start, &handshake)
        } else {
            Connection::open(now, &settings, &start)
        };
        let mut peer = LyingPeer::new(peer_sequence, start.initial_sequence, options);
        if setup.is_passive {
            peer.next = peer_sequence.plus(1);
            peer.sent_end = start.initial_sequence.plus(1);
        }
        FuzzConnection {
            connection,
            memory: Memory::new(MEMORY),
            pool: Pool::new(POOL_MTU, 4_096),
            now,
            peer,
            written: 0,
            read: Some(0),
            is_closed_by_user: false,
            offloads: Offloads { tcp_v4: setup.has_segmentation, ..Offloads::default() },
        }
    }

    fn establish(&mut self) {
        self.transmit();
        let fields = self.peer.handshake(self.connection.state() == State::SynSent);
        self.deliver(&fields, &[]);
        assert_eq!(self.connection.state(), State::Established, "an honest handshake fails");
        self.transmit();
    }

    fn step(&mut self, step: &Step<'_>) {
        let FuzzConnection { connection, memory, pool, now, .. } = self;
        let mut cx = Resources { memory, pool };
        match step {
            Step::Segment(input) => {
                let is_opening = connection.state() == State::SynSent;
                let (fields, data) = self.peer.segment(input, is_opening);
                self.deliver(&fields, &data);
            }
            Step::Bytes(bytes) => self.deliver_bytes(bytes),
            Step::Acknowledge => {
                let fields = self.peer.acknowledgment();
                self.deliver(&fields, &[]);
            }
            Step::Write(length) => {
                let written = self.written;
                let data: Vec<u8> = (written..written + u32::from(*length)).map(sent_byte).collect();
                self.written += count(connection.write(*now, &data, &mut cx));
            }
            Step::WriteUrgent(length) => {
                let written = self.written;
                let data: Vec<u8> = (written..written + u32::from(*length)).map(sent_byte).collect();
                self.written += count(connection.write_urgent(*now, &data, &mut cx));
            }
            Step::Read(length) => {
                let mut buffer = vec![0; usize::from(*length)];
                let length = connection.read(*now, &mut buffer, &mut cx);
                self.check_data(&buffer[..length]);
            }
            Step::Consume(length) => {
                let chunk = connection.chunk();
                let length = chunk.len().min(usize::from(*length));
                let data = chunk[..length].to_vec();
                connection.consume(*now, length, &mut cx);
                self.check_data(&data);
            }
            Step::Shutdown => connection.shutdown(*now),
            Step::Close => {
                connection.close(*now, &mut cx);
                self.is_closed_by_user = true;
            }
            Step::Abort => {
                connection.abort(*now, &mut cx);
            }
            Step::Wait(units, bits) => {
                let span = Duration::from_nanos(u64::from(*units) << (bits % 40));
                self.pass(self.now + span);
            }
            Step::Deadline => {
                if let Some(deadline) = connection.deadline() {
                    self.pass(deadline.max(self.now));
                }
            }
            Step::Mtu(mtu) => connection.set_mtu(*now, *mtu),
            Step::Problem(kind, mtu, place) => {
                let sequence = self.peer.sent_place(*place);
                connection.icmp_error(*now, problem(*kind, *mtu), sequence);
            }
            Step::Set(kind, value) => connection.set(*now, setting(*kind, *value)),
        }
        self.transmit();
    }

    /// Moves the time, and polls the connection at its deadline, or late.
    fn pass(&mut self, now: Instant) {
        self.now = now;
        // After a jump of the time, a timer that expires may start another one that has expired too.
        for _ in 0..4 {
            if self.connection.deadline().is_some_and(|deadline| deadline <= now) {
                let FuzzConnection { connection, memory, pool, .. } = self;
                connection.poll(now, &mut Resources { memory, pool });
            }
        }
        let deadline = self.connection.deadline();
        assert!(
            deadline.is_none_or(|deadline| deadline > now),
            "poll leaves its deadline in the past: {:?}",
            self.connection
        );
    }

    /// Delivers a segment with a valid checksum.
    fn deliver(&mut self, fields: &SegmentFields, data: &[u8]) {
        let mut bytes = vec![0; fields.header_length() + data.len()];
        bytes[fields.header_length()..].copy_from_slice(data);
        fields.write_to(&mut bytes).expect("the segment has a valid length");
        let addresses = (*peer().ip(), *local().ip());
        let segment = Segment::parse(&bytes, addresses, Checksum::None).expect("the segment is valid");
        self.receive(&segment, &bytes[segment.header_length..]);
    }

    fn deliver_bytes(&mut self, bytes: &[u8]) {
        let addresses = (*peer().ip(), *local().ip());
        let Ok(segment) = Segment::parse(bytes, addresses, Checksum::Verified) else { return };
        let segment = Segment { source: peer(), destination: local(), ..segment };
        if segment.data_length > 0 || self.connection.state() == State::SynSent {
            // The data is not that of the stream, or the stream has another start.
            self.read = None;
        }
        self.peer.note(&segment);
        self.receive(&segment, &bytes[segment.header_length..]);
    }

    fn receive(&mut self, segment: &Segment, data: &[u8]) {
        let state = self.connection.state();
        let mut frame = self.pool.take().expect("the pool has frames");
        if frame.write(data).is_err() {
            self.pool.give(frame);
            return;
        }
        let FuzzConnection { connection, memory, pool, now, .. } = self;
        let reception = connection.receive(*now, segment, frame, &mut Resources { memory, pool });
        let Reception { outcome, reply, is_progress } = reception;
        if let Some(reply) = reply {
            let mut bytes = vec![0; reply.header_length()];
            reply.write_to(&mut bytes).expect("a reply has a valid length");
            let is_reset = |flags: Flags| flags.contains(Flags::RST);
            assert!(
                !is_reset(segment.flags) || !is_reset(reply.flags),
                "a reset causes a reset: {segment:?}"
            );
            self.peer.observe(&parse(&bytes));
        }
        if is_progress {
            assert!(segment.flags.contains(Flags::ACK), "progress without an acknowledgment: {segment:?}");
        }
        if state == State::Closed {
            assert!(matches!(outcome, SegmentOutcome::Dropped(_)), "accepted in CLOSED: {segment:?}");
        }
    }

    /// Sends all segments that are due, and checks each.
    fn transmit(&mut self) {
        for number in 0_u32.. {
            assert!(number <= MAXIMUM_SEGMENTS, "the connection sends without end: {:?}", self.connection);
            let output = self.connection.output();
            let mut frame = self.pool.take_large().expect("the pool has frames");
            let is_sent = self.connection.transmit(self.now, self.offloads, &mut frame).is_some();
            assert_eq!(is_sent, output != Output::None, "output and transmit do not agree");
            if is_sent {
                let segment = parse(frame.bytes());
                assert!(frame.segment_length() <= 3_000 - 20, "longer than the path MTU: {segment:?}");
                let is_data = segment.flags.without(Flags::PSH | Flags::FIN | Flags::ECE) == Flags::ACK;
                assert!(is_data || frame.segments() == 1, "a superframe is no data: {segment:?}");
                self.peer.observe(&segment);
                self.check_sent(&segment, &frame.bytes()[segment.header_length..]);
            }
            self.pool.give(frame);
            if !is_sent {
                break;
            }
        }
    }

    /// Sent data is that of the user, and within the windows of the peer, except a probe of one byte.
    fn check_sent(&self, segment: &Segment, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        let position = segment.sequence.distance_from(self.peer.data_start);
        for (byte, position) in data.iter().zip(position..) {
            assert!(position < self.written, "data is sent that the user has not written: {segment:?}");
            assert_eq!(*byte, sent_byte(position), "wrong data is sent: {segment:?}");
        }
        let end = position + count(data.len());
        let limit = self.peer.edge + u32::from(data.len() == 1);
        assert!(end <= limit, "data beyond the window up to {}: {segment:?}", self.peer.edge);
    }

    /// Read data is that of the peer's data stream, without a gap.
    fn check_data(&mut self, data: &[u8]) {
        let Some(read) = self.read else { return };
        for (byte, position) in data.iter().zip(read..) {
            assert_eq!(*byte, received_byte(position), "byte {position} is wrong");
        }
        self.read = Some(read + count(data.len()));
    }

    fn check(&self) {
        let status = self.connection.status();
        assert_eq!(status.closed.is_some(), status.state == State::Closed, "{status:?}");
        if status.state == State::Closed {
            assert_eq!(self.connection.deadline(), None, "a closed connection has a deadline");
            assert_eq!(self.connection.output(), Output::None, "a closed connection sends");
        }
        // Frames hold at most about four times their data, and each of 64 small blocks may hold one frame more. The send
        // buffer holds at most 64 KiB.
        let bound = (64 << 10) + 5 * (64 << 10) + 66 * tap::Frame::capacity_for(POOL_MTU);
        assert!(self.memory.used() <= bound, "{} bytes in use", self.memory.used());
    }

    /// Ends the connection: all memory and all frames are returned.
    fn finish(mut self) {
        self.pass(self.now + Duration::from_hours(10_000));
        self.transmit();
        self.check();
        let FuzzConnection { mut connection, mut memory, mut pool, now, .. } = self;
        connection.abort(now, &mut Resources { memory: &mut memory, pool: &mut pool });
        assert_eq!(connection.state(), State::Closed);
        connection.release(&mut Resources { memory: &mut memory, pool: &mut pool });
        assert_eq!((memory.used(), pool.held()), (0, 0), "memory and frames in use");
    }
}

/// Parses a segment that the connection has sent.
fn parse(bytes: &[u8]) -> Segment {
    let segment = Segment::parse(bytes, (*local().ip(), *peer().ip()), Checksum::None);
    let segment = segment.expect("a sent segment is valid");
    assert_eq!((segment.source, segment.destination), (local(), peer()));
    segment
}

/// Returns a byte of the user's data stream.
fn sent_byte(position: u32) -> u8 {
    let [low, high, ..] = position.to_le_bytes();
    low ^ high.wrapping_mul(29)
}

fn problem(kind: u8, mtu: u16) -> PathProblem {
    match kind % 9 {
        0 => PathProblem::NetworkUnreachable,
        1 => PathProblem::HostUnreachable,
        2 => PathProblem::ProtocolUnreachable,
        3 => PathProblem::PortUnreachable,
        4 => PathProblem::FragmentationNeeded { mtu },
        5 => PathProblem::OtherUnreachable,
        6 => PathProblem::TimeExceeded,
        7 => PathProblem::ParameterProblem,
        _ => PathProblem::NextHopUnresolved,
    }
}

fn setting(kind: u8, value: u16) -> Setting {
    let size = BufferSize { initial: value.into(), maximum: 64 << 10 };
    let seconds = Duration::from_secs(value.into());
    match kind % 8 {
        0 => Setting::Nagle(value.is_multiple_of(2)),
        1 => Setting::KeepAlive(None),
        2 => Setting::KeepAlive(Some(KeepAlive { idle: seconds, interval: seconds, probes: 3 })),
        3 => Setting::UserTimeout((value.is_multiple_of(2)).then_some(seconds)),
        4 => Setting::SendBuffer(size),
        5 => Setting::ReceiveBuffer(size),
        6 => Setting::TimeToLive(None),
        _ => Setting::TypeOfService(0),
    }
}

/// Converts a length to a distance of sequence numbers.
fn count(length: usize) -> u32 {
    u32::try_from(length).expect("buffers are short")
}
