//! Limits of a census.

use super::*;

fn small(entries: usize) -> Census {
    Census::new(CensusSettings { entries, total_flood: u32::MAX, ..CensusSettings::default() })
}

fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a01_0000 + number)
}

#[test]
fn full_census_rejects_new_addresses_and_reports_it_rate_limited() {
    let mut census = small(2);
    for number in 0..5 {
        // An address with two packets is not evicted.
        record(&mut census, at(0), request(A, address(number), OTHER));
        record(&mut census, at(0), request(A, address(number), OTHER));
    }
    assert_eq!((census.len(), census.counts().rejected), (2, 6));
    let reported = events(&mut census);
    assert_eq!(reported.get(2..), Some(&[CensusEvent::Full { address: untagged(address(2)), mac: A }][..]));
    // Known addresses are still recorded.
    assert_eq!(record(&mut census, at(1), reply(A, address(1))), Classification::Known);
    assert_eq!(census.counts().packets(), 11);
}

#[test]
fn forged_flood_evicts_only_its_addresses_and_conflicts_are_still_detected() {
    let mut census = small(8);
    // Four real hosts.
    for number in (0..4).chain(0..4) {
        record(&mut census, at(0), request(A, address(number), OTHER));
    }
    for number in 100..1_100 {
        assert_eq!(record(&mut census, at(10), request(B, address(number), OTHER)), Classification::New);
    }
    assert_eq!((census.len(), census.counts().rejected), (8, 0));
    assert_eq!((census.counts().evicted, census.counts().displaced), (996, 996));
    assert!((0..4).all(|number| census.get(at(10), untagged(address(number))).is_some()));
    // Conflicts are detected for an address added after the flood, and for an address added before the flood.
    for (number, millis) in [(50, 100), (0, 200)] {
        for (mac, later) in [(A, 0), (C, 1), (A, 2)] {
            record(&mut census, at(millis + later), reply(mac, address(number)));
        }
        let row = census.get(at(millis + 2), untagged(address(number)));
        assert_eq!(row.and_then(|row| row.conflict), Some(C), "{number}");
    }
    assert!(census.counts().conflicts >= 2);
    // Evicted addresses are not reported as gone. Each of the other addresses is reported once.
    events(&mut census);
    census.poll(at(7_200_000));
    let gone = events(&mut census);
    assert!(gone.iter().all(|event| matches!(event, CensusEvent::Gone { .. })));
    assert_eq!(gone.len(), 8);
}

#[test]
fn longest_gone_address_is_evicted() {
    let mut census = small(2);
    record(&mut census, at(0), request(A, address(0), OTHER));
    record(&mut census, at(1_000), request(B, address(1), OTHER));
    // The first address has a later packet, so the second is gone first.
    record(&mut census, at(2_000), request(A, address(0), OTHER));
    events(&mut census);
    let later = at(3_601_500);
    assert_eq!(record(&mut census, later, request(C, address(2), OTHER)), Classification::New);
    let reported = [
        CensusEvent::Gone { address: untagged(address(1)), mac: B },
        CensusEvent::Evicted { address: untagged(address(1)) },
        CensusEvent::New { address: untagged(address(2)), mac: C },
    ];
    assert_eq!((events(&mut census), census.counts().evicted), (reported.to_vec(), 1));
    let left: Vec<_> = census.iter(later).map(|row| (row.mac, row.addresses)).collect();
    assert_eq!(left, [(A, 1), (C, 1)]);
}

#[test]
fn unread_events_beyond_bound_are_counted() {
    let mut census = small(10_000);
    let bound = u32::try_from(Census::EVENTS).unwrap();
    for number in 0..bound + 7 {
        let mac = MacAddr::new([2, 0, 0, 0, 0, 1]).plus(number.into()).unwrap();
        record(&mut census, at(0), request(mac, address(number), OTHER));
    }
    assert_eq!((census.counts().events_lost, events(&mut census).len()), (7, Census::EVENTS));
}

#[test]
fn event_keys_beyond_bound_are_reported_again() {
    let mut census = small(10_000);
    for number in (0..257).chain([0]) {
        record(&mut census, at(0), request(A, NO_IP, address(number)));
    }
    assert_eq!((census.counts().suppressed, events(&mut census).len()), (0, 258));
    record(&mut census, at(0), request(A, NO_IP, address(256)));
    assert_eq!(census.counts().suppressed, 1);
}
