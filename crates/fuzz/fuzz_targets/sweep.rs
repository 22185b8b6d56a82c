//! A sweep of any ranges, with arbitrary packets, rejected frames and times, compared with a simple model.
#![no_main]

mod packet;

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use arp::{Identity, Instant, MacAddr, Operation, Packet, PacketFields};
use arptools::sweep::{Sweep, SweepCounts, SweepOutcome, SweepPlan, SweepReply, TargetRanges};
use arptools::{RequestStep, Requester};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

use packet::{FuzzMac, FuzzPacket};

#[derive(Arbitrary, Debug)]
struct Scenario<'a> {
    ranges: Vec<Range>,
    passes: u8,
    /// Timeout in tenths of a second.
    timeout: u8,
    backoff: f64,
    /// Interval in tenths of a millisecond.
    interval: u8,
    limit: Option<u8>,
    seed: Option<u64>,
    steps: Vec<Step<'a>>,
}

/// Range of addresses. `first` is the offset from 10.0.0.0.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Range {
    first: u8,
    length: u16,
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    Receive(FuzzPacket<'a>),
    /// A reply for the last requested address arrives, from any MAC address.
    Reply {
        mac: FuzzMac,
    },
    /// Time passes, in tenths of a millisecond.
    Wait(u16),
    /// The clock jumps to half of this time, in nanoseconds.
    Jump(u64),
    /// All due packets are sent.
    Send,
    /// The device rejects a sent packet.
    Refuse,
    RxBlocked,
}

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// Expected state of the sweep.
#[derive(Default)]
struct Model {
    /// Number of requests, and time of the last request.
    requested: HashMap<Ipv4Addr, (u32, Instant)>,
    found: HashMap<Ipv4Addr, (MacAddr, u16)>,
    contested: HashSet<Ipv4Addr>,
    /// Requests by other programs with the same sender addresses.
    foreign_requests: HashMap<Ipv4Addr, u8>,
    sent: u64,
    refused: u64,
    packet: u64,
    reported: u64,
    last: Option<Ipv4Addr>,
}

impl Scenario<'_> {
    fn sweep(&self) -> Option<Sweep> {
        let base = Ipv4Addr::new(10, 0, 0, 0).to_bits();
        let ranges = self.ranges.iter().map(|range| {
            let first = base + u32::from(range.first);
            Ipv4Addr::from_bits(first)..=Ipv4Addr::from_bits(first + u32::from(range.length) % 600)
        });
        let plan = SweepPlan {
            sender: Identity { ip: LOCAL, mac: FuzzMac::Local.address() },
            passes: u32::from(self.passes % 5),
            timeout: Duration::from_millis(100 * u64::from(self.timeout)),
            backoff: self.backoff,
            interval: Duration::from_micros(100 * u64::from(self.interval)),
            limit: self.limit.map(u64::from),
            seed: self.seed,
        };
        Some(Sweep::new(Instant::ORIGIN, plan, TargetRanges::new(ranges).ok()?))
    }
}

impl Model {
    /// Sends all due packets. Checks that the burst is within the lateness tolerance.
    fn send(&mut self, sweep: &mut Sweep, now: Instant) {
        let interval = sweep.plan().interval;
        let most = match Sweep::LATENESS_TOLERANCE.as_nanos().checked_div(interval.as_nanos()) {
            Some(late) => usize::try_from(late).expect("tolerance over interval should fit in usize") + 1,
            None => usize::MAX,
        };
        let mut burst = 0;
        while let RequestStep::Send { packet, .. } = sweep.next(now) {
            burst += 1;
            assert!(burst <= most, "burst of {burst} packets (at most {most} allowed)");
            let target = packet.target_protocol;
            assert!(target != LOCAL && !self.found.contains_key(&target) && sweep.ranges().contains(target));
            let (times, last) = self.requested.entry(target).or_default();
            (*times, *last) = (*times + 1, now);
            assert!(*times <= sweep.plan().passes.max(1));
            sweep.sent(now);
            self.sent += 1;
            self.last = Some(target);
        }
    }

    fn receive(&mut self, sweep: &mut Sweep, now: Instant, bytes: &[u8]) {
        let Ok(packet) = Packet::parse(bytes) else { return };
        self.packet += 1;
        let expected = self.expected(now, &packet.into(), sweep.plan());
        let reply = sweep.receive(now, packet, false);
        assert_eq!(reply, expected);
    }

    fn expected(&mut self, now: Instant, packet: &PacketFields, plan: &SweepPlan) -> Option<SweepReply> {
        let sender = plan.sender;
        let has_same_sender = (packet.sender_hardware, packet.sender_protocol) == (sender.mac, sender.ip);
        if has_same_sender && packet.operation == Operation::REQUEST {
            let count = self.foreign_requests.entry(packet.target_protocol).or_default();
            *count = (*count + 1).min(7);
        }
        let is_reply = packet.operation == Operation::REPLY
            && packet.target_hardware == sender.mac
            && packet.target_protocol == sender.ip
            && packet.sender_hardware.is_station()
            && packet.sender_hardware != sender.mac;
        let (_, request_time) = self.requested.get(&packet.sender_protocol).copied().filter(|_| is_reply)?;
        let is_limit_reached = plan.limit.is_some_and(|limit| self.found.len() as u64 >= limit);
        if is_limit_reached {
            return None;
        }
        let station = self.found.get(&packet.sender_protocol).map(|(first, _)| *first);
        let foreign_requests = self.foreign_requests.entry(packet.sender_protocol).or_default();
        if station == Some(packet.sender_hardware) && *foreign_requests > 0 {
            *foreign_requests -= 1;
            return None;
        }
        self.reported += 1;
        let (first, number) = self.found.entry(packet.sender_protocol).or_insert((packet.sender_hardware, 0));
        *number = (*number + 1).min(4_095);
        let other_mac = Some(*first).filter(|first| *first != packet.sender_hardware);
        if other_mac.is_some() {
            self.contested.insert(packet.sender_protocol);
        }
        Some(SweepReply {
            packet: *packet,
            is_broadcast: false,
            number: *number,
            other_mac,
            rtt: now.since(request_time),
        })
    }

    /// Checks that the counts and the outcome agree with the model.
    fn check(&self, sweep: &Sweep) {
        let SweepCounts { requested, sent, refused, answered, duplicates, conflicts, contested, unrelated } =
            *sweep.counts();
        assert_eq!(
            (requested, sent + refused, refused),
            (self.requested.len() as u64, self.sent, self.refused)
        );
        assert_eq!((answered, contested), (self.found.len() as u64, self.contested.len() as u64));
        assert_eq!(answered + duplicates + conflicts, self.reported);
        assert_eq!(self.reported + unrelated, self.packet);
        match sweep.outcome() {
            SweepOutcome::Found => assert!(answered >= sweep.plan().limit.unwrap_or(1).max(1)),
            SweepOutcome::NoReply => assert!(answered == 0 && refused == 0),
            SweepOutcome::BelowLimit => assert!(answered > 0 && refused == 0),
            SweepOutcome::Impaired => assert!(sweep.is_impaired()),
            SweepOutcome::NothingSent => assert_eq!(sent, 0),
            SweepOutcome::Unfinished => assert!(sent > 0),
        }
    }
}

fuzz_target!(|scenario: Scenario<'_>| {
    let Some(mut sweep) = scenario.sweep() else { return };
    let (mut now, mut model) = (Instant::ORIGIN, Model::default());
    for step in &scenario.steps {
        match step {
            Step::Receive(packet) => model.receive(&mut sweep, now, &packet.bytes()),
            Step::Reply { mac } => {
                let Some(sender_protocol) = model.last else { continue };
                let fields = PacketFields {
                    operation: Operation::REPLY,
                    sender_hardware: mac.address(),
                    sender_protocol,
                    target_hardware: sweep.plan().sender.mac,
                    target_protocol: LOCAL,
                };
                let mut bytes = [0; PacketFields::LENGTH];
                fields.write_to(&mut bytes).expect("buffer should hold an ARP packet");
                model.receive(&mut sweep, now, &bytes);
            }
            Step::Wait(span) => now = now + Duration::from_micros(100 * u64::from(*span)),
            // The clock does not reach the maximum time, where two requests cannot have different times.
            Step::Jump(nanoseconds) => now = Instant::from_nanos(*nanoseconds / 2),
            Step::Send => model.send(&mut sweep, now),
            Step::Refuse if sweep.counts().sent > 0 => {
                sweep.refused(1);
                model.refused += 1;
            }
            Step::Refuse => {}
            Step::RxBlocked => sweep.rx_blocked(),
        }
        model.check(&sweep);
    }
    check_end(sweep, now, &mut model);
});

/// Checks that a sweep without further input ends.
fn check_end(mut sweep: Sweep, mut now: Instant, model: &mut Model) {
    let steps = 10_000 + 10 * sweep.targets();
    for _ in 0..steps {
        if now > Instant::from_nanos(u64::MAX / 2) {
            return;
        }
        match sweep.next(now) {
            RequestStep::Done => return model.check(&sweep),
            RequestStep::Wait(span) => now = now + span,
            RequestStep::Send { .. } => model.send(&mut sweep, now),
        }
    }
    panic!("the sweep did not end");
}
