//! A host on a wire that takes everything, and what must hold of it whatever arrives.

use std::net::Ipv4Addr;
use std::time::Duration;

use arp::{LearningPolicy, NeighborSettings, Operation, Packet, StartMode};
use base::Reason;
use host::{
    DatagramOutcome, DropReason, EchoRequest, FrameOutcome, Host, HostConfig, SendOutcome, TxDropReason,
};
use inet::IpProtocol;
use ipnet::Ipv4Net;
use ipv4::{Datagram, Ipv4Fields};
use link::{Encapsulation, EtherType, EthernetFrame, MacAddr, VlanId, VlanTag};
use tap::{Batch, Device, DeviceCounters, DeviceError, Instant, Pool};

const OURS: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 2), 28);
const HARDWARE: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const VLAN: Option<VlanId> = VlanId::new(5);
/// So few that a few requests are too many.
const DEPARTING: usize = 4;

pub(crate) struct Machine {
    host: Host,
    wire: Wire,
    pool: Pool,
    now: Instant,
    /// Answers that wait for the wire.
    departing: Batch,
    /// How many frames the host holds that depart at the next turn.
    held: usize,
    /// How many frames it heard, and answers it gave.
    heard: u64,
    answers: u64,
    echoes: u64,
    dropped: Dropped4,
}

/// Frames turned away at layer 3 and above, by the layer that did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Dropped4 {
    ipv4: u64,
    icmp: u64,
    host: u64,
}

/// It takes what departs and looks at it.
struct Wire {
    vlan: Option<VlanId>,
    taken: usize,
}

impl Machine {
    pub(crate) fn new(tagged: bool, believing: bool, probing: bool, entries: u8) -> Machine {
        let config = HostConfig {
            vlan: VLAN.filter(|_| tagged),
            policy: if believing { LearningPolicy::Rfc826 } else { LearningPolicy::Cautious },
            start: if probing { StartMode::Probe } else { StartMode::Immediate },
            table: NeighborSettings {
                entries: entries.into(),
                pending: 4,
                pending_per_entry: 2,
                ..NeighborSettings::default()
            },
            ..HostConfig::new(OURS, HARDWARE)
        };
        let host = Host::new(Instant::ORIGIN, &config).expect("a good configuration");
        Machine {
            wire: Wire { vlan: config.vlan, taken: 0 },
            pool: Pool::new(config.mtu, host.pool_size() + DEPARTING),
            host,
            now: Instant::ORIGIN,
            departing: Batch::new(DEPARTING),
            held: 0,
            heard: 0,
            answers: 0,
            echoes: 0,
            dropped: Dropped4::default(),
        }
    }

    /// Receives one frame.
    pub(crate) fn hear(&mut self, octets: &[u8]) {
        let mut frame = self.pool.take().expect("no frame is lost");
        if frame.write(octets).is_err() {
            return self.pool.give(frame);
        }
        self.heard += 1;
        let (waiting, unsent) = (self.departing.len(), self.unsent());
        let verdict = self.host.receive(self.now, frame, &mut self.departing, &mut self.pool);

        match verdict {
            FrameOutcome::Arp(received) => {
                assert_eq!(self.departing.len(), waiting + usize::from(received.reply.is_some()));
                if received.reply.is_some() {
                    self.answers += 1;
                    let reply = self.departing.iter().last().expect("the answer");
                    self.is_the_reply_to(octets, reply.bytes());
                }
            }
            FrameOutcome::Ipv4(taken) => self.is_due_to(octets, taken, waiting),
            FrameOutcome::Dropped(reason) => {
                assert_eq!(self.departing.len(), waiting, "what is turned away has no answer");
                match reason {
                    DropReason::Ipv4(_) => self.dropped.ipv4 += 1,
                    DropReason::Icmp(_) => self.dropped.icmp += 1,
                    DropReason::AddressNotInUse | DropReason::WrongMac | DropReason::NoListener => {
                        self.dropped.host += 1;
                    }
                    _ => {}
                }
            }
        }
        let refused = matches!(verdict, FrameOutcome::Dropped(DropReason::Transmit(_)));
        assert!(self.unsent() >= unsent);
        assert!(!refused || self.unsent() > unsent, "what is not sent is counted");
    }

    fn unsent(&self) -> u64 {
        TxDropReason::ALL.iter().map(|reason| self.host.tx_dropped(*reason)).sum()
    }

    /// What departs because of a datagram: one of ours, in one frame or in several.
    fn is_due_to(&mut self, octets: &[u8], taken: DatagramOutcome, before: usize) {
        let vlan = self.host.config().vlan;
        let mut identifications = Vec::new();
        for frame in self.departing.iter().skip(before) {
            identifications.push(is_a_datagram_of_ours(is_from_us(vlan, frame.bytes()).payload()));
        }
        identifications.dedup();
        assert!(identifications.len() <= 1, "one datagram at most");
        match taken {
            DatagramOutcome::EchoReplied => self.echoes += 1,
            DatagramOutcome::Rejected(_) => {}
            DatagramOutcome::FragmentStored | DatagramOutcome::Reported => {
                assert!(identifications.is_empty());
            }
        }
        let heard = EthernetFrame::parse(octets).expect("only a frame is answered");
        let heard = Datagram::parse(heard.payload()).expect("only a datagram is answered");
        if let (DatagramOutcome::EchoReplied, false, Some(frame)) =
            (taken, heard.is_fragment(), self.departing.iter().nth(before))
        {
            let reply = is_from_us(vlan, frame.bytes());
            let reply = Datagram::parse(reply.payload()).expect("what we send is a datagram");
            assert_eq!((reply.source(), reply.destination()), (heard.destination(), heard.source()));
            assert_eq!(reply.payload().get(4..), heard.payload().get(4..), "mirrored, and nothing more");
        }
    }

    /// The wire takes the answers that wait.
    pub(crate) fn transmit(&mut self) {
        while let Some(frame) = self.departing.pop() {
            self.pool.give(frame);
        }
    }

    /// Sends a payload to a neighbor.
    pub(crate) fn send(&mut self, to: Ipv4Addr, octets: usize) {
        let Some(mut frame) = self.pool.take() else { return };
        frame.append(octets).expect("room for the MTU");
        let sent = self.host.send(self.now, to, EtherType::IPV4, frame, &mut self.pool);
        self.held += usize::from(sent == SendOutcome::Queued);
    }

    /// Sends an echo request.
    pub(crate) fn ping(&mut self, destination: Ipv4Addr, octets: usize) {
        let data = vec![0x5a; octets.min(Datagram::LONGEST)];
        let ping = EchoRequest { destination, identifier: 7, sequence: 1, time_to_live: 64 };
        let sent = self.host.ping(self.now, ping, &data, &mut self.pool);
        let message = data.len() + 8;
        let frames = if message <= 1_480 { 1 } else { message.div_ceil(1_480) };
        assert!(sent != SendOutcome::Queued || Ipv4Fields::LENGTH + message <= Datagram::LONGEST);
        self.held += if sent == SendOutcome::Queued { frames } else { 0 };
    }

    /// Adds a route; one whose gateway cannot be is refused.
    pub(crate) fn add_route(&mut self, prefix: u8, gateway: Ipv4Addr) {
        let network = Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 2, 0), prefix);
        let before = self.host.routes().iter().count();
        let added = self.host.add_route(network, gateway).is_ok();
        assert_eq!(self.host.routes().iter().count(), before + usize::from(added));
    }

    fn waiting(&self) -> usize {
        self.host.arp().neighbors().pending_packets()
    }

    /// Lets time pass, and then one turn of the loop.
    pub(crate) fn turn(&mut self, milliseconds: u64) {
        self.now = self.now + Duration::from_millis(milliseconds);
        let before = self.wire.taken;
        let outcome = self.host.poll(self.now, &mut self.wire, &mut self.pool, &mut ());
        assert!(outcome.is_ok_and(|outcome| !outcome.tx_blocked && outcome.received == 0));
        assert!(self.wire.taken >= before + self.held, "what departs reaches the wire");
        self.held = 0;
    }

    /// What must hold after every step.
    pub(crate) fn holds(&self) {
        let taken = self.departing.len() + self.held + self.waiting();
        assert_eq!(self.pool.held(), taken, "taken less given is held");

        let link = self.host.link();
        let dropped: u64 = link.dropped().iter().map(|(_, count)| count).sum();
        assert_eq!(link.accepted() + dropped, self.heard);
        assert_eq!(self.host.arp_replies(), self.answers);
        let dropped: u64 = self.host.arp().dropped().iter().map(|(_, count)| count).sum();
        let ipv4: u64 = self.host.ipv4().dropped().iter().map(|(_, count)| count).sum();
        assert_eq!(ipv4, self.dropped.ipv4, "a datagram is counted once");
        assert_eq!(self.host.echo_replies(), self.echoes);
        let reassembly = self.host.ipv4().reassembly();
        assert!(reassembly.octets() <= 4 << 20 && reassembly.len() <= 4_096);
        assert!(dropped + self.host.unsupported_protocol() + self.host.arp_replies() <= link.accepted());
    }

    /// What must hold in the end.
    pub(crate) fn ends(&self) {
        let count = |layer: &str, among: &[&str]| -> u64 {
            let counters = self.host.counters();
            let chosen = counters.iter().filter(|counter| counter.layer == layer && counter.is_loss);
            chosen
                .filter(|counter| among.is_empty() || among.contains(&counter.name.as_str()))
                .map(|c| c.count)
                .sum()
        };
        assert_eq!(count("icmp", &[]), self.dropped.icmp);
        let names = [
            "address not in use",
            "sent to another station than the destination's",
            "to many, and nobody wants it",
        ];
        assert_eq!(count("host", &names), self.dropped.host);
    }

    /// The reply goes by unicast from us to the sender hardware address in the request's packet, and
    /// carries nothing else of the request's frame.
    fn is_the_reply_to(&self, request: &[u8], reply: &[u8]) {
        let request = EthernetFrame::parse(request).expect("only a frame is answered");
        let request = Packet::parse(request.payload()).expect("only a packet is answered");
        let vlan = self.host.config().vlan;
        assert_eq!(reply.len(), if vlan.is_some() { 46 } else { 42 });

        let frame = is_from_us(vlan, reply);
        assert_eq!((frame.destination(), frame.ether_type()), (request.sender_hardware(), EtherType::ARP));
        assert!(frame.destination().is_station());

        let packet = Packet::parse(frame.payload()).expect("a reply is a packet");
        assert_eq!((request.operation(), packet.operation()), (Operation::REQUEST, Operation::REPLY));
        assert_eq!((packet.sender_hardware(), packet.sender_protocol()), (HARDWARE, OURS.addr()));
        assert_eq!(packet.target_hardware(), request.sender_hardware());
        assert_eq!(packet.target_protocol(), request.sender_protocol());
    }
}

impl Device for Wire {
    fn mtu(&self) -> usize {
        1_500
    }

    fn receive(&mut self, _: &mut Pool, _: &mut Batch) -> Result<usize, DeviceError> {
        Ok(0)
    }

    fn transmit(&mut self, departing: &mut Batch, pool: &mut Pool) -> Result<usize, DeviceError> {
        let count = departing.len();
        while let Some(frame) = departing.pop() {
            let ethernet = is_from_us(self.vlan, frame.bytes());
            if ethernet.ether_type() == EtherType::ARP {
                let packet = Packet::parse(ethernet.payload()).expect("what we send is a packet");
                assert_eq!((packet.operation(), packet.sender_hardware()), (Operation::REQUEST, HARDWARE));
                let is_probe = packet.sender_protocol().is_unspecified();
                assert_eq!(
                    packet.sender_protocol(),
                    if is_probe { Ipv4Addr::UNSPECIFIED } else { OURS.addr() }
                );
            } else if ethernet.payload().first() == Some(&0x45) {
                is_a_datagram_of_ours(ethernet.payload());
            }
            pool.give(frame);
        }
        self.taken += count;
        Ok(count)
    }

    fn counters(&self) -> DeviceCounters {
        DeviceCounters::default()
    }
}

/// The datagram that these octets are: from us, with nothing behind it, an ICMP message or a part of one.
/// Returns its identification.
fn is_a_datagram_of_ours(octets: &[u8]) -> u16 {
    let datagram = Datagram::parse(octets).expect("what we send is a datagram");
    assert_eq!((datagram.source(), datagram.octets().len()), (OURS.addr(), octets.len()));
    assert!(octets.len() <= 1_500 && datagram.options().is_empty() && datagram.time_to_live() > 0);
    assert_eq!(datagram.protocol(), IpProtocol::ICMP);
    if !datagram.is_fragment() {
        assert!(inet::checksum::is_valid(datagram.payload()));
    }
    datagram.identification()
}

/// The frame that these octets are: from us, to whoever may be written to, in our VLAN.
fn is_from_us(vlan: Option<VlanId>, octets: &[u8]) -> EthernetFrame<'_> {
    let frame = EthernetFrame::parse(octets).expect("what we send is a frame");
    assert_eq!((frame.source(), frame.encapsulation()), (HARDWARE, Encapsulation::Type));
    assert!(frame.destination().is_station() || frame.destination() == MacAddr::BROADCAST);
    let tag = vlan.map(|vlan| VlanTag { protocol: EtherType::VLAN, control: vlan.number() });
    assert!(frame.tags().iter().eq(tag));
    frame
}
