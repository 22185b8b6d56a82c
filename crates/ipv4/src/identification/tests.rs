use super::*;
use std::collections::HashSet;

fn next(identification: &mut Identification, last: u8, protocol: IpProtocol) -> u16 {
    identification.next([10, 0, 0, 2].into(), [10, 0, 0, last].into(), protocol)
}

// proves: rfc6864-unique
#[test]
fn identification_does_not_repeat_for_one_destination_and_protocol() {
    let mut identification = Identification::new(7);
    let numbers: HashSet<u16> = (0..65_536).map(|_| next(&mut identification, 1, IpProtocol::UDP)).collect();
    assert_eq!(numbers.len(), 65_536);
}

#[test]
fn identification_starts_apart_by_destination_protocol_and_seed() {
    let first = |seed| {
        let mut identification = Identification::new(seed);
        let udp: Vec<u16> = (0..100).map(|last| next(&mut identification, last, IpProtocol::UDP)).collect();
        let icmp: Vec<u16> = (0..100).map(|last| next(&mut identification, last, IpProtocol::ICMP)).collect();
        [udp, icmp].concat()
    };
    let distinct: HashSet<u16> = first(1).into_iter().collect();
    assert!(distinct.len() > 190, "{}", distinct.len());
    assert_ne!(first(1), first(2));
    assert_eq!(first(1), first(1));
}

// proves: rfc6864-unique
#[test]
fn alternating_destinations_keep_their_sequences() {
    let mut identification = Identification::new(7);
    let mut numbers = |last| [(); 3].map(|()| next(&mut identification, last, IpProtocol::UDP));
    let (first, other, again) = (numbers(1), numbers(2), numbers(1));
    assert_eq!(first.map(|number| number.wrapping_add(3)), again);
    assert_ne!(first, other);
}

// proves: rfc6864-unique
#[test]
fn segments_of_one_datagram_have_consecutive_numbers_of_their_own() {
    let mut identification = Identification::new(7);
    let first = next(&mut identification, 1, IpProtocol::TCP);
    let destination = [10, 0, 0, 1].into();
    let of_three = identification.next_of([10, 0, 0, 2].into(), destination, IpProtocol::TCP, 3);
    assert_eq!(of_three, first.wrapping_add(1));
    assert_eq!(next(&mut identification, 1, IpProtocol::TCP), of_three.wrapping_add(3));
}
