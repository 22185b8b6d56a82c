//! Hosts that want one address.

use super::properties::faults;
use super::*;
use arp::Defence::{Always, Cease, Once};
use arp::{Defence, Start};

/// The address that all of them want.
const WANTED: u8 = 2;

/// How one of them goes about it.
#[derive(Clone, Debug)]
struct Rival {
    start: Start,
    defence: Defence,
    /// When it is switched on, in milliseconds.
    lead: u64,
}

fn rivals() -> impl Strategy<Value = Vec<Rival>> {
    let start = prop::sample::select(vec![Start::AtOnce, Start::Announce, Start::Probe]);
    let rival = (start, prop::sample::select(vec![Cease, Once, Always]), 0_u64..20_000)
        .prop_map(|(start, defence, lead)| Rival { start, defence, lead });
    prop::collection::vec(rival, 2..4)
}

/// A minute and a half on a wire that is bad for the first thirty seconds. Each rival asks for somebody new once a
/// second, or two who have said all that they have to say would never hear of each other.
fn compete(rivals: &[Rival], faults: Faults) -> (Segment, Vec<Port>) {
    let mut wire = wire(faults);
    let ports: Vec<Port> = (10..)
        .zip(rivals)
        .map(|(last, Rival { start, defence, .. })| {
            let config = Config { hardware: mac(last), start: *start, defence: *defence, ..config(WANTED) };
            let port = wire.add(&config).unwrap();
            wire.stop(port);
            port
        })
        .collect();
    // So many milliseconds from the start, this happens to that one: it is switched on, or it asks.
    let mut timeline: Vec<(u64, usize, Option<u8>)> = Vec::new();
    for (index, rival) in rivals.iter().enumerate() {
        timeline.push((rival.lead, index, None));
        let asks = (0_u8..90).map(|second| (u64::from(second) * 1_000 + [0, 137, 611][index], second));
        timeline.extend(asks.map(|(millis, second)| (millis, index, Some(100 + second))));
    }
    timeline.push((30_000, usize::MAX, None));
    timeline.sort_unstable();
    for (millis, index, asked) in timeline {
        wire.run_until(at(Duration::from_millis(millis))).unwrap();
        match (ports.get(index), asked) {
            (None, _) => wire.set_faults(Faults::NONE),
            (Some(port), None) => wire.start(*port).unwrap(),
            (Some(port), Some(last)) => drop(wire.send(*port, ip(last), TEST, b"")),
        }
    }
    (wire, ports)
}

/// When a host announced the address.
fn announcements(sightings: &[Sighting], port: Port) -> Vec<Instant> {
    let is_one = |sighting: &&Sighting| {
        sighting.from == port
            && sighting.arp().is_some_and(|fields| {
                let wanted = ip(WANTED);
                (fields.sender_protocol, fields.target_protocol) == (wanted, wanted)
            })
    };
    sightings.iter().filter(is_one).map(|sighting| sighting.at).collect()
}

proptest! {
    // proves: rfc5227-cease, rfc5227-once, rfc5227-always, rfc5227-defend-interval, rfc5227-given-up
    #[test]
    fn once_the_wire_is_healthy_no_two_keep_one_address_but_those_who_never_give_up(
        rivals in rivals(),
        faults in faults(),
    ) {
        let (mut wire, ports) = compete(&rivals, faults);
        let keepers: Vec<Defence> = rivals
            .iter()
            .zip(&ports)
            .filter(|(_, port)| wire.host(**port).unwrap().address().is_some())
            .map(|(rival, _)| rival.defence)
            .collect();
        prop_assert!(keepers.len() <= 1 || keepers.iter().all(|defence| *defence == Always), "{:?}", keepers);
        let sightings = wire.take_sightings();
        for port in ports {
            let host = wire.host(port).unwrap();
            prop_assert_eq!(host.address().is_none(), host.ceased().is_some());
            // Two announcements at the start, and one in ten seconds.
            let announced = announcements(&sightings, port);
            let crowd = announced.windows(4).find(|four| four[3].since(four[0]) < 10 * SECOND);
            prop_assert!(crowd.is_none(), "{:?}", crowd);
        }
    }
}

/// What one rival does who is switched on at this second.
fn rival(start: Start, defence: Defence, second: u64) -> Rival {
    Rival { start, defence, lead: second * 1_000 }
}

// proves: rfc5227-probe-conflict
#[test]
fn the_first_keeps_it_when_the_second_probes() {
    for defence in [Cease, Once, Always] {
        let rivals = [rival(Start::Probe, defence, 0), rival(Start::Probe, defence, 15)];
        let (wire, ports) = compete(&rivals, Faults::NONE);
        let keeps = |index: usize| wire.host(ports[index]).unwrap().address().is_some();
        assert_eq!((keeps(0), keeps(1)), (true, false), "{defence:?}");
    }
}

// proves: rfc5227-always, rfc5227-defend-interval
#[test]
fn those_who_never_give_up_make_no_storm() {
    let rivals = [
        rival(Start::Announce, Always, 0),
        rival(Start::Announce, Always, 0),
        rival(Start::Announce, Always, 1),
    ];
    let (mut wire, ports) = compete(&rivals, Faults::NONE);
    let sightings = wire.take_sightings();
    for port in ports {
        assert!(wire.host(port).unwrap().address().is_some());
        let count = announcements(&sightings, port).len();
        assert!((9..=11).contains(&count), "two, and one in ten of ninety seconds: {count}");
    }
}
