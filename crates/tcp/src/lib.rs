//! TCP for an IPv4 host (RFC 9293).
//!
//! - [`Segment::parse`] validates header, checksum and options, and returns the fields of a segment, or a
//!   [`TcpDropReason`].
//! - [`SegmentFields::write_to`] writes the header in front of the data, with its options and checksum.
//! - [`SequenceNumber`] compares sequence numbers modulo 2^32.
//! - [`Connection`] is the state machine of a connection: it receives segments, and has segments to send.
//! - [`InitialSequenceNumbers`] selects the first sequence number of a connection (RFC 6528).
//! - [`RttEstimator`] computes the retransmission timeout (RFC 6298).
//! - [`Algorithm`] computes the congestion window (RFC 9438, RFC 5681), and [`Prr`] spreads the reduction of the window
//!   over a recovery (RFC 6937). [`DeliveryRate`] measures the rate at which data is delivered.
//! - RACK-TLP (RFC 8985) detects losses if the peer sends selective acknowledgments. Otherwise, [`FastRecovery`] detects
//!   losses by duplicate ACKs (RFC 6582).
//! - [`SendBuffer`] and [`ReceiveBuffer`] have the data of a connection, within the [`Memory`] of all connections.
//!   [`ReceiveWindow`] decides how much data the peer may send.
//! - [`Tcp`] has the connections and listeners of a host, with half-open connections, SYN cookies and TIME-WAIT.
//! - [`TcpSettings`] configures connections, and [`TcpLimits`] limits their number and memory.
//!
//! ```
//! use tap::Checksum;
//! use tcp::{Flags, Options, Segment, SegmentFields, SequenceNumber};
//!
//! let fields = SegmentFields {
//!     source: "10.0.0.1:4000".parse()?,
//!     destination: "10.0.0.2:80".parse()?,
//!     sequence: SequenceNumber::new(1_000),
//!     acknowledgment: SequenceNumber::new(2_000),
//!     flags: Flags::PSH | Flags::ACK,
//!     window: 65_535,
//!     urgent_pointer: 0,
//!     options: Options::NONE,
//! };
//! let mut bytes = [0; 24];
//! bytes[fields.header_length()..].copy_from_slice(b"data");
//! fields.write_to(&mut bytes)?;
//!
//! let addresses = (*fields.source.ip(), *fields.destination.ip());
//! let segment = Segment::parse(&bytes, addresses, Checksum::None)?;
//! assert_eq!((segment.sequence, segment.sequence_length()), (fields.sequence, 4));
//! assert_eq!(&bytes[segment.header_length..], b"data");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Non-features
//!
//! The crate performs no I/O and reads no clock: the caller supplies frames and times.
//!
//! Fast Open, signatures (MD5 and AO), Multipath TCP and urgent data outside the stream are not implemented.
#![forbid(unsafe_code)]

mod congestion;
mod connection;
mod delivery_rate;
mod drop_reason;
mod fast_recovery;
mod flags;
mod initial_sequence_numbers;
mod memory;
mod options;
mod path_problem;
mod prr;
mod rack;
mod receive_buffer;
mod receive_window;
mod recovery;
mod rtt_estimator;
mod scoreboard;
mod segment;
mod send_buffer;
mod sequence_number;
mod service;
mod settings;
mod state;
mod status;
mod tail_loss_probe;
mod tcp;
mod timestamp_clock;

pub use self::congestion::{
    Algorithm, Cubic, MAXIMUM_WINDOW, NewReno, Round, Unlimited, WindowControl, WindowUse, initial_window,
};
pub use self::connection::{Connection, Handshake, Start, TcpInfo};
pub use self::delivery_rate::{DeliveryRate, RateSample, SentMark};
pub use self::drop_reason::TcpDropReason;
pub use self::fast_recovery::{DuplicateAck, FastRecovery, NewAck};
pub use self::flags::Flags;
pub use self::initial_sequence_numbers::InitialSequenceNumbers;
pub use self::memory::{Memory, MemoryLevel, Resources};
pub use self::options::{Options, SackBlock, SackBlocks, TcpOption, TcpOptions, Timestamps};
pub use self::path_problem::PathProblem;
pub use self::prr::Prr;
pub use self::receive_buffer::{Inserted, ReceiveBuffer};
pub use self::receive_window::ReceiveWindow;
pub use self::rtt_estimator::RttEstimator;
pub use self::segment::{Segment, SegmentFields, TcpHeader, TcpLengthError};
pub use self::send_buffer::SendBuffer;
pub use self::sequence_number::SequenceNumber;
pub use self::service::SegmentService;
pub use self::settings::{BufferSize, CongestionControl, Ecn, KeepAlive, TcpSettings};
pub use self::state::{CloseReason, State};
pub use self::status::{Output, Reception, SegmentOutcome, Setting, Status};
pub use self::tcp::{
    Addresses, Connect, ConnectionId, Departure, ListenerId, Path, QuotedSegment, Tcp, TcpCounters, TcpEntry,
    TcpError, TcpLimits, TcpReady, TcpReception, TcpTotals,
};
