//! Bounds of the table, and eviction.

use super::*;

fn evicted(table: &mut Table) -> Vec<u32> {
    let events = std::iter::from_fn(|| table.take_event());
    events
        .filter_map(|event| if let NeighborEvent::Evicted { ip } = event { Some(ip) } else { None })
        .collect()
}

/// Resolves an address with an immediate reply, and takes all actions.
fn resolved(table: &mut Table, now: Instant, ip: u32) {
    table.resolve(now, ip, 10, 0);
    table.merge(now, ip, replied(ip));
    due(table, now);
}

// proves: table-eviction
#[test]
fn eviction_order_is_failed_then_unused_then_idle() {
    let mut table = small(8);
    table.add_static(at(0), 1, mac(1)).unwrap();
    // The resolution fails after three seconds. The entry is removed a second later.
    table.resolve(at(0), 2, 10, 0);
    for (ip, now) in [(3, 0), (4, 1), (5, 2), (6, 3)] {
        resolved(&mut table, at(now), ip);
    }
    // Another packet is sent to neighbor 3.
    table.resolve(at(3), 3, 10, 0);
    table.learn(at(3), 7, observation(7));
    table.learn(at(3), 8, observation(8));
    assert_eq!((table.len(), state(&table, 2)), (8, Some(NeighborState::Failed)));
    for newcomer in 20..22 {
        assert_eq!(table.learn(at(3), newcomer, observation(newcomer)), Merge::Added);
    }
    assert_eq!(evicted(&mut table), [2, 7]);
    // New entries that are resolved evict entries that are not in use, least recently used first.
    for newcomer in 30..35 {
        resolved(&mut table, at(7), newcomer);
    }
    assert_eq!(evicted(&mut table), [8, 20, 21, 4, 5]);
    assert_eq!(table.resolve(at(7), 40, 10, 9), Resolution::Refused(9), "an entry in use was evicted");
    resolved(&mut table, at(8), 40);
    assert!([1, 30, 40].iter().all(|ip| state(&table, *ip).is_some()));
}

// proves: table-eviction
#[test]
fn confirmed_entry_counts_as_in_use_for_five_seconds() {
    let mut table = small(4);
    for ip in 1..=4 {
        resolved(&mut table, at(0), ip);
    }
    table.merge(at(4), 1, observation(1));
    table.resolve(at(4), 2, 10, 0);
    assert_eq!(table.learn(Instant::from_nanos(at(5).as_nanos() - 1), 9, observation(9)), Merge::Refused);
    for newcomer in [10, 11] {
        resolved(&mut table, at(5), newcomer);
    }
    assert_eq!(evicted(&mut table), [3, 4]);
}

// proves: table-share
#[test]
fn unproven_entries_take_quarter_of_table_and_evict_no_proven_entry() {
    let mut table = small(64);
    for ip in 0..48 {
        resolved(&mut table, at(0), ip);
    }
    // The entries become STALE and are not used. A packet of each neighbor per second keeps the entries from expiring.
    for second in 1..60 {
        for ip in 0..48 {
            table.merge(at(second), ip, observation(ip));
        }
        for silent in 0..100 {
            table.resolve(at(second), 1_000 * u32::try_from(second).unwrap() + silent, 10, 0);
        }
        let requests = pass(&mut table, at(second)).into_iter();
        let requests =
            requests.filter(|(_, due)| matches!(due, NeighborAction::Request { mac: None, .. })).count();
        assert!(requests <= 16, "{requests} requests in one second");
        let unanswered = table.list().iter().filter(|entry| entry.mac.is_none()).count();
        assert!(unanswered <= 16, "{unanswered}");
        assert_eq!(table.list().iter().filter(|entry| entry.ip < 48).count(), 48);
    }
    assert!(table.counts().refused > 0);
}

// proves: table-share
#[test]
fn senders_that_never_reply_share_quarter_of_table_when_used() {
    let mut table = small(64);
    for ip in 0..32 {
        resolved(&mut table, at(0), ip);
    }
    for millis in 0..20_000 {
        let now = Instant::from_nanos(1_000_000 * (1_000 + millis));
        let unknown_sender = 1_000 + u32::try_from(millis).unwrap();
        table.learn(now, unknown_sender, observation(7));
        table.resolve(now, unknown_sender, 10, unknown_sender);
        if millis % 100 == 0 {
            for ip in 0..32 {
                table.resolve(now, ip, 10, ip);
                table.confirm(now, ip);
            }
        }
        due(&mut table, now);
        let checked = table.list().into_iter().filter(|entry| {
            entry.ip >= 1_000
                && matches!(entry.state, NeighborState::Delay | NeighborState::Probe | NeighborState::Failed)
        });
        assert!(checked.count() <= 16);
    }
    assert!((0..32).all(|ip| state(&table, ip).is_some()));
}

// proves: table-share, rfc1122-flood
#[test]
fn waiting_address_gets_place_one_second_after_previous_request() {
    let mut table = small(4);
    assert_eq!(table.resolve(at(0), 1, 10, 1), Resolution::Pending);
    assert_eq!(due(&mut table, at(0)), [send_request(1)]);
    assert_eq!(table.resolve(at(0), 2, 10, 2), Resolution::Refused(2));
    let just = Instant::from_nanos(at(1).as_nanos() - 1);
    assert_eq!(table.resolve(just, 2, 10, 3), Resolution::Refused(3));
    // The first address gets no second request, because another address waits for its place.
    assert_eq!(
        due(&mut table, at(1)),
        [NeighborAction::Return { ip: 1, packet: 1, reason: ReturnReason::Failed }]
    );
    assert_eq!(table.resolve(at(1), 2, 10, 4), Resolution::Pending);
    assert_eq!(due(&mut table, at(1)), [send_request(2)]);
    assert_eq!(evicted(&mut table), [1]);
}

// proves: table-bound, table-eviction
#[test]
fn million_senders_keep_bound_and_static_and_used_entries() {
    let mut table = with_reachable(5);
    table.add_static(at(0), 6, mac(6)).unwrap();
    for unknown_sender in 1_000..1_001_000 {
        table.learn(at(1), unknown_sender, observation(unknown_sender % 1_000));
        assert!(table.len() <= 1_024);
    }
    assert_eq!(state(&table, 5), Some(NeighborState::Reachable));
    assert_eq!(state(&table, 6), Some(NeighborState::Static));
    assert_eq!(table.counts().evicted, 1_000_000 - 1_022);
}

// proves: table-idle
#[test]
fn idle_table_has_one_deadline_and_no_work_before() {
    let mut table = small(100_000);
    for ip in 0..100_000 {
        table.learn(at(1), ip, observation(ip % 100));
    }
    assert_eq!(table.deadline(), Some(at(61)));
    assert_eq!(due(&mut table, at(60)), []);
    assert_eq!(table.len(), 100_000);
    assert_eq!(due(&mut table, at(61)), []);
    assert_eq!((table.len(), table.counts().expired), (0, 100_000));
}

/// Polls until no timer is due, and takes the events after each run. Returns the actions and the events.
fn spread(table: &mut Table, now: Instant) -> (Actions, Vec<NeighborEvent<u32>>) {
    let (mut actions, mut events) = (Vec::new(), Vec::new());
    while table.deadline().is_some_and(|deadline| deadline <= now) {
        actions.extend(std::iter::from_fn(|| table.poll(now)));
        let before = events.len();
        events.extend(std::iter::from_fn(|| table.take_event()));
        assert!(events.len() - before <= Table::TIMERS, "{} events in one run", events.len() - before);
        assert!(events.len() > before, "run without an event");
    }
    (actions, events)
}

// proves: timers-spread
#[test]
fn full_table_that_expires_at_once_reports_every_entry() {
    let mut table = small(65_536);
    for ip in 0..65_536 {
        table.learn(at(0), ip, observation(ip));
        table.take_event();
    }
    let (actions, events) = spread(&mut table, at(60));
    assert_eq!(events, (0..65_536).map(|ip| NeighborEvent::Expired { ip }).collect::<Vec<_>>());
    assert_eq!((actions, table.len(), table.counts().events_lost), (vec![], 0, 0));
}

// proves: timers-spread
#[test]
fn mass_change_of_every_timer_is_spread_and_reports_every_entry() {
    const COUNT: u32 = 4_096;
    let changed = |from, to| (0..COUNT).map(|ip| NeighborEvent::Changed { ip, from, to }).collect::<Vec<_>>();
    let settings = NeighborSettings { timeout: Duration::from_mins(10), ..NeighborSettings::default() };
    let mut table = Table::new(NeighborSettings { entries: 65_536, pending: 65_536, ..settings });
    for ip in 0..COUNT {
        table.learn(at(0), ip, observation(ip));
        table.confirm(at(0), ip);
        while table.take_event().is_some() {}
    }
    // REACHABLE ends.
    let (_, events) = spread(&mut table, at(45));
    assert_eq!(events, changed(NeighborState::Reachable, NeighborState::Stale));
    // DELAY ends, and a request for each neighbor follows.
    for ip in 0..COUNT {
        table.resolve(at(45), ip, 10, ip);
        table.take_event();
    }
    let (actions, events) = spread(&mut table, at(50));
    assert_eq!(events, changed(NeighborState::Delay, NeighborState::Probe));
    let request = |ip| NeighborAction::Request { ip, mac: Some(mac(ip)) };
    assert_eq!(actions, (0..COUNT).map(request).collect::<Vec<_>>());
    // No neighbor replies, and all resolutions fail.
    for second in 51..56 {
        assert_eq!(due(&mut table, at(second)).len(), 4_096);
    }
    let (_, events) = spread(&mut table, at(56));
    assert_eq!(events, changed(NeighborState::Probe, NeighborState::Failed));
    // The backoff ends.
    let (_, events) = spread(&mut table, at(57));
    assert_eq!(events, (0..COUNT).map(|ip| NeighborEvent::Forgotten { ip }).collect::<Vec<_>>());
    assert_eq!((table.len(), table.counts().events_lost), (0, 0));
}

// proves: table-eviction
#[test]
fn failed_entry_is_evicted_before_unused_entry_behind_entry_with_pending_packet() {
    let mut table = small(8);
    for silent in [1, 2] {
        table.resolve(at(0), silent, 10, silent);
    }
    pass(&mut table, at(3));
    for silent in [1, 2] {
        table.resolve(at(3), silent, 10, silent);
    }
    pass(&mut table, at(7));
    assert_eq!(
        (state(&table, 1), state(&table, 2)),
        (Some(NeighborState::Failed), Some(NeighborState::Failed))
    );
    // Both back off for two seconds. A packet waits for the first again.
    table.resolve(at(7), 1, 10, 3);
    for unknown_sender in 3..9 {
        table.learn(at(7), unknown_sender, observation(unknown_sender));
    }
    evicted(&mut table);
    assert_eq!(table.learn(at(8), 9, observation(9)), Merge::Added);
    assert_eq!(evicted(&mut table), [2]);
    assert_eq!(table.learn(at(8), 10, observation(10)), Merge::Added);
    assert_eq!(evicted(&mut table), [3]);
}

// proves: table-eviction, rfc1122-flood
#[test]
fn entry_is_not_evicted_within_one_second_of_request() {
    let mut table = small(1);
    table.resolve(at(0), 5, 10, 1);
    due(&mut table, at(0));
    let just = Instant::from_nanos(at(1).as_nanos() - 1);
    assert_eq!(table.resolve(just, 6, 10, 2), Resolution::Refused(2));
    assert_eq!(table.resolve(at(1), 6, 10, 2), Resolution::Pending);
}

// proves: table-eviction
#[test]
fn entry_with_ready_packet_is_not_evicted() {
    let mut table = small(1);
    table.resolve(at(0), 5, 10, 1);
    table.merge(at(0), 5, replied(5));
    assert_eq!(table.learn(at(6), 6, observation(6)), Merge::Refused);
    assert_eq!(table.poll(at(6)), Some(NeighborAction::Send { ip: 5, mac: mac(5), packet: 1 }));
    assert_eq!(table.learn(at(6), 6, observation(6)), Merge::Added);
}

// proves: table-bound
#[test]
fn table_bound_is_clamped_to_1_and_2_to_power_20() {
    for (entries, bound) in [(0, 1), (1, 1), (2, 2), (1 << 21, 1 << 20)] {
        let mut table = small(entries);
        for ip in 0..=bound {
            table.learn(at(0), ip, observation(1));
        }
        assert_eq!(table.len(), usize::try_from(bound).unwrap());
        assert_eq!(table.counts().evicted, 1);
    }
}

#[test]
fn full_static_table_refuses_entry_and_reports_it() {
    let mut table = small(1);
    table.add_static(at(0), 1, mac(1)).unwrap();
    assert_eq!(table.add_static(at(9), 2, mac(2)), Err(AddError::Full));
    assert_eq!(table.resolve(at(9), 3, 10, 1), Resolution::Refused(1));
    assert_eq!(table.take_event(), Some(NeighborEvent::Refused { ip: 2 }));
    assert_eq!(table.take_event(), Some(NeighborEvent::Refused { ip: 3 }));
    assert_eq!(table.counts().refused, 2);
}

#[test]
fn event_queue_is_bounded_and_losses_are_counted() {
    let mut table = table();
    // Each of the 2,000 senders is learned, and all but the last 1,024 are evicted.
    for ip in 0..2_000 {
        table.learn(at(0), ip, observation(ip));
    }
    assert_eq!(table.counts().events_lost, 2_000 + (2_000 - 1_024) - 2_048);
    assert_eq!(std::iter::from_fn(|| table.take_event()).count(), Table::EVENTS);
}

#[test]
fn repeated_sender_is_merged() {
    let mut table = table();
    assert_eq!(table.learn(at(0), 5, observation(5)), Merge::Added);
    assert_eq!(table.learn(at(0), 5, observation(5)), Merge::Confirmed);
    assert_eq!(table.learn(at(0), 5, observation(6)), Merge::Moved);
    assert_eq!(table.len(), 1);
}

// proves: table-share
#[test]
fn resolution_keeps_three_requests_when_sender_is_refused() {
    let mut table = small(8);
    for ip in 0..7 {
        resolved(&mut table, at(0), ip);
    }
    table.resolve(at(0), 100, 10, 1);
    let mut actions = pass(&mut table, at(0));
    assert_eq!(table.learn(at(0) + SECOND / 2, 200, observation(200)), Merge::Refused);
    actions.extend(pass(&mut table, at(3)));
    let failed = NeighborAction::Return { ip: 100, packet: 1, reason: ReturnReason::Failed };
    let expected =
        [(at(0), send_request(100)), (at(1), send_request(100)), (at(2), send_request(100)), (at(3), failed)];
    assert_eq!(actions, expected);
}

// proves: table-eviction, rfc1122-flood
#[test]
fn entry_is_not_evicted_within_one_second_of_second_request() {
    let mut table = small(4);
    table.resolve(at(0), 1, 10, 1);
    assert_eq!(pass(&mut table, at(1)), [(at(0), send_request(1)), (at(1), send_request(1))]);
    assert_eq!(table.resolve(at(1) + SECOND / 2, 2, 10, 2), Resolution::Refused(2));
}

// proves: table-share
#[test]
fn new_entry_evicts_failed_entry_beyond_share_despite_pending_packet() {
    let mut table = small(8);
    for ip in 1..=8 {
        resolved(&mut table, at(0), ip);
    }
    // Four neighbors stop replying: twice the limit.
    pass(&mut table, at(46));
    for ip in 1..=8 {
        table.merge(at(46), ip, observation(ip));
    }
    for now in [46, 57, 61].map(at) {
        pass(&mut table, now);
        for ip in 1..=4 {
            assert_eq!(state(&table, ip) == Some(NeighborState::Failed), now > at(46));
            table.resolve(now, ip, 10, ip);
        }
    }
    let now = at(61);
    for ip in 5..=8 {
        table.merge(now, ip, observation(ip));
    }
    evicted(&mut table);
    assert_eq!(table.learn(now, 9, observation(9)), Merge::Added);
    assert_eq!(evicted(&mut table), [1]);
}

// proves: table-eviction
#[test]
fn unproven_neighbor_is_evicted_despite_recent_packet() {
    let mut table = small(4);
    for ip in 1..=4 {
        table.learn(at(10), ip, observation(ip));
    }
    assert_eq!(table.learn(at(10), 9, observation(9)), Merge::Added);
    assert_eq!(evicted(&mut table), [1]);
}

#[test]
fn pages_have_each_entry_once_while_other_entries_come_and_go() {
    let mut table = small(100);
    for ip in 0..100 {
        table.learn(at(0), ip, observation(ip));
    }
    for ip in (0..100).filter(|ip| ip % 3 == 0) {
        table.remove(ip);
    }
    let (mut listed, mut from, mut pages) = (Vec::new(), Some(0), 0);
    while let Some(place) = from {
        let (entries, next) = table.page(place, 7);
        assert!(entries.len() <= 7, "page exceeds its limit");
        listed.extend(entries.into_iter().map(|entry| entry.ip));
        (from, pages) = (next, pages + 1);
        table.learn(at(0), 1_000 + pages, observation(1));
        table.remove(1_000 + pages - 2);
    }
    let mut expected: Vec<_> = (0..100).filter(|ip| ip % 3 != 0).collect();
    listed.retain(|ip| *ip < 1_000);
    listed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    assert!(pages >= 10, "{pages} pages for {} entries", expected.len());
}

#[test]
fn page_of_emptied_table_examines_bounded_number_of_places() {
    let mut table = small(3 * Table::EXAMINED);
    for ip in 0..10_000 {
        table.learn(at(0), ip, observation(ip));
    }
    for ip in 0..9_999 {
        table.remove(ip);
    }
    let first = table.page(0, 256);
    assert_eq!(first, (Vec::new(), Some(4_096)));
    let (entries, next) = table.page(8_192, 256);
    assert_eq!((entries.len(), next), (1, None));
    assert_eq!(table.page(u32::MAX, 256), (Vec::new(), None));
}
