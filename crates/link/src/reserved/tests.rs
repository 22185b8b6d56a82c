use super::*;

#[test]
fn address_may_be_a_hosts_when_it_is_in_class_a_to_c_and_not_reserved() {
    for first in 0..=255_u8 {
        let expected = matches!(first, 1..=126 | 128..=223);
        for rest in [[0, 0, 0], [1, 2, 3], [255, 255, 255]] {
            let address = Ipv4Addr::from([first, rest[0], rest[1], rest[2]]);
            assert_eq!(may_be_a_host(address), expected, "{address}");
        }
    }
}

#[test]
fn network_holds_no_host_when_it_lies_in_one_reserved_range() {
    for (first, last, expected) in [
        ([0, 0, 0, 0], [0, 255, 255, 255], true),
        ([127, 0, 0, 0], [127, 0, 255, 255], true),
        ([224, 0, 0, 0], [255, 255, 255, 255], true),
        ([224, 0, 0, 0], [239, 255, 255, 255], true),
        ([0, 0, 0, 0], [255, 255, 255, 255], false),
        ([0, 0, 0, 0], [1, 255, 255, 255], false),
        ([126, 0, 0, 0], [127, 255, 255, 255], false),
        ([192, 0, 0, 0], [255, 255, 255, 255], false),
        ([10, 0, 0, 0], [10, 255, 255, 255], false),
    ] {
        assert_eq!(holds_no_host(first.into(), last.into()), expected, "{first:?}");
    }
}
