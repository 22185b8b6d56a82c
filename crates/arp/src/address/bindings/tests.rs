use super::*;
use proptest::prelude::*;

const BASE: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 0xfe]);

fn ip(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(number)
}

#[test]
fn each_address_of_range_has_consecutive_mac() {
    let mut locals = LocalBindings::default();
    locals.add(ip(100), ip(110), BASE).unwrap();
    assert_eq!(locals.mac_of(ip(99)), None);
    assert_eq!(locals.mac_of(ip(100)), Some(BASE));
    assert_eq!(locals.mac_of(ip(102)), Some(MacAddr::new([2, 0, 0, 0, 1, 0])));
    assert_eq!(locals.mac_of(ip(111)), None);
    assert!(locals.has_mac(MacAddr::new([2, 0, 0, 0, 1, 8])));
    assert!(!locals.has_mac(MacAddr::new([2, 0, 0, 0, 1, 9])));
}

#[test]
fn invalid_ranges_are_rejected() {
    let mut locals = LocalBindings::single(ip(5), BASE).unwrap();
    assert_eq!(locals.add(ip(9), ip(8), BASE), Err(LocalBindingsError::Reversed));
    assert_eq!(locals.add(ip(1), ip(5), BASE), Err(LocalBindingsError::Overlap));
    assert_eq!(locals.add(ip(8), ip(8), MacAddr::BROADCAST), Err(LocalBindingsError::InvalidMac));
    assert_eq!(locals.add(ip(8), ip(8), MacAddr::ZERO), Err(LocalBindingsError::InvalidMac));
    let last = MacAddr::new([2, 0xff, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(
        locals.add(ip(8), ip(9), last),
        Err(LocalBindingsError::InvalidMac),
        "range with a multicast MAC address was added"
    );
    assert_eq!(locals.add(ip(8), ip(8), last), Ok(()));
    assert_eq!(locals.add(ip(6), ip(7), BASE), Ok(()));
}

#[test]
fn bindings_errors_mention_address() {
    for error in [LocalBindingsError::Reversed, LocalBindingsError::Overlap, LocalBindingsError::InvalidMac] {
        assert!(error.to_string().contains("address"), "{error}");
    }
}

#[test]
fn adjacent_bindings_merge_in_any_order() {
    let mut locals = LocalBindings::default();
    for number in [3, 1, 2, 5, 4] {
        let mac = BASE.plus(number.into()).unwrap();
        locals.add(ip(number), ip(number), mac).unwrap();
    }
    assert_eq!(locals.ranges.len(), 1);
    assert_eq!(locals.first(), BASE.plus(1).map(|mac| (ip(1), mac)));
    // The next range has another MAC address.
    locals.add(ip(6), ip(6), BASE).unwrap();
    assert_eq!(locals.ranges.len(), 2);
}

proptest! {
    #[test]
    fn bindings_contain_what_was_added(
        ranges in prop::collection::vec((0_u32..200, 0_u32..20), 0..10),
        claimed in 0_u32..250,
    ) {
        let mut locals = LocalBindings::default();
        let mut expected = None;
        for (first, length) in ranges {
            let added = locals.add(ip(first), ip(first + length), BASE).is_ok();
            if added && (first..=first + length).contains(&claimed) {
                prop_assert!(expected.is_none());
                expected = BASE.plus(u64::from(claimed - first));
            }
        }
        prop_assert_eq!(locals.mac_of(ip(claimed)), expected);
    }

    #[test]
    fn removed_address_is_not_local_and_others_are(
        removed in prop::collection::btree_set(0_u32..40, 0..40),
        first in 1_u32..20,
        length in 0_u32..20,
    ) {
        let mut locals = LocalBindings::default();
        locals.add(ip(first), ip(first + length), BASE).unwrap();
        for number in &removed {
            locals.remove(ip(*number));
        }
        for number in 0..45 {
            let is_local = (first..=first + length).contains(&number) && !removed.contains(&number);
            let expected = is_local.then(|| BASE.plus(u64::from(number - first)).unwrap());
            prop_assert_eq!(locals.mac_of(ip(number)), expected);
        }
        prop_assert!(locals.has_mac(BASE), "the MAC address is not local any more");
        prop_assert_eq!(locals.is_empty(), (first..=first + length).all(|number| removed.contains(&number)));
    }
}

#[test]
fn local_addresses_have_mac_and_others_have_none() {
    let mut locals = LocalBindings::single([10, 0, 0, 2].into(), MacAddr::new([2, 0, 0, 0, 0, 2])).unwrap();
    locals.add([10, 0, 0, 8].into(), [10, 0, 0, 15].into(), MacAddr::new([2, 0, 0, 0, 1, 8])).unwrap();
    for last in 0..=255 {
        let ip = [10, 0, 0, last].into();
        assert_eq!(locals.contains(ip), last == 2 || (8..=15).contains(&last), "{ip}");
        assert_eq!(locals.contains(ip), locals.mac_of(ip).is_some(), "{ip}");
    }
    assert!(!locals.contains([255; 4].into()) && !locals.contains([0; 4].into()));
}
