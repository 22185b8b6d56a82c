use super::*;
use proptest::prelude::*;

const BASE: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 0xfe]);

fn protocol(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(number)
}

#[test]
fn each_address_of_a_range_has_a_hardware_address_of_its_own() {
    let mut locals = Locals::default();
    locals.add(protocol(100), protocol(110), BASE).unwrap();
    assert_eq!(locals.hardware_of(protocol(99)), None);
    assert_eq!(locals.hardware_of(protocol(100)), Some(BASE));
    assert_eq!(locals.hardware_of(protocol(102)), Some(MacAddr::new([2, 0, 0, 0, 1, 0])));
    assert_eq!(locals.hardware_of(protocol(111)), None);
    assert!(locals.has_hardware(MacAddr::new([2, 0, 0, 0, 1, 8])));
    assert!(!locals.has_hardware(MacAddr::new([2, 0, 0, 0, 1, 9])));
}

#[test]
fn ranges_that_cannot_be_ours_are_refused() {
    let mut locals = Locals::one(protocol(5), BASE).unwrap();
    assert_eq!(locals.add(protocol(9), protocol(8), BASE), Err(LocalsError::Backwards));
    assert_eq!(locals.add(protocol(1), protocol(5), BASE), Err(LocalsError::Overlap));
    assert_eq!(locals.add(protocol(8), protocol(8), MacAddr::BROADCAST), Err(LocalsError::Hardware));
    assert_eq!(locals.add(protocol(8), protocol(8), MacAddr::ZERO), Err(LocalsError::Hardware));
    let last = MacAddr::new([2, 0xff, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(locals.add(protocol(8), protocol(9), last), Err(LocalsError::Hardware), "a group follows");
    assert_eq!(locals.add(protocol(8), protocol(8), last), Ok(()));
    assert_eq!(locals.add(protocol(6), protocol(7), BASE), Ok(()));
}

#[test]
fn every_error_says_what_is_wrong() {
    for error in [LocalsError::Backwards, LocalsError::Overlap, LocalsError::Hardware] {
        assert!(error.to_string().contains("address"), "{error}");
    }
}

#[test]
fn addresses_that_go_on_alike_are_one_range_in_whatever_order_they_come() {
    let mut locals = Locals::default();
    for number in [3, 1, 2, 5, 4] {
        let hardware = BASE.plus(number.into()).unwrap();
        locals.add(protocol(number), protocol(number), hardware).unwrap();
    }
    assert_eq!(locals.ranges.len(), 1);
    assert_eq!(locals.first(), BASE.plus(1).map(|hardware| (protocol(1), hardware)));
    // The next one is somewhere else.
    locals.add(protocol(6), protocol(6), BASE).unwrap();
    assert_eq!(locals.ranges.len(), 2);
}

proptest! {
    #[test]
    fn ours_is_what_was_added(
        ranges in prop::collection::vec((0_u32..200, 0_u32..20), 0..10),
        wanted in 0_u32..250,
    ) {
        let mut locals = Locals::default();
        let mut expected = None;
        for (first, length) in ranges {
            let added = locals.add(protocol(first), protocol(first + length), BASE).is_ok();
            if added && (first..=first + length).contains(&wanted) {
                prop_assert!(expected.is_none());
                expected = BASE.plus(u64::from(wanted - first));
            }
        }
        prop_assert_eq!(locals.hardware_of(protocol(wanted)), expected);
    }

    #[test]
    fn what_was_given_up_is_not_ours_and_all_else_is(
        given_up in prop::collection::btree_set(0_u32..40, 0..40),
        first in 1_u32..20,
        length in 0_u32..20,
    ) {
        let mut locals = Locals::default();
        locals.add(protocol(first), protocol(first + length), BASE).unwrap();
        for number in &given_up {
            locals.remove(protocol(*number));
        }
        for number in 0..45 {
            let ours = (first..=first + length).contains(&number) && !given_up.contains(&number);
            let expected = ours.then(|| BASE.plus(u64::from(number - first)).unwrap());
            prop_assert_eq!(locals.hardware_of(protocol(number)), expected);
        }
        prop_assert!(locals.has_hardware(BASE), "the station is still there");
        prop_assert_eq!(locals.is_empty(), (first..=first + length).all(|number| given_up.contains(&number)));
    }
}

#[test]
fn an_address_that_has_no_hardware_address_is_none_of_ours() {
    let mut locals = Locals::one([10, 0, 0, 2].into(), MacAddr::new([2, 0, 0, 0, 0, 2])).unwrap();
    locals.add([10, 0, 0, 8].into(), [10, 0, 0, 15].into(), MacAddr::new([2, 0, 0, 0, 1, 8])).unwrap();
    for last in 0..=255 {
        let protocol = [10, 0, 0, last].into();
        assert_eq!(locals.has(protocol), last == 2 || (8..=15).contains(&last), "{protocol}");
        assert_eq!(locals.has(protocol), locals.hardware_of(protocol).is_some(), "{protocol}");
    }
    assert!(!locals.has([255; 4].into()) && !locals.has([0; 4].into()));
}
