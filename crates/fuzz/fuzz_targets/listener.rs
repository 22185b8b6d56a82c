//! Calls of listeners and connections on two hosts in any order, with a wire that loses, duplicates and reorders segments.
//! Checks that the identifier of a closed connection does nothing, and that nothing is left at the end.
#![no_main]

mod tcp_node;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use inet::Binding;
use ipnet::Ipv4Net;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use tcp::{
    Connect, ConnectionId, KeepAlive, ListenerId, Setting, TcpError, TcpLimits, TcpReady, TcpSettings,
};

use tcp_node::{INTERFACE, Node, Packet};

#[derive(Arbitrary, Debug)]
struct Input {
    /// Limits: connections, listeners, half-open connections, TIME-WAIT, orphans.
    limits: [u8; 5],
    /// Memory in units of 16 KiB.
    memory: u8,
    steps: Vec<(bool, Step)>,
}

/// A step on one of both hosts.
#[derive(Arbitrary, Debug)]
enum Step {
    Listen {
        prefix: u8,
        address: u8,
        port: u8,
        backlog: u8,
    },
    CloseListener(u8),
    Connect {
        address: u8,
        port: Option<u8>,
        peer_port: u8,
        is_nagle: bool,
    },
    Accept(u8),
    Write {
        connection: u8,
        length: u16,
    },
    Read {
        connection: u8,
        length: u16,
    },
    Consume {
        connection: u8,
        length: u16,
    },
    Shutdown(u8),
    Close(u8),
    Abort(u8),
    KeepAlive {
        connection: u8,
        is_on: bool,
    },
    Ready(u8),
    /// Segments that are sent to the wire.
    Transmit(u8),
    /// A segment on the wire arrives: its number, and whether it stays on the wire.
    Deliver {
        number: u8,
        is_copied: bool,
    },
    Lose(u8),
    Wait(u16),
}

/// A host, and what its user knows.
struct User {
    node: Node,
    addresses: [Ipv4Addr; 2],
    listeners: Vec<(ListenerId, Binding)>,
    connections: Vec<ConnectionId>,
    /// All identifiers so far.
    known: BTreeSet<ConnectionId>,
    closed: Vec<ConnectionId>,
    /// Segments to this host.
    wire: Vec<Packet>,
}

/// Largest number of segments on the wire.
const WIRE: usize = 64;

fuzz_target!(|input: Input| {
    let [connections, listeners, half_open, time_wait, orphans] =
        input.limits.map(|limit| usize::from(limit % 8));
    let limits = TcpLimits {
        connections,
        listeners,
        half_open,
        half_open_per_listener: half_open / 2 + 1,
        time_wait,
        orphans,
        memory: usize::from(input.memory) << 14,
        ..TcpLimits::default()
    };
    let mut users = [User::new(limits, 1), User::new(limits, 2)];
    for (is_second, step) in input.steps {
        let [first, second] = &mut users;
        if is_second {
            second.step(&step, first);
        } else {
            first.step(&step, second);
        }
    }
    let [first, second] = &mut users;
    first.end();
    second.end();
});

impl User {
    fn new(limits: TcpLimits, number: u8) -> User {
        User {
            node: Node::new(limits, number),
            addresses: [[10, 0, number, 1].into(), [10, 0, number, 2].into()],
            listeners: Vec::new(),
            connections: Vec::new(),
            known: BTreeSet::new(),
            closed: Vec::new(),
            wire: Vec::new(),
        }
    }

    fn step(&mut self, step: &Step, other: &mut User) {
        let now = self.node.now;
        match *step {
            Step::Listen { prefix, address, port, backlog } => self.listen(prefix, address, port, backlog),
            Step::CloseListener(number) => {
                let Some(place) = place(&self.listeners, number) else { return };
                let (id, _) = self.listeners.swap_remove(place);
                self.node.tcp.close_listener(now, id, &mut self.node.pool);
                assert_eq!((self.node.tcp.accept(id), self.node.tcp.binding(id)), (None, None));
            }
            Step::Connect { address, port, peer_port, is_nagle } => {
                let connect = Connect {
                    local: self.addresses[usize::from(address % 2)],
                    port: port.map(|port| u16::from(port % 4) + 1),
                    peer: SocketAddrV4::new(
                        other.addresses[usize::from(address / 2 % 2)],
                        u16::from(peer_port % 4),
                    ),
                    interface: INTERFACE,
                    interface_mtu: 1500,
                    mtu: 1500,
                    settings: TcpSettings { nagle: is_nagle, ..TcpSettings::default() },
                };
                match self.node.tcp.connect(now, &connect) {
                    Ok(id) => self.add(id),
                    Err(error) => self.check_refused(&connect, error),
                }
            }
            Step::Accept(number) => {
                let Some(place) = place(&self.listeners, number) else { return };
                if let Some(id) = self.node.tcp.accept(self.listeners[place].0) {
                    self.add(id);
                }
            }
            Step::Ready(count) => {
                let mut ready = BTreeSet::new();
                for _ in 0..count {
                    match self.node.tcp.poll_ready() {
                        Some(TcpReady::Connection(id)) => {
                            assert!(self.connections.contains(&id), "an unknown connection is ready");
                            assert!(ready.insert(id), "a connection is ready twice");
                        }
                        Some(TcpReady::Listener(id)) => {
                            assert!(self.listeners.iter().any(|(known, _)| *known == id));
                        }
                        None => break,
                    }
                }
            }
            Step::Transmit(count) => {
                for _ in 0..count {
                    if other.wire.len() >= WIRE {
                        break;
                    }
                    let Some(packet) = self.node.transmit() else { break };
                    other.wire.push(packet);
                }
            }
            Step::Deliver { number, is_copied } => {
                let Some(place) = place(&self.wire, number) else { return };
                let packet = if is_copied { self.wire[place].clone() } else { self.wire.remove(place) };
                if let Some(fields) = self.node.receive(&packet)
                    && other.wire.len() < WIRE
                {
                    other.wire.push(Packet { fields, data: Vec::new() });
                }
            }
            Step::Lose(number) => {
                if let Some(place) = place(&self.wire, number) {
                    self.wire.remove(place);
                }
            }
            Step::Wait(milliseconds) => self.node.wait(Duration::from_millis(milliseconds.into())),
            Step::Write { connection, .. }
            | Step::Read { connection, .. }
            | Step::Consume { connection, .. }
            | Step::KeepAlive { connection, .. }
            | Step::Shutdown(connection)
            | Step::Close(connection)
            | Step::Abort(connection) => {
                if let Some(place) = place(&self.connections, connection) {
                    self.call(step, place);
                }
                self.check_closed();
            }
        }
        self.node.check();
    }

    /// Calls a function of a connection.
    fn call(&mut self, step: &Step, place: usize) {
        let id = self.connections[place];
        let Node { tcp, pool, now } = &mut self.node;
        match *step {
            Step::Write { length, .. } => {
                let data = vec![1; usize::from(length)];
                if let Ok(written) = tcp.write(*now, id, &data, pool) {
                    assert!(written <= data.len());
                }
            }
            Step::Read { length, .. } => {
                let readable = tcp.status(id).expect("the connection should have a status").readable;
                let mut buffer = vec![0; usize::from(length)];
                let read = tcp.read(*now, id, &mut buffer, pool);
                assert_eq!(read, Ok(readable.min(buffer.len())));
            }
            Step::Consume { length, .. } => tcp.consume(*now, id, length.into(), pool),
            Step::KeepAlive { is_on, .. } => {
                let keep_alive = is_on.then(KeepAlive::default);
                tcp.set(*now, id, Setting::KeepAlive(keep_alive)).expect("the connection should be known");
            }
            Step::Shutdown(_) => tcp.shutdown(*now, id).expect("the connection should be known"),
            Step::Close(_) => {
                tcp.close(*now, id, pool);
                self.closed.push(self.connections.swap_remove(place));
            }
            Step::Abort(_) => {
                tcp.abort(*now, id, pool);
                self.closed.push(self.connections.swap_remove(place));
            }
            _ => {}
        }
    }

    fn listen(&mut self, prefix: u8, address: u8, port: u8, backlog: u8) {
        let address = self.addresses[usize::from(address % 2)];
        let addresses = Ipv4Net::new_assert(address, prefix % 33).trunc();
        let binding = Binding { addresses, port: u16::from(port % 4) };
        let is_known = self.listeners.iter().any(|(_, known)| *known == binding);
        match self.node.tcp.listen(binding, backlog.into(), &TcpSettings::default()) {
            Ok(id) => {
                assert!(!is_known, "two listeners have the same binding");
                let bound = self.node.tcp.binding(id).expect("the listener should have a binding");
                assert!(binding.port == 0 || bound == binding);
                self.listeners.push((id, bound));
            }
            Err(TcpError::AddressInUse) => assert!(is_known, "a binding was refused"),
            Err(error) => {
                assert_eq!(error, TcpError::TooManyListeners);
                assert_eq!(self.listeners.len(), self.node.tcp.limits().listeners);
            }
        }
    }

    /// Checks that a connection was refused for a reason.
    fn check_refused(&self, connect: &Connect, error: TcpError) {
        match error {
            TcpError::InvalidPeer => assert_eq!(connect.peer.port(), 0),
            TcpError::TooManyConnections => {
                assert_eq!(self.node.tcp.totals().connections, self.node.tcp.limits().connections);
            }
            TcpError::AddressInUse => assert!(connect.port.is_some(), "a selected port is in use"),
            _ => panic!("{error}"),
        }
    }

    fn add(&mut self, id: ConnectionId) {
        assert!(self.known.insert(id), "an identifier was used twice");
        self.connections.push(id);
    }

    /// Checks that the identifiers of closed connections do nothing.
    fn check_closed(&mut self) {
        let Some(id) = self.closed.last().copied() else { return };
        let Node { tcp, pool, now } = &mut self.node;
        let totals = tcp.totals();
        assert_eq!(tcp.write(*now, id, b"x", pool), Err(TcpError::Closed));
        assert_eq!(tcp.read(*now, id, &mut [0], pool), Err(TcpError::Closed));
        assert_eq!(tcp.shutdown(*now, id), Err(TcpError::Closed));
        assert_eq!(tcp.set(*now, id, Setting::Nagle(true)), Err(TcpError::Closed));
        tcp.close(*now, id, pool);
        tcp.abort(*now, id, pool);
        tcp.consume(*now, id, 1, pool);
        assert_eq!(
            (tcp.chunk(id), tcp.status(id), tcp.info(id), tcp.addresses(id)),
            (None, None, None, None)
        );
        assert_eq!(tcp.totals(), totals, "the identifier of a closed connection changed something");
    }

    /// Closes everything, and lets all time pass.
    fn end(&mut self) {
        for (id, _) in self.listeners.drain(..) {
            self.node.tcp.close_listener(self.node.now, id, &mut self.node.pool);
        }
        for (number, id) in self.connections.drain(..).enumerate() {
            if number % 2 == 0 {
                self.node.tcp.close(self.node.now, id, &mut self.node.pool);
            } else {
                self.node.tcp.abort(self.node.now, id, &mut self.node.pool);
            }
        }
        self.node.end();
        assert_eq!(self.node.tcp.poll_ready(), None, "something closed is ready");
    }
}

/// Returns a place of a list.
fn place<T>(list: &[T], number: u8) -> Option<usize> {
    usize::from(number).checked_rem(list.len())
}
