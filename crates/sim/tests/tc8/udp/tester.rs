//! The tester of UDP: sends datagrams to the host under test, lets the host send, and reads the host's socket.

use std::net::SocketAddr;
use std::time::Duration;

use host::{HostConfig, SocketId, UdpBind, UdpMessage};
use inet::{IpProtocol, checksum};
use ipv4::Datagram;
use sim::{Faults, NodeId, Segment};
use tap::Instant;

use super::Fault;
use super::input::{Input, PORT, TESTER_PORT};
use crate::packets::{self as p, Field, HOST, PEER, SECOND, Station};
use crate::tester::{CaseError, CaseResult};

/// Time for which the tester captures frames after each action.
const LISTEN: Duration = Duration::from_millis(500);
/// Length of the link header, in bytes.
const LINK_HEADER: usize = 14;

pub(super) const IP_DESTINATION: Field = Field("IP destination", 30);
pub(super) const SOURCE_PORT: Field = Field("source port", 34);
pub(super) const DESTINATION_PORT: Field = Field("destination port", 36);
pub(super) const LENGTH: Field = Field("length", 38);
pub(super) const CHECKSUM: Field = Field("checksum", 40);

/// A segment with a host that has a socket, and with the tester as two stations.
pub(super) struct UdpTester {
    segment: Segment,
    host: NodeId,
    socket: SocketId,
    fault: Option<Fault>,
}

/// A datagram that the host's socket received.
#[derive(Debug)]
pub(super) struct ReceivedData {
    source: SocketAddr,
    destination: SocketAddr,
    data: Vec<u8>,
}

impl UdpTester {
    /// Creates a tester on a segment with a newly started host.
    pub(super) fn new(fault: Option<Fault>) -> Result<UdpTester, CaseError> {
        let mut segment = Segment::new(Instant::ORIGIN, Faults::NONE);
        let id = segment.add(&HostConfig::new(format!("{}/24", HOST.ip).parse()?, HOST.mac))?;
        segment.intercept(id, move |_, bytes| {
            let sent = (Duration::ZERO, bytes.to_vec());
            match fault {
                Some(Fault::DropSent) if is_udp(bytes) => Vec::new(),
                Some(Fault::RewriteSent(field, other)) if is_udp(bytes) => {
                    vec![(Duration::ZERO, p::with(sent.1, field, other))]
                }
                _ => vec![sent],
            }
        });
        let host = segment.host_mut(id).ok_or("not a host")?;
        for Station { mac, ip } in [PEER, SECOND] {
            host.add_static(Instant::ORIGIN, ip, mac)?;
        }
        let socket = host.bind_udp(&UdpBind { port: Some(PORT), ..UdpBind::default() })?;
        Ok(UdpTester { segment, host: id, socket, fault })
    }

    /// Sends a datagram to the host. Returns the datagrams that the socket receives, and the frames that the host
    /// sends.
    fn exchange(&mut self, input: &Input) -> Result<(Vec<ReceivedData>, Vec<Vec<u8>>), CaseError> {
        let mut input = input.clone();
        if let Some(Fault::ChangeReceived(change)) = self.fault {
            change(&mut input);
        }
        for frame in input.frames()? {
            self.segment.inject(&frame);
        }
        let sent = self.listen()?;
        let (host, pool) = self.segment.host_and_pool(self.host).ok_or("not a host")?;
        let mut received = Vec::new();
        while let Some(datagram) = host.receive_udp(self.socket) {
            let data = datagram.frame.bytes().to_vec();
            received.push(ReceivedData { source: datagram.source, destination: datagram.destination, data });
            pool.give(datagram.frame);
        }
        Ok((received, sent))
    }

    /// Lets the host send data to a station. Returns the frames that the host sends.
    pub(super) fn send(&mut self, to: Station, data: &[u8]) -> Result<Vec<Vec<u8>>, CaseError> {
        let now = self.segment.now();
        let (host, pool) = self.segment.host_and_pool(self.host).ok_or("not a host")?;
        let destination = Some(SocketAddr::new(to.ip.into(), TESTER_PORT));
        host.send_udp(now, self.socket, &UdpMessage { destination, ..UdpMessage::default() }, data, pool)?;
        self.listen()
    }

    /// Lets the host send data in one frame. Returns the frame.
    pub(super) fn send_one(&mut self, to: Station, data: &[u8]) -> Result<Vec<u8>, CaseError> {
        let mut frames = self.send(to, data)?;
        match (frames.len(), frames.pop()) {
            (1, Some(frame)) => Ok(frame),
            (count, _) => Err(format!("expected one frame, the host sent {count}").into()),
        }
    }

    fn listen(&mut self) -> Result<Vec<Vec<u8>>, CaseError> {
        self.segment.run_for(LISTEN)?;
        Ok(self.segment.take_captured().into_iter().map(|frame| frame.bytes).collect())
    }

    /// Expects the socket to receive the data of a datagram with its addresses and ports.
    pub(super) fn expect_received(&mut self, input: &Input) -> CaseResult {
        let (mut received, _) = self.exchange(input)?;
        let count = received.len();
        let Some(ReceivedData { source, destination, data }) = received.pop().filter(|_| count == 1) else {
            return Err(format!("expected one datagram, the socket received {count}").into());
        };
        if source != SocketAddr::V4(input.source()) {
            return Err(format!("source is {source}, expected {}", input.source()).into());
        }
        if destination != SocketAddr::new(HOST.ip.into(), PORT) {
            return Err(format!("destination is {destination}").into());
        }
        if data != input.data {
            return Err(format!("{} bytes of other data, expected {}", data.len(), input.data.len()).into());
        }
        Ok(())
    }

    /// Expects the host to drop a datagram without an answer. Then expects the socket to receive a valid datagram.
    pub(super) fn expect_dropped(&mut self, input: &Input) -> CaseResult {
        self.expect_not_received(input, 0)?;
        self.expect_received(&Input::new(b"valid"))
    }

    /// Expects that the socket does not receive a datagram, and that the host sends this number of frames.
    pub(super) fn expect_not_received(&mut self, input: &Input, answers: usize) -> CaseResult {
        let (received, sent) = self.exchange(input)?;
        if !received.is_empty() {
            return Err("the socket received the datagram".into());
        }
        if sent.len() != answers {
            return Err(format!("expected {answers} frames, the host sent {}", sent.len()).into());
        }
        Ok(())
    }
}

/// Expects a frame to contain a datagram from the host's socket to a station with this data, and with correct length and
/// checksum.
pub(super) fn expect_datagram(frame: &[u8], to: Station, data: &[u8]) -> CaseResult {
    p::expect_field(frame, p::DESTINATION, &to.mac.bytes())?;
    p::expect_field(frame, IP_DESTINATION, &to.ip.octets())?;
    let datagram = Datagram::parse(frame.get(LINK_HEADER..).unwrap_or_default())?;
    expect_payload(datagram.payload(), to, data)
}

/// Expects the payload of a datagram from the host's socket to a station: see [`expect_datagram`].
pub(super) fn expect_payload(payload: &[u8], to: Station, data: &[u8]) -> CaseResult {
    // The fields are named by their offset in a frame.
    let frame = [&[0; LINK_HEADER + 20], payload].concat();
    p::expect_field(&frame, SOURCE_PORT, &PORT.to_be_bytes())?;
    p::expect_field(&frame, DESTINATION_PORT, &TESTER_PORT.to_be_bytes())?;
    let length = u16::try_from(8 + data.len())?.to_be_bytes();
    p::expect_field(&frame, LENGTH, &length)?;
    if payload.get(8..) != Some(data) {
        return Err("the host sent other data".into());
    }
    if payload.get(6..8) == Some(&[0, 0]) {
        return Err("checksum is zero".into());
    }
    let pseudo_header = [&HOST.ip.octets()[..], &to.ip.octets(), &[0, IpProtocol::UDP.0], &length].concat();
    if checksum::is_valid(&[&pseudo_header, payload].concat()) {
        Ok(())
    } else {
        Err("checksum is wrong".into())
    }
}

/// Returns the data of a datagram that was sent in fragments.
pub(super) fn reassemble(frames: &[Vec<u8>]) -> Result<Vec<u8>, CaseError> {
    let mut whole = Vec::new();
    for frame in frames {
        let fragment = Datagram::parse(frame.get(LINK_HEADER..).unwrap_or_default())?;
        if fragment.fragment_offset() != whole.len() {
            return Err("a fragment is missing".into());
        }
        whole.extend_from_slice(fragment.payload());
    }
    Ok(whole)
}

fn is_udp(frame: &[u8]) -> bool {
    frame.get(12..14) == Some(&[8, 0]) && frame.get(23) == Some(&IpProtocol::UDP.0)
}
