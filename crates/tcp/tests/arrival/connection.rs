//! A connection that is brought into a state with segments, and compared with the reference.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use tap::{Checksum, Instant, Offloads, Pool};
use tcp::{
    BufferSize, CloseReason, Connection, Flags, Handshake, Memory, Options, Resources, Segment,
    SegmentFields, SequenceNumber, Start, State, TcpSettings,
};

use crate::reference::{Arrival, Block, Effect, Place, Reply, Signal};

/// A connection in a state, with the frames and the memory that it needs.
pub(crate) struct Subject {
    connection: Connection,
    now: Instant,
    memory: Memory,
    pool: Pool,
    is_passive: bool,
    /// Initial sequence number of the peer.
    irs: u32,
    /// The window edge that the last sent segment announced.
    edge: u32,
}

pub(crate) const LOCAL: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 80);
pub(crate) const PEER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 4_000);
/// Window of the peer.
pub(crate) const WINDOW: u16 = 60_000;
/// Receive buffer of the connection: all of it is the window, without a scale.
pub(crate) const BUFFER: u16 = 8_192;
/// Bytes in flight in the states that send data.
const IN_FLIGHT: u32 = 300;
/// Bytes in the segments that fill the receive window.
const FILLING: u32 = 1_400;
pub(crate) const MTU: u16 = 1_500;
pub(crate) const START: Instant = Instant::from_nanos(1_000_000_000_000);
pub(crate) const STEP: Duration = Duration::from_millis(2);

impl Subject {
    /// Creates a connection in this state, and its block. Both sides have the same initial sequence number. With
    /// `has_zero_window`, unread data fills the receive window in the states that receive data.
    pub(crate) fn new(place: Place, initial: u32, has_zero_window: bool) -> (Subject, Block) {
        let is_passive = place == Place::SynReceivedPassive;
        let mut subject = Subject {
            connection: connection(is_passive, initial),
            now: START,
            memory: Memory::new(1 << 20),
            pool: Pool::new(MTU.into(), 64),
            is_passive,
            irs: initial,
            edge: initial.wrapping_add(1 + u32::from(BUFFER)),
        };
        let mut block = Block {
            place,
            iss: initial,
            snd_una: initial,
            snd_nxt: initial.wrapping_add(1),
            max_snd_wnd: WINDOW.into(),
            rcv_nxt: initial.wrapping_add(1),
            rcv_wnd: 0,
            has_sent_fin: false,
        };
        subject.bring_into(place, has_zero_window, &mut block);
        assert_eq!(subject.place(), place, "the connection did not reach the state");
        block.rcv_wnd = subject.edge.wrapping_sub(block.rcv_nxt);
        (subject, block)
    }

    /// Performs the calls and segments that lead to a state.
    fn bring_into(&mut self, place: Place, has_zero_window: bool, block: &mut Block) {
        let syn = Arrival {
            seq: self.irs,
            ack: None,
            syn: true,
            fin: false,
            rst: false,
            urg: false,
            up: 0,
            data: 0,
        };
        if self.is_passive {
            return;
        }
        self.sent();
        match place {
            Place::SynSent => return,
            Place::SynReceivedActive => {
                self.receive(&syn);
                return;
            }
            _ => {}
        }
        self.receive(&Arrival { ack: Some(block.snd_nxt), ..syn });
        block.snd_una = block.snd_nxt;
        let data = vec![0x55; usize::try_from(IN_FLIGHT).unwrap()];
        let (now, mut cx) = (self.now, resources(&mut self.memory, &mut self.pool));
        assert_eq!(self.connection.write(now, &data, &mut cx), data.len(), "the send buffer refused data");
        block.snd_nxt = block.snd_nxt.wrapping_add(IN_FLIGHT);
        self.sent();
        while has_zero_window && self.edge != block.rcv_nxt {
            let data = self.edge.wrapping_sub(block.rcv_nxt).min(FILLING);
            self.receive(&Arrival { seq: block.rcv_nxt, ack: Some(block.snd_una), syn: false, data, ..syn });
            block.rcv_nxt = block.rcv_nxt.wrapping_add(data);
        }
        let has_peer_fin = matches!(place, Place::CloseWait | Place::LastAck);
        if has_peer_fin {
            self.receive_fin(block);
        }
        if matches!(place, Place::Established | Place::CloseWait) {
            return;
        }
        self.connection.shutdown(self.now);
        block.snd_nxt = block.snd_nxt.wrapping_add(1);
        block.has_sent_fin = true;
        self.sent();
        if matches!(place, Place::FinWait2 | Place::TimeWait) {
            block.snd_una = block.snd_nxt;
            self.receive(&Arrival { seq: block.rcv_nxt, ack: Some(block.snd_una), syn: false, ..syn });
        }
        if matches!(place, Place::Closing | Place::TimeWait) {
            self.receive_fin(block);
        }
    }

    /// Receives the FIN of the peer.
    fn receive_fin(&mut self, block: &mut Block) {
        self.receive(&Arrival {
            seq: block.rcv_nxt,
            ack: Some(block.snd_una),
            syn: false,
            fin: true,
            rst: false,
            urg: false,
            up: 0,
            data: 0,
        });
        block.rcv_nxt = block.rcv_nxt.wrapping_add(1);
    }

    /// Processes a segment, and returns its effect.
    pub(crate) fn receive(&mut self, arrival: &Arrival) -> Effect {
        self.now = self.now + STEP;
        let before = self.connection.status();
        let was_half_open = self.is_passive && before.state == State::SynReceived;
        let segment = segment(arrival);
        let mut frame = self.pool.take().expect("the pool should have a frame");
        frame.write(&vec![0xaa; segment.data_length]).expect("the data should fit the frame");
        let mut cx = resources(&mut self.memory, &mut self.pool);
        let reception = self.connection.receive(self.now, &segment, frame, &mut cx);
        let mut replies: Vec<_> = reception.reply.iter().map(reply).collect();
        replies.extend(self.sent());
        let after = self.connection.status();
        // The owner of a half-open connection removes it without a report to the user.
        let closed = after.closed.filter(|_| before.closed.is_none() && !was_half_open);
        Effect {
            replies,
            signal: closed.map(|reason| match reason {
                CloseReason::Refused => Signal::Refused,
                CloseReason::Reset => Signal::Reset,
                CloseReason::Closed => Signal::Closed,
                CloseReason::TimedOut | CloseReason::Unreachable => Signal::Other,
            }),
            delivered: u32::try_from(after.readable.saturating_sub(before.readable)).unwrap(),
            is_urgent: after.urgent.is_some(),
        }
    }

    /// Returns the segments that the connection has to send now.
    fn sent(&mut self) -> Vec<Reply> {
        let mut replies = Vec::new();
        loop {
            let mut frame = self.pool.take().expect("the pool should have a frame");
            if self.connection.transmit(self.now, Offloads::default(), &mut frame).is_none() {
                self.pool.give(frame);
                return replies;
            }
            let addresses = (*LOCAL.ip(), *PEER.ip());
            let segment = Segment::parse(frame.bytes(), addresses, Checksum::None);
            let segment = segment.expect("the connection should send valid segments");
            self.edge = segment.acknowledgment.plus(segment.window.into()).value();
            self.pool.give(frame);
            replies.push(reply(&segment.fields()));
        }
    }

    /// Returns the state.
    pub(crate) fn place(&self) -> Place {
        match self.connection.state() {
            State::Closed => Place::Closed,
            State::SynSent => Place::SynSent,
            State::SynReceived if self.is_passive => Place::SynReceivedPassive,
            State::SynReceived => Place::SynReceivedActive,
            State::Established => Place::Established,
            State::FinWait1 => Place::FinWait1,
            State::FinWait2 => Place::FinWait2,
            State::CloseWait => Place::CloseWait,
            State::Closing => Place::Closing,
            State::LastAck => Place::LastAck,
            State::TimeWait => Place::TimeWait,
        }
    }

    /// Returns SND.NXT and RCV.NXT: the numbers of the reply to an old segment with data.
    pub(crate) fn next_sequences(&mut self) -> Option<(u32, u32)> {
        if !self.connection.state().is_synchronized() {
            return None;
        }
        let seq = self.irs.wrapping_sub(2_000);
        let old = Arrival { seq, ack: None, syn: false, fin: false, rst: false, urg: false, up: 0, data: 1 };
        match self.receive(&old).replies.as_slice() {
            [Reply::Ack { seq, ack }] => Some((*seq, *ack)),
            _ => None,
        }
    }
}

/// Creates a connection.
fn connection(is_passive: bool, initial: u32) -> Connection {
    let settings = settings();
    let start = Start {
        local: LOCAL,
        peer: PEER,
        initial_sequence: SequenceNumber::new(initial),
        timestamp_offset: 0,
        mtu: MTU,
    };
    if !is_passive {
        return Connection::open(START, &settings, &start);
    }
    let handshake = Handshake {
        peer_sequence: SequenceNumber::new(initial),
        options: Options::NONE,
        has_ecn: false,
        window: WINDOW,
        sent_at: Some(START),
        retransmissions: 0,
    };
    Connection::accept(START, &settings, &start, &handshake)
}

/// Returns settings without options that change the processing of segments.
pub(crate) fn settings() -> TcpSettings {
    TcpSettings {
        nagle: false,
        receive_buffer: BufferSize { initial: BUFFER.into(), maximum: BUFFER.into() },
        timestamps: false,
        sack: false,
        window_scaling: false,
        ..TcpSettings::default()
    }
}

fn resources<'a>(memory: &'a mut Memory, pool: &'a mut Pool) -> Resources<'a> {
    Resources { memory, pool }
}

/// Returns the segment of an arrival.
pub(crate) fn segment(arrival: &Arrival) -> Segment {
    let flag = |is_set: bool, flag: Flags| if is_set { flag } else { Flags::NONE };
    let flags = flag(arrival.syn, Flags::SYN)
        | flag(arrival.fin, Flags::FIN)
        | flag(arrival.rst, Flags::RST)
        | flag(arrival.urg, Flags::URG)
        | flag(arrival.ack.is_some(), Flags::ACK);
    Segment {
        source: PEER,
        destination: LOCAL,
        sequence: SequenceNumber::new(arrival.seq),
        acknowledgment: SequenceNumber::new(arrival.ack.unwrap_or(0)),
        flags,
        window: WINDOW,
        urgent_pointer: u16::try_from(arrival.up).unwrap(),
        options: Options::NONE,
        has_invalid_option: false,
        is_marked: false,
        header_length: 20,
        data_length: usize::try_from(arrival.data).unwrap(),
    }
}

/// Returns a sent segment as the reference names it.
pub(crate) fn reply(fields: &SegmentFields) -> Reply {
    let (seq, ack) = (fields.sequence.value(), fields.acknowledgment.value());
    let flags = fields.flags;
    if flags == Flags::ACK {
        Reply::Ack { seq, ack }
    } else if flags == Flags::SYN | Flags::ACK {
        Reply::SynAck { seq, ack }
    } else if flags == Flags::RST {
        Reply::Reset { seq }
    } else if flags == Flags::RST | Flags::ACK && seq == 0 {
        Reply::ResetAck { ack }
    } else {
        Reply::Other { flags: flags.bits(), seq, ack }
    }
}

/// Returns the reset that answers a segment without a connection.
pub(crate) fn reset_for(arrival: &Arrival) -> Vec<Reply> {
    SegmentFields::reset_for(&segment(arrival)).iter().map(reply).collect()
}

/// Returns the block of no connection.
pub(crate) fn closed_block() -> Block {
    Block {
        place: Place::Closed,
        iss: 0,
        snd_una: 0,
        snd_nxt: 0,
        max_snd_wnd: 0,
        rcv_nxt: 0,
        rcv_wnd: 0,
        has_sent_fin: false,
    }
}
