//! Hosts and routes that are added, and additions that are refused.

use super::test_host::*;
use super::*;
use arp::StartMode;
use ipv4::{Ipv4Fields, RouteError};
use link::VlanId;

const THIRD_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 3]);
/// A time longer than the selection of a link-local address takes.
const PROBING: Duration = Duration::from_secs(20);

/// Returns a request of the peer for an address.
fn arp_request_for(address: Ipv4Addr) -> Vec<u8> {
    let mut packet = request();
    packet[24..28].copy_from_slice(&address.octets());
    broadcast(&[&[8, 6], &packet])
}

/// Asserts that a host answers ARP requests and pings.
fn assert_answers(test_host: &mut TestHost, mac: MacAddr, address: Ipv4Addr) {
    let fields = Ipv4Fields::new(inet::IpProtocol::ICMP, PEER, address);
    let ping = framed(mac, PEER_MAC, &datagram(fields, &echo(b"data")));
    let sent = test_host.exchange(&[arp_request_for(address), ping]);
    let macs: Vec<_> = sent.iter().map(|frame| MacAddr::new(frame[6..12].try_into().unwrap())).collect();
    assert_eq!(macs, [mac, mac], "{address}");
}

// proves: refused-without-effect
#[test]
fn refused_host_does_not_answer() {
    let third = HostConfig::new("10.9.0.3/24".parse().unwrap(), THIRD_MAC);
    let mut test_host = TestHost::new(&config());
    let gateway = HostConfig { gateway: Some([192, 0, 2, 1].into()), ..third };
    let error = HostConfigError::Route(RouteError::NotOnLink([192, 0, 2, 1].into()));
    assert_eq!(test_host.host.add(NOW, &gateway), Err(error));
    assert_eq!(test_host.exchange(&[arp_request_for([10, 9, 0, 3].into())]).len(), 0);
    let local_gateway = HostConfig { gateway: Some(HOST.into()), ..third };
    assert_eq!(test_host.host.add(NOW, &local_gateway), Err(HostConfigError::Gateway(HOST.into())));
    assert_eq!(test_host.host.hosts().count(), 1);
    // The same host without the gateway is added.
    assert_eq!(test_host.host.add(NOW, &third), Ok(InterfaceId(0)));
    assert_answers(&mut test_host, THIRD_MAC, [10, 9, 0, 3].into());
}

// proves: refused-without-effect
#[test]
fn route_is_added_on_interfaces_with_gateway_on_link_or_on_none() {
    let vlan = VlanId::new(5);
    let other = HostConfig { vlan, ..HostConfig::new("10.9.0.3/24".parse().unwrap(), THIRD_MAC) };
    let mut host = host(None);
    assert_eq!(host.add(NOW, &other), Ok(InterfaceId(1)));
    let network: Ipv4Net = "192.0.2.0/24".parse().unwrap();
    assert_eq!(host.add_route(network.into(), PEER.into()), Ok(()));
    let on = |host: &Host, id| host.routes().route([192, 0, 2, 1].into(), Some(InterfaceId(id)));
    assert!(on(&host, 0).is_some() && on(&host, 1).is_none());
    // Both interfaces have this gateway on their link, and the first refuses the route.
    host.add(NOW, &HostConfig { vlan, ..HostConfig::new("10.0.0.9/24".parse().unwrap(), HOST_MAC) }).unwrap();
    let before: Vec<_> = host.routes().iter().collect();
    assert_eq!(
        host.add_route(network.into(), PEER.into()),
        Err(HostConfigError::Route(RouteError::Exists(network)))
    );
    let nowhere = Ipv4Addr::new(10, 8, 0, 1);
    assert_eq!(
        host.add_route(network.into(), nowhere.into()),
        Err(HostConfigError::Route(RouteError::NotOnLink(nowhere)))
    );
    assert_eq!(host.routes().iter().collect::<Vec<_>>(), before);
}

// proves: rfc3927-arp-for-everything
#[test]
fn link_local_host_with_gateway_is_refused() {
    let config = HostConfig { gateway: Some([169, 254, 7, 7].into()), ..HostConfig::link_local(HOST_MAC) };
    let error = RouteError::NoGatewayAllowed("169.254.0.0/16".parse().unwrap());
    assert_eq!(Host::new(NOW, &config).unwrap_err(), HostConfigError::Route(error));
}

// proves: many-link-local
#[test]
fn link_local_host_and_other_host_answer_in_either_order() {
    let gateway = Some(PEER);
    for other in [config(), HostConfig { gateway: gateway.map(Into::into), ..config() }] {
        let link_local = HostConfig::link_local(THIRD_MAC);
        for configs in [[other, link_local], [link_local, other]] {
            let mut host = Host::new(NOW, &configs[0]).unwrap();
            host.add(NOW, &configs[1]).unwrap();
            let mut test_host = TestHost::of(host, 1_500);
            test_host.advance(PROBING);
            let in_use: Vec<_> = test_host.host.addresses().in_use().collect();
            let [(first, first_mac), (second, second_mac)] = in_use[..] else { panic!("{in_use:?}") };
            assert!(first == HOST && second.is_link_local(), "{first} {second}");
            assert_eq!((first_mac, second_mac), (HOST_MAC, THIRD_MAC));
            assert_answers(&mut test_host, HOST_MAC, first);
            assert_answers(&mut test_host, THIRD_MAC, second);
        }
    }
}

// proves: many-link-local
#[test]
fn request_of_link_local_host_has_link_local_sender() {
    let mut host = Host::new(NOW, &HostConfig::link_local(THIRD_MAC)).unwrap();
    host.add(NOW, &config()).unwrap();
    let mut test_host = TestHost::of(host, 1_500);
    test_host.advance(PROBING);
    let local = test_host.host.address().unwrap().addr();
    let destination = Ipv4Addr::new(169, 254, 3, 4);
    let ping =
        Ping { source: None, destination: destination.into(), identifier: 1, sequence: 1, time_to_live: 64 };
    assert_eq!(test_host.host.ping(test_host.now, ping, b"", &mut test_host.pool), Ok(()));
    let sent = test_host.exchange(&[]);
    assert_eq!((&sent[0][6..12], &sent[0][28..32]), (&THIRD_MAC.bytes()[..], &v4(local).octets()[..]));
}

/// Returns arbitrary configurations with few different addresses, networks, gateways and VLANs.
fn any_config() -> impl Strategy<Value = HostConfig> {
    let ip = (0_u8..2, 0_u8..16).prop_map(|(network, host)| Ipv4Addr::new(10, 0, network, host));
    let gateway = ip.clone().prop_map(std::net::IpAddr::V4);
    let prefix = prop_oneof![Just(24_u8), Just(28), Just(30), Just(32)];
    let network = (ip.clone(), prefix).prop_map(|(ip, prefix)| Ipv4Net::new(ip, prefix).unwrap());
    let addresses = prop_oneof![
        3 => network.clone().prop_map(|network| HostSet::One(network.into())),
        1 => Just(HostSet::LinkLocal),
        2 => network.prop_map(|network| HostSet::Range(network.trunc().into())),
    ];
    let start = prop_oneof![Just(StartMode::Immediate), Just(StartMode::Announce), Just(StartMode::Probe)];
    let mac =
        prop_oneof![Just(MacAddr::ZERO), (0_u8..40).prop_map(|last| MacAddr::new([2, 0, 0, 0, 1, last]))];
    (addresses, mac, prop::option::of(gateway), start, any::<bool>(), any::<bool>()).prop_map(
        |(addresses, mac, gateway, start, has_vlan, is_always)| HostConfig {
            addresses,
            mac,
            gateway,
            start,
            vlan: VlanId::new(5).filter(|_| has_vlan),
            defense: if is_always { arp::Defense::Always } else { arp::Defense::Once },
            table: arp::NeighborSettings { entries: 4, ..config().table },
            ..config()
        },
    )
}

proptest! {
    // proves: refused-without-effect
    #[test]
    fn refused_hosts_and_routes_leave_host_unchanged(
        configs in prop::collection::vec(any_config(), 1..16),
        routes in prop::collection::vec((0_u8..4, 0_u8..16), 0..8),
    ) {
        let mut host = host(None);
        // A host that never had the refused additions.
        let mut other = self::host(None);
        for config in &configs {
            let before = format!("{host:?}");
            if host.add(NOW, config).is_ok() {
                prop_assert!(other.add(NOW, config).is_ok());
            } else {
                prop_assert_eq!(&format!("{host:?}"), &before, "{:?}", config);
            }
        }
        for (network, gateway) in routes {
            let before = format!("{host:?}");
            let network = Ipv4Net::new(Ipv4Addr::new(192, 0, network, 0), 24).unwrap();
            let gateway = Ipv4Addr::new(10, 0, 0, gateway);
            let (network, gateway) = (network.into(), gateway.into());
            if host.add_route(network, gateway).is_ok() {
                prop_assert_eq!(other.add_route(network, gateway), Ok(()));
            } else {
                prop_assert_eq!(&format!("{host:?}"), &before, "{} {}", network, gateway);
            }
        }
        let (mut host, mut other) = (TestHost::of(host, 1_500), TestHost::of(other, 1_500));
        let requests: Vec<_> =
            (0..2).flat_map(|network| (0..16).map(move |last| arp_request_for(Ipv4Addr::new(10, 0, network, last)))).collect();
        prop_assert_eq!(host.exchange(&requests), other.exchange(&requests));
        prop_assert_eq!(host.advance(PROBING), other.advance(PROBING));
        prop_assert_eq!(host.exchange(&requests), other.exchange(&requests));
    }
}
