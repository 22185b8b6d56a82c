//! The hosts of one node behave as separate machines: a conflict of one address, and link-local addresses.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use arp::{AddressState, Defense, StartMode};
use host::{EchoRequest, HostConfig};
use link::MacAddr;
use sim::{Faults, NodeId, Segment};

use super::{MILLISECOND, SECOND, config, mac, ping_once, segment};

/// MAC address of the first host of the range.
const RANGE_MAC: MacAddr = MacAddr::new([2, 0, 0, 1, 0, 0]);

/// Pings these addresses from a host, one after the other. Returns the addresses that reply.
fn ping(segment: &mut Segment, from: NodeId, to: &[Ipv4Addr]) -> BTreeSet<Ipv4Addr> {
    let mut replied = BTreeSet::new();
    for destination in to {
        let reply = ping_once(segment, from, EchoRequest::new((*destination).into(), 1), 20 * MILLISECOND);
        if let Some((_, IpAddr::V4(from), _)) = reply {
            replied.insert(from);
        }
    }
    replied
}

/// Returns the address 10.0.1.`last` of the range.
fn of_range(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 1, last)
}

/// Adds 10.0.1.0 to 10.0.1.255 as a range, and a station with one of these addresses.
fn range_and_station(used: u8) -> (Segment, NodeId, NodeId) {
    let mut segment = segment(Faults::NONE);
    let range = segment.add(&HostConfig::range("10.0.1.0/24".parse().unwrap(), RANGE_MAC)).unwrap();
    let address = format!("10.0.1.{used}/16").parse().unwrap();
    let station = segment.add(&HostConfig::new(address, mac(9))).unwrap();
    (segment, range, station)
}

fn is_in_conflict(segment: &Segment, node: NodeId, ip: Ipv4Addr) -> bool {
    let state = segment.host(node).unwrap().addresses().state(ip);
    matches!(state, Some(AddressState::Conflict { with }) if with == mac(9))
}

// proves: conflict-of-one-address
#[test]
fn station_with_address_of_range_reaches_all_other_addresses() {
    for used in [0, 5, 255] {
        let (mut segment, range, station) = range_and_station(used);
        let others: Vec<_> = (0..=255).filter(|last| *last != used).map(of_range).collect();
        // The second time, the station still has the addresses in its ARP cache. The third time, it resolves them.
        for round in 0..3 {
            assert_eq!(ping(&mut segment, station, &others).len(), 255, "{used} {round}");
            assert!(is_in_conflict(&segment, range, of_range(used)));
            segment.run_for(30 * SECOND).unwrap();
            if round == 1 {
                segment.host_mut(station).unwrap().arp_mut().neighbors_mut().flush();
            }
        }
        let addresses = segment.host(range).unwrap().addresses();
        assert_eq!(addresses.in_use().count(), 256);
        assert_eq!(addresses.state(others[7]), Some(AddressState::Preferred));
    }
}

// proves: conflict-of-one-address
#[test]
fn range_reaches_station_with_one_of_its_addresses() {
    for used in [5, 255] {
        let (mut segment, range, station) = range_and_station(used);
        let all: Vec<_> = (0..=255).map(of_range).collect();
        assert!(ping(&mut segment, range, &all).is_empty(), "the range pinged itself");
        ping(&mut segment, station, &[of_range(77)]);
        assert_eq!(ping(&mut segment, range, &all), [of_range(used)].into(), "{used}");
        segment.run_for(30 * SECOND).unwrap();
        assert_eq!(ping(&mut segment, range, &all), [of_range(used)].into(), "{used}, 30 s later");
    }
}

// proves: conflict-of-one-address
#[test]
fn conflict_ends_when_station_is_gone() {
    let (mut segment, range, station) = range_and_station(5);
    ping(&mut segment, station, &[of_range(77)]);
    segment.stop(station);
    segment.run_for(Duration::from_mins(30)).unwrap();
    assert_eq!(segment.host(range).unwrap().addresses().state(of_range(5)), Some(AddressState::Preferred));
    assert_eq!(segment.host(range).unwrap().arp().neighbors().len(), 0);
}

// proves: conflict-of-one-address, rfc5227-cease
#[test]
fn station_takes_address_that_range_does_not_defend() {
    let mut segment = segment(Faults::NONE);
    let cease = HostConfig {
        defense: Defense::Cease,
        ..HostConfig::range("10.0.1.0/24".parse().unwrap(), RANGE_MAC)
    };
    let range = segment.add(&cease).unwrap();
    let config =
        HostConfig { start: StartMode::Announce, ..HostConfig::new("10.0.1.0/16".parse().unwrap(), mac(9)) };
    let station =
        segment.add(&HostConfig { addresses: host::HostSet::One("10.0.1.9/16".parse().unwrap()), ..config });
    let station = station.unwrap();
    segment.run_for(10 * SECOND).unwrap();
    assert_eq!(segment.host(range).unwrap().addresses().state(of_range(9)), None);
    assert_eq!(ping(&mut segment, range, &[of_range(9)]).len(), 1);
    assert_eq!(ping(&mut segment, station, &[of_range(0), of_range(255)]).len(), 2);
}

// proves: many-link-local
#[test]
fn link_local_hosts_and_other_hosts_of_one_node_answer() {
    let link_locals = [mac(0x11), mac(0x12), mac(0x13)].map(HostConfig::link_local);
    let with_gateway = HostConfig { gateway: Some(Ipv4Addr::new(10, 0, 0, 1).into()), ..config(2) };
    for other in [config(2), with_gateway] {
        for place in 0..4 {
            let mut configs = link_locals.to_vec();
            configs.insert(place, other);
            let mut segment = segment(Faults::NONE);
            let node = segment.add(&configs[0]).unwrap();
            let now = segment.now();
            for config in &configs[1..] {
                segment.host_mut(node).unwrap().add(now, config).unwrap();
            }
            let testers = [config(9), HostConfig::link_local(mac(0x19))];
            let testers = testers.map(|config| segment.add(&config).unwrap());
            segment.run_for(20 * SECOND).unwrap();
            let host = segment.host(node).unwrap();
            assert!(host.is_ready());
            let addresses: Vec<_> = host.addresses().in_use().map(|(ip, _)| ip).collect();
            assert_eq!(addresses.iter().filter(|ip| ip.is_link_local()).count(), 3, "{addresses:?}");
            let own = Ipv4Addr::new(10, 0, 0, 2);
            assert_eq!(ping(&mut segment, testers[0], &[own]), [own].into(), "{place}");
            let link_local: Vec<_> = addresses.into_iter().filter(|ip| *ip != own).collect();
            assert_eq!(
                ping(&mut segment, testers[1], &link_local),
                link_local.iter().copied().collect(),
                "{place}"
            );
            // The first host of the node pings a tester.
            let first_is_link_local = place > 0;
            let tester = testers[usize::from(first_is_link_local)];
            let target = segment.host(tester).unwrap().address().unwrap().addr();
            let IpAddr::V4(target) = target else { panic!("{target} is not an IPv4 address") };
            assert_eq!(ping(&mut segment, node, &[target]), [target].into(), "{place}");
        }
    }
}
