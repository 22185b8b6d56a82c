use super::*;
use proptest::prelude::*;

/// A source route with two addresses, padded to words, and this pointer.
fn route(kind: u8, pointer: u8) -> [u8; 12] {
    [kind, 11, pointer, 192, 0, 2, 1, 192, 0, 2, 2, END]
}

// proves: rfc791-source-route
#[test]
fn source_route_is_incomplete_until_its_pointer_passes_its_length() {
    for kind in [LOOSE_SOURCE_ROUTE, STRICT_SOURCE_ROUTE] {
        for pointer in 0..=u8::MAX {
            assert_eq!(has_incomplete_source_route(&route(kind, pointer)), pointer <= 11, "{kind} {pointer}");
        }
        // Behind other options, and one completed before another that is not.
        let behind = [&[1, 1, 1, 7, 7, 4, 0, 0, 0, 0][..], &route(kind, 4)].concat();
        assert!(has_incomplete_source_route(&behind));
        let second = [&route(kind, 12)[..11], &route(kind, 8)].concat();
        assert!(has_incomplete_source_route(&second));
        // Behind the end of the list there is none.
        assert!(!has_incomplete_source_route(&[&[END][..], &route(kind, 4)].concat()));
    }
}

// proves: rfc791-source-route
#[test]
fn source_route_that_cannot_be_read_counts_as_incomplete() {
    for unreadable in
        [&[131][..], &[137, 3], &[131, 2, 9, 0], &[131, 0, 9, 0], &[137, 8, 9, 0], &[131, 3, 3, 0]]
    {
        assert!(has_incomplete_source_route(unreadable), "{unreadable:?}");
    }
    assert!(!has_incomplete_source_route(&[131, 3, 4, 0]), "no hops at all");
}

#[test]
fn other_options_hold_no_source_route_whatever_is_in_them() {
    for options in [&[][..], &[0; 4], &[1; 40], &[7, 131, 4, 0], &[68, 0, 131, 4], &[68, 1, 131, 4], &[7]] {
        assert!(!has_incomplete_source_route(options), "{options:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_end_the_search(options in prop::collection::vec(prop_oneof![any::<u8>(), 0_u8..12, Just(131)], 0..41)) {
        let _ = has_incomplete_source_route(&options);
    }
}
