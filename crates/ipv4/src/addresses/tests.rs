use super::*;

fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn network(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

fn host() -> LocalAddresses {
    LocalAddresses::one(network("10.0.0.2/24"))
}

// proves: rfc1122-destination, rfc1122-broadcast
#[test]
fn destination_is_local_when_host_broadcast_or_joined_group() {
    let mut host = host();
    host.join(LocalAddresses::ALL_HOSTS).unwrap();
    let table = [
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
    for (destination, destination_kind) in table {
        assert_eq!(host.destination_kind(address(destination)), destination_kind, "{destination}");
    }
    host.leave(LocalAddresses::ALL_HOSTS);
    assert_eq!(host.destination_kind(LocalAddresses::ALL_HOSTS), None);
}

// proves: rfc1122-source, source-local
#[test]
fn invalid_source_is_rejected_with_reason() {
    let table = [
        ("255.255.255.255", Err(Ipv4DropReason::SourceBroadcast)),
        ("10.0.0.255", Err(Ipv4DropReason::SourceBroadcast)),
        ("10.0.0.0", Err(Ipv4DropReason::SourceBroadcast)),
        ("224.0.0.1", Err(Ipv4DropReason::SourceGroup)),
        ("239.255.255.255", Err(Ipv4DropReason::SourceGroup)),
        ("127.0.0.1", Err(Ipv4DropReason::SourceLoopback)),
        ("127.255.255.254", Err(Ipv4DropReason::SourceLoopback)),
        ("10.0.0.2", Err(Ipv4DropReason::SourceLocal)),
        ("10.0.0.1", Ok(())),
        ("10.0.1.255", Ok(())),
        ("0.0.0.0", Err(Ipv4DropReason::SourceReserved)),
        ("192.0.2.1", Ok(())),
    ];
    for (source, expected) in table {
        assert_eq!(host().check_source(address(source)), expected, "{source}");
    }
}

// proves: rfc3021-no-broadcast
#[test]
fn address_is_host_when_network_has_one_or_two_addresses() {
    let lower = LocalAddresses::one(network("10.0.0.0/31"));
    assert_eq!(lower.destination_kind(address("10.0.0.0")), Some(DestinationKind::Unicast));
    assert_eq!(lower.check_source(address("10.0.0.1")), Ok(()));
    assert!(lower.is_host(address("10.0.0.0")) && lower.is_host(address("10.0.0.1")));
}

#[test]
fn address_is_host_when_it_names_one_host() {
    for host_address in ["1.0.0.0", "10.0.0.1", "10.0.0.2", "126.255.255.255", "128.0.0.0", "223.255.255.255"]
    {
        assert!(host().is_host(address(host_address)), "{host_address}");
    }
    let others =
        ["0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "10.0.0.255"];
    for other in others {
        assert!(!host().is_host(address(other)), "{other}");
    }
}

#[test]
fn local_address_is_not_broadcast_when_networks_overlap() {
    let mut both = LocalAddresses::one(network("10.0.0.255/16"));
    both.add(address("10.0.0.2"), address("10.0.0.2"), network("10.0.0.2/24"));
    assert_eq!(both.destination_kind(address("10.0.0.255")), Some(DestinationKind::Unicast));
    assert!(!both.is_broadcast(address("10.0.0.255")) && both.is_host(address("10.0.0.255")));
    assert!(both.is_broadcast(address("10.0.0.0")));
}

#[test]
fn many_hosts_are_kept_as_ranges() {
    let mut many = LocalAddresses::default();
    assert_eq!(many.destination_kind(address("10.0.0.2")), None);
    many.add(address("10.0.0.8"), address("10.0.0.15"), network("10.0.0.1/24"));
    many.add(address("10.0.0.12"), address("10.0.0.20"), network("10.0.0.2/24"));
    many.add(address("192.168.0.1"), address("192.168.0.1"), network("192.168.0.1/16"));
    for (candidate, is_local) in
        [("10.0.0.7", false), ("10.0.0.8", true), ("10.0.0.20", true), ("10.0.0.21", false)]
    {
        assert_eq!(many.is_local(address(candidate)), is_local, "{candidate}");
    }
    assert_eq!(many.broadcasts.len(), 4);
    assert!(many.is_broadcast(address("10.0.0.255")) && many.is_broadcast(address("192.168.255.255")));
}

#[test]
fn joined_groups_are_bounded_and_multicast_only() {
    let mut host = host();
    for last in 0..=255 {
        host.join(Ipv4Addr::new(239, 0, 0, last)).unwrap();
    }
    assert_eq!(host.join(address("239.0.0.7")), Ok(()));
    assert_eq!(host.join(address("239.0.1.0")), Err(TooManyGroups));
    assert_eq!(host.join(address("10.0.0.9")), Ok(()));
    assert_eq!(host.destination_kind(address("10.0.0.9")), None);
}

#[test]
fn multicast_mac_has_lower_23_bits_of_group() {
    assert_eq!(multicast_mac(address("224.0.0.1")), Some(MacAddr::new([1, 0, 0x5e, 0, 0, 1])));
    assert_eq!(multicast_mac(address("239.255.1.2")), Some(MacAddr::new([1, 0, 0x5e, 0x7f, 1, 2])));
    assert_eq!(multicast_mac(address("10.0.0.1")), None);
}

// proves: rfc1122-broadcast
#[test]
fn nested_networks_have_separate_zero_broadcasts() {
    for networks in [["10.0.0.5/24", "10.0.0.200/25"], ["10.0.0.200/25", "10.0.0.5/24"]] {
        let mut both = LocalAddresses::default();
        for network in networks.map(|network| network.parse::<Ipv4Net>().unwrap()) {
            both.add(network.addr(), network.addr(), network);
        }
        for broadcast in ["10.0.0.0", "10.0.0.128", "10.0.0.255"] {
            assert!(both.is_broadcast(address(broadcast)), "{broadcast} in {networks:?}");
        }
    }
}
