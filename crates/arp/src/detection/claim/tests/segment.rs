//! Two claims to one address on a segment without loss.

use super::*;
use proptest::prelude::*;

/// Station with a claim from its start time on. The station answers requests as a host does.
struct Station {
    mac: MacAddr,
    start: Instant,
    begin: Begin,
    claim: Option<Claim>,
}

/// Start parameters of a station.
#[derive(Clone, Copy, Debug)]
struct Begin {
    probes: bool,
    defense: Defense,
    seed: u64,
}

/// Packet in flight to the other station.
struct InFlight {
    arrives: Instant,
    to: usize,
    fields: PacketFields,
}

impl Station {
    fn new(last: u8, millis: u64, begin: Begin) -> Station {
        let mac = MacAddr::new([2, 0, 0, 0, 1, last]);
        Station { mac, start: at(0) + Duration::from_millis(millis), begin, claim: None }
    }

    fn deadline(&self) -> Option<Instant> {
        self.claim.as_ref().map_or(Some(self.start), Claim::deadline)
    }

    /// Starts the claim when its time has come. Returns its due packets.
    fn poll_once(&mut self, now: Instant) -> Vec<PacketFields> {
        if self.claim.is_none() && now >= self.start {
            let identity = Identity { ip: LOCAL, mac: self.mac };
            let Begin { probes, defense, seed } = self.begin;
            self.claim = Some(if probes {
                Claim::probe(now, identity, defense, seed)
            } else {
                Claim::immediate(now, identity, defense, true)
            });
        }
        self.claim.as_mut().map(|claim| drain(claim, now)).unwrap_or_default()
    }

    /// Processes a packet. Returns the reply, if any.
    fn receive(&mut self, now: Instant, fields: PacketFields) -> Option<PacketFields> {
        let claim = self.claim.as_mut()?;
        receive(claim, now, fields);
        let is_request = fields.operation == Operation::REQUEST && fields.target_protocol == LOCAL;
        // An announcement is a conflict, and gets no reply.
        (is_request && fields.sender_protocol != LOCAL && claim.is_in_use()).then_some(PacketFields {
            operation: Operation::REPLY,
            sender_hardware: self.mac,
            sender_protocol: LOCAL,
            target_hardware: fields.sender_hardware,
            target_protocol: fields.sender_protocol,
        })
    }

    fn keeps_address(&self) -> bool {
        self.claim.as_ref().is_some_and(Claim::is_in_use)
    }
}

/// Runs until no packet is in flight or due. Each packet takes the next of `delays`, in milliseconds.
fn run_stations(stations: &mut [Station; 2], delays: &[u64]) {
    let mut delays = delays.iter().cycle();
    let mut wire: Vec<InFlight> = Vec::new();
    for _ in 0..1_000 {
        let arrivals = wire.iter().map(|in_flight| in_flight.arrives);
        let Some(now) = arrivals.chain(stations.iter().filter_map(Station::deadline)).min() else {
            return;
        };
        let (arrived, arriving) = wire.into_iter().partition(|in_flight| in_flight.arrives <= now);
        wire = arriving;
        let mut sent: Vec<(usize, PacketFields)> = Vec::new();
        let arrived: Vec<InFlight> = arrived;
        for in_flight in arrived {
            let reply = stations[in_flight.to].receive(now, in_flight.fields);
            sent.extend(reply.map(|fields| (1 - in_flight.to, fields)));
        }
        for (index, station) in stations.iter_mut().enumerate() {
            sent.extend(station.poll_once(now).into_iter().map(|fields| (1 - index, fields)));
        }
        wire.extend(sent.into_iter().map(|(to, fields)| InFlight {
            arrives: now + Duration::from_millis(*delays.next().unwrap()),
            to,
            fields,
        }));
    }
    panic!("more than 1,000 steps");
}

// proves: rfc5227-in-use, rfc5227-probe-conflict
#[test]
fn second_claimant_ceases_when_probing_finds_first() {
    for defense in [Defense::Cease, Defense::Once, Defense::Always] {
        let begin = Begin { probes: true, defense, seed: 1 };
        let mut stations = [Station::new(1, 0, begin), Station::new(2, 20_000, Begin { seed: 2, ..begin })];
        run_stations(&mut stations, &[1]);
        assert_eq!(stations.map(|station| station.keeps_address()), [true, false]);
    }
}

#[test]
fn probing_claimant_ceases_when_other_uses_address() {
    let begin = Begin { probes: true, defense: Defense::Once, seed: 1 };
    let mut stations = [Station::new(1, 0, begin), Station::new(2, 2_000, Begin { probes: false, ..begin })];
    run_stations(&mut stations, &[1]);
    assert_eq!(stations.map(|station| station.keeps_address()), [false, true]);
}

// proves: rfc5227-always
#[test]
fn two_always_defenders_keep_address_without_packet_storm() {
    let begin = Begin { probes: false, defense: Defense::Always, seed: 1 };
    let mut stations = [Station::new(1, 0, begin), Station::new(2, 500, begin)];
    let mut sent = [0; 2];
    // Both stations defend without end: run the first 1,000 seconds, in steps of 10 ms.
    for step in 0..100_000 {
        let now = at(0) + Duration::from_millis(10) * step;
        for index in [0, 1] {
            for fields in stations[index].poll_once(now) {
                sent[index] += 1;
                stations[1 - index].receive(now, fields);
            }
        }
    }
    assert!(stations.iter().all(Station::keeps_address));
    assert!(sent.iter().all(|count| (2..=102).contains(count)), "{sent:?}");
}

prop_compose! {
    fn begin()(probes: bool, once: bool, seed: u64) -> Begin {
        Begin { probes, defense: if once { Defense::Once } else { Defense::Cease }, seed }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn two_claimants_never_both_keep_address(
        begin in [begin(), begin()],
        lead in 0_u64..15_000,
        delays in prop::collection::vec(0_u64..900, 1..20),
    ) {
        let mut stations = [Station::new(1, 0, begin[0]), Station::new(2, lead, begin[1])];
        run_stations(&mut stations, &delays);
        prop_assert!(!stations.iter().all(Station::keeps_address));
        // A station that had enough time to claim the address keeps the address when the other station probes for it.
        if begin[1].probes && lead > 10_000 {
            prop_assert!(stations[0].keeps_address());
        }
    }
}
