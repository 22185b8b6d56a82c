//! Datagrams to hosts with sockets of every kind of binding. A model of the sockets says which of them receive a datagram.
#![no_main]

mod socket_model;
mod udp_datagram;
mod udp_expectation;

use std::net::SocketAddr;

use host::{
    DatagramOutcome, FrameOutcome, Host, HostConfig, HostSet, SocketError, SocketId, SocketLimits, UdpBind,
};
use icmp::IcmpError;
use ipnet::Ipv4Net;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use tap::{Batch, Checksum, Instant, Machine, Offload, Pool, PortId};

use socket_model::{ModelSocket, SocketModel};
use udp_datagram::{FIRST, FIRST_MAC, OTHER, OTHER_MAC, PEERS, Port, UdpInput, local};
use udp_expectation::{Content, Recipients};

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    Bind {
        number: u8,
        prefix: u8,
        port: Port,
        broadcast: bool,
        peer: Option<(u8, Port)>,
    },
    Close(u8),
    Datagram(UdpInput),
    /// A frame with this payload arrives at the first host.
    Payload(&'a [u8]),
}

/// MTU of the hosts, longer than any input.
const MTU: usize = 9_000;
/// Maximum number of steps.
const STEPS: usize = 200;

fuzz_target!(|steps: Vec<Step<'_>>| {
    let mut sockets = FuzzSockets::new();
    for (step, identification) in steps.iter().take(STEPS).zip(1..) {
        match step {
            Step::Bind { number, prefix, port, broadcast, peer } => {
                let addresses = Ipv4Net::new_assert(local(*number), prefix % 33);
                sockets.bind(addresses, port.number(), *broadcast, *peer);
            }
            Step::Close(number) => sockets.close(*number),
            Step::Datagram(input) => sockets.receive(input, identification),
            Step::Payload(payload) => {
                let frame = [&FIRST_MAC.bytes()[..], &[2, 0, 0, 0, 0, 1, 8, 0], payload].concat();
                sockets.handle(&frame, Checksum::None);
                sockets.received();
            }
        }
        sockets.check();
    }
});

/// Hosts with sockets, and the model of the sockets.
struct FuzzSockets {
    host: Host,
    pool: Pool,
    model: SocketModel,
    departing: Batch,
}

impl FuzzSockets {
    fn new() -> FuzzSockets {
        let first = Ipv4Net::new_assert(FIRST, 29);
        let range = HostConfig {
            addresses: HostSet::Range(first.into()),
            mtu: MTU,
            ..HostConfig::new(first.into(), FIRST_MAC)
        };
        let limits = SocketLimits { sockets: 80, memory: 16 << 20 };
        let host = Host::new(Instant::ORIGIN, &range).expect("configuration should be valid");
        let mut host = host.with_socket_limits(limits);
        let other = HostConfig::new(Ipv4Net::new_assert(OTHER, 24).into(), OTHER_MAC);
        host.add(Instant::ORIGIN, &other).expect("configuration should be valid");
        for (ip, mac) in PEERS {
            host.add_static(Instant::ORIGIN, ip, mac).expect("neighbor should be added");
        }
        let pool = Pool::new(MTU, host.pool_size());
        FuzzSockets { host, pool, model: SocketModel::default(), departing: Batch::new(64) }
    }

    /// Creates a socket. The model decides whether its binding is free.
    fn bind(&mut self, addresses: Ipv4Net, port: u16, broadcast: bool, peer: Option<(u8, Port)>) {
        let bind = UdpBind { addresses: addresses.into(), port: Some(port), broadcast, ..UdpBind::default() };
        let bound = self.host.bind_udp(&bind);
        let expected = if self.model.sockets.len() >= 80 {
            Err(SocketError::TooManySockets)
        } else if broadcast && self.model.broadcast_sockets() >= 64 {
            Err(SocketError::TooManyBroadcastSockets)
        } else if self.model.has(addresses, port, None) {
            Err(SocketError::AddressInUse)
        } else {
            Ok(())
        };
        assert_eq!(bound.map(drop), expected);
        let Ok(id) = bound else { return };
        let mut socket = ModelSocket { id, addresses: addresses.trunc(), port, peer: None, broadcast };
        if let Some((number, port)) = peer {
            self.connect(&mut socket, number, port);
        }
        self.model.sockets.push(socket);
    }

    fn connect(&mut self, socket: &mut ModelSocket, number: u8, port: Port) {
        let peer = std::net::SocketAddrV4::new(PEERS[usize::from(number) % PEERS.len()].0, port.number());
        match self.host.connect_udp(socket.id, peer.into()) {
            Ok(SocketAddr::V4(from)) => {
                assert!(
                    socket.addresses.contains(from.ip()) && (0..9).any(|number| local(number) == *from.ip())
                );
                assert_eq!(from.port(), socket.port);
                assert!(!self.model.has((*from.ip()).into(), socket.port, Some(peer)));
                (socket.addresses, socket.peer) = ((*from.ip()).into(), Some(peer));
            }
            Err(SocketError::AddressInUse) => {
                assert!(self.model.sockets.iter().any(|other| other.peer == Some(peer)));
            }
            other => panic!("socket not connected: {other:?}"),
        }
    }

    fn close(&mut self, number: u8) {
        if self.model.sockets.is_empty() {
            return;
        }
        let place = usize::from(number) % self.model.sockets.len();
        let socket = self.model.sockets.remove(place);
        self.host.close(Instant::ORIGIN, socket.id, &mut self.pool);
    }

    /// Receives a datagram, and checks which sockets receive its data.
    fn receive(&mut self, input: &UdpInput, identification: u16) {
        let frames = input.frames(identification);
        let state = input.device_state();
        let outcomes: Vec<_> = frames.iter().map(|frame| self.handle(frame, state)).collect();
        let (recipients, content) = input.expected();
        let mut expected = match recipients {
            Recipients::None => Vec::new(),
            Recipients::One => Vec::from_iter(self.model.receiver(content.source, content.destination)),
            Recipients::Broadcast => {
                self.model.broadcast_receivers(content.source, content.destination.port())
            }
        };
        expected.sort();
        let received = self.received();
        let receivers: Vec<_> = received.iter().map(|(id, _)| *id).collect();
        assert_eq!(receivers, expected);
        assert!(received.iter().all(|(_, other)| *other == content), "{received:?}, expected {content:?}");
        // A port without a socket is reported.
        let is_rejected = recipients == Recipients::One && expected.is_empty();
        let rejected = FrameOutcome::Ipv4(DatagramOutcome::Rejected(IcmpError::PORT_UNREACHABLE));
        assert_eq!(outcomes.last() == Some(&rejected), is_rejected, "{outcomes:?}");
    }

    /// Gives a frame to the host.
    fn handle(&mut self, bytes: &[u8], checksum: Checksum) -> FrameOutcome {
        let mut frame = self.pool.take().expect("pool should have a free frame");
        if frame.write(bytes).is_err() {
            self.pool.give(frame);
            frame = self.pool.take_large().expect("pool should have a free frame");
            frame.write(bytes).expect("frame should have capacity");
        }
        frame.set_offload(Offload { checksum, ..Offload::default() });
        self.host.receive(Instant::ORIGIN, PortId::default(), frame, &mut self.pool)
    }

    /// Removes and returns the datagrams of all sockets, in the order of the sockets' identifiers.
    fn received(&mut self) -> Vec<(SocketId, Content)> {
        let mut ready = Vec::new();
        while let Some(id) = self.host.poll_ready() {
            assert!(!ready.contains(&id), "socket twice in the readiness list");
            ready.push(id);
        }
        let mut received = Vec::new();
        for socket in &self.model.sockets {
            while let Some(datagram) = self.host.receive_udp(socket.id) {
                let (SocketAddr::V4(source), SocketAddr::V4(destination)) =
                    (datagram.source, datagram.destination)
                else {
                    panic!("address of another IP version");
                };
                let content = Content {
                    source,
                    destination,
                    time_to_live: datagram.time_to_live,
                    type_of_service: datagram.type_of_service,
                    data: datagram.frame.bytes().to_vec(),
                };
                received.push((socket.id, content));
                self.pool.give(datagram.frame);
            }
        }
        received.sort_by_key(|(id, _)| *id);
        let receivers = received.iter().map(|(id, _)| *id);
        assert!(receivers.clone().all(|id| ready.contains(&id)), "socket missing in the readiness list");
        received
    }

    /// Checks that no frame is lost.
    fn check(&mut self) {
        loop {
            self.host.transmit(Instant::ORIGIN, PortId::default(), &mut self.departing, &mut self.pool);
            if self.departing.is_empty() {
                break;
            }
            while let Some(frame) = self.departing.pop() {
                self.pool.give(frame);
            }
        }
        let pending = self.host.arp().neighbors().pending_packets();
        assert_eq!(self.pool.held(), pending, "frames taken from the pool and frames in use differ");
        assert_eq!(self.host.sockets().count(), self.model.sockets.len());
    }
}
