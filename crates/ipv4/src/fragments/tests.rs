use super::*;
use proptest::prelude::*;

fn fragments(payload: usize, mtu: usize) -> Vec<(usize, usize, bool)> {
    let fragments = Fragments::of(payload, mtu, false).unwrap();
    fragments.map(|fragment| (fragment.range.start, fragment.range.end, fragment.more_fragments)).collect()
}

// proves: rfc791-fragmentation
#[test]
fn long_datagram_is_fragmented_at_multiples_of_eight_bytes() {
    assert_eq!(fragments(4_008, 1_500), [(0, 1_480, true), (1_480, 2_960, true), (2_960, 4_008, false)]);
    assert_eq!(fragments(17, 28), [(0, 8, true), (8, 16, true), (16, 17, false)]);
    assert_eq!(fragments(16, 35), [(0, 8, true), (8, 16, false)]);
}

// proves: rfc791-fragmentation
#[test]
fn datagram_is_single_fragment_when_it_fits() {
    for payload in [0, 1, 7, 1_479, 1_480] {
        assert_eq!(fragments(payload, 1_500), [(0, payload, false)]);
    }
    assert_eq!(fragments(13, 33), [(0, 13, false)]);
    assert_eq!(Fragments::of(1_480, 1_500, true).unwrap().count(), 1);
}

// proves: rfc791-dont-fragment
#[test]
fn datagram_is_refused_when_too_long_and_dont_fragment_is_set() {
    assert_eq!(Fragments::of(1_481, 1_500, true).unwrap_err(), FragmentationError::DontFragment(1_500));
}

#[test]
fn datagram_is_refused_when_too_long_or_mtu_too_small() {
    assert_eq!(Fragments::of(65_516, 1_500, false).unwrap_err(), FragmentationError::TooLong);
    assert_eq!(Fragments::of(65_516, 100_000, true).unwrap_err(), FragmentationError::TooLong);
    assert_eq!(Fragments::of(9, 27, false).unwrap_err(), FragmentationError::MtuTooSmall(27));
    assert_eq!(Fragments::of(9, 0, false).unwrap_err(), FragmentationError::MtuTooSmall(0));
}

#[test]
fn fragment_header_copies_datagram_header_with_offset_and_flag() {
    let fields = Ipv4Fields::new(inet::IpProtocol::ICMP, [10, 0, 0, 2].into(), [10, 0, 0, 1].into());
    let last = Fragments::of(17, 28, false).unwrap().last().unwrap();
    assert_eq!(last.apply(fields), Ipv4Fields { fragment_offset: 16, ..fields });
    let first = Fragments::of(17, 28, false).unwrap().next().unwrap();
    assert_eq!(first.apply(fields), Ipv4Fields { more_fragments: true, ..fields });
}

proptest! {
    // proves: rfc791-fragmentation
    #[test]
    fn fragments_cover_datagram_and_each_fits(payload in 0_usize..=65_515, mtu in 28_usize..9_000) {
        let mut end = 0;
        for fragment in Fragments::of(payload, mtu, false).unwrap() {
            prop_assert_eq!(fragment.range.start, end);
            prop_assert!(fragment.range.len() + 20 <= mtu);
            prop_assert_eq!(fragment.more_fragments, fragment.range.end < payload);
            prop_assert!(!fragment.more_fragments || fragment.range.len().is_multiple_of(8));
            end = fragment.range.end;
        }
        prop_assert_eq!(end, payload);
    }

    #[test]
    fn fragments_cover_datagram_when_mtu_changes_between_them(
        payload in 0_usize..=65_515,
        mtus in prop::collection::vec(28_usize..9_000, 1..8),
    ) {
        let mut end = 0;
        for mtu in mtus.into_iter().cycle() {
            let fragment = Fragments::of(payload, mtu, false).unwrap().starting_at(end).next().unwrap();
            prop_assert_eq!(fragment.range.start, end);
            prop_assert!(fragment.range.len() + 20 <= mtu);
            prop_assert!(!fragment.more_fragments || fragment.range.len().is_multiple_of(8));
            end = fragment.range.end;
            if !fragment.more_fragments {
                break;
            }
        }
        prop_assert_eq!(end, payload);
        prop_assert_eq!(Fragments::of(payload, 1_500, false).unwrap().starting_at(payload.max(1)).next(), None);
    }
}
