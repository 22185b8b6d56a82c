//! Checks of a host and of each frame that it transmits.

use std::net::Ipv4Addr;
use std::time::Duration;

use arp::{LearningPolicy, NeighborSettings, Operation, Packet, StartMode};
use base::Reason;
use host::{
    DatagramOutcome, DropReason, EchoBind, EchoRequest, FrameOutcome, Host, HostConfig, SendOutcome,
    SocketId, TxDropReason,
};
use inet::IpProtocol;
use ipnet::Ipv4Net;
use ipv4::{Datagram, Ipv4Fields};
use link::{Encapsulation, EtherType, EthernetFrame, MacAddr, VlanId, VlanTag};
use tap::{
    Batch, Capabilities, Checksum, Device, DeviceCounters, DeviceError, Exchange, Instant, Machine, Pool,
    PortId, Received, Transmitted,
};
use tcp::{Flags, Segment};

const HOST: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 2), 28);
const HOST_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const VLAN: Option<VlanId> = VlanId::new(5);
/// Capacity of a batch in frames: so small that a datagram departs in several batches.
const TX_BATCH: usize = 4;

/// Host with its device, pool and expected counters.
pub(crate) struct FuzzHost {
    socket: SocketId,
    host: Host,
    exchange: Exchange,
    device: CheckingDevice,
    pool: Pool,
    now: Instant,
    /// Frames for the device.
    departing: Batch,
    /// Minimum number of frames that the host has queued.
    queued: usize,
    /// Number of received frames.
    received: u64,
    arp_replies: u64,
    echo_replies: u64,
    dropped: LayerDrops,
}

/// Dropped frames at layer 3 and above, by layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct LayerDrops {
    ipv4: u64,
    icmp: u64,
    host: u64,
}

/// Device that checks each transmitted frame.
struct CheckingDevice {
    vlan: Option<VlanId>,
    transmitted: usize,
}

impl FuzzHost {
    pub(crate) fn new(tagged: bool, learns_rfc826: bool, probing: bool, entries: u8) -> FuzzHost {
        let config = HostConfig {
            vlan: VLAN.filter(|_| tagged),
            policy: if learns_rfc826 { LearningPolicy::Rfc826 } else { LearningPolicy::Cautious },
            start: if probing { StartMode::Probe } else { StartMode::Immediate },
            table: NeighborSettings {
                entries: entries.into(),
                pending: 4,
                pending_per_entry: 2,
                ..NeighborSettings::default()
            },
            ..HostConfig::new(HOST.into(), HOST_MAC)
        };
        let mut host = Host::new(Instant::ORIGIN, &config).expect("configuration should be valid");
        let bind = EchoBind { identifier: Some(7), ..EchoBind::default() };
        let socket = host.bind_echo(&bind).expect("identifier should be free");
        FuzzHost {
            socket,
            exchange: Exchange::new(PortId::default()),
            device: CheckingDevice { vlan: config.vlan, transmitted: 0 },
            pool: Pool::new(config.mtu, host.pool_size()),
            host,
            now: Instant::ORIGIN,
            departing: Batch::new(TX_BATCH),
            queued: 0,
            received: 0,
            arp_replies: 0,
            echo_replies: 0,
            dropped: LayerDrops::default(),
        }
    }

    /// Receives one frame, and checks the frames that it causes.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.transmit();
        let Some(outcome) = self.handle(bytes) else { return };
        let sent = self.transmit();
        let is_reply = |bytes: &&Vec<u8>| {
            let frame = EthernetFrame::parse(bytes).expect("sent frame should be valid");
            frame.ether_type() == EtherType::ARP
                && Packet::parse(frame.payload()).is_ok_and(|packet| packet.operation() == Operation::REPLY)
        };
        let replies: Vec<_> = sent.iter().filter(is_reply).collect();
        match outcome {
            FrameOutcome::Arp(received) => {
                assert_eq!(replies.len(), usize::from(received.reply.is_some()));
                for reply in replies {
                    self.check_arp_reply(bytes, reply);
                }
            }
            FrameOutcome::Ipv4(outcome) => {
                assert!(replies.is_empty());
                self.check_replies(bytes, outcome, &sent);
            }
            // A segment for no connection is answered with a reset.
            FrameOutcome::Dropped(DropReason::Tcp(_)) => {
                let datagrams = self.datagrams(&sent);
                assert!(replies.is_empty() && datagrams.len() <= 1, "several replies to a segment");
                for datagram in datagrams {
                    check_sent_datagram(datagram);
                }
            }
            FrameOutcome::Dropped(_) => {
                assert!(replies.is_empty() && self.datagrams(&sent).is_empty(), "reply to a dropped frame");
            }
        }
    }

    /// Receives the same frame up to 255 times while the device accepts nothing.
    pub(crate) fn flood(&mut self, bytes: &[u8], count: u8) {
        for _ in 0..count {
            self.handle(bytes);
        }
        self.transmit();
    }

    /// Gives a frame to the host, and checks the counters of replies.
    fn handle(&mut self, bytes: &[u8]) -> Option<FrameOutcome> {
        let mut frame = self.pool.take().expect("pool should have a free frame");
        if frame.write(bytes).is_err() {
            self.pool.give(frame);
            return None;
        }
        self.received += 1;
        let tx_dropped = self.tx_dropped();
        let outcome = self.host.receive(self.now, PortId::default(), frame, &mut self.pool);
        match outcome {
            FrameOutcome::Arp(received) => self.arp_replies += u64::from(received.reply.is_some()),
            FrameOutcome::Ipv4(outcome) => {
                self.echo_replies += u64::from(outcome == DatagramOutcome::EchoReplied);
            }
            FrameOutcome::Dropped(reason) => match reason {
                DropReason::Ipv4(_) => self.dropped.ipv4 += 1,
                reason if reason.layer() == "icmp" => self.dropped.icmp += 1,
                DropReason::AddressNotInUse | DropReason::WrongMac | DropReason::NoListener => {
                    self.dropped.host += 1;
                }
                _ => {}
            },
        }
        let refused = matches!(outcome, FrameOutcome::Dropped(DropReason::Transmit(_)));
        assert!(self.tx_dropped() >= tx_dropped);
        assert!(!refused || self.tx_dropped() > tx_dropped, "rejected frame not counted");
        Some(outcome)
    }

    /// Returns the payloads of the sent frames with datagrams.
    fn datagrams<'a>(&self, sent: &'a [Vec<u8>]) -> Vec<&'a [u8]> {
        let vlan = self.host.config().vlan;
        let frames = sent.iter().map(|bytes| check_sent_frame(vlan, bytes));
        frames.filter(|frame| frame.ether_type() == EtherType::IPV4).map(|frame| frame.payload()).collect()
    }

    fn tx_dropped(&self) -> u64 {
        TxDropReason::ALL.iter().map(|reason| self.host.tx_dropped(*reason)).sum()
    }

    /// Checks the frames that a received datagram caused: at most one datagram of the host, possibly in fragments.
    fn check_replies(&mut self, bytes: &[u8], outcome: DatagramOutcome, sent: &[Vec<u8>]) {
        let replies = self.datagrams(sent);
        let mut identifications: Vec<_> = replies.iter().map(|reply| check_sent_datagram(reply)).collect();
        identifications.dedup();
        assert!(identifications.len() <= 1, "more than one datagram sent");
        if !matches!(outcome, DatagramOutcome::EchoReplied | DatagramOutcome::Rejected(_)) {
            assert!(identifications.is_empty());
        }
        let request = EthernetFrame::parse(bytes).expect("frame with a reply should be valid");
        let request = Datagram::parse(request.payload()).expect("datagram with a reply should be valid");
        if let (DatagramOutcome::EchoReplied, false, Some(reply)) =
            (outcome, request.is_fragment(), replies.first())
        {
            let reply = Datagram::parse(reply).expect("sent datagram should be valid");
            assert_eq!((reply.source(), reply.destination()), (request.destination(), request.source()));
            assert_eq!(
                reply.payload().get(4..),
                request.payload().get(4..),
                "reply with other data than its request"
            );
        }
    }

    /// Transmits all frames that are due, in batches. Returns them.
    pub(crate) fn transmit(&mut self) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        loop {
            self.host.transmit(self.now, PortId::default(), &mut self.departing, &mut self.pool);
            if self.departing.is_empty() {
                break;
            }
            while let Some(frame) = self.departing.pop() {
                sent.push(frame.bytes().to_vec());
                self.pool.give(frame);
            }
        }
        assert!(sent.len() >= self.queued, "a queued frame was not transmitted");
        self.queued = 0;
        sent
    }

    /// Sends a payload to a neighbor.
    pub(crate) fn send(&mut self, to: Ipv4Addr, bytes: usize) {
        let Some(mut frame) = self.pool.take() else { return };
        frame.append(bytes).expect("frame should have capacity for the payload");
        let sent = self.host.send(self.now, to.into(), EtherType::IPV4, frame, &mut self.pool);
        self.queued += usize::from(sent == SendOutcome::Queued);
    }

    /// Sends an echo request.
    pub(crate) fn ping(&mut self, destination: Ipv4Addr, bytes: usize) {
        let data = vec![0x5a; bytes.min(Datagram::MAX_LENGTH)];
        let ping = EchoRequest::new(destination.into(), 1);
        let sent = self.host.send_echo(self.now, self.socket, &ping, &data, &mut self.pool);
        assert!(sent.is_err() || Ipv4Fields::LENGTH + 8 + data.len() <= Datagram::MAX_LENGTH);
    }

    /// Adds a route. The host may reject the gateway.
    pub(crate) fn add_route(&mut self, prefix: u8, gateway: Ipv4Addr) {
        let network = Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 2, 0), prefix);
        let before = self.host.routes().iter().count();
        let added = self.host.add_route(network.into(), gateway.into()).is_ok();
        assert_eq!(self.host.routes().iter().count(), before + usize::from(added));
    }

    fn pending(&self) -> usize {
        self.host.arp().neighbors().pending_packets()
    }

    /// Advances the time, and polls the host.
    pub(crate) fn poll(&mut self, milliseconds: u64) {
        self.now = self.now + Duration::from_millis(milliseconds);
        let before = self.device.transmitted;
        loop {
            let outcome =
                self.exchange.turn(self.now, &mut self.host, &mut self.device, &mut self.pool, &mut ());
            let outcome = outcome.expect("device should not fail");
            assert!(!outcome.tx_blocked && outcome.received == 0);
            if !outcome.poll_again {
                break;
            }
        }
        assert!(self.device.transmitted >= before + self.queued, "a queued frame was not transmitted");
        self.queued = 0;
    }

    /// Checks the invariants after a step.
    pub(crate) fn check(&mut self) {
        self.transmit();
        while let Some(reply) = self.host.receive_echo(self.socket) {
            self.pool.give(reply.frame);
        }
        while self.host.take_socket_error(self.socket).is_some() {}
        assert_eq!(self.pool.held(), self.pending(), "frames taken from the pool and frames in use differ");

        let link = self.host.link();
        let dropped: u64 = link.dropped().iter().map(|(_, count)| count).sum();
        assert_eq!(link.accepted() + dropped, self.received);
        assert_eq!(self.host.arp_replies(), self.arp_replies);
        let dropped: u64 = self.host.arp().dropped().iter().map(|(_, count)| count).sum();
        let ipv4: u64 = self.host.ipv4().dropped().iter().map(|(_, count)| count).sum();
        assert_eq!(ipv4, self.dropped.ipv4, "counted and dropped datagrams differ");
        assert_eq!(self.host.echo_replies(), self.echo_replies);
        let reassembly = self.host.ipv4().reassembly();
        assert!(reassembly.bytes() <= 4 << 20 && reassembly.len() <= 4_096);
        assert!(dropped + self.host.unsupported_protocol() + self.host.arp_replies() <= link.accepted());
    }

    /// Checks the counters after the last step.
    pub(crate) fn check_counters(&self) {
        let count = |layer: &str, among: &[&str]| -> u64 {
            let counters = self.host.counters();
            let chosen = counters.iter().filter(|counter| counter.layer == layer && counter.is_loss);
            chosen.filter(|counter| among.is_empty() || among.contains(&counter.name)).map(|c| c.count).sum()
        };
        assert_eq!(count("icmp", &[]), self.dropped.icmp);
        let names = ["address_not_in_use", "wrong_destination_mac", "no_listener"];
        assert_eq!(count("host", &names), self.dropped.host);
    }

    /// Checks that the reply is unicast to the requester, has no padding, and has the correct fields.
    fn check_arp_reply(&self, request: &[u8], reply: &[u8]) {
        let request = EthernetFrame::parse(request).expect("frame with a reply should be valid");
        let request = Packet::parse(request.payload()).expect("packet with a reply should be valid");
        let vlan = self.host.config().vlan;
        assert_eq!(reply.len(), if vlan.is_some() { 46 } else { 42 });

        let frame = check_sent_frame(vlan, reply);
        assert_eq!((frame.destination(), frame.ether_type()), (request.sender_hardware(), EtherType::ARP));
        assert!(frame.destination().is_station());

        let packet = Packet::parse(frame.payload()).expect("sent packet should be valid");
        assert_eq!((request.operation(), packet.operation()), (Operation::REQUEST, Operation::REPLY));
        assert_eq!((packet.sender_hardware(), packet.sender_protocol()), (HOST_MAC, HOST.addr()));
        assert_eq!(packet.target_hardware(), request.sender_hardware());
        assert_eq!(packet.target_protocol(), request.sender_protocol());
    }
}

impl Device for CheckingDevice {
    fn capabilities(&self) -> Capabilities {
        Capabilities { mtu: 1_500, ..Capabilities::default() }
    }

    fn receive(&mut self, _: &mut Pool, _: &mut Batch) -> Result<Received, DeviceError> {
        Ok(Received::default())
    }

    fn transmit(&mut self, tx_queue: &mut Batch, pool: &mut Pool) -> Result<Transmitted, DeviceError> {
        let sent = tx_queue.len();
        while let Some(frame) = tx_queue.pop() {
            let ethernet = check_sent_frame(self.vlan, frame.bytes());
            if ethernet.ether_type() == EtherType::ARP {
                let packet = Packet::parse(ethernet.payload()).expect("sent packet should be valid");
                assert_eq!((packet.operation(), packet.sender_hardware()), (Operation::REQUEST, HOST_MAC));
                let is_probe = packet.sender_protocol().is_unspecified();
                assert_eq!(
                    packet.sender_protocol(),
                    if is_probe { Ipv4Addr::UNSPECIFIED } else { HOST.addr() }
                );
            } else if ethernet.payload().first() == Some(&0x45) {
                check_sent_datagram(ethernet.payload());
            }
            pool.give(frame);
        }
        self.transmitted += sent;
        Ok(Transmitted { sent, ..Transmitted::default() })
    }

    fn counters(&self) -> DeviceCounters {
        DeviceCounters::default()
    }
}

/// Checks that `bytes` is a datagram of the host with an ICMP message or a fragment of one. Returns its identification.
fn check_sent_datagram(bytes: &[u8]) -> u16 {
    let datagram = Datagram::parse(bytes).expect("sent datagram should be valid");
    assert_eq!((datagram.source(), datagram.bytes().len()), (HOST.addr(), bytes.len()));
    assert!(bytes.len() <= 1_500 && datagram.options().is_empty() && datagram.time_to_live() > 0);
    match datagram.protocol() {
        IpProtocol::ICMP if datagram.is_fragment() => {}
        IpProtocol::ICMP => assert!(inet::checksum::is_valid(datagram.payload())),
        protocol => {
            assert_eq!(protocol, IpProtocol::TCP);
            let addresses = (datagram.source(), datagram.destination());
            let segment = Segment::parse(datagram.payload(), addresses, Checksum::None)
                .expect("sent segment should be valid");
            // The host has neither a listener nor a connection.
            assert!(
                segment.flags.contains(Flags::RST) && segment.data_length == 0 && datagram.dont_fragment()
            );
        }
    }
    datagram.identification()
}

/// Checks that `bytes` is a frame of the host in its VLAN to a valid destination. Returns the frame.
fn check_sent_frame(vlan: Option<VlanId>, bytes: &[u8]) -> EthernetFrame<'_> {
    let frame = EthernetFrame::parse(bytes).expect("sent frame should be valid");
    assert_eq!((frame.source(), frame.encapsulation()), (HOST_MAC, Encapsulation::Type));
    assert!(frame.destination().is_station() || frame.destination() == MacAddr::BROADCAST);
    let tag = vlan.map(|vlan| VlanTag { protocol: EtherType::VLAN, control: vlan.number() });
    assert!(frame.tags().iter().eq(tag));
    frame
}
