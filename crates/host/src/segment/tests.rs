mod flood;
mod properties;
mod rivals;

use std::sync::mpsc;

use super::jack::Jack;
use super::*;
use arp::{Operation, State};
use link::MacAddr;
use proptest::prelude::*;

const TEST: EtherType = EtherType(0x88b5);
const SECOND: Duration = Duration::from_secs(1);
/// A wire on which nothing takes any time.
const INSTANT: Faults = Faults { shortest: Duration::ZERO, longest: Duration::ZERO, ..Faults::NONE };

fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

fn mac(last: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, last])
}

fn config(last: u8) -> Config {
    Config::new(format!("10.0.0.{last}/24").parse().unwrap(), mac(last))
}

fn wire(faults: Faults) -> Segment {
    Segment::new(Instant::ORIGIN, faults)
}

/// Two hosts, 10.0.0.1 and 10.0.0.2.
fn pair(faults: Faults) -> (Segment, Port, Port) {
    let mut wire = wire(faults);
    let (left, right) = (wire.add(&config(1)).unwrap(), wire.add(&config(2)).unwrap());
    (wire, left, right)
}

/// What a host knows.
fn known(wire: &Segment, port: Port, last: u8) -> Option<(Option<MacAddr>, State)> {
    wire.host(port).unwrap().arp().neighbors().get(ip(last)).map(|entry| (entry.hardware, entry.state))
}

/// A broadcast of somebody who is not here.
fn broadcast(payload: &[u8]) -> Vec<u8> {
    [&[0xff; 6][..], &mac(99).octets(), &[0x88, 0xb5], payload].concat()
}

/// A peer that hears and says nothing; what it hears comes out of the other end.
fn listener(wire: &mut Segment) -> (Port, mpsc::Receiver<(Instant, Vec<u8>)>) {
    let (ear, heard) = mpsc::channel();
    let port = wire.attach(move |now, octets| {
        ear.send((now, octets.to_vec())).unwrap();
        Vec::new()
    });
    (port, heard)
}

fn at(span: Duration) -> Instant {
    Instant::ORIGIN + span
}

#[test]
fn two_hosts_find_each_other_in_one_round_trip() {
    let (mut wire, left, right) = pair(Faults::NONE);
    assert_eq!(wire.send(left, ip(2), TEST, b"hello"), Sent::Waits);
    wire.run_for(SECOND).unwrap();
    let heard: Vec<_> = wire.take_sightings();
    let micros = |count| at(Duration::from_micros(count));
    let times: Vec<_> = heard.iter().map(|sighting| (sighting.from, sighting.at)).collect();
    assert_eq!(times, [(left, micros(0)), (right, micros(100)), (left, micros(200))]);
    let operations: Vec<_> = heard.iter().map(|sighting| sighting.arp().map(|arp| arp.operation)).collect();
    assert_eq!(operations, [Some(Operation::REQUEST), Some(Operation::REPLY), None]);
    assert!(heard[2].octets.ends_with(b"hello"));
    assert_eq!(known(&wire, left, 2), Some((Some(mac(2)), State::Reachable)));
    assert_eq!(known(&wire, right, 1), Some((Some(mac(1)), State::Stale)));
    assert_eq!(wire.host(right).unwrap().unspoken(), 1);
    assert_eq!(wire.counters(right).map(|counters| (counters.received, counters.transmitted)), Some((2, 1)));
    assert_eq!(wire.now(), at(SECOND));
}

#[test]
fn every_frame_goes_to_every_other_port_after_its_delay() {
    let mut wire = wire(Faults::NONE);
    let (_, first) = listener(&mut wire);
    let (_, second) = listener(&mut wire);
    let host = wire.add(&config(1)).unwrap();
    wire.run_for(SECOND).unwrap();
    wire.inject(&broadcast(b"to all"));
    wire.send(host, ip(9), TEST, b"");
    wire.run_for(Duration::from_millis(1)).unwrap();
    let (heard, arrived) = (wire.take_sightings(), at(SECOND + Duration::from_micros(100)));
    assert_eq!(heard.len(), 1, "what is injected is no sighting");
    for ear in [first, second] {
        let expected = [(arrived, broadcast(b"to all")), (arrived, heard[0].octets.clone())];
        assert_eq!(ear.try_iter().collect::<Vec<_>>(), expected);
    }
    assert_eq!(wire.counters(host).unwrap().received, 1);
}

#[test]
fn the_time_jumps_to_what_happens_next_and_never_back() {
    let (mut wire, left, _) = pair(Faults::NONE);
    wire.run_for(SECOND).unwrap();
    assert_eq!(wire.next(), None, "hosts that know nobody have nothing to do");
    wire.send(left, ip(9), TEST, b"");
    assert_eq!(wire.next(), Some(at(SECOND)));
    wire.run_until(at(SECOND)).unwrap();
    assert_eq!(wire.next(), Some(at(SECOND + Duration::from_micros(100))), "the request arrives");
    wire.run_for(Duration::from_millis(1)).unwrap();
    assert_eq!(wire.next(), Some(at(2 * SECOND)), "the second request is due");
    wire.run_until(at(SECOND)).unwrap();
    assert_eq!(wire.now(), at(SECOND + Duration::from_millis(1)));
    wire.run_for(Duration::from_hours(1)).unwrap();
    assert_eq!((wire.next(), wire.take_sightings().len()), (None, 3));
}

#[test]
fn a_scripted_peer_answers_when_it_will() {
    let mut wire = wire(Faults::NONE);
    let host = wire.add(&config(1)).unwrap();
    let mut is_first = true;
    let reply = [&mac(1).octets()[..], &mac(7).octets(), &[8, 6, 0, 1, 8, 0, 6, 4, 0, 2], &mac(7).octets()];
    let reply = [&reply.concat()[..], &[10, 0, 0, 7], &mac(1).octets(), &[10, 0, 0, 1]].concat();
    let peer = wire.attach(move |_, _| {
        let is_answered = !std::mem::take(&mut is_first);
        is_answered.then(|| (Duration::from_millis(20), reply.clone())).into_iter().collect()
    });
    wire.send(host, ip(7), TEST, b"hello");
    wire.run_until(at(SECOND)).unwrap();
    assert_eq!(known(&wire, host, 7), Some((None, State::Incomplete)));
    wire.run_for(Duration::from_millis(21)).unwrap();
    assert_eq!(known(&wire, host, 7), Some((Some(mac(7)), State::Reachable)));
    let reply = wire.take_sightings().into_iter().find(|sighting| sighting.from == peer).unwrap();
    assert_eq!(reply.at, at(SECOND + Duration::from_micros(20_100)));
}

#[test]
fn an_interceptor_decides_what_of_a_host_reaches_the_wire() {
    let (mut wire, left, right) = pair(Faults::NONE);
    let later = Duration::from_millis(5);
    wire.intercept(right, move |_, octets| {
        vec![(later, octets.to_vec()), (Duration::ZERO, broadcast(b"and this")), (later, octets.to_vec())]
    });
    wire.intercept(left, |_, octets| vec![(Duration::ZERO, octets.to_vec())]);
    wire.send(left, ip(2), TEST, b"");
    wire.run_for(SECOND).unwrap();
    let heard = wire.take_sightings();
    let times: Vec<_> = heard.iter().map(|sighting| (sighting.from, sighting.at)).collect();
    let asked = at(Duration::from_micros(100));
    let answered = asked + later;
    let used = answered + Duration::from_micros(100);
    assert_eq!(times[1..], [(right, asked), (right, answered), (right, answered), (left, used)]);
    assert_eq!(heard[1].octets, broadcast(b"and this"));

    wire.intercept(right, |_, _| Vec::new());
    wire.start(left).unwrap();
    wire.send(left, ip(2), TEST, b"");
    wire.run_for(SECOND).unwrap();
    assert!(wire.take_sightings().iter().all(|sighting| sighting.from == left));
    assert_eq!(known(&wire, left, 2), Some((None, State::Incomplete)));
}

#[test]
fn a_stopped_host_is_deaf_and_dumb_and_starts_knowing_nobody() {
    let (mut wire, left, right) = pair(Faults::NONE);
    wire.send(left, ip(2), TEST, b"");
    wire.run_for(SECOND).unwrap();
    wire.stop(right);
    wire.take_sightings();
    assert_eq!(wire.send(right, ip(1), TEST, b""), Sent::Refused);
    assert_eq!(wire.send(left, ip(2), TEST, b""), Sent::Departs);
    wire.run_for(SECOND).unwrap();
    assert_eq!((wire.take_sightings().len(), wire.carried().unplugged), (1, 1));
    assert!(known(&wire, right, 1).is_some(), "what it knew may be read");
    wire.start(right).unwrap();
    assert_eq!(known(&wire, right, 1), None);
    assert_eq!(wire.send(right, ip(1), TEST, b""), Sent::Waits);
    wire.run_for(SECOND).unwrap();
    assert_eq!(known(&wire, right, 1), Some((Some(mac(1)), State::Reachable)));
}

#[test]
fn what_is_entered_by_hand_is_acted_on_without_any_frame() {
    let (mut wire, left, _) = pair(Faults::NONE);
    wire.send(left, ip(9), TEST, b"hello");
    wire.run_for(Duration::from_millis(500)).unwrap();
    let now = wire.now();
    let host = wire.host_mut(left).unwrap();
    host.arp_mut().neighbors_mut().add_static(now, ip(9), mac(9)).unwrap();
    wire.run_for(Duration::ZERO).unwrap();
    assert!(wire.take_sightings().last().unwrap().octets.starts_with(&mac(9).octets()));
    assert_eq!(wire.pool(left).unwrap().held(), 0);
}

#[test]
fn what_no_host_can_send_is_refused() {
    let (mut wire, left, _) = pair(Faults::NONE);
    let (peer, _heard) = listener(&mut wire);
    let (mut other, ..) = pair(Faults::NONE);
    assert_eq!(wire.send(left, ip(2), TEST, &[0; 9_000]), Sent::Refused);
    assert_eq!(wire.pool(left).unwrap().held(), 0);
    assert_eq!(wire.send(peer, ip(2), TEST, b""), Sent::Refused);
    assert_eq!(other.send(peer, ip(2), TEST, b""), Sent::Refused);
    assert!(wire.host(peer).is_none() && other.host(peer).is_none());
    assert!(wire.add(&Config { hardware: MacAddr::ZERO, ..config(1) }).is_err());
}

#[test]
fn a_frame_longer_than_the_mtu_allows_is_dropped_and_counted() {
    let (mut wire, left, _) = pair(Faults::NONE);
    for (length, truncated) in [(1_500 + 8, 0), (1_500 + 9, 1), (9_000, 2)] {
        wire.inject(&broadcast(&vec![0; length]));
        wire.run_for(SECOND).unwrap();
        assert_eq!(wire.counters(left).unwrap().truncated, truncated, "{length}");
    }
    assert_eq!(wire.pool(left).unwrap().held(), 0);
}

#[test]
fn more_frames_than_a_host_can_queue_are_dropped_and_counted() {
    let (mut wire, left, _) = pair(Faults::NONE);
    for _ in 0..Jack::QUEUE + 5 {
        wire.inject(&broadcast(b""));
    }
    wire.run_for(SECOND).unwrap();
    assert_eq!(wire.host(left).unwrap().unspoken(), 1_000);
    assert_eq!((wire.carried().delivered, wire.carried().crowded), (2_000, 10));
}

#[test]
fn more_frames_than_can_be_in_flight_are_lost_and_counted() {
    let (mut wire, ..) = pair(Faults::NONE);
    for _ in 0..Segment::IN_FLIGHT / 2 + 7 {
        wire.inject(&broadcast(b""));
    }
    assert_eq!((wire.in_flight(), wire.carried().crowded), (Segment::IN_FLIGHT, 14));
}

#[test]
fn more_sightings_than_are_kept_are_counted() {
    let mut wire = wire(INSTANT);
    wire.attach(|_, _| vec![(Duration::ZERO, Vec::new()); 10_000]);
    for _ in 0..7 {
        wire.inject(b"");
        wire.run_for(SECOND).unwrap();
    }
    assert_eq!(wire.carried().unseen, 70_000 - 65_536);
    assert_eq!(wire.take_sightings().len(), Segment::SIGHTINGS);
    wire.inject(b"");
    wire.run_for(SECOND).unwrap();
    assert_eq!(wire.take_sightings().len(), 10_000);
}

#[test]
fn a_time_that_stands_still_is_an_error_and_no_hang() {
    let mut wire = wire(INSTANT);
    for _ in 0..2 {
        wire.attach(|_, octets| vec![(Duration::ZERO, octets.to_vec())]);
    }
    wire.run_for(SECOND).unwrap();
    wire.inject(b"to and fro");
    assert_eq!(wire.run_for(SECOND), Err(Restless { at: at(SECOND) }));
    // With any delay at all it is no error, and does come to an end.
    wire.set_faults(Faults::NONE);
    assert_eq!(wire.run_for(SECOND), Ok(()));
}

#[test]
fn what_takes_several_turns_at_one_instant_does_not_turn_the_time_back() {
    let mut wire = wire(Faults::NONE);
    let table = arp::Settings { parcels_each: 200, ..arp::Settings::default() };
    let left = wire.add(&Config { table, ..config(1) }).unwrap();
    wire.add(&config(2)).unwrap();
    wire.run_for(SECOND).unwrap();
    for _ in 0..200 {
        assert_eq!(wire.send(left, ip(2), TEST, b""), Sent::Waits);
    }
    wire.run_for(SECOND).unwrap();
    let sightings = wire.take_sightings();
    assert_eq!((sightings.len(), wire.now()), (202, at(2 * SECOND)), "a request, its reply, and what waited");
    assert!(sightings.is_sorted_by_key(|sighting| sighting.at) && sightings[0].at == at(SECOND));
}

#[test]
fn what_the_wire_alters_is_counted_and_heard_whole_by_who_listens_in() {
    let mut wire = wire(Faults { corruption: 1_000, ..Faults::NONE });
    let (_, heard) = listener(&mut wire);
    wire.inject(&broadcast(b"whole"));
    let host = wire.add(&config(1)).unwrap();
    wire.send(host, ip(9), TEST, b"");
    wire.run_for(Duration::from_millis(1)).unwrap();
    let (heard, whole) = (heard.try_iter().collect::<Vec<_>>(), broadcast(b"whole"));
    let changed = whole.iter().zip(&heard[0].1).filter(|(sent, arrived)| sent != arrived);
    assert_eq!((changed.count(), heard[0].1.len()), (1, whole.len()));
    assert_eq!(wire.take_sightings()[0].arp().map(|arp| arp.target_protocol), Some(ip(9)));
    assert_eq!((heard.len(), wire.carried().altered), (2, 2));
}

#[test]
fn a_wire_made_worse_is_worse_from_then_on() {
    let (mut wire, left, right) = pair(Faults::NONE);
    wire.inject(&broadcast(b""));
    wire.set_faults(Faults { loss: 1_000, ..Faults::NONE });
    wire.inject(&broadcast(b""));
    wire.run_for(SECOND).unwrap();
    for port in [left, right] {
        assert_eq!(wire.host(port).unwrap().unspoken(), 1);
    }
    assert_eq!((wire.carried().delivered, wire.carried().lost), (2, 2));
}

proptest! {
    #[test]
    fn every_copy_is_counted_once_and_a_run_can_be_replayed(
        seed: u64,
        rates in [0_u16..500, 0_u16..500, 0_u16..500, 0_u16..500],
        steps in prop::collection::vec((0_u8..4, 0_u64..3_000), 1..40),
    ) {
        let [loss, duplication, reordering, corruption] = rates;
        let faults = Faults { seed, loss, duplication, reordering, corruption, ..Faults::NONE };
        let run = || {
            let (mut wire, left, right) = pair(faults);
            for (step, millis) in &steps {
                match step {
                    0 => drop(wire.send(left, ip(2), TEST, b"payload")),
                    1 => drop(wire.send(right, ip(1), TEST, b"payload")),
                    2 => wire.stop(left),
                    _ => wire.start(left).unwrap(),
                }
                wire.run_for(Duration::from_millis(*millis)).unwrap();
            }
            wire
        };
        let (mut wire, mut again) = (run(), run());
        let carried = wire.carried();
        let ended = carried.delivered + carried.crowded + carried.unplugged + carried.lost;
        let in_flight = u64::try_from(wire.in_flight()).unwrap();
        prop_assert_eq!(carried.copies + carried.doubled, ended + in_flight);
        prop_assert_eq!(carried.copies, carried.sent, "two ports: one copy each");
        let sightings = wire.take_sightings();
        prop_assert_eq!(u64::try_from(sightings.len()).unwrap(), carried.sent);
        prop_assert_eq!(sightings, again.take_sightings());
        prop_assert_eq!(carried, again.carried());
    }
}
