//! Peer of a TCP connection with the host.

use std::time::Duration;

use super::segment::{ACK, FIN, PSH, RST, Received, SYN, Segment, TIMESTAMPS, word};
use crate::case::CaseResult;
use crate::datagrams::peer;
use crate::frame_socket::FrameSocket;
use crate::session::Station;

/// Station of the peers. Each connection has its own port.
pub(super) const STATION: Station = peer(185);
/// Initial sequence number of the peers.
const ISN: u32 = 0x1000_0000;
/// Receive window of the peers.
const WINDOW: u16 = 60_000;
/// Time for a reply that Linux sends after the reply to a later ARP request, because a service used the socket.
const LATE_REPLY: Duration = Duration::from_secs(3);

/// Peer of a connection. Follows the sequence numbers.
pub(super) struct Peer<'a> {
    pub(super) wire: &'a mut FrameSocket,
    /// Ports of the peer and of the host.
    ports: (u16, u16),
    /// Sequence number of the next byte to send.
    pub(super) next: u32,
    /// Sequence number of the next byte from the host.
    pub(super) expected: u32,
    pub(super) window: u16,
    /// Timestamp and echoed timestamp to send, if both sides send timestamps.
    pub(super) timestamps: Option<(u32, u32)>,
}

impl<'a> Peer<'a> {
    /// Creates a peer of a port of the host, without a connection.
    pub(super) fn new(wire: &'a mut FrameSocket, port: u16) -> Result<Peer<'a>, String> {
        wire.introduce(STATION)?;
        let ports = (wire.next_tcp_port(), port);
        Ok(Peer { wire, ports, next: ISN, expected: 0, window: WINDOW, timestamps: None })
    }

    /// Returns a segment with the current sequence numbers.
    pub(super) fn segment(&self, flags: u8, data: &[u8]) -> Segment {
        let mut options = Vec::new();
        if let Some((value, echo)) = self.timestamps {
            options = [&[1, 1, TIMESTAMPS, 10][..], &value.to_be_bytes(), &echo.to_be_bytes()].concat();
        }
        Segment {
            source: self.ports.0,
            destination: self.ports.1,
            sequence: self.next,
            acknowledgment: if flags & ACK == 0 { 0 } else { self.expected },
            flags,
            window: self.window,
            options,
            data: data.to_vec(),
            ..Segment::default()
        }
    }

    /// Sends a segment.
    pub(super) fn send(&mut self, segment: &Segment) -> CaseResult {
        self.wire.send(&segment.frame(STATION))
    }

    /// Sends data with the current sequence number, which then follows the data.
    pub(super) fn send_data(&mut self, data: &[u8]) -> CaseResult {
        self.send(&self.segment(PSH | ACK, data))?;
        self.next = self.next.wrapping_add(length(data));
        Ok(())
    }

    /// Sends a FIN with the current sequence number, which then follows the FIN.
    pub(super) fn send_fin(&mut self) -> CaseResult {
        self.send(&self.segment(FIN | ACK, b""))?;
        self.next = self.next.wrapping_add(1);
        Ok(())
    }

    /// Opens the connection. Returns the SYN,ACK of the host.
    pub(super) fn open(&mut self, options: &[u8]) -> Result<Received, String> {
        let syn = Segment { options: options.to_vec(), ..self.segment(SYN, b"") };
        let reply = self.expect_one(&syn)?;
        self.next = self.next.wrapping_add(1);
        if reply.flags != SYN | ACK || reply.acknowledgment != self.next {
            return Err(format!("not a SYN,ACK for the SYN {}: {reply}", syn.sequence));
        }
        self.expected = reply.sequence.wrapping_add(1);
        let value = reply.option(TIMESTAMPS).and_then(|data| word(data.get(..4)?));
        self.timestamps = value.map(|value| (1_000, value));
        self.send(&self.segment(ACK, b""))?;
        Ok(reply)
    }

    /// Resets the connection, so that the host sends no more frames.
    pub(super) fn reset(&mut self) -> CaseResult {
        self.send(&self.segment(RST | ACK, b""))?;
        self.collect().map(drop)
    }

    /// Sends a segment, and returns all segments that the host sends at once.
    pub(super) fn exchange(&mut self, segment: &Segment) -> Result<Vec<Received>, String> {
        self.send(segment)?;
        self.collect()
    }

    /// Returns all segments that the host has to send now.
    ///
    /// A host may send its segments after its replies to ARP requests that arrive at the same time. Therefore two ARP
    /// requests follow: the host receives the second after it has sent the first reply.
    fn collect(&mut self) -> Result<Vec<Received>, String> {
        let frames = [self.wire.collect()?, self.wire.collect()?].concat();
        let mut segments = Vec::new();
        for frame in frames {
            segments.extend(Some(Received::read(&frame, STATION)?).filter(|received| self.is_new(received)));
        }
        Ok(segments)
    }

    /// Returns whether a segment belongs to the connection, and is not a retransmission of received data.
    fn is_new(&self, received: &Received) -> bool {
        let end = received.sequence.wrapping_add(received.length());
        let is_old = received.length() > 0 && self.expected.wrapping_sub(end) < 1 << 31 && self.expected != 0;
        (received.destination, received.source) == self.ports && !is_old
    }

    /// Expects no segment from the host at once after a segment.
    pub(super) fn expect_none(&mut self, segment: &Segment) -> CaseResult {
        match self.exchange(segment)?.first() {
            None => Ok(()),
            Some(reply) => Err(format!("reply to flags {:#04x}: {reply}", segment.flags)),
        }
    }

    /// Expects one segment from the host at once after a segment.
    pub(super) fn expect_one(&mut self, segment: &Segment) -> Result<Received, String> {
        let mut replies = self.exchange(segment)?;
        if replies.is_empty() {
            replies.extend(self.next_within(LATE_REPLY)?);
        }
        // The host repeats a SYN,ACK if the suite is late.
        replies.dedup_by(|later, earlier| later == earlier && later.flags & SYN != 0);
        match <[Received; 1]>::try_from(replies) {
            Ok([reply]) => Ok(reply),
            Err(replies) => {
                Err(format!("{} replies instead of 1 to flags {:#04x}", replies.len(), segment.flags))
            }
        }
    }

    /// Expects an empty acknowledgment of everything before [`Peer::next`] from the host at once after a segment.
    pub(super) fn expect_ack(&mut self, segment: &Segment) -> Result<Received, String> {
        let reply = self.expect_one(segment)?;
        let is_empty = reply.flags == ACK && reply.data.is_empty() && reply.sequence == self.expected;
        if is_empty && reply.acknowledgment == self.next {
            return Ok(reply);
        }
        Err(format!(
            "reply to flags {:#04x} is not the expected acknowledgment {}: {reply}",
            segment.flags, self.next
        ))
    }

    /// Sends segments at once, and expects an empty acknowledgment of everything before [`Peer::next`] for each of them.
    pub(super) fn expect_acks(&mut self, segments: &[Segment]) -> Result<Vec<Received>, String> {
        segments.iter().try_for_each(|segment| self.send(segment))?;
        let mut replies = self.collect()?;
        while replies.len() < segments.len() {
            let Some(reply) = self.next_within(LATE_REPLY)? else { break };
            replies.push(reply);
        }
        let is_ack = |reply: &Received| {
            let numbers = (reply.sequence, reply.acknowledgment);
            reply.flags == ACK && reply.data.is_empty() && numbers == (self.expected, self.next)
        };
        match replies.iter().find(|reply| !is_ack(reply)) {
            Some(reply) => Err(format!("not the expected acknowledgment {}: {reply}", self.next)),
            None if replies.len() == segments.len() => Ok(replies),
            None => Err(format!("{} acknowledgments of {} segments", replies.len(), segments.len())),
        }
    }

    /// Expects a reset from the host at once after a segment that has an acknowledgment.
    pub(super) fn expect_reset(&mut self, segment: &Segment) -> CaseResult {
        let reply = self.expect_one(segment)?;
        // RFC 9293 3.10.7.1: "If the ACK bit is on, <SEQ=SEG.ACK><CTL=RST>".
        if reply.flags & !ACK == RST && reply.sequence == segment.acknowledgment && reply.data.is_empty() {
            return Ok(());
        }
        Err(format!("reply to flags {:#04x} is not the expected reset: {reply}", segment.flags))
    }

    /// Returns the next new segment of the host. The segment is not received yet in the sense of [`Peer::accept`].
    pub(super) fn next(&mut self) -> Result<Received, String> {
        self.next_segment(|received, peer| peer.is_new(received))
    }

    /// Returns the next segment of the host that is a retransmission or not.
    pub(super) fn next_of_any_age(&mut self) -> Result<Received, String> {
        self.next_segment(|received, peer| (received.destination, received.source) == peer.ports)
    }

    fn next_segment(&mut self, selects: impl Fn(&Received, &Peer<'_>) -> bool) -> Result<Received, String> {
        loop {
            let received = Received::read(&self.wire.next_reply("segment from the host")?, STATION)?;
            if selects(&received, self) {
                return Ok(received);
            }
        }
    }

    /// Returns the next new segment of the host, or `None` if no segment arrives within `limit`.
    fn next_within(&mut self, limit: Duration) -> Result<Option<Received>, String> {
        while let Some(frame) = self.wire.next(limit)? {
            if self.wire.reply_to_request(&frame)? {
                continue;
            }
            let received = Received::read(&frame, STATION)?;
            if self.is_new(&received) {
                return Ok(Some(received));
            }
        }
        Ok(None)
    }

    /// Receives a segment: the next expected byte follows the segment if the segment is in order.
    pub(super) fn accept(&mut self, received: &Received) {
        if received.sequence == self.expected {
            self.expected = self.expected.wrapping_add(received.length());
        }
    }

    /// Receives and acknowledges data of the host until the data ends with `end`. Returns the data, and the length of the
    /// longest segment.
    pub(super) fn read_until(&mut self, end: &[u8]) -> Result<(Vec<u8>, usize), String> {
        let (mut data, mut longest) = (Vec::new(), 0);
        while !data.ends_with(end) {
            let received = self.next()?;
            if received.flags & RST != 0 {
                return Err(format!("reset after {} bytes", data.len()));
            }
            longest = longest.max(received.data.len());
            if received.sequence == self.expected {
                data.extend(&received.data);
            }
            self.accept(&received);
            if received.length() > 0 {
                self.send(&self.segment(ACK, b""))?;
            }
        }
        Ok((data, longest))
    }

    /// Waits until the host has acknowledged everything before [`Peer::next`].
    pub(super) fn wait_for_ack(&mut self) -> Result<Received, String> {
        loop {
            let received = self.next()?;
            if received.flags & RST != 0 {
                return Err("reset instead of an acknowledgment".to_owned());
            }
            if received.acknowledgment == self.next {
                return Ok(received);
            }
        }
    }

    /// Expects that the connection still works: the host acknowledges new data.
    pub(super) fn expect_open(&mut self) -> CaseResult {
        self.send_data(b"still open")?;
        self.wait_for_ack().map(drop)
    }
}

/// Opens a connection with these options to a port of the host, runs a case, and resets the connection.
pub(super) fn connected(
    wire: &mut FrameSocket,
    port: u16,
    options: &[u8],
    case: impl FnOnce(&mut Peer<'_>) -> CaseResult,
) -> CaseResult {
    let mut peer = Peer::new(wire, port)?;
    let result = peer.open(options).and_then(|_| case(&mut peer));
    let reset = peer.reset();
    result.and(reset)
}

/// Returns the length of data in sequence numbers.
pub(super) fn length(data: &[u8]) -> u32 {
    u32::try_from(data.len()).unwrap_or(u32::MAX)
}
