//! What holds of hosts on one wire, whatever comes.

use std::collections::BTreeMap;

use super::*;
use arp::{Fields, Policy, Settings};

/// What may happen on a wire.
#[derive(Clone, Debug)]
enum Step {
    /// A host sends to an address that may be a host's.
    Send { from: u8, to: u8 },
    /// Somebody says what he likes, in a packet of ARP.
    Lie(Lie),
    /// Somebody says what he likes, in any octets.
    Noise(Vec<u8>),
    /// Milliseconds pass.
    Wait(u64),
}

#[derive(Clone, Debug)]
struct Lie {
    destination: u8,
    operation: u16,
    sender: (u8, u8),
    target: u8,
}

impl Lie {
    fn octets(&self) -> Vec<u8> {
        let mut packet = [0; Fields::LENGTH];
        let (hardware, protocol) = self.sender;
        let fields = Fields {
            operation: Operation(self.operation),
            sender_hardware: mac(hardware),
            sender_protocol: ip(protocol),
            target_hardware: MacAddr::ZERO,
            target_protocol: ip(self.target),
        };
        fields.write_to(&mut packet).unwrap();
        let destination = if self.destination == 0 { MacAddr::BROADCAST } else { mac(self.destination) };
        [&destination.octets()[..], &mac(hardware).octets(), &[8, 6], &packet].concat()
    }
}

/// Steps on a wire with hosts 1 to 3, and nobody at 4 to 6.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let lie = (0_u8..4, 1_u16..4, (1_u8..8, 1_u8..8), 1_u8..7)
        .prop_map(|(destination, operation, sender, target)| Lie { destination, operation, sender, target });
    let step = prop_oneof![
        6 => (1_u8..4, 1_u8..7).prop_map(|(from, to)| Step::Send { from, to }),
        3 => lie.prop_map(Step::Lie),
        1 => prop::collection::vec(any::<u8>(), 0..80).prop_map(Step::Noise),
        4 => (0_u64..4_000).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..80)
}

prop_compose! {
    pub(super) fn faults()(
        seed: u64,
        rates in [0_u16..600, 0_u16..400, 0_u16..400, 0_u16..300],
        longest in 100_u64..50_000,
        detour in 0_u64..2_000_000,
    ) -> Faults {
        let [loss, duplication, reordering, corruption] = rates;
        let (longest, detour) = (Duration::from_micros(longest), Duration::from_micros(detour));
        Faults { seed, loss, duplication, reordering, corruption, longest, detour, ..Faults::NONE }
    }
}

fn policy() -> impl Strategy<Value = Policy> {
    prop::sample::select(vec![Policy::Cautious, Policy::Rfc826, Policy::Permissive])
}

/// Three hosts, and a number for each payload that they send.
struct Three {
    wire: Segment,
    ports: [Port; 3],
    settings: Settings,
    next: [u32; 3],
    refused: [usize; 3],
    /// How often each payload was sent, by host and number.
    seen: BTreeMap<(Port, u32), usize>,
}

impl Three {
    fn new(faults: Faults, policy: Policy, settings: Settings) -> Three {
        let mut wire = wire(faults);
        let ports =
            [1, 2, 3].map(|last| wire.add(&Config { policy, table: settings, ..config(last) }).unwrap());
        Three { wire, ports, settings, next: [0; 3], refused: [0; 3], seen: BTreeMap::new() }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Send { from, to } => self.send(*from, *to),
            Step::Lie(lie) => self.wire.inject(&lie.octets()),
            Step::Noise(octets) => self.wire.inject(octets),
            Step::Wait(millis) => self.wire.run_for(Duration::from_millis(*millis)).unwrap(),
        }
        self.wire.run_for(Duration::ZERO).unwrap();
        for sighting in self.wire.take_sightings() {
            if sighting.octets[12..14] == TEST.0.to_be_bytes() {
                let number = u32::from_be_bytes(sighting.octets[14..18].try_into().unwrap());
                *self.seen.entry((sighting.from, number)).or_insert(0) += 1;
            }
        }
    }

    fn send(&mut self, from: u8, to: u8) {
        let index = usize::from(from - 1);
        let payload = self.next[index].to_be_bytes();
        self.next[index] += 1;
        let sent = self.wire.send(self.ports[index], ip(to), TEST, &payload);
        self.refused[index] += usize::from(sent == Sent::Refused);
    }

    /// That no host holds more than it may, and each frame that it holds is one that waits.
    fn check_bounds(&self) -> Result<(), TestCaseError> {
        for port in self.ports {
            let neighbors = self.wire.host(port).unwrap().arp().neighbors();
            prop_assert!(neighbors.len() <= self.settings.entries);
            prop_assert!(neighbors.waiting() <= self.settings.parcels);
            prop_assert_eq!(self.wire.pool(port).unwrap().held(), neighbors.waiting());
        }
        Ok(())
    }

    /// That each payload was sent once, given back once, or waits.
    fn check_parcels(&self) -> Result<(), TestCaseError> {
        prop_assert!(self.seen.values().all(|times| *times == 1), "{:?}", self.seen);
        for (index, port) in self.ports.into_iter().enumerate() {
            let neighbors = self.wire.host(port).unwrap().arp().neighbors();
            let sent = self.seen.keys().filter(|(from, _)| *from == port).count();
            let returned = usize::try_from(neighbors.counts().returned).unwrap();
            let ended = sent + self.refused[index] + returned + neighbors.waiting();
            prop_assert_eq!(ended, usize::try_from(self.next[index]).unwrap());
        }
        Ok(())
    }

    /// Whether each host knows where the two others are.
    fn all_know_each_other(&self) -> bool {
        let knows = |port, last| known(&self.wire, port, last).is_some_and(|(at, _)| at == Some(mac(last)));
        let hosts = || (1..).zip(self.ports);
        hosts().all(|(ours, port)| hosts().all(|(last, _)| last == ours || knows(port, last)))
    }
}

proptest! {
    // proves: table-bound, queue-bounds, queue-failure
    #[test]
    fn on_any_wire_the_bounds_hold_and_every_parcel_is_sent_once_or_given_back_once(
        steps in steps(),
        faults in faults(),
        policy in policy(),
        (entries, parcels, parcels_each) in (1_usize..6, 1_usize..6, 1_usize..4),
    ) {
        let settings = Settings { entries, parcels, parcels_each, octets: 20, ..Settings::default() };
        let mut three = Three::new(faults, policy, settings);
        for step in &steps {
            three.take(step);
            three.check_bounds()?;
        }
        three.check_parcels()?;
        // When all has had its time, nothing waits and nothing is held.
        three.take(&Step::Wait(60_000));
        three.check_parcels()?;
        prop_assert!(three.ports.iter().all(|port| three.wire.pool(*port).unwrap().held() == 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn once_the_wire_is_healthy_hosts_that_want_each_other_find_each_other(
        steps in steps(),
        faults in faults(),
        policy in policy(),
        off in prop::option::of(0_usize..3),
    ) {
        // So long a timeout that entries are mended by being checked, not by being forgotten.
        let settings = Settings { timeout: Duration::from_hours(1), ..Settings::default() };
        let mut three = Three::new(faults, policy, settings);
        let half = steps.len() / 2;
        for (index, step) in steps.iter().enumerate() {
            // One of them may be off for the second half.
            if let Some(off) = off.filter(|_| index == half) {
                three.wire.stop(three.ports[off]);
            }
            three.take(step);
        }
        if let Some(off) = off {
            three.wire.start(three.ports[off]).unwrap();
        }
        three.wire.set_faults(Faults::NONE);
        // A false reply in the last moment is REACHABLE for 45 s at most, and then checked in 9.
        for _ in 0..70 {
            for (from, to) in [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)] {
                three.send(from, to);
            }
            three.wire.run_for(SECOND).unwrap();
        }
        prop_assert!(three.all_know_each_other());
        let unspoken = |three: &Three| three.ports.map(|port| three.wire.host(port).unwrap().unspoken());
        let before = unspoken(&three);
        for (from, to) in [(1, 2), (2, 3), (3, 1)] {
            three.send(from, to);
        }
        three.wire.run_for(SECOND).unwrap();
        prop_assert_eq!(unspoken(&three), before.map(|count| count + 1), "what they send arrives");
    }

    // proves: rfc1122-flood
    #[test]
    fn no_dead_destination_delays_a_live_one_beyond_one_round_trip(
        dead in prop::collection::vec((0_u64..20_000, 100_u8..200), 1..60),
        live in prop::collection::vec((0_u64..20_000, 2_u8..4), 1..10),
        longest in 100_u64..100_000,
        seed: u64,
    ) {
        let longest = Duration::from_micros(longest);
        let mut wire = wire(Faults { seed, longest, ..Faults::NONE });
        let ours = wire.add(&config(1)).unwrap();
        for last in [2, 3] {
            wire.add(&config(last)).unwrap();
        }
        let mut sends: Vec<_> = dead.iter().chain(&live).copied().collect();
        sends.sort_unstable();
        for (millis, last) in sends {
            wire.run_until(at(Duration::from_millis(millis))).unwrap();
            prop_assert_ne!(wire.send(ours, ip(last), TEST, &[]), Sent::Refused);
            wire.run_for(Duration::ZERO).unwrap();
            if last < 100 {
                // The reply to this request, or to one for the same that is out already.
                let until = wire.now() + longest * 2;
                let mut trial = Sightings::of(&mut wire, ours);
                while !trial.reached(last) && wire.next().is_some_and(|next| next <= until) {
                    let next = wire.next().unwrap();
                    wire.run_until(next).unwrap();
                    trial.more(&mut wire);
                }
                prop_assert!(trial.reached(last), "10.0.0.{last} at {millis} ms");
            }
            wire.take_sightings();
        }
    }
}

/// The payloads that one host sent.
struct Sightings(Port, Vec<Sighting>);

impl Sightings {
    fn of(wire: &mut Segment, port: Port) -> Sightings {
        Sightings(port, wire.take_sightings())
    }

    fn more(&mut self, wire: &mut Segment) {
        self.1.extend(wire.take_sightings());
    }

    /// Whether one of them went to this host.
    fn reached(&self, last: u8) -> bool {
        let is_there = |sighting: &Sighting| {
            sighting.from == self.0
                && sighting.octets.starts_with(&mac(last).octets())
                && sighting.octets[12..14] == TEST.0.to_be_bytes()
        };
        self.1.iter().any(is_there)
    }
}

// proves: table-bound, table-eviction, static-held
#[test]
fn a_hundred_thousand_strangers_move_neither_what_is_static_nor_what_is_in_use() {
    let mut wire = wire(Faults::NONE);
    let address = "10.0.0.1/8".parse().unwrap();
    let table = Settings { entries: 256, ..Settings::default() };
    let config = Config { policy: Policy::Permissive, table, ..Config::new(address, mac(1)) };
    let ours = wire.add(&config).unwrap();
    wire.add(&Config::new("10.0.0.2/8".parse().unwrap(), mac(2))).unwrap();
    let now = wire.now();
    let host = wire.host_mut(ours).unwrap();
    host.arp_mut().neighbors_mut().add_static(now, ip(3), mac(3)).unwrap();
    for number in 0_u32..100_000 {
        let [_, high, middle, low] = number.to_be_bytes();
        let stranger = [&[10, 1 + high, middle, low][..], &[2, 9, high, middle, low, 9]];
        let operation = if number % 2 == 0 { 1 } else { 2 };
        let packet =
            [&[0, 1, 8, 0, 6, 4, 0, operation][..], stranger[1], stranger[0], &[0; 6], &[10, 0, 0, 1]];
        wire.inject(&[&[0xff; 6][..], stranger[1], &[8, 6], &packet.concat()].concat());
        // One every 0.2 ms: 20 s in all. Each second something is sent to the host in use.
        wire.run_for(Duration::from_micros(200)).unwrap();
        if number % 5_000 == 0 {
            assert_ne!(wire.send(ours, ip(2), TEST, b""), Sent::Refused);
        }
        assert!(wire.host(ours).unwrap().arp().neighbors().len() <= 256);
        wire.take_sightings();
    }
    assert_eq!(known(&wire, ours, 3), Some((Some(mac(3)), State::Static)));
    assert_eq!(known(&wire, ours, 2).and_then(|(hardware, _)| hardware), Some(mac(2)));
    let host = wire.host(ours).unwrap();
    let counts = host.arp().neighbors().counts();
    assert_eq!((host.answered(), host.arp().neighbors().len()), (50_000, 256));
    assert_eq!((counts.evicted, counts.refused), (100_000 - 254, 0));
    assert_eq!(wire.pool(ours).unwrap().held(), 0);
}
