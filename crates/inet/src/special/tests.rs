use super::*;

#[test]
fn address_is_valid_host_when_in_class_a_to_c_and_not_reserved() {
    for first in 0..=255_u8 {
        let expected = matches!(first, 1..=126 | 128..=223);
        for rest in [[0, 0, 0], [1, 2, 3], [255, 255, 255]] {
            let address = Ipv4Addr::from([first, rest[0], rest[1], rest[2]]);
            assert_eq!(is_valid_host(address), expected, "{address}");
        }
    }
}

#[test]
fn range_is_reserved_when_in_one_reserved_block() {
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
        assert_eq!(is_reserved_range(first.into(), last.into()), expected, "{first:?}");
    }
}

// proves: rfc3021-no-broadcast
#[test]
fn network_has_no_directed_broadcast_when_prefix_is_longer_than_30() {
    for (network, expected) in
        [("10.0.0.0/30", Some(Ipv4Addr::new(10, 0, 0, 3))), ("10.0.0.0/31", None), ("10.0.0.0/32", None)]
    {
        assert_eq!(directed_broadcast(network.parse().unwrap()), expected, "{network}");
    }
}

#[test]
fn network_has_its_addresses_and_no_others() {
    let addresses = ["10.1.2.3", "10.1.2.131", "10.1.3.3", "10.65.2.3", "138.1.2.3"];
    for prefix in 0..=32 {
        let network = Ipv4Net::new_assert(Ipv4Addr::new(10, 1, 2, 3), prefix);
        for address in addresses.map(|address| address.parse().unwrap()) {
            assert_eq!(is_in_network(address, network), network.contains(&address), "{address} {network}");
        }
    }
}
