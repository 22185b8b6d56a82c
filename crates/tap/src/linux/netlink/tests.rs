use super::*;
use netlink_packet_core::NLA_F_NESTED;
use proptest::prelude::*;

#[test]
fn netlink_attributes_are_found_after_padding() {
    let mut bytes = vec![0; 8];
    bytes.extend([5_u16.to_ne_bytes(), 1_u16.to_ne_bytes()].concat());
    bytes.extend([0xaa, 0, 0, 0]);
    bytes.extend([6_u16.to_ne_bytes(), (NLA_F_NESTED | 2).to_ne_bytes()].concat());
    bytes.extend([0xbb, 0xcc]);
    let found: Vec<_> = attributes(&bytes, 8).collect();
    assert_eq!(found, [(1, &[0xaa][..]), (2, &[0xbb, 0xcc][..])]);
}

#[test]
fn netlink_error_with_code_0_is_acknowledgement() {
    let error = |code: i32| {
        let payload = [code.to_ne_bytes(), [0; 4]].concat();
        Message { kind: 2, sequence: 1, flags: 0, payload: &payload }.error()
    };
    assert_eq!((error(0), error(-libc::ENODEV)), (None, Some(Errno::ENODEV)));
}

proptest! {
    #[test]
    fn netlink_parsers_end_on_arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), fixed in 0_usize..300) {
        prop_assert!(attributes(&bytes, fixed).count() <= 50);
        prop_assert!(messages(&bytes).count() <= 50);
    }
}
