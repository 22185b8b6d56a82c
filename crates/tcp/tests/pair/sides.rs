//! Two connections that exchange segments over two links, in virtual time.

use std::net::SocketAddrV4;
use std::time::Duration;

use base::Random;
use tap::{Checksum, Instant, Pool};
use tcp::{
    CloseReason, Connection, Flags, Handshake, Memory, Options, Output, ReceiveWindow, Resources, Segment,
    SegmentFields, SequenceNumber, Start, State, Status, TcpSettings, Timestamps,
};

use crate::link::{Faults, Link};
use crate::superframe::{self, Superframes};

/// Index of the side that opens the connection.
pub(crate) const CLIENT: usize = 0;
/// Index of the other side.
pub(crate) const SERVER: usize = 1;

/// How a pair is created.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) settings: [TcpSettings; 2],
    /// MTU of the path, as each side knows it.
    pub(crate) mtu: [u16; 2],
    pub(crate) initial_sequence: [u32; 2],
    /// Whether both sides open the connection.
    pub(crate) is_simultaneous: bool,
    pub(crate) faults: Faults,
    /// Delay of each link.
    pub(crate) delay: Duration,
    pub(crate) seed: u64,
    pub(crate) superframes: Superframes,
}

/// Two connections and their links.
pub(crate) struct Pair {
    pub(crate) now: Instant,
    pub(crate) sides: [Side; 2],
    /// The link from each side to the other side.
    pub(crate) links: [Link; 2],
    pub(crate) trace: Vec<Traced>,
    superframes: Superframes,
    /// Number of superframes that were sent.
    pub(crate) superframes_sent: u64,
}

/// One end of a connection, and its user.
pub(crate) struct Side {
    start: Start,
    settings: TcpSettings,
    pub(crate) connection: Option<Connection>,
    /// Handshake of a passive open, after the SYN.
    handshake: Option<Handshake>,
    pub(crate) memory: Memory,
    pub(crate) pool: Pool,
    random: Random,
    /// Byte n of the data stream of a side is [`byte`] n.
    pub(crate) written: u64,
    /// Number of bytes that the user writes.
    pub(crate) to_write: u64,
    pub(crate) read: u64,
    pub(crate) is_shut_down: bool,
    /// How many bytes the user reads and writes at a time, at most. Zero for no limit.
    pub(crate) portion: usize,
    /// Time between two actions of the user.
    pub(crate) pause: Duration,
    next_action: Instant,
    /// Whether the user has closed or aborted the connection, or the side has vanished.
    is_gone: bool,
    /// Whether the user reads.
    pub(crate) is_reading: bool,
    pub(crate) refused: u64,
}

/// A segment that was sent.
#[derive(Clone, Copy)]
pub(crate) struct Traced {
    pub(crate) at: Instant,
    pub(crate) from: usize,
    pub(crate) segment: Segment,
}

impl Default for Setup {
    /// Returns a setup with default settings, without faults.
    fn default() -> Setup {
        Setup {
            settings: [TcpSettings::default(); 2],
            mtu: [1_500; 2],
            initial_sequence: [1_000, 2_000_000],
            is_simultaneous: false,
            faults: Faults::default(),
            delay: Duration::from_millis(5),
            seed: 1,
            superframes: Superframes::Never,
        }
    }
}

/// Returns byte `position` of the data stream of a side.
pub(crate) fn byte(side: usize, position: u64) -> u8 {
    let [low, middle, high, ..] = position.to_le_bytes();
    low ^ middle.wrapping_mul(31) ^ high.wrapping_mul(87) ^ if side == CLIENT { 0 } else { 0xa5 }
}

fn address(side: usize) -> SocketAddrV4 {
    let text = if side == CLIENT { "10.0.0.1:40000" } else { "10.0.0.2:80" };
    text.parse().expect("the address is valid")
}

impl Pair {
    pub(crate) fn new(setup: &Setup) -> Pair {
        let now = Instant::from_nanos(1_000_000_000);
        let mut seeds = Random::new(setup.seed);
        let mut side = |side: usize| {
            let start = Start {
                local: address(side),
                peer: address(1 - side),
                initial_sequence: SequenceNumber::new(setup.initial_sequence[side]),
                timestamp_offset: setup.initial_sequence[1 - side],
                mtu: setup.mtu[side],
            };
            let is_open = side == CLIENT || setup.is_simultaneous;
            Side {
                start,
                settings: setup.settings[side],
                connection: is_open.then(|| Connection::open(now, &setup.settings[side], &start)),
                handshake: None,
                memory: Memory::new(64 << 20),
                pool: Pool::new(usize::from(setup.mtu[0].max(setup.mtu[1])), 20_000),
                random: Random::new(seeds.draw()),
                written: 0,
                to_write: 0,
                read: 0,
                is_shut_down: false,
                portion: 0,
                pause: Duration::ZERO,
                next_action: now,
                is_gone: false,
                is_reading: true,
                refused: 0,
            }
        };
        let sides = [side(CLIENT), side(SERVER)];
        let mut link = || Link::new(setup.faults, setup.delay, seeds.draw());
        let links = [link(), link()];
        Pair { now, sides, links, trace: Vec::new(), superframes: setup.superframes, superframes_sent: 0 }
    }

    /// Creates an established pair without faults, both of which know their round-trip time.
    pub(crate) fn established(setup: &Setup) -> Pair {
        let mut pair = Pair::new(setup);
        pair.run_until(|pair| pair.states() == [State::Established; 2]);
        pair
    }

    pub(crate) fn states(&self) -> [State; 2] {
        self.sides.each_ref().map(Side::state)
    }

    /// Runs until `is_reached`. Panics after 10 days of virtual time, or when nothing more happens.
    pub(crate) fn run_until(&mut self, is_reached: impl Fn(&Pair) -> bool) {
        let end = self.now + Duration::from_hours(240);
        while !is_reached(self) {
            assert!(self.step(end), "the pair stalls: {self:?}");
        }
    }

    /// Runs for a time.
    pub(crate) fn run_for(&mut self, span: Duration) {
        let end = self.now + span;
        while self.step(end) {}
        self.now = end;
    }

    /// Moves the time to the next event up to `end`, and processes it. Returns whether there was an event.
    fn step(&mut self, end: Instant) -> bool {
        self.act();
        let Some(next) = self.next_event().filter(|next| *next <= end) else { return false };
        self.now = self.now.max(next);
        for side in [CLIENT, SERVER] {
            while let Some(bytes) = self.links[1 - side].receive(self.now) {
                self.deliver(side, &bytes);
            }
            let now = self.now;
            let Side { connection, memory, pool, .. } = &mut self.sides[side];
            if let Some(connection) = connection
                && connection.deadline().is_some_and(|deadline| deadline <= now)
            {
                connection.poll(now, &mut Resources { memory, pool });
                let next = connection.deadline();
                assert!(
                    next.is_none_or(|next| next > now),
                    "the deadline stays in the past after poll: {connection:?}"
                );
            }
        }
        self.act();
        true
    }

    /// Returns the time of the next event.
    pub(crate) fn next_event(&self) -> Option<Instant> {
        let arrivals = self.links.iter().filter_map(Link::arrival);
        let deadlines = self.sides.iter().filter_map(|side| side.connection.as_ref()?.deadline());
        let actions = self.sides.iter().filter(|side| side.has_action()).map(|side| side.next_action);
        arrivals.chain(deadlines).chain(actions).min()
    }

    /// Lets the users act, and sends what is due.
    fn act(&mut self) {
        for side in [CLIENT, SERVER] {
            self.sides[side].act(self.now, side);
            self.transmit(side);
        }
    }

    /// Sends all segments that are due on a side.
    fn transmit(&mut self, side: usize) {
        let Side { connection: Some(connection), pool, .. } = &mut self.sides[side] else { return };
        for number in 0.. {
            assert!(number < 20_000, "the connection sends without end: {connection:?}");
            let output = connection.output();
            let mut frame = pool.take_large().expect("the pool has frames");
            let is_sent = connection.transmit(self.now, self.superframes.offloads(), &mut frame).is_some();
            assert_eq!(is_sent, output != Output::None, "output and transmit do not agree: {connection:?}");
            if is_sent {
                let addresses = (*address(side).ip(), *address(1 - side).ip());
                let segments = superframe::cut(&frame, addresses);
                self.superframes_sent += u64::from(segments.len() > 1);
                for bytes in &segments {
                    let segment =
                        Segment::parse(bytes, addresses, Checksum::None).expect("a sent segment is valid");
                    self.trace.push(Traced { at: self.now, from: side, segment });
                }
                let frames = match self.superframes {
                    Superframes::Never | Superframes::Cut => segments,
                    Superframes::Whole => vec![superframe::whole(&frame, addresses)],
                };
                for bytes in &frames {
                    self.links[side].send(self.now, bytes);
                }
            }
            pool.give(frame);
            if !is_sent {
                break;
            }
        }
    }

    /// Delivers the bytes of a segment to a side.
    pub(crate) fn deliver(&mut self, to: usize, bytes: &[u8]) {
        let now = self.now;
        let side = &mut self.sides[to];
        let addresses = (*address(1 - to).ip(), *address(to).ip());
        let Ok(segment) = Segment::parse(bytes, addresses, Checksum::None) else {
            side.refused += 1;
            return;
        };
        if (segment.source, segment.destination) != (address(1 - to), address(to)) {
            side.refused += 1;
            return;
        }
        if side.connection.is_none() && !side.is_gone && segment.flags == Flags::SYN {
            let fields = side.answer_syn(now, &segment);
            self.send_fields(to, &fields);
            return;
        }
        if side.connection.is_none()
            && segment.flags.contains(Flags::ACK)
            && !segment.flags.contains(Flags::RST)
            && let Some(handshake) = &side.handshake
        {
            side.connection = Some(Connection::accept(now, &side.settings, &side.start, handshake));
        }
        let reply = match side.connection.as_mut().filter(|connection| connection.state() != State::Closed) {
            Some(connection) => {
                let Side { memory, pool, .. } = side;
                let is_long = bytes.len() > pool.mtu();
                let frame = if is_long { pool.take_large() } else { pool.take() };
                let mut frame = frame.expect("the pool has frames");
                frame.write(&bytes[segment.header_length..]).expect("the data fits into a frame");
                connection.receive(now, &segment, frame, &mut Resources { memory, pool }).reply
            }
            None => SegmentFields::reset_for(&segment),
        };
        if let Some(fields) = reply {
            self.send_fields(to, &fields);
        }
    }

    /// Sends a segment without data.
    fn send_fields(&mut self, from: usize, fields: &SegmentFields) {
        let mut bytes = vec![0; fields.header_length()];
        fields.write_to(&mut bytes).expect("a reply has a valid length");
        let addresses = (*address(from).ip(), *address(1 - from).ip());
        let segment = Segment::parse(&bytes, addresses, Checksum::None).expect("a reply is valid");
        self.trace.push(Traced { at: self.now, from, segment });
        self.links[from].send(self.now, &bytes);
    }

    /// Delivers a segment of a side to the other side at once, with any fields and data.
    pub(crate) fn forge(&mut self, from: usize, segment: &Segment, data: &[u8]) {
        let fields = segment.fields();
        let mut bytes = vec![0; fields.header_length() + data.len()];
        bytes[fields.header_length()..].copy_from_slice(data);
        fields.write_to(&mut bytes).expect("the segment has a valid length");
        self.deliver(1 - from, &bytes);
    }

    /// Writes bytes of the data stream of a side.
    pub(crate) fn write(&mut self, side: usize, length: usize) {
        let taken = self.sides[side].write(self.now, side, length);
        assert_eq!(taken, length, "the send buffer is full");
        self.transmit(side);
    }

    /// Reads bytes of a side.
    pub(crate) fn read(&mut self, side: usize, length: usize) -> usize {
        let length = self.sides[side].read(self.now, side, length);
        self.transmit(side);
        length
    }

    /// Aborts the connection of a side.
    pub(crate) fn abort(&mut self, side: usize) {
        let Side { connection: Some(connection), memory, pool, .. } = &mut self.sides[side] else { return };
        if let Some(reset) = connection.abort(self.now, &mut Resources { memory, pool }) {
            self.send_fields(side, &reset);
        }
        self.sides[side].is_gone = true;
    }

    /// Closes the connection of a side: its user neither reads nor writes any more.
    pub(crate) fn close(&mut self, side: usize) {
        let Side { connection: Some(connection), memory, pool, .. } = &mut self.sides[side] else { return };
        if let Some(reset) = connection.close(self.now, &mut Resources { memory, pool }) {
            self.send_fields(side, &reset);
        }
        self.sides[side].is_gone = true;
        self.transmit(side);
    }

    /// Removes the connection of a side without a segment, as when a host restarts.
    pub(crate) fn vanish(&mut self, side: usize) {
        self.release(side);
        self.sides[side].connection = None;
        self.sides[side].handshake = None;
        self.sides[side].is_gone = true;
    }

    /// Releases the memory of a side.
    pub(crate) fn release(&mut self, side: usize) {
        let Side { connection, memory, pool, .. } = &mut self.sides[side];
        if let Some(connection) = connection {
            connection.release(&mut Resources { memory, pool });
        }
    }

    /// Returns whether both connections ended and both users have read all data.
    pub(crate) fn is_finished(&self) -> bool {
        self.sides
            .iter()
            .all(|side| side.is_shut_down && side.state() == State::Closed && side.status().readable == 0)
    }

    /// Asserts that both connections ended regularly, that all bytes arrived, and that no memory is in use.
    pub(crate) fn assert_finished(&mut self) {
        for side in [CLIENT, SERVER] {
            let peer = self.sides[1 - side].to_write;
            let side = &mut self.sides[side];
            assert_eq!(side.state(), State::Closed);
            assert_eq!(side.status().closed, Some(CloseReason::Closed));
            assert_eq!((side.written, side.read), (side.to_write, peer), "bytes written and read");
            assert_eq!((side.memory.used(), side.pool.held()), (0, 0), "memory and frames in use");
        }
    }

    /// Returns the segments that a side has sent at `since` or later.
    pub(crate) fn sent_since(&self, from: usize, since: Instant) -> impl Iterator<Item = &Segment> {
        let traced = self.trace.iter().filter(move |traced| traced.from == from && traced.at >= since);
        traced.map(|traced| &traced.segment)
    }
}

impl Side {
    pub(crate) fn state(&self) -> State {
        self.connection.as_ref().map_or(State::Closed, Connection::state)
    }

    /// Stores the handshake of a SYN, and returns the SYN,ACK: the part of a listener.
    fn answer_syn(&mut self, now: Instant, syn: &Segment) -> SegmentFields {
        let settings = &self.settings;
        let clock = u32::try_from(now.as_nanos() / 1_000_000).expect("the time is short");
        let options = Options {
            maximum_segment_size: Some(
                settings.maximum_segment_size.unwrap_or(u16::MAX).min(self.start.mtu - 40),
            ),
            window_scale: syn
                .options
                .window_scale
                .filter(|_| settings.window_scaling)
                .map(|_| ReceiveWindow::shift_for(settings.receive_buffer)),
            sack_permitted: syn.options.sack_permitted && settings.sack,
            timestamps: syn.options.timestamps.filter(|_| settings.timestamps).map(|timestamps| Timestamps {
                value: clock.wrapping_add(self.start.timestamp_offset),
                echo: timestamps.value,
            }),
            ..Options::default()
        };
        let shared = Options {
            window_scale: syn.options.window_scale.filter(|_| options.window_scale.is_some()),
            sack_permitted: options.sack_permitted,
            timestamps: syn.options.timestamps.filter(|_| options.timestamps.is_some()),
            ..syn.options
        };
        let retransmissions = self.handshake.map_or(0, |handshake| handshake.retransmissions + 1);
        self.handshake = Some(Handshake {
            peer_sequence: syn.sequence,
            options: shared,
            has_ecn: false,
            window: syn.window,
            sent_at: Some(now),
            retransmissions,
        });
        SegmentFields {
            source: self.start.local,
            destination: self.start.peer,
            sequence: self.start.initial_sequence,
            acknowledgment: syn.sequence.plus(1),
            flags: Flags::SYN | Flags::ACK,
            window: ReceiveWindow::initial(settings.receive_buffer),
            urgent_pointer: 0,
            options,
        }
    }

    pub(crate) fn mtu(&self) -> u16 {
        self.start.mtu
    }

    /// Returns whether the connection ended without an error.
    pub(crate) fn is_closed_regularly(&self) -> bool {
        self.connection.is_some() && self.status().closed == Some(CloseReason::Closed)
    }

    pub(crate) fn status(&self) -> Status {
        self.connection.as_ref().expect("the side has a connection").status()
    }

    /// Writes bytes of the data stream. Returns the number of bytes that the connection took.
    pub(crate) fn write(&mut self, now: Instant, number: usize, length: usize) -> usize {
        let Side { connection: Some(connection), memory, pool, written, .. } = self else { return 0 };
        let length = length.min(connection.status().writable);
        let data: Vec<u8> = (*written..).map(|position| byte(number, position)).take(length).collect();
        let taken = connection.write(now, &data, &mut Resources { memory, pool });
        *written += u64::try_from(taken).expect("a write is short");
        taken
    }

    /// Reads bytes, and asserts that they are the next bytes of the peer's data stream.
    pub(crate) fn read(&mut self, now: Instant, number: usize, length: usize) -> usize {
        let Side { connection: Some(connection), memory, pool, read, .. } = self else { return 0 };
        let mut buffer = vec![0; length.min(connection.status().readable)];
        let length = connection.read(now, &mut buffer, &mut Resources { memory, pool });
        for data in &buffer[..length] {
            assert_eq!(*data, byte(1 - number, *read), "byte {read} of the data stream");
            *read += 1;
        }
        length
    }

    /// Returns whether the user has something to do later.
    fn has_action(&self) -> bool {
        let Some(connection) = self.connection.as_ref().filter(|_| !self.is_gone) else { return false };
        let status = connection.status();
        (self.is_reading && status.readable > 0)
            || (self.to_write > self.written && status.writable > 0)
            || self.can_shut_down()
    }

    fn can_shut_down(&self) -> bool {
        self.state().is_synchronized()
            && self.written == self.to_write
            && !self.is_shut_down
            && self.to_write > 0
    }

    /// Reads, writes and shuts down.
    fn act(&mut self, now: Instant, number: usize) {
        if now < self.next_action || !self.has_action() {
            return;
        }
        self.next_action = now + self.random.between(self.pause / 2, self.pause);
        let portion = if self.portion == 0 { 1 << 20 } else { self.portion };
        if self.is_reading {
            self.read(now, number, portion);
        }
        let left =
            usize::try_from(self.to_write.saturating_sub(self.written)).expect("a data stream is short");
        self.write(now, number, left.min(portion));
        if self.can_shut_down()
            && let Some(connection) = &mut self.connection
        {
            connection.shutdown(now);
            self.is_shut_down = true;
        }
    }
}

impl std::fmt::Debug for Traced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Traced { at, from, segment } = self;
        let (milliseconds, name) =
            (at.as_nanos() / 1_000_000, if *from == CLIENT { "client" } else { "server" });
        let (sequence, acknowledgment) = (segment.sequence.value(), segment.acknowledgment.value());
        let (flags, length, window) = (segment.flags, segment.data_length, segment.window);
        write!(f, "{milliseconds} ms {name} {flags:?} {sequence}+{length} ack {acknowledgment} win {window}")
    }
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for side in &self.sides {
            writeln!(
                f,
                "{} of {} written, {} read: {:?}",
                side.written, side.to_write, side.read, side.connection
            )?;
        }
        for traced in self.trace.iter().rev().take(12).rev() {
            writeln!(f, "{traced:?}")?;
        }
        Ok(())
    }
}
