//! Properties of the table under random steps.

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
    ClockBack(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let ip = 0_u32..12;
    prop_oneof![
        4 => ip.clone().prop_map(Step::Resolve),
        2 => ip.clone().prop_map(Step::Learn),
        3 => (ip.clone(), any::<bool>()).prop_map(|(ip, reply)| Step::Merge(ip, reply)),
        1 => ip.clone().prop_map(Step::Static),
        1 => ip.clone().prop_map(Step::Remove),
        1 => ip.prop_map(Step::Confirm),
        4 => (0_u64..8_000).prop_map(Step::Wait),
        1 => (0_u64..3_000).prop_map(Step::ClockBack),
    ]
}

proptest! {
    // proves: rfc1122-flood, table-bound, queue-bounds, queue-order, queue-once
    #[test]
    fn arbitrary_steps_keep_bounds_and_every_packet_is_sent_or_returned_once(
        steps in prop::collection::vec(step(), 0..200),
        entries in 1_usize..8,
        pending in 1_usize..10,
        seed: u64,
    ) {
        let seed = seed.into();
        let settings = NeighborSettings { entries, pending, pending_per_entry: 3, pending_bytes: 500, seed, ..NeighborSettings::default() };
        let mut table = Table::new(settings);
        let (mut now, mut forward) = (Instant::ORIGIN, true);
        let (mut next, mut seen) = (0_u32, BTreeMap::new());
        let mut requests: BTreeMap<u32, Instant> = BTreeMap::new();
        let mut last_sent: BTreeMap<u32, u32> = BTreeMap::new();
        for step in steps {
            match step.clone() {
                Step::Resolve(ip) => {
                    next += 1;
                    match table.resolve(now, ip, 100, next) {
                        Resolution::Pending => {}
                        Resolution::Known(_, packet) => {
                            prop_assert!(last_sent.insert(ip, packet) < Some(packet));
                            *seen.entry(packet).or_insert(0) += 1;
                        }
                        Resolution::Refused(packet) => *seen.entry(packet).or_insert(0) += 1,
                    }
                }
                Step::Learn(ip) if table.get(ip).is_none() => {
                    table.learn(now, ip, observation(ip));
                }
                Step::Learn(_) => {}
                Step::Merge(ip, is_reply_to_local) => {
                    table.merge(now, ip, SenderObservation { mac: mac(ip), is_reply_to_local });
                }
                Step::Static(ip) => drop(table.add_static(now, ip, mac(ip))),
                Step::Remove(ip) => {
                    table.remove(ip);
                    requests.remove(&ip);
                }
                Step::Confirm(ip) => table.confirm(now, ip),
                Step::Wait(millis) => now = now + Duration::from_millis(millis),
                Step::ClockBack(millis) => {
                    now = Instant::from_nanos(now.as_nanos().saturating_sub(millis * 1_000_000));
                    forward = false;
                }
            }
            // Most steps take only one of the actions that are due.
            let taken = if matches!(step, Step::Wait(_)) { usize::MAX } else { 1 };
            for due in std::iter::from_fn(|| table.poll(now)).take(taken) {
                match due {
                    NeighborAction::Send { ip, packet, .. } => {
                        prop_assert!(last_sent.insert(ip, packet) < Some(packet));
                        *seen.entry(packet).or_insert(0) += 1;
                    }
                    NeighborAction::Return { packet, .. } => *seen.entry(packet).or_insert(0) += 1,
                    NeighborAction::Request { ip, .. } => {
                        if let Some(last) = requests.insert(ip, now) {
                            // After the clock went back, `now` does not measure the time between requests.
                            prop_assert!(!forward || now.since(last) >= SECOND, "{ip}: two requests in a second");
                        }
                    }
                }
            }
            prop_assert!(table.len() <= entries);
            prop_assert_eq!(table.list().len(), table.len());
            prop_assert!(table.pending_packets() <= 2 * pending);
            if taken > 1 {
                prop_assert!(table.pending_packets() <= pending.min(table.len() * 3));
            }
        }
        prop_assert!(seen.values().all(|times| *times == 1));
        prop_assert_eq!(seen.len() + table.pending_packets(), usize::try_from(next).unwrap());
    }

    // proves: timers-spread
    #[test]
    fn table_of_many_entries_behaves_as_one_table_for_each_entry(
        steps in prop::collection::vec((any::<u64>(), 0_u8..4, 0_u64..20_000), 1..12),
        seed: u64,
    ) {
        const COUNT: u32 = 150;
        let settings = NeighborSettings {
            entries: 1_024,
            pending: 1_024,
            seed: seed.into(),
            ..NeighborSettings::default()
        };
        let mut all = Table::new(settings);
        let single = NeighborSettings { entries: 8, pending: 8, ..settings };
        let mut each: Vec<_> = (0..COUNT).map(|_| Table::new(single)).collect();
        let mut now = Instant::ORIGIN;
        for (choice, act, wait) in steps {
            for (ip, one) in (0..COUNT).zip(&mut each) {
                // About half of the entries take part in a step.
                if (choice >> (ip % 64)) & 1 == 1 {
                    for table in [&mut all, one] {
                        match act {
                            0 => drop(table.resolve(now, ip, 10, ip)),
                            1 => drop(table.learn(now, ip, observation(ip))),
                            2 => drop(table.merge(now, ip, replied(ip))),
                            _ => table.confirm(now, ip),
                        }
                    }
                }
            }
            now = now + Duration::from_millis(wait);
            let mut expected: Vec<_> = each.iter_mut().flat_map(|one| due(one, now)).collect();
            let mut actions = due(&mut all, now);
            let by_ip = |action: &NeighborAction<u32, u32>| match action {
                NeighborAction::Send { ip, .. }
                | NeighborAction::Return { ip, .. }
                | NeighborAction::Request { ip, .. } => *ip,
            };
            actions.sort_by_key(by_ip);
            expected.sort_by_key(by_ip);
            prop_assert_eq!(actions, expected);
            prop_assert_eq!(all.list(), each.iter().flat_map(Table::list).collect::<Vec<_>>());
        }
    }

    #[test]
    fn index_finds_added_addresses_until_removed(
        steps in prop::collection::vec((any::<bool>(), 0_u32..64), 0..400),
        seed: u64,
    ) {
        let mut table = Table::new(NeighborSettings { entries: 64, seed: seed.into(), ..NeighborSettings::default() });
        let mut model = BTreeMap::new();
        for (is_added, ip) in steps {
            if is_added && !model.contains_key(&ip) {
                table.learn(at(0), ip, observation(ip));
                model.insert(ip, mac(ip));
            } else if !is_added {
                prop_assert_eq!(table.remove(ip), model.remove(&ip).is_some());
            }
            let listed: BTreeMap<_, _> = table.list().iter().map(|e| (e.ip, e.mac.unwrap())).collect();
            prop_assert_eq!(&listed, &model);
            for ip in 0..64 {
                prop_assert_eq!(table.get(ip).is_some(), model.contains_key(&ip));
            }
        }
    }
}
