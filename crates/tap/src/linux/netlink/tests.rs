use super::*;
use proptest::prelude::*;

#[test]
fn attributes_are_found_behind_their_padding() {
    let mut octets = vec![0; 8];
    octets.extend([5_u16.to_ne_bytes(), 1_u16.to_ne_bytes()].concat());
    octets.extend([0xaa, 0, 0, 0]);
    octets.extend([6_u16.to_ne_bytes(), (NESTED | 2).to_ne_bytes()].concat());
    octets.extend([0xbb, 0xcc]);
    let found: Vec<_> = attributes(&octets, 8).collect();
    assert_eq!(found, [(1, &[0xaa][..]), (2, &[0xbb, 0xcc][..])]);
}

proptest! {
    #[test]
    fn no_octets_panic_or_loop(octets in prop::collection::vec(any::<u8>(), 0..200), fixed in 0_usize..300) {
        prop_assert!(attributes(&octets, fixed).count() <= 50);
        let _ = message(&octets);
    }
}
