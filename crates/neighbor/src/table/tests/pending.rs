//! Pending packets: waiting, sent, returned.

use super::*;

// proves: queue-bounds
#[test]
fn oldest_packet_is_displaced_per_destination_and_in_total() {
    let settings =
        NeighborSettings { pending_per_entry: 2, pending_bytes: 100, ..NeighborSettings::default() };
    let mut table = Table::new(settings);
    let displaced = |ip, packet| NeighborAction::Return { ip, packet, reason: ReturnReason::Displaced };
    for packet in 1..=3 {
        assert_eq!(table.resolve(at(0), 5, 10, packet), Resolution::Pending);
    }
    assert_eq!(due(&mut table, at(0)), [displaced(5, 1), send_request(5)]);
    assert_eq!(table.resolve(at(0), 6, 85, 4), Resolution::Pending);
    assert_eq!(due(&mut table, at(0)), [displaced(5, 2), send_request(6)]);
    assert_eq!(table.resolve(at(0), 6, 101, 5), Resolution::Refused(5));
    table.merge(at(0), 5, replied(5));
    assert_eq!(due(&mut table, at(0)), [NeighborAction::Send { ip: 5, mac: mac(5), packet: 3 }]);
}

// proves: queue-bounds
#[test]
fn pending_packets_are_bounded_and_newest_is_kept() {
    let mut table = Table::new(NeighborSettings { pending: 2, ..NeighborSettings::default() });
    for packet in 1..=4 {
        assert_eq!(table.resolve(at(0), 4 + packet, 1, packet), Resolution::Pending);
    }
    assert_eq!(table.pending_packets(), 4, "not two waiting and two returned packets");
    // Returned packets that are not taken are bounded too.
    assert_eq!(table.resolve(at(0), 9, 1, 5), Resolution::Refused(5));
    let displaced = |ip, packet| NeighborAction::Return { ip, packet, reason: ReturnReason::Displaced };
    assert_eq!(due(&mut table, at(0))[..2], [displaced(5, 1), displaced(6, 2)]);
    assert_eq!(table.resolve(at(0), 9, 1, 6), Resolution::Pending);
}

// proves: queue-bounds
#[test]
fn returned_packets_are_bounded_when_entries_are_removed() {
    let mut table = Table::new(NeighborSettings { pending: 2, ..NeighborSettings::default() });
    for number in 0..100 {
        let _ = table.resolve(at(0), number, 1, number);
        table.remove(number);
    }
    assert_eq!(table.pending_packets(), 4);
}

#[test]
fn completed_entry_is_stale_when_no_packet_is_pending() {
    let mut table = Table::new(NeighborSettings { pending_bytes: 100, ..NeighborSettings::default() });
    table.resolve(at(0), 5, 85, 1);
    table.resolve(at(0), 6, 85, 2);
    due(&mut table, at(0));
    assert_eq!(table.merge(at(0), 5, observation(5)), Merge::Completed);
    assert_eq!(state(&table, 5), Some(NeighborState::Stale));
    assert_eq!(table.merge(at(0), 6, observation(6)), Merge::Completed);
    assert_eq!(state(&table, 6), Some(NeighborState::Delay));
}

// proves: queue-order
#[test]
fn later_packet_does_not_overtake_pending_packets() {
    let mut table = table();
    table.resolve(at(0), 5, 10, 1);
    table.resolve(at(0), 5, 10, 2);
    due(&mut table, at(0));
    table.merge(at(0), 5, replied(5));
    assert_eq!(table.resolve(at(0), 5, 10, 3), Resolution::Pending);
    assert_eq!(table.deadline(), Some(at(0)), "no action is due although packets are ready");
    let send = |packet| NeighborAction::Send { ip: 5, mac: mac(5), packet };
    assert_eq!(table.poll(at(0)), Some(send(1)));
    assert_eq!(table.resolve(at(0), 5, 10, 4), Resolution::Pending);
    assert_eq!(due(&mut table, at(0)), [send(2), send(3), send(4)]);
    assert_eq!(table.resolve(at(0), 5, 10, 5), Resolution::Known(mac(5), 5));
}

// proves: queue-order
#[test]
fn pending_packet_goes_to_current_mac_when_neighbor_moved() {
    let mut table = table();
    table.resolve(at(0), 5, 10, 1);
    table.merge(at(0), 5, replied(5));
    table.merge(at(0), 5, observation(9));
    assert_eq!(table.resolve(at(0), 5, 10, 2), Resolution::Pending);
    assert_eq!(state(&table, 5), Some(NeighborState::Delay));
    let send = |packet| NeighborAction::Send { ip: 5, mac: mac(9), packet };
    assert_eq!(due(&mut table, at(0)), [send(1), send(2)]);
}

// proves: queue-once
#[test]
fn ready_packet_is_returned_when_entry_is_removed() {
    let mut table = table();
    table.resolve(at(0), 5, 10, 1);
    table.resolve(at(0), 6, 10, 2);
    table.merge(at(0), 5, replied(5));
    table.merge(at(0), 6, replied(6));
    table.remove(5);
    // A new entry of the same address has its own packets.
    assert_eq!(table.resolve(at(0), 5, 10, 3), Resolution::Pending);
    let returned = NeighborAction::Return { ip: 5, packet: 1, reason: ReturnReason::Removed };
    let sent = NeighborAction::Send { ip: 6, mac: mac(6), packet: 2 };
    assert_eq!(due(&mut table, at(0)), [returned, sent, send_request(5)]);
    table.merge(at(0), 5, replied(5));
    assert_eq!(due(&mut table, at(0)), [NeighborAction::Send { ip: 5, mac: mac(5), packet: 3 }]);
}

// proves: queue-bounds
#[test]
fn ready_packet_counts_against_bounds_until_taken() {
    let mut table = Table::new(NeighborSettings {
        pending_bytes: 100,
        pending: 3,
        pending_per_entry: 2,
        ..NeighborSettings::default()
    });
    table.resolve(at(0), 5, 40, 1);
    table.resolve(at(0), 5, 40, 2);
    table.merge(at(0), 5, replied(5));
    assert_eq!(
        table.resolve(at(0), 5, 1, 3),
        Resolution::Refused(3),
        "a packet was accepted although two packets to 5 are ready"
    );
    assert_eq!(
        table.resolve(at(0), 6, 21, 4),
        Resolution::Refused(4),
        "a packet was accepted although 80 bytes are ready"
    );
    assert_eq!(table.resolve(at(0), 6, 10, 5), Resolution::Pending);
    assert_eq!(table.resolve(at(0), 7, 1, 6), Resolution::Pending);
    let displaced = NeighborAction::Return { ip: 6, packet: 5, reason: ReturnReason::Displaced };
    let sent = [1, 2].map(|packet| NeighborAction::Send { ip: 5, mac: mac(5), packet });
    let expected: Vec<_> =
        [displaced].into_iter().chain(sent).chain([send_request(6), send_request(7)]).collect();
    assert_eq!(due(&mut table, at(0)), expected);
    assert_eq!(table.resolve(at(0), 6, 99, 7), Resolution::Pending);
    assert_eq!(table.resolve(at(0), 8, 100, 8), Resolution::Pending, "older packets were not displaced");
}

// proves: queue-bounds
#[test]
fn packet_is_refused_but_requested_when_no_packet_may_wait() {
    for settings in [
        NeighborSettings { pending_per_entry: 0, ..NeighborSettings::default() },
        NeighborSettings { pending: 0, ..NeighborSettings::default() },
        NeighborSettings { pending_bytes: 9, ..NeighborSettings::default() },
    ] {
        let mut table = Table::new(settings);
        assert_eq!(table.resolve(at(0), 5, 10, 1), Resolution::Refused(1));
        assert_eq!(due(&mut table, at(0)), [send_request(5)]);
        assert_eq!(table.merge(at(0), 5, replied(5)), Merge::Completed);
        assert_eq!(table.resolve(at(0), 5, 10, 2), Resolution::Known(mac(5), 2));
    }
}

// proves: queue-bounds
#[test]
fn pending_packets_per_destination_are_limited_to_255() {
    let mut table = Table::new(NeighborSettings { pending_per_entry: 1_000, ..NeighborSettings::default() });
    for packet in 0..300 {
        assert_eq!(table.resolve(at(0), 5, 10, packet), Resolution::Pending);
    }
    table.merge(at(0), 5, replied(5));
    let due = due(&mut table, at(0));
    let (returned, sent): (Vec<_>, Vec<_>) =
        due.iter().partition(|due| matches!(due, NeighborAction::Return { .. }));
    assert_eq!((returned.len(), sent.len()), (45, 255));
}

#[test]
fn excessive_bounds_are_clamped() {
    let mut table = Table::new(NeighborSettings {
        entries: 9,
        pending_per_entry: usize::MAX,
        pending: usize::MAX,
        pending_bytes: usize::MAX,
        ..NeighborSettings::default()
    });
    assert_eq!(table.resolve(at(0), 5, usize::MAX, 1), Resolution::Pending);
    assert_eq!(table.resolve(at(0), 5, 1, 2), Resolution::Pending);
    assert_eq!(due(&mut table, at(0)).len(), 2, "not one returned packet and one request");
}

// proves: rfc1122-failure
#[test]
fn entry_is_removed_after_backoff_when_its_packet_was_displaced() {
    let mut table = Table::new(NeighborSettings { pending: 1, ..NeighborSettings::default() });
    table.resolve(at(0), 5, 10, 1);
    pass(&mut table, at(3));
    // The second packet displaces the first packet immediately.
    table.resolve(at(3), 5, 10, 2);
    table.resolve(at(3), 6, 10, 3);
    pass(&mut table, at(4));
    assert_eq!((state(&table, 5), state(&table, 6)), (None, Some(NeighborState::Incomplete)));
}

// proves: queue-bounds, queue-failure
#[test]
fn returned_packets_free_byte_capacity() {
    let mut table = Table::new(NeighborSettings { pending_bytes: 100, ..NeighborSettings::default() });
    for (attempt, packet) in [(0, 1), (4, 2), (9, 3)] {
        assert_eq!(table.resolve(at(attempt), 5, 100, packet), Resolution::Pending);
        let actions = pass(&mut table, at(attempt + 4));
        let returned = NeighborAction::Return { ip: 5, packet, reason: ReturnReason::Failed };
        assert!(actions.iter().any(|(_, due)| *due == returned), "{actions:?}");
    }
}

// proves: queue-bounds
#[test]
fn packets_in_table_are_limited_to_twice_bound() {
    let mut table = Table::new(NeighborSettings { pending: 5, ..NeighborSettings::default() });
    for packet in 0..10 {
        assert_eq!(table.resolve(at(0), packet, 1, packet), Resolution::Pending);
    }
    assert_eq!(table.resolve(at(0), 10, 1, 10), Resolution::Refused(10));
    assert_eq!(table.pending_packets(), 10);
}
