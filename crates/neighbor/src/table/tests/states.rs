//! States of an entry and their lifetimes.

use super::*;

fn with_timeout(timeout: u64) -> Table {
    Table::new(NeighborSettings { timeout: Duration::from_secs(timeout), ..NeighborSettings::default() })
}

fn sends_at_once(table: &mut Table, now: Instant) -> bool {
    matches!(table.resolve(now, 5, 10, 0), Resolution::Known(..))
}

// proves: entry-lifetime
#[test]
fn unconfirmed_entry_expires_in_every_state() {
    let mut reachable = with_timeout(10);
    reachable.learn(at(0), 5, observation(5));
    reachable.confirm(at(0), 5);
    let mut stale = with_timeout(10);
    stale.learn(at(0), 5, observation(5));
    let mut delay = with_timeout(10);
    delay.learn(at(0), 5, observation(5));
    delay.resolve(at(8), 5, 10, 1);
    let states = [NeighborState::Reachable, NeighborState::Stale, NeighborState::Delay];
    for (mut table, expected) in [reachable, stale, delay].into_iter().zip(states) {
        pass(&mut table, Instant::from_nanos(at(10).as_nanos() - 1));
        assert_eq!(state(&table, 5), Some(expected));
        assert_eq!(pass(&mut table, at(10)), []);
        assert_eq!((state(&table, 5), table.counts().expired), (None, 1));
    }

    let mut probe = with_timeout(7);
    probe.learn(at(0), 5, observation(5));
    probe.resolve(at(0), 5, 10, 1);
    pass(&mut probe, at(6));
    assert_eq!(state(&probe, 5), Some(NeighborState::Probe));
    assert_eq!(pass(&mut probe, at(7)), []);
    assert_eq!((state(&probe, 5), probe.counts().expired), (None, 1));
}

// proves: entry-lifetime, rfc4861-stale
#[test]
fn stale_delay_and_probe_states_send_at_once() {
    let mut table = with_timeout(600);
    table.learn(at(0), 5, observation(5));
    assert_eq!(state(&table, 5), Some(NeighborState::Stale));
    assert!(sends_at_once(&mut table, at(0)));
    assert_eq!(state(&table, 5), Some(NeighborState::Delay));
    assert!(sends_at_once(&mut table, at(4)));
    // Further use does not postpone the check.
    assert_eq!(table.deadline(), Some(at(5)));
    pass(&mut table, at(5));
    assert_eq!(state(&table, 5), Some(NeighborState::Probe));
    assert!(sends_at_once(&mut table, at(5)));
    pass(&mut table, Instant::from_nanos(at(11).as_nanos() - 1));
    assert!(sends_at_once(&mut table, at(10)));
    pass(&mut table, at(11));
    assert!(!sends_at_once(&mut table, at(11)));
}

// proves: rfc4861-upper-layer
#[test]
fn upper_layer_confirms_known_entries_only() {
    let mut table = with_timeout(60);
    for (ip, used) in [(5, false), (6, true), (7, true)] {
        table.learn(at(0), ip, observation(ip));
        if used {
            table.resolve(at(if ip == 6 { 0 } else { 3 }), ip, 10, 0);
        }
    }
    table.add_static(at(3), 8, mac(8)).unwrap();
    table.resolve(at(3), 9, 10, 1);
    pass(&mut table, at(5));
    let states = |table: &Table| [5, 6, 7, 8, 9].map(|ip| state(table, ip).unwrap());
    let before = [
        NeighborState::Stale,
        NeighborState::Probe,
        NeighborState::Delay,
        NeighborState::Static,
        NeighborState::Incomplete,
    ];
    assert_eq!(states(&table), before);
    for ip in 5..=9 {
        table.confirm(at(5), ip);
    }
    let after = [
        NeighborState::Reachable,
        NeighborState::Reachable,
        NeighborState::Reachable,
        NeighborState::Static,
        NeighborState::Incomplete,
    ];
    assert_eq!(states(&table), after);
    pass(&mut table, at(6));
    table.confirm(at(6), 9);
    assert_eq!(state(&table, 9), Some(NeighborState::Failed));
    // The timeout counts from the confirmation.
    pass(&mut table, at(64));
    assert_eq!(table.len(), 4);
    pass(&mut table, at(65));
    assert_eq!(table.len(), 1);
}

// proves: rfc4861-reachable-time
#[test]
fn reachable_time_is_redrawn_every_two_hours_and_differs_between_hosts() {
    let mut times = Vec::new();
    for seed in 0..3 {
        let mut table =
            Table::new(NeighborSettings { seed, timeout: Duration::MAX, ..NeighborSettings::default() });
        let mut at_second = |second| {
            due(&mut table, at(second));
            table.learn(at(second), 5, observation(5));
            table.confirm(at(second), 5);
            table.deadline().unwrap().since(at(second))
        };
        let first = at_second(0);
        assert_eq!(at_second(2 * 60 * 60 - 1), first);
        times.extend([first, at_second(2 * 60 * 60), at_second(4 * 60 * 60)]);
    }
    times.sort_unstable();
    times.dedup();
    assert_eq!(times.len(), 9);
    assert!(times.iter().all(|time| (15 * SECOND..=45 * SECOND).contains(time)));
}

// proves: rfc4861-reachable-time
#[test]
fn reachable_time_covers_full_range() {
    let times = (0..200).map(|seed| {
        let mut table =
            Table::new(NeighborSettings { seed, timeout: Duration::MAX, ..NeighborSettings::default() });
        table.learn(at(0), 5, observation(5));
        table.confirm(at(0), 5);
        table.deadline().unwrap().since(at(0))
    });
    let times: Vec<_> = times.collect();
    let (shortest, longest) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    assert!((15 * SECOND..17 * SECOND).contains(shortest), "{shortest:?}");
    assert!(*longest > 43 * SECOND && *longest <= 45 * SECOND, "{longest:?}");
}

// proves: rfc4861-confirmation
#[test]
fn request_during_resolution_completes_entry_as_delay() {
    let mut table = table();
    table.resolve(at(0), 5, 10, 1);
    due(&mut table, at(0));
    assert_eq!(table.merge(at(0), 5, observation(5)), Merge::Completed);
    assert_eq!(state(&table, 5), Some(NeighborState::Delay));
    let sent = NeighborAction::Send { ip: 5, mac: mac(5), packet: 1 };
    let request = NeighborAction::Request { ip: 5, mac: Some(mac(5)) };
    assert_eq!(pass(&mut table, at(5)), [(at(0), sent), (at(5), request)]);
}

// proves: rfc4861-confirmation
#[test]
fn unsolicited_reply_confirms_address_but_not_reachability() {
    let mut table = table();
    table.learn(at(0), 5, observation(5));
    assert_eq!(table.merge(at(0), 5, replied(5)), Merge::Confirmed);
    assert_eq!(state(&table, 5), Some(NeighborState::Stale));
    table.resolve(at(0), 5, 10, 1);
    assert_eq!(table.merge(at(0), 5, replied(5)), Merge::Confirmed);
    assert_eq!(state(&table, 5), Some(NeighborState::Delay));
}

// proves: neighbor-backoff
#[test]
fn late_reply_resets_backoff() {
    let mut table = with_timeout(600);
    table.resolve(at(0), 5, 10, 0);
    pass(&mut table, at(3));
    table.resolve(at(3), 5, 10, 0);
    pass(&mut table, at(7));
    assert_eq!(table.deadline(), Some(at(9)), "wrong backoff after two failures");
    assert_eq!(table.merge(at(7), 5, replied(5)), Merge::Completed);
    assert_eq!(state(&table, 5), Some(NeighborState::Reachable));
    pass(&mut table, at(55));
    table.resolve(at(55), 5, 10, 0);
    pass(&mut table, at(66));
    assert_eq!(state(&table, 5), Some(NeighborState::Failed));
    assert_eq!(table.deadline(), Some(at(67)), "wrong backoff after one failure");
}

// proves: entry-lifetime
#[test]
fn learned_and_requested_entries_have_separate_lifetimes() {
    let mut table = with_timeout(60);
    table.learn(at(0), 5, observation(5));
    table.resolve(at(10), 6, 10, 1);
    table.merge(at(10), 6, replied(6));
    table.learn(at(20), 7, observation(7));
    for (now, left) in [(59, 3), (60, 2), (69, 2), (70, 1), (79, 1), (80, 0)] {
        pass(&mut table, at(now));
        assert_eq!(table.len(), left, "at {now}");
    }
}

#[test]
fn every_state_change_is_reported_once() {
    let mut table = with_timeout(600);
    table.resolve(at(0), 5, 10, 1);
    pass(&mut table, at(3));
    table.resolve(at(3), 5, 10, 2);
    assert_eq!(state(&table, 5), Some(NeighborState::Incomplete));
    table.merge(at(3), 5, replied(5));
    table.confirm(at(3), 5);
    pass(&mut table, at(60));
    table.resolve(at(60), 5, 10, 3);
    pass(&mut table, at(65));
    table.add_static(at(65), 5, mac(5)).unwrap();
    let changes = [
        (NeighborState::Incomplete, NeighborState::Failed),
        (NeighborState::Failed, NeighborState::Incomplete),
        (NeighborState::Incomplete, NeighborState::Reachable),
        (NeighborState::Reachable, NeighborState::Stale),
        (NeighborState::Stale, NeighborState::Delay),
        (NeighborState::Delay, NeighborState::Probe),
        (NeighborState::Probe, NeighborState::Static),
    ];
    let mut expected = vec![NeighborEvent::Resolving { ip: 5 }];
    expected.extend(changes.map(|(from, to)| NeighborEvent::Changed { ip: 5, from, to }));
    assert_eq!(std::iter::from_fn(|| table.take_event()).collect::<Vec<_>>(), expected);
}

#[test]
fn lookup_at_place_finds_only_the_entry_of_its_address() {
    let mut table = table();
    table.learn(at(0), 5, observation(5));
    let place = table.place(5).unwrap();
    assert_eq!(table.lookup_at(at(1), place, 5), Some(mac(5)));
    assert_eq!(state(&table, 5), Some(NeighborState::Delay), "the use was not recorded");
    assert_eq!(table.lookup_at(at(1), place, 6), None, "the entry of another address");
    assert_eq!(table.lookup_at(at(1), place + 1, 5), None, "a place without an entry");
    table.remove(5);
    assert_eq!((table.place(5), table.lookup_at(at(1), place, 5)), (None, None), "a removed entry");
    table.resolve(at(1), 6, 10, 1);
    assert_eq!(table.place(6), Some(place));
    assert_eq!(table.lookup_at(at(1), place, 6), None, "an entry without a MAC address");
}
