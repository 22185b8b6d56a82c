mod attacks;
mod close;
mod cookies;
mod handshake;
mod many;
mod output;
mod time_wait;

use std::net::SocketAddrV4;
use std::time::Duration;

use base::Secret;
use inet::{Binding, InterfaceId};
use tap::{Checksum, Frame, Instant, Offloads, Pool};

use super::*;
use crate::{CongestionControl, Ecn, Flags, Options, Segment, Setting, Status, TcpDropReason, Timestamps};

/// A host, as its peers see it.
pub(super) struct Node {
    pub(super) tcp: Tcp,
    pub(super) pool: Pool,
    pub(super) now: Instant,
    pub(super) offloads: Offloads,
}

pub(super) const PATH: Path = Path { interface: InterfaceId(0), interface_mtu: 1500, mtu: 1500 };

pub(super) fn server() -> SocketAddrV4 {
    "10.0.0.1:80".parse().unwrap()
}

/// Returns the address of a client.
pub(super) fn client(number: u16) -> SocketAddrV4 {
    SocketAddrV4::new([10, 0, 0, 2].into(), 10_000 + number)
}

pub(super) fn settings() -> TcpSettings {
    TcpSettings::default()
}

impl Node {
    pub(super) fn new(limits: TcpLimits) -> Node {
        Node {
            tcp: Tcp::new(limits, Secret::new(7)),
            pool: Pool::new(1500, 100_000),
            now: Instant::from_nanos(1_000_000_000),
            offloads: Offloads::default(),
        }
    }

    pub(super) fn listen(&mut self, backlog: usize) -> ListenerId {
        let local = Binding { addresses: (*server().ip()).into(), port: server().port() };
        self.tcp.listen(local, backlog, &settings()).expect("the listener was refused")
    }

    pub(super) fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
        self.tcp.poll(self.now, &mut self.pool);
    }

    /// Passes a segment with data.
    pub(super) fn receive_data(&mut self, fields: &SegmentFields, data: &[u8]) -> TcpReception {
        let (segment, frame) = segment(fields, data, &mut self.pool);
        self.tcp.receive(self.now, &PATH, &segment, frame, &mut self.pool)
    }

    /// Passes a segment, and returns the reply.
    pub(super) fn receive(&mut self, fields: &SegmentFields) -> Option<SegmentFields> {
        self.receive_data(fields, &[]).reply
    }

    pub(super) fn reason(&mut self, fields: &SegmentFields) -> Option<TcpDropReason> {
        match self.receive_data(fields, &[]).outcome {
            SegmentOutcome::Accepted => None,
            SegmentOutcome::Dropped(reason) => Some(reason),
        }
    }

    /// Returns the next segment to send, with its data.
    pub(super) fn transmit(&mut self) -> Option<(Segment, Vec<u8>)> {
        let departure = self.tcp.transmit(self.now, PATH.interface, self.offloads, &mut self.pool)?;
        let addresses = (departure.source, departure.destination);
        let checksum = departure.frame.offload().checksum;
        let segment = Segment::parse(departure.frame.bytes(), addresses, checksum).expect("invalid segment");
        let data = departure.frame.bytes()[segment.header_length..].to_vec();
        self.pool.give(departure.frame);
        Some((segment, data))
    }

    /// Returns all segments to send.
    pub(super) fn transmit_all(&mut self) -> Vec<(Segment, Vec<u8>)> {
        std::iter::from_fn(|| self.transmit()).collect()
    }

    /// Completes the handshake of a client with a SYN without options. Returns the segment that the client would send
    /// next, without data.
    pub(super) fn connect_from(&mut self, peer: SocketAddrV4) -> SegmentFields {
        let syn_ack = self.receive(&syn(peer)).expect("no SYN,ACK");
        let ack = answer(&syn_ack);
        assert_eq!(self.reason(&ack), None, "the handshake was not completed");
        ack
    }

    pub(super) fn status(&self, id: ConnectionId) -> Status {
        self.tcp.status(id).expect("no such connection")
    }

    pub(super) fn ready(&mut self) -> Vec<TcpReady> {
        std::iter::from_fn(|| self.tcp.poll_ready()).collect()
    }
}

/// Returns a received segment and its data.
pub(super) fn segment(fields: &SegmentFields, data: &[u8], pool: &mut Pool) -> (Segment, Frame) {
    let mut frame = pool.take().expect("no frame");
    let header = fields.header_length();
    let bytes = frame.append(header + data.len()).expect("the frame is too short");
    bytes[header..].copy_from_slice(data);
    fields.write_to(bytes).expect("the segment is too long");
    let addresses = (*fields.source.ip(), *fields.destination.ip());
    let segment = Segment::parse(frame.bytes(), addresses, Checksum::None).expect("invalid segment");
    frame.narrow(segment.header_length, segment.data_length).expect("no data");
    (segment, frame)
}

/// Returns a segment from a client to the server.
pub(super) fn from_client(
    peer: SocketAddrV4,
    flags: Flags,
    sequence: u32,
    acknowledgment: u32,
) -> SegmentFields {
    SegmentFields {
        source: peer,
        destination: server(),
        sequence: SequenceNumber::new(sequence),
        acknowledgment: SequenceNumber::new(acknowledgment),
        flags,
        window: 65_535,
        urgent_pointer: 0,
        options: Options::NONE,
    }
}

pub(super) fn syn(peer: SocketAddrV4) -> SegmentFields {
    from_client(peer, Flags::SYN, 1000, 0)
}

pub(super) fn syn_with_options(peer: SocketAddrV4, clock: u32) -> SegmentFields {
    let options = Options {
        maximum_segment_size: Some(1460),
        window_scale: Some(7),
        sack_permitted: true,
        timestamps: Some(Timestamps { value: clock, echo: 0 }),
        ..Options::NONE
    };
    SegmentFields { options, ..syn(peer) }
}

/// Returns the acknowledgment of a segment, with the next sequence number that its sender expects.
pub(super) fn answer(segment: &SegmentFields) -> SegmentFields {
    let length =
        u32::from(segment.flags.contains(Flags::SYN)) + u32::from(segment.flags.contains(Flags::FIN));
    let clock = |known: Timestamps| Timestamps { value: known.echo.wrapping_add(1), echo: known.value };
    SegmentFields {
        source: segment.destination,
        destination: segment.source,
        sequence: segment.acknowledgment,
        acknowledgment: segment.sequence.plus(length),
        flags: Flags::ACK,
        window: 65_535,
        urgent_pointer: 0,
        options: Options { timestamps: segment.options.timestamps.map(clock), ..Options::NONE },
    }
}
