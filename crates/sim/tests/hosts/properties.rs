//! Properties of hosts on one segment under any traffic.

use std::collections::BTreeMap;
use std::time::Duration;

use arp::{LearningPolicy, NeighborSettings, NeighborState, Operation, PacketFields};
use host::{HostConfig, SendOutcome};
use link::MacAddr;
use proptest::prelude::*;
use sim::{Faults, NodeId, RecordedFrame, Segment};

use super::{SECOND, TEST, arp_entry, at, config, ip, mac, segment};

/// A step of a run.
#[derive(Clone, Debug)]
enum Step {
    /// A host sends a payload to the address of a host, or to an unused address.
    Send { from: u8, to: u8 },
    /// A forged ARP packet.
    ForgedPacket(ForgedPacket),
    /// A frame of random bytes.
    RandomFrame(Vec<u8>),
    /// The clock advances by this time, in milliseconds.
    Wait(u64),
}

#[derive(Clone, Debug)]
struct ForgedPacket {
    destination: u8,
    operation: u16,
    sender: (u8, u8),
    target: u8,
}

impl ForgedPacket {
    fn bytes(&self) -> Vec<u8> {
        let mut packet = [0; PacketFields::LENGTH];
        let (sender_mac, sender_ip) = self.sender;
        let fields = PacketFields {
            operation: Operation(self.operation),
            sender_hardware: mac(sender_mac),
            sender_protocol: ip(sender_ip),
            target_hardware: MacAddr::ZERO,
            target_protocol: ip(self.target),
        };
        fields.write_to(&mut packet).unwrap();
        let destination = if self.destination == 0 { MacAddr::BROADCAST } else { mac(self.destination) };
        [&destination.bytes()[..], &mac(sender_mac).bytes(), &[8, 6], &packet].concat()
    }
}

/// Generates steps on a segment with the hosts 1 to 3. The addresses 4 to 6 are unused.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let packet = (0_u8..4, 1_u16..4, (1_u8..8, 1_u8..8), 1_u8..7).prop_map(
        |(destination, operation, sender, target)| ForgedPacket { destination, operation, sender, target },
    );
    let step = prop_oneof![
        6 => (1_u8..4, 1_u8..7).prop_map(|(from, to)| Step::Send { from, to }),
        3 => packet.prop_map(Step::ForgedPacket),
        1 => prop::collection::vec(any::<u8>(), 0..80).prop_map(Step::RandomFrame),
        4 => (0_u64..4_000).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..80)
}

prop_compose! {
    pub(super) fn faults()(
        seed: u64,
        rates in [0_u32..600_000, 0_u32..400_000, 0_u32..400_000, 0_u32..300_000],
        max_latency in 100_u64..50_000,
        reordering_delay in 0_u64..2_000_000,
    ) -> Faults {
        let [loss, duplication, reordering, corruption] = rates;
        let (max_latency, reordering_delay) = (Duration::from_micros(max_latency), Duration::from_micros(reordering_delay));
        Faults { seed, loss, duplication, reordering, corruption, max_latency, reordering_delay, ..Faults::NONE }
    }
}

fn policy() -> impl Strategy<Value = LearningPolicy> {
    prop::sample::select(vec![LearningPolicy::Cautious, LearningPolicy::Rfc826, LearningPolicy::Permissive])
}

/// Three hosts that send numbered payloads.
struct ThreeHosts {
    segment: Segment,
    nodes: [NodeId; 3],
    settings: NeighborSettings,
    next: [u32; 3],
    refused: [usize; 3],
    /// Transmissions of each payload, by host and number.
    seen: BTreeMap<(NodeId, u32), usize>,
}

impl ThreeHosts {
    fn new(faults: Faults, policy: LearningPolicy, settings: NeighborSettings) -> ThreeHosts {
        let mut segment = segment(faults);
        let nodes = [1, 2, 3]
            .map(|last| segment.add(&HostConfig { policy, table: settings, ..config(last) }).unwrap());
        ThreeHosts { segment, nodes, settings, next: [0; 3], refused: [0; 3], seen: BTreeMap::new() }
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Send { from, to } => self.send(*from, *to),
            Step::ForgedPacket(packet) => self.segment.inject(&packet.bytes()),
            Step::RandomFrame(bytes) => self.segment.inject(bytes),
            Step::Wait(millis) => self.segment.run_for(Duration::from_millis(*millis)).unwrap(),
        }
        self.segment.run_for(Duration::ZERO).unwrap();
        for frame in self.segment.take_captured() {
            if frame.bytes[12..14] == TEST.0.to_be_bytes() {
                let number = u32::from_be_bytes(frame.bytes[14..18].try_into().unwrap());
                *self.seen.entry((frame.from, number)).or_insert(0) += 1;
            }
        }
    }

    fn send(&mut self, from: u8, to: u8) {
        let index = usize::from(from - 1);
        let payload = self.next[index].to_be_bytes();
        self.next[index] += 1;
        let sent = self.segment.send(self.nodes[index], ip(to), TEST, &payload);
        self.refused[index] += usize::from(matches!(sent, SendOutcome::Dropped(_)));
    }

    /// Checks that the tables are within their bounds, and each frame in use is a pending payload.
    fn check_bounds(&self) -> Result<(), TestCaseError> {
        for node in self.nodes {
            let neighbors = self.segment.host(node).unwrap().arp().neighbors();
            prop_assert!(neighbors.len() <= self.settings.entries);
            prop_assert!(neighbors.pending_packets() <= self.settings.pending);
            prop_assert_eq!(self.segment.pool(node).unwrap().held(), neighbors.pending_packets());
        }
        Ok(())
    }

    /// Checks that each payload was sent once, was returned once, or is pending.
    fn check_payloads(&self) -> Result<(), TestCaseError> {
        prop_assert!(self.seen.values().all(|times| *times == 1), "{:?}", self.seen);
        for (index, node) in self.nodes.into_iter().enumerate() {
            let neighbors = self.segment.host(node).unwrap().arp().neighbors();
            let sent = self.seen.keys().filter(|(from, _)| *from == node).count();
            let returned = usize::try_from(neighbors.counts().returned).unwrap();
            let ended = sent + self.refused[index] + returned + neighbors.pending_packets();
            prop_assert_eq!(ended, usize::try_from(self.next[index]).unwrap());
        }
        Ok(())
    }

    /// Returns whether each host has resolved the two other hosts.
    fn all_resolved_each_other(&self) -> bool {
        let is_resolved =
            |node, last| arp_entry(&self.segment, node, last).is_some_and(|(at, _)| at == Some(mac(last)));
        let hosts = || (1..).zip(self.nodes);
        hosts().all(|(own, node)| hosts().all(|(last, _)| last == own || is_resolved(node, last)))
    }
}

proptest! {
    // proves: table-bound, queue-bounds, queue-failure
    #[test]
    fn table_bounds_hold_and_each_payload_is_sent_or_returned_once(
        steps in steps(),
        faults in faults(),
        policy in policy(),
        (entries, pending, pending_per_entry) in (1_usize..6, 1_usize..6, 1_usize..4),
    ) {
        let settings = NeighborSettings { entries, pending, pending_per_entry, pending_bytes: 20, ..NeighborSettings::default() };
        let mut hosts = ThreeHosts::new(faults, policy, settings);
        for step in &steps {
            hosts.apply(step);
            hosts.check_bounds()?;
        }
        hosts.check_payloads()?;
        // After all timeouts, no payload is pending and no frame is in use.
        hosts.apply(&Step::Wait(60_000));
        hosts.check_payloads()?;
        prop_assert!(hosts.nodes.iter().all(|node| hosts.segment.pool(*node).unwrap().held() == 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hosts_resolve_each_other_when_faults_end(
        steps in steps(),
        faults in faults(),
        policy in policy(),
        stopped in prop::option::of(0_usize..3),
    ) {
        // The timeout is so long that entries are corrected by probes, not by expiry.
        let settings = NeighborSettings { timeout: Duration::from_hours(1), ..NeighborSettings::default() };
        let mut hosts = ThreeHosts::new(faults, policy, settings);
        let half = steps.len() / 2;
        for (index, step) in steps.iter().enumerate() {
            // One host may be stopped during the second half of the run.
            if let Some(stopped) = stopped.filter(|_| index == half) {
                hosts.segment.stop(hosts.nodes[stopped]);
            }
            hosts.apply(step);
        }
        if let Some(stopped) = stopped {
            hosts.segment.start(hosts.nodes[stopped]).unwrap();
        }
        hosts.segment.set_faults(Faults::NONE);
        // An entry from a forged reply is REACHABLE for at most 45 s, and then probed within 9 s.
        for _ in 0..70 {
            for (from, to) in [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)] {
                hosts.send(from, to);
            }
            hosts.segment.run_for(SECOND).unwrap();
        }
        prop_assert!(hosts.all_resolved_each_other());
        let unsupported = |hosts: &ThreeHosts| hosts.nodes.map(|node| hosts.segment.host(node).unwrap().unsupported_protocol());
        let before = unsupported(&hosts);
        for (from, to) in [(1, 2), (2, 3), (3, 1)] {
            hosts.send(from, to);
        }
        hosts.segment.run_for(SECOND).unwrap();
        prop_assert_eq!(unsupported(&hosts), before.map(|count| count + 1), "a payload did not arrive");
    }

    // proves: rfc1122-flood
    #[test]
    fn unreachable_destinations_do_not_delay_reachable_ones(
        unreachable in prop::collection::vec((0_u64..20_000, 100_u8..200), 1..60),
        reachable in prop::collection::vec((0_u64..20_000, 2_u8..4), 1..10),
        max_latency in 100_u64..100_000,
        seed: u64,
    ) {
        let max_latency = Duration::from_micros(max_latency);
        let mut segment = segment(Faults { seed, max_latency, ..Faults::NONE });
        let own = segment.add(&config(1)).unwrap();
        for last in [2, 3] {
            segment.add(&config(last)).unwrap();
        }
        let mut sends: Vec<_> = unreachable.iter().chain(&reachable).copied().collect();
        sends.sort_unstable();
        for (millis, last) in sends {
            segment.run_until(at(Duration::from_millis(millis))).unwrap();
            let sent = segment.send(own, ip(last), TEST, &[]);
            prop_assert!(!matches!(sent, SendOutcome::Dropped(_)), "{sent:?}");
            segment.run_for(Duration::ZERO).unwrap();
            if last < 100 {
                // The reply to this request or to an earlier request for the same address arrives within this time.
                let until = segment.now() + max_latency * 2;
                let mut sent = SentPayloads::of(&mut segment, own);
                while !sent.includes(last) && segment.next().is_some_and(|next| next <= until) {
                    let next = segment.next().unwrap();
                    segment.run_until(next).unwrap();
                    sent.update(&mut segment);
                }
                prop_assert!(sent.includes(last), "no payload was sent to 10.0.0.{last} after the call at {millis} ms");
            }
            segment.take_captured();
        }
    }
}

/// The payloads sent by one host.
struct SentPayloads(NodeId, Vec<RecordedFrame>);

impl SentPayloads {
    fn of(segment: &mut Segment, node: NodeId) -> SentPayloads {
        SentPayloads(node, segment.take_captured())
    }

    fn update(&mut self, segment: &mut Segment) {
        self.1.extend(segment.take_captured());
    }

    /// Returns whether a payload was sent to 10.0.0.`last`.
    fn includes(&self, last: u8) -> bool {
        let is_match = |frame: &RecordedFrame| {
            frame.from == self.0
                && frame.bytes.starts_with(&mac(last).bytes())
                && frame.bytes[12..14] == TEST.0.to_be_bytes()
        };
        self.1.iter().any(is_match)
    }
}

// proves: table-bound, table-eviction, static-entry
#[test]
fn static_and_used_entries_survive_100000_other_senders() {
    let mut segment = segment(Faults::NONE);
    let address = "10.0.0.1/8".parse().unwrap();
    let table = NeighborSettings { entries: 256, ..NeighborSettings::default() };
    let config = HostConfig { policy: LearningPolicy::Permissive, table, ..HostConfig::new(address, mac(1)) };
    let own = segment.add(&config).unwrap();
    segment.add(&HostConfig::new("10.0.0.2/8".parse().unwrap(), mac(2))).unwrap();
    let now = segment.now();
    let host = segment.host_mut(own).unwrap();
    host.arp_mut().neighbors_mut().add_static(now, ip(3), mac(3)).unwrap();
    for number in 0_u32..100_000 {
        let [_, high, middle, low] = number.to_be_bytes();
        let sender = [&[10, 1 + high, middle, low][..], &[2, 9, high, middle, low, 9]];
        let operation = if number % 2 == 0 { 1 } else { 2 };
        let packet = [&[0, 1, 8, 0, 6, 4, 0, operation][..], sender[1], sender[0], &[0; 6], &[10, 0, 0, 1]];
        segment.inject(&[&[0xff; 6][..], sender[1], &[8, 6], &packet.concat()].concat());
        // A packet is sent every 0.2 ms for 20 s. Each second, a payload is sent to the used entry.
        segment.run_for(Duration::from_micros(200)).unwrap();
        if number % 5_000 == 0 {
            let sent = segment.send(own, ip(2), TEST, b"");
            assert!(!matches!(sent, SendOutcome::Dropped(_)), "{sent:?}");
        }
        assert!(segment.host(own).unwrap().arp().neighbors().len() <= 256);
        segment.take_captured();
    }
    assert_eq!(arp_entry(&segment, own, 3), Some((Some(mac(3)), NeighborState::Static)));
    assert_eq!(arp_entry(&segment, own, 2).and_then(|(hardware, _)| hardware), Some(mac(2)));
    let host = segment.host(own).unwrap();
    let counts = host.arp().neighbors().counts();
    assert_eq!((host.arp_replies(), host.arp().neighbors().len()), (50_000, 256));
    assert_eq!((counts.evicted, counts.refused), (100_000 - 254, 0));
    assert_eq!(segment.pool(own).unwrap().held(), 0);
}
