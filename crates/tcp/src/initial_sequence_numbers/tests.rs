use std::collections::BTreeSet;

use super::*;

const LOCAL: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 4_000);
const PEER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 80);
/// Number of source ports of a test of the distribution.
const PORTS: u16 = 10_000;

fn numbers(seed: u128) -> InitialSequenceNumbers {
    InitialSequenceNumbers::new(&Secret::new(seed))
}

/// Returns the initial sequence number of a connection from this local port at the origin of time.
fn of_port(numbers: &InitialSequenceNumbers, port: u16) -> u32 {
    numbers.select(Instant::ORIGIN, SocketAddrV4::new(*LOCAL.ip(), port), PEER).value()
}

// proves: rfc9293-isn-clock, rfc6528-generator, rfc6528-unrelated
#[test]
fn number_of_one_connection_grows_by_one_every_four_microseconds() {
    let numbers = numbers(1);
    let first = numbers.select(Instant::ORIGIN, LOCAL, PEER);
    for (nanoseconds, growth) in
        [(3_999, 0), (4_000, 1), (7_999, 1), (1_000_000_000, 250_000), (4_000 << 32, 0)]
    {
        let number = numbers.select(Instant::from_nanos(nanoseconds), LOCAL, PEER);
        assert_eq!(number.distance_from(first), growth, "{nanoseconds} ns");
    }
}

// proves: rfc9293-isn-clock, rfc6528-generator, rfc6528-secret
#[test]
fn number_depends_on_each_address_each_port_and_secret() {
    let select = |seed, local, peer| numbers(seed).select(Instant::ORIGIN, local, peer);
    let other_ip = Ipv4Addr::new(10, 0, 0, 3);
    let selected = [
        select(1, LOCAL, PEER),
        select(2, LOCAL, PEER),
        select(1, SocketAddrV4::new(other_ip, LOCAL.port()), PEER),
        select(1, SocketAddrV4::new(*LOCAL.ip(), 4_001), PEER),
        select(1, LOCAL, SocketAddrV4::new(other_ip, PEER.port())),
        select(1, LOCAL, SocketAddrV4::new(*PEER.ip(), 81)),
        select(1, PEER, LOCAL),
    ];
    let distinct: BTreeSet<_> = selected.iter().map(|number| number.value()).collect();
    assert_eq!(distinct.len(), selected.len(), "{selected:?}");
    assert_eq!(select(1, LOCAL, PEER), select(1, LOCAL, PEER));
}

/// Splits the differences between the numbers of consecutive ports, and the numbers, into 16 classes each.
// proves: rfc6528-unrelated, rfc6528-secret
#[test]
fn numbers_of_ten_thousand_ports_are_uncorrelated() {
    let numbers = numbers(7);
    let selected: Vec<_> = (1..=PORTS).map(|port| of_port(&numbers, port)).collect();
    let differences: Vec<_> = selected.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    let second: Vec<_> = differences.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    for (name, values) in
        [("number", &selected), ("difference", &differences), ("second difference", &second)]
    {
        for shift in [0, 28] {
            let mut counts = [0_u32; 16];
            for value in values {
                counts[usize::try_from(value >> shift & 15).unwrap()] += 1;
            }
            // 625 of each class are expected, and 500 or 750 are five standard deviations away.
            assert!(counts.iter().all(|count| (500..750).contains(count)), "{name} {shift}: {counts:?}");
        }
        let distinct: BTreeSet<_> = values.iter().collect();
        assert!(
            distinct.len() + 2 >= values.len(),
            "{name}: {} of {} are distinct",
            distinct.len(),
            values.len()
        );
    }
}

#[test]
fn timestamp_offset_depends_on_addresses_only() {
    let other = Ipv4Addr::new(10, 0, 0, 3);
    let offset = |seed, local, peer| numbers(seed).timestamp_offset(local, peer);
    let (local, peer) = (*LOCAL.ip(), *PEER.ip());
    let offsets = [
        offset(1, local, peer),
        offset(2, local, peer),
        offset(1, other, peer),
        offset(1, local, other),
        offset(1, peer, local),
    ];
    assert_eq!(offsets.iter().collect::<BTreeSet<_>>().len(), offsets.len(), "{offsets:?}");
    assert_eq!(offset(1, local, peer), offset(1, local, peer));
}

// proves: rfc6528-secret
#[test]
fn key_of_timestamps_is_not_key_of_sequence_numbers() {
    let numbers = numbers(1);
    let (local, peer) = (SocketAddrV4::new(*LOCAL.ip(), 0), SocketAddrV4::new(*PEER.ip(), 0));
    let sequence = numbers.select(Instant::ORIGIN, local, peer).value();
    assert_ne!(numbers.timestamp_offset(*LOCAL.ip(), *PEER.ip()), sequence);
}
