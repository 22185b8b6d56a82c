//! The segments that are counted. The functions are never inlined, so that their symbols identify their
//! instructions.

use inet::InterfaceId;
use tap::{Checksum, Instant, Offloads, Pool};
use tcp::{Departure, Path, Segment, SegmentOutcome, Tcp, TcpReception};

use crate::peers::{Arriving, LOCAL, Peers};

/// Kind of segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// A full segment of data in order arrives.
    DataIn,
    /// A full segment of data is sent.
    SegmentOut,
    /// A superframe of two full segments is sent, which the device cuts. The device completes their checksums.
    SuperframeOut,
    /// An acknowledgment without data arrives, and acknowledges a full segment.
    AcknowledgmentIn,
}

/// Path of the segments.
pub(crate) const PATH: Path = Path { interface: InterfaceId(0), interface_mtu: 1_500, mtu: 1_500 };

/// Number of segments in a superframe. Further segments take no more instructions, apart from the copy of their data.
const SEGMENTS: usize = 2;
/// A device with offloads for TCP.
const DEVICE: Offloads = Offloads { checksum: true, tcp_v4: true, udp: false };

impl Work {
    /// All kinds of segments.
    pub(crate) const ALL: [Work; 4] =
        [Work::DataIn, Work::SegmentOut, Work::SuperframeOut, Work::AcknowledgmentIn];

    /// The kinds of segments on a device without offloads.
    pub(crate) const SINGLE: [Work; 3] = [Work::DataIn, Work::SegmentOut, Work::AcknowledgmentIn];

    /// Returns the name of the function.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Work::DataIn => "data_in",
            Work::SegmentOut => "segment_out",
            Work::SuperframeOut => "superframe_out",
            Work::AcknowledgmentIn => "acknowledgment_in",
        }
    }

    /// Returns the library calls of the function.
    pub(crate) fn api(self) -> &'static str {
        match self {
            Work::DataIn | Work::AcknowledgmentIn => "Segment::parse, Tcp::receive",
            Work::SegmentOut | Work::SuperframeOut => "Tcp::transmit",
        }
    }

    /// Returns the symbols that the code of the function can have. The compiler can merge functions with equal code.
    pub(crate) fn symbols(self) -> &'static str {
        match self {
            Work::DataIn | Work::AcknowledgmentIn => "data_in,acknowledgment_in",
            Work::SegmentOut => "segment_out",
            Work::SuperframeOut => "superframe_out",
        }
    }

    /// Processes one segment of a connection. What precedes and follows it is not counted. The segment is counted only if
    /// `is_counted`.
    pub(crate) fn run(self, peers: &mut Peers, number: u32, is_counted: bool) -> Result<(), String> {
        let now = peers.now;
        match self {
            Work::DataIn => {
                let arriving = peers.data(number)?;
                let is_accepted = if is_counted {
                    data_in(&mut peers.tcp, &mut peers.pool, now, arriving)
                } else {
                    pass(peers, arriving)?.outcome == SegmentOutcome::Accepted
                };
                is_accepted.then_some(()).ok_or("data was dropped")?;
                peers.read(number)
            }
            Work::SegmentOut => {
                peers.write(number, 1)?;
                let departure = if is_counted {
                    segment_out(&mut peers.tcp, &mut peers.pool, now)
                } else {
                    peers.tcp.transmit(now, PATH.interface, Offloads::default(), &mut peers.pool)
                };
                peers.sent(number, departure, 1)?;
                let arriving = peers.acknowledgment(number)?;
                pass(peers, arriving)?;
                peers.settle();
                Ok(())
            }
            Work::SuperframeOut => {
                peers.write(number, SEGMENTS)?;
                let departure = if is_counted {
                    superframe_out(&mut peers.tcp, &mut peers.pool, now)
                } else {
                    peers.tcp.transmit(now, PATH.interface, DEVICE, &mut peers.pool)
                };
                peers.sent(number, departure, SEGMENTS)?;
                let arriving = peers.acknowledgment(number)?;
                pass(peers, arriving)?;
                peers.settle();
                Ok(())
            }
            Work::AcknowledgmentIn => {
                peers.write(number, 1)?;
                let departure = peers.tcp.transmit(now, PATH.interface, Offloads::default(), &mut peers.pool);
                peers.sent(number, departure, 1)?;
                let arriving = peers.acknowledgment(number)?;
                let is_progress = if is_counted {
                    acknowledgment_in(&mut peers.tcp, &mut peers.pool, now, arriving)
                } else {
                    pass(peers, arriving)?.is_progress
                };
                peers.settle();
                is_progress.then_some(()).ok_or_else(|| "data was not acknowledged".to_owned())
            }
        }
    }
}

/// Passes a segment that is not counted.
pub(crate) fn pass(peers: &mut Peers, arriving: Arriving) -> Result<TcpReception, String> {
    receive(&mut peers.tcp, &mut peers.pool, peers.now, arriving).ok_or("invalid segment".to_owned())
}

/// Passes a segment with data. Returns whether it was accepted.
#[inline(never)]
fn data_in(tcp: &mut Tcp, pool: &mut Pool, now: Instant, arriving: Arriving) -> bool {
    receive(tcp, pool, now, arriving).is_some_and(|reception| reception.outcome == SegmentOutcome::Accepted)
}

/// Passes an acknowledgment. Returns whether it acknowledges new data.
#[inline(never)]
fn acknowledgment_in(tcp: &mut Tcp, pool: &mut Pool, now: Instant, arriving: Arriving) -> bool {
    receive(tcp, pool, now, arriving).is_some_and(|reception| reception.is_progress)
}

/// Takes a segment to send.
#[inline(never)]
fn segment_out(tcp: &mut Tcp, pool: &mut Pool, now: Instant) -> Option<Departure> {
    tcp.transmit(now, PATH.interface, Offloads::default(), pool)
}

/// Takes a superframe to send.
#[inline(never)]
fn superframe_out(tcp: &mut Tcp, pool: &mut Pool, now: Instant) -> Option<Departure> {
    tcp.transmit(now, PATH.interface, DEVICE, pool)
}

#[inline]
fn receive(tcp: &mut Tcp, pool: &mut Pool, now: Instant, arriving: Arriving) -> Option<TcpReception> {
    let (mut frame, source) = arriving;
    let segment = Segment::parse(frame.bytes(), (source, *LOCAL.ip()), Checksum::None).ok()?;
    frame.narrow(segment.header_length, segment.data_length).ok()?;
    Some(tcp.receive(now, &PATH, &segment, frame, pool))
}
