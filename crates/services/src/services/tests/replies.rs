//! Replies of each service.

use super::*;
use host::HostConfig;
use link::{MacAddr, VlanId};
use std::net::{Ipv4Addr, SocketAddr};

// proves: rfc862-echo, services-reply-source
#[test]
fn echo_returns_data_of_each_length() {
    let mut network = Network::new();
    network.serve(ServiceKind::Echo, 7);
    for length in [0, 1, 17, 1_471, 1_472, 1_473, 2_952, 2_953, 65_506, 65_507] {
        let data: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
        let replies = network.ask((HOST, 7), &data);
        assert_eq!(replies.len(), 1, "{length} bytes");
        assert_eq!(replies[0].0, SocketAddr::from((HOST, 7)), "source of the reply to {length} bytes");
        assert!(replies[0].1 == data, "the reply to {length} bytes differs");
    }
    assert_eq!((network.count("echo_received"), network.count("replies_sent")), (10, 10));
    network.check_pools();
}

// proves: rfc863-discard
#[test]
fn discard_counts_data_and_sends_nothing() {
    let mut network = Network::new();
    network.serve(ServiceKind::Discard, 9);
    for data in [&b""[..], b"data", &[7; 4_000]] {
        assert_eq!(network.ask((HOST, 9), data), [], "{} bytes", data.len());
    }
    assert_eq!((network.count("discard_received"), network.count("replies_sent")), (3, 0));
    network.check_pools();
}

// proves: rfc867-daytime
#[test]
fn daytime_sends_time_and_ignores_data() {
    let mut network = Network::new();
    network.serve(ServiceKind::Daytime, 13);
    let source = SocketAddr::from((HOST, 13));
    for (data, seconds, text) in [
        (&b""[..], 0, "Sunday, November 29, 2026 09:08:07-UTC\r\n"),
        (b"time?", 53, "Sunday, November 29, 2026 09:09:00-UTC\r\n"),
    ] {
        network.now = Instant::ORIGIN + Duration::from_secs(seconds);
        assert_eq!(network.ask((HOST, 13), data), [(source, text.as_bytes().to_vec())]);
    }
    assert_eq!(network.count("daytime_received"), 2);
    network.check_pools();
}

// proves: rfc864-length
#[test]
fn chargen_sends_pattern_of_random_length_up_to_512() {
    let mut network = Network::new();
    network.serve(ServiceKind::Chargen, 19);
    let mut pattern = [0; 512];
    chargen::write_pattern(0, &mut pattern);
    let mut lengths = Vec::new();
    for _ in 0..2_000 {
        let replies = network.ask((HOST, 19), b"ignored");
        assert_eq!(replies.len(), 1, "number of replies");
        let data = &replies[0].1;
        assert!(pattern.starts_with(data), "the reply is not the start of the pattern: {data:?}");
        lengths.push(data.len());
    }
    let different: std::collections::BTreeSet<_> = lengths.iter().collect();
    assert!(different.len() > 400, "only {} different lengths", different.len());
    assert!(lengths.iter().max() > Some(&500) && lengths.iter().min() < Some(&12), "{different:?}");
    assert_eq!((network.count("chargen_received"), network.count("replies_sent")), (2_000, 2_000));
    network.check_pools();
}

#[test]
fn services_have_ports_of_their_own() {
    let mut network = Network::new();
    for kind in ServiceKind::ALL {
        network.serve(kind, kind.default_port());
    }
    network.serve(ServiceKind::Echo, 5_000);
    assert_eq!(network.ask((HOST, 5_000), b"data"), [(SocketAddr::from((HOST, 5_000)), b"data".to_vec())]);
    assert_eq!(network.ask((HOST, 7), b"data").len(), 1, "echo");
    assert_eq!(network.ask((HOST, 5_001), b"data"), [], "a port without a service");
    assert_eq!(network.count("echo_received"), 2, "sum of both ports");
    let services: Vec<_> =
        network.server.machine.user.iter().map(|service| (service.name, service.port)).collect();
    let expected = [("echo", 7), ("discard", 9), ("daytime", 13), ("chargen", 19), ("echo", 5_000)];
    assert_eq!(services, expected);
    network.check_pools();
}

#[test]
fn second_service_on_a_port_is_refused() {
    let mut network = Network::new();
    network.serve(ServiceKind::Echo, 7);
    let ServingHost { host, user: services } = &mut network.server.machine;
    let added = services.add_udp(host, ServiceKind::Discard, IpNet::default(), 7);
    assert_eq!(added, Err(SocketError::AddressInUse));
    assert_eq!(services.iter().count(), 1, "number of services");
}

#[test]
fn service_of_one_address_precedes_service_of_all() {
    let mut network = Network::of(&range(), "10.0.0.1/8");
    network.serve(ServiceKind::Echo, 7);
    let ServingHost { host, user: services } = &mut network.server.machine;
    services.add_udp(host, ServiceKind::Discard, "10.1.0.5/32".parse().unwrap(), 7).unwrap();
    assert_eq!(network.ask((Ipv4Addr::new(10, 1, 0, 4), 7), b"data").len(), 1, "10.1.0.4 has echo");
    assert_eq!(network.ask((Ipv4Addr::new(10, 1, 0, 5), 7), b"data"), [], "10.1.0.5 has discard");
    assert_eq!((network.count("echo_received"), network.count("discard_received")), (1, 1));
}

fn range() -> HostConfig {
    HostConfig::range("10.1.0.0/16".parse().unwrap(), MacAddr::new([2, 0, 0, 1, 0, 0]))
}

// proves: services-reply-source
#[test]
fn each_host_of_range_replies_from_its_address_with_one_socket() {
    let mut network = Network::of(&range(), "10.0.0.1/8");
    network.serve(ServiceKind::Echo, 7);
    for address in [[10, 1, 0, 0], [10, 1, 0, 1], [10, 1, 128, 7], [10, 1, 255, 255]].map(Ipv4Addr::from) {
        let replies = network.ask((address, 7), b"data");
        assert_eq!(replies, [(SocketAddr::from((address, 7)), b"data".to_vec())]);
    }
    assert_eq!(network.server.machine.host.sockets().count(), 1, "number of sockets");
    network.check_pools();
}

// proves: services-reply-source
#[test]
fn reply_leaves_by_interface_of_request_if_two_vlans_have_the_same_addresses() {
    let mut network = Network::new();
    network.serve(ServiceKind::Echo, 7);
    let in_vlan = |address: &str, last| {
        let mac = MacAddr::new([2, 0, 0, 0, 5, last]);
        HostConfig { vlan: VlanId::new(5), ..HostConfig::new(address.parse().unwrap(), mac) }
    };
    network.server.machine.host.add(Instant::ORIGIN, &in_vlan("10.0.0.2/24", 2)).unwrap();
    network.client.machine = Host::new(Instant::ORIGIN, &in_vlan("10.0.0.1/24", 1)).unwrap();
    assert_eq!(network.ask((HOST, 7), b"data"), [(SocketAddr::from((HOST, 7)), b"data".to_vec())]);
}
