//! A host with services, and a host that sends requests, on a cable.

use super::*;
use host::{HostConfig, SocketId, UdpBind, UdpMessage};
use link::MacAddr;
use std::net::{Ipv4Addr, SocketAddr};
use tap::linux::Cable;
use tap::{Batch, Device, Exchange, Machine, PortId};

/// Address of the host with services.
pub(super) const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// 2026-11-29 09:08:07 UTC.
const ORIGIN: Duration = Duration::from_secs(1_795_943_287);

/// A machine with its device and its pool.
pub(super) struct Node<M> {
    pub(super) machine: M,
    exchange: Exchange,
    device: Cable,
    pub(super) pool: Pool,
}

/// The two hosts.
pub(super) struct Network {
    pub(super) server: Node<ServingHost>,
    pub(super) client: Node<Host>,
    pub(super) now: Instant,
}

impl<M: Machine> Node<M> {
    fn new(machine: M, device: Cable, frames: usize) -> Node<M> {
        let pool = Pool::new(device.capabilities().mtu, frames);
        Node { machine, exchange: Exchange::new(PortId::default()), device, pool }
    }

    /// Takes a turn, and returns whether anything happened.
    pub(super) fn turn(&mut self, now: Instant) -> bool {
        let turn =
            self.exchange.turn(now, &mut self.machine, &mut self.device, &mut self.pool, &mut ()).unwrap();
        turn.received > 0
            || turn.tx_blocked
            || turn.poll_again
            || self.machine.deadline().is_some_and(|due| due <= now)
    }
}

impl Network {
    /// Returns the network of a host 10.0.0.2/24 without services.
    pub(super) fn new() -> Network {
        let config = HostConfig::new("10.0.0.2/24".parse().unwrap(), MacAddr::new([2, 0, 0, 0, 0, 2]));
        Network::of(&config, "10.0.0.1/24")
    }

    /// Returns the network of hosts without services, and of a client with this address.
    pub(super) fn of(config: &HostConfig, client: &str) -> Network {
        let (near, far) = Cable::pair(1_500).unwrap();
        let host = Host::new(Instant::ORIGIN, config).unwrap();
        let frames = host.pool_size();
        let machine = ServingHost { host, user: Services::new(7, ORIGIN) };
        let config = HostConfig::new(client.parse().unwrap(), MacAddr::new([2, 0, 0, 0, 0, 1]));
        let client = Host::new(Instant::ORIGIN, &config).unwrap();
        Network {
            server: Node::new(machine, far, frames),
            client: Node::new(client, near, frames),
            now: Instant::ORIGIN,
        }
    }

    /// Adds a service on all addresses.
    pub(super) fn serve(&mut self, kind: ServiceKind, port: u16) {
        let ServingHost { host, user: services } = &mut self.server.machine;
        services.add_udp(host, kind, IpNet::default(), port).unwrap();
    }

    /// Opens a socket of the client.
    pub(super) fn open(&mut self, port: Option<u16>) -> SocketId {
        self.client.machine.bind_udp(&UdpBind { port, broadcast: true, ..UdpBind::default() }).unwrap()
    }

    /// Sends a request of the client.
    pub(super) fn send(&mut self, id: SocketId, to: (Ipv4Addr, u16), data: &[u8]) {
        let message = UdpMessage { destination: Some(to.into()), ..UdpMessage::default() };
        let Node { machine, pool, .. } = &mut self.client;
        machine.send_udp(self.now, id, &message, data, pool).unwrap();
    }

    /// Takes turns of both hosts until nothing happens.
    pub(super) fn settle(&mut self) {
        while self.client.turn(self.now) | self.server.turn(self.now) {}
    }

    /// Passes the received frames to the host with services. The host transmits nothing.
    pub(super) fn deliver(&mut self) {
        let Node { machine, device, pool, .. } = &mut self.server;
        let mut arrived = Batch::new(Exchange::BATCH);
        device.receive(pool, &mut arrived).unwrap();
        while let Some(frame) = arrived.pop() {
            machine.receive(self.now, PortId::default(), frame, pool);
        }
    }

    /// Returns the replies to a socket of the client: sources and data.
    pub(super) fn replies(&mut self, id: SocketId) -> Vec<(SocketAddr, Vec<u8>)> {
        let Node { machine, pool, .. } = &mut self.client;
        std::iter::from_fn(|| machine.receive_udp(id))
            .map(|received| {
                let data = received.frame.bytes().to_vec();
                pool.give(received.frame);
                (received.source, data)
            })
            .collect()
    }

    /// Sends a request from a new socket, and returns the replies.
    pub(super) fn ask(&mut self, to: (Ipv4Addr, u16), data: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
        let id = self.open(None);
        self.send(id, to, data);
        self.settle();
        let replies = self.replies(id);
        let Node { machine, pool, .. } = &mut self.client;
        machine.close(self.now, id, pool);
        replies
    }

    /// Returns a counter of the services.
    pub(super) fn count(&self, name: &str) -> u64 {
        let counters = self.server.machine.user.counters();
        let found = counters.iter().find(|counter| counter.name == name);
        found.unwrap_or_else(|| panic!("no counter {name}")).count
    }

    /// Checks that each host has returned all frames to its pool.
    pub(super) fn check_pools(&self) {
        assert_eq!(self.server.pool.held(), 0, "the host with services keeps frames");
        assert_eq!(self.client.pool.held(), 0, "the client keeps frames");
    }
}
