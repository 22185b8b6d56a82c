use super::*;
use proptest::prelude::*;

#[test]
fn address_is_group_when_lowest_bit_of_first_byte_is_set() {
    assert!(MacAddr::BROADCAST.is_group());
    assert!(MacAddr::new([0x01, 0, 0x5e, 0, 0, 1]).is_group());
    assert!(!MacAddr::new([0x02, 0xff, 0xff, 0xff, 0xff, 0xff]).is_group());
}

#[test]
fn address_is_not_station_when_zero_or_group() {
    assert!(!MacAddr::ZERO.is_station());
    assert!(!MacAddr::BROADCAST.is_station());
    assert!(MacAddr::new([0, 0, 0, 0, 0, 1]).is_station());
}

#[test]
fn derived_address_is_local_unicast_and_stable() {
    let address = MacAddr::derived_from("tap0 10.0.0.2");
    assert_eq!(address.bytes()[0] & 0b11, 0b10);
    assert_ne!(address, MacAddr::derived_from("tap0 10.0.0.3"));
    // The test vectors of FNV's authors give af63dc4c8601ec8c for "a".
    assert_eq!(MacAddr::derived_from("a").to_string(), "02:4c:86:01:ec:8c");
}

#[test]
fn next_address_carries_and_is_none_after_maximum() {
    let last = MacAddr::new([2, 0, 0, 0, 0, 0xff]);
    assert_eq!(last.plus(1), Some(MacAddr::new([2, 0, 0, 0, 1, 0])));
    assert_eq!(MacAddr::BROADCAST.plus(1), None);
    assert_eq!(MacAddr::ZERO.plus(u64::MAX), None);
}

#[test]
fn text_is_rejected_when_not_mac_address() {
    for text in
        ["", "1:2:3:4:5", "1:2:3:4:5:6:7", "1:2:3:4:5:g", "1:2:3:4:5:006", "+1:2:3:4:5:6", "1-2:3:4:5:6"]
    {
        assert!(text.parse::<MacAddr>().is_err(), "{text:?}");
    }
    assert_eq!("2-0-0-0-0-A".parse::<MacAddr>().unwrap().to_string(), "02:00:00:00:00:0a");
}

#[test]
fn address_is_parsed_bare_and_in_groups_of_four_digits() {
    let address = MacAddr::new([2, 0, 0xab, 0xcd, 0, 1]);
    for text in ["0200.abcd.0001", "0200abcd0001", "0200ABCD0001", "02-00-ab-cd-00-01", "2:0:ab:cd:0:1"] {
        assert_eq!(text.parse(), Ok(address), "{text}");
    }
    for text in [
        "0200.abcd",
        "0200.abcd.00001",
        "020.0abcd.0001",
        "0200abcd000",
        "0200abcd00011",
        "0200abcd000g",
        "+200abcd0001",
    ] {
        assert!(text.parse::<MacAddr>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn printed_address_is_parsed_back(bytes: [u8; 6]) {
        let address = MacAddr::new(bytes);
        prop_assert_eq!(address.to_string().parse::<MacAddr>().unwrap(), address);
    }
}

#[test]
fn single_host_has_one_mac() {
    let mac = MacAddr::new([2, 0, 0, 0, 0, 1]);
    assert!(mac.has_mac(mac) && !mac.has_mac(MacAddr::BROADCAST));
}
