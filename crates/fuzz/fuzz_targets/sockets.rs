//! Calls of the socket API in any order, with frames and ICMP errors from the link. Checks that no frame is lost, and
//! that the identifier of a closed socket does nothing.
#![no_main]

mod udp_datagram;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use arp::{Operation, PacketFields};
use host::{
    EchoBind, EchoRequest, Fragmentation, Host, HostConfig, HostSet, SocketError, SocketId, SocketKind,
    SocketLimits, UdpBind, UdpMessage,
};
use icmp::{Echo, IcmpError, IcmpType};
use inet::offload::complete_checksum;
use inet::{InterfaceId, IpProtocol};
use ipnet::{IpNet, Ipv4Net};
use ipv4::{Datagram, Ipv4Fields};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use link::MacAddr;
use tap::{Batch, Checksum, Frame, Instant, Machine, Offload, Offloads, Pool, PortId};
use udp::{UdpDatagram, UdpFields};

use udp_datagram::{FIRST, FIRST_MAC, OTHER, OTHER_MAC, PEERS, Port, UdpInput, local, local_mac};

#[derive(Arbitrary, Debug)]
enum Step {
    Bind {
        number: u8,
        prefix: u8,
        port: Option<Port>,
        broadcast: bool,
        buffer: u16,
    },
    BindEcho {
        number: u8,
        prefix: u8,
        identifier: Option<u8>,
        buffer: u16,
    },
    Connect {
        socket: u8,
        to: Target,
    },
    Send {
        socket: u8,
        to: Option<Target>,
        source: Option<u8>,
        length: u16,
        never_fragmented: bool,
        in_frame: bool,
    },
    Receive {
        socket: u8,
        then: AfterReceive,
    },
    SendEcho {
        socket: u8,
        to: Target,
        source: Option<u8>,
        length: u16,
    },
    ReceiveEcho(u8),
    TakeError(u8),
    PollReady,
    Close(u8),
    Datagram(UdpInput),
    /// An ICMP error about a datagram that may be of a socket.
    Error {
        code: u8,
        mtu: u16,
        from: u8,
        source: u8,
        source_port: Port,
        to: Target,
        length: u8,
    },
    /// An echo reply of a peer, or an error about an echo request to the peer, arrives.
    Echo {
        is_error: bool,
        from: u8,
        to: u8,
        identifier: u8,
        sequence: u8,
        length: u8,
    },
    /// An unresolved neighbor answers.
    ArpReply(u8),
    /// The device accepts up to this number of frames.
    Transmit(u8),
    /// Time passes, in tenths of a second, and the device accepts all frames.
    Wait(u16),
    RemoveAddress(u8),
    AddAddress(u8),
}

/// A destination: a peer, a neighbor that may not answer, or an address to which the host may not send.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Target {
    address: u8,
    port: Port,
    has_port_zero: bool,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum AfterReceive {
    Give,
    Keep,
    /// The frame is sent to its source.
    SendBack,
}

/// Maximum number of steps.
const STEPS: usize = 300;
/// Maximum number of sockets.
const SOCKETS: usize = 8;
/// Maximum memory of the datagrams in all queues, in bytes.
const MEMORY: usize = 300_000;
/// Neighbors that are not in the ARP cache, in the network of the local addresses.
const UNRESOLVED: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 20);

fuzz_target!(|input: (bool, Vec<Step>)| {
    let (has_offloads, steps) = input;
    let mut host = FuzzHost::new(has_offloads);
    for (step, identification) in steps.iter().take(STEPS).zip(1..) {
        host.step(step, identification);
        host.check();
    }
    host.finish();
});

/// A host with sockets, and the frames and identifiers of its user.
struct FuzzHost {
    host: Host,
    pool: Pool,
    now: Instant,
    /// Identifiers of open and closed sockets.
    ids: Vec<SocketId>,
    open: BTreeMap<SocketId, SocketKind>,
    kept: Vec<Frame>,
    /// Whether the host may have frames in the queues of the interface.
    has_queued: bool,
    /// Whether the device completes checksums, and transmits datagrams together.
    has_offloads: bool,
}

impl FuzzHost {
    fn new(has_offloads: bool) -> FuzzHost {
        let offloads = Offloads { checksum: has_offloads, tcp_v4: has_offloads, udp: has_offloads };
        let first = Ipv4Net::new_assert(FIRST, 29);
        let range = HostConfig {
            addresses: HostSet::Range(first.into()),
            offloads,
            ..HostConfig::new(first.into(), FIRST_MAC)
        };
        let host = Host::new(Instant::ORIGIN, &range).expect("configuration should be valid");
        let mut host = host.with_socket_limits(SocketLimits { sockets: SOCKETS, memory: MEMORY });
        let other =
            HostConfig { offloads, ..HostConfig::new(Ipv4Net::new_assert(OTHER, 24).into(), OTHER_MAC) };
        host.add(Instant::ORIGIN, &other).expect("configuration should be valid");
        for (ip, mac) in PEERS {
            host.add_static(Instant::ORIGIN, ip, mac).expect("neighbor should be added");
        }
        // The user keeps up to 64 frames.
        let pool = Pool::new(1_500, host.pool_size() + 64);
        FuzzHost {
            host,
            pool,
            now: Instant::ORIGIN,
            ids: Vec::new(),
            open: BTreeMap::new(),
            kept: Vec::new(),
            has_queued: false,
            has_offloads,
        }
    }

    fn step(&mut self, step: &Step, identification: u16) {
        match *step {
            Step::Bind { number, prefix, port, broadcast, buffer } => {
                self.bind(number, prefix, port, broadcast, buffer.into());
            }
            Step::BindEcho { number, prefix, identifier, buffer } => {
                let bind = EchoBind {
                    addresses: Ipv4Net::new_assert(local(number), prefix % 33).into(),
                    identifier: identifier.map(|identifier| u16::from(identifier % 4)),
                    receive_buffer: buffer.into(),
                    send_buffer: buffer.into(),
                };
                let bound = self.host.bind_echo(&bind);
                self.add(bound);
            }
            Step::Connect { socket, to } => self.connect(socket, to),
            Step::Send { socket, to, source, length, never_fragmented, in_frame } => {
                let message = UdpMessage {
                    source: source.map(|number| local(number).into()),
                    destination: to.map(Target::address),
                    fragmentation: if never_fragmented {
                        Fragmentation::Never
                    } else {
                        Fragmentation::Allowed
                    },
                    ..UdpMessage::default()
                };
                self.send(socket, &message, length.into(), in_frame);
            }
            Step::Receive { socket, then } => self.receive(socket, then),
            Step::SendEcho { socket, to, source, length } => {
                let source = source.map(|number| local(number).into());
                let request = EchoRequest { source, ..EchoRequest::new(to.address().ip(), 1) };
                self.send_echo(socket, &request, length.into());
            }
            Step::ReceiveEcho(socket) => {
                let Some(id) = self.id(socket) else { return };
                let Some(reply) = self.host.receive_echo(id) else { return };
                assert!(self.is_open(id, SocketKind::Echo), "reply of another socket");
                self.pool.give(reply.frame);
            }
            Step::TakeError(socket) => {
                let Some(id) = self.id(socket) else { return };
                let failure = self.host.take_socket_error(id);
                assert!(failure.is_none() || self.open.contains_key(&id), "failure of a closed socket");
            }
            Step::PollReady => {
                if let Some(id) = self.host.poll_ready() {
                    assert!(self.open.contains_key(&id), "closed socket in the readiness list");
                }
            }
            Step::Close(socket) => {
                let Some(id) = self.id(socket) else { return };
                self.host.close(self.now, id, &mut self.pool);
                self.open.remove(&id);
            }
            Step::Datagram(ref input) => {
                for frame in input.frames(identification) {
                    self.arrive(&frame, input.device_state());
                }
            }
            Step::Error { code, mtu, from, source, source_port, to, length } => {
                let SocketAddr::V4(to) = to.address() else { return };
                let source = std::net::SocketAddrV4::new(local(source), source_port.number());
                let problem = match code % 8 {
                    4 => IcmpError::fragmentation_needed(mtu),
                    code => IcmpError::unreachable(code),
                };
                let fields = UdpFields { source, destination: to };
                self.arrive(&error_frame(problem, from, fields, length.into()), Checksum::None);
            }
            Step::Echo { is_error, from, to, identifier, sequence, length } => {
                let frame = echo_frame(is_error, from, to, [identifier % 4, sequence], length.into());
                self.arrive(&frame, Checksum::None);
            }
            Step::ArpReply(number) => self.arrive(&arp_reply(number), Checksum::None),
            Step::Transmit(count) => self.transmit(count.into()),
            Step::Wait(tenths) => self.wait(u64::from(tenths) * 100),
            Step::RemoveAddress(number) => {
                self.host.remove_address(InterfaceId(0), local(number).into());
            }
            Step::AddAddress(number) => {
                let address = IpNet::V4(Ipv4Net::new_assert(local(number), 24));
                // A local address is refused.
                let _ = self.host.add_address(self.now, InterfaceId(0), address, None);
            }
        }
    }

    /// Returns the identifier of an open or closed socket.
    fn id(&self, number: u8) -> Option<SocketId> {
        self.ids.get(usize::from(number) % self.ids.len().max(1)).copied()
    }

    fn bind(&mut self, number: u8, prefix: u8, port: Option<Port>, broadcast: bool, buffer: usize) {
        let bind = UdpBind {
            addresses: Ipv4Net::new_assert(local(number), prefix % 33).into(),
            port: port.map(Port::number),
            broadcast,
            receive_buffer: buffer,
            send_buffer: buffer,
        };
        let bound = self.host.bind_udp(&bind);
        self.add(bound);
    }

    /// Stores the identifier of a new socket.
    fn add(&mut self, bound: Result<SocketId, SocketError>) {
        assert!(bound != Err(SocketError::TooManySockets) || self.open.len() == SOCKETS);
        let Ok(id) = bound else { return };
        assert!(!self.ids.contains(&id), "identifier of a closed socket used again");
        let info = self.host.socket(id).expect("new socket should be open");
        self.ids.push(id);
        self.open.insert(id, info.kind);
    }

    fn connect(&mut self, socket: u8, to: Target) {
        let Some(id) = self.id(socket) else { return };
        let before = self.host.socket(id);
        match self.host.connect_udp(id, to.address()) {
            Ok(from) => {
                let info = self.host.socket(id).expect("connected socket should be open");
                assert_eq!((info.peer, info.port), (Some(to.address()), from.port()));
                assert_eq!(info.addresses, IpNet::from(from.ip()));
            }
            Err(error) => {
                assert_eq!(self.host.socket(id), before, "refused call with an effect");
                assert_eq!(error == SocketError::Closed, !self.is_open(id, SocketKind::Udp));
            }
        }
    }

    fn is_open(&self, id: SocketId, kind: SocketKind) -> bool {
        self.open.get(&id) == Some(&kind)
    }

    fn send_echo(&mut self, socket: u8, request: &EchoRequest, length: usize) {
        let Some(id) = self.id(socket) else { return };
        let before = self.host.queued_datagrams();
        let data = vec![0x5a; length];
        let sent = self.host.send_echo(self.now, id, request, &data, &mut self.pool);
        // A datagram with a known next hop can leave in the next turn, and then no buffer of a socket holds the datagram.
        let added = self.host.queued_datagrams().checked_sub(before);
        assert!(added.is_some_and(|added| added <= usize::from(sent.is_ok())), "{added:?} datagrams added");
        assert_eq!(sent == Err(SocketError::Closed), !self.is_open(id, SocketKind::Echo));
        self.has_queued |= sent.is_ok();
    }

    fn send(&mut self, socket: u8, message: &UdpMessage, length: usize, in_frame: bool) {
        let Some(id) = self.id(socket) else { return };
        let data = vec![0x5a; length];
        let before = self.host.queued_datagrams();
        let sent = if in_frame {
            let frame = if length <= 1_472 { self.pool.take() } else { self.pool.take_large() };
            let mut frame = frame.expect("pool should have a free frame");
            if frame.write(&data).is_err() {
                self.pool.give(frame);
                return;
            }
            self.host.send_udp_frame(self.now, id, message, frame, &mut self.pool)
        } else {
            self.host.send_udp(self.now, id, message, &data, &mut self.pool)
        };
        // A datagram with a known next hop can leave in the next turn, and then no buffer of a socket holds the datagram.
        let added = self.host.queued_datagrams().checked_sub(before);
        assert!(added.is_some_and(|added| added <= usize::from(sent.is_ok())), "{added:?} datagrams added");
        assert_eq!(sent == Err(SocketError::Closed), !self.is_open(id, SocketKind::Udp));
        assert!(sent.is_err() || length <= UdpFields::MAX_DATA);
        assert!(sent != Err(SocketError::NoFrame), "pool of the recommended size ran out");
        self.has_queued |= sent.is_ok();
    }

    fn receive(&mut self, socket: u8, then: AfterReceive) {
        let Some(id) = self.id(socket) else { return };
        let Some(received) = self.host.receive_udp(id) else { return };
        assert!(self.is_open(id, SocketKind::Udp), "datagram of another socket");
        match then {
            AfterReceive::Keep if self.kept.len() < 64 => self.kept.push(received.frame),
            AfterReceive::SendBack => {
                let is_unicast =
                    (0..9).any(|number| IpAddr::from(local(number)) == received.destination.ip());
                let message = UdpMessage {
                    source: is_unicast.then(|| received.destination.ip()),
                    destination: Some(received.source),
                    ..UdpMessage::default()
                };
                let sent = self.host.send_udp_frame(self.now, id, &message, received.frame, &mut self.pool);
                assert!(sent != Err(SocketError::Closed));
            }
            _ => self.pool.give(received.frame),
        }
    }

    /// Gives a frame to the host, if the host accepts frames.
    fn arrive(&mut self, bytes: &[u8], checksum: Checksum) {
        if !self.host.accepts_frames(PortId::default()) {
            self.transmit(64);
        }
        let mut frame = self.pool.take().expect("pool should have a free frame");
        if frame.write(bytes).is_err() {
            self.pool.give(frame);
            return;
        }
        frame.set_offload(Offload { checksum, ..Offload::default() });
        self.host.receive(self.now, PortId::default(), frame, &mut self.pool);
        self.has_queued = true;
    }

    /// Takes frames from the host, as a device with this capacity.
    fn transmit(&mut self, count: usize) {
        let mut departing = Batch::new(count);
        self.host.transmit(self.now, PortId::default(), &mut departing, &mut self.pool);
        while let Some(frame) = departing.pop() {
            self.sent(frame);
        }
        self.has_queued = true;
    }

    /// Advances the time, and takes all frames.
    fn wait(&mut self, milliseconds: u64) {
        self.now = self.now + Duration::from_millis(milliseconds);
        loop {
            let mut departing = Batch::new(64);
            self.host.transmit(self.now, PortId::default(), &mut departing, &mut self.pool);
            if departing.is_empty() {
                break;
            }
            while let Some(frame) = departing.pop() {
                self.sent(frame);
            }
        }
        self.has_queued = false;
    }

    /// Checks a frame of the host: a device completes the checksum of a whole datagram only, and joins only datagrams that
    /// must not be fragmented.
    fn sent(&mut self, frame: Frame) {
        assert!(frame.bytes().len() <= 1_514, "frame longer than the MTU");
        let offload = frame.offload();
        assert!(
            self.has_offloads || offload == Offload::default(),
            "work is left to a device without offloads"
        );
        let mut bytes = frame.bytes().to_vec();
        complete_checksum(&mut bytes, offload.checksum);
        if bytes[12..14] == [8, 0] {
            let datagram = Datagram::parse(&bytes[14..]).expect("datagram should be valid");
            assert!(offload == Offload::default() || datagram.dont_fragment(), "work on a fragment is left");
            if datagram.protocol() == IpProtocol::UDP && !datagram.is_fragment() {
                let addresses = (datagram.source(), datagram.destination());
                let udp = UdpDatagram::parse(datagram.payload(), addresses, Checksum::None);
                let length = udp.expect("UDP datagram should be valid").data().len();
                if let Some(segmentation) = offload.segmentation {
                    assert_eq!(
                        (usize::from(segmentation.size), usize::from(segmentation.header)),
                        (length, 42)
                    );
                }
            }
        }
        self.pool.give(frame);
    }

    /// Checks the invariants after a step.
    fn check(&mut self) {
        let infos: Vec<_> = self.host.sockets().collect();
        assert!(
            infos.iter().map(|info| info.id).eq(self.open.keys().copied()),
            "other sockets than those opened"
        );
        let bytes: usize = infos.iter().map(|info| info.received_bytes + info.sending_bytes).sum();
        assert!(bytes <= MEMORY, "{bytes} bytes in the queues");
        let pending = self.host.arp().neighbors().pending_packets();
        let in_use = self.kept.len() + self.host.queued_datagrams() + pending;
        assert!(self.pool.held() >= in_use, "more frames in use than taken from the pool");
        if !self.has_queued {
            assert_eq!(self.pool.held(), in_use, "frames taken from the pool and frames in use differ");
        }
        for (ip, _) in PEERS {
            let path_mtu = self.host.path_mtu(self.now, ip.into());
            assert!(path_mtu.is_none_or(|mtu| (552..=1_500).contains(&mtu)), "path MTU {path_mtu:?}");
        }
        assert_eq!(self.pool.exhausted(), 0, "pool of the recommended size ran out");
    }

    /// Closes all sockets, and checks that all frames return.
    fn finish(&mut self) {
        for id in std::mem::take(&mut self.open).into_keys() {
            self.host.close(self.now, id, &mut self.pool);
        }
        while let Some(frame) = self.kept.pop() {
            self.pool.give(frame);
        }
        // Resolutions fail within this time.
        for _ in 0..20 {
            self.wait(1_000);
        }
        self.check();
        assert_eq!(self.pool.held(), 0, "a frame is lost");
    }
}

impl Target {
    fn address(self) -> SocketAddr {
        let address = match self.address % 12 {
            number @ 0..3 => PEERS[usize::from(number)].0,
            number @ 3..6 => Ipv4Addr::from_bits(UNRESOLVED.to_bits() + u32::from(number)),
            6 => Ipv4Addr::new(10, 1, 0, 255),
            7 => Ipv4Addr::BROADCAST,
            8 => Ipv4Addr::new(224, 0, 0, 251),
            9 => Ipv4Addr::LOCALHOST,
            10 => OTHER,
            _ => Ipv4Addr::new(198, 51, 100, 1),
        };
        SocketAddr::new(address.into(), if self.has_port_zero { 0 } else { self.port.number() })
    }
}

/// Returns a frame with an ICMP error of a peer about a UDP datagram with these fields and this length of data.
fn error_frame(problem: IcmpError, from: u8, fields: UdpFields, length: usize) -> Vec<u8> {
    let mut udp = vec![0x5a; UdpFields::LENGTH + length];
    fields.write_to(&mut udp).expect("buffer should hold a UDP header");
    let quoted = datagram(IpProtocol::UDP, (*fields.source.ip(), *fields.destination.ip()), &udp);
    icmp_frame(from, *fields.source.ip(), &error(problem, &quoted))
}

/// Returns a frame with an echo reply of a peer, or with an error of the peer about an echo request.
fn echo_frame(is_error: bool, from: u8, to: u8, [identifier, sequence]: [u8; 2], length: usize) -> Vec<u8> {
    let data = vec![0x5a; length];
    let echo = Echo { identifier: identifier.into(), sequence: sequence.into(), data: &data };
    let mut message = vec![0; Echo::HEADER + length];
    let kind = if is_error { IcmpType::ECHO_REQUEST } else { IcmpType::ECHO_REPLY };
    echo.write_to(kind, &mut message).expect("buffer should hold the message");
    if is_error {
        let quoted = datagram(IpProtocol::ICMP, (local(to), peer(from).0), &message);
        message = error(IcmpError::HOST_UNREACHABLE, &quoted);
    }
    icmp_frame(from, local(to), &message)
}

fn peer(number: u8) -> (Ipv4Addr, MacAddr) {
    PEERS[usize::from(number) % PEERS.len()]
}

fn error(problem: IcmpError, about: &[u8]) -> Vec<u8> {
    let mut message = vec![0; IcmpError::MAX_LENGTH];
    let length = problem.write_to(about, &mut message).expect("buffer should hold the error");
    message.truncate(length);
    message
}

fn datagram(protocol: IpProtocol, (source, destination): (Ipv4Addr, Ipv4Addr), payload: &[u8]) -> Vec<u8> {
    let mut datagram = [&[0; Ipv4Fields::LENGTH], payload].concat();
    let fields = Ipv4Fields::new(protocol, source, destination);
    fields.write_to(&mut datagram).expect("buffer should hold an IPv4 header");
    datagram
}

/// Returns a frame with an ICMP message of a peer to a local address.
fn icmp_frame(from: u8, to: Ipv4Addr, message: &[u8]) -> Vec<u8> {
    let (source, mac) = peer(from);
    let number = (0..9).find(|number| local(*number) == to).expect("destination should be local");
    let datagram = datagram(IpProtocol::ICMP, (source, to), message);
    [&local_mac(number).bytes()[..], &mac.bytes(), &[8, 0], &datagram].concat()
}

/// Returns the frame with an ARP reply of a neighbor to the host [`OTHER`].
fn arp_reply(number: u8) -> Vec<u8> {
    let sender_hardware = MacAddr::new([2, 0, 0, 0, 2, number]);
    let mut packet = [0; PacketFields::LENGTH];
    let fields = PacketFields {
        operation: Operation::REPLY,
        sender_hardware,
        sender_protocol: Ipv4Addr::from_bits(UNRESOLVED.to_bits() + 3 + u32::from(number % 3)),
        target_hardware: OTHER_MAC,
        target_protocol: OTHER,
    };
    fields.write_to(&mut packet).expect("buffer should hold an ARP packet");
    [&OTHER_MAC.bytes()[..], &sender_hardware.bytes(), &[8, 6], &packet].concat()
}
