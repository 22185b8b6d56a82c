//! Several default gateways, of which some fail.

use super::datagrams::arp_target;
use super::paths::{arp_from, mac_of, to};
use super::test_host::*;
use super::*;
use crate::{SocketId, TcpConnect, UdpBind};
use inet::IpProtocol;
use ipv4::{Datagram, Ipv4Fields, Routes};
use link::VlanId;
use std::collections::BTreeSet;

/// The default gateways, in order of preference.
const GATEWAYS: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 0, 0, 6), Ipv4Addr::new(10, 0, 0, 5)];
const REMOTE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// Returns a host with two default gateways, of which these are known, and a socket.
fn host_with(known: &[Ipv4Addr]) -> (TestHost, SocketId) {
    let mut config = HostConfig { gateway: Some(GATEWAYS[0].into()), ..config() };
    config.table.timeout = Duration::from_hours(1);
    let mut host = TestHost::new(&config);
    host.host.add_gateway(GATEWAYS[1].into()).unwrap();
    for gateway in known {
        host.exchange(&[arp_from(*gateway, mac_of(*gateway))]);
    }
    let id = host.host.bind_udp(&UdpBind { port: Some(9), ..UdpBind::default() }).unwrap();
    (host, id)
}

/// Sends a datagram off the link. Returns the frames that the host sends.
fn send(host: &mut TestHost, id: SocketId) -> Vec<Vec<u8>> {
    host.host.send_udp(host.now, id, &to(REMOTE), b"data", &mut host.pool).unwrap();
    host.exchange(&[])
}

/// Returns the gateways of the datagrams among the frames.
fn gateways_of(frames: &[Vec<u8>]) -> Vec<Ipv4Addr> {
    let datagrams = frames.iter().filter(|frame| frame[12..14] == [8, 0]);
    datagrams
        .map(|frame| {
            assert_eq!(Datagram::parse(&frame[14..]).unwrap().destination(), REMOTE);
            let to_gateway = |gateway: &Ipv4Addr| frame[..6] == mac_of(*gateway).bytes();
            GATEWAYS.into_iter().find(to_gateway).expect("the datagram is sent to another host")
        })
        .collect()
}

// proves: rfc1122-default-gateways
#[test]
fn datagram_to_a_silent_gateway_is_sent_to_the_next_gateway() {
    let (mut host, id) = host_with(&GATEWAYS[1..]);
    assert_eq!(
        send(&mut host, id).iter().map(|frame| arp_target(frame)).collect::<Vec<_>>(),
        [Some(GATEWAYS[0])]
    );
    let frames = host.advance(Duration::from_secs(5));
    assert_eq!(gateways_of(&frames), [GATEWAYS[1]], "the datagram is lost with its gateway");
    assert_eq!(host.failures(), []);
    assert_eq!(gateways_of(&send(&mut host, id)), [GATEWAYS[1]]);
    // The preferred gateway is used again as soon as it is known.
    host.exchange(&[arp_from(GATEWAYS[0], mac_of(GATEWAYS[0]))]);
    assert_eq!(gateways_of(&send(&mut host, id)), [GATEWAYS[0]]);
}

// proves: rfc1122-default-gateways
#[test]
fn gateway_that_stops_answering_is_replaced_and_tried_again() {
    let (mut host, id) = host_with(&GATEWAYS);
    assert_eq!(gateways_of(&send(&mut host, id)), [GATEWAYS[0]]);
    // The first datagram has started the check of the gateway.
    host.advance(Duration::from_millis(11_500));
    assert_eq!(gateways_of(&send(&mut host, id)), [GATEWAYS[1]], "the failed gateway is used");
    let requests =
        |frames: &[Vec<u8>]| frames.iter().filter(|frame| arp_target(frame) == Some(GATEWAYS[0])).count();
    let mut tried = host.advance(Routes::RETRY.saturating_sub(Duration::from_secs(1)));
    host.exchange(&[arp_from(GATEWAYS[1], mac_of(GATEWAYS[1]))]);
    tried.extend(send(&mut host, id));
    assert_eq!(requests(&tried), 0, "the failed gateway is tried too early");
    host.advance(Duration::from_secs(1));
    let frames = send(&mut host, id);
    assert_eq!((gateways_of(&frames), requests(&frames)), (vec![GATEWAYS[1]], 1));
    host.exchange(&[arp_from(GATEWAYS[0], mac_of(GATEWAYS[0]))]);
    assert_eq!(gateways_of(&send(&mut host, id)), [GATEWAYS[0]]);
}

// proves: rfc1122-default-gateways
#[test]
fn datagram_fails_when_all_gateways_fail_and_the_gateways_are_used_again() {
    let (mut host, id) = host_with(&[]);
    send(&mut host, id);
    host.advance(Duration::from_secs(10));
    assert_eq!(host.failures().len(), 1, "the failure of all gateways is not reported once");
    assert_eq!(host.host.queued_datagrams(), 0);
    let mut frames = send(&mut host, id);
    frames.extend(host.exchange(&[arp_from(GATEWAYS[0], mac_of(GATEWAYS[0]))]));
    assert_eq!(gateways_of(&frames), [GATEWAYS[0]]);
}

// proves: rfc1122-default-gateways
#[test]
fn datagram_to_a_silent_gateway_itself_fails() {
    for (gateway, other) in [(GATEWAYS[0], GATEWAYS[1]), (GATEWAYS[1], GATEWAYS[0])] {
        let (mut host, id) = host_with(&[other]);
        // The second datagram finds the failed neighbor.
        for _ in 0..2 {
            host.host.send_udp(host.now, id, &to(gateway), b"data", &mut host.pool).unwrap();
            host.advance(Duration::from_mins(1));
            assert_eq!(host.failures().len(), 1, "the failure of {gateway} is not reported once");
            host.exchange(&[arp_from(other, mac_of(other))]);
            assert_eq!(gateways_of(&send(&mut host, id)), [other]);
        }
    }
}

// proves: rfc1122-default-gateways
#[test]
fn reply_to_a_silent_gateway_is_dropped() {
    let (mut host, id) = host_with(&GATEWAYS[1..]);
    let fields = Ipv4Fields::new(IpProtocol::ICMP, GATEWAYS[0], HOST);
    for _ in 0..2 {
        host.exchange(&[framed(HOST_MAC, PEER_MAC, &datagram(fields, &echo(b"data")))]);
        assert_eq!(host.host.arp().neighbors().pending_packets(), 1, "the reply is not pending");
        host.advance(Duration::from_mins(1));
        assert_eq!(host.host.arp().neighbors().pending_packets(), 0, "the reply is still pending");
        host.exchange(&[arp_from(GATEWAYS[1], mac_of(GATEWAYS[1]))]);
    }
    assert_eq!(gateways_of(&send(&mut host, id)), [GATEWAYS[1]]);
}

// proves: rfc1122-default-gateways
#[test]
fn datagram_fails_when_the_other_gateways_are_on_another_interface_or_fail() {
    for dead_gateways in 1..=3 {
        datagram_fails_with(dead_gateways);
    }
}

/// Checks datagrams of an interface with this number of silent gateways, while a gateway of another interface answers.
fn datagram_fails_with(dead_gateways: u8) {
    let (dead, alive) = (Ipv4Addr::new(10, 0, 0, 6), Ipv4Addr::new(10, 1, 0, 6));
    let mut config = HostConfig { gateway: Some(dead.into()), ..config() };
    config.table.timeout = Duration::from_hours(1);
    let mut host = TestHost::new(&config);
    for last in 1..dead_gateways {
        host.host.add_gateway(Ipv4Addr::new(10, 0, 0, 10 + last).into()).unwrap();
    }
    let second = HostConfig {
        addresses: HostSet::One("10.1.0.2/24".parse().unwrap()),
        gateway: Some(alive.into()),
        vlan: VlanId::new(5),
        ..config
    };
    let interface = host.host.add(host.now, &second).unwrap();
    host.host.add_static_on(NOW, interface, alive, mac_of(alive)).unwrap().unwrap();
    let bind = UdpBind { addresses: IpAddr::V4(HOST).into(), port: Some(9), ..UdpBind::default() };
    let bound = host.host.bind_udp(&bind).unwrap();
    for _ in 0..2 {
        host.host.send_udp(host.now, bound, &to(REMOTE), b"data", &mut host.pool).unwrap();
        host.advance(Duration::from_mins(1));
        assert_eq!(host.failures().len(), 1, "the failure of the gateway is not reported once");
    }
    // A datagram without a selected source leaves by the other interface.
    let id = host.host.bind_udp(&UdpBind { port: Some(10), ..UdpBind::default() }).unwrap();
    host.host.send_udp(host.now, id, &to(REMOTE), b"data", &mut host.pool).unwrap();
    let frames = host.exchange(&[]);
    let datagram = frames.iter().find(|frame| frame[12..18] == [0x81, 0, 0, 5, 8, 0]);
    assert_eq!(datagram.map(|frame| &frame[..6]), Some(&mac_of(alive).bytes()[..]));
}

// proves: rfc1122-default-gateways
#[test]
fn gateway_with_another_network_is_replaced_for_default_traffic() {
    let (mut host, id) = host_with(&GATEWAYS[1..]);
    host.host.add_route("198.51.100.0/24".parse().unwrap(), GATEWAYS[0].into()).unwrap();
    send(&mut host, id);
    let frames = host.advance(Duration::from_secs(5));
    assert_eq!(gateways_of(&frames), [GATEWAYS[1]], "the default traffic stays on the silent gateway");
    let only_gateway = to(Ipv4Addr::new(198, 51, 100, 1));
    host.host.send_udp(host.now, id, &only_gateway, b"data", &mut host.pool).unwrap();
    host.advance(Duration::from_mins(1));
    assert_eq!(host.failures().len(), 1, "the failure of the only gateway is not reported once");
}

// proves: tcp-unresolved
#[test]
fn displaced_syns_to_a_silent_gateway_are_sent_to_the_next_gateway() {
    const COUNT: u16 = 100;
    let (mut host, id) = host_with(&GATEWAYS[1..]);
    send(&mut host, id);
    // The gateway fails 2.5 seconds after the SYNs, between their second and their third transmission.
    host.advance(Duration::from_millis(500));
    for port in 1..=COUNT {
        host.host.connect_tcp(host.now, &TcpConnect::new((REMOTE, port).into())).unwrap();
    }
    host.exchange(&[]);
    let mut frames = host.advance(Duration::from_millis(2_900));
    frames.retain(|frame| frame[12..14] == [8, 0] && frame[23] == IpProtocol::TCP.0);
    assert!(
        gateways_of(&frames).iter().all(|gateway| *gateway == GATEWAYS[1]),
        "a SYN to the failed gateway"
    );
    let port = |frame: &Vec<u8>| u16::from_be_bytes([frame[36], frame[37]]);
    let ports: BTreeSet<_> = frames.iter().map(port).collect();
    assert_eq!(ports, (1..=COUNT).collect(), "a SYN waits for its timeout");
}
