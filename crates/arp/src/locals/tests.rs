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
    assert_eq!(locals.add(protocol(6), protocol(7), BASE), Ok(()));
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
}
