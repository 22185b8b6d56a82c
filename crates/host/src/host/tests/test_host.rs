//! A host on a test device, and datagrams for it.

use super::*;
use crate::{DatagramOutcome, EchoReply, SocketFailure, SocketId};
use icmp::{Echo, IcmpMessage, IcmpType};
use inet::IpProtocol;
use ipv4::{Datagram, Ipv4Fields};
use std::collections::VecDeque;
use tap::{Checksum, DeviceCounters, Offload};

/// A host with its pool, its time and the outcomes of the received frames.
pub(super) struct TestHost {
    pub(super) host: Host,
    pub(super) pool: Pool,
    pub(super) now: Instant,
    pub(super) outcomes: Vec<FrameOutcome>,
    exchange: Exchange,
    mtu: usize,
}

/// A device in memory: frames to receive, and frames sent.
struct TestDevice {
    mtu: usize,
    arrived: VecDeque<Vec<u8>>,
    checksum: Checksum,
    sent: Vec<Vec<u8>>,
}

impl TestHost {
    pub(super) fn new(config: &HostConfig) -> TestHost {
        TestHost::of(Host::new(NOW, config).unwrap(), config.mtu)
    }

    pub(super) fn of(host: Host, mtu: usize) -> TestHost {
        let pool = Pool::new(mtu, host.pool_size());
        TestHost { host, pool, now: NOW, outcomes: Vec::new(), exchange: Exchange::new(PORT), mtu }
    }

    /// Returns the host 10.0.0.2 with the peer in its ARP cache.
    pub(super) fn with_known_peer() -> TestHost {
        TestHost::with_known_peer_and(&config())
    }

    /// Returns the host with this configuration and with the peer in its ARP cache.
    pub(super) fn with_known_peer_and(config: &HostConfig) -> TestHost {
        let mut test_host = TestHost::new(config);
        test_host.exchange(&[broadcast(&[&[8, 6], &request()])]);
        test_host
    }

    /// Gives these frames to the host. Returns the frames that it sends, in order.
    pub(super) fn exchange(&mut self, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
        self.exchange_with(frames, Checksum::None)
    }

    /// Gives these frames to the host, with this state of their checksums. Returns the frames that it sends, in order.
    pub(super) fn exchange_with(&mut self, frames: &[Vec<u8>], checksum: Checksum) -> Vec<Vec<u8>> {
        let mut device =
            TestDevice { mtu: self.mtu, arrived: frames.to_vec().into(), checksum, sent: Vec::new() };
        let mut tracer = OutcomeRecorder(std::mem::take(&mut self.outcomes));
        loop {
            let turn = self.exchange.turn(self.now, &mut self.host, &mut device, &mut self.pool, &mut tracer);
            let turn = turn.unwrap();
            if turn.received == 0 && !turn.tx_blocked && !turn.poll_again {
                break;
            }
        }
        self.outcomes = tracer.0;
        let waiting: usize = self.host.arps().map(|arp| arp.neighbors().pending_packets()).sum();
        // Received data of a connection holds frames, at most one for each frame's capacity.
        let in_connections = self.host.tcp_totals().memory / Frame::capacity_for(self.mtu);
        let without_connections = self.pool.held() - waiting - self.host.queued_datagrams();
        assert!(
            without_connections <= in_connections,
            "{without_connections} frames were neither sent nor pending nor returned to the pool"
        );
        device.sent
    }

    /// Gives one frame to the host. Returns its outcome, and the frames that the host sends.
    pub(super) fn exchange_one(&mut self, frame: &[u8]) -> (FrameOutcome, Vec<Vec<u8>>) {
        let sent = self.exchange(&[frame.to_vec()]);
        (*self.outcomes.last().unwrap(), sent)
    }

    /// Passes a state of the link to the host.
    pub(super) fn link_changed(&mut self, state: LinkState) {
        self.exchange.device_event(self.now, &mut self.host, DeviceEvent::Link(state), &mut self.pool);
    }

    /// Gives one frame to the host. Returns its outcome.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> FrameOutcome {
        let mut frame = self.pool.take().unwrap();
        frame.write(bytes).unwrap();
        self.host.receive(self.now, PORT, frame, &mut self.pool)
    }

    /// Returns the frames that are due, up to the capacity of `departing`.
    pub(super) fn transmit(&mut self, departing: &mut Batch) -> Vec<Vec<u8>> {
        self.host.transmit(self.now, PORT, departing, &mut self.pool);
        let mut sent = Vec::new();
        while let Some(frame) = departing.pop() {
            sent.push(frame.bytes().to_vec());
            self.pool.give(frame);
        }
        sent
    }

    /// Removes and returns the failures of all sockets.
    pub(super) fn failures(&mut self) -> Vec<SocketFailure> {
        let ids: Vec<_> = self.host.sockets().map(|info| info.id).collect();
        ids.into_iter().flat_map(|id| self.failures_of(id)).collect()
    }

    /// Removes and returns the failures of a socket.
    pub(super) fn failures_of(&mut self, id: SocketId) -> Vec<SocketFailure> {
        std::iter::from_fn(|| self.host.take_socket_error(id)).collect()
    }

    /// Removes and returns the sockets in the readiness list.
    pub(super) fn ready(&mut self) -> Vec<SocketId> {
        std::iter::from_fn(|| self.host.poll_ready()).collect()
    }

    /// Removes and returns the received echo replies, with their data.
    pub(super) fn echo_replies(&mut self) -> Vec<(EchoReply, Vec<u8>)> {
        let ids: Vec<_> = self.host.sockets().map(|info| info.id).collect();
        let mut replies = Vec::new();
        for id in ids {
            while let Some(mut reply) = self.host.receive_echo(id) {
                let data = reply.frame.bytes().to_vec();
                let frame = std::mem::replace(&mut reply.frame, tap::Frame::for_mtu(0));
                self.pool.give(frame);
                replies.push((reply, data));
            }
        }
        replies
    }

    pub(super) fn advance(&mut self, span: Duration) -> Vec<Vec<u8>> {
        let end = self.now + span;
        let mut sent = Vec::new();
        while let Some(due) = self.host.deadline().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            sent.extend(self.exchange(&[]));
        }
        self.now = end;
        sent
    }

    pub(super) fn count(&self, layer: &str, name: &str) -> u64 {
        let counters = self.host.counters();
        let found = counters.iter().find(|counter| counter.layer == layer && counter.name == name);
        found.unwrap_or_else(|| panic!("no counter {layer} {name}")).count
    }
}

struct OutcomeRecorder(Vec<FrameOutcome>);

impl Tracer<FrameOutcome> for OutcomeRecorder {
    fn frame_handled(&mut self, _: Instant, _: PortId, outcome: FrameOutcome) {
        self.0.push(outcome);
    }
}

impl Device for TestDevice {
    fn capabilities(&self) -> Capabilities {
        Capabilities { mtu: self.mtu, ..Capabilities::default() }
    }
    fn receive(&mut self, pool: &mut Pool, arrived: &mut Batch) -> Result<Received, DeviceError> {
        let before = arrived.len();
        while arrived.free_capacity() > 0 && !self.arrived.is_empty() {
            let Some(mut frame) = pool.take() else { break };
            frame.write(&self.arrived.pop_front().unwrap()).unwrap();
            frame.set_offload(Offload { checksum: self.checksum, segmentation: None });
            arrived.push(frame).unwrap();
        }
        Ok(Received { frames: arrived.len() - before, ..Received::default() })
    }
    fn transmit(&mut self, tx_queue: &mut Batch, pool: &mut Pool) -> Result<Transmitted, DeviceError> {
        let sent = tx_queue.len();
        while let Some(frame) = tx_queue.pop() {
            assert_eq!(frame.offload(), Offload::default(), "the checksum of a sent frame is incomplete");
            self.sent.push(frame.bytes().to_vec());
            pool.give(frame);
        }
        Ok(Transmitted { sent, ..Transmitted::default() })
    }
    fn counters(&self) -> DeviceCounters {
        DeviceCounters::default()
    }
}

/// Returns an echo request with this data.
pub(super) fn echo(data: &[u8]) -> Vec<u8> {
    let mut message = vec![0; Echo::HEADER + data.len()];
    Echo { identifier: 0x1234, sequence: 7, data }.write_to(IcmpType::ECHO_REQUEST, &mut message).unwrap();
    message
}

/// Returns a UDP datagram with this data from the peer to a closed port of the host.
pub(super) fn udp(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + data.len()).unwrap();
    let mut bytes = [&[0x30, 0x39, 0, 9][..], &length.to_be_bytes(), &[0, 0], data].concat();
    let addresses = [PEER.octets(), HOST.octets()].concat();
    let sum = inet::checksum::Sum::default().plus(&addresses).plus_word(17).plus_word(length).plus(&bytes);
    bytes[6..8].copy_from_slice(&sum.checksum().to_be_bytes());
    bytes
}

/// Returns the fields of an ICMP datagram from the peer to the host.
pub(super) fn icmp_fields() -> Ipv4Fields {
    Ipv4Fields { identification: 77, ..Ipv4Fields::new(IpProtocol::ICMP, PEER, HOST) }
}

pub(super) fn datagram(fields: Ipv4Fields, payload: &[u8]) -> Vec<u8> {
    let mut bytes = [&[0; Ipv4Fields::LENGTH], payload].concat();
    fields.write_to(&mut bytes).unwrap();
    bytes
}

/// Returns a frame from the peer to the host.
pub(super) fn frame(datagram: &[u8]) -> Vec<u8> {
    framed(HOST_MAC, PEER_MAC, datagram)
}

pub(super) fn framed(to: MacAddr, from: MacAddr, datagram: &[u8]) -> Vec<u8> {
    [&to.bytes()[..], &from.bytes(), &[8, 0], datagram].concat()
}

/// Returns an echo request of the peer with `bytes` bytes of data, in fragments of at most `each` bytes.
pub(super) fn fragments(fields: Ipv4Fields, bytes: usize, each: usize) -> Vec<Vec<u8>> {
    let data: Vec<u8> = (0..=255).cycle().take(bytes).collect();
    let message = echo(&data);
    let mut frames = Vec::new();
    for (number, part) in message.chunks(each).enumerate() {
        let more_fragments = (number + 1) * each < message.len();
        let fields = Ipv4Fields { fragment_offset: number * each, more_fragments, ..fields };
        frames.push(frame(&datagram(fields, part)));
    }
    frames
}

/// Returns the joined payloads of the datagrams in frames to a MAC address. Fragments must be in order.
pub(super) fn joined_payload(frames: &[Vec<u8>], to: MacAddr) -> Vec<u8> {
    let mut whole = Vec::new();
    for bytes in frames {
        let frame = link::EthernetFrame::parse(bytes).unwrap();
        assert_eq!((frame.destination(), frame.ether_type()), (to, EtherType::IPV4));
        let datagram = Datagram::parse(frame.payload()).unwrap();
        assert_eq!(datagram.fragment_offset(), whole.len());
        whole.extend(datagram.payload());
    }
    whole
}

/// Asserts that a message is the reply to an echo request with `bytes` bytes of data.
pub(super) fn assert_reply(message: &[u8], bytes: usize) {
    let message = IcmpMessage::parse(message).unwrap();
    let data: Vec<u8> = (0..=255).cycle().take(bytes).collect();
    let icmp::IcmpBody::Reply(echo) = message.body().unwrap() else { panic!("{:?}", message.icmp_type()) };
    assert_eq!((echo.identifier, echo.sequence), (0x1234, 7));
    assert!(echo.data == data, "the data of the reply differs from the data of the request");
}

pub(super) const ECHO_REPLIED: FrameOutcome = FrameOutcome::Ipv4(DatagramOutcome::EchoReplied);
pub(super) const FRAGMENT_STORED: FrameOutcome = FrameOutcome::Ipv4(DatagramOutcome::FragmentStored);
