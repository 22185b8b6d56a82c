//! A host on a wire that takes everything, and what must hold of it whatever arrives.

use std::net::Ipv4Addr;
use std::time::Duration;

use arp::{Operation, Packet, Policy, Settings, Start};
use host::{Config, Dropped, Host, Sent, Verdict};
use ipnet::Ipv4Net;
use link::{Encapsulation, EtherType, Ethernet, MacAddr, VlanId, VlanTag};
use tap::{Batch, Counters, Device, DeviceError, Instant, Pool};

const OURS: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 2), 28);
const HARDWARE: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const VLAN: Option<VlanId> = VlanId::new(5);
/// So few that a few requests are too many.
const DEPARTING: usize = 2;

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
}

/// It takes what departs and looks at it.
struct Wire {
    vlan: Option<VlanId>,
    taken: usize,
}

impl Machine {
    pub(crate) fn new(tagged: bool, believing: bool, probing: bool, entries: u8) -> Machine {
        let config = Config {
            vlan: VLAN.filter(|_| tagged),
            policy: if believing { Policy::Rfc826 } else { Policy::Cautious },
            start: if probing { Start::Probe } else { Start::AtOnce },
            table: Settings { entries: entries.into(), parcels: 4, parcels_each: 2, ..Settings::default() },
            ..Config::new(OURS, HARDWARE)
        };
        let host = Host::new(Instant::ORIGIN, &config).expect("a good configuration");
        Machine {
            wire: Wire { vlan: config.vlan, taken: 0 },
            pool: Pool::new(config.mtu, host.frames() + DEPARTING),
            host,
            now: Instant::ORIGIN,
            departing: Batch::new(DEPARTING),
            held: 0,
            heard: 0,
            answers: 0,
        }
    }

    /// Receives one frame.
    pub(crate) fn hear(&mut self, octets: &[u8]) {
        let mut frame = self.pool.take().expect("no frame is lost");
        if frame.write(octets).is_err() {
            return self.pool.give(frame);
        }
        self.heard += 1;
        let (waiting, congested) = (self.departing.len(), self.host.congested());
        let verdict = self.host.receive(self.now, frame, &mut self.departing, &mut self.pool);

        let answered = matches!(verdict, Verdict::Arp(received) if received.answer.is_some());
        if answered {
            self.answers += 1;
            let reply = self.departing.iter().last().expect("the answer");
            self.is_the_reply_to(octets, reply.octets());
        }
        assert_eq!(self.departing.len(), waiting + usize::from(answered));
        let refused = verdict == Verdict::Dropped(Dropped::Congested);
        assert!(!refused || waiting == DEPARTING);
        assert_eq!(self.host.congested(), congested + u64::from(refused));
    }

    /// The wire takes the answers that wait.
    pub(crate) fn transmit(&mut self) {
        while let Some(frame) = self.departing.pop() {
            self.pool.give(frame);
        }
    }

    /// Sends a payload to a neighbour.
    pub(crate) fn send(&mut self, to: Ipv4Addr, octets: usize) {
        let Some(mut frame) = self.pool.take() else { return };
        frame.append(octets).expect("room for the MTU");
        let sent = self.host.send(self.now, to, EtherType::IPV4, frame, &mut self.pool);
        self.held += usize::from(sent == Sent::Departs);
    }

    /// Lets time pass, and then one turn of the loop.
    pub(crate) fn turn(&mut self, milliseconds: u64) {
        self.now = self.now + Duration::from_millis(milliseconds);
        let before = self.wire.taken;
        let turn = self.host.turn(self.now, &mut self.wire, &mut self.pool, &mut ());
        assert!(turn.is_ok_and(|turn| !turn.congested && turn.arrived == 0));
        assert!(self.wire.taken >= before + self.held, "what departs reaches the wire");
        self.held = 0;
    }

    /// What must hold after every step.
    pub(crate) fn holds(&self) {
        let waiting = self.host.arp().neighbours().waiting();
        let taken = self.departing.len() + self.held + waiting;
        assert_eq!(self.pool.held(), taken, "taken less given is held");

        let link = self.host.link();
        let dropped: u64 = link.dropped().iter().map(|(_, count)| count).sum();
        assert_eq!(link.accepted() + dropped, self.heard);
        assert_eq!(self.host.answered(), self.answers);
        let dropped: u64 = self.host.arp().dropped().iter().map(|(_, count)| count).sum();
        assert!(dropped + self.host.unspoken() + self.host.answered() <= link.accepted());
    }

    /// The reply goes by unicast from us to the sender hardware address in the request's packet, and
    /// carries nothing else of the request's frame.
    fn is_the_reply_to(&self, request: &[u8], reply: &[u8]) {
        let request = Ethernet::parse(request).expect("only a frame is answered");
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
            let ethernet = is_from_us(self.vlan, frame.octets());
            if ethernet.ether_type() == EtherType::ARP {
                let packet = Packet::parse(ethernet.payload()).expect("what we send is a packet");
                assert_eq!((packet.operation(), packet.sender_hardware()), (Operation::REQUEST, HARDWARE));
                let is_probe = packet.sender_protocol().is_unspecified();
                assert_eq!(
                    packet.sender_protocol(),
                    if is_probe { Ipv4Addr::UNSPECIFIED } else { OURS.addr() }
                );
            }
            pool.give(frame);
        }
        self.taken += count;
        Ok(count)
    }

    fn counters(&self) -> Counters {
        Counters::default()
    }
}

/// The frame that these octets are: from us, to whoever may be written to, in our VLAN.
fn is_from_us(vlan: Option<VlanId>, octets: &[u8]) -> Ethernet<'_> {
    let frame = Ethernet::parse(octets).expect("what we send is a frame");
    assert_eq!((frame.source(), frame.encapsulation()), (HARDWARE, Encapsulation::Type));
    assert!(frame.destination().is_station() || frame.destination() == MacAddr::BROADCAST);
    let tag = vlan.map(|vlan| VlanTag { protocol: EtherType::VLAN, control: vlan.number() });
    assert!(frame.tags().iter().eq(tag));
    frame
}
