//! A connection: the state machine of RFC 9293 3.10, without a table and without a clock.
//!
//! The owner of a connection calls [`Connection::receive`] for each segment, [`Connection::poll`] at
//! [`Connection::deadline`], and [`Connection::transmit`] as long as [`Connection::output`] returns something to send.

mod acceptability;
mod acknowledging;
mod acknowledgment;
mod activity;
mod closing;
mod ecn;
mod expiry;
mod info;
mod loss;
mod pacing;
mod path;
mod receive;
mod sequences;
mod syn;
mod text;
mod timers;
mod timestamps;
mod transfer;
mod transmit;

use std::net::SocketAddrV4;
use std::time::Duration;

use tap::Instant;

pub(crate) use self::acceptability::is_acceptable;
use self::acknowledging::{Acknowledging, Owed};
use self::activity::ActivityTimes;
use self::ecn::EcnState;
pub(crate) use self::ecn::is_ecn_setup;
pub use self::info::TcpInfo;
use self::sequences::{ReceiveSequence, SendSequence};
use self::timers::Timers;
use self::timestamps::PeerClock;
use self::transfer::Transfer;
use crate::{
    CloseReason, CongestionControl, Ecn, KeepAlive, Memory, MemoryLevel, Options, Output, PathProblem,
    ReceiveBuffer, ReceiveWindow, Resources, RttEstimator, SegmentService, SendBuffer, SequenceNumber,
    Setting, State, Status, TcpSettings,
};

/// Length of the headers of IPv4 and TCP without options, in bytes.
const HEADERS: u16 = 40;

/// Data that fits into any segment of a peer without the option maximum segment size (RFC 9293 3.7.1), in bytes.
pub(crate) const DEFAULT_SEGMENT_SIZE: u16 = 536;

/// Minimum of a peer's maximum segment size, in bytes.
// spec: tcp-mss-minimum
const MINIMUM_SEGMENT_SIZE: u16 = 64;

/// A connection between a local and a remote port (RFC 9293 3.3.1: the transmission control block).
///
/// This example drives both ends of a connection: each segment of one end is received by the other end.
///
/// ```
/// use tap::{Checksum, Frame, Instant, Offloads, Pool};
/// use tcp::{Connection, Memory, Resources, Segment, SequenceNumber, Start, State, TcpSettings};
///
/// let now = Instant::from_nanos(1_000_000);
/// let (mut memory, mut pool) = (Memory::new(1 << 20), Pool::new(1_500, 64));
/// let mut cx = Resources { memory: &mut memory, pool: &mut pool };
/// let start = |local: &str, peer: &str, sequence| -> Result<Start, std::net::AddrParseError> {
///     let initial_sequence = SequenceNumber::new(sequence);
///     Ok(Start { local: local.parse()?, peer: peer.parse()?, initial_sequence, timestamp_offset: 0, mtu: 1_500 })
/// };
/// let settings = TcpSettings::default();
/// let mut ends = [
///     Connection::open(now, &settings, &start("10.0.0.1:4000", "10.0.0.2:80", 1_000)?),
///     Connection::open(now, &settings, &start("10.0.0.2:80", "10.0.0.1:4000", 5_000)?),
/// ];
/// ends[0].write(now, b"hello", &mut cx);
///
/// // Both ends open the connection at the same time. Segments are exchanged until no segment is due.
/// let mut arriving = Vec::new();
/// loop {
///     for (end, connection) in ends.iter_mut().enumerate() {
///         let mut frame = Frame::for_mtu(1_500);
///         while connection.transmit(now, Offloads::default(), &mut frame).is_some() {
///             arriving.push((1 - end, std::mem::replace(&mut frame, Frame::for_mtu(1_500))));
///         }
///     }
///     if arriving.is_empty() {
///         break;
///     }
///     for (end, mut frame) in std::mem::take(&mut arriving) {
///         let addresses = (*ends[1 - end].local().ip(), *ends[end].local().ip());
///         let segment = Segment::parse(frame.bytes(), addresses, Checksum::None)?;
///         frame.narrow(segment.header_length, segment.data_length)?;
///         let reception = ends[end].receive(now, &segment, frame, &mut cx);
///         if let Some(fields) = reception.reply {
///             let mut reply = Frame::for_mtu(1_500);
///             fields.write_to(reply.append(fields.header_length())?)?;
///             arriving.push((1 - end, reply));
///         }
///     }
/// }
/// assert_eq!(ends.each_ref().map(Connection::state), [State::Established; 2]);
/// assert_eq!(ends[1].chunk(), b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    local: SocketAddrV4,
    peer: SocketAddrV4,
    state: State,
    origin: Origin,
    /// Whether the user has closed the connection, so that nothing will be read.
    is_orphan: bool,
    closed: Option<CloseReason>,
    soft_error: Option<PathProblem>,
    send: SendSequence,
    receive: ReceiveSequence,
    negotiated: Negotiated,
    ecn: EcnState,
    peer_clock: PeerClock,
    acknowledging: Acknowledging,
    policy: Policy,
    timers: Timers,
    rtt: RttEstimator,
    send_buffer: SendBuffer,
    receive_buffer: ReceiveBuffer,
    receive_window: ReceiveWindow,
    /// Level of the memory of all connections when this connection last used it.
    memory_level: MemoryLevel,
    counts: Counts,
    /// State of the data in flight, from the first transmission of data.
    transfer: Option<Box<Transfer>>,
}

/// Addresses and numbers of a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Local address and port.
    pub local: SocketAddrV4,
    /// Address and port of the peer.
    pub peer: SocketAddrV4,
    /// Initial sequence number (RFC 6528).
    pub initial_sequence: SequenceNumber,
    /// Offset of the timestamp clock (RFC 7323 5.4).
    pub timestamp_offset: u32,
    /// MTU of the interface, in bytes. The path to the peer has the same MTU until [`Connection::set_mtu`].
    pub mtu: u16,
}

/// The handshake of a passive open, up to the SYN,ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// Initial sequence number of the peer.
    pub peer_sequence: SequenceNumber,
    /// Options of the peer's SYN, without those that the SYN,ACK did not have.
    pub options: Options,
    /// Whether SYN and SYN,ACK have agreed on ECN (RFC 3168 6.1.1).
    pub has_ecn: bool,
    /// Window of the peer's SYN.
    pub window: u16,
    /// Time when the SYN,ACK was sent last. `None` if the time is unknown.
    pub sent_at: Option<Instant>,
    /// Number of retransmissions of the SYN,ACK.
    pub retransmissions: u8,
}

/// Which side opened the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Active,
    Passive,
}

/// What both SYN segments determine. Before the peer's SYN, the values are those of the local SYN.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each option is independent of the others")]
struct Negotiated {
    has_timestamps: bool,
    has_sack: bool,
    has_scale: bool,
    has_ecn: bool,
    /// Shift of received windows.
    send_shift: u8,
    /// Shift of sent windows.
    receive_shift: u8,
    /// Maximum segment size of the peer, in bytes.
    peer_segment_size: u16,
    /// Maximum segment size of the local SYN, in bytes.
    local_segment_size: u16,
    /// Window of the local SYN.
    initial_window: u16,
    mtu: u16,
    timestamp_offset: u32,
}

/// The settings that a connection needs after its creation.
#[derive(Clone, Debug)]
struct Policy {
    has_nagle: bool,
    /// Whether a small segment waits for more data.
    is_corked: bool,
    has_pacing: bool,
    keep_alive: Option<Box<KeepAlive>>,
    user_timeout: Option<Milliseconds>,
    time_wait: Milliseconds,
    fin_wait_2: Milliseconds,
    time_to_live: Option<u8>,
    type_of_service: u8,
    congestion: CongestionControl,
}

/// A time span in whole milliseconds. The longest span has no end.
#[derive(Clone, Copy, Debug)]
struct Milliseconds(u32);

impl Milliseconds {
    /// Returns the end of the span that starts at a time.
    fn after(self, start: Instant) -> Instant {
        if self.0 == u32::MAX { timers::NEVER } else { start + Duration::from_millis(self.0.into()) }
    }
}

impl From<Duration> for Milliseconds {
    fn from(span: Duration) -> Milliseconds {
        Milliseconds(u32::try_from(span.as_millis()).unwrap_or(u32::MAX))
    }
}

/// Counters of a connection. A [`Transfer`] has the counters of losses.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    segments_received: u32,
    segments_sent: u32,
    bytes_received: u64,
    /// Data that the peer has acknowledged.
    bytes_acknowledged: u64,
    times: ActivityTimes,
}

impl Connection {
    /// Opens a connection actively (RFC 9293 3.10.1). The connection is in SYN-SENT, and its SYN is due.
    pub fn open(now: Instant, settings: &TcpSettings, start: &Start) -> Connection {
        let mut connection = Connection::new(now, settings, start, Origin::Active);
        connection.arm(now);
        connection
    }

    /// Creates the connection of a passive open, after the SYN,ACK. The caller passes the ACK of the SYN,ACK to
    /// [`Connection::receive`].
    pub fn accept(now: Instant, settings: &TcpSettings, start: &Start, handshake: &Handshake) -> Connection {
        let mut connection = Connection::new(now, settings, start, Origin::Passive);
        connection.negotiate(now, handshake.peer_sequence, &handshake.options, handshake.has_ecn);
        connection.state = State::SynReceived;
        connection.send.is_syn_due = false;
        connection.send.window = handshake.window.into();
        connection.send.maximum_window = connection.send.window;
        connection.send.window_sequence = handshake.peer_sequence;
        connection.send.retransmissions = handshake.retransmissions;
        connection.send.last_sent = handshake.sent_at.unwrap_or(now);
        connection.send.is_syn_timed = handshake.sent_at.is_some();
        connection.timers.retransmit = now + connection.rtt.rto();
        connection
    }

    fn new(now: Instant, settings: &TcpSettings, start: &Start, origin: Origin) -> Connection {
        let negotiated = Negotiated {
            has_timestamps: settings.timestamps,
            has_sack: settings.sack,
            has_scale: settings.window_scaling,
            has_ecn: settings.used_ecn() == Ecn::Ask,
            send_shift: 0,
            receive_shift: ReceiveWindow::shift_for(settings.receive_buffer),
            peer_segment_size: DEFAULT_SEGMENT_SIZE,
            local_segment_size: local_segment_size(start.mtu, settings),
            initial_window: ReceiveWindow::initial(settings.receive_buffer),
            mtu: start.mtu,
            timestamp_offset: start.timestamp_offset,
        };
        let policy = Policy {
            has_nagle: settings.nagle,
            is_corked: false,
            has_pacing: settings.pacing && settings.congestion != CongestionControl::None,
            keep_alive: settings.keep_alive.map(|keep_alive| Box::new(keep_alive.bounded())),
            user_timeout: settings.user_timeout.map(Milliseconds::from),
            time_wait: settings.time_wait.into(),
            fin_wait_2: settings.fin_wait_2.into(),
            time_to_live: settings.time_to_live,
            type_of_service: settings.type_of_service,
            congestion: settings.congestion,
        };
        Connection {
            local: start.local,
            peer: start.peer,
            state: State::SynSent,
            origin,
            is_orphan: false,
            closed: None,
            soft_error: None,
            send: SendSequence::new(now, start.initial_sequence),
            receive: ReceiveSequence::default(),
            negotiated,
            ecn: EcnState::default(),
            peer_clock: PeerClock::default(),
            acknowledging: Acknowledging::new(now),
            policy,
            timers: Timers::new(now),
            rtt: RttEstimator::new(settings.minimum_rto),
            send_buffer: SendBuffer::new(settings.send_buffer),
            receive_buffer: ReceiveBuffer::new(),
            receive_window: ReceiveWindow::new(now, settings.receive_buffer),
            memory_level: MemoryLevel::Normal,
            counts: Counts::default(),
            transfer: None,
        }
    }

    /// Returns the state.
    pub fn state(&self) -> State {
        self.state
    }

    /// Returns the local address and port.
    pub fn local(&self) -> SocketAddrV4 {
        self.local
    }

    /// Returns the address and port of the peer.
    pub fn peer(&self) -> SocketAddrV4 {
        self.peer
    }

    /// Returns the IP header fields of segments without data.
    pub fn service(&self) -> SegmentService {
        SegmentService::new(self.policy.time_to_live, self.policy.type_of_service)
    }

    /// Appends data to the send buffer. Returns the number of bytes that the buffer took: zero if the buffer is full, or
    /// if no data may be sent.
    pub fn write(&mut self, now: Instant, data: &[u8], cx: &mut Resources<'_>) -> usize {
        // RFC 9293 3.10.2, SYN-SENT and SYN-RECEIVED: "Queue the data for transmission after entering ESTABLISHED state."
        if !self.can_write() {
            return 0;
        }
        let written = self.send_buffer.write(data, cx.memory);
        self.memory_level = cx.memory.level();
        self.arm(now);
        written
    }

    /// Appends data to the send buffer as [`Connection::write`] does, and marks its end as the end of urgent data
    /// (RFC 9293 3.8.5). New applications should not use urgent data (RFC 6093 5).
    pub fn write_urgent(&mut self, now: Instant, data: &[u8], cx: &mut Resources<'_>) -> usize {
        let written = self.write(now, data, cx);
        // RFC 9293 3.10.2: "If the URGENT flag is set, then SND.UP <- SND.NXT and set the urgent pointer in the outgoing
        // segments."
        if written > 0 {
            self.send.urgent = Some(self.data_end());
            self.arm(now);
        }
        written
    }

    /// Ends a record: no segment has data that was written before and data that is written later. Returns false if the send
    /// buffer has 1,024 records or the memory is full: the data then has the same record as data that is written later.
    ///
    /// The receiver of a stream sees no records (RFC 9293 2.2), and a router may merge or divide segments.
    // spec: tcp-record
    pub fn end_record(&mut self, now: Instant, memory: &mut Memory) -> bool {
        let is_ended = self.send_buffer.end_record(memory);
        self.memory_level = memory.level();
        self.arm(now);
        is_ended
    }

    /// Returns whether data may be written.
    pub(crate) fn can_write(&self) -> bool {
        self.state.can_write() && !self.send.is_shut_down()
    }

    /// Returns the send buffer.
    pub(crate) fn send_buffer(&self) -> &SendBuffer {
        &self.send_buffer
    }

    /// Copies received data to `buffer`. Returns the number of bytes: zero if no data was received, or `buffer` is empty.
    pub fn read(&mut self, now: Instant, buffer: &mut [u8], cx: &mut Resources<'_>) -> usize {
        let length = self.receive_buffer.read(buffer, cx);
        self.after_reading(now, length, cx);
        length
    }

    /// Returns the first received data, without a copy. The bytes are in order, but need not be all received bytes.
    pub fn chunk(&self) -> &[u8] {
        self.receive_buffer.chunk()
    }

    /// Removes the first received bytes, after the user has processed them.
    pub fn consume(&mut self, now: Instant, bytes: usize, cx: &mut Resources<'_>) {
        let before = self.receive_buffer.readable();
        self.receive_buffer.consume(bytes, cx);
        self.after_reading(now, before - self.receive_buffer.readable(), cx);
    }

    /// Returns the state for the user.
    pub fn status(&self) -> Status {
        let readable = self.receive_buffer.readable();
        Status {
            state: self.state,
            readable,
            writable: if self.can_write() { self.send_buffer.free() } else { 0 },
            is_end_of_data: self.receive.is_finished,
            closed: self.closed,
            urgent: self.unread_urgent(readable),
            is_delayed: self.send.retransmissions >= expiry::DELAYED_AFTER,
            soft_error: self.soft_error,
        }
    }

    /// Changes a setting.
    pub fn set(&mut self, now: Instant, setting: Setting) {
        match setting {
            Setting::Nagle(is_on) => self.policy.has_nagle = is_on,
            Setting::Cork(is_on) => self.policy.is_corked = is_on,
            Setting::KeepAlive(keep_alive) => {
                self.policy.keep_alive = keep_alive.map(|keep_alive| Box::new(keep_alive.bounded()));
                self.start_keep_alive(now);
            }
            Setting::UserTimeout(timeout) => self.policy.user_timeout = timeout.map(Milliseconds::from),
            Setting::SendBuffer(size) => self.send_buffer.set_size(size),
            Setting::ReceiveBuffer(size) => self.receive_window.set_size(size),
            Setting::TimeToLive(time_to_live) => self.policy.time_to_live = time_to_live,
            Setting::TypeOfService(type_of_service) => self.policy.type_of_service = type_of_service,
        }
        self.arm(now);
    }

    /// Returns what the connection has to send.
    pub fn output(&self) -> Output {
        if self.plan().is_some() {
            Output::Data
        } else if self.acknowledging.owed == Owed::Now {
            Output::Ack
        } else {
            Output::None
        }
    }

    /// Releases the memory of the connection. The owner calls this before dropping the connection.
    pub fn release(&mut self, cx: &mut Resources<'_>) {
        self.send_buffer.clear(cx.memory);
        self.receive_buffer.clear(cx);
    }
}

/// Returns the maximum segment size of a local SYN (RFC 9293 3.7.1).
pub(crate) fn local_segment_size(mtu: u16, settings: &TcpSettings) -> u16 {
    // RFC 9293 3.7.1: "The MSS value to be sent in an MSS Option should be equal to the effective MTU minus the fixed IP
    // and TCP headers." RFC 1191 6.4: "PMTU Discovery does not affect the value sent in the TCP MSS option, because that
    // value is used by the other end of the connection, which may be using an unrelated PMTU value."
    // spec: rfc9293-mss-sent
    let fitting = mtu.saturating_sub(HEADERS);
    settings.maximum_segment_size.map_or(fitting, |size| size.min(fitting))
}

/// Returns a length of a buffer. A buffer has less than 2^32 bytes.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
