//! The cached paths of datagrams, after changes of what they depend on.

use super::test_host::*;
use super::*;
use crate::path_cache::PathCache;
use crate::{DatagramOutcome, SocketId, UdpBind, UdpMessage};
use arp::StartMode;
use icmp::IcmpError;
use inet::{InterfaceId, IpProtocol};
use ipnet::{IpNet, Ipv4Net};
use ipv4::{Datagram, Ipv4Fields, Route};
use std::net::SocketAddr;

const FIRST: InterfaceId = InterfaceId(0);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 6);
const REMOTE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// Returns the MAC address of the neighbor with an address in the tests.
pub(super) fn mac_of(ip: Ipv4Addr) -> MacAddr {
    let [_, b, c, d] = ip.octets();
    MacAddr::new([2, 0, 0, b, c, d])
}

/// Returns the frame of an ARP request by which the host learns a neighbor.
pub(super) fn arp_from(ip: Ipv4Addr, mac: MacAddr) -> Vec<u8> {
    let mut bytes = [0; 28];
    let fields = PacketFields {
        operation: Operation::REQUEST,
        sender_hardware: mac,
        sender_protocol: ip,
        target_hardware: MacAddr::ZERO,
        target_protocol: HOST,
    };
    fields.write_to(&mut bytes).unwrap();
    [&[0xff; 6][..], &mac.bytes(), &[8, 6], &bytes].concat()
}

/// Returns a host with these neighbors, and a socket with broadcasts of all addresses.
fn host_with(neighbors: &[Ipv4Addr]) -> (TestHost, SocketId) {
    let mut host = TestHost::new(&config());
    for ip in neighbors {
        host.exchange(&[arp_from(*ip, mac_of(*ip))]);
    }
    let bind = UdpBind { port: Some(9), ..UdpBind::default() };
    let id = host.host.bind_udp(&bind).unwrap();
    (host, id)
}

pub(super) fn to(destination: Ipv4Addr) -> UdpMessage {
    UdpMessage { destination: Some((destination, 7).into()), ..UdpMessage::default() }
}

fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

impl TestHost {
    /// Sends a datagram. Returns the error, or the frames that the host sends.
    fn send(&mut self, id: SocketId, message: &UdpMessage) -> Result<Vec<Vec<u8>>, SocketError> {
        self.host.send_udp(self.now, id, message, &[7; 600], &mut self.pool)?;
        Ok(self.exchange(&[]))
    }

    /// Sends a datagram. Returns the destination MAC address of the only frame, and the source address of its datagram.
    fn path_to(&mut self, id: SocketId, destination: Ipv4Addr) -> (MacAddr, Ipv4Addr) {
        let frames = self.send(id, &to(destination)).unwrap();
        let [frame] = frames.as_slice() else { panic!("expected one frame, the host sent {}", frames.len()) };
        let mac = MacAddr::new(*frame.first_chunk().unwrap());
        (mac, Datagram::parse(&frame[14..]).unwrap().source())
    }
}

// proves: path-cache-generations
#[test]
fn path_follows_added_and_removed_route() {
    let (mut host, id) = host_with(&[PEER, GATEWAY]);
    assert_eq!(host.path_to(id, PEER), (mac_of(PEER), HOST));
    let route = Route::through(GATEWAY, net("10.0.0.1/32"), FIRST);
    host.host.add_route_on(route).unwrap();
    assert_eq!(host.path_to(id, PEER), (mac_of(GATEWAY), HOST));
    host.host.remove_route(route.network, FIRST).unwrap();
    assert_eq!(host.path_to(id, PEER), (mac_of(PEER), HOST));
    assert_eq!(host.send(id, &to(REMOTE)), Err(SocketError::NoRoute(REMOTE.into())));
    host.host.add_route(IpNet::default(), GATEWAY.into()).unwrap();
    assert_eq!(host.path_to(id, REMOTE), (mac_of(GATEWAY), HOST));
    host.host.remove_route(Ipv4Net::default(), FIRST).unwrap();
    assert_eq!(host.send(id, &to(REMOTE)), Err(SocketError::NoRoute(REMOTE.into())));
}

// proves: path-cache-generations
#[test]
fn path_follows_addresses_and_the_source_of_the_route() {
    let (mut host, id) = host_with(&[PEER, GATEWAY]);
    assert_eq!(host.path_to(id, PEER), (mac_of(PEER), HOST));
    let other = Ipv4Addr::new(10, 0, 0, 3);
    host.host.add_address(NOW, FIRST, "10.0.0.3/24".parse().unwrap(), None).unwrap();
    let route = Route { source: Some(other), ..Route::on_link(net("10.0.0.1/32"), FIRST) };
    host.host.add_route_on(route).unwrap();
    assert_eq!(host.path_to(id, PEER), (mac_of(PEER), other));
    let from_other = UdpMessage { source: Some(other.into()), ..to(PEER) };
    assert_eq!(host.send(id, &from_other).unwrap().len(), 1);
    assert!(host.host.remove_address(FIRST, other.into()));
    assert_eq!(host.path_to(id, PEER), (mac_of(PEER), HOST));
    assert_eq!(host.send(id, &from_other), Err(SocketError::AddressNotLocal(other.into())));
    host.host.add_address(NOW, FIRST, "10.0.0.6/24".parse().unwrap(), None).unwrap();
    assert_eq!(host.send(id, &to(GATEWAY)).unwrap(), Vec::<Vec<u8>>::new(), "sent to a local address");
    assert_eq!(host.path_to(id, PEER), (mac_of(PEER), HOST));
}

// proves: path-cache-generations
#[test]
fn destination_that_becomes_broadcast_address_is_refused() {
    let destination = Ipv4Addr::new(10, 0, 0, 23);
    let (mut host, id) = host_with(&[destination]);
    assert_eq!(host.path_to(id, destination), (mac_of(destination), HOST));
    host.host.add_address(NOW, FIRST, "10.0.0.21/30".parse().unwrap(), None).unwrap();
    assert_eq!(host.send(id, &to(destination)), Err(SocketError::Broadcast));
}

// proves: path-cache-generations
#[test]
fn reply_leaves_only_from_address_in_use() {
    let probing = HostConfig { start: StartMode::Probe, ..config() };
    let mut host = TestHost::new(&probing);
    host.advance(Duration::from_secs(10));
    host.exchange(&[arp_from(PEER, mac_of(PEER))]);
    let id = host.host.bind_udp(&UdpBind { port: Some(9), ..UdpBind::default() }).unwrap();
    let message = UdpMessage { interface: Some(FIRST), source: Some(HOST.into()), ..to(PEER) };
    assert_eq!(host.send(id, &message).unwrap().len(), 1);
    for is_up in [false, true] {
        host.link_changed(LinkState { is_up, has_carrier: is_up, mtu: 1_500 });
    }
    assert_eq!(host.send(id, &message), Err(SocketError::NoSourceAddress), "sent while probing");
}

// proves: path-cache-generations
#[test]
fn path_follows_neighbor() {
    let (mut host, id) = host_with(&[PEER]);
    assert_eq!(host.path_to(id, PEER).0, mac_of(PEER));
    let moved = MacAddr::new([2, 9, 9, 9, 9, 9]);
    host.exchange(&[arp_from(PEER, moved)]);
    assert_eq!(host.path_to(id, PEER).0, moved);
    // The next neighbor takes the place of the removed neighbor in the table.
    let place = host.host.arp().neighbors().place(PEER);
    assert!(host.host.arp_mut().neighbors_mut().remove(PEER));
    host.exchange(&[arp_from(GATEWAY, mac_of(GATEWAY))]);
    assert_eq!(host.host.arp().neighbors().place(GATEWAY), place);
    let sent = host.send(id, &to(PEER)).unwrap();
    assert!(sent.iter().all(|frame| frame[12..14] == [8, 6]), "the datagram went to another neighbor");
    host.exchange(&[arp_from(PEER, mac_of(PEER))]);
    assert_eq!(host.path_to(id, PEER).0, mac_of(PEER));
    assert!(host.host.arp_mut().neighbors_mut().remove(PEER));
    let sent = host.send(id, &to(PEER)).unwrap();
    assert!(sent.iter().all(|frame| frame[12..14] == [8, 6]), "the datagram went to a removed neighbor");
}

// proves: path-cache-generations
#[test]
fn interfaces_with_equal_addresses_have_their_own_paths() {
    let (mut host, id) = host_with(&[PEER]);
    let vlan = link::VlanId::new(5);
    let mac = MacAddr::new([2, 0, 0, 0, 5, 2]);
    let config = HostConfig { vlan, ..HostConfig::new("10.0.0.2/24".parse().unwrap(), mac) };
    let second = host.host.add(NOW, &config).unwrap();
    let other_peer = MacAddr::new([2, 0, 0, 0, 5, 1]);
    host.host.add_static_on(NOW, second, PEER, other_peer).unwrap().unwrap();
    for _ in 0..2 {
        for (interface, mac) in [(FIRST, mac_of(PEER)), (second, other_peer)] {
            let message = UdpMessage { interface: Some(interface), source: Some(HOST.into()), ..to(PEER) };
            let frames = host.send(id, &message).unwrap();
            assert_eq!(frames[0][..6], mac.bytes());
        }
    }
}

// proves: path-cache-bound
#[test]
fn every_destination_is_reached_beyond_the_capacity_of_the_cache() {
    let network = HostConfig::new("10.0.0.2/16".parse().unwrap(), HOST_MAC);
    let mut host = TestHost::new(&network);
    let id = host.host.bind_udp(&UdpBind { port: Some(9), ..UdpBind::default() }).unwrap();
    let count = u32::try_from(2 * PathCache::CAPACITY).unwrap();
    let destinations: Vec<Ipv4Addr> =
        (0..count).map(|number| Ipv4Addr::from_bits(0x0a00_0100 + number)).collect();
    for ip in destinations.iter().chain(&destinations) {
        host.exchange(&[arp_from(*ip, mac_of(*ip))]);
        assert_eq!(host.path_to(id, *ip).0, mac_of(*ip));
    }
    let selected = host.count("host", "paths_selected");
    assert!((u64::from(count)..=u64::from(2 * count)).contains(&selected), "{selected} paths selected");
    for _ in 0..2 {
        host.path_to(id, destinations[0]);
    }
    assert!(host.count("host", "paths_selected") <= selected + 1, "the path was selected twice");
}

/// Returns a host that has sent a datagram from its first interface and this source, with its socket.
fn host_with_path_from(source: Option<Ipv4Addr>) -> (TestHost, SocketId) {
    let (mut host, id) = host_with(&[PEER]);
    let message = UdpMessage { interface: Some(FIRST), source: source.map(IpAddr::from), ..to(PEER) };
    assert_eq!(host.send(id, &message).unwrap().len(), 1);
    (host, id)
}

/// Returns a frame of the peer with an empty UDP datagram from port 7.
fn datagram_to(destination: Ipv4Addr, port: u8) -> Vec<u8> {
    let fields = Ipv4Fields::new(IpProtocol::UDP, PEER, destination);
    frame(&datagram(fields, &[0, 7, 0, port, 0, 8, 0, 0]))
}

// proves: path-cache-generations
#[test]
fn datagram_on_cached_path_follows_bindings_and_ports() {
    let (mut host, id) = host_with_path_from(Some(HOST));
    let receive = |host: &mut TestHost, port| {
        let (outcome, _) = host.exchange_one(&datagram_to(HOST, port));
        (outcome, host.ready())
    };
    let delivered = FrameOutcome::Ipv4(DatagramOutcome::Delivered);
    let rejected = FrameOutcome::Ipv4(DatagramOutcome::Rejected(IcmpError::PORT_UNREACHABLE));
    assert_eq!(receive(&mut host, 9), (delivered, vec![id]));
    let exact = UdpBind { addresses: net("10.0.0.2/32").into(), port: Some(9), ..UdpBind::default() };
    let exact = host.host.bind_udp(&exact).unwrap();
    assert_eq!(
        receive(&mut host, 9),
        (delivered, vec![exact]),
        "the new socket with an exact address receives nothing"
    );
    assert_eq!(receive(&mut host, 10), (rejected, vec![]), "a datagram to an unused port is not rejected");
    host.host.close(NOW, exact, &mut host.pool);
    assert_eq!(
        receive(&mut host, 9),
        (delivered, vec![id]),
        "the other socket receives nothing after the socket is closed"
    );
    assert_eq!(receive(&mut host, 10), (rejected, vec![]), "a datagram to an unused port is not rejected");
}

// proves: path-cache-generations
#[test]
fn datagram_to_unspecified_address_is_dropped_with_cached_path() {
    let (mut host, _) = host_with_path_from(None);
    let (outcome, _) = host.exchange_one(&datagram_to(Ipv4Addr::UNSPECIFIED, 9));
    assert!(matches!(outcome, FrameOutcome::Dropped(DropReason::Ipv4(_))), "{outcome:?}");
}

// proves: path-cache-generations
#[test]
fn datagram_from_new_local_address_is_dropped_with_cached_path() {
    let (mut host, _) = host_with_path_from(Some(HOST));
    let delivered = FrameOutcome::Ipv4(DatagramOutcome::Delivered);
    assert_eq!(host.exchange_one(&datagram_to(HOST, 9)).0, delivered);
    host.host.add_address(NOW, FIRST, IpNet::new(PEER.into(), 24).unwrap(), None).unwrap();
    let (outcome, _) = host.exchange_one(&datagram_to(HOST, 9));
    assert!(matches!(outcome, FrameOutcome::Dropped(DropReason::Ipv4(_))), "{outcome:?}");
}

// proves: path-cache-generations
#[test]
fn sockets_before_new_limits_receive_nothing() {
    let (mut host, _) = host_with_path_from(Some(HOST));
    let delivered = FrameOutcome::Ipv4(DatagramOutcome::Delivered);
    assert_eq!(host.exchange_one(&datagram_to(HOST, 9)).0, delivered);
    let mut host = TestHost::of(host.host.with_socket_limits(SocketLimits::default()), 1_500);
    host.host.bind_udp(&UdpBind { port: Some(10), ..UdpBind::default() }).unwrap();
    let rejected = FrameOutcome::Ipv4(DatagramOutcome::Rejected(IcmpError::PORT_UNREACHABLE));
    assert_eq!(host.exchange_one(&datagram_to(HOST, 9)).0, rejected);
}

/// A step of the comparison of a host with a cache and a host without a cache.
#[derive(Clone, Copy, Debug)]
enum Step {
    AddRoute { destination: u8, gateway: Option<u8>, source: Option<u8> },
    RemoveRoute { destination: u8 },
    AddAddress { address: u8, prefix: u8 },
    RemoveAddress { address: u8 },
    Learn { neighbor: u8, mac: u8 },
    Forget { neighbor: u8 },
    SetMtu(bool),
    PathMtu { destination: u8 },
    Send { interface: bool, source: Option<u8>, destination: u8 },
    EchoRequest { source: u8, destination: u8 },
    Datagram { source: u8, destination: u8, ports: (u16, u16), is_for_first_mac: bool },
    Bind { address: u8, port: u16 },
    Close(u8),
    Advance(u8),
}

/// Returns one of eight addresses, so that the steps concern the same addresses.
fn near(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, number % 8)
}

fn step() -> impl Strategy<Value = Step> {
    let some = prop::option::of(any::<u8>());
    prop_oneof![
        1 => (any::<u8>(), some.clone(), some.clone())
            .prop_map(|(destination, gateway, source)| Step::AddRoute { destination, gateway, source }),
        1 => any::<u8>().prop_map(|destination| Step::RemoveRoute { destination }),
        1 => (any::<u8>(), 29..=32_u8).prop_map(|(address, prefix)| Step::AddAddress { address, prefix }),
        1 => any::<u8>().prop_map(|address| Step::RemoveAddress { address }),
        1 => (any::<u8>(), 0..3_u8).prop_map(|(neighbor, mac)| Step::Learn { neighbor, mac }),
        1 => any::<u8>().prop_map(|neighbor| Step::Forget { neighbor }),
        1 => any::<bool>().prop_map(Step::SetMtu),
        1 => any::<u8>().prop_map(|destination| Step::PathMtu { destination }),
        4 => (any::<bool>(), some, any::<u8>())
            .prop_map(|(interface, source, destination)| Step::Send { interface, source, destination }),
        2 => (any::<u8>(), any::<u8>())
            .prop_map(|(source, destination)| Step::EchoRequest { source, destination }),
        6 => (any::<u8>(), any::<u8>(), (7..9_u16, 9..11_u16), any::<bool>())
            .prop_map(|(source, destination, ports, is_for_first_mac)| {
                Step::Datagram { source, destination, ports, is_for_first_mac }
            }),
        1 => (any::<u8>(), 9..11_u16).prop_map(|(address, port)| Step::Bind { address, port }),
        1 => any::<u8>().prop_map(Step::Close),
        1 => (0..40_u8).prop_map(Step::Advance),
    ]
}

impl TestHost {
    /// Takes the datagrams of a socket. Returns the socket, and the sources and destinations of its datagrams.
    fn take_datagrams(&mut self, id: SocketId) -> (SocketId, Vec<(SocketAddr, SocketAddr)>) {
        let mut addresses = Vec::new();
        while let Some(received) = self.host.receive_udp(id) {
            addresses.push((received.source, received.destination));
            self.pool.give(received.frame);
        }
        (id, addresses)
    }

    /// Performs a step. Returns its result as text, and the frames that the host sends.
    fn perform(&mut self, id: SocketId, step: Step) -> (String, Vec<Vec<u8>>) {
        let result = match step {
            Step::AddRoute { destination, gateway, source } => {
                let network = Ipv4Net::from(near(destination));
                let (gateway, source) = (gateway.map(near), source.map(near));
                let route = Route { gateway, source, ..Route::on_link(network, FIRST) };
                format!("{:?}", self.host.add_route_on(route))
            }
            Step::RemoveRoute { destination } => {
                format!("{:?}", self.host.remove_route(near(destination).into(), FIRST))
            }
            Step::AddAddress { address, prefix } => {
                let address = IpNet::new(near(address).into(), prefix).unwrap();
                format!("{:?}", self.host.add_address(self.now, FIRST, address, None))
            }
            Step::RemoveAddress { address } => {
                format!("{:?}", self.host.remove_address(FIRST, near(address).into()))
            }
            Step::Learn { neighbor, mac } => {
                let frame = arp_from(near(neighbor), MacAddr::new([2, 0, mac, 0, 9, neighbor]));
                return (String::new(), self.exchange(&[frame]));
            }
            Step::Forget { neighbor } => {
                format!("{:?}", self.host.arp_mut().neighbors_mut().remove(near(neighbor)))
            }
            Step::SetMtu(is_small) => {
                let mtu = if is_small { 576 } else { 1_500 };
                self.link_changed(LinkState { is_up: true, has_carrier: true, mtu });
                String::new()
            }
            Step::PathMtu { destination } => {
                let fields = Ipv4Fields::new(IpProtocol::UDP, HOST, near(destination));
                let quoted = datagram(fields, &[&[0, 9, 0, 7, 0, 8, 0, 0][..], &[0; 600]].concat());
                let mut message = vec![0; IcmpError::MAX_LENGTH];
                let length = IcmpError::fragmentation_needed(560).write_to(&quoted, &mut message).unwrap();
                let fields = Ipv4Fields::new(IpProtocol::ICMP, GATEWAY, HOST);
                return (String::new(), self.exchange(&[frame(&datagram(fields, &message[..length]))]));
            }
            Step::Send { interface, source, destination } => {
                let interface = interface.then_some(FIRST);
                let source = source.map(|source| near(source).into());
                let message = UdpMessage { interface, source, ..to(near(destination)) };
                let sent = self.host.send_udp(self.now, id, &message, &[7; 600], &mut self.pool);
                format!("{sent:?}")
            }
            Step::EchoRequest { source, destination } => {
                let fields = Ipv4Fields::new(IpProtocol::ICMP, near(source), near(destination));
                let message = [8, 0, 0xf7, 0xff, 0, 0, 0, 0];
                let (outcome, frames) = self.exchange_one(&frame(&datagram(fields, &message)));
                return (format!("{outcome:?}"), frames);
            }
            Step::Datagram { source, destination, ports, is_for_first_mac } => {
                let special = |number| if number > 250 { Ipv4Addr::UNSPECIFIED } else { near(number) };
                let (source, destination) = (special(source), special(destination));
                let mac = if is_for_first_mac { HOST_MAC } else { HOST_MAC.plus(1).unwrap() };
                let ([a, b], [c, d]) = (ports.0.to_be_bytes(), ports.1.to_be_bytes());
                let fields = Ipv4Fields::new(IpProtocol::UDP, source, destination);
                let bytes = datagram(fields, &[a, b, c, d, 0, 8, 0, 0]);
                let (outcome, frames) = self.exchange_one(&framed(mac, PEER_MAC, &bytes));
                let receivers: Vec<_> = self.ready().into_iter().map(|id| self.take_datagrams(id)).collect();
                return (format!("{outcome:?} {receivers:?}"), frames);
            }
            Step::Bind { address, port } => {
                let addresses = IpNet::from(IpAddr::from(near(address)));
                let bind = UdpBind { addresses, port: Some(port), ..UdpBind::default() };
                format!("{:?}", self.host.bind_udp(&bind))
            }
            Step::Close(number) => {
                let others: Vec<_> =
                    self.host.sockets().map(|info| info.id).filter(|other| *other != id).collect();
                if let Some(place) = usize::from(number).checked_rem(others.len()) {
                    self.host.close(self.now, others[place], &mut self.pool);
                }
                String::new()
            }
            Step::Advance(seconds) => {
                return (String::new(), self.advance(Duration::from_secs(seconds.into())));
            }
        };
        (result, self.exchange(&[]))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    // proves: path-cache-generations
    #[test]
    fn host_with_cache_sends_and_receives_what_host_without_cache_does(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let (mut host, id) = host_with(&[PEER, GATEWAY]);
        let (mut uncached, other_id) = host_with(&[PEER, GATEWAY]);
        for step in steps {
            uncached.host.shared.paths = PathCache::new();
            let (expected, found) = (uncached.perform(other_id, step), host.perform(id, step));
            prop_assert!(found == expected, "{step:?}: {found:02x?}, without a cache {expected:02x?}");
        }
    }
}
