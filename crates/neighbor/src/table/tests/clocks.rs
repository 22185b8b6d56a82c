//! Clocks that stand still, jump, or reach their end.

use super::*;

#[test]
fn extreme_clock_values_cause_no_request_storm() {
    let end = Instant::from_nanos(u64::MAX);
    let mut table = table();
    table.resolve(end, 5, 10, 1);
    for now in [end, at(0), end, at(5), end] {
        due(&mut table, now);
        table.learn(now, 6, observation(6));
        table.merge(now, 6, observation(7));
    }
    assert!(table.counts().requests <= 20);
}

// proves: clock-still
#[test]
fn nothing_is_due_twice_when_clock_stands_still() {
    let mut table = table();
    table.resolve(at(9), 5, 10, 1);
    table.learn(at(9), 6, observation(6));
    table.resolve(at(9), 6, 10, 2);
    assert_eq!(due(&mut table, at(9)), [send_request(5)]);
    for _ in 0..1_000 {
        assert_eq!(due(&mut table, at(9)), []);
    }
    assert_eq!(table.deadline(), Some(at(10)));
}

// proves: clock-back
#[test]
fn requests_follow_after_one_second_when_clock_jumps_and_returns() {
    let year = at(365 * 24 * 60 * 60);
    let mut table = table();
    due(&mut table, at(100));
    // One address is requested while the clock is a year ahead, the other address after the clock is back.
    table.resolve(year, 5, 10, 1);
    due(&mut table, year);
    table.resolve(at(100), 6, 10, 2);
    assert_eq!(due(&mut table, at(100)), [send_request(6)]);
    assert_eq!(table.deadline(), Some(at(101)));
    assert_eq!(due(&mut table, at(101)), [send_request(5), send_request(6)]);
    pass(&mut table, at(103));
    assert_eq!(
        (state(&table, 5), state(&table, 6)),
        (Some(NeighborState::Failed), Some(NeighborState::Failed))
    );
}

// proves: clock-back
#[test]
fn lifetime_is_kept_when_clock_goes_back() {
    let mut table = table();
    table.learn(at(1_000), 5, observation(5));
    table.learn(at(0), 6, observation(6));
    assert_eq!(table.deadline(), Some(at(60)));
    pass(&mut table, at(59));
    assert_eq!(table.len(), 2);
    pass(&mut table, at(60));
    assert_eq!(table.len(), 0);
}

// proves: clock-end
#[test]
fn no_second_request_is_sent_at_end_of_time_and_reply_is_accepted() {
    let end = Instant::from_nanos(u64::MAX);
    let mut table = table();
    table.resolve(end, 5, 10, 1);
    table.resolve(end, 6, 10, 2);
    assert_eq!(due(&mut table, end), [send_request(5), send_request(6)]);
    assert_eq!((due(&mut table, end), table.deadline()), (vec![], None));
    table.merge(end, 5, replied(5));
    assert_eq!(due(&mut table, end), [NeighborAction::Send { ip: 5, mac: mac(5), packet: 1 }]);
    // The resolution continues when the clock starts again at zero.
    assert_eq!(due(&mut table, at(0)), []);
    assert_eq!(due(&mut table, at(1)), [send_request(6)]);
}

#[test]
fn timeout_beyond_end_of_time_never_expires() {
    let mut table = Table::new(NeighborSettings { timeout: Duration::MAX, ..NeighborSettings::default() });
    table.learn(at(0), 5, observation(5));
    assert_eq!(table.deadline(), None);
    assert_eq!(due(&mut table, Instant::from_nanos(u64::MAX)), []);
    assert_eq!(table.len(), 1);
}

// proves: rfc1122-flood
#[test]
fn expired_entry_is_not_requested_again_within_one_second() {
    let moment = Duration::from_millis(100);
    let mut table = Table::new(NeighborSettings { timeout: moment, ..NeighborSettings::default() });
    table.resolve(at(0), 5, 10, 1);
    assert_eq!(due(&mut table, at(0)), [send_request(5)]);
    table.merge(at(0), 5, replied(5));
    due(&mut table, at(0));
    assert_eq!(due(&mut table, at(0) + moment), []);
    assert_eq!(state(&table, 5), Some(NeighborState::Failed));
    assert_eq!(table.resolve(at(0) + moment, 5, 10, 2), Resolution::Pending);
    assert_eq!(table.deadline(), Some(at(1) + moment));
    assert_eq!(due(&mut table, at(1) + moment), [send_request(5)]);
}
