//! Hosts with several interfaces: ports, VLANs, and the interface of a datagram.

use super::test_host::*;
use super::*;
use arp::StartMode;
use inet::{InterfaceId, IpProtocol};
use ipv4::{Datagram, Ipv4Fields, Route};
use link::{EthernetFrame, VlanId};

const FIRST: PortId = PortId::new(0);
const SECOND: PortId = PortId::new(1);
const SECOND_HOST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const SECOND_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 1, 2]);
/// The neighbor on the second port.
const SECOND_PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const PING: Ping = Ping {
    source: None,
    destination: std::net::IpAddr::V4(PEER),
    identifier: 7,
    sequence: 1,
    time_to_live: 64,
};

fn second_config() -> HostConfig {
    HostConfig { port: SECOND, ..HostConfig::new("192.0.2.2/24".parse().unwrap(), SECOND_MAC) }
}

/// A host with 10.0.0.2/24 on the first port and 192.0.2.2/24 on the second. The peers are in its ARP cache.
struct TwoPorts {
    host: Host,
    pool: Pool,
}

impl TwoPorts {
    fn new() -> TwoPorts {
        let mut host = host(None);
        assert_eq!(host.add(NOW, &second_config()), Ok(InterfaceId(1)));
        let mut two = TwoPorts { pool: Pool::new(1_500, host.pool_size()), host };
        two.host.add_static(NOW, PEER, PEER_MAC).unwrap();
        two.host.add_static_on(NOW, InterfaceId(1), SECOND_PEER, PEER_MAC).unwrap().unwrap();
        two
    }

    /// Gives a frame to a port. Returns its outcome.
    fn receive(&mut self, port: PortId, bytes: &[u8]) -> FrameOutcome {
        let mut frame = self.pool.take().unwrap();
        frame.write(bytes).unwrap();
        self.host.receive(NOW, port, frame, &mut self.pool)
    }

    /// Returns the frames that the host sends on a port.
    fn transmit(&mut self, port: PortId) -> Vec<Vec<u8>> {
        let mut departing = Batch::new(Exchange::BATCH);
        self.host.transmit(NOW, port, &mut departing, &mut self.pool);
        let mut sent = Vec::new();
        while let Some(frame) = departing.pop() {
            sent.push(frame.bytes().to_vec());
            self.pool.give(frame);
        }
        sent
    }

    /// Sends a ping. Returns the source addresses of the frames on both ports.
    fn sources(&mut self, ping: Ping) -> [Vec<Ipv4Addr>; 2] {
        assert_eq!(self.host.ping(NOW, ping, b"data", &mut self.pool), Ok(()));
        [FIRST, SECOND].map(|port| {
            let source = |bytes: &Vec<u8>| Datagram::parse(&bytes[14..]).unwrap().source();
            self.transmit(port).iter().map(source).collect()
        })
    }
}

/// Returns an ARP request for an address.
fn request_for(target: Ipv4Addr) -> Vec<u8> {
    let mut packet = request();
    packet[24..28].copy_from_slice(&target.octets());
    broadcast(&[&[8, 6], &packet])
}

/// Returns an echo request of 192.0.2.1 to a MAC and an IP address.
fn echo_to(mac: MacAddr, destination: Ipv4Addr) -> Vec<u8> {
    let fields = Ipv4Fields::new(IpProtocol::ICMP, SECOND_PEER, destination);
    framed(mac, PEER_MAC, &datagram(fields, &echo(b"hello")))
}

// proves: rfc1122-strong-model
#[test]
fn address_is_answered_only_on_its_port() {
    let mut two = TwoPorts::new();
    for (address, own, other) in [(HOST, FIRST, SECOND), (SECOND_HOST, SECOND, FIRST)] {
        two.receive(other, &request_for(address));
        assert_eq!((two.transmit(other).len(), two.transmit(own).len()), (0, 0), "{address}");
        two.receive(own, &request_for(address));
        assert_eq!((two.transmit(other).len(), two.transmit(own).len()), (0, 1), "{address}");
    }
    let other = two.receive(FIRST, &echo_to(HOST_MAC, SECOND_HOST));
    assert_eq!(other.dropped(), Some(ipv4::Ipv4DropReason::NotLocal.into()));
    assert_eq!(two.receive(SECOND, &echo_to(SECOND_MAC, SECOND_HOST)), ECHO_REPLIED);
    assert_eq!((two.transmit(FIRST).len(), two.transmit(SECOND).len()), (0, 1));
    assert_eq!(two.pool.held(), 0);
}

// proves: rfc1122-strong-model
#[test]
fn ping_leaves_by_interface_of_route_or_source() {
    let mut two = TwoPorts::new();
    assert_eq!(two.sources(PING), [vec![HOST], vec![]]);
    let second = Ping { destination: SECOND_PEER.into(), ..PING };
    assert_eq!(two.sources(second), [vec![], vec![SECOND_HOST]]);
    // With a source address, the route of another interface is not used.
    let from_first = Ping { source: Some(HOST.into()), ..second };
    assert_eq!(
        two.host.ping(NOW, from_first, b"", &mut two.pool),
        Err(SocketError::NoRoute(second.destination))
    );
    two.host.add_route("192.0.2.0/24".parse().unwrap(), PEER.into()).unwrap();
    assert_eq!(two.sources(from_first), [vec![HOST], vec![]]);
    let unknown = Ping { source: Some([10, 0, 0, 99].into()), ..PING };
    let no_source = Err(SocketError::AddressNotLocal([10, 0, 0, 99].into()));
    assert_eq!(two.host.ping(NOW, unknown, b"", &mut two.pool), no_source);
    assert_eq!(two.pool.held(), 0);
}

// proves: rfc1122-strong-model
#[test]
fn route_with_lowest_metric_selects_interface_and_source() {
    let mut two = TwoPorts::new();
    let other = HostConfig {
        port: SECOND,
        ..HostConfig::new("192.0.2.3/24".parse().unwrap(), PEER_MAC.plus(9).unwrap())
    };
    assert_eq!(two.host.add(NOW, &other), Ok(InterfaceId(1)));
    let network = "198.51.100.0/24".parse().unwrap();
    let slow = Route { metric: 5, ..Route::through(PEER, network, InterfaceId(0)) };
    let source = Ipv4Addr::new(192, 0, 2, 3);
    let fast =
        Route { metric: 1, source: Some(source), ..Route::through(SECOND_PEER, network, InterfaceId(1)) };
    two.host.add_route_on(slow).unwrap();
    let remote = Ping { destination: [198, 51, 100, 7].into(), ..PING };
    assert_eq!(two.sources(remote), [vec![HOST], vec![]]);
    two.host.add_route_on(fast).unwrap();
    assert_eq!(two.sources(remote), [vec![], vec![source]]);
    assert_eq!(two.host.remove_route(network, InterfaceId(1)), Ok(fast));
    assert_eq!(two.sources(remote), [vec![HOST], vec![]]);
    let foreign = Route { source: Some(HOST), ..fast };
    assert_eq!(two.host.add_route_on(foreign), Err(HostConfigError::RouteSource(HOST.into())));
    let absent = Route { interface: InterfaceId(9), ..slow };
    assert_eq!(two.host.add_route_on(absent), Err(HostConfigError::NoInterface(InterfaceId(9))));
}

// proves: many-vlans
#[test]
fn vlans_of_second_port_are_separate_interfaces() {
    let mut two = TwoPorts::new();
    let vlan = VlanId::new(5);
    let tagged = HostConfig { vlan, ..second_config() };
    assert_eq!(two.host.add(NOW, &tagged), Ok(InterfaceId(2)));
    let ids: Vec<_> = two.host.interfaces().map(|one| (one.id(), one.port(), one.vlan())).collect();
    let expected = [(0, FIRST, None), (1, SECOND, None), (2, SECOND, vlan)];
    assert_eq!(ids, expected.map(|(id, port, vlan)| (InterfaceId(id), port, vlan)));
    let mut packet = request();
    packet[24..28].copy_from_slice(&SECOND_HOST.octets());
    let request = broadcast(&[&[0x81, 0, 0, 5, 8, 6], &packet]);
    two.receive(SECOND, &request);
    let replies = two.transmit(SECOND);
    assert_eq!(EthernetFrame::parse(&replies[0]).unwrap().tags().iter().count(), 1);
    let other_vlan = Some(link::LinkDropReason::OtherVlan.into());
    assert_eq!(two.receive(FIRST, &request).dropped(), other_vlan);
    let other = broadcast(&[&[0x81, 0, 0, 6, 8, 6], &packet]);
    assert_eq!(two.receive(SECOND, &other).dropped(), other_vlan);
}

// proves: drops-counted
#[test]
fn frame_of_port_without_interface_is_dropped_and_counted() {
    let mut two = TwoPorts::new();
    let outcome = two.receive(PortId::new(7), &request_for(HOST));
    assert_eq!((outcome.dropped(), two.pool.held()), (Some(DropReason::NoInterface), 0));
    assert!(two.transmit(PortId::new(7)).is_empty());
    let counters = two.host.counters();
    let counter = counters.iter().find(|counter| counter.name == "no_interface").unwrap();
    assert_eq!((counter.layer, counter.count, counter.is_loss), ("host", 1, true));
}

// proves: rfc5227-link-up, rfc5227-no-carrier
#[test]
fn link_change_concerns_only_its_port() {
    let mut host = Host::new(NOW, &HostConfig { start: StartMode::Probe, ..config() }).unwrap();
    host.add(NOW, &HostConfig { start: StartMode::Probe, ..second_config() }).unwrap();
    let mut pool = Pool::new(1_500, host.pool_size());
    let down = LinkState { is_up: false, has_carrier: false, mtu: 900 };
    Exchange::new(SECOND).device_event(NOW, &mut host, DeviceEvent::Link(down), &mut pool);
    let (mut near, mut second) = (Exchange::new(FIRST), Exchange::new(SECOND));
    let (mut device, mut other) = (Cable::pair(1_500).unwrap(), Cable::pair(1_500).unwrap());
    while let Some(now) = host.deadline() {
        near.turn(now, &mut host, &mut device.0, &mut pool, &mut ()).unwrap();
        second.turn(now, &mut host, &mut other.0, &mut pool, &mut ()).unwrap();
    }
    assert_eq!((device.0.counters().transmitted, other.0.counters().transmitted), (5, 0));
    assert!(host.address().is_some() && !host.is_ready());
    assert_eq!(host.hosts().map(|config| config.mtu).collect::<Vec<_>>(), [1_500, 900]);
}

#[test]
fn full_queue_of_congested_port_does_not_hide_deadline_of_other_port() {
    let mut two = TwoPorts::new();
    let mut departing = Batch::new(Exchange::BATCH);
    for _ in 0..2 * Exchange::BATCH {
        assert_eq!(two.host.ping(NOW, PING, b"data", &mut two.pool), Ok(()));
    }
    assert!(two.host.deadline().is_some_and(|deadline| deadline <= NOW), "queued data is not due");
    two.host.transmit(NOW, FIRST, &mut departing, &mut two.pool);
    assert_eq!((departing.len(), two.host.deadline()), (Exchange::BATCH, None));
    let unknown = Ping { destination: [192, 0, 2, 9].into(), ..PING };
    assert_eq!(two.host.ping(NOW, unknown, b"", &mut two.pool), Ok(()));
    assert_eq!(two.host.deadline(), Some(NOW));
    assert_eq!(two.transmit(SECOND).len(), 1);
    assert!(two.host.deadline().is_some_and(|deadline| deadline > NOW));
}

#[test]
fn interfaces_of_congested_port_take_turns() {
    let mut two = TwoPorts::new();
    let vlan = VlanId::new(5);
    two.host
        .add(NOW, &HostConfig { vlan, ..HostConfig::new("10.5.0.2/24".parse().unwrap(), HOST_MAC) })
        .unwrap();
    two.host.add_static_on(NOW, InterfaceId(2), [10, 5, 0, 1].into(), PEER_MAC).unwrap().unwrap();
    let tagged = Ping { destination: [10, 5, 0, 1].into(), identifier: 2, ..PING };
    for ping in [PING, tagged] {
        while two.host.ping(NOW, ping, b"data", &mut two.pool).is_ok() {}
    }
    let is_tagged = |frames: Vec<Vec<u8>>| frames.iter().filter(|frame| frame[12..14] == [0x81, 0]).count();
    let tagged: Vec<_> = (0..4).map(|_| is_tagged(two.transmit(FIRST))).collect();
    assert_eq!(tagged, [0, Exchange::BATCH, 0, Exchange::BATCH]);
}

// proves: output-order
#[test]
fn probes_of_many_interfaces_leave_capacity_to_replies() {
    let probing = |vlan: u16| {
        let (range, mac) = ("10.5.0.0/26".parse().unwrap(), SECOND_MAC);
        HostConfig { vlan: VlanId::new(vlan), start: StartMode::Probe, ..HostConfig::range(range, mac) }
    };
    let mut two = TwoPorts::new();
    for vlan in 1..=8 {
        two.host.add(NOW, &probing(vlan)).unwrap();
    }
    let late = NOW + Duration::from_secs(2);
    for _ in 0..Exchange::BATCH {
        two.receive(FIRST, &request_for(HOST));
    }
    let mut probes = 0;
    for turn in 1..=4 {
        let mut departing = Batch::new(Exchange::BATCH);
        two.host.transmit(late, FIRST, &mut departing, &mut two.pool);
        let tagged = departing.iter().filter(|frame| frame.bytes()[12..14] == [0x81, 0]).count();
        assert!(tagged <= Exchange::BATCH / 4, "{tagged} probes in turn {turn}");
        probes += tagged;
        while let Some(frame) = departing.pop() {
            two.pool.give(frame);
        }
    }
    assert_eq!((two.host.arp_replies(), probes), (64, Exchange::BATCH));
    assert!(two.host.accepts_frames(FIRST));
}

// proves: failures-not-lost
#[test]
fn failures_of_one_turn_are_not_lost() {
    let table = arp::NeighborSettings { pending: 512, pending_per_entry: 4, ..config().table };
    let mut test_host = TestHost::new(&HostConfig { table, ..config() });
    for number in 0..400_u16 {
        let last = u8::try_from(100 + number / 4).unwrap();
        let ping = Ping { destination: [10, 0, 0, last].into(), sequence: number, ..PING };
        assert_eq!(test_host.host.ping(NOW, ping, b"", &mut test_host.pool), Ok(()));
    }
    let mut failed = 0;
    while failed < 400 {
        // After a full batch, the next turn follows immediately.
        test_host.now = test_host.host.deadline().map_or(test_host.now, |due| due.max(test_host.now));
        let mut departing = Batch::new(Exchange::BATCH);
        test_host.transmit(&mut departing);
        let failures = test_host.failures().len();
        assert!(failures <= Exchange::BATCH, "{failures} failures in one turn");
        failed += failures;
    }
    assert_eq!((test_host.count("icmp", "failures_lost"), test_host.pool.held()), (0, 0));
}

#[test]
fn ipv6_addresses_are_refused_with_reason() {
    let ip: std::net::IpAddr = "2001:db8::2".parse().unwrap();
    let error = HostConfigError::Ipv6(ip);
    let v6 = HostConfig::new("2001:db8::2/64".parse().unwrap(), HOST_MAC);
    assert_eq!(Host::new(NOW, &v6).unwrap_err(), error);
    assert_eq!(error.to_string(), "IPv6 is not supported: 2001:db8::2");
    assert_eq!(Host::new(NOW, &HostConfig { gateway: Some(ip), ..config() }).unwrap_err(), error);
    let mut two = TwoPorts::new();
    assert_eq!(two.host.add(NOW, &v6).unwrap_err(), error);
    assert_eq!(two.host.add_route("192.0.2.0/24".parse().unwrap(), ip), Err(error));
    let refused = SendOutcome::Dropped(TxDropReason::Ipv6);
    for ping in [Ping { destination: ip, ..PING }, Ping { source: Some(ip), ..PING }] {
        assert_eq!(two.host.ping(NOW, ping, b"", &mut two.pool), Err(SocketError::Ipv6(ip)));
    }
    let frame = two.pool.take().unwrap();
    assert_eq!(two.host.send(NOW, ip, TEST, frame, &mut two.pool), refused);
    assert_eq!((two.host.tx_dropped(TxDropReason::Ipv6), two.pool.held()), (1, 0));
}
