//! TCP sockets: calls, input, output and errors.

use super::test_host::*;
use super::*;
use crate::{
    AcceptedTcp, DatagramOutcome, SocketId, TcpCloseReason, TcpConnect, TcpListen, TcpRead, TcpSettings,
    TcpState,
};
use icmp::IcmpError;
use inet::IpProtocol;
use ipv4::{Datagram, Ipv4Fields};
use std::net::{SocketAddr, SocketAddrV4};
use tap::Checksum;
use tcp::{Flags, Options, Segment, SegmentFields, SequenceNumber, TcpDropReason, Timestamps};

mod calls;
mod errors;
mod flood;
mod input;
mod offloads;
mod output;

const ACCEPTED: FrameOutcome = FrameOutcome::Ipv4(DatagramOutcome::Segment);
const PEER_PORT: u16 = 50_000;

/// The peer of a connection of the host.
#[derive(Clone, Copy, Debug)]
struct Peer {
    address: SocketAddrV4,
    host: SocketAddrV4,
    /// Sequence number of the next byte that the peer sends.
    next: SequenceNumber,
    /// Sequence number of the next byte that the peer expects.
    expected: SequenceNumber,
}

/// A segment that the host has sent.
#[derive(Debug)]
struct Sent {
    segment: Segment,
    data: Vec<u8>,
    fields: Ipv4Fields,
}

impl Peer {
    /// Returns a peer with a port that sends to a port of the host.
    fn new(port: u16, host_port: u16) -> Peer {
        Peer {
            address: SocketAddrV4::new(PEER, port),
            host: SocketAddrV4::new(HOST, host_port),
            next: SequenceNumber::new(u32::MAX - 2),
            expected: SequenceNumber::new(0),
        }
    }

    fn fields(&self, flags: Flags) -> SegmentFields {
        SegmentFields {
            source: self.address,
            destination: self.host,
            sequence: self.next,
            acknowledgment: self.expected,
            flags,
            window: 65_535,
            urgent_pointer: 0,
            options: Options::default(),
        }
    }

    /// Returns the frame of a segment.
    fn frame(&self, flags: Flags, data: &[u8]) -> Vec<u8> {
        frame(&self.datagram(flags, data))
    }

    fn datagram(&self, flags: Flags, data: &[u8]) -> Vec<u8> {
        let fields = Ipv4Fields::new(IpProtocol::TCP, *self.address.ip(), *self.host.ip());
        datagram(fields, &segment(&self.fields(flags), data))
    }

    /// Sends a segment with data. Returns the segments that the host sends.
    fn send(&mut self, host: &mut TestHost, flags: Flags, data: &[u8]) -> Vec<Sent> {
        let frame = self.frame(flags, data);
        let length =
            data.len() + usize::from(flags.contains(Flags::SYN)) + usize::from(flags.contains(Flags::FIN));
        self.next = self.next.plus(u32::try_from(length).unwrap());
        sent(&host.exchange(&[frame]))
    }

    /// Completes the handshake of a connection to a listener, which the host accepts.
    fn connect(&mut self, host: &mut TestHost, listener: SocketId) -> AcceptedTcp {
        let [syn_ack] = &self.send(host, Flags::SYN, b"")[..] else { panic!("not one SYN,ACK") };
        assert_eq!(syn_ack.segment.flags, Flags::SYN | Flags::ACK);
        assert_eq!(syn_ack.segment.acknowledgment, self.next);
        self.expected = syn_ack.segment.sequence.plus(1);
        self.send(host, Flags::ACK, b"");
        assert!(host.ready().contains(&listener), "the listener is not ready");
        host.host.accept_tcp(listener).expect("no connection")
    }
}

fn segment(fields: &SegmentFields, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; fields.header_length()];
    bytes.extend(data);
    fields.write_to(&mut bytes).unwrap();
    bytes
}

/// Returns the segments in frames. All frames must have segments.
fn sent(frames: &[Vec<u8>]) -> Vec<Sent> {
    let parse = |frame: &Vec<u8>| {
        let datagram = Datagram::parse(&frame[14..]).unwrap();
        assert_eq!(datagram.protocol(), IpProtocol::TCP);
        let addresses = (datagram.source(), datagram.destination());
        let segment = Segment::parse(datagram.payload(), addresses, Checksum::None).unwrap();
        let data = datagram.payload()[segment.header_length..].to_vec();
        Sent { segment, data, fields: Ipv4Fields::from(&datagram) }
    };
    frames.iter().map(parse).collect()
}

fn at_port(port: u16) -> TcpListen {
    TcpListen { port: Some(port), ..TcpListen::default() }
}

fn to_peer(port: u16) -> TcpConnect {
    TcpConnect::new((PEER, port).into())
}

impl TestHost {
    /// Returns a host with an established connection to its listener on port 80.
    fn connected() -> (TestHost, Peer, SocketId) {
        let mut host = TestHost::with_known_peer();
        let listener = host.host.listen_tcp(&at_port(80)).unwrap();
        let mut peer = Peer::new(PEER_PORT, 80);
        let accepted = peer.connect(&mut host, listener);
        host.ready();
        (host, peer, accepted.socket)
    }

    /// Opens a connection to the peer. Returns its socket, and the peer after the SYN.
    fn open(&mut self, connect: &TcpConnect) -> (SocketId, Peer) {
        let id = self.host.connect_tcp(self.now, connect).unwrap();
        let [syn] = &sent(&self.exchange(&[]))[..] else { panic!("not one SYN") };
        assert_eq!(syn.segment.flags, Flags::SYN);
        let mut peer = Peer::new(connect.destination.port(), syn.segment.source.port());
        peer.expected = syn.segment.sequence.plus(1);
        (id, peer)
    }

    fn write(&mut self, id: SocketId, data: &[u8]) -> usize {
        self.host.write_tcp(self.now, id, data, &mut self.pool).unwrap()
    }

    fn read(&mut self, id: SocketId) -> Vec<u8> {
        let mut data = vec![0; 100_000];
        match self.host.read_tcp(self.now, id, &mut data, &mut self.pool).unwrap() {
            TcpRead::Data(length) => data[..length].to_vec(),
            TcpRead::End | TcpRead::WouldBlock => Vec::new(),
        }
    }

    fn state(&self, id: SocketId) -> TcpState {
        self.host.tcp_status(id).unwrap().state
    }
}
