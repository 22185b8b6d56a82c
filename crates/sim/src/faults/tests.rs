use super::*;
use proptest::prelude::*;

const LENGTH: usize = 42;

/// Returns the deliveries of the first 10,000 frames.
fn all_deliveries(faults: &Faults) -> Vec<Vec<Delivery>> {
    (0..10_000).map(|number| faults.deliveries(number, LENGTH).into_iter().collect()).collect()
}

fn count(faults: &Faults, is_hit: impl Fn(&[Delivery]) -> bool) -> usize {
    all_deliveries(faults).iter().filter(|deliveries| is_hit(deliveries)).count()
}

#[test]
fn medium_without_faults_delivers_each_frame_once_and_unchanged() {
    let unchanged = Delivery { delay: Duration::from_micros(100), corruption: None };
    assert!(all_deliveries(&Faults::NONE).iter().all(|deliveries| deliveries[..] == [unchanged]));
}

#[test]
fn faults_occur_at_configured_rates() {
    let rates = [
        (0, 0..=0),
        (1_000, 1..=30),
        (250_000, 2_300..=2_700),
        (1_000_000, 10_000..=10_000),
        (9_999_999, 10_000..=10_000),
    ];
    for (rate, expected) in rates {
        let base = Faults { seed: 1, ..Faults::NONE };
        let lost = count(&Faults { loss: rate, ..base }, <[_]>::is_empty);
        let duplicated = count(&Faults { duplication: rate, ..base }, |deliveries| deliveries.len() == 2);
        let reordered =
            count(&Faults { reordering: rate, ..base }, |deliveries| deliveries[0].delay > base.max_latency);
        let corrupted =
            count(&Faults { corruption: rate, ..base }, |deliveries| deliveries[0].corruption.is_some());
        for (fault, count) in [
            ("loss", lost),
            ("duplication", duplicated),
            ("reordering", reordered),
            ("corruption", corrupted),
        ] {
            assert!(expected.contains(&count), "{fault} at {rate} per million: {count} of 10,000");
        }
    }
}

#[test]
fn one_hundredth_of_a_percent_is_lost() {
    let faults = Faults { seed: 1, loss: 100, ..Faults::NONE };
    let lost = (0..1_000_000).filter(|number| faults.deliveries(*number, LENGTH).into_iter().count() == 0);
    let count = lost.count();
    assert!((70..=130).contains(&count), "{count} of 1,000,000 frames lost");
}

#[test]
fn faults_depend_on_seed() {
    let lossy = |seed| all_deliveries(&Faults { seed, loss: 500_000, ..Faults::NONE });
    assert_eq!(lossy(1), lossy(1));
    assert_ne!(lossy(1), lossy(2));
}

#[test]
fn corruption_reaches_every_byte_and_every_mask() {
    let faults = Faults { corruption: 1_000_000, ..Faults::NONE };
    let changes: Vec<ByteChange> =
        all_deliveries(&faults).iter().filter_map(|deliveries| deliveries[0].corruption).collect();
    assert!((0..LENGTH).all(|offset| changes.iter().any(|change| change.offset == offset)));
    assert!((1..=255).all(|mask| changes.iter().any(|change| change.mask.get() == mask)));
}

#[test]
fn empty_frame_is_not_corrupted() {
    let faults = Faults { corruption: 1_000_000, ..Faults::NONE };
    assert!((0..100).all(|number| {
        faults.deliveries(number, 0).into_iter().all(|delivery| delivery.corruption.is_none())
    }));
}

#[test]
fn reordered_deliveries_have_delay_of_range() {
    let delay = Duration::from_millis(7);
    let (first, last) = (delay, delay + Duration::from_millis(1));
    let faults =
        Faults { reordering: 1_000_000, min_reordering_delay: first, reordering_delay: last, ..Faults::NONE };
    let delays =
        || (0..100).flat_map(|number| faults.deliveries(number, LENGTH)).map(|delivery| delivery.delay);
    let range = faults.min_latency + first..=faults.min_latency + last;
    assert!(delays().all(|delay| range.contains(&delay)), "a delay is out of the range");
    assert!(
        delays().any(|delay| delay > *range.start() + last.saturating_sub(first) / 2),
        "all delays are short"
    );
}

fn faults() -> impl Strategy<Value = Faults> {
    let rates = [0_u32..=1_100_000, 0_u32..=1_100_000, 0_u32..=1_100_000, 0_u32..=1_100_000];
    (any::<u64>(), rates, [0_u64..1_000, 0..1_000, 0..1_000, 0..1_000]).prop_map(
        |(seed, [loss, duplication, reordering, corruption], times)| {
            let [min_latency, max_latency, min_reordering_delay, reordering_delay] =
                times.map(Duration::from_micros);
            Faults {
                seed,
                loss,
                duplication,
                reordering,
                corruption,
                min_latency,
                max_latency,
                min_reordering_delay,
                reordering_delay,
            }
        },
    )
}

proptest! {
    #[test]
    fn deliveries_are_bounded_and_reproducible(faults in faults(), number: u64, length in 0_usize..2_000) {
        let deliveries = faults.deliveries(number, length);
        prop_assert_eq!(deliveries, faults.deliveries(number, length));
        prop_assert!(deliveries.into_iter().count() <= Deliveries::MAX);
        for Delivery { delay, corruption } in deliveries {
            prop_assert!(delay >= faults.min_latency);
            let additional = faults.reordering_delay.max(faults.min_reordering_delay);
            prop_assert!(delay <= faults.max_latency.max(faults.min_latency) + additional);
            if let Some(corruption) = corruption {
                let (before, mut after) = (vec![7; length], vec![7; length]);
                corruption.apply(&mut after);
                prop_assert_eq!(before.iter().zip(&after).filter(|(old, new)| old != new).count(), 1);
            }
        }
    }

    #[test]
    fn rate_of_one_fault_does_not_affect_other_faults(faults in faults(), number: u64) {
        let lossless = Faults { loss: 0, ..faults }.deliveries(number, LENGTH);
        let lossy = faults.deliveries(number, LENGTH);
        prop_assert!(lossy == lossless || lossy.into_iter().count() == 0);
        let corruption = |faults: Faults| {
            faults.deliveries(number, LENGTH).into_iter().next().map(|delivery| delivery.corruption)
        };
        prop_assert_eq!(corruption(faults), corruption(Faults { reordering: 0, duplication: 0, ..faults }));
    }
}
