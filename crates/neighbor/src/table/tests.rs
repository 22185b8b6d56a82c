use super::*;
use crate::NeighborAction;

mod bounds;
mod clocks;
mod display;
mod pending;
mod properties;
mod states;

/// A table with numbers for IP addresses and for packets.
type Table = NeighborTable<u32, u32>;
type Actions = Vec<NeighborAction<u32, u32>>;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Instant {
    Instant::ORIGIN + Duration::from_secs(seconds)
}

fn mac(number: u32) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, 1]).plus(number.into()).unwrap()
}

fn table() -> Table {
    Table::new(NeighborSettings { seed: 7, ..NeighborSettings::default() })
}

fn small(entries: usize) -> Table {
    Table::new(NeighborSettings { entries, ..NeighborSettings::default() })
}

fn observation(number: u32) -> SenderObservation {
    SenderObservation { mac: mac(number), is_reply_to_local: false }
}

fn replied(number: u32) -> SenderObservation {
    SenderObservation { mac: mac(number), is_reply_to_local: true }
}

/// Takes all actions that are due, in several runs if more timers are due than one run handles.
fn due(table: &mut Table, now: Instant) -> Actions {
    let mut actions = Vec::new();
    for _ in 0..2_000 {
        actions.extend(std::iter::from_fn(|| table.poll(now)));
        if table.deadline().is_none_or(|deadline| deadline > now) {
            return actions;
        }
    }
    panic!("endless work")
}

/// Advances the time to `end`, from deadline to deadline. Returns the actions with their times.
fn pass(table: &mut Table, end: Instant) -> Vec<(Instant, NeighborAction<u32, u32>)> {
    let mut actions = Vec::new();
    while let Some(now) = table.deadline().filter(|deadline| *deadline <= end) {
        let before = actions.len();
        actions.extend(due(table, now).into_iter().map(|due| (now, due)));
        assert!(actions.len() < 100_000, "endless actions");
        assert!(table.deadline() != Some(now) || actions.len() > before, "deadline without action");
    }
    actions.extend(due(table, end).into_iter().map(|due| (end, due)));
    actions
}

fn state(table: &Table, ip: u32) -> Option<NeighborState> {
    table.get(ip).map(|entry| entry.state)
}

fn send_request(ip: u32) -> NeighborAction<u32, u32> {
    NeighborAction::Request { ip, mac: None }
}

/// Returns a table with one neighbor, which was requested and replied at the origin.
fn with_reachable(ip: u32) -> Table {
    let mut table = table();
    assert_eq!(table.resolve(at(0), ip, 10, 1), Resolution::Pending);
    due(&mut table, at(0));
    assert_eq!(table.merge(at(0), ip, replied(ip)), Merge::Completed);
    due(&mut table, at(0));
    assert_eq!(state(&table, ip), Some(NeighborState::Reachable));
    table
}

// proves: rfc1122-queue, queue-order
#[test]
fn pending_packets_are_sent_in_order_after_reply() {
    let mut table = table();
    for packet in 1..=3 {
        assert_eq!(table.resolve(at(0), 5, 100, packet), Resolution::Pending);
    }
    assert_eq!(due(&mut table, at(0)), [send_request(5)]);
    assert_eq!(state(&table, 5), Some(NeighborState::Incomplete));
    table.merge(at(0), 5, replied(9));
    let sent: Vec<_> = [1, 2, 3].map(|packet| NeighborAction::Send { ip: 5, mac: mac(9), packet }).into();
    assert_eq!(due(&mut table, at(0)), sent);
    assert_eq!(table.resolve(at(1), 5, 100, 4), Resolution::Known(mac(9), 4));
    assert_eq!(table.pending_packets(), 0);
}

// proves: rfc1122-failure, queue-failure, rfc4861-incomplete
#[test]
fn silent_destination_is_requested_three_times_and_packets_are_returned() {
    let mut table = table();
    table.resolve(at(0), 5, 100, 1);
    let returned = NeighborAction::Return { ip: 5, packet: 1, reason: ReturnReason::Failed };
    let expected =
        vec![(at(0), send_request(5)), (at(1), send_request(5)), (at(2), send_request(5)), (at(3), returned)];
    assert_eq!(pass(&mut table, at(3)), expected);
    assert_eq!(state(&table, 5), Some(NeighborState::Failed));
    assert_eq!(table.counts().failed, 1);
}

// proves: request-refused
#[test]
fn refused_request_is_repeated_after_one_second_and_costs_no_request() {
    let mut table = table();
    table.resolve(at(0), 5, 100, 1);
    table.resolve(at(0), 6, 100, 2);
    assert_eq!(due(&mut table, at(0)), [send_request(5), send_request(6)]);
    table.request_refused(at(0), 5);
    assert_eq!(table.counts().requests_refused, 1);
    assert_eq!(due(&mut table, at(0)), []);
    let mut requests = [0, 0];
    for (_, action) in pass(&mut table, at(10)) {
        requests[0] += usize::from(action == send_request(5));
        requests[1] += usize::from(action == send_request(6));
    }
    assert_eq!(requests, [3, 2]);
}

// proves: request-refused
#[test]
fn resolution_fails_after_twice_the_requests_when_device_refuses_all() {
    let mut table = table();
    table.resolve(at(0), 5, 100, 1);
    for second in 0..6 {
        assert_eq!(due(&mut table, at(second)), [send_request(5)], "at {second}");
        table.request_refused(at(second), 5);
    }
    let returned = NeighborAction::Return { ip: 5, packet: 1, reason: ReturnReason::Failed };
    assert_eq!(due(&mut table, at(6)), [returned]);
    assert_eq!(state(&table, 5), Some(NeighborState::Failed));
    assert_eq!(table.counts().requests_refused, 6);
}

// proves: request-refused
#[test]
fn late_refusal_does_not_change_resolved_or_unknown_neighbor() {
    let mut table = with_reachable(5);
    let before = table.deadline();
    table.request_refused(at(0), 5);
    table.request_refused(at(0), 77);
    assert_eq!((state(&table, 5), state(&table, 77)), (Some(NeighborState::Reachable), None));
    assert_eq!((table.deadline(), table.counts().requests_refused), (before, 2));
}

// proves: rfc1122-flood
#[test]
fn silent_destination_does_not_delay_other_destination() {
    let mut table = table();
    for silent in 100..350 {
        table.resolve(at(0), silent, 10, silent);
    }
    due(&mut table, at(0));
    table.resolve(at(0), 5, 10, 1);
    assert!(due(&mut table, at(0)).contains(&send_request(5)));
    table.merge(at(0), 5, replied(5));
    assert!(due(&mut table, at(0)).contains(&NeighborAction::Send { ip: 5, mac: mac(5), packet: 1 }));
}

// proves: neighbor-backoff
#[test]
fn failed_neighbor_retries_back_off() {
    let mut table = table();
    let mut requests = Vec::new();
    // The sender tries again every second.
    for second in 0..60 {
        table.resolve(at(second), 5, 10, 0);
        let actions = pass(&mut table, at(second));
        requests.extend(actions.into_iter().filter(|(_, due)| *due == send_request(5)).map(|(when, _)| when));
    }
    let gaps: Vec<_> = requests.windows(2).map(|pair| pair[1].since(pair[0]).as_secs()).collect();
    assert_eq!(gaps[..15], [1, 1, 2, 1, 1, 3, 1, 1, 5, 1, 1, 9, 1, 1, 9], "{gaps:?}");
}

#[test]
fn failed_neighbor_is_removed_after_backoff() {
    let mut table = table();
    table.resolve(at(0), 5, 10, 0);
    pass(&mut table, at(4));
    assert_eq!(state(&table, 5), None);
    assert_eq!(table.deadline(), None);
    let last = std::iter::from_fn(|| table.take_event()).last();
    assert_eq!(last, Some(NeighborEvent::Forgotten { ip: 5 }));
}

// proves: rfc4861-reachable-time
#[test]
fn reachable_entry_becomes_stale_between_half_and_one_and_a_half_of_mean() {
    for seed in 0..200 {
        let mut table = Table::new(NeighborSettings {
            seed,
            timeout: Duration::from_mins(10),
            ..NeighborSettings::default()
        });
        due(&mut table, at(0));
        table.resolve(at(0), 5, 10, 0);
        table.merge(at(0), 5, replied(5));
        due(&mut table, at(0));
        pass(&mut table, at(14));
        assert_eq!(state(&table, 5), Some(NeighborState::Reachable), "seed {seed}");
        pass(&mut table, at(46));
        assert_eq!(state(&table, 5), Some(NeighborState::Stale), "seed {seed}");
    }
}

// proves: rfc4861-stale, rfc4861-unicast, rfc4861-broadcast-last
#[test]
fn stale_neighbor_is_used_at_once_and_probed_by_unicast_first() {
    let mut table =
        Table::new(NeighborSettings { timeout: Duration::from_mins(10), ..NeighborSettings::default() });
    table.learn(at(0), 5, observation(5));
    assert_eq!(table.resolve(at(0), 5, 10, 1), Resolution::Known(mac(5), 1));
    assert_eq!(state(&table, 5), Some(NeighborState::Delay));
    let unicast_request = || NeighborAction::Request { ip: 5, mac: Some(mac(5)) };
    let actions = pass(&mut table, at(11));
    let expected = vec![
        (at(5), unicast_request()),
        (at(6), unicast_request()),
        (at(7), unicast_request()),
        (at(8), send_request(5)),
        (at(9), send_request(5)),
        (at(10), send_request(5)),
    ];
    assert_eq!(actions, expected);
    assert_eq!(state(&table, 5), Some(NeighborState::Failed));
}

// proves: rfc4861-confirmation
#[test]
fn probe_state_is_confirmed_by_solicited_reply_only() {
    let mut table = table();
    table.learn(at(0), 5, observation(5));
    table.resolve(at(0), 5, 10, 1);
    pass(&mut table, at(5));
    assert_eq!(state(&table, 5), Some(NeighborState::Probe));
    table.merge(at(5), 5, observation(5));
    assert_eq!(state(&table, 5), Some(NeighborState::Probe));
    table.merge(at(5), 5, replied(5));
    assert_eq!(state(&table, 5), Some(NeighborState::Reachable));
}

// proves: rfc4861-upper-layer
#[test]
fn upper_layer_confirmation_makes_entry_reachable() {
    let mut table = table();
    table.learn(at(0), 5, observation(5));
    table.resolve(at(0), 5, 10, 1);
    table.confirm(at(1), 5);
    assert_eq!(state(&table, 5), Some(NeighborState::Reachable));
    table.confirm(at(1), 77);
    assert_eq!(state(&table, 77), None);
}

// proves: rfc1122-flush, entry-lifetime
#[test]
fn idle_entry_expires_and_use_does_not_extend_lifetime() {
    let mut idle = with_reachable(5);
    pass(&mut idle, at(59));
    assert_eq!(state(&idle, 5), Some(NeighborState::Stale));
    pass(&mut idle, at(60));
    assert_eq!(state(&idle, 5), None);

    let mut used = with_reachable(5);
    for second in 0..60 {
        assert!(matches!(used.resolve(at(second), 5, 10, 0), Resolution::Known(..)), "at {second}");
        // Unicast requests are sent, without a reply or another confirmation.
        pass(&mut used, at(second));
        if state(&used, 5) == Some(NeighborState::Failed) {
            break;
        }
    }
    pass(&mut used, at(60));
    assert!(matches!(state(&used, 5), None | Some(NeighborState::Failed | NeighborState::Incomplete)));
}

#[test]
fn confirmation_extends_lifetime() {
    let mut table = with_reachable(5);
    pass(&mut table, at(50));
    table.merge(at(50), 5, observation(5));
    pass(&mut table, at(109));
    assert!(state(&table, 5).is_some());
    pass(&mut table, at(110));
    assert_eq!(state(&table, 5), None);
}

#[test]
fn expired_probe_entry_is_not_requested_again_at_once() {
    let settings = NeighborSettings { timeout: Duration::from_millis(5_500), ..NeighborSettings::default() };
    let mut table = Table::new(settings);
    table.learn(at(0), 5, observation(5));
    table.resolve(at(0), 5, 10, 0);
    assert_eq!(pass(&mut table, at(5)).len(), 1);
    let expired = at(5) + Duration::from_millis(500);
    assert_eq!(pass(&mut table, expired), []);
    assert_eq!(table.resolve(expired, 5, 10, 1), Resolution::Pending);
    assert_eq!(pass(&mut table, at(6)), [], "action within one second of the last request");
    assert_eq!(pass(&mut table, at(6) + SECOND / 2), [(at(6) + SECOND / 2, send_request(5))]);
}

#[test]
fn moved_neighbor_becomes_stale() {
    let mut table = with_reachable(5);
    assert_eq!(table.merge(at(1), 5, observation(9)), Merge::Moved);
    assert_eq!(table.get(5), Some(Neighbor { ip: 5, mac: Some(mac(9)), state: NeighborState::Stale }));
}

// proves: static-entry
#[test]
fn static_entry_neither_moves_nor_ages_and_reports_conflicts() {
    let mut table = table();
    table.add_static(at(0), 5, mac(5)).unwrap();
    while table.take_event().is_some() {}
    assert_eq!(table.merge(at(0), 5, replied(9)), Merge::StaticConflict);
    assert_eq!(table.take_event(), Some(NeighborEvent::StaticConflict { ip: 5, mac: mac(9) }));
    assert_eq!(table.merge(at(0), 5, replied(5)), Merge::Confirmed);
    pass(&mut table, at(1_000_000));
    assert_eq!(table.resolve(at(1_000_000), 5, 10, 1), Resolution::Known(mac(5), 1));
    assert_eq!(table.deadline(), None);
}

#[test]
fn static_entry_sends_pending_packets_when_added_during_resolution() {
    let mut table = table();
    table.resolve(at(0), 5, 10, 1);
    table.add_static(at(0), 5, mac(5)).unwrap();
    assert_eq!(due(&mut table, at(0)), [NeighborAction::Send { ip: 5, mac: mac(5), packet: 1 }]);
    assert_eq!(table.add_static(at(0), 6, MacAddr::BROADCAST), Err(AddError::InvalidMac));
}

// proves: rfc1122-flush
#[test]
fn removal_returns_pending_packets_and_flush_keeps_static_entries() {
    let mut table = table();
    table.resolve(at(0), 5, 10, 1);
    assert!(table.remove(5));
    assert!(!table.remove(5));
    assert_eq!(
        due(&mut table, at(0)),
        [NeighborAction::Return { ip: 5, packet: 1, reason: ReturnReason::Removed }]
    );
    table.add_static(at(0), 6, mac(6)).unwrap();
    table.learn(at(0), 7, observation(7));
    table.flush();
    assert_eq!(table.list().into_iter().map(|entry| entry.ip).collect::<Vec<_>>(), [6]);
}

#[test]
fn moved_neighbor_is_reachable_after_solicited_reply_only() {
    let mut probed = table();
    probed.learn(at(0), 5, observation(5));
    probed.resolve(at(0), 5, 10, 1);
    pass(&mut probed, at(5));
    assert_eq!(probed.merge(at(5), 5, replied(9)), Merge::Moved);
    assert_eq!(state(&probed, 5), Some(NeighborState::Reachable));

    let mut reachable = with_reachable(5);
    assert_eq!(reachable.merge(at(1), 5, replied(9)), Merge::Moved);
    assert_eq!(state(&reachable, 5), Some(NeighborState::Stale));

    let mut unsolicited = table();
    unsolicited.learn(at(0), 5, observation(5));
    unsolicited.resolve(at(0), 5, 10, 1);
    pass(&mut unsolicited, at(5));
    assert_eq!(unsolicited.merge(at(5), 5, observation(9)), Merge::Moved);
    assert_eq!(state(&unsolicited, 5), Some(NeighborState::Stale));
}
