mod model;

use super::*;

const BASE: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 0xfe]);

fn ip(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(number)
}

fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

/// Returns the range from `first` to `last` without broadcast addresses.
fn range(first: u32, last: u32, mac: MacAddr) -> AddressRange {
    AddressRange { first: ip(first), last: ip(last), mac, prefix: 32 }
}

/// Returns a table of one address with its network.
fn table(network: &str) -> AddressTable {
    AddressTable::one(network.parse().unwrap(), BASE).unwrap()
}

fn tables(networks: &[&str]) -> AddressTable {
    let mut table = AddressTable::default();
    for (network, step) in networks.iter().zip(0..) {
        let mac = BASE.plus(2 * step).unwrap();
        table.add(AddressRange::one(network.parse().unwrap(), mac)).unwrap();
    }
    table
}

#[test]
fn each_address_of_range_has_consecutive_mac() {
    let mut table = AddressTable::default();
    table.add(range(100, 110, BASE)).unwrap();
    assert_eq!(table.mac_of(ip(99)), None);
    assert_eq!(table.mac_of(ip(100)), Some(BASE));
    assert_eq!(table.mac_of(ip(102)), Some(MacAddr::new([2, 0, 0, 0, 1, 0])));
    assert_eq!(table.mac_of(ip(111)), None);
    assert!(table.has_mac(MacAddr::new([2, 0, 0, 0, 1, 8])));
    assert!(!table.has_mac(MacAddr::new([2, 0, 0, 0, 1, 9])));
}

#[test]
fn invalid_ranges_are_rejected() {
    let mut table = AddressTable::default();
    table.add(range(5, 5, BASE)).unwrap();
    assert_eq!(table.add(range(9, 8, BASE)), Err(AddressError::Reversed));
    assert_eq!(table.add(range(1, 5, BASE)), Err(AddressError::Overlap));
    assert_eq!(table.add(range(8, 8, MacAddr::BROADCAST)), Err(AddressError::InvalidMac));
    assert_eq!(table.add(range(8, 8, MacAddr::ZERO)), Err(AddressError::InvalidMac));
    let last = MacAddr::new([2, 0xff, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(
        table.add(range(8, 9, last)),
        Err(AddressError::InvalidMac),
        "range with a multicast MAC address was added"
    );
    let with_prefix = |prefix| AddressRange { prefix, ..range(8, 16, BASE) };
    assert_eq!(table.add(with_prefix(33)), Err(AddressError::InvalidPrefix));
    assert_eq!(table.add(with_prefix(29)), Err(AddressError::InvalidPrefix));
    assert!(!table.has_mac(last) && !table.contains(ip(8)));
    assert_eq!(table.add(range(8, 8, last)), Ok(()));
    assert_eq!(table.add(range(6, 7, BASE)), Ok(()));
}

#[test]
fn address_errors_mention_address() {
    let errors = [
        AddressError::Reversed,
        AddressError::Overlap,
        AddressError::InvalidMac,
        AddressError::InvalidPrefix,
    ];
    for error in errors {
        assert!(error.to_string().contains("address"), "{error}");
    }
}

#[test]
fn adjacent_addresses_merge_in_any_order() {
    let mut table = AddressTable::default();
    for number in [3, 1, 2, 5, 4] {
        let mac = BASE.plus(number.into()).unwrap();
        table.add(range(number, number, mac)).unwrap();
    }
    assert_eq!(table.rows.len(), 1);
    assert_eq!(table.in_use().next(), BASE.plus(1).map(|mac| (ip(1), mac)));
    // The next address has another MAC address, and the one after it has another network.
    table.add(range(6, 6, BASE)).unwrap();
    assert_eq!(table.rows.len(), 2);
    let mac = BASE.plus(1).unwrap();
    table.add(AddressRange { prefix: 24, ..range(7, 7, mac) }).unwrap();
    assert_eq!(table.rows.len(), 3);
}

#[test]
fn full_range_is_a_single_row_while_its_addresses_are_tentative() {
    let mut table = AddressTable::default();
    table.add_tentative(range(0x0a00_0000, 0x0a00_ffff, BASE)).unwrap();
    assert!(!table.has_address_in_use() && table.in_use().next().is_none());
    assert!(table.set_state(ip(0x0a00_1234), AddressState::Preferred));
    assert_eq!(table.in_use().map(|(ip, _)| ip).collect::<Vec<_>>(), [ip(0x0a00_1234)]);
    assert_eq!(table.rows.len(), 1);
}

#[test]
fn conflicts_are_bounded() {
    let mut table = AddressTable::default();
    table.add(range(0, 2_000, BASE)).unwrap();
    let conflict = AddressState::Conflict { with: MacAddr::new([2, 9, 0, 0, 0, 1]) };
    let set = (0..2_000).filter(|number| table.set_state(ip(*number), conflict)).count();
    assert_eq!(set, AddressTable::CONFLICTS);
    assert_eq!(table.state(ip(0)), Some(conflict));
    assert_eq!(table.state(ip(1_500)), Some(AddressState::Preferred));
    // Another packet of the same conflict, and another conflict after the end of the first.
    assert!(table.set_state(ip(0), conflict));
    assert!(!table.set_state(ip(1_500), conflict));
    table.remove(ip(0));
    assert!(table.set_state(ip(1_500), conflict));
    // Probing is not limited.
    assert!(table.set_state(ip(1_501), AddressState::Tentative));
    assert!(!table.set_state(ip(5_000), AddressState::Tentative));
}

#[test]
fn source_of_request_is_in_network_of_target_and_not_in_conflict() {
    let mut table = tables(&["10.0.0.2/24", "169.254.7.7/16", "192.0.2.5/24"]);
    let source =
        |table: &AddressTable, target| table.source_for(address(target)).map(|(ip, _)| ip.to_string());
    assert_eq!(source(&table, "10.0.0.9").unwrap(), "10.0.0.2");
    assert_eq!(source(&table, "169.254.1.1").unwrap(), "169.254.7.7");
    assert_eq!(source(&table, "192.0.2.9").unwrap(), "192.0.2.5");
    assert_eq!(source(&table, "198.51.100.1").unwrap(), "10.0.0.2");
    // An address in conflict sends only if no other address is in use.
    table.set_state(address("10.0.0.2"), AddressState::Conflict { with: BASE });
    assert_eq!(source(&table, "10.0.0.9").unwrap(), "169.254.7.7");
    table.set_state(address("169.254.7.7"), AddressState::Tentative);
    table.remove(address("192.0.2.5"));
    assert_eq!(source(&table, "10.0.0.9").unwrap(), "10.0.0.2");
    assert_eq!(source(&table, "10.0.0.2"), None);
}

#[test]
fn source_of_request_is_another_address_of_range_in_conflict() {
    let mut table = AddressTable::default();
    table.add(range(1, 4, BASE)).unwrap();
    for number in [1, 2] {
        table.set_state(ip(number), AddressState::Conflict { with: BASE });
    }
    assert_eq!(table.source_for(ip(1)).map(|(ip, _)| ip), Some(ip(3)));
    assert_eq!(table.source_for(ip(3)).map(|(ip, _)| ip), Some(ip(4)));
}

// proves: rfc1122-destination, rfc1122-broadcast
#[test]
fn destination_is_local_when_host_broadcast_or_joined_group() {
    let mut host = table("10.0.0.2/24");
    host.join(AddressTable::ALL_HOSTS).unwrap();
    let kinds = [
        ("10.0.0.2", Some(DestinationKind::Unicast)),
        ("10.0.0.3", None),
        ("10.0.0.255", Some(DestinationKind::Broadcast)),
        ("10.0.0.0", Some(DestinationKind::Broadcast)),
        ("255.255.255.255", Some(DestinationKind::Broadcast)),
        ("10.0.1.255", None),
        ("224.0.0.1", Some(DestinationKind::Multicast)),
        ("224.0.0.2", None),
        ("127.0.0.1", None),
        ("0.0.0.0", None),
    ];
    for (destination, destination_kind) in kinds {
        assert_eq!(host.destination_kind(address(destination)), destination_kind, "{destination}");
    }
    host.leave(AddressTable::ALL_HOSTS);
    assert_eq!(host.destination_kind(AddressTable::ALL_HOSTS), None);
    host.remove(address("10.0.0.2"));
    assert_eq!(host.destination_kind(address("10.0.0.255")), None);
}

// proves: rfc3021-no-broadcast
#[test]
fn address_is_host_when_network_has_one_or_two_addresses() {
    let lower = table("10.0.0.0/31");
    assert_eq!(lower.destination_kind(address("10.0.0.0")), Some(DestinationKind::Unicast));
    assert!(lower.is_host(address("10.0.0.0")) && lower.is_host(address("10.0.0.1")));
}

#[test]
fn address_is_host_when_it_names_one_host() {
    let host = table("10.0.0.2/24");
    for host_address in ["1.0.0.0", "10.0.0.1", "10.0.0.2", "126.255.255.255", "128.0.0.0", "223.255.255.255"]
    {
        assert!(host.is_host(address(host_address)), "{host_address}");
    }
    let others =
        ["0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "10.0.0.255"];
    for other in others {
        assert!(!host.is_host(address(other)), "{other}");
    }
}

#[test]
fn local_address_is_not_broadcast_when_networks_overlap() {
    let both = tables(&["10.0.0.255/16", "10.0.0.2/24"]);
    assert_eq!(both.destination_kind(address("10.0.0.255")), Some(DestinationKind::Unicast));
    assert!(!both.is_broadcast(address("10.0.0.255")) && both.is_host(address("10.0.0.255")));
    assert!(both.is_broadcast(address("10.0.0.0")));
}

#[test]
fn joined_groups_are_bounded_and_multicast_only() {
    let mut host = table("10.0.0.2/24");
    for last in 0..=255 {
        host.join(Ipv4Addr::new(239, 0, 0, last)).unwrap();
    }
    assert_eq!(host.join(address("239.0.0.7")), Ok(()));
    assert_eq!(host.join(address("239.0.1.0")), Err(TooManyGroups));
    assert_eq!(host.join(address("10.0.0.9")), Ok(()));
    assert_eq!(host.destination_kind(address("10.0.0.9")), None);
}

// proves: rfc1122-broadcast
#[test]
fn nested_networks_have_separate_zero_broadcasts() {
    for networks in [["10.0.0.5/24", "10.0.0.200/25"], ["10.0.0.200/25", "10.0.0.5/24"]] {
        let both = tables(&networks);
        for broadcast in ["10.0.0.0", "10.0.0.128", "10.0.0.255"] {
            assert!(both.is_broadcast(address(broadcast)), "{broadcast} in {networks:?}");
        }
    }
}

#[test]
fn network_contains_local_address_and_first_address_in_use() {
    let mut table = AddressTable::default();
    let range = |first: [u8; 4], last: [u8; 4], mac| AddressRange {
        first: first.into(),
        last: last.into(),
        mac: MacAddr::new([2, 0, 0, mac, 0, 0]),
        prefix: 32,
    };
    table.add(range([10, 0, 0, 4], [10, 0, 0, 7], 0)).unwrap();
    table.add(range([10, 0, 1, 0], [10, 0, 1, 9], 1)).unwrap();
    table.set_state([10, 0, 0, 4].into(), AddressState::Tentative);
    let found = |network: &str| {
        let network = network.parse().unwrap();
        (table.contains_any(network), table.first_in_use(network).map(|ip| ip.octets()))
    };
    assert_eq!(found("0.0.0.0/0"), (true, Some([10, 0, 0, 5])));
    assert_eq!(found("10.0.0.4/32"), (true, None));
    assert_eq!(found("10.0.0.6/31"), (true, Some([10, 0, 0, 6])));
    assert_eq!(found("10.0.1.8/29"), (true, Some([10, 0, 1, 8])));
    for network in
        ["10.0.0.0/30", "10.0.0.8/29", "10.0.1.10/31", "10.0.2.0/24", "9.0.0.0/8", "255.255.255.255/32"]
    {
        assert_eq!(found(network), (false, None), "{network}");
    }
}

#[test]
fn generation_counts_changes() {
    let mut table = table("10.0.0.2/24");
    let mut last = table.generation();
    let mut grew =
        |table: &AddressTable| std::mem::replace(&mut last, table.generation()) < table.generation();
    let own = address("10.0.0.2");
    assert!(table.set_state(own, AddressState::Tentative) && grew(&table), "the state has changed");
    table.add(range(100, 110, BASE.plus(9).unwrap())).unwrap();
    assert!(grew(&table), "addresses were added");
    table.remove(ip(105));
    assert!(grew(&table), "an address was removed");
    table.release(ip(106)).unwrap();
    assert!(grew(&table), "a host was removed");
    table.add_station(BASE.plus(50).unwrap()).unwrap();
    assert!(grew(&table), "a MAC address was added");
    table.join(AddressTable::ALL_HOSTS).unwrap();
    assert!(!table.set_state(ip(105), AddressState::Tentative) && !grew(&table), "no address has changed");
}
