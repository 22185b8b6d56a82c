//! Frames of all kinds, one after another, into one host: no frame is lost, no answer is wrong.
#![no_main]

mod packet;

use std::net::Ipv4Addr;

use arp::{Operation, Packet, Policy};
use host::{Config, Dropped, Host, Verdict};
use ipnet::Ipv4Net;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use link::{Encapsulation, EtherType, Ethernet, MacAddr, VlanId, VlanTag};
use tap::{Batch, Instant, Pool};

use packet::{Hardware, Heard};

const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const HARDWARE: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const VLAN: Option<VlanId> = VlanId::new(5);
/// So few that a few requests fill them.
const DEPARTING: usize = 3;

#[derive(Arbitrary, Debug)]
struct Scene<'a> {
    tagged: bool,
    believing: bool,
    entries: u8,
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    /// Any octets.
    Octets(&'a [u8]),
    /// A packet in a frame that may be in order.
    Arp { destination: Hardware, source: Hardware, head: Head<'a>, heard: Heard<'a>, padding: u8 },
    /// The wire takes the answers that wait.
    Transmit,
}

/// What stands between the source address and the packet.
#[derive(Arbitrary, Debug)]
enum Head<'a> {
    Type,
    Tagged(Vlan),
    Stacked(Vlan, Vlan),
    Snap,
    Octets(&'a [u8]),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Vlan {
    Priority,
    Ours,
    Any(u16),
}

/// A host, and how many frames it heard and answers it gave.
struct Machine {
    host: Host,
    pool: Pool,
    departing: Batch,
    frames: u64,
    answers: u64,
}

fuzz_target!(|scene: Scene<'_>| {
    let mut machine = Machine::new(&scene);
    for (turn, step) in (0..).zip(&scene.steps) {
        match step {
            Step::Transmit => machine.transmit(),
            Step::Octets(octets) => machine.hear(turn, octets),
            Step::Arp { .. } => machine.hear(turn, &step.frame()),
        }
    }
    machine.transmit();
});

impl Machine {
    fn new(scene: &Scene<'_>) -> Machine {
        let address = Ipv4Net::new(OURS, 28).expect("a network");
        let config = Config {
            vlan: VLAN.filter(|_| scene.tagged),
            policy: if scene.believing { Policy::Rfc826 } else { Policy::Cautious },
            entries: usize::from(scene.entries % 8),
            ..Config::new(address, HARDWARE)
        };
        Machine {
            host: Host::new(&config).expect("a good configuration"),
            pool: Pool::new(config.mtu, DEPARTING + 1),
            departing: Batch::new(DEPARTING),
            frames: 0,
            answers: 0,
        }
    }

    /// Receives one frame and checks all that must hold afterwards.
    fn hear(&mut self, turn: u64, octets: &[u8]) {
        let mut frame = self.pool.take().expect("no frame is lost");
        if frame.write(octets).is_err() {
            return self.pool.give(frame);
        }
        self.frames += 1;
        let (waiting, congested) = (self.departing.len(), self.host.congested());
        let now = Instant::from_nanos(turn);
        let verdict = self.host.receive(now, frame, &mut self.departing, &mut self.pool);

        let answered = matches!(verdict, Verdict::Arp(received) if received.answer.is_some());
        if answered {
            self.answers += 1;
            let reply = self.departing.iter().last().expect("the answer");
            self.is_the_reply_to(octets, reply.octets());
        }
        assert_eq!(self.departing.len(), waiting + usize::from(answered));
        assert_eq!(self.pool.held(), self.departing.len(), "taken less given is held");
        let refused = verdict == Verdict::Dropped(Dropped::Congested);
        assert!(!refused || waiting == DEPARTING);
        assert_eq!(self.host.congested(), congested + u64::from(refused));
        self.counts_add_up();
    }

    fn transmit(&mut self) {
        while let Some(frame) = self.departing.pop() {
            self.pool.give(frame);
        }
        assert_eq!(self.pool.held(), 0);
    }

    /// The reply goes by unicast from us to the sender hardware address in the request's packet, and
    /// carries nothing else of the request's frame.
    fn is_the_reply_to(&self, request: &[u8], reply: &[u8]) {
        let request = Ethernet::parse(request).expect("only a frame is answered");
        let request = Packet::parse(request.payload()).expect("only a packet is answered");
        let vlan = self.host.config().vlan;
        assert_eq!(reply.len(), if vlan.is_some() { 46 } else { 42 });

        let frame = Ethernet::parse(reply).expect("a reply is a frame");
        assert_eq!((frame.destination(), frame.source()), (request.sender_hardware(), HARDWARE));
        assert!(frame.destination().is_station());
        assert_eq!((frame.encapsulation(), frame.ether_type()), (Encapsulation::Type, EtherType::ARP));
        let tag = vlan.map(|vlan| VlanTag { protocol: EtherType::VLAN, control: vlan.number() });
        assert!(frame.tags().iter().eq(tag));

        let packet = Packet::parse(frame.payload()).expect("a reply is a packet");
        assert_eq!((request.operation(), packet.operation()), (Operation::REQUEST, Operation::REPLY));
        assert_eq!((packet.sender_hardware(), packet.sender_protocol()), (HARDWARE, OURS));
        assert_eq!(packet.target_hardware(), request.sender_hardware());
        assert_eq!(packet.target_protocol(), request.sender_protocol());
    }

    /// Every frame is counted, once by the link and no more than once above it.
    fn counts_add_up(&self) {
        let link = self.host.link();
        let dropped: u64 = link.dropped().iter().map(|(_, count)| count).sum();
        assert_eq!(link.accepted() + dropped, self.frames);
        assert_eq!(self.host.answered(), self.answers);
        let dropped: u64 = self.host.arp().dropped().iter().map(|(_, count)| count).sum();
        let judged = dropped + self.host.unspoken() + self.host.answered() + self.host.congested();
        assert!(judged <= link.accepted());
    }
}

impl Step<'_> {
    fn frame(&self) -> Vec<u8> {
        match self {
            Self::Octets(octets) => octets.to_vec(),
            Self::Transmit => Vec::new(),
            Self::Arp { destination, source, head, heard, padding } => {
                let packet = heard.octets();
                let head = head.octets(packet.len());
                let (destination, source) = (destination.address().octets(), source.address().octets());
                [&destination[..], &source, &head, &packet, &vec![0xee; usize::from(*padding)]].concat()
            }
        }
    }
}

impl Head<'_> {
    /// The octets before a packet of this length.
    fn octets(&self, length: usize) -> Vec<u8> {
        let length = u16::try_from(length + 8).unwrap_or(u16::MAX);
        match self {
            Self::Type => vec![8, 6],
            Self::Tagged(tag) => [[0x81, 0], tag.control(), [8, 6]].concat(),
            Self::Stacked(outer, inner) => {
                [[0x88, 0xa8], outer.control(), [0x81, 0], inner.control(), [8, 6]].concat()
            }
            Self::Snap => [&length.to_be_bytes()[..], &[0xaa, 0xaa, 3, 0, 0, 0, 8, 6]].concat(),
            Self::Octets(octets) => octets.to_vec(),
        }
    }
}

impl Vlan {
    fn control(self) -> [u8; 2] {
        match self {
            Self::Priority => [0x60, 0],
            Self::Ours => [0, 5],
            Self::Any(control) => control.to_be_bytes(),
        }
    }
}
