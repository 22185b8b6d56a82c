use super::*;
use arp::Packet;

mod bounds;
mod conflicts;
mod properties;

const A: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 0xa]);
const B: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 0xb]);
const C: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 0xc]);
const ASKER: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const SEEN: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const NOBODY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + Duration::from_millis(millis)
}

fn untagged(protocol: Ipv4Addr) -> Subject {
    Subject { vlan: None, protocol }
}

fn census() -> Census {
    Census::new(Settings::default())
}

fn request(hardware: MacAddr, protocol: Ipv4Addr, target: Ipv4Addr) -> Fields {
    Fields {
        operation: Operation::REQUEST,
        sender_hardware: hardware,
        sender_protocol: protocol,
        target_hardware: MacAddr::ZERO,
        target_protocol: target,
    }
}

/// A reply to the asker.
fn reply(hardware: MacAddr, protocol: Ipv4Addr) -> Fields {
    Fields {
        operation: Operation::REPLY,
        target_hardware: ASKER,
        target_protocol: OTHER,
        ..request(hardware, protocol, OTHER)
    }
}

fn announcement(hardware: MacAddr, protocol: Ipv4Addr) -> Fields {
    request(hardware, protocol, protocol)
}

/// Hears a packet in a frame from its own sender.
fn hear(census: &mut Census, now: Instant, packet: Fields) -> Verdict {
    let envelope = Envelope { source: packet.sender_hardware, is_broadcast: false, vlan: None };
    hear_in(census, now, envelope, packet)
}

fn hear_in(census: &mut Census, now: Instant, envelope: Envelope, packet: Fields) -> Verdict {
    let mut octets = [0; Fields::LENGTH];
    packet.write_to(&mut octets).unwrap();
    census.receive(now, envelope, Packet::parse(&octets))
}

fn events(census: &mut Census) -> Vec<Event> {
    std::iter::from_fn(|| census.take_event()).collect()
}

#[test]
fn an_address_is_new_once_and_known_from_then_on() {
    let mut census = census();
    assert_eq!(hear(&mut census, at(0), request(A, SEEN, OTHER)), Verdict::New);
    assert_eq!(hear(&mut census, at(1_000), reply(A, SEEN)), Verdict::Known);
    assert_eq!(events(&mut census), [Event::New { subject: untagged(SEEN), hardware: A }]);
    let row = census.get(at(1_000), untagged(SEEN)).unwrap();
    assert_eq!((row.hardware, row.first, row.last), (A, at(0), at(1_000)));
    assert_eq!((row.requests, row.replies, row.packets(), row.addresses), (1, 1, 2, 1));
    assert_eq!(census.len(), 1);
}

#[test]
fn an_address_that_is_only_asked_for_is_nobodys() {
    let mut census = census();
    hear(&mut census, at(0), request(A, SEEN, OTHER));
    assert_eq!(census.get(at(0), untagged(OTHER)), None);
    hear(&mut census, at(0), reply(B, OTHER));
    hear(&mut census, at(0), request(A, SEEN, OTHER));
    assert_eq!(census.get(at(0), untagged(OTHER)).unwrap().asked, 1);
}

#[test]
fn the_same_address_in_two_vlans_is_two() {
    let mut census = census();
    for (number, hardware) in [(5, A), (6, B)] {
        let envelope = Envelope { source: hardware, is_broadcast: true, vlan: VlanId::new(number) };
        assert_eq!(
            hear_in(&mut census, at(0), envelope, announcement(hardware, SEEN)),
            Verdict::New,
            "{number}"
        );
    }
    let rows: Vec<_> = census.iter(at(0)).map(|row| (row.subject.to_string(), row.hardware)).collect();
    assert_eq!(rows, [("10.0.0.7@5".to_owned(), A), ("10.0.0.7@6".to_owned(), B)]);
    assert_eq!(census.counts().broadcast, 2);
}

#[test]
fn a_probe_claims_nothing_and_the_event_names_who_has_the_address() {
    let mut census = census();
    let subject = untagged(SEEN);
    assert_eq!(hear(&mut census, at(0), request(B, NOBODY, SEEN)), Verdict::Probe);
    assert!(census.is_empty());
    hear(&mut census, at(100), announcement(A, SEEN));
    hear(&mut census, at(200), request(C, NOBODY, SEEN));
    // A station that probes for what it has is no rival of itself.
    hear(&mut census, at(300), request(A, NOBODY, SEEN));
    let probe = |hardware, holder| Event::Probe { subject, hardware, holder };
    let told = events(&mut census);
    assert_eq!(told.first(), Some(&probe(B, None)));
    assert_eq!(told.get(3..), Some(&[probe(C, Some(A)), probe(A, None)][..]));
    assert_eq!((census.counts().probes, census.get(at(300), subject).unwrap().probes), (3, 2));
}

#[test]
fn what_repeats_is_told_again_only_after_a_while() {
    let mut census = census();
    for second in [0, 1, 2, 299, 300] {
        hear(&mut census, at(second * 1_000), announcement(A, SEEN));
    }
    let (subject, hardware) = (untagged(SEEN), A);
    let announced = Event::Announcement { subject, hardware };
    assert_eq!(events(&mut census), [Event::New { subject, hardware }, announced, announced]);
    assert_eq!((census.counts().announcements, census.counts().hushed), (5, 3));
}

#[test]
fn a_clock_that_goes_back_makes_everything_news() {
    let mut census = census();
    for second in [1_000, 10, 11] {
        hear(&mut census, at(second * 1_000), announcement(A, SEEN));
    }
    assert_eq!((events(&mut census).len(), census.counts().hushed), (3, 1));
    // The seconds before it count no more.
    assert_eq!(census.seconds(at(12_000)).iter().sum::<u32>(), 2);
}

#[test]
fn an_announcement_by_reply_is_one_too() {
    let mut census = census();
    let gratuitous = Fields { operation: Operation::REPLY, ..announcement(A, SEEN) };
    hear(&mut census, at(0), gratuitous);
    assert_eq!((census.counts().announcements, census.counts().replies), (1, 0));
}

#[test]
fn a_packet_in_somebody_elses_frame_is_told() {
    let mut census = census();
    let envelope = Envelope { source: B, is_broadcast: false, vlan: None };
    hear_in(&mut census, at(0), envelope, request(A, SEEN, OTHER));
    let mismatch = Event::Mismatch { subject: untagged(SEEN), hardware: A, source: B };
    assert_eq!(events(&mut census).first(), Some(&mismatch));
}

#[test]
fn what_nobody_can_mean_is_dropped_counted_and_told() {
    let foreign = |number| Fields { operation: Operation(number), ..request(A, SEEN, OTHER) };
    let group = MacAddr::new([3, 0, 0, 0, 0, 1]);
    let rows = [
        (request(MacAddr::ZERO, SEEN, OTHER), Dropped::SenderHardware),
        (request(MacAddr::BROADCAST, SEEN, OTHER), Dropped::SenderHardware),
        (request(group, NOBODY, OTHER), Dropped::SenderHardware),
        (request(A, Ipv4Addr::BROADCAST, OTHER), Dropped::SenderProtocol),
        (request(A, Ipv4Addr::new(224, 0, 0, 1), OTHER), Dropped::SenderProtocol),
        (request(A, Ipv4Addr::LOCALHOST, OTHER), Dropped::SenderProtocol),
        (reply(A, NOBODY), Dropped::SenderProtocol),
        (foreign(3), Dropped::ForeignOperation),
        (foreign(7), Dropped::ForeignOperation),
    ];
    for (packet, reason) in rows {
        let mut census = census();
        assert_eq!(hear(&mut census, at(0), packet), Verdict::Dropped(reason), "{packet:?}");
        let odd = Event::Odd { source: packet.sender_hardware, vlan: None, reason };
        assert_eq!(events(&mut census), [odd]);
        assert_eq!((census.len(), census.dropped().get(reason), census.counts().dropped), (0, 1, 1));
    }
    let mut census = census();
    let envelope = Envelope { source: A, is_broadcast: false, vlan: None };
    let verdict = census.receive(at(0), envelope, Packet::parse(&[0; 27]));
    assert_eq!(verdict, Verdict::Dropped(Dropped::Truncated));
}

#[test]
fn silence_makes_an_address_quiet_then_gone_and_a_word_brings_it_back() {
    let mut census = census();
    let (subject, hardware) = (untagged(SEEN), A);
    let minutes = |count: u64| at(count * 60_000);
    hear(&mut census, minutes(0), announcement(A, SEEN));
    let presence = |census: &Census, now| census.get(now, subject).unwrap().presence;
    assert_eq!(presence(&census, minutes(4)), Presence::Fresh);
    assert_eq!(presence(&census, minutes(5)), Presence::Quiet);
    assert_eq!(presence(&census, minutes(60)), Presence::Gone);
    events(&mut census);
    // It was heard meanwhile: it is gone an hour after that.
    hear(&mut census, minutes(30), request(A, SEEN, OTHER));
    assert_eq!(census.deadline(), Some(minutes(60)));
    census.poll(minutes(60));
    assert_eq!((events(&mut census), census.deadline()), (vec![], Some(minutes(90))));
    census.poll(minutes(95));
    census.poll(minutes(96));
    assert_eq!((events(&mut census), census.deadline()), (vec![Event::Gone { subject, hardware }], None));
    assert_eq!(hear(&mut census, minutes(100), request(A, SEEN, OTHER)), Verdict::Returned);
    let silence = Duration::from_mins(70);
    assert_eq!(events(&mut census), [Event::Returned { subject, hardware, silence }]);
    assert_eq!(census.deadline(), Some(minutes(160)));
}

#[test]
fn an_address_that_comes_back_with_another_station_has_moved() {
    let mut census = census();
    hear(&mut census, at(0), request(A, SEEN, OTHER));
    let later = at(7_200_000);
    assert_eq!(hear(&mut census, later, request(B, SEEN, OTHER)), Verdict::Moved { from: A });
    let subject = untagged(SEEN);
    let told = events(&mut census);
    assert_eq!(told.get(1), Some(&Event::Gone { subject, hardware: A }));
    assert_eq!(told.get(2), Some(&Event::Moved { subject, from: A, to: B }));
}

#[test]
fn a_station_with_many_addresses_is_told_at_every_doubling() {
    let mut census = Census::new(Settings { many: 4, flood: 1_000, ..Settings::default() });
    for last in 0..20 {
        hear(&mut census, at(0), request(A, Ipv4Addr::new(10, 0, 1, last), OTHER));
    }
    let many: Vec<_> =
        events(&mut census).into_iter().filter(|event| matches!(event, Event::Many { .. })).collect();
    assert_eq!(many, [4, 8, 16].map(|addresses| Event::Many { hardware: A, addresses }));
    assert_eq!(census.get(at(0), untagged(Ipv4Addr::new(10, 0, 1, 3))).unwrap().addresses, 20);
    // Whose address moves away has one less.
    hear(&mut census, at(0), request(B, Ipv4Addr::new(10, 0, 1, 3), OTHER));
    assert_eq!(census.get(at(0), untagged(Ipv4Addr::new(10, 0, 1, 4))).unwrap().addresses, 19);
}

#[test]
fn a_flood_is_told_with_its_station_and_many_together_without() {
    let mut census = Census::new(Settings { flood: 10, flood_of_all: 15, ..Settings::default() });
    let floods = |census: &mut Census| {
        let told = events(census).into_iter();
        told.filter(|event| matches!(event, Event::Flood { .. })).collect::<Vec<_>>()
    };
    // The first packet makes it a station that is known.
    for count in 0..10 {
        hear(&mut census, at(count * 50), request(A, SEEN, OTHER));
        hear(&mut census, at(1_000 + count * 50), request(A, SEEN, OTHER));
    }
    assert_eq!(floods(&mut census), []);
    for count in 0..11 {
        hear(&mut census, at(3_000 + count), request(A, SEEN, OTHER));
    }
    assert_eq!(floods(&mut census), [Event::Flood { hardware: Some(A), packets: 10 }]);
    for count in 0..15 {
        hear(&mut census, at(9_000 + count), request(MacAddr::new([2, 0, 0, 0, 9, 9]), NOBODY, SEEN));
    }
    assert_eq!(floods(&mut census), [Event::Flood { hardware: None, packets: 15 }]);
}

#[test]
fn rates_are_of_the_last_ten_seconds_and_second_by_second() {
    let mut census = census();
    for second in 0..10 {
        hear(&mut census, at(second * 1_000), request(A, SEEN, OTHER));
        hear(&mut census, at(second * 1_000 + 1), reply(B, OTHER));
    }
    let row = |census: &Census, now| census.get(now, untagged(SEEN)).unwrap().recent;
    assert_eq!((census.recent(at(9_999)), row(&census, at(9_999))), (20, 10));
    // Half of those ten seconds are longer ago than that.
    assert_eq!((census.recent(at(15_000)), row(&census, at(15_000))), (10, 5));
    assert_eq!((census.recent(at(20_000)), row(&census, at(20_000))), (0, 0));
    let seconds = census.seconds(at(10_500));
    assert_eq!(seconds.get(48..), Some(&[0, 0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2][..]));
    assert_eq!(census.seconds(at(69_000)).first(), Some(&2));
    assert_eq!(census.seconds(at(70_000)), [0; Census::SECONDS]);
    // After a long silence nothing of it is left.
    hear(&mut census, at(200_000), request(A, SEEN, OTHER));
    assert_eq!(census.seconds(at(201_000)).iter().sum::<u32>(), 1);
}
