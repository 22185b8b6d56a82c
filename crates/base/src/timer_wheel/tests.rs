use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const TICK: u64 = 1 << TICK_BITS;

/// A wheel with its table, and with the times that the caller has noted.
struct Timers {
    wheel: TimerWheel,
    slots: Vec<TimerLinks>,
    times: BTreeMap<Place, u64>,
    now: u64,
}

impl Timers {
    fn new(now: u64, places: usize) -> Timers {
        Timers {
            wheel: TimerWheel::new(now),
            slots: vec![TimerLinks::NONE; places],
            times: BTreeMap::new(),
            now,
        }
    }

    fn schedule(&mut self, place: Place, at: u64) {
        self.times.insert(place, at);
        self.wheel.schedule(&mut self.slots, |slot| slot, place, at);
    }

    fn cancel(&mut self, place: Place) {
        self.times.remove(&place);
        self.wheel.cancel(&mut self.slots, |slot| slot, place);
    }

    /// Moves the time. Returns the places with a time that is reached, and the number of places that returned early.
    fn expire(&mut self, now: u64) -> (Vec<Place>, usize) {
        self.now = now;
        let (mut due, mut early) = (Vec::new(), 0);
        while let Some(place) = self.wheel.expire(&mut self.slots, |slot| slot, now) {
            match self.times.get(&place) {
                Some(at) if *at > now => {
                    early += 1;
                    self.wheel.schedule(&mut self.slots, |slot| slot, place, *at);
                }
                at => {
                    assert!(at.is_some(), "cancelled place {place} returned");
                    self.times.remove(&place);
                    due.push(place);
                }
            }
        }
        (due, early)
    }
}

#[test]
fn place_returns_at_its_time_rounded_up_to_a_tick() {
    for at in [0, 1, TICK, TICK + 1, 255 * TICK, 256 * TICK - 1] {
        let mut timers = Timers::new(0, 1);
        timers.schedule(0, at);
        let expected = at.div_ceil(TICK) * TICK;
        assert_eq!(timers.wheel.deadline(), Some(expected), "{at}");
        if expected > 0 {
            assert_eq!(timers.expire(expected - 1), (vec![], 0), "{at}");
        }
        assert_eq!(timers.expire(expected), (vec![0], 0), "{at}");
        assert_eq!((timers.wheel.deadline(), timers.slots[0].is_scheduled()), (None, false));
    }
}

#[test]
fn place_returns_once_per_level_before_its_time() {
    // 5 days, 1 hour, 2 s, 20 ms: one time per level, with a part in each lower level.
    for (seconds, most) in [(432_000.0, 3), (3_600.0, 3), (2.0, 1), (0.02, 0)] {
        let at = std::time::Duration::from_secs_f64(seconds).as_nanos().try_into().unwrap();
        let mut timers = Timers::new(0, 1);
        timers.schedule(0, at);
        let (mut wakes, mut early) = (0, 0);
        loop {
            let deadline = timers.wheel.deadline().expect("the place is scheduled");
            wakes += 1;
            let (due, returned) = timers.expire(deadline);
            early += returned;
            if !due.is_empty() {
                assert_eq!(deadline, at.div_ceil(TICK) * TICK, "{seconds}");
                break;
            }
        }
        assert!(early <= most && wakes <= most + 1, "{seconds}: {wakes} wakes, {early} early");
    }
}

#[test]
fn later_time_keeps_slot_and_earlier_time_moves() {
    let mut timers = Timers::new(0, 1);
    timers.schedule(0, 10 * TICK);
    timers.schedule(0, 200 * TICK);
    assert_eq!(timers.wheel.deadline(), Some(10 * TICK));
    assert_eq!(timers.expire(10 * TICK), (vec![], 1));
    assert_eq!(timers.wheel.deadline(), Some(200 * TICK));
    timers.schedule(0, 20 * TICK);
    assert_eq!(timers.wheel.deadline(), Some(20 * TICK));
    assert_eq!(timers.expire(20 * TICK), (vec![0], 0));
}

#[test]
fn time_in_the_past_returns_at_once() {
    let mut timers = Timers::new(1_000 * TICK, 1);
    timers.schedule(0, 3);
    assert_eq!(timers.wheel.deadline(), Some(1_000 * TICK));
    assert_eq!(timers.expire(1_000 * TICK), (vec![0], 0));
}

#[test]
fn deadline_is_exact_after_idle_time() {
    let mut timers = Timers::new(0, 1);
    timers.expire(1_000_000 * TICK);
    timers.schedule(0, 1_000_010 * TICK);
    assert_eq!(timers.wheel.deadline(), Some(1_000_010 * TICK));
}

#[test]
fn time_beyond_the_horizon_is_kept() {
    let mut timers = Timers::new(77 * TICK, 2);
    let month = 30 * 86_400 * 1_000_000_000;
    timers.schedule(0, month);
    timers.schedule(1, u64::MAX);
    let mut wakes = 0;
    while timers.times.contains_key(&0) {
        let deadline = timers.wheel.deadline().expect("two places are scheduled");
        timers.expire(deadline);
        wakes += 1;
    }
    assert!(timers.now >= month && timers.now < month + TICK, "{}", timers.now);
    assert!(wakes < 16, "{wakes} wakes");
    assert!(timers.slots[1].is_scheduled());
}

#[test]
fn cancelled_place_does_not_return() {
    let mut timers = Timers::new(0, 3);
    for place in 0..3 {
        timers.schedule(place, 5 * TICK);
    }
    timers.cancel(1);
    timers.cancel(1);
    assert_eq!(timers.expire(9 * TICK), (vec![0, 2], 0));
    timers.schedule(0, 600 * TICK);
    timers.cancel(0);
    assert_eq!(timers.wheel.deadline(), None);
    assert_eq!(timers.expire(9_000 * TICK), (vec![], 0));
}

#[test]
fn place_outside_the_table_is_ignored() {
    let mut timers = Timers::new(0, 1);
    timers.wheel.schedule(&mut timers.slots, |slot| slot, 1, 0);
    timers.wheel.cancel(&mut timers.slots, |slot| slot, 1);
    assert_eq!(timers.wheel.deadline(), None);
    assert_eq!(timers.expire(TICK), (vec![], 0));
}

/// A change of the wheel. Distances have a magnitude of up to 52 bits: seconds to weeks.
#[derive(Clone, Copy, Debug)]
enum Change {
    Schedule(Place, u64),
    Cancel(Place),
    Wait(u64),
    /// Waits for the deadline of the wheel.
    WaitForDeadline,
}

fn distance() -> impl Strategy<Value = u64> {
    (0_u32..52, any::<u64>()).prop_map(|(bits, value)| value >> (64 - 1 - bits))
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (0_u32..12, distance()).prop_map(|(place, distance)| Change::Schedule(place, distance)),
        1 => (0_u32..12).prop_map(Change::Cancel),
        1 => distance().prop_map(Change::Wait),
        2 => Just(Change::WaitForDeadline),
    ]
}

proptest! {
    #[test]
    fn wheel_agrees_with_sorted_times(start in distance(), changes in prop::collection::vec(change(), 1..80)) {
        let mut timers = Timers::new(start, 12);
        for change in changes {
            match change {
                Change::Schedule(place, distance) => timers.schedule(place, timers.now + distance),
                Change::Cancel(place) => timers.cancel(place),
                Change::Wait(_) | Change::WaitForDeadline => {
                    let now = match change {
                        Change::Wait(distance) => timers.now + distance,
                        _ => timers.wheel.deadline().unwrap_or(timers.now).max(timers.now),
                    };
                    // A place returns at the end of the tick of its time.
                    let reached = now / TICK * TICK;
                    let mut expected: Vec<_> =
                        timers.times.iter().filter(|(_, at)| **at <= reached).map(|(place, _)| *place).collect();
                    let (mut due, _) = timers.expire(now);
                    due.sort_unstable();
                    // A place that was scheduled for the past may also return within its tick.
                    expected.retain(|place| !due.contains(place));
                    prop_assert_eq!(expected, Vec::<Place>::new());
                }
            }
            let scheduled: Vec<_> = (0..12).filter(|place| timers.times.contains_key(place)).collect();
            let linked: Vec<_> = (0..12).filter(|place| timers.slots[crate::list::index(*place)].is_scheduled()).collect();
            prop_assert_eq!(scheduled, linked);
            let earliest = timers.times.values().min();
            prop_assert_eq!(timers.wheel.deadline().is_some(), earliest.is_some());
            if let (Some(deadline), Some(earliest)) = (timers.wheel.deadline(), earliest) {
                prop_assert!(deadline <= (*earliest).max(timers.now).div_ceil(TICK) * TICK, "late: {} {}", deadline, earliest);
            }
        }
    }
}
