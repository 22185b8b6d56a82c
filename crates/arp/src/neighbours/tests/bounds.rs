//! What a table holds, and who has to go.

use super::*;

// proves: table-eviction
#[test]
fn strangers_go_before_stale_before_reachable_and_neither_static_nor_in_use_ever() {
    let mut table = small(5);
    table.add_static(at(0), 1, mac(1)).unwrap();
    table.resolve(at(0), 2, 10, 0);
    for (protocol, now) in [(3, 0), (4, 20)] {
        table.resolve(at(now), protocol, 10, 0);
        table.merge(at(now), protocol, replied(protocol));
    }
    table.learn(at(20), 5, heard(5));
    // 3 has faded, 4 has not; 2 is still being asked for.
    pass(&mut table, at(20));
    while state(&table, 3) == Some(State::Reachable) {
        let now = table.deadline().unwrap();
        table.resolve(now, 2, 10, 0);
        due(&mut table, now);
    }
    // What has just faded stays for a second more.
    let now = table.deadline().unwrap() + SECOND;
    let mut evicted = Vec::new();
    for newcomer in 10..14 {
        // Each newcomer is asked for at once, hence in use.
        table.resolve(now, newcomer, 10, 0);
        while let Some(event) = table.take_event() {
            evicted.extend(match event {
                Event::Evicted { protocol } => Some(protocol),
                _ => None,
            });
        }
    }
    assert_eq!(evicted, [5, 3, 4]);
    assert_eq!(table.counts().refused, 1);
    assert!(state(&table, 1).is_some() && state(&table, 2).is_some());
}

// proves: table-bound, table-eviction
#[test]
fn a_million_strangers_leave_the_bound_static_and_used_entries_as_they_were() {
    let mut table = with_reachable(5);
    table.add_static(at(0), 6, mac(6)).unwrap();
    for stranger in 1_000..1_001_000 {
        table.learn(at(1), stranger, heard(stranger % 1_000));
        assert!(table.len() <= 1_024);
    }
    assert_eq!(state(&table, 5), Some(State::Reachable));
    assert_eq!(state(&table, 6), Some(State::Static));
    assert_eq!(table.counts().evicted, 1_000_000 - 1_022);
}

// proves: table-idle
#[test]
fn an_idle_table_has_one_deadline_and_nothing_to_do_before_it() {
    let mut table = small(100_000);
    for protocol in 0..100_000 {
        table.learn(at(1), protocol, heard(protocol % 100));
    }
    assert_eq!(table.deadline(), Some(at(61)));
    assert_eq!(due(&mut table, at(60)), []);
    assert_eq!(table.len(), 100_000);
    assert_eq!(due(&mut table, at(61)), []);
    assert_eq!((table.len(), table.counts().expired), (0, 100_000));
}

// proves: table-eviction
#[test]
fn whoever_failed_goes_before_a_stranger_even_behind_one_for_whom_something_waits() {
    let mut table = small(4);
    for dead in [1, 2] {
        table.resolve(at(0), dead, 10, dead);
    }
    pass(&mut table, at(3));
    for dead in [1, 2] {
        table.resolve(at(3), dead, 10, dead);
    }
    pass(&mut table, at(7));
    assert_eq!((state(&table, 1), state(&table, 2)), (Some(State::Failed), Some(State::Failed)));
    // Both are held for two seconds; for the first one something waits again.
    table.resolve(at(7), 1, 10, 3);
    table.learn(at(7), 3, heard(3));
    table.learn(at(8), 4, heard(4));
    assert_eq!(table.learn(at(8), 5, heard(5)), Merge::Added);
    assert_eq!(table.list().iter().map(|entry| entry.protocol).collect::<Vec<_>>(), [1, 3, 4, 5]);
    assert_eq!(table.learn(at(8), 6, heard(6)), Merge::Added);
    assert_eq!(table.list().iter().map(|entry| entry.protocol).collect::<Vec<_>>(), [1, 4, 5, 6]);
}

// proves: table-eviction, rfc1122-flood
#[test]
fn whoever_may_have_been_asked_within_the_second_stays_for_it() {
    let mut table = small(1);
    table.resolve(at(0), 5, 10, 1);
    table.merge(at(0), 5, replied(5));
    due(&mut table, at(0));
    let just = Instant::from_nanos(at(1).as_nanos() - 1);
    assert_eq!(table.learn(just, 6, heard(6)), Merge::Refused);
    assert_eq!(table.learn(at(1), 6, heard(6)), Merge::Added);
}

// proves: table-eviction
#[test]
fn nobody_goes_while_something_is_to_be_sent_there() {
    let mut table = small(1);
    table.resolve(at(0), 5, 10, 1);
    table.merge(at(0), 5, replied(5));
    assert_eq!(table.learn(at(2), 6, heard(6)), Merge::Refused);
    assert_eq!(table.poll(at(2)), Some(Due::Send { protocol: 5, hardware: mac(5), parcel: 1 }));
    assert_eq!(table.learn(at(2), 6, heard(6)), Merge::Added);
}

// proves: table-bound
#[test]
fn a_table_has_room_for_one_entry_at_least_and_2_to_the_20_at_most() {
    for (entries, room) in [(0, 1), (1, 1), (2, 2), (1 << 21, 1 << 20)] {
        let mut table = small(entries);
        for protocol in 0..=room {
            table.learn(at(0), protocol, heard(1));
        }
        assert_eq!(table.len(), usize::try_from(room).unwrap());
        assert_eq!(table.counts().evicted, 1);
    }
}

#[test]
fn a_full_table_of_static_entries_refuses_one_more_and_says_so() {
    let mut table = small(1);
    table.add_static(at(0), 1, mac(1)).unwrap();
    assert_eq!(table.add_static(at(9), 2, mac(2)), Err(AddError::Full));
    assert_eq!(table.resolve(at(9), 3, 10, 1), Resolution::Refused(1));
    assert_eq!(table.take_event(), Some(Event::Refused { protocol: 2 }));
    assert_eq!(table.take_event(), Some(Event::Refused { protocol: 3 }));
    assert_eq!(table.counts().refused, 2);
}

#[test]
fn events_have_a_bound_and_those_beyond_it_are_counted() {
    let mut table = table();
    // Two each: learned, and evicted to make room for others.
    for protocol in 0..2_000 {
        table.learn(at(0), protocol, heard(protocol));
    }
    assert_eq!(table.counts().events_lost, 2_000 + (2_000 - 1_024) - 2_048);
    assert_eq!(std::iter::from_fn(|| table.take_event()).count(), Table::EVENTS);
}

#[test]
fn a_sender_entered_twice_is_merged() {
    let mut table = table();
    assert_eq!(table.learn(at(0), 5, heard(5)), Merge::Added);
    assert_eq!(table.learn(at(0), 5, heard(5)), Merge::Confirmed);
    assert_eq!(table.learn(at(0), 5, heard(6)), Merge::Moved);
    assert_eq!(table.len(), 1);
}
