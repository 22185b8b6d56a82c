use super::*;
use proptest::prelude::*;

const LENGTH: usize = 42;

/// The fates of the first ten thousand frames.
fn fates(faults: &Faults) -> Vec<Vec<Delivery>> {
    (0..10_000).map(|number| faults.fate(number, LENGTH).deliveries().collect()).collect()
}

fn share(faults: &Faults, is_hit: impl Fn(&[Delivery]) -> bool) -> usize {
    fates(faults).iter().filter(|deliveries| is_hit(deliveries)).count()
}

#[test]
fn a_wire_without_faults_delivers_every_frame_once_and_unchanged() {
    let whole = Delivery { delay: Duration::from_micros(100), alteration: None };
    assert!(fates(&Faults::NONE).iter().all(|deliveries| deliveries[..] == [whole]));
}

#[test]
fn each_fault_comes_as_often_as_its_rate_says() {
    let rates =
        [(0, 0..=0), (1, 1..=30), (250, 2_300..=2_700), (1_000, 10_000..=10_000), (9_999, 10_000..=10_000)];
    for (rate, expected) in rates {
        let base = Faults { seed: 1, ..Faults::NONE };
        let lost = share(&Faults { loss: rate, ..base }, <[_]>::is_empty);
        let doubled = share(&Faults { duplication: rate, ..base }, |deliveries| deliveries.len() == 2);
        let held_up =
            share(&Faults { reordering: rate, ..base }, |deliveries| deliveries[0].delay > base.longest);
        let altered =
            share(&Faults { corruption: rate, ..base }, |deliveries| deliveries[0].alteration.is_some());
        for (fault, count) in
            [("loss", lost), ("duplication", doubled), ("reordering", held_up), ("corruption", altered)]
        {
            assert!(expected.contains(&count), "{fault} at {rate} of 1,000: {count} of 10,000");
        }
    }
}

#[test]
fn another_seed_is_another_wire() {
    let wire = |seed| fates(&Faults { seed, loss: 500, ..Faults::NONE });
    assert_eq!(wire(1), wire(1));
    assert_ne!(wire(1), wire(2));
}

#[test]
fn every_octet_may_be_hit_and_by_every_change() {
    let faults = Faults { corruption: 1_000, ..Faults::NONE };
    let hits: Vec<Alteration> =
        fates(&faults).iter().filter_map(|deliveries| deliveries[0].alteration).collect();
    assert!((0..LENGTH).all(|offset| hits.iter().any(|hit| hit.offset == offset)));
    assert!((1..=255).all(|mask| hits.iter().any(|hit| hit.mask.get() == mask)));
}

#[test]
fn nothing_is_changed_in_a_frame_of_no_octets() {
    let faults = Faults { corruption: 1_000, ..Faults::NONE };
    assert!(
        (0..100)
            .all(|number| faults.fate(number, 0).deliveries().all(|delivery| delivery.alteration.is_none()))
    );
}

fn faults() -> impl Strategy<Value = Faults> {
    let rates = [0_u16..=1_100, 0_u16..=1_100, 0_u16..=1_100, 0_u16..=1_100];
    (any::<u64>(), rates, [0_u64..1_000, 0..1_000, 0..1_000]).prop_map(
        |(seed, [loss, duplication, reordering, corruption], times)| {
            let [shortest, longest, detour] = times.map(Duration::from_micros);
            Faults { seed, loss, duplication, reordering, corruption, shortest, longest, detour }
        },
    )
}

proptest! {
    #[test]
    fn a_fate_is_bounded_and_always_the_same(faults in faults(), number: u64, length in 0_usize..2_000) {
        let fate = faults.fate(number, length);
        prop_assert_eq!(fate, faults.fate(number, length));
        prop_assert!(fate.deliveries().count() <= Fate::COPIES);
        for Delivery { delay, alteration } in fate.deliveries() {
            prop_assert!(delay >= faults.shortest);
            prop_assert!(delay <= faults.longest.max(faults.shortest) + faults.detour);
            if let Some(alteration) = alteration {
                let (before, mut after) = (vec![7; length], vec![7; length]);
                alteration.apply(&mut after);
                prop_assert_eq!(before.iter().zip(&after).filter(|(old, new)| old != new).count(), 1);
            }
        }
    }

    #[test]
    fn more_of_one_fault_leaves_the_others_where_they_were(faults in faults(), number: u64) {
        let lossless = Faults { loss: 0, ..faults }.fate(number, LENGTH);
        let lossy = faults.fate(number, LENGTH);
        prop_assert!(lossy == lossless || lossy.deliveries().count() == 0);
        let altered = |faults: Faults| faults.fate(number, LENGTH).deliveries().next().map(|d| d.alteration);
        prop_assert_eq!(altered(faults), altered(Faults { reordering: 0, duplication: 0, ..faults }));
    }
}
