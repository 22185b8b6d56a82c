//! Moves and conflicts.

use super::*;

const SUBJECT: VlanAddress = VlanAddress { vlan: None, ip: SEEN };

fn classify(packets: &[(u64, PacketFields)]) -> Vec<Classification> {
    let mut census = census();
    packets.iter().map(|(millis, packet)| record(&mut census, at(*millis), *packet)).collect()
}

fn moved(from: MacAddr) -> Classification {
    Classification::Moved { from }
}

fn conflict(other: MacAddr) -> Classification {
    Classification::Conflict { other }
}

#[test]
fn failover_and_return_are_two_moves() {
    let reported = classify(&[
        (0, announcement(A, SEEN)),
        (10_000, announcement(B, SEEN)),
        (20_000, announcement(A, SEEN)),
        (20_100, request(A, SEEN, OTHER)),
    ]);
    assert_eq!(reported, [Classification::New, moved(A), moved(B), Classification::Known]);
}

#[test]
fn two_replies_to_one_request_are_conflict() {
    let reported = classify(&[(0, reply(A, SEEN)), (1, reply(B, SEEN)), (5_000, reply(A, SEEN))]);
    assert_eq!(reported, [Classification::New, conflict(A), conflict(B)]);
}

#[test]
fn conflict_is_detected_when_second_reply_follows_move() {
    let reported = classify(&[(0, reply(A, SEEN)), (2_000, reply(B, SEEN)), (2_001, reply(C, SEEN))]);
    assert_eq!(reported, [Classification::New, moved(A), conflict(B)]);
    // A reply by a station that lost the address before is not decisive.
    let reported = classify(&[(0, reply(A, SEEN)), (1, announcement(B, SEEN)), (2, reply(C, SEEN))]);
    assert_eq!(reported, [Classification::New, moved(A), moved(B)]);
}

#[test]
fn replies_to_two_requesters_or_one_second_apart_are_move() {
    let to_another = PacketFields { target_hardware: C, ..reply(B, SEEN) };
    assert_eq!(classify(&[(0, reply(A, SEEN)), (1, to_another)]), [Classification::New, moved(A)]);
    let for_another = PacketFields { target_protocol: Ipv4Addr::new(10, 0, 0, 99), ..reply(B, SEEN) };
    assert_eq!(classify(&[(0, reply(A, SEEN)), (1, for_another)]), [Classification::New, moved(A)]);
    assert_eq!(classify(&[(0, reply(A, SEEN)), (1_000, reply(B, SEEN))]), [Classification::New, moved(A)]);
    assert_eq!(
        classify(&[(0, reply(A, SEEN)), (1, request(B, SEEN, OTHER))]),
        [Classification::New, moved(A)]
    );
    // A request between the replies changes nothing.
    let requested = classify(&[(0, reply(A, SEEN)), (1, request(A, SEEN, OTHER)), (2, reply(B, SEEN))]);
    assert_eq!(requested, [Classification::New, Classification::Known, conflict(A)]);
}

#[test]
fn address_defended_at_once_is_in_conflict() {
    let packets = [(0, announcement(A, SEEN)), (3_600_000, announcement(B, SEEN))];
    let defended = |millis| classify(&[packets[0], packets[1], (millis, announcement(A, SEEN))]);
    assert_eq!(defended(3_600_999).last(), Some(&conflict(B)));
    assert_eq!(defended(3_601_000).last(), Some(&moved(B)));
}

#[test]
fn alternating_address_is_in_conflict() {
    let every = |seconds: u64| {
        let packets: Vec<_> = [A, B, A, B, A]
            .into_iter()
            .zip(0..)
            .map(|(mac, change)| (change * seconds * 1_000, announcement(mac, SEEN)))
            .collect();
        classify(&packets)
    };
    assert_eq!(every(10), [Classification::New, moved(A), moved(B), conflict(A), conflict(B)]);
    assert_eq!(every(59).last(), Some(&conflict(B)));
    // Changes that are at least one window apart are moves.
    assert_eq!(every(60), [Classification::New, moved(A), moved(B), moved(A), moved(B)]);
}

#[test]
fn three_stations_in_sequence_are_conflict() {
    let fourth = MacAddr::new([2, 0, 0, 0, 0, 0xd]);
    let packets: Vec<_> = [A, B, C, fourth].into_iter().zip(0..).collect();
    let packets: Vec<_> =
        packets.into_iter().map(|(mac, change)| (change * 2_000, announcement(mac, SEEN))).collect();
    assert_eq!(classify(&packets), [Classification::New, moved(A), moved(B), conflict(C)]);
}

#[test]
fn conflict_is_reported_rate_limited_and_counted_each_time() {
    let mut census = census();
    for change in 0..400 {
        let mac = if change % 2 == 0 { A } else { B };
        record(&mut census, at(change * 1_000), reply(mac, SEEN));
    }
    let reported: Vec<_> = events(&mut census)
        .into_iter()
        .filter(|event| matches!(event, CensusEvent::Conflict { .. }))
        .collect();
    let conflict = |mac, other| CensusEvent::Conflict { address: SUBJECT, mac, other };
    assert_eq!(reported, [conflict(B, A), conflict(B, A)]);
    assert_eq!((census.counts().conflicts, census.counts().changed), (397, 399));
    let row = |now| census.get(now, SUBJECT).unwrap();
    assert_eq!(
        (row(at(400_000)).conflict, row(at(400_000)).previous, row(at(0)).changes),
        (Some(A), Some(A), 399)
    );
    assert_eq!(row(at(698_000)).conflict, Some(A));
    assert_eq!(row(at(699_000)).conflict, None, "the conflict is still listed after five minutes");
}

#[test]
fn conflict_is_listed_until_repeat_interval_ends() {
    for (repeat_after, conflict_window) in [(10, 60), (60, 10)] {
        let repeat_after = Duration::from_secs(repeat_after);
        let conflict_window = Duration::from_secs(conflict_window);
        let mut census =
            Census::new(CensusSettings { conflict_window, repeat_after, ..CensusSettings::default() });
        record(&mut census, at(0), reply(A, SEEN));
        record(&mut census, at(0), reply(B, SEEN));
        let listed = |now| census.get(now, SUBJECT).unwrap().conflict;
        assert_eq!((listed(at(59_999)), listed(at(60_000))), (Some(A), None), "{repeat_after:?}");
    }
}

#[test]
fn previous_owners_are_remembered_for_three_stations() {
    // Only three former stations are remembered: the return of an older station is a move.
    let mut census = census();
    let stations: Vec<_> = (1..=5).map(|last| MacAddr::new([2, 0, 0, 0, 1, last])).collect();
    for (mac, change) in stations.iter().zip(0..) {
        record(&mut census, at(change * 100_000), announcement(*mac, SEEN));
    }
    let back = |mac: MacAddr| {
        let mut census = Census::new(CensusSettings::default());
        for (mac, change) in stations.iter().zip(0..) {
            record(&mut census, at(change * 100_000), announcement(*mac, SEEN));
        }
        record(&mut census, at(400_500), announcement(mac, SEEN))
    };
    assert_eq!(back(stations[0]), moved(stations[4]));
    assert_eq!(back(stations[1]), conflict(stations[4]));
    assert_eq!(back(stations[3]), conflict(stations[4]));
    assert_eq!(census.get(at(400_000), SUBJECT).unwrap().previous, Some(stations[3]));
}

#[test]
fn conflict_names_both_stations_after_move() {
    let mut census = census();
    record(&mut census, at(0), reply(A, SEEN));
    assert_eq!(record(&mut census, at(1), reply(B, SEEN)), conflict(A));
    assert_eq!(record(&mut census, at(100_000), announcement(A, SEEN)), moved(B));
    assert_eq!(census.get(at(100_000), SUBJECT).unwrap().conflict, Some(B));
}

#[test]
fn clock_going_back_causes_no_conflict() {
    assert_eq!(
        classify(&[(10_000, reply(A, SEEN)), (9_900, reply(B, SEEN))]),
        [Classification::New, moved(A)]
    );
    let back =
        classify(&[(0, reply(A, SEEN)), (10_000, announcement(B, SEEN)), (9_900, announcement(A, SEEN))]);
    assert_eq!(back.last(), Some(&moved(B)));
}
