//! UDP sockets: bindings, input, output, buffers and errors.

use super::test_host::*;
use super::*;
use crate::{
    DatagramOutcome, DatagramSocketKind, Fragmentation, ReceivedUdp, SocketDropReason, SocketError, SocketId,
    SocketLimits, UdpBind, UdpMessage,
};
use icmp::IcmpError;
use inet::IpProtocol;
use ipv4::{Datagram, Ipv4Fields};
use std::net::{IpAddr, SocketAddr, SocketAddrV4};
use tap::Checksum;
use udp::{UdpDatagram, UdpFields};

mod bind;
mod buffers;
mod errors;
mod input;
mod output;
mod path_mtu;

const DELIVERED: FrameOutcome = FrameOutcome::Ipv4(DatagramOutcome::Delivered);
const PEER_PORT: u16 = 12_345;

/// Returns the frame of a UDP datagram from the peer.
fn from_peer(to: SocketAddrV4, data: &[u8]) -> Vec<u8> {
    from(SocketAddrV4::new(PEER, PEER_PORT), to, data)
}

/// Returns the frame of a UDP datagram.
fn from(source: SocketAddrV4, destination: SocketAddrV4, data: &[u8]) -> Vec<u8> {
    frame(&datagram(ip_fields(source, destination), &udp_bytes(source, destination, data)))
}

fn ip_fields(source: SocketAddrV4, destination: SocketAddrV4) -> Ipv4Fields {
    let fields = Ipv4Fields::new(IpProtocol::UDP, *source.ip(), *destination.ip());
    Ipv4Fields { time_to_live: 42, type_of_service: 0xb8, ..fields }
}

fn udp_bytes(source: SocketAddrV4, destination: SocketAddrV4, data: &[u8]) -> Vec<u8> {
    let mut bytes = [&[0; 8], data].concat();
    UdpFields { source, destination }.write_to(&mut bytes).unwrap();
    bytes
}

fn at_port(port: u16) -> UdpBind {
    UdpBind { port: Some(port), ..UdpBind::default() }
}

fn to_peer(port: u16) -> UdpMessage {
    UdpMessage { destination: Some((PEER, port).into()), ..UdpMessage::default() }
}

impl TestHost {
    /// Returns the data of all datagrams that a socket has received.
    fn data(&mut self, id: SocketId) -> Vec<Vec<u8>> {
        let received = std::iter::from_fn(|| self.host.receive_udp(id));
        let frames: Vec<ReceivedUdp> = received.collect();
        frames
            .into_iter()
            .map(|received| {
                let data = received.frame.bytes().to_vec();
                self.pool.give(received.frame);
                data
            })
            .collect()
    }

    /// Fills the data queue with a batch of datagrams, so that further datagrams wait in their send buffers.
    fn congest(&mut self) {
        let id = self.host.bind_udp(&at_port(60_000)).unwrap();
        for _ in 0..Exchange::BATCH {
            self.send_udp(id, &to_peer(7), b"first").unwrap();
        }
        assert_eq!(self.host.socket(id).unwrap().sending_bytes, 0);
    }

    fn send_udp(&mut self, id: SocketId, message: &UdpMessage, data: &[u8]) -> Result<(), SocketError> {
        self.host.send_udp(self.now, id, message, data, &mut self.pool)
    }

    fn close(&mut self, id: SocketId) {
        self.host.close(self.now, id, &mut self.pool);
    }
}

/// Returns addresses, ports, header fields and data of the only frame, which must be addressed to the peer.
fn sent_udp(frames: &[Vec<u8>]) -> (SocketAddrV4, SocketAddrV4, Ipv4Fields, Vec<u8>) {
    let [bytes] = frames else { panic!("expected one frame, the host sent {}", frames.len()) };
    assert!(bytes.starts_with(&framed(PEER_MAC, HOST_MAC, &[])), "unexpected link header");
    let datagram = Datagram::parse(&bytes[14..]).unwrap();
    let addresses = (datagram.source(), datagram.destination());
    let parsed = UdpDatagram::parse(datagram.payload(), addresses, Checksum::None).unwrap();
    let source = SocketAddrV4::new(addresses.0, parsed.source_port());
    let destination = SocketAddrV4::new(addresses.1, parsed.destination_port());
    (source, destination, Ipv4Fields::from(&datagram), parsed.data().to_vec())
}

const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

/// Returns the frame of an ICMP error of a router about a datagram.
fn error_about(problem: IcmpError, about: &[u8]) -> Vec<u8> {
    let mut message = vec![0; IcmpError::MAX_LENGTH];
    let length = problem.write_to(about, &mut message).unwrap();
    let fields = Ipv4Fields::new(IpProtocol::ICMP, ROUTER, HOST);
    frame(&datagram(fields, &message[..length]))
}

/// Returns a datagram of the host, as a router quotes it.
fn quoted(source: u16, destination: SocketAddrV4) -> Vec<u8> {
    let source = SocketAddrV4::new(HOST, source);
    datagram(ip_fields(source, destination), &udp_bytes(source, destination, b"data"))
}
