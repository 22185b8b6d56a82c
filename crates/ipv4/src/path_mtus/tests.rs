use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

fn at(seconds: u64) -> Instant {
    Instant::ORIGIN + Duration::from_secs(seconds)
}

fn host(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a00_0000 | number)
}

/// Returns the path MTU after errors with these MTUs about datagrams of 1,500 bytes.
fn after(mtus: &[u16]) -> Option<u16> {
    let mut table = PathMtus::new(1);
    for mtu in mtus {
        table.update(at(0), PEER, *mtu, 1_500);
    }
    table.get(at(0), PEER)
}

// proves: rfc1191-reduce, rfc1191-no-increase
#[test]
fn path_mtu_is_that_of_error_and_never_increases() {
    let mut table = PathMtus::new(1);
    assert!(table.is_empty(at(0)));
    assert_eq!(table.get(at(0), PEER), None);
    table.update(at(0), PEER, 1_400, 1_500);
    assert!(!table.is_empty(at(0)));
    assert_eq!((table.get(at(0), PEER), table.get(at(0), host(9))), (Some(1_400), None));
    assert_eq!(after(&[1_400, 1_300, 1_350]), Some(1_300));
    assert_eq!(after(&[1_400, 9_000, 65_535]), Some(1_400));
}

// proves: rfc1191-minimum, path-mtu-floor
#[test]
fn reported_mtu_below_minimum_counts_as_minimum() {
    for mtu in [1, 67, 68, 296, 551, 552] {
        assert_eq!(after(&[mtu]), Some(552), "{mtu}");
    }
    assert_eq!(after(&[553]), Some(553));
    assert_eq!(after(&[600, 68, 1_400]), Some(552));
}

// proves: rfc1191-no-mtu
#[test]
fn error_without_mtu_selects_next_plateau_below_length() {
    let selected = |length| {
        let mut table = PathMtus::new(1);
        table.update(at(0), PEER, 0, length);
        table.get(at(0), PEER)
    };
    let plateaus = [
        (65_535, 32_000),
        (32_001, 32_000),
        (32_000, 17_914),
        (9_000, 8_166),
        (8_166, 4_352),
        (4_352, 2_002),
        (1_500, 1_492),
        (1_493, 1_492),
        (1_492, 1_006),
        (1_006, 552),
        (508, 552),
        (68, 552),
        (0, 552),
    ];
    for (length, mtu) in plateaus {
        assert_eq!(selected(length), Some(mtu), "{length}");
    }
}

// proves: rfc1191-no-mtu
#[test]
fn errors_without_mtu_converge_when_router_quotes_excessive_length() {
    let mut table = PathMtus::new(1);
    let mut estimates = vec![1_500];
    for _ in 0..4 {
        let sent = estimates[estimates.len() - 1];
        table.update(at(0), PEER, 0, sent + 20);
        estimates.extend(table.get(at(0), PEER));
    }
    assert_eq!(estimates, [1_500, 1_492, 1_006, 552, 552]);
    // A length below the path MTU is not excessive.
    let mut table = PathMtus::new(1);
    table.update(at(0), PEER, 1_400, 1_500);
    table.update(at(0), PEER, 0, 1_020);
    assert_eq!(table.get(at(0), PEER), Some(1_006));
    // Errors about a burst of datagrams of the first length do not reduce the path MTU to the minimum.
    assert_eq!(after(&[0, 0, 0, 0]), Some(1_006));
}

// proves: rfc1191-aging
#[test]
fn entry_expires_ten_minutes_after_last_error() {
    let mut table = PathMtus::new(1);
    table.update(at(0), PEER, 1_400, 1_500);
    table.update(at(60), PEER, 1_400, 1_500);
    assert_eq!(table.get(at(659), PEER), Some(1_400));
    assert_eq!(table.get(at(660), PEER), None);
    // A later error may then report a larger MTU.
    table.update(at(661), PEER, 1_450, 1_500);
    assert_eq!(table.get(at(661), PEER), Some(1_450));
    // An error with a larger MTU extends the time too (RFC 1191 3).
    table.update(at(900), PEER, 1_480, 1_500);
    assert_eq!(table.get(at(1_499), PEER), Some(1_450));
    assert!(!table.is_empty(at(1_499)));
    assert_eq!(table.get(at(1_500), PEER), None);
    assert!(table.is_empty(at(1_500)), "an expired entry counts");
}

// proves: path-mtu-bound
#[test]
fn oldest_entry_is_evicted_and_counted_when_table_is_full() {
    let mut table = PathMtus::new(1);
    for number in 0..1_024 {
        table.update(at(0), host(number), 1_400, 1_500);
    }
    // The error makes entry 0 the newest.
    table.update(at(1), host(0), 1_400, 1_500);
    assert_eq!(table.evicted(), 0);
    table.update(at(1), host(2_000), 1_400, 1_500);
    assert_eq!(table.evicted(), 1);
    let known = |table: &PathMtus, now| {
        (0..4_000).filter(|number| table.get(now, host(*number)).is_some()).collect::<Vec<u32>>()
    };
    let expected: Vec<_> = (0..1_024).filter(|number| *number != 1).chain([2_000]).collect();
    assert_eq!(known(&table, at(1)), expected);
    // The eviction of an expired entry is not counted.
    table.update(at(600), host(3_000), 1_400, 1_500);
    assert_eq!(table.evicted(), 1);
    assert_eq!(known(&table, at(600)), [0, 2_000, 3_000]);
    assert_eq!(table.entries.len(), PathMtus::CAPACITY);
}

proptest! {
    // proves: rfc1191-reduce, rfc1191-no-increase, rfc1191-minimum, rfc1191-aging
    #[test]
    fn table_agrees_with_map_of_last_errors(
        seed in any::<u64>(),
        errors in proptest::collection::vec((0..200_u64, 0..8_u32, 1..3_000_u16), 0..60),
    ) {
        let mut table = PathMtus::new(seed);
        let mut model: BTreeMap<u32, (u16, u64)> = BTreeMap::new();
        let mut now = 0;
        for (pause, number, mtu) in errors {
            now += pause;
            table.update(at(now), host(number), mtu, 3_000);
            let before = model.get(&number).filter(|(_, since)| now < since + 600).map_or(u16::MAX, |(mtu, _)| *mtu);
            model.insert(number, (mtu.max(552).min(before), now));
            for number in 0..8 {
                let expected = model.get(&number).filter(|(_, since)| now < since + 600).map(|(mtu, _)| *mtu);
                prop_assert_eq!(table.get(at(now), host(number)), expected);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    // proves: path-mtu-bound
    #[test]
    fn full_table_keeps_last_destinations(seed in any::<u64>(), numbers in proptest::collection::vec(0..3_000_u32, 0..4_000)) {
        let mut table = PathMtus::new(seed);
        let mut order: Vec<u32> = Vec::new();
        for number in numbers {
            table.update(at(0), host(number), 1_400, 1_500);
            order.retain(|other| *other != number);
            order.push(number);
        }
        let kept = &order[order.len().saturating_sub(1_024)..];
        prop_assert!(kept.iter().all(|number| table.get(at(0), host(*number)) == Some(1_400)));
        let known = (0..3_000).filter(|number| table.get(at(0), host(*number)).is_some()).count();
        prop_assert_eq!(known, kept.len());
    }
}
