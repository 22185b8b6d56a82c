//! Turns between hosts on two ports, with and without a VLAN, and devices that block, refuse frames and keep frames in
//! flight. Checks that no frame and no token is lost, and that packets to send stop neither receiving nor ARP.
#![no_main]

mod datagram;
mod frame;
mod packet;
mod wild_device;

use std::net::Ipv4Addr;
use std::time::Duration;

use arp::{NeighborSettings, Operation, Packet, PacketFields, StartMode};
use host::{EchoBind, EchoRequest, FrameOutcome, Host, HostConfig, HostInterface, SocketId};
use icmp::{Echo, IcmpType};
use inet::IpProtocol;
use ipnet::Ipv4Net;
use ipv4::{Datagram, Fragment, Fragments, Ipv4Fields};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use link::{EtherType, EthernetFrame, MacAddr, VlanId};
use tap::{Batch, DeviceEvent, Exchange, Frame, Instant, LinkState, Machine, Pool, PortId, Token};

use frame::{ArpFrame, IpFrame};
use wild_device::{Mode, WildDevice};

#[derive(Arbitrary, Debug)]
struct Scenario<'a> {
    hosts: Vec<NewHost>,
    entries: u8,
    steps: Vec<Step<'a>>,
}

/// Step at one of the two ports.
#[derive(Arbitrary, Debug)]
struct Step<'a> {
    second_port: bool,
    act: Act<'a>,
}

#[derive(Arbitrary, Debug)]
enum Act<'a> {
    /// A frame of arbitrary bytes arrives at the device.
    RandomFrame(&'a [u8]),
    Arp(ArpFrame<'a>),
    Ip(IpFrame<'a>),
    /// A valid packet of a peer arrives, in fragments if it is long.
    Peer {
        peer: u8,
        host: u8,
        tagged: bool,
        packet: PeerPacket,
    },
    /// The previous frame arrives several times.
    Repeat(u8),
    Mode(Mode),
    /// One turn, after tenths of a second.
    Turn(u8),
    /// The devices accept everything, and turns follow until nothing is due.
    Settle,
    /// The state of the link changes.
    Link {
        is_up: bool,
        has_carrier: bool,
        is_short: bool,
    },
    /// The frames that the device has not accepted yet are discarded.
    Discard,
    Send {
        peer: u8,
        bytes: u16,
    },
    /// A ping from the address of a host, or from an address that the host selects.
    Ping {
        source: Option<u8>,
        peer: u8,
        remote: bool,
        bytes: u16,
    },
    Add(NewHost),
    /// The neighbor tables are flushed.
    Flush,
}

/// Valid packet of a peer for a host.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum PeerPacket {
    Request,
    Reply,
    /// A request with the host's address as sender.
    Conflict,
    /// A probe for the host's address.
    Probe,
    /// An echo request.
    Echo {
        units: u8,
        is_long: bool,
    },
    /// A datagram of a protocol without listener.
    Unsupported,
}

/// Host to add, with an address in 10.0.0.0/28.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct NewHost {
    number: u8,
    second_port: bool,
    tagged: bool,
    is_link_local: bool,
    start: u8,
}

/// Host that records the tokens of refused frames.
struct Recorder {
    host: Host,
    refused: Vec<Token>,
    /// Number of frames received at each port since the devices have accepted everything.
    received: [usize; 2],
}

struct Wire {
    socket: SocketId,
    machine: Recorder,
    ports: [Port; 2],
    pool: Pool,
    now: Instant,
    /// Number of tokens of discarded frames.
    discarded: usize,
}

struct Port {
    exchange: Exchange,
    device: WildDevice,
}

/// EtherType of the payloads that the host sends.
const PAYLOAD: EtherType = EtherType(0x88b5);

fuzz_target!(|scenario: Scenario<'_>| {
    let mut wire = Wire::new(&scenario);
    let mut frame = Vec::new();
    for Step { second_port, act } in &scenario.steps {
        let port = usize::from(*second_port);
        match act {
            Act::RandomFrame(bytes) => wire.arrive(port, &mut frame, bytes.to_vec()),
            Act::Arp(arp) => wire.arrive(port, &mut frame, arp.bytes()),
            Act::Ip(ip) => wire.arrive(port, &mut frame, ip.bytes()),
            Act::Peer { peer, host, tagged, packet } => {
                let (local, remote) = (local(*host), (neighbor(*peer), peer_mac(*peer)));
                for (ether_type, payload) in packet.payloads(local, remote) {
                    let tag: &[u8] = if *tagged { &[0x81, 0, 0, 5] } else { &[] };
                    let addresses = [local.1.bytes(), remote.1.bytes()].concat();
                    let bytes = [&addresses, tag, &ether_type.0.to_be_bytes(), &payload].concat();
                    wire.arrive(port, &mut frame, bytes);
                }
            }
            Act::Repeat(count) => {
                for _ in 0..*count {
                    wire.arrive(port, &mut Vec::new(), frame.clone());
                }
            }
            Act::Mode(mode) => wire.ports[port].device.mode = *mode,
            Act::Turn(tenths) => {
                wire.now = wire.now + Duration::from_millis(u64::from(*tenths) * 100);
                wire.turn(port);
            }
            Act::Settle => wire.settle(),
            Act::Link { is_up, has_carrier, is_short } => {
                let mtu = if *is_short { 576 } else { 1_500 };
                wire.set_link(port, LinkState { is_up: *is_up, has_carrier: *has_carrier, mtu });
            }
            Act::Discard => wire.discard(port),
            Act::Send { peer, bytes } => wire.send(neighbor(*peer), (bytes % 1_501).into()),
            Act::Ping { source, peer, remote, bytes } => {
                let to = if *remote { Ipv4Addr::new(192, 0, 2, *peer) } else { neighbor(*peer) };
                wire.ping(source.map(|number| local(number).0), to, (*bytes).into());
            }
            Act::Add(new) => wire.add(*new, scenario.entries),
            Act::Flush => wire.flush(),
        }
        wire.check();
    }
    wire.finish();
});

impl NewHost {
    fn config(self, entries: u8) -> HostConfig {
        let (ip, mac) = local(self.number);
        let address = Ipv4Net::new_assert(ip, 28);
        let config = if self.is_link_local {
            HostConfig::link_local(mac)
        } else {
            HostConfig::new(address.into(), mac)
        };
        HostConfig {
            port: PortId::new(self.second_port.into()),
            vlan: VlanId::new(5).filter(|_| self.tagged),
            start: [StartMode::Immediate, StartMode::Announce, StartMode::Probe][usize::from(self.start % 3)],
            table: NeighborSettings {
                entries: (entries % 16).into(),
                pending: 4,
                pending_per_entry: 2,
                ..NeighborSettings::default()
            },
            ..config
        }
    }
}

impl PeerPacket {
    /// Returns the payloads of the frames from a peer to a host, both with IP and MAC address.
    fn payloads(
        self,
        (ip, mac): (Ipv4Addr, MacAddr),
        (peer, peer_mac): (Ipv4Addr, MacAddr),
    ) -> Vec<(EtherType, Vec<u8>)> {
        let fields = PacketFields {
            operation: if matches!(self, Self::Reply) { Operation::REPLY } else { Operation::REQUEST },
            sender_hardware: peer_mac,
            sender_protocol: match self {
                Self::Conflict => ip,
                Self::Probe => Ipv4Addr::UNSPECIFIED,
                _ => peer,
            },
            target_hardware: mac,
            target_protocol: ip,
        };
        let (protocol, data) = match self {
            Self::Echo { units, is_long } => {
                let data = vec![0x5a; usize::from(units) * if is_long { 256 } else { 4 }];
                let mut message = vec![0; Echo::HEADER + data.len()];
                let echo = Echo { identifier: 1, sequence: units.into(), data: &data };
                echo.write_to(IcmpType::ECHO_REQUEST, &mut message).expect("message should fit");
                (IpProtocol::ICMP, message)
            }
            Self::Unsupported => (IpProtocol(99), vec![0; 40]),
            Self::Request | Self::Reply | Self::Conflict | Self::Probe => {
                let mut bytes = vec![0; PacketFields::LENGTH];
                fields.write_to(&mut bytes).expect("buffer should hold an ARP packet");
                return vec![(EtherType::ARP, bytes)];
            }
        };
        let fragments = Fragments::of(data.len(), 1_500, false).expect("data should be valid");
        let datagram = |fragment: Fragment| {
            let fields =
                fragment.apply(Ipv4Fields { identification: 7, ..Ipv4Fields::new(protocol, peer, ip) });
            let mut bytes = [&[0; Ipv4Fields::LENGTH], &data[fragment.range]].concat();
            fields.write_to(&mut bytes).expect("buffer should hold the datagram");
            (EtherType::IPV4, bytes)
        };
        fragments.map(datagram).collect()
    }
}

impl Wire {
    fn new(scenario: &Scenario<'_>) -> Wire {
        let mut hosts = scenario.hosts.iter();
        let first = NewHost { number: 0, second_port: false, tagged: false, is_link_local: false, start: 0 };
        let first = hosts.next().copied().unwrap_or(first).config(scenario.entries);
        let mut host = Host::new(Instant::ORIGIN, &first).expect("configuration should be valid");
        let socket = host.bind_echo(&EchoBind::default()).expect("an identifier should be free");
        let mut wire = Wire {
            socket,
            machine: Recorder { host, refused: Vec::new(), received: [0; 2] },
            ports: [0, 1].map(|number| Port {
                exchange: Exchange::new(PortId::new(number)),
                device: WildDevice::new(),
            }),
            pool: Pool::new(1_500, pool_size(scenario.entries)),
            now: Instant::ORIGIN,
            discarded: 0,
        };
        hosts.take(4).for_each(|new| wire.add(*new, scenario.entries));
        wire
    }

    /// Adds a host. A host that is refused changes nothing.
    fn add(&mut self, new: NewHost, entries: u8) {
        let state = |host: &Host| {
            let in_use = host.interfaces().map(|interface| interface.addresses().in_use().count());
            let routes: Vec<_> = host.routes().iter().collect();
            (host.hosts().count(), host.deadline(), host.is_ready(), in_use.sum::<usize>(), routes)
        };
        let host = &mut self.machine.host;
        let before = state(host);
        if host.add(self.now, &new.config(entries)).is_err() {
            assert_eq!(before, state(host), "a refused host changed the host");
        }
    }

    fn arrive(&mut self, port: usize, previous: &mut Vec<u8>, bytes: Vec<u8>) {
        let longest = Frame::capacity_for(1_500) - Frame::HEADROOM;
        let arrived = &mut self.ports[port].device.arrived;
        if bytes.len() <= longest && arrived.len() < 1_000 {
            previous.clone_from(&bytes);
            arrived.push_back(bytes);
        }
    }

    /// Takes a turn at a port, and checks the transmitted frames. Returns whether another turn at this port is due now.
    fn turn(&mut self, port: usize) -> bool {
        let before = self.machine.received[port];
        let Port { exchange, device } = &mut self.ports[port];
        let turn = exchange.turn(self.now, &mut self.machine, device, &mut self.pool, &mut ());
        let turn = turn.expect("device should not fail");
        assert!(turn.received <= Exchange::BATCH && turn.received == self.machine.received[port] - before);
        assert!(exchange.departing() <= Exchange::BATCH);
        assert!(turn.tx_blocked || exchange.departing() == 0);
        let is_due = turn.poll_again || turn.tx_blocked || !device.arrived.is_empty();
        for bytes in std::mem::take(&mut device.transmitted) {
            self.check_frame(port, &bytes);
        }
        let events = std::iter::from_fn(|| self.machine.host.take_event()).count();
        assert!(events <= 4_096, "{events} events in one turn");
        while let Some(reply) = self.machine.host.receive_echo(self.socket) {
            self.pool.give(reply.frame);
        }
        while self.machine.host.take_socket_error(self.socket).is_some() {}
        is_due
    }

    /// Takes turns with devices that accept everything, until nothing is due. Then only pending packets hold frames.
    fn settle(&mut self) {
        let mut turns = 0;
        let mut is_due = true;
        while is_due {
            turns += 1;
            assert!(turns < 20_000, "the turns do not end");
            is_due = false;
            for port in 0..2 {
                self.ports[port].device.mode = Mode::OPEN;
                is_due |= self.turn(port);
            }
            is_due |= self.machine.deadline().is_some_and(|deadline| deadline <= self.now);
        }
        self.machine.received = [0; 2];
        let pending: usize = self.machine.host.arps().map(|arp| arp.neighbors().pending_packets()).sum();
        assert_eq!(self.pool.held(), pending, "a frame was lost");
        self.check_tokens();
    }

    /// Checks that the host received the token of each refused frame, once.
    fn check_tokens(&self) {
        let mut refused = self.ports.each_ref().map(|port| port.device.refused.as_slice()).concat();
        let mut reported = self.machine.refused.clone();
        refused.sort_unstable();
        reported.sort_unstable();
        assert_eq!(refused, reported, "the tokens of refused frames differ from the reported tokens");
        let counted = self
            .machine
            .host
            .arps()
            .map(|arp| arp.claim_packets_refused() + arp.neighbors().counts().requests_refused);
        let expected = u64::try_from(reported.len() + self.discarded).expect("count should fit");
        assert_eq!(counted.sum::<u64>(), expected, "a refused ARP packet was not counted");
    }

    fn check(&self) {
        assert_eq!(self.pool.exhausted(), 0, "a pool of the recommended size ran out");
        // The control queue has capacity for the replies to a batch, whatever else waits.
        for Port { exchange, .. } in &self.ports {
            let port = exchange.port();
            let received = self.machine.received[usize::from(port.number())];
            assert!(received > Exchange::BATCH || self.machine.accepts_frames(port));
        }
    }

    fn check_frame(&self, port: usize, bytes: &[u8]) {
        let frame = EthernetFrame::parse(bytes).expect("sent frame should be valid");
        assert!((60..=1_500 + 18).contains(&bytes.len()));
        let hosts = self.machine.host.hosts().filter(|host| usize::from(host.port.number()) == port);
        let mut senders = hosts.filter(|host| host.mac == frame.source());
        let tag = frame.tags().iter().next().map(|tag| tag.control & 0xfff);
        assert!(senders.any(|host| host.vlan.map(VlanId::number) == tag), "frame of no host");
        assert!(frame.destination().is_station() || frame.destination() == MacAddr::BROADCAST);
        match frame.ether_type() {
            EtherType::ARP => {
                let packet = Packet::parse(frame.payload()).expect("sent packet should be valid");
                assert_eq!(packet.sender_hardware(), frame.source());
            }
            EtherType::IPV4 => {
                let datagram = Datagram::parse(frame.payload()).expect("sent datagram should be valid");
                assert!(datagram.bytes().len() <= 1_500 && datagram.time_to_live() > 0);
            }
            ether_type => assert_eq!(ether_type, PAYLOAD),
        }
    }

    fn set_link(&mut self, port: usize, state: LinkState) {
        let Port { exchange, device } = &mut self.ports[port];
        device.mtu = state.mtu;
        exchange.device_event(self.now, &mut self.machine, DeviceEvent::Link(state), &mut self.pool);
    }

    fn discard(&mut self, port: usize) {
        let before = self.machine.refused.len();
        self.ports[port].exchange.discard(self.now, &mut self.machine, &mut self.pool);
        self.discarded += self.machine.refused.split_off(before).len();
    }

    fn flush(&mut self) {
        let ids: Vec<_> = self.machine.host.interfaces().map(HostInterface::id).collect();
        for id in ids {
            let interface = self.machine.host.interface_mut(id).expect("interface should exist");
            interface.arp_mut().neighbors_mut().flush();
        }
    }

    fn send(&mut self, to: Ipv4Addr, bytes: usize) {
        let Some(mut frame) = self.pool.take() else { return };
        frame.append(bytes).expect("frame should have capacity for the payload");
        self.machine.host.send(self.now, to.into(), PAYLOAD, frame, &mut self.pool);
    }

    fn ping(&mut self, source: Option<Ipv4Addr>, destination: Ipv4Addr, bytes: usize) {
        let request =
            EchoRequest { source: source.map(Into::into), ..EchoRequest::new(destination.into(), 1) };
        let data = vec![0x5a; bytes.min(Datagram::MAX_LENGTH)];
        // The host may refuse the request.
        _ = self.machine.host.send_echo(self.now, self.socket, &request, &data, &mut self.pool);
    }

    /// Advances the time until no packet waits.
    fn finish(&mut self) {
        for port in 0..2 {
            self.set_link(port, LinkState { is_up: true, has_carrier: true, mtu: 1_500 });
        }
        self.settle();
        for _ in 0..1_000 {
            if self.pool.held() == 0 {
                return;
            }
            let deadline = self.machine.deadline().expect("pending packet should have a deadline");
            self.now = self.now.max(deadline);
            self.settle();
        }
        panic!("a packet waits forever");
    }
}

impl Machine for Recorder {
    type Outcome = FrameOutcome;

    fn accepts_frames(&self, port: PortId) -> bool {
        self.host.accepts_frames(port)
    }

    fn receive(&mut self, now: Instant, port: PortId, frame: Frame, pool: &mut Pool) -> FrameOutcome {
        self.received[usize::from(port.number())] += 1;
        self.host.receive(now, port, frame, pool)
    }

    fn transmit(&mut self, now: Instant, port: PortId, departing: &mut Batch, pool: &mut Pool) {
        self.host.transmit(now, port, departing, pool);
    }

    fn refused(&mut self, now: Instant, port: PortId, token: Token) {
        self.refused.push(token);
        self.host.refused(now, port, token);
    }

    fn device_event(
        &mut self,
        now: Instant,
        port: PortId,
        event: DeviceEvent,
        departing: &mut Batch,
        pool: &mut Pool,
    ) {
        self.host.device_event(now, port, event, departing, pool);
    }

    fn deadline(&self) -> Option<Instant> {
        self.host.deadline()
    }
}

/// Returns the number of frames for hosts on both ports, with and without a VLAN.
fn pool_size(entries: u8) -> usize {
    let new = |second_port, tagged| {
        NewHost { number: 0, second_port, tagged, is_link_local: false, start: 0 }.config(entries)
    };
    let mut host = Host::new(Instant::ORIGIN, &new(false, false)).expect("configuration should be valid");
    for (second_port, tagged) in [(false, true), (true, false), (true, true)] {
        host.add(Instant::ORIGIN, &new(second_port, tagged)).expect("host should be added");
    }
    host.pool_size()
}

/// Returns the addresses of a host in 10.0.0.2 to .5.
fn local(number: u8) -> (Ipv4Addr, MacAddr) {
    let number = 2 + number % 4;
    (Ipv4Addr::new(10, 0, 0, number), MacAddr::new([2, 0, 0, 0, 0, number]))
}

fn peer_mac(number: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 1, number % 9])
}

/// Returns a peer in 10.0.0.6 to .14, which is not local.
fn neighbor(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, 6 + number % 9)
}
