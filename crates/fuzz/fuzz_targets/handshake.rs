//! Segments of a few peers to a listener with small limits, with cookies, time that passes, and ICMP errors. Checks that a
//! connection needs an acknowledged SYN,ACK, and that nothing is left at the end.
#![no_main]

mod tcp_node;

use std::collections::BTreeSet;
use std::net::SocketAddrV4;
use std::time::Duration;

use inet::Binding;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use tcp::{
    Flags, Options, PathProblem, QuotedSegment, SegmentFields, SequenceNumber, TcpLimits, TcpSettings,
    Timestamps,
};

use tcp_node::{INTERFACE, Node, Packet};

#[derive(Arbitrary, Debug)]
struct Input {
    /// Limits: half-open connections, those of a listener, backlog, connections, TIME-WAIT.
    limits: [u8; 5],
    without: u8,
    steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Segment(SegmentInput),
    /// The segments that are due, up to this number.
    Transmit(u8),
    /// Milliseconds.
    Wait(u16),
    Accept,
    Close(u8),
    Abort(u8),
    Error {
        peer: u8,
        offset: i8,
        kind: u8,
    },
}

#[derive(Arbitrary, Debug)]
struct SegmentInput {
    peer: u8,
    flags: u8,
    /// Distance from the expected number.
    sequence: i16,
    acknowledgment: i8,
    /// Numbers that are not near the expected ones.
    far: Option<(u32, u32)>,
    window: u16,
    options: u8,
    clock: i8,
    data: u8,
}

/// What a peer knows.
#[derive(Default)]
struct Peer {
    /// The next sequence number of the peer.
    next: SequenceNumber,
    /// The next sequence number of the server.
    expected: SequenceNumber,
    clock: u32,
    echo: u32,
    /// Numbers that acknowledge a SYN,ACK.
    answers: BTreeSet<u32>,
    /// Whether the peer has acknowledged a SYN,ACK.
    has_acknowledged: bool,
}

const PEERS: u8 = 4;

fuzz_target!(|input: Input| {
    let [half_open, per_listener, backlog, connections, time_wait] =
        input.limits.map(|limit| usize::from(limit % 6));
    let limits = TcpLimits {
        half_open,
        half_open_per_listener: per_listener,
        connections,
        time_wait,
        listeners: 1,
        ..TcpLimits::default()
    };
    let settings = TcpSettings {
        timestamps: input.without & 1 == 0,
        sack: input.without & 2 == 0,
        window_scaling: input.without & 4 == 0,
        ..TcpSettings::default()
    };
    let mut node = Node::new(limits, input.without);
    let local = Binding { addresses: (*server().ip()).into(), port: server().port() };
    let listener = node.tcp.listen(local, backlog, &settings).expect("the listener should be created");
    let mut peers: Vec<Peer> = (0..PEERS).map(|_| Peer::default()).collect();
    let mut accepted = Vec::new();
    for step in input.steps {
        match step {
            Step::Segment(segment) => {
                let number = segment.peer % PEERS;
                let peer = &mut peers[usize::from(number)];
                let packet = segment.packet(number, peer);
                if let Some(reply) = node.receive(&packet) {
                    peer.learn(&reply);
                }
            }
            Step::Transmit(count) => {
                for _ in 0..count {
                    let Some(packet) = node.transmit() else { break };
                    let number = packet.fields.destination.port() - 1;
                    peers[usize::from(number)].learn(&packet.fields);
                }
            }
            Step::Wait(milliseconds) => node.wait(Duration::from_millis(milliseconds.into())),
            Step::Accept => {
                let Some(id) = node.tcp.accept(listener) else { continue };
                let peer = node.tcp.addresses(id).expect("the connection should have addresses").peer;
                assert!(peers[usize::from(peer.port() - 1)].has_acknowledged, "no SYN,ACK was acknowledged");
                accepted.push(id);
            }
            Step::Close(number) if !accepted.is_empty() => {
                let id = accepted.swap_remove(usize::from(number) % accepted.len());
                node.tcp.close(node.now, id, &mut node.pool);
                assert_eq!(node.tcp.status(id), None);
            }
            Step::Abort(number) if !accepted.is_empty() => {
                let id = accepted.swap_remove(usize::from(number) % accepted.len());
                node.tcp.abort(node.now, id, &mut node.pool);
                assert_eq!(node.tcp.status(id), None);
            }
            Step::Close(_) | Step::Abort(_) => {}
            Step::Error { peer, offset, kind } => {
                let number = peer % PEERS;
                let expected = peers[usize::from(number)].expected;
                let sequence = shifted(expected.minus(1), offset.into());
                let quoted =
                    QuotedSegment { interface: INTERFACE, local: server(), peer: client(number), sequence };
                node.tcp.icmp_error(node.now, &quoted, problem(kind), &mut node.pool);
            }
        }
        node.check();
    }
    for id in accepted {
        node.tcp.abort(node.now, id, &mut node.pool);
    }
    node.tcp.close_listener(node.now, listener, &mut node.pool);
    node.end();
});

impl SegmentInput {
    fn packet(&self, number: u8, peer: &mut Peer) -> Packet {
        let flags = Flags::from_bits(self.flags);
        let near =
            (shifted(peer.next, self.sequence.into()), shifted(peer.expected, self.acknowledgment.into()));
        let far =
            |(sequence, acknowledgment)| (SequenceNumber::new(sequence), SequenceNumber::new(acknowledgment));
        let (sequence, acknowledgment) = self.far.map_or(near, far);
        if flags.contains(Flags::ACK) && peer.answers.contains(&acknowledgment.value()) {
            peer.has_acknowledged = true;
        }
        let clock = peer.clock.wrapping_add_signed(self.clock.into());
        peer.clock = clock;
        let mut options = options(self.options, Timestamps { value: clock, echo: peer.echo });
        if !flags.contains(Flags::SYN) {
            options = Options { timestamps: options.timestamps, ..Options::NONE };
        }
        let fields = SegmentFields {
            source: client(number),
            destination: server(),
            sequence,
            acknowledgment,
            flags,
            window: self.window,
            urgent_pointer: 0,
            options,
        };
        Packet { fields, data: vec![number; usize::from(self.data)] }
    }
}

impl Peer {
    /// Processes a segment of the server.
    fn learn(&mut self, segment: &SegmentFields) {
        let length =
            u32::from(segment.flags.contains(Flags::SYN)) + u32::from(segment.flags.contains(Flags::FIN));
        if segment.flags.contains(Flags::SYN) {
            self.answers.insert(segment.sequence.plus(1).value());
        }
        if let Some(timestamps) = segment.options.timestamps {
            self.echo = timestamps.value;
        }
        if segment.flags.contains(Flags::ACK) {
            self.next = segment.acknowledgment;
        }
        self.expected = segment.sequence.plus(length);
    }
}

fn server() -> SocketAddrV4 {
    SocketAddrV4::new([10, 0, 0, 1].into(), 80)
}

fn client(number: u8) -> SocketAddrV4 {
    SocketAddrV4::new([10, 0, 0, 2].into(), u16::from(number) + 1)
}

fn shifted(number: SequenceNumber, distance: i32) -> SequenceNumber {
    SequenceNumber::new(number.value().wrapping_add_signed(distance))
}

fn problem(kind: u8) -> PathProblem {
    match kind % 4 {
        0 => PathProblem::HostUnreachable,
        1 => PathProblem::PortUnreachable,
        2 => PathProblem::FragmentationNeeded { mtu: u16::from(kind) << 3 },
        _ => PathProblem::NextHopUnresolved,
    }
}

/// Returns options that the bits of a number select.
fn options(bits: u8, timestamps: Timestamps) -> Options {
    Options {
        maximum_segment_size: (bits & 1 != 0).then_some(u16::from(bits) << 4),
        window_scale: (bits & 2 != 0).then_some(bits >> 4),
        sack_permitted: bits & 4 != 0,
        timestamps: (bits & 8 != 0).then_some(timestamps),
        ..Options::NONE
    }
}
