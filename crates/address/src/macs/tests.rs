use super::*;
use proptest::prelude::*;

fn address(number: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, number])
}

#[test]
fn empty_set_contains_nothing() {
    assert!(!MacRanges::default().contains(address(1)));
}

proptest! {
    #[test]
    fn set_contains_address_when_any_range_does_and_it_was_not_removed(
        ranges in prop::collection::vec((any::<u8>(), any::<u8>()), 0..8),
        removed in prop::collection::vec(any::<u8>(), 0..8),
        address_number: u8,
    ) {
        let mut macs = MacRanges::default();
        for (a, b) in &ranges {
            macs.add(address(*a.min(b)), address(*a.max(b)));
        }
        for number in &removed {
            macs.remove(address(*number));
        }
        let is_added = |number: u8| ranges.iter().any(|(a, b)| (a.min(b)..=a.max(b)).contains(&&number));
        let expected = |number: u8| is_added(number) && !removed.contains(&number);
        prop_assert_eq!(macs.contains(address(address_number)), expected(address_number));
        prop_assert!(removed.iter().all(|number| !macs.contains(address(*number))));
        prop_assert!(macs.ranges.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0), "{:?}", macs.ranges);
    }
}

#[test]
fn set_merges_addresses_added_one_by_one() {
    let mut macs = MacRanges::default();
    for last in [3, 1, 2, 5, 4] {
        macs.add(address(last), address(last));
    }
    assert_eq!(macs.ranges.len(), 1);
    assert!(macs.contains(address(4)));
    assert!(!macs.contains(address(6)));
    macs.add(MacAddr::BROADCAST, MacAddr::BROADCAST);
    assert_eq!(macs.ranges.len(), 2);
}
