//! Ends of connections: whatever ends a connection, its memory is returned.

use std::time::Duration;

use proptest::prelude::*;
use tcp::{CloseReason, KeepAlive, State, TcpSettings};

use crate::link::Faults;
use crate::sides::{CLIENT, Pair, SERVER, Setup};
use crate::trace;

/// What happens to a pair while it exchanges data.
#[derive(Clone, Copy, Debug)]
enum Incident {
    /// The user of a side aborts the connection.
    Abort(usize),
    /// The user of a side closes the connection, although data may arrive.
    Close(usize),
    /// The user of a side stops reading, and then closes the connection.
    StopReading(usize),
    /// A side disappears.
    Vanish(usize),
    /// The link from a side loses everything.
    Cut(usize),
    /// Both links lose everything.
    CutBoth,
}

fn cause(pair: &mut Pair, incident: Incident) {
    match incident {
        Incident::Abort(side) => pair.abort(side),
        Incident::Close(side) => pair.close(side),
        Incident::StopReading(side) => {
            pair.sides[side].is_reading = false;
            pair.run_for(Duration::from_secs(100));
            pair.close(side);
        }
        Incident::Vanish(side) => pair.vanish(side),
        Incident::Cut(side) => pair.links[side].is_cut = true,
        Incident::CutBoth => pair.links.iter_mut().for_each(|link| link.is_cut = true),
    }
}

fn exchanging(setup: &Setup, bytes: u64) -> Pair {
    let mut pair = Pair::new(setup);
    for side in &mut pair.sides {
        (side.to_write, side.portion, side.pause) = (bytes, 5_000, Duration::from_millis(20));
    }
    pair
}

fn incident() -> impl Strategy<Value = Incident> {
    let side = prop_oneof![Just(CLIENT), Just(SERVER)];
    prop_oneof![
        side.clone().prop_map(Incident::Abort),
        side.clone().prop_map(Incident::Close),
        side.clone().prop_map(Incident::StopReading),
        side.clone().prop_map(Incident::Vanish),
        side.prop_map(Incident::Cut),
        Just(Incident::CutBoth),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    // proves: tcp-memory-returned
    #[test]
    fn memory_is_returned_whatever_ends_the_connection(
        incident in incident(),
        time in 0_u64..2_000,
        loss in 0_u64..30,
        is_simultaneous in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let faults = Faults { loss, duplication: loss, corruption: 0, reordering: 2 * loss };
        let mut pair = exchanging(&Setup { is_simultaneous, faults, seed, ..Setup::default() }, 100_000);
        pair.run_for(Duration::from_millis(time));
        cause(&mut pair, incident);
        pair.run_for(Duration::from_hours(1));
        trace::check(&pair);
        for side in [CLIENT, SERVER] {
            if pair.sides[side].state() != State::Closed {
                // A side that waits for the peer, without anything to send, does not notice a cut or a lost reset.
                let is_cut = matches!(incident, Incident::Cut(_) | Incident::CutBoth | Incident::Vanish(_));
                assert!(is_cut || loss > 0, "{pair:?}");
                pair.abort(side);
            }
            // After a regular end, the user may still read. Any other end returns the memory.
            if pair.sides[side].is_closed_regularly() {
                pair.release(side);
            }
            let side = &pair.sides[side];
            prop_assert_eq!((side.memory.used(), side.pool.held()), (0, 0), "{:?}", side.connection);
        }
    }
}

/// Cuts the links of a pair while data is outstanding. Returns the time until the client ends.
fn time_to_give_up(settings: TcpSettings, bytes: usize) -> Duration {
    let mut pair =
        Pair::established(&Setup { settings: [settings, TcpSettings::default()], ..Setup::default() });
    cause(&mut pair, Incident::CutBoth);
    let start = pair.now;
    pair.write(CLIENT, bytes);
    pair.run_until(|pair| pair.states()[CLIENT] == State::Closed);
    assert_eq!(pair.sides[CLIENT].status().closed, Some(CloseReason::TimedOut));
    pair.now.since(start)
}

// R2 by count takes nine minutes with an RTO of 200 ms.
#[test]
fn dead_peer_ends_connection_by_count_or_by_user_timeout() {
    let by_count = time_to_give_up(TcpSettings::default(), 1_000);
    assert!(
        by_count > Duration::from_secs(100) && by_count < Duration::from_secs(1_000),
        "after {by_count:?}"
    );
    let user_timeout = Some(Duration::from_secs(30));
    let by_timeout = time_to_give_up(TcpSettings { user_timeout, ..TcpSettings::default() }, 1_000);
    assert!(
        by_timeout >= Duration::from_secs(30) && by_timeout < Duration::from_mins(1),
        "after {by_timeout:?}"
    );
}

#[test]
fn dead_peer_ends_idle_connection_only_with_keep_alive() {
    let keep_alive =
        Some(KeepAlive { idle: Duration::from_mins(1), interval: Duration::from_secs(10), probes: 5 });
    let after = time_to_give_up(TcpSettings { keep_alive, ..TcpSettings::default() }, 0);
    assert!(after >= Duration::from_secs(100) && after < Duration::from_mins(2), "after {after:?}");

    let mut pair = Pair::established(&Setup::default());
    cause(&mut pair, Incident::CutBoth);
    pair.run_for(Duration::from_hours(200));
    assert_eq!(pair.states(), [State::Established; 2]);
}

#[test]
fn live_peer_answers_keep_alive() {
    let keep_alive =
        Some(KeepAlive { idle: Duration::from_mins(1), interval: Duration::from_secs(10), probes: 1 });
    let settings = TcpSettings { keep_alive, ..TcpSettings::default() };
    let mut pair = Pair::established(&Setup { settings: [settings; 2], ..Setup::default() });
    let start = pair.now;
    pair.run_for(Duration::from_hours(1));
    assert_eq!(pair.states(), [State::Established; 2]);
    let probes = pair.sent_since(CLIENT, start).count();
    assert!((50..200).contains(&probes), "{probes} probes and answers in an hour");
}

#[test]
fn keep_alive_without_idle_time_sends_a_probe_in_a_second() {
    let keep_alive = Some(KeepAlive { idle: Duration::ZERO, interval: Duration::ZERO, probes: 2 });
    let settings = TcpSettings { keep_alive, ..TcpSettings::default() };
    let mut pair =
        Pair::established(&Setup { settings: [settings, TcpSettings::default()], ..Setup::default() });
    let start = pair.now;
    pair.write(CLIENT, 100);
    pair.run_for(Duration::from_secs(100));
    assert_eq!(pair.states(), [State::Established; 2]);
    let segments = pair.sent_since(CLIENT, start).count();
    assert!((90..=110).contains(&segments), "{segments} segments in 100 seconds");
}

#[test]
fn vanished_peer_resets_connection_when_data_arrives() {
    let mut pair = Pair::established(&Setup::default());
    cause(&mut pair, Incident::Vanish(SERVER));
    pair.write(CLIENT, 100);
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.sides[CLIENT].status().closed, Some(CloseReason::Reset));
    assert_eq!(pair.sides[CLIENT].memory.used(), 0);
}

#[test]
fn closed_pair_waits_only_on_the_side_that_closed_first() {
    let mut pair = exchanging(&Setup::default(), 10_000);
    pair.sides[SERVER].pause = Duration::from_millis(500);
    pair.run_until(|pair| pair.sides[SERVER].is_shut_down);
    pair.run_for(Duration::from_secs(10));
    assert_eq!(pair.states(), [State::TimeWait, State::Closed]);
    pair.run_for(Duration::from_mins(1));
    pair.assert_finished();
}
