//! What holds of a table of neighbors whatever happens to it.

use std::collections::BTreeMap;

use link::Instant;
use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Resolve(u32),
    Learn(u32),
    Merge(u32, bool),
    Static(u32),
    Remove(u32),
    Confirm(u32),
    Wait(u64),
    Back(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let protocol = 0_u32..12;
    prop_oneof![
        4 => protocol.clone().prop_map(Step::Resolve),
        2 => protocol.clone().prop_map(Step::Learn),
        3 => (protocol.clone(), any::<bool>()).prop_map(|(protocol, reply)| Step::Merge(protocol, reply)),
        1 => protocol.clone().prop_map(Step::Static),
        1 => protocol.clone().prop_map(Step::Remove),
        1 => protocol.prop_map(Step::Confirm),
        4 => (0_u64..8_000).prop_map(Step::Wait),
        1 => (0_u64..3_000).prop_map(Step::Back),
    ]
}

proptest! {
    // proves: rfc1122-flood, table-bound, queue-bounds, queue-order, queue-once
    #[test]
    fn whatever_happens_the_bounds_hold_and_every_parcel_is_sent_once_or_given_back_once(
        steps in prop::collection::vec(step(), 0..200),
        entries in 1_usize..8,
        parcels in 1_usize..10,
        seed: u64,
    ) {
        let seed = seed.into();
        let settings = Settings { entries, parcels, parcels_each: 3, octets: 500, seed, ..Settings::default() };
        let mut table = Table::new(settings);
        let (mut now, mut forward) = (Instant::ORIGIN, true);
        let (mut next, mut seen) = (0_u32, BTreeMap::new());
        let mut asked: BTreeMap<u32, Instant> = BTreeMap::new();
        let mut last_sent: BTreeMap<u32, u32> = BTreeMap::new();
        for step in steps {
            match step.clone() {
                Step::Resolve(protocol) => {
                    next += 1;
                    match table.resolve(now, protocol, 100, next) {
                        Resolution::Waits => {}
                        Resolution::Known(_, parcel) => {
                            prop_assert!(last_sent.insert(protocol, parcel) < Some(parcel));
                            *seen.entry(parcel).or_insert(0) += 1;
                        }
                        Resolution::Refused(parcel) => *seen.entry(parcel).or_insert(0) += 1,
                    }
                }
                Step::Learn(protocol) if table.get(protocol).is_none() => {
                    table.learn(now, protocol, heard(protocol));
                }
                Step::Learn(_) => {}
                Step::Merge(protocol, is_reply_to_us) => {
                    table.merge(now, protocol, Heard { hardware: mac(protocol), is_reply_to_us });
                }
                Step::Static(protocol) => drop(table.add_static(now, protocol, mac(protocol))),
                Step::Remove(protocol) => {
                    table.remove(protocol);
                    asked.remove(&protocol);
                }
                Step::Confirm(protocol) => table.confirm(now, protocol),
                Step::Wait(millis) => now = now + Duration::from_millis(millis),
                Step::Back(millis) => {
                    now = Instant::from_nanos(now.as_nanos().saturating_sub(millis * 1_000_000));
                    forward = false;
                }
            }
            // Not always is what is due fetched at once.
            let fetched = if matches!(step, Step::Wait(_)) { usize::MAX } else { 1 };
            for due in std::iter::from_fn(|| table.poll(now)).take(fetched) {
                match due {
                    Due::Send { protocol, parcel, .. } => {
                        prop_assert!(last_sent.insert(protocol, parcel) < Some(parcel));
                        *seen.entry(parcel).or_insert(0) += 1;
                    }
                    Due::Return { parcel, .. } => *seen.entry(parcel).or_insert(0) += 1,
                    Due::Ask { protocol, .. } => {
                        if let Some(last) = asked.insert(protocol, now) {
                            // What a second is, a clock that jumps back cannot tell.
                            prop_assert!(!forward || now.since(last) >= SECOND, "{protocol} asked twice a second");
                        }
                    }
                }
            }
            prop_assert!(table.len() <= entries);
            prop_assert_eq!(table.list().len(), table.len());
            prop_assert!(table.waiting() <= 2 * parcels);
            if fetched > 1 {
                prop_assert!(table.waiting() <= parcels.min(table.len() * 3));
            }
        }
        prop_assert!(seen.values().all(|times| *times == 1));
        prop_assert_eq!(seen.len() + table.waiting(), usize::try_from(next).unwrap());
    }

    #[test]
    fn the_index_finds_what_was_entered_and_not_what_was_removed(
        steps in prop::collection::vec((any::<bool>(), 0_u32..64), 0..400),
        seed: u64,
    ) {
        let mut table = Table::new(Settings { entries: 64, seed: seed.into(), ..Settings::default() });
        let mut model = BTreeMap::new();
        for (enter, protocol) in steps {
            if enter && !model.contains_key(&protocol) {
                table.learn(at(0), protocol, heard(protocol));
                model.insert(protocol, mac(protocol));
            } else if !enter {
                prop_assert_eq!(table.remove(protocol), model.remove(&protocol).is_some());
            }
            let listed: BTreeMap<_, _> = table.list().iter().map(|e| (e.protocol, e.hardware.unwrap())).collect();
            prop_assert_eq!(&listed, &model);
            for wanted in 0..64 {
                prop_assert_eq!(table.get(wanted).is_some(), model.contains_key(&wanted));
            }
        }
    }
}
