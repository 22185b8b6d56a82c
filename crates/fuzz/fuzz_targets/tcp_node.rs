//! A TCP host of the targets `handshake` and `listener`: passes segments, and checks what holds after every call.

use std::time::Duration;

use base::Secret;
use inet::InterfaceId;
use tap::{Checksum, Instant, Offloads, Pool};
use tcp::{Flags, Path, Segment, SegmentFields, Tcp, TcpEntry, TcpLimits, TcpReception, TcpTotals};

/// The interface of all segments.
pub(crate) const INTERFACE: InterfaceId = InterfaceId(0);

/// A TCP host.
pub(crate) struct Node {
    pub(crate) tcp: Tcp,
    pub(crate) pool: Pool,
    pub(crate) now: Instant,
}

/// A segment with its data.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) fields: SegmentFields,
    pub(crate) data: Vec<u8>,
}

impl Node {
    pub(crate) fn new(limits: TcpLimits, seed: u8) -> Node {
        let tcp = Tcp::new(limits, Secret::new(seed.into()));
        Node { tcp, pool: Pool::new(1500, 4096), now: Instant::from_nanos(1 << 40) }
    }

    /// Passes a segment. Returns the reply.
    pub(crate) fn receive(&mut self, packet: &Packet) -> Option<SegmentFields> {
        let mut frame = self.pool.take()?;
        let fields = &packet.fields;
        let header = fields.header_length();
        let bytes = frame.append(header + packet.data.len()).expect("the frame is too short");
        bytes[header..].copy_from_slice(&packet.data);
        fields.write_to(bytes).expect("the segment is too long");
        let addresses = (*fields.source.ip(), *fields.destination.ip());
        let segment = Segment::parse(frame.bytes(), addresses, Checksum::None).expect("invalid segment");
        frame.narrow(segment.header_length, segment.data_length).expect("no data");
        let path = Path { interface: INTERFACE, interface_mtu: 1500, mtu: 1500 };
        let TcpReception { reply, .. } = self.tcp.receive(self.now, &path, &segment, frame, &mut self.pool);
        if let Some(reply) = reply {
            assert_eq!((reply.source, reply.destination), (segment.destination, segment.source));
            let (is_reset, was_reset) =
                (reply.flags.contains(Flags::RST), segment.flags.contains(Flags::RST));
            assert!(!is_reset || !was_reset, "a reset was answered with a reset");
        }
        self.check();
        reply
    }

    /// Returns the next segment to send.
    pub(crate) fn transmit(&mut self) -> Option<Packet> {
        let departure = self.tcp.transmit(self.now, INTERFACE, Offloads::default(), &mut self.pool)?;
        let addresses = (departure.source, departure.destination);
        let bytes = departure.frame.bytes();
        let segment = Segment::parse(bytes, addresses, Checksum::None).expect("invalid segment sent");
        let data = bytes[segment.header_length..].to_vec();
        assert!(bytes.len() <= 1480, "the segment exceeds the MTU");
        self.pool.give(departure.frame);
        self.check();
        Some(Packet { fields: segment.fields(), data })
    }

    /// Advances the time, and processes what it brings.
    pub(crate) fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
        self.tcp.poll(self.now, &mut self.pool);
        self.check();
    }

    /// Checks limits and totals.
    pub(crate) fn check(&self) {
        let (totals, limits) = (self.tcp.totals(), self.tcp.limits());
        assert!(totals.half_open <= limits.half_open, "too many half-open connections");
        assert!(totals.connections <= limits.connections, "too many connections");
        assert!(totals.time_wait <= limits.time_wait, "too many connections in TIME-WAIT");
        assert!(totals.orphans <= limits.orphans, "too many orphans");
        let mut listed = TcpTotals { memory: totals.memory, ..TcpTotals::default() };
        let mut queued = (0, 0);
        for (_, entry) in self.tcp.entries_after(None) {
            match entry {
                TcpEntry::Connection { id, .. } => {
                    listed.connections += 1;
                    queued.0 += usize::from(id.is_none());
                }
                TcpEntry::HalfOpen { .. } => listed.half_open += 1,
                TcpEntry::TimeWait { .. } => listed.time_wait += 1,
                TcpEntry::Listener { queued: waiting, backlog, half_open, .. } => {
                    assert!(waiting <= backlog, "the backlog is exceeded");
                    assert!(
                        half_open <= limits.half_open_per_listener,
                        "the share of a listener is exceeded"
                    );
                    queued.1 += waiting;
                }
            }
        }
        listed.orphans = queued.0 - queued.1;
        assert_eq!(listed, totals, "the lists differ from the totals");
    }

    /// Lets all time pass, and discards what is sent. Checks that nothing is left.
    pub(crate) fn end(&mut self) {
        for _ in 0..10_000 {
            while self.transmit().is_some() {}
            let Some(at) = self.tcp.deadline() else { break };
            self.wait(at.since(self.now));
        }
        assert_eq!(self.tcp.deadline(), None, "the timers do not end");
        assert_eq!(self.tcp.totals(), TcpTotals::default(), "something is left");
        assert_eq!(self.pool.held(), 0, "a frame was lost");
        assert!(!self.tcp.has_output(INTERFACE), "output is left");
    }
}
