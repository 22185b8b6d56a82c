use super::*;
use proptest::prelude::*;

fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn network(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

const FIRST: InterfaceId = InterfaceId(0);
const SECOND: InterfaceId = InterfaceId(1);

fn via(to: &str, gateway: &str) -> Route {
    Route::through(address(gateway), network(to), FIRST)
}

fn direct(to: &str) -> Route {
    Route::on_link(network(to), FIRST)
}

fn host() -> Routes {
    host_of("10.0.0.2/24", Some("10.0.0.1"))
}

/// Returns the routes of a host with one address.
fn host_of(own: &str, gateway: Option<&str>) -> Routes {
    let mut routes = Routes::default();
    routes.add(direct(own)).unwrap();
    if let Some(gateway) = gateway {
        routes.add(via("0.0.0.0/0", gateway)).unwrap();
    }
    routes
}

// proves: rfc1122-local-remote
#[test]
fn next_hop_is_destination_on_link_and_gateway_otherwise() {
    let routes = host();
    let neighbor = address("10.0.0.77");
    assert_eq!(routes.next_hop(LOCAL, neighbor, FIRST), Some(NextHop::OnLink(neighbor)));
    let gateway = NextHop::Gateway(address("10.0.0.1"));
    assert_eq!(routes.next_hop(LOCAL, address("192.0.2.1"), FIRST), Some(gateway));
    assert_eq!(gateway.neighbor(), address("10.0.0.1"));
}

// proves: rfc1122-local-remote
#[test]
fn next_hop_is_none_when_destination_is_off_link_without_gateway() {
    let routes = host_of("10.0.0.2/24", None);
    assert_eq!(routes.next_hop(LOCAL, address("192.0.2.1"), FIRST), None);
    assert!(routes.next_hop(LOCAL, address("10.0.0.9"), FIRST).is_some());
    assert_eq!(Routes::default().next_hop(LOCAL, address("10.0.0.9"), FIRST), None);
}

#[test]
fn next_hop_uses_longest_prefix_in_any_order_of_routes() {
    let mut routes = host();
    for route in
        [via("192.0.2.0/25", "10.0.0.3"), via("192.0.2.64/26", "10.0.0.4"), via("192.0.0.0/16", "10.0.0.5")]
    {
        routes.add(route).unwrap();
    }
    let table = [
        ("192.0.2.65", "10.0.0.4"),
        ("192.0.2.1", "10.0.0.3"),
        ("192.0.2.200", "10.0.0.5"),
        ("192.1.0.0", "10.0.0.1"),
    ];
    for (destination, gateway) in table {
        assert_eq!(
            routes.next_hop(LOCAL, address(destination), FIRST),
            Some(NextHop::Gateway(address(gateway))),
            "{destination}"
        );
    }
}

// proves: rfc1122-limited-broadcast, destination-host
#[test]
fn multicast_and_limited_broadcast_are_on_link_and_reserved_addresses_have_no_next_hop() {
    for everywhere in ["255.255.255.255", "224.0.0.1"] {
        let destination = address(everywhere);
        assert_eq!(Routes::default().next_hop(LOCAL, destination, FIRST), Some(NextHop::OnLink(destination)));
    }
    for nowhere in [
        "0.0.0.0",
        "0.1.2.3",
        "0.255.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "240.0.0.1",
        "255.255.255.254",
    ] {
        assert_eq!(host().next_hop(LOCAL, address(nowhere), FIRST), None, "{nowhere}");
    }
    let directed = address("10.0.0.255");
    assert_eq!(host().next_hop(LOCAL, directed, FIRST), Some(NextHop::OnLink(directed)));
}

// proves: rfc1122-gateway
#[test]
fn gateway_is_accepted_only_when_it_is_host_on_link() {
    let mut routes = host();
    let table = [
        ("10.0.1.1", RouteError::NotOnLink(address("10.0.1.1"))),
        ("10.0.0.255", RouteError::InvalidGateway(address("10.0.0.255"))),
        ("10.0.0.0", RouteError::InvalidGateway(address("10.0.0.0"))),
    ];
    for (gateway, expected) in table {
        assert_eq!(routes.add(via("192.0.2.0/24", gateway)), Err(expected));
    }
    routes.add(direct("224.0.0.0/4")).unwrap();
    assert_eq!(
        routes.add(via("192.0.2.0/24", "224.0.0.5")),
        Err(RouteError::InvalidGateway(address("224.0.0.5")))
    );
    // A host behind another gateway is not on the link.
    assert_eq!(
        routes.add(via("192.0.2.0/24", "172.16.0.1")),
        Err(RouteError::NotOnLink(address("172.16.0.1")))
    );
}

// proves: rfc3927-on-link
#[test]
fn link_local_datagram_is_on_link_with_any_routes() {
    let by_smaller = {
        let mut routes = host();
        routes.add(via("168.0.0.0/7", "10.0.0.3")).unwrap();
        routes
    };
    for routes in [host(), host_of("10.0.0.2/24", None), Routes::default(), by_smaller] {
        for there in ["169.254.7.7", "169.254.0.1", "169.254.255.254"].map(address) {
            assert_eq!(routes.next_hop(LOCAL, there, FIRST), Some(NextHop::OnLink(there)));
        }
        // For a link-local source, every host is on the link.
        for there in ["192.0.2.1", "10.0.0.1", "169.254.7.7"].map(address) {
            assert_eq!(routes.next_hop(address("169.254.3.4"), there, FIRST), Some(NextHop::OnLink(there)));
        }
        assert_eq!(
            routes.next_hop(LOCAL, address("169.254.255.255"), FIRST),
            None,
            "the broadcast address is a next hop"
        );
    }
    let outside = [("169.253.255.255", "10.0.0.1"), ("169.255.0.0", "10.0.0.1")];
    for (there, gateway) in outside.map(|(there, gateway)| (address(there), address(gateway))) {
        assert_eq!(host().next_hop(LOCAL, there, FIRST), Some(NextHop::Gateway(gateway)));
    }
}

#[test]
fn gateway_route_is_refused_when_no_datagram_could_take_it() {
    let mut routes = host();
    for there in [
        "169.254.0.0/16",
        "169.254.7.0/24",
        "0.0.0.0/8",
        "127.0.0.0/8",
        "127.0.0.1/32",
        "224.0.0.0/4",
        "240.0.0.0/4",
    ] {
        assert_eq!(
            routes.add(via(there, "10.0.0.1")),
            Err(RouteError::NoGatewayAllowed(network(there))),
            "{there}"
        );
    }
    for there in ["168.0.0.0/7", "0.0.0.0/7", "126.0.0.0/7", "169.254.0.0/15", "128.0.0.0/1"] {
        routes.add(via(there, "10.0.0.1")).unwrap();
    }
}

#[test]
fn address_in_network_of_two_can_be_gateway() {
    let mut routes = host_of("10.0.0.0/31", None);
    assert_eq!(routes.add(via("0.0.0.0/0", "10.0.0.1")), Ok(()));
}

#[test]
fn route_is_not_removed_when_gateway_needs_it() {
    let mut routes = host();
    let in_use = Err(RouteError::InUse(address("10.0.0.1")));
    assert_eq!(routes.remove(network("10.0.0.0/24"), FIRST), in_use);
    assert!(routes.next_hop(LOCAL, address("10.0.0.9"), FIRST).is_some(), "the route was removed");
    assert_eq!(routes.remove(network("0.0.0.0/0"), FIRST), Ok(via("0.0.0.0/0", "10.0.0.1")));
    assert_eq!(routes.remove(network("10.0.0.9/24"), FIRST), Ok(direct("10.0.0.0/24")));
    assert_eq!(
        routes.remove(network("10.0.0.0/24"), FIRST),
        Err(RouteError::Missing(network("10.0.0.0/24")))
    );
}

#[test]
fn routes_through_gateways_in_removed_network_are_removed() {
    let mut routes = host();
    routes.add(direct("10.9.0.0/24")).unwrap();
    routes.add(via("192.0.2.0/24", "10.9.0.1")).unwrap();
    routes.retain(|route| route.network != network("10.0.0.0/24"));
    let kept: Vec<_> = routes.iter().collect();
    assert_eq!(kept, [direct("10.9.0.0/24"), via("192.0.2.0/24", "10.9.0.1")]);
}

#[test]
fn route_is_refused_when_it_takes_gateway_off_link() {
    let mut routes = host();
    let smaller = via("10.0.0.0/30", "10.0.0.9");
    assert_eq!(routes.add(smaller), Err(RouteError::InUse(address("10.0.0.1"))));
    assert_eq!(routes.iter().count(), 2);
}

#[test]
fn routes_are_bounded_and_unique_per_network() {
    let mut routes = host();
    assert_eq!(routes.add(direct("10.0.0.7/24")), Err(RouteError::Exists(network("10.0.0.0/24"))));
    for third in 2..64 {
        routes.add(direct(&format!("10.1.{third}.0/24"))).unwrap();
    }
    assert_eq!(routes.add(direct("10.2.0.0/24")), Err(RouteError::Full));
    assert_eq!(routes.iter().count(), Routes::CAPACITY);
}

#[test]
fn network_may_have_route_on_each_interface() {
    let mut routes = host();
    let second = Route { metric: 5, ..Route::on_link(network("10.0.0.0/24"), SECOND) };
    routes.add(second).unwrap();
    assert_eq!(routes.add(second), Err(RouteError::Exists(second.network)));
    let neighbor = address("10.0.0.9");
    assert_eq!(routes.route(neighbor, None).map(|route| route.interface), Some(FIRST));
    assert_eq!(routes.route(neighbor, Some(SECOND)), Some(second));
    assert_eq!(routes.remove(second.network, SECOND), Ok(second));
    assert_eq!(routes.route(neighbor, Some(SECOND)), None);
}

#[test]
fn lowest_metric_is_used_only_among_routes_to_same_network() {
    let mut routes = Routes::default();
    let source = Some(address("192.0.2.7"));
    let slow = Route { metric: 9, ..Route::on_link(network("192.0.2.0/24"), FIRST) };
    let fast = Route { metric: 3, source, ..Route::on_link(network("192.0.2.0/24"), SECOND) };
    let longer = Route { metric: 99, ..Route::on_link(network("192.0.2.128/25"), FIRST) };
    for route in [slow, fast, longer] {
        routes.add(route).unwrap();
    }
    assert_eq!(routes.route(address("192.0.2.1"), None), Some(fast));
    assert_eq!(routes.route(address("192.0.2.129"), None), Some(longer));
    assert_eq!(routes.route(address("192.0.2.129"), Some(SECOND)), Some(fast));
}

#[test]
fn gateway_must_be_on_link_of_its_own_interface() {
    let mut routes = host();
    let other = Route { interface: SECOND, ..via("192.0.2.0/24", "10.0.0.1") };
    assert_eq!(routes.add(other), Err(RouteError::NotOnLink(address("10.0.0.1"))));
    routes.add(Route::on_link(network("10.0.0.0/24"), SECOND)).unwrap();
    routes.add(other).unwrap();
    let in_use = Err(RouteError::InUse(address("10.0.0.1")));
    assert_eq!(routes.remove(network("10.0.0.0/24"), SECOND), in_use);
    assert_eq!(
        routes.next_hop(LOCAL, address("192.0.2.1"), FIRST),
        Some(NextHop::Gateway(address("10.0.0.1")))
    );
    assert_eq!(routes.remove(network("0.0.0.0/0"), FIRST), Ok(via("0.0.0.0/0", "10.0.0.1")));
    assert_eq!(
        routes.next_hop(LOCAL, address("192.0.2.1"), FIRST),
        None,
        "a route of another interface was used"
    );
}

proptest! {
    #[test]
    fn route_has_longest_matching_prefix_then_lowest_metric(
        networks in prop::collection::vec((0_u32..16, 0_u8..=32, 0_u16..3, 0_u32..3), 1..60),
        destination in 0_u32..16,
        interface in prop::option::of(0_u16..3),
    ) {
        // Few addresses, so that networks overlap.
        let place = |number: u32| Ipv4Addr::from(0x0a00_0000 | number << 26 | number);
        let mut routes = Routes::default();
        for (number, length, interface, metric) in networks {
            let network = Ipv4Net::new(place(number), length).unwrap();
            let route = Route { metric, ..Route::on_link(network, InterfaceId(interface)) };
            let key = |route: Route| (route.network.trunc(), route.interface, route.metric);
            let is_known = routes.iter().any(|other| key(other) == key(route));
            prop_assert_eq!(routes.add(route).is_ok(), !is_known);
        }
        let (destination, interface) = (place(destination), interface.map(InterfaceId));
        let matching = routes.iter().filter(|route| {
            route.network.contains(&destination) && interface.is_none_or(|interface| interface == route.interface)
        });
        let best = matching.min_by_key(|route| {
            (std::cmp::Reverse(route.network.prefix_len()), route.metric, route.interface)
        });
        prop_assert_eq!(routes.route(destination, interface), best);
    }
}

#[test]
fn multicast_mac_has_lower_23_bits_of_group() {
    assert_eq!(multicast_mac(address("224.0.0.1")), Some(MacAddr::new([1, 0, 0x5e, 0, 0, 1])));
    assert_eq!(multicast_mac(address("239.255.1.2")), Some(MacAddr::new([1, 0, 0x5e, 0x7f, 1, 2])));
    assert_eq!(multicast_mac(address("10.0.0.1")), None);
}

#[test]
fn generation_counts_changes() {
    let mut routes = host();
    let mut last = routes.generation();
    let mut grew = |routes: &Routes| std::mem::replace(&mut last, routes.generation()) < routes.generation();
    routes.add(via("192.0.2.0/24", "10.0.0.1")).unwrap();
    assert!(grew(&routes), "a route was added");
    routes.remove(network("192.0.2.0/24"), FIRST).unwrap();
    assert!(grew(&routes), "a route was removed");
    routes.retain(|route| route.gateway.is_none());
    assert!(grew(&routes), "the default route was removed");
    routes.route(LOCAL, None).unwrap();
    assert!(!grew(&routes), "nothing has changed");
}

/// Returns a default route with a metric.
fn default_via(gateway: &str, metric: u32) -> Route {
    Route { metric, ..via("0.0.0.0/0", gateway) }
}

// proves: rfc1122-default-gateways
#[test]
fn failed_gateway_is_replaced_by_the_next_one_until_it_is_restored() {
    let mut routes = host();
    let gateways = ["10.0.0.1", "10.0.0.3", "10.0.0.4"].map(address);
    routes.add(default_via("10.0.0.4", 2)).unwrap();
    routes.add(default_via("10.0.0.3", 1)).unwrap();
    let now = Instant::ORIGIN;
    let used = |routes: &Routes| routes.next_hop(LOCAL, address("192.0.2.1"), FIRST).map(NextHop::neighbor);
    assert_eq!(used(&routes), Some(gateways[0]));
    assert!(!routes.fail(now, address("10.0.0.9"), FIRST), "a host without routes is a gateway");
    assert!(!routes.fail(now, gateways[0], SECOND), "the gateway of another interface fails");
    assert_eq!(used(&routes), Some(gateways[0]));
    assert!(routes.fail(now, gateways[0], FIRST) && routes.fail(now, gateways[0], FIRST));
    assert_eq!(used(&routes), Some(gateways[1]));
    assert!(routes.fail(now, gateways[1], FIRST));
    assert_eq!(used(&routes), Some(gateways[2]));
    // All have failed: the others are used again.
    assert!(!routes.fail(now, gateways[2], FIRST));
    assert_eq!(used(&routes), Some(gateways[0]));
    assert_eq!(routes.failed(FIRST).collect::<Vec<_>>(), [gateways[2]]);
    routes.restore(gateways[2], FIRST);
    assert_eq!(routes.failed(FIRST).count(), 0);
}

// proves: rfc1122-default-gateways
#[test]
fn failed_gateway_is_tried_from_time_to_time() {
    let mut routes = host();
    routes.add(default_via("10.0.0.3", 1)).unwrap();
    let gateway = address("10.0.0.1");
    let at = |seconds| Instant::ORIGIN + Duration::from_secs(seconds);
    assert!(routes.fail(at(10), gateway, FIRST));
    let retry = Routes::RETRY.as_secs();
    let tried = [0, retry - 1, retry, retry + 1, 2 * retry - 1, 2 * retry];
    let tried = tried.map(|after| routes.retry(at(10 + after), FIRST).is_some());
    assert_eq!(tried, [false, false, true, false, false, true]);
    assert_eq!(routes.retry(at(1_000), SECOND), None);
    // A removed route takes its failure with it.
    routes.remove(Ipv4Net::default(), FIRST).unwrap();
    assert_eq!(routes.failed(FIRST).count(), 0);
}

// proves: rfc1122-default-gateways
#[test]
fn gateway_fails_if_one_of_its_networks_has_another_gateway() {
    let mut routes = host();
    routes.add(via("198.51.100.0/24", "10.0.0.1")).unwrap();
    routes.add(default_via("10.0.0.3", 1)).unwrap();
    let next_hop =
        |routes: &Routes, to: &str| routes.next_hop(LOCAL, address(to), FIRST).map(NextHop::neighbor);
    assert!(routes.fail(Instant::ORIGIN, address("10.0.0.1"), FIRST), "the default gateway is not replaced");
    assert_eq!(next_hop(&routes, "192.0.2.1"), Some(address("10.0.0.3")));
    assert_eq!(next_hop(&routes, "198.51.100.1"), Some(address("10.0.0.1")), "the only gateway is not used");
}

// proves: rfc1122-default-gateways
#[test]
fn failures_of_other_networks_stay_when_all_gateways_to_a_network_fail() {
    let mut routes = host();
    routes.add(default_via("10.0.0.3", 1)).unwrap();
    routes.add(via("198.51.100.0/24", "10.0.0.4")).unwrap();
    routes.add(Route { metric: 1, ..via("198.51.100.0/24", "10.0.0.5") }).unwrap();
    let now = Instant::ORIGIN;
    assert!(routes.fail(now, address("10.0.0.4"), FIRST));
    assert!(routes.fail(now, address("10.0.0.1"), FIRST));
    assert!(!routes.fail(now, address("10.0.0.3"), FIRST), "no gateway is left");
    let failed = ["10.0.0.4", "10.0.0.3"].map(address);
    assert_eq!(routes.failed(FIRST).collect::<Vec<_>>(), failed, "an unrelated failure is forgotten");
}

// proves: rfc1122-default-gateways
#[test]
fn forgotten_failure_of_a_gateway_is_a_change() {
    let mut routes = host();
    let gateways = ["10.0.0.1", "10.0.0.3", "10.0.0.4"].map(address);
    routes.add(default_via("10.0.0.3", 1)).unwrap();
    routes.add(default_via("10.0.0.4", 2)).unwrap();
    for gateway in &gateways[..2] {
        assert!(routes.fail(Instant::ORIGIN, *gateway, FIRST));
    }
    routes.retain(|route| route.gateway != Some(gateways[2]));
    let before = routes.generation();
    assert!(!routes.fail(Instant::ORIGIN, gateways[0], FIRST), "no gateway is left");
    assert_eq!(routes.failed(FIRST).collect::<Vec<_>>(), [gateways[0]]);
    assert!(routes.generation() > before, "cached paths to the failed gateway stay valid");
}

#[test]
fn only_gateway_does_not_fail() {
    let mut routes = host();
    let before = routes.generation();
    assert!(!routes.fail(Instant::ORIGIN, address("10.0.0.1"), FIRST));
    assert_eq!((routes.failed(FIRST).count(), routes.generation()), (0, before));
}

proptest! {
    /// The route in use has the lowest metric among the gateways that have not failed, and each change has a generation.
    // proves: rfc1122-default-gateways
    #[test]
    fn route_follows_failures_in_any_order(
        steps in proptest::collection::vec((any::<bool>(), 0_usize..4), 0..32)
    ) {
        let mut routes = host_of("10.0.0.2/24", None);
        let gateways = [11, 12, 13, 14].map(|last| Ipv4Addr::new(10, 0, 0, last));
        for (metric, gateway) in (0..).zip(gateways) {
            let route = Route { metric, ..Route::through(gateway, Ipv4Net::default(), FIRST) };
            routes.add(route).unwrap();
        }
        let mut failed = [false; 4];
        for (is_failure, number) in steps {
            let (before, generation) = (routes.clone(), routes.generation());
            if is_failure {
                failed[number] = true;
                let is_replaced = failed.contains(&false);
                if !is_replaced {
                    failed = [false; 4];
                    failed[number] = true;
                }
                prop_assert_eq!(routes.fail(Instant::ORIGIN, gateways[number], FIRST), is_replaced);
            } else {
                failed[number] = false;
                routes.restore(gateways[number], FIRST);
            }
            let first = failed.iter().position(|failed| !failed).unwrap();
            let remote = address("192.0.2.1");
            let used = routes.route(remote, None);
            prop_assert_eq!(used.and_then(|route| route.gateway), Some(gateways[first]));
            prop_assert!(used == before.route(remote, None) || routes.generation() > generation);
        }
    }
}
