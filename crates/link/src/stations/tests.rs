use super::*;
use proptest::prelude::*;

fn address(number: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, number])
}

#[test]
fn an_empty_set_contains_nothing() {
    assert!(!MacSet::default().contains(address(1)));
}

proptest! {
    #[test]
    fn an_address_is_contained_if_one_of_the_ranges_holds_it(
        ranges in prop::collection::vec((any::<u8>(), any::<u8>()), 0..8),
        wanted: u8,
    ) {
        let mut stations = MacSet::default();
        for (a, b) in &ranges {
            stations.add(address(*a.min(b)), address(*a.max(b)));
        }
        let expected = ranges.iter().any(|(a, b)| (a.min(b)..=a.max(b)).contains(&&wanted));
        prop_assert_eq!(stations.contains(address(wanted)), expected);
    }
}

#[test]
fn addresses_added_one_by_one_cost_no_more_than_their_range() {
    let mut stations = MacSet::default();
    for last in [3, 1, 2, 5, 4] {
        let address = MacAddr::new([2, 0, 0, 0, 0, last]);
        stations.add(address, address);
    }
    assert_eq!(stations.ranges.len(), 1);
    assert!(stations.contains(MacAddr::new([2, 0, 0, 0, 0, 4])));
    assert!(!stations.contains(MacAddr::new([2, 0, 0, 0, 0, 6])));
    stations.add(MacAddr::BROADCAST, MacAddr::BROADCAST);
    assert_eq!(stations.ranges.len(), 2);
}
