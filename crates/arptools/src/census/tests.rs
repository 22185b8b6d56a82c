use super::*;
use arp::Packet;

mod bounds;
mod conflicts;
mod properties;

const A: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 0xa]);
const B: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 0xb]);
const C: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 0xc]);
const REQUESTER: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const SEEN: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const NO_IP: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + Duration::from_millis(millis)
}

fn untagged(ip: Ipv4Addr) -> VlanAddress {
    VlanAddress { vlan: None, ip }
}

fn census() -> Census {
    Census::new(CensusSettings::default())
}

fn request(mac: MacAddr, ip: Ipv4Addr, target: Ipv4Addr) -> PacketFields {
    PacketFields {
        operation: Operation::REQUEST,
        sender_hardware: mac,
        sender_protocol: ip,
        target_hardware: MacAddr::ZERO,
        target_protocol: target,
    }
}

/// Returns a reply to the requester.
fn reply(mac: MacAddr, ip: Ipv4Addr) -> PacketFields {
    PacketFields {
        operation: Operation::REPLY,
        target_hardware: REQUESTER,
        target_protocol: OTHER,
        ..request(mac, ip, OTHER)
    }
}

fn announcement(mac: MacAddr, ip: Ipv4Addr) -> PacketFields {
    request(mac, ip, ip)
}

/// Records a packet in a frame from its own sender.
fn record(census: &mut Census, now: Instant, packet: PacketFields) -> Classification {
    let frame = FrameInfo { source: packet.sender_hardware, is_broadcast: false, vlan: None };
    receive_in(census, now, frame, packet)
}

fn receive_in(census: &mut Census, now: Instant, frame: FrameInfo, packet: PacketFields) -> Classification {
    let mut bytes = [0; PacketFields::LENGTH];
    packet.write_to(&mut bytes).unwrap();
    census.receive(now, frame, Packet::parse(&bytes))
}

fn events(census: &mut Census) -> Vec<CensusEvent> {
    std::iter::from_fn(|| census.take_event()).collect()
}

#[test]
fn address_is_new_once_and_known_afterwards() {
    let mut census = census();
    assert_eq!(record(&mut census, at(0), request(A, SEEN, OTHER)), Classification::New);
    assert_eq!(record(&mut census, at(1_000), reply(A, SEEN)), Classification::Known);
    assert_eq!(events(&mut census), [CensusEvent::New { address: untagged(SEEN), mac: A }]);
    let row = census.get(at(1_000), untagged(SEEN)).unwrap();
    assert_eq!((row.mac, row.first, row.last), (A, at(0), at(1_000)));
    assert_eq!((row.requests, row.replies, row.packets(), row.addresses), (1, 1, 2, 1));
    assert_eq!(census.len(), 1);
}

#[test]
fn requested_address_has_no_owner() {
    let mut census = census();
    record(&mut census, at(0), request(A, SEEN, OTHER));
    assert_eq!(census.get(at(0), untagged(OTHER)), None);
    record(&mut census, at(0), reply(B, OTHER));
    record(&mut census, at(0), request(A, SEEN, OTHER));
    assert_eq!(census.get(at(0), untagged(OTHER)).unwrap().requested, 1);
}

#[test]
fn same_address_in_two_vlans_has_two_entries() {
    let mut census = census();
    for (number, mac) in [(5, A), (6, B)] {
        let frame = FrameInfo { source: mac, is_broadcast: true, vlan: VlanId::new(number) };
        assert_eq!(
            receive_in(&mut census, at(0), frame, announcement(mac, SEEN)),
            Classification::New,
            "{number}"
        );
    }
    let rows: Vec<_> = census.iter(at(0)).map(|row| (row.address.to_string(), row.mac)).collect();
    assert_eq!(rows, [("10.0.0.7@5".to_owned(), A), ("10.0.0.7@6".to_owned(), B)]);
    assert_eq!(census.counts().broadcast, 2);
}

#[test]
fn probe_adds_no_claim_and_event_names_owner() {
    let mut census = census();
    let address = untagged(SEEN);
    assert_eq!(record(&mut census, at(0), request(B, NO_IP, SEEN)), Classification::Probe);
    assert!(census.is_empty());
    record(&mut census, at(100), announcement(A, SEEN));
    record(&mut census, at(200), request(C, NO_IP, SEEN));
    // A probe by the owner names no other owner.
    record(&mut census, at(300), request(A, NO_IP, SEEN));
    let probe = |mac, owner| CensusEvent::Probe { address, mac, owner };
    let reported = events(&mut census);
    assert_eq!(reported.first(), Some(&probe(B, None)));
    assert_eq!(reported.get(3..), Some(&[probe(C, Some(A)), probe(A, None)][..]));
    assert_eq!((census.counts().probes, census.get(at(300), address).unwrap().probes), (3, 2));
}

#[test]
fn repeated_event_is_reported_again_after_interval() {
    let mut census = census();
    for second in [0, 1, 2, 299, 300] {
        record(&mut census, at(second * 1_000), announcement(A, SEEN));
    }
    let (address, mac) = (untagged(SEEN), A);
    let announced = CensusEvent::Announcement { address, mac };
    assert_eq!(events(&mut census), [CensusEvent::New { address, mac }, announced, announced]);
    assert_eq!((census.counts().announcements, census.counts().suppressed), (5, 3));
}

#[test]
fn every_event_is_reported_again_when_clock_goes_back() {
    let mut census = census();
    for second in [1_000, 10, 11] {
        record(&mut census, at(second * 1_000), announcement(A, SEEN));
    }
    assert_eq!((events(&mut census).len(), census.counts().suppressed), (3, 1));
    // Counts from before the jump are discarded.
    assert_eq!(census.seconds(at(12_000)).iter().sum::<u32>(), 2);
}

#[test]
fn gratuitous_reply_is_announcement() {
    let mut census = census();
    let gratuitous = PacketFields { operation: Operation::REPLY, ..announcement(A, SEEN) };
    record(&mut census, at(0), gratuitous);
    assert_eq!((census.counts().announcements, census.counts().replies), (1, 0));
}

#[test]
fn sender_mac_differing_from_frame_source_is_reported() {
    let mut census = census();
    let frame = FrameInfo { source: B, is_broadcast: false, vlan: None };
    receive_in(&mut census, at(0), frame, request(A, SEEN, OTHER));
    let mismatch = CensusEvent::Mismatch { address: untagged(SEEN), mac: A, source: B };
    assert_eq!(events(&mut census).first(), Some(&mismatch));
}

#[test]
fn invalid_senders_are_dropped_counted_reported() {
    let foreign = |number| PacketFields { operation: Operation(number), ..request(A, SEEN, OTHER) };
    let group = MacAddr::new([3, 0, 0, 0, 0, 1]);
    let rows = [
        (request(MacAddr::ZERO, SEEN, OTHER), ArpDropReason::SenderMac),
        (request(MacAddr::BROADCAST, SEEN, OTHER), ArpDropReason::SenderMac),
        (request(group, NO_IP, OTHER), ArpDropReason::SenderMac),
        (request(A, Ipv4Addr::BROADCAST, OTHER), ArpDropReason::SenderIp),
        (request(A, Ipv4Addr::new(224, 0, 0, 1), OTHER), ArpDropReason::SenderIp),
        (request(A, Ipv4Addr::LOCALHOST, OTHER), ArpDropReason::SenderIp),
        (reply(A, NO_IP), ArpDropReason::SenderIp),
        (foreign(3), ArpDropReason::ForeignOperation),
        (foreign(7), ArpDropReason::ForeignOperation),
    ];
    for (packet, reason) in rows {
        let mut census = census();
        assert_eq!(record(&mut census, at(0), packet), Classification::Dropped(reason), "{packet:?}");
        let invalid = CensusEvent::Invalid { source: packet.sender_hardware, vlan: None, reason };
        assert_eq!(events(&mut census), [invalid]);
        assert_eq!((census.len(), census.dropped().get(reason), census.counts().dropped), (0, 1, 1));
    }
    let mut census = census();
    let frame = FrameInfo { source: A, is_broadcast: false, vlan: None };
    let classification = census.receive(at(0), frame, Packet::parse(&[0; 27]));
    assert_eq!(classification, Classification::Dropped(ArpDropReason::Truncated));
}

#[test]
fn silent_address_becomes_quiet_then_gone_and_returns() {
    let mut census = census();
    let (address, mac) = (untagged(SEEN), A);
    let minutes = |count: u64| at(count * 60_000);
    record(&mut census, minutes(0), announcement(A, SEEN));
    let presence = |census: &Census, now| census.get(now, address).unwrap().presence;
    assert_eq!(presence(&census, minutes(4)), Presence::Fresh);
    assert_eq!(presence(&census, minutes(5)), Presence::Quiet);
    assert_eq!(presence(&census, minutes(60)), Presence::Gone);
    events(&mut census);
    // A later packet postpones the deadline: the address is gone one hour after this packet.
    record(&mut census, minutes(30), request(A, SEEN, OTHER));
    assert_eq!(census.deadline(), Some(minutes(60)));
    census.poll(minutes(60));
    assert_eq!((events(&mut census), census.deadline()), (vec![], Some(minutes(90))));
    census.poll(minutes(95));
    census.poll(minutes(96));
    assert_eq!((events(&mut census), census.deadline()), (vec![CensusEvent::Gone { address, mac }], None));
    assert_eq!(record(&mut census, minutes(100), request(A, SEEN, OTHER)), Classification::Returned);
    let silence = Duration::from_mins(70);
    assert_eq!(events(&mut census), [CensusEvent::Returned { address, mac, silence }]);
    assert_eq!(census.deadline(), Some(minutes(160)));
}

#[test]
fn returning_address_with_other_mac_has_moved() {
    let mut census = census();
    record(&mut census, at(0), request(A, SEEN, OTHER));
    let later = at(7_200_000);
    assert_eq!(record(&mut census, later, request(B, SEEN, OTHER)), Classification::Moved { from: A });
    let address = untagged(SEEN);
    let reported = events(&mut census);
    assert_eq!(reported.get(1), Some(&CensusEvent::Gone { address, mac: A }));
    assert_eq!(reported.get(2), Some(&CensusEvent::Moved { address, from: A, to: B }));
}

#[test]
fn station_with_many_addresses_is_reported_at_every_doubling() {
    let mut census =
        Census::new(CensusSettings { many_addresses: 4, station_flood: 1_000, ..CensusSettings::default() });
    for last in 0..20 {
        record(&mut census, at(0), request(A, Ipv4Addr::new(10, 0, 1, last), OTHER));
    }
    let reported: Vec<_> = events(&mut census)
        .into_iter()
        .filter(|event| matches!(event, CensusEvent::ManyAddresses { .. }))
        .collect();
    assert_eq!(reported, [4, 8, 16].map(|addresses| CensusEvent::ManyAddresses { mac: A, addresses }));
    assert_eq!(census.get(at(0), untagged(Ipv4Addr::new(10, 0, 1, 3))).unwrap().addresses, 20);
    // A station loses an address that moves away.
    record(&mut census, at(0), request(B, Ipv4Addr::new(10, 0, 1, 3), OTHER));
    assert_eq!(census.get(at(0), untagged(Ipv4Addr::new(10, 0, 1, 4))).unwrap().addresses, 19);
}

#[test]
fn flood_is_reported_per_station_and_in_total() {
    let mut census =
        Census::new(CensusSettings { station_flood: 10, total_flood: 15, ..CensusSettings::default() });
    let floods = |census: &mut Census| {
        let reported = events(census).into_iter();
        reported.filter(|event| matches!(event, CensusEvent::Flood { .. })).collect::<Vec<_>>()
    };
    // The first packet adds the station and is not counted.
    for count in 0..10 {
        record(&mut census, at(count * 50), request(A, SEEN, OTHER));
        record(&mut census, at(1_000 + count * 50), request(A, SEEN, OTHER));
    }
    assert_eq!(floods(&mut census), []);
    for count in 0..11 {
        record(&mut census, at(3_000 + count), request(A, SEEN, OTHER));
    }
    assert_eq!(floods(&mut census), [CensusEvent::Flood { mac: Some(A), packets: 10 }]);
    for count in 0..15 {
        record(&mut census, at(9_000 + count), request(MacAddr::new([2, 0, 0, 0, 9, 9]), NO_IP, SEEN));
    }
    assert_eq!(floods(&mut census), [CensusEvent::Flood { mac: None, packets: 15 }]);
}

#[test]
fn rates_cover_last_ten_seconds_and_each_second() {
    let mut census = census();
    for second in 0..10 {
        record(&mut census, at(second * 1_000), request(A, SEEN, OTHER));
        record(&mut census, at(second * 1_000 + 1), reply(B, OTHER));
    }
    let row = |census: &Census, now| census.get(now, untagged(SEEN)).unwrap().recent;
    assert_eq!((census.recent(at(9_999)), row(&census, at(9_999))), (20, 10));
    // Half of these packets are older than ten seconds.
    assert_eq!((census.recent(at(15_000)), row(&census, at(15_000))), (10, 5));
    assert_eq!((census.recent(at(20_000)), row(&census, at(20_000))), (0, 0));
    let seconds = census.seconds(at(10_500));
    assert_eq!(seconds.get(48..), Some(&[0, 0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2][..]));
    assert_eq!(census.seconds(at(69_000)).first(), Some(&2));
    assert_eq!(census.seconds(at(70_000)), [0; Census::SECONDS]);
    // After a long silence all earlier counts are discarded.
    record(&mut census, at(200_000), request(A, SEEN, OTHER));
    assert_eq!(census.seconds(at(201_000)).iter().sum::<u32>(), 1);
}

#[test]
fn sum_of_counts_has_sum_of_each_count() {
    let counts = |factor: u64| CensusCounts {
        requests: factor,
        replies: 2 * factor,
        announcements: 3 * factor,
        probes: 4 * factor,
        dropped: 5 * factor,
        rejected: 6 * factor,
        broadcast: 7 * factor,
        added: 8 * factor,
        changed: 9 * factor,
        conflicts: 10 * factor,
        evicted: 11 * factor,
        displaced: 12 * factor,
        suppressed: 13 * factor,
        events_lost: 14 * factor,
    };
    assert_eq!(counts(1).plus(counts(100)), counts(101));
}
