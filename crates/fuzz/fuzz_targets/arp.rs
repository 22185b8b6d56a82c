//! A segment's packets, good and bad, under both policies: who is answered, who is believed.
#![no_main]

mod packet;

use std::net::Ipv4Addr;

use arp::{
    Arp, Config, Dropped, Entry, Event, Instant, Locals, MacAddr, Merge, Operation, Packet, Policy, Received,
};
use ipnet::Ipv4Net;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

use packet::Heard;

/// Ours are 10.0.0.2 to .5, at 02:00:00:00:00:02 to :05.
const FIRST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const LAST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
const HARDWARE: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);

#[derive(Arbitrary, Debug)]
struct Scene<'a> {
    entries: u8,
    steps: Vec<Step<'a>>,
}

/// A packet, when it was heard, and which of our stations its frame was sent to.
#[derive(Arbitrary, Debug)]
struct Step<'a> {
    nanoseconds: u64,
    station: Option<u8>,
    heard: Heard<'a>,
}

/// ARP under one policy, and what it is known to have turned away.
struct Segment {
    arp: Arp,
    policy: Policy,
    bound: usize,
    dropped: u64,
    refused: u64,
}

fuzz_target!(|scene: Scene<'_>| {
    let bound = usize::from(scene.entries % 8);
    let [mut cautious, mut rfc826] = [Policy::Cautious, Policy::Rfc826].map(|it| Segment::new(it, bound));
    for step in &scene.steps {
        let now = Instant::from_nanos(step.nanoseconds);
        let station = step.station.and_then(|number| HARDWARE.plus(u64::from(number % 4)));
        let octets = step.heard.octets();
        let judged = [&mut cautious, &mut rfc826].map(|segment| segment.hear(now, station, &octets));
        let [one, other] = judged.map(|judged| judged.map(|received| received.answer));
        assert_eq!(one, other, "a policy is about learning, not about answering");
    }
});

impl Segment {
    fn new(policy: Policy, bound: usize) -> Segment {
        let mut locals = Locals::default();
        locals.add(FIRST, LAST, HARDWARE).expect("a first range of stations");
        let network = Ipv4Net::new(Ipv4Addr::new(10, 0, 0, 0), 28).ok();
        let config = Config { policy, entries: bound, seed: 7, network };
        Segment { arp: Arp::new(locals, config), policy, bound, dropped: 0, refused: 0 }
    }

    /// Receives one packet and checks all that must hold afterwards.
    fn hear(&mut self, now: Instant, station: Option<MacAddr>, octets: &[u8]) -> Result<Received, Dropped> {
        let before = self.arp.table().list();
        let judged = self.arp.receive(now, station, octets);
        let after = self.arp.table().list();
        match judged {
            Ok(received) => {
                let packet = Packet::parse(octets).expect("what was received is a packet");
                self.answers_whom_it_should(station, packet, received);
                self.learns_what_it_should(now, packet, received.merge, &before, &after);
            }
            Err(reason) => {
                self.dropped += 1;
                assert_eq!(before, after, "what is turned away teaches nothing");
                self.reports_conflicts_alone(octets, reason);
            }
        }
        self.believes_only_what_can_be(&after);
        self.counts_add_up();
        judged
    }

    fn answers_whom_it_should(&self, station: Option<MacAddr>, packet: Packet<'_>, received: Received) {
        let ours = self.arp.locals().hardware_of(packet.target_protocol());
        let due = ours.filter(|_| packet.operation() == Operation::REQUEST);
        assert_eq!(received.answer.map(|answer| answer.ours), due);
        assert!(received.answer.is_none_or(|answer| answer.to == packet.sender_hardware()));
        assert!(!packet.operation().is_foreign());
        assert!(station.is_none() || ours.is_none() || station == ours);
    }

    fn learns_what_it_should(
        &mut self,
        now: Instant,
        packet: Packet<'_>,
        merge: Merge,
        before: &[(Ipv4Addr, Entry)],
        after: &[(Ipv4Addr, Entry)],
    ) {
        let (protocol, hardware) = (packet.sender_protocol(), packet.sender_hardware());
        let known = before.iter().find(|(address, _)| *address == protocol).map(|(_, entry)| entry.hardware);
        let event = match merge {
            Merge::None | Merge::Refused => {
                assert_eq!((known, before), (None, after));
                (merge == Merge::Refused).then_some(Event::Refused { protocol, hardware })
            }
            Merge::Added => {
                assert_eq!((known, before.len() + 1), (None, after.len()));
                Some(Event::Learned { protocol, hardware })
            }
            Merge::Confirmed => {
                assert_eq!(known, Some(hardware));
                None
            }
            Merge::Moved => {
                let from = known.expect("only what is known can move");
                assert_ne!(from, hardware);
                Some(Event::Moved { protocol, from, to: hardware })
            }
        };
        if matches!(merge, Merge::Added | Merge::Confirmed | Merge::Moved) {
            let entry = self.arp.table().get(protocol).copied();
            assert_eq!(entry, Some(Entry { hardware, confirmed: now }));
        }
        if matches!(merge, Merge::Added | Merge::Refused) {
            assert!(self.arp.locals().hardware_of(packet.target_protocol()).is_some());
            assert!(self.policy == Policy::Rfc826 || packet.operation() == Operation::REQUEST);
        }
        self.refused += u64::from(merge == Merge::Refused);
        assert_eq!(self.arp.take_event(), event);
    }

    fn reports_conflicts_alone(&mut self, octets: &[u8], reason: Dropped) {
        let event = Packet::parse(octets).ok().filter(|_| reason == Dropped::Conflict).map(|packet| {
            Event::Conflict { protocol: packet.sender_protocol(), hardware: packet.sender_hardware() }
        });
        assert_eq!(self.arp.take_event(), event);
    }

    fn believes_only_what_can_be(&self, table: &[(Ipv4Addr, Entry)]) {
        assert!(table.len() <= self.bound);
        for (protocol, entry) in table {
            assert!(entry.hardware.is_station());
            assert!(!self.arp.locals().has_hardware(entry.hardware));
            assert!(!(FIRST..=LAST).contains(protocol));
            let nobody = protocol.is_unspecified() || protocol.is_loopback() || protocol.is_multicast();
            assert!(!nobody && !protocol.is_broadcast() && *protocol != Ipv4Addr::new(10, 0, 0, 15));
        }
    }

    fn counts_add_up(&mut self) {
        let dropped: u64 = self.arp.dropped().iter().map(|(_, count)| count).sum();
        assert_eq!((dropped, self.arp.refused()), (self.dropped, self.refused));
        assert_eq!((self.arp.take_event(), self.arp.events_lost()), (None, 0));
    }
}
