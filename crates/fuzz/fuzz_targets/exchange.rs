//! Turns between hosts in two VLANs and a device that blocks, refuses frames and keeps frames in flight. Checks that no
//! frame and no token is lost, and that packets to send stop neither receiving nor ARP.
#![no_main]

mod datagram;
mod frame;
mod packet;
mod wild_device;

use std::net::Ipv4Addr;
use std::time::Duration;

use arp::{NeighborSettings, Operation, Packet, PacketFields, StartMode};
use host::{EchoRequest, FrameOutcome, Host, HostConfig};
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

#[derive(Arbitrary, Debug)]
enum Step<'a> {
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
    /// The device accepts everything, and turns follow until nothing is due.
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
    Ping {
        peer: u8,
        remote: bool,
        bytes: u16,
    },
    Add(NewHost),
    /// The neighbor table is flushed.
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
    tagged: bool,
    is_link_local: bool,
    start: u8,
}

/// Host that records the tokens of refused frames.
struct Recorder {
    host: Host,
    refused: Vec<Token>,
    received: usize,
}

struct Wire {
    machine: Recorder,
    exchange: Exchange,
    device: WildDevice,
    pool: Pool,
    now: Instant,
    /// Number of tokens of discarded frames.
    discarded: usize,
}

const PORT: PortId = PortId::new(0);
/// EtherType of the payloads that the host sends.
const PAYLOAD: EtherType = EtherType(0x88b5);

fuzz_target!(|scenario: Scenario<'_>| {
    let mut wire = Wire::new(&scenario);
    let mut frame = Vec::new();
    for step in &scenario.steps {
        match step {
            Step::RandomFrame(bytes) => wire.arrive(&mut frame, bytes.to_vec()),
            Step::Arp(arp) => wire.arrive(&mut frame, arp.bytes()),
            Step::Ip(ip) => wire.arrive(&mut frame, ip.bytes()),
            Step::Peer { peer, host, tagged, packet } => {
                let (local, remote) = (local(*host), (neighbor(*peer), peer_mac(*peer)));
                for (ether_type, payload) in packet.payloads(local, remote) {
                    let tag: &[u8] = if *tagged { &[0x81, 0, 0, 5] } else { &[] };
                    let addresses = [local.1.bytes(), remote.1.bytes()].concat();
                    let bytes = [&addresses, tag, &ether_type.0.to_be_bytes(), &payload].concat();
                    wire.arrive(&mut frame, bytes);
                }
            }
            Step::Repeat(count) => {
                for _ in 0..*count {
                    wire.arrive(&mut Vec::new(), frame.clone());
                }
            }
            Step::Mode(mode) => wire.device.mode = *mode,
            Step::Turn(tenths) => {
                wire.now = wire.now + Duration::from_millis(u64::from(*tenths) * 100);
                wire.turn();
            }
            Step::Settle => wire.settle(),
            Step::Link { is_up, has_carrier, is_short } => {
                let mtu = if *is_short { 576 } else { 1_500 };
                wire.set_link(LinkState { is_up: *is_up, has_carrier: *has_carrier, mtu });
            }
            Step::Discard => wire.discard(),
            Step::Send { peer, bytes } => wire.send(neighbor(*peer), (bytes % 1_501).into()),
            Step::Ping { peer, remote, bytes } => {
                let to = if *remote { Ipv4Addr::new(192, 0, 2, *peer) } else { neighbor(*peer) };
                wire.ping(to, (*bytes).into());
            }
            Step::Add(new) => wire.add(*new, scenario.entries),
            Step::Flush => wire.machine.host.arp_mut().neighbors_mut().flush(),
        }
        wire.check();
    }
    wire.finish();
});

impl NewHost {
    fn config(self, entries: u8) -> HostConfig {
        let (ip, mac) = local(self.number);
        let address = Ipv4Net::new_assert(ip, 28);
        let config =
            if self.is_link_local { HostConfig::link_local(mac) } else { HostConfig::new(address, mac) };
        HostConfig {
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
        let first = NewHost { number: 0, tagged: false, is_link_local: false, start: 0 };
        let first = hosts.next().copied().unwrap_or(first).config(scenario.entries);
        let host = Host::new(Instant::ORIGIN, &first).expect("configuration should be valid");
        let mut wire = Wire {
            machine: Recorder { host, refused: Vec::new(), received: 0 },
            exchange: Exchange::new(PORT),
            device: WildDevice::new(),
            pool: Pool::new(1_500, 0),
            now: Instant::ORIGIN,
            discarded: 0,
        };
        hosts.take(4).for_each(|new| wire.add(*new, scenario.entries));
        // Hosts that are added later may be in a VLAN of their own.
        wire.pool = Pool::new(1_500, 2 * wire.machine.host.pool_size());
        wire
    }

    /// Adds a host. A host that is refused changes nothing.
    fn add(&mut self, new: NewHost, entries: u8) {
        let host = &mut self.machine.host;
        let before =
            (host.hosts().count(), host.deadline(), host.is_ready(), host.addresses().in_use().count());
        if host.add(self.now, &new.config(entries)).is_err() {
            let after =
                (host.hosts().count(), host.deadline(), host.is_ready(), host.addresses().in_use().count());
            assert_eq!(before, after, "a refused host left something behind");
        }
    }

    fn arrive(&mut self, previous: &mut Vec<u8>, bytes: Vec<u8>) {
        let longest = Frame::capacity_for(1_500) - Frame::HEADROOM;
        if bytes.len() <= longest && self.device.arrived.len() < 1_000 {
            previous.clone_from(&bytes);
            self.device.arrived.push_back(bytes);
        }
    }

    /// Takes a turn, and checks the transmitted frames. Returns whether another turn is due now.
    fn turn(&mut self) -> bool {
        let before = self.machine.received;
        let Wire { machine, exchange, device, pool, now, .. } = self;
        let turn = exchange.turn(*now, machine, device, pool, &mut ()).expect("device should not fail");
        assert!(turn.received <= Exchange::BATCH && turn.received == self.machine.received - before);
        assert!(self.exchange.departing() <= Exchange::BATCH);
        assert!(turn.tx_blocked || self.exchange.departing() == 0);
        for bytes in std::mem::take(&mut self.device.transmitted) {
            self.check_frame(&bytes);
        }
        let mut events = 0;
        while self.machine.host.take_event().is_some() {
            events += 1;
        }
        assert!(events <= 4_096, "{events} events in one turn");
        let is_due = self.machine.deadline().is_some_and(|deadline| deadline <= self.now);
        turn.poll_again || turn.tx_blocked || is_due || !self.device.arrived.is_empty()
    }

    /// Takes turns with a device that accepts everything, until nothing is due. Then only pending packets hold frames.
    fn settle(&mut self) {
        self.device.mode = Mode::OPEN;
        let mut turns = 0;
        while self.turn() {
            turns += 1;
            assert!(turns < 20_000, "endless turns");
        }
        self.machine.received = 0;
        let pending: usize = self.machine.host.arps().map(|arp| arp.neighbors().pending_packets()).sum();
        assert_eq!(self.pool.held(), pending, "a frame was lost");
        self.check_tokens();
    }

    /// Checks that the host received the token of each refused frame, once.
    fn check_tokens(&self) {
        let (mut refused, mut reported) = (self.device.refused.clone(), self.machine.refused.clone());
        refused.sort_unstable();
        reported.sort_unstable();
        assert_eq!(refused, reported, "a token was lost or invented");
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
        assert!(self.machine.received > Exchange::BATCH || self.machine.accepts_frames(PORT));
    }

    fn check_frame(&self, bytes: &[u8]) {
        let frame = EthernetFrame::parse(bytes).expect("sent frame should be valid");
        assert!((60..=1_500 + 18).contains(&bytes.len()));
        let mut senders = self.machine.host.hosts().filter(|host| host.mac == frame.source());
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

    fn set_link(&mut self, state: LinkState) {
        self.device.mtu = state.mtu;
        let Wire { machine, exchange, pool, now, .. } = self;
        exchange.device_event(*now, machine, DeviceEvent::Link(state), pool);
    }

    fn discard(&mut self) {
        let before = self.machine.refused.len();
        let Wire { machine, exchange, pool, now, .. } = self;
        exchange.discard(*now, machine, pool);
        self.discarded += self.machine.refused.split_off(before).len();
    }

    fn send(&mut self, to: Ipv4Addr, bytes: usize) {
        let Some(mut frame) = self.pool.take() else { return };
        frame.append(bytes).expect("frame should have capacity for the payload");
        self.machine.host.send(self.now, to, PAYLOAD, frame, &mut self.pool);
    }

    fn ping(&mut self, destination: Ipv4Addr, bytes: usize) {
        let request = EchoRequest { source: None, destination, identifier: 7, sequence: 1, time_to_live: 64 };
        let data = vec![0x5a; bytes.min(Datagram::MAX_LENGTH)];
        self.machine.host.ping(self.now, request, &data, &mut self.pool);
    }

    /// Advances the time until no packet waits.
    fn finish(&mut self) {
        self.set_link(LinkState { is_up: true, has_carrier: true, mtu: 1_500 });
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
        self.received += 1;
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
