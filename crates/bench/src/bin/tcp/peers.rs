//! Connections of a host, and their peers.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use base::Secret;
use inet::Binding;
use tap::{Frame, Instant, Offloads, Pool};
use tcp::{
    ConnectionId, Departure, Flags, ListenerId, Options, SegmentFields, SequenceNumber, Tcp, TcpLimits,
    TcpSettings, Timestamps,
};

use crate::work::{self, PATH};

/// A host with connections, and the peers of the connections.
pub(crate) struct Peers {
    pub(crate) tcp: Tcp,
    pub(crate) pool: Pool,
    pub(crate) now: Instant,
    listener: ListenerId,
    ends: Vec<Peer>,
}

/// The other end of a connection.
#[derive(Clone, Debug)]
struct Peer {
    id: ConnectionId,
    /// Next sequence number to send.
    next: SequenceNumber,
    /// Next sequence number that the peer expects.
    expected: SequenceNumber,
    /// Last timestamp of the host.
    clock: u32,
}

/// A segment of a peer, and its source address.
pub(crate) type Arriving = (Frame, Ipv4Addr);

/// Data of a full segment with timestamps, in bytes.
const FULL: usize = 1_448;
/// Length of a header with timestamps, in bytes.
const HEADER: usize = 32;
/// Address and port of the host.
pub(crate) const LOCAL: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 9);
/// First address of the peers. Each address has up to [`PORTS`] connections.
const FIRST: u32 = 0x0a01_0000;
const PORTS: u32 = 50_000;
const DATA: [u8; FULL] = [7; FULL];
/// Time between two exchanges. It is so short that no connection is idle.
const STEP: Duration = Duration::from_nanos(100);
/// Timestamp of all segments of the peers.
const PEER_CLOCK: u32 = 1;

impl Peers {
    /// Creates a host without connections, and memory for the peers.
    pub(crate) fn new(count: u32) -> Result<Peers, String> {
        let count = usize::try_from(count).map_err(|error| error.to_string())?;
        let absent = Peer {
            id: ConnectionId { index: 0, generation: 0 },
            next: SequenceNumber::new(0),
            expected: SequenceNumber::new(0),
            clock: 0,
        };
        let ends = vec![absent; count];
        let limits = TcpLimits { connections: count, memory: 1 << 32, ..TcpLimits::default() };
        let mut tcp = Tcp::new(limits, Secret::new(7));
        let local = Binding { addresses: (*LOCAL.ip()).into(), port: LOCAL.port() };
        let listener =
            tcp.listen(local, 16, &TcpSettings::default()).map_err(|error| format!("{error:?}"))?;
        let now = Instant::from_nanos(1_000_000_000);
        Ok(Peers { tcp, pool: Pool::new(1_500, 256), now, listener, ends })
    }

    /// Opens all connections.
    pub(crate) fn open(&mut self) -> Result<(), String> {
        (0..self.count()).try_for_each(|number| self.open_one(number))
    }

    /// Returns the number of connections.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    fn open_one(&mut self, number: u32) -> Result<(), String> {
        let initial = SequenceNumber::new(number.wrapping_mul(0x9e37_79b1));
        self.peer_mut(number)?.next = initial;
        let options = Options {
            maximum_segment_size: Some(1_460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps: Some(Timestamps { value: PEER_CLOCK, echo: 0 }),
            ..Options::NONE
        };
        let syn = SegmentFields { flags: Flags::SYN, options, ..self.fields(number)? };
        let syn = self.frame(&syn, &[])?;
        let reply = work::pass(self, syn)?.reply.ok_or("no SYN,ACK")?;
        let peer = self.peer_mut(number)?;
        (peer.next, peer.expected) = (initial.plus(1), reply.sequence.plus(1));
        peer.clock = reply.options.timestamps.map_or(0, |timestamps| timestamps.value);
        let ack = self.acknowledgment(number)?;
        work::pass(self, ack)?;
        self.peer_mut(number)?.id = self.tcp.accept(self.listener).ok_or("no connection")?;
        self.settle();
        Ok(())
    }

    /// Returns an acknowledgment of all data that the host has sent on a connection.
    pub(crate) fn acknowledgment(&mut self, number: u32) -> Result<Arriving, String> {
        let fields = self.fields(number)?;
        self.frame(&fields, &[])
    }

    /// Returns a full segment with the next data of a peer.
    pub(crate) fn data(&mut self, number: u32) -> Result<Arriving, String> {
        let fields = self.fields(number)?;
        let frame = self.frame(&fields, &DATA)?;
        let peer = self.peer_mut(number)?;
        peer.next = peer.next.plus(1_448);
        Ok(frame)
    }

    /// Writes data of full segments to a connection.
    pub(crate) fn write(&mut self, number: u32, segments: usize) -> Result<(), String> {
        let id = self.peer_mut(number)?.id;
        for _ in 0..segments {
            let written = self.tcp.write(self.now, id, &DATA, &mut self.pool);
            if written != Ok(FULL) {
                return Err(format!("cannot write a segment: {written:?}"));
            }
        }
        Ok(())
    }

    /// Reads all data of a connection, and sends the acknowledgments that are due.
    pub(crate) fn read(&mut self, number: u32) -> Result<(), String> {
        let id = self.peer_mut(number)?.id;
        self.tcp.consume(self.now, id, FULL, &mut self.pool);
        while let Some(departure) =
            self.tcp.transmit(self.now, PATH.interface, Offloads::default(), &mut self.pool)
        {
            self.pool.give(departure.frame);
        }
        self.settle();
        Ok(())
    }

    /// Records that a peer has received this number of full segments in one frame.
    pub(crate) fn sent(
        &mut self,
        number: u32,
        departure: Option<Departure>,
        segments: usize,
    ) -> Result<(), String> {
        let departure = departure.ok_or("no segment")?;
        let data = departure.frame.len().saturating_sub(HEADER);
        self.pool.give(departure.frame);
        if data != segments * FULL {
            return Err(format!("a frame has {data} bytes of data"));
        }
        let data = u32::try_from(data).map_err(|error| error.to_string())?;
        let peer = self.peer_mut(number)?;
        peer.expected = peer.expected.plus(data);
        Ok(())
    }

    /// Exchanges full segments in both directions, which are not counted.
    pub(crate) fn exchange(&mut self, number: u32) -> Result<(), String> {
        work::Work::SINGLE.into_iter().try_for_each(|work| work.run(self, number, false))
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
        while self.tcp.deadline().is_some_and(|deadline| deadline <= self.now) {
            self.tcp.poll(self.now, &mut self.pool);
        }
        self.settle();
    }

    /// Lets a short time pass, and takes the events.
    pub(crate) fn settle(&mut self) {
        self.now = self.now + STEP;
        while self.tcp.poll_ready().is_some() {}
        if self.tcp.deadline().is_some_and(|deadline| deadline <= self.now) {
            self.tcp.poll(self.now, &mut self.pool);
        }
    }

    /// Returns the fields of a segment without data.
    fn fields(&mut self, number: u32) -> Result<SegmentFields, String> {
        let port = u16::try_from(1_024 + number % PORTS).map_err(|error| error.to_string())?;
        let source = SocketAddrV4::new(Ipv4Addr::from(FIRST + number / PORTS), port);
        let peer = self.peer_mut(number)?;
        let timestamps = Some(Timestamps { value: PEER_CLOCK, echo: peer.clock });
        Ok(SegmentFields {
            source,
            destination: LOCAL,
            sequence: peer.next,
            acknowledgment: peer.expected,
            flags: Flags::ACK,
            window: 65_535,
            urgent_pointer: 0,
            options: Options { timestamps, ..Options::NONE },
        })
    }

    fn frame(&mut self, fields: &SegmentFields, data: &[u8]) -> Result<Arriving, String> {
        let mut frame = self.pool.take().ok_or("no frame")?;
        let header = fields.header_length();
        let bytes = frame.append(header + data.len()).map_err(|error| error.to_string())?;
        bytes[header..].copy_from_slice(data);
        fields.write_to(bytes).map_err(|error| error.to_string())?;
        Ok((frame, *fields.source.ip()))
    }

    fn peer_mut(&mut self, number: u32) -> Result<&mut Peer, String> {
        let place = usize::try_from(number).map_err(|error| error.to_string())?;
        self.ends.get_mut(place).ok_or_else(|| "unknown connection".to_owned())
    }
}
