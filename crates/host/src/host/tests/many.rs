//! Many hosts on one link.

use super::test_host::*;
use super::*;
use arp::{Defense, StartMode};
use inet::InterfaceId;
use inet::IpProtocol;
use ipv4::{Datagram, Ipv4Fields};
use link::VlanId;

const BASE: MacAddr = MacAddr::new([2, 0, 0, 1, 0, 0]);

fn range_of_hosts() -> HostConfig {
    HostConfig::range("10.1.0.0/16".parse().unwrap(), BASE)
}

/// Returns a request of the peer for an address.
fn arp_request_for(address: Ipv4Addr) -> Vec<u8> {
    let mut packet = request();
    packet[24..28].copy_from_slice(&address.octets());
    broadcast(&[&[8, 6], &packet])
}

fn ping(mac: MacAddr, address: Ipv4Addr) -> Vec<u8> {
    framed(mac, PEER_MAC, &datagram(Ipv4Fields::new(IpProtocol::ICMP, PEER, address), &echo(b"data")))
}

fn addresses_of(step: u32) -> (Ipv4Addr, MacAddr) {
    let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 1, 0, 0)) + step);
    (address, BASE.plus(step.into()).unwrap())
}

// proves: many-hosts, rfc1122-echo-mirrored
#[test]
fn each_address_of_range_replies_from_separate_mac() {
    let mut test_host = TestHost::new(&range_of_hosts());
    assert!(test_host.host.is_ready());
    for step in 0..65_536 {
        let (address, mac) = addresses_of(step);
        let sent = test_host.exchange(&[arp_request_for(address), ping(mac, address)]);
        let [reply, echo_reply] = &sent[..] else {
            panic!("expected two frames of {address}, found {}", sent.len())
        };
        assert_eq!((&reply[..6], &reply[6..12]), (&PEER_MAC.bytes()[..], &mac.bytes()[..]));
        assert_eq!((&reply[22..28], &reply[28..32]), (&mac.bytes()[..], &address.octets()[..]));
        assert_eq!(&echo_reply[6..12], mac.bytes());
        assert_eq!(Datagram::parse(&echo_reply[14..]).unwrap().source(), address);
    }
    assert_eq!(
        (test_host.host.arp_replies(), test_host.host.echo_replies(), losses(&test_host.host)),
        (65_536, 65_536, 0)
    );
    assert_eq!(test_host.host.arp().neighbors().len(), 1, "the hosts do not share one table");
    for outside in [[10, 0, 255, 255], [10, 2, 0, 0]] {
        assert_eq!(test_host.exchange(&[arp_request_for(outside.into())]).len(), 0);
    }
}

// proves: station-of-destination
#[test]
fn datagram_is_dropped_when_mac_and_ip_are_of_different_hosts() {
    let mut test_host = TestHost::new(&range_of_hosts());
    let ((one, first), (_, second)) = (addresses_of(7), addresses_of(8));
    test_host.exchange(&[arp_request_for(one)]);
    let (outcome, sent) = test_host.exchange_one(&ping(second, one));
    assert_eq!((outcome.dropped(), sent.len()), (Some(DropReason::WrongMac), 0));
    assert_eq!(test_host.exchange_one(&ping(first, one)).0, ECHO_REPLIED);
    assert_eq!(losses(&test_host.host), 1);
}

// proves: station-of-destination
#[test]
fn fragment_to_wrong_mac_is_dropped_before_reassembly() {
    let mut test_host = TestHost::new(&range_of_hosts());
    let ((one, first), (_, second)) = (addresses_of(7), addresses_of(8));
    test_host.exchange(&[arp_request_for(one)]);
    let mut frames = fragments(Ipv4Fields { destination: one, ..icmp_fields() }, 2_000, 1_480);
    frames[0][..6].copy_from_slice(&second.bytes());
    frames[1][..6].copy_from_slice(&first.bytes());
    test_host.outcomes.clear();
    assert_eq!(test_host.exchange(&frames).len(), 0);
    assert_eq!(test_host.outcomes, [FrameOutcome::Dropped(DropReason::WrongMac), FRAGMENT_STORED]);
    frames[0][..6].copy_from_slice(&first.bytes());
    assert_eq!(test_host.exchange(&frames[..1]).len(), 2);
}

#[test]
fn range_has_no_broadcast_address_and_all_destinations_are_on_link() {
    let mut test_host = TestHost::new(&range_of_hosts());
    let (last, mac) = addresses_of(65_535);
    test_host.exchange(&[arp_request_for(last)]);
    assert_eq!(test_host.exchange_one(&ping(mac, last)).0, ECHO_REPLIED, "10.1.255.255 did not reply");
    let other = Ipv4Fields::new(IpProtocol::ICMP, [192, 0, 2, 1].into(), last);
    let sent = test_host.exchange(&[framed(mac, PEER_MAC, &datagram(other, &echo(b"")))]);
    assert_eq!(sent[0][38..42], [192, 0, 2, 1], "the target of the ARP request is not the destination");
}

#[test]
fn range_with_gateway_replies_to_remote_hosts_through_gateway() {
    let gateway = Ipv4Addr::new(10, 0, 0, 1);
    let mut test_host = TestHost::new(&HostConfig { gateway: Some(gateway.into()), ..range_of_hosts() });
    let (address, mac) = addresses_of(3);
    test_host.exchange(&[arp_request_for(address)]);
    let other = Ipv4Fields::new(IpProtocol::ICMP, [192, 0, 2, 1].into(), address);
    let sent = test_host.exchange(&[framed(mac, PEER_MAC, &datagram(other, &echo(b"")))]);
    assert_eq!((&sent[0][..6], &sent[0][6..12]), (&PEER_MAC.bytes()[..], &mac.bytes()[..]));
    assert_eq!(Datagram::parse(&sent[0][14..]).unwrap().destination(), Ipv4Addr::new(192, 0, 2, 1));
}

fn tagged(frame: &[u8], vlan: u8) -> Vec<u8> {
    [&frame[..12], &[0x81, 0, 0, vlan], &frame[12..]].concat()
}

// proves: link-mtu
#[test]
fn vlan_with_larger_mtu_works_before_link_state_is_known() {
    let mut host = Host::new(NOW, &config()).unwrap();
    host.add(NOW, &HostConfig { mtu: 9_000, vlan: VlanId::new(10), ..config() }).unwrap();
    let mut test_host = TestHost::of(host, 1_500);
    test_host.exchange(&[tagged(&broadcast(&[&[8, 6], &request()]), 10)]);
    let long = tagged(&frame(&datagram(icmp_fields(), &echo(&vec![0; 8_972]))), 10);
    let sent = test_host.exchange(&[long]);
    assert_eq!((sent.len(), sent[0].len(), test_host.pool.mtu()), (1, 9_018, 9_000));
}

#[test]
fn configured_mtu_is_limited_to_frame_capacity() {
    for mtu in [65_534, 65_535, usize::MAX] {
        let config = HostConfig { mtu, ..config() };
        let mut host = Host::new(NOW, &config).unwrap();
        host.add(NOW, &HostConfig { vlan: VlanId::new(10), ..config }).unwrap();
        assert!(host.hosts().all(|host| host.mtu == 65_534), "{mtu}");
    }
}

// proves: many-vlans, ethernet-vlan-reply
#[test]
fn hosts_with_same_addresses_in_two_vlans_are_separate() {
    let range = "10.1.0.0/24".parse().unwrap();
    let other = MacAddr::new([2, 0, 0, 2, 0, 0]);
    let vlan_5 = HostConfig { vlan: VlanId::new(5), ..HostConfig::range(range, BASE) };
    let vlan_6 = HostConfig { vlan: VlanId::new(6), ..HostConfig::range(range, other) };
    let mut host = Host::new(NOW, &vlan_5).unwrap();
    host.add(NOW, &vlan_6).unwrap();
    let mut test_host = TestHost::of(host, 1_500);
    let (address, first) = addresses_of(9);
    let second = other.plus(9).unwrap();
    for (vlan, mac) in [(5, first), (6, second)] {
        let sent =
            test_host.exchange(&[tagged(&arp_request_for(address), vlan), tagged(&ping(mac, address), vlan)]);
        assert_eq!(sent.len(), 2);
        for frame in &sent {
            assert_eq!((&frame[6..12], &frame[12..16]), (&mac.bytes()[..], &[0x81, 0, 0, vlan][..]));
        }
    }
    // A host is not reachable in the other VLAN or without a tag.
    for frame in [tagged(&ping(first, address), 6), tagged(&ping(second, address), 5)] {
        assert_eq!(test_host.exchange_one(&frame).0.dropped(), Some(link::LinkDropReason::NotLocal.into()));
    }
    assert_eq!(
        test_host.exchange_one(&ping(first, address)).0.dropped(),
        Some(link::LinkDropReason::OtherVlan.into())
    );
    assert_eq!(
        test_host.exchange_one(&tagged(&arp_request_for(address), 7)).0.dropped(),
        Some(link::LinkDropReason::OtherVlan.into())
    );
    // Fragments of one datagram in two VLANs.
    let parts = fragments(Ipv4Fields { destination: address, ..icmp_fields() }, 2_000, 1_480);
    let mut fragments_of_two_vlans = [tagged(&parts[0], 5), tagged(&parts[1], 6)];
    fragments_of_two_vlans[0][..6].copy_from_slice(&first.bytes());
    fragments_of_two_vlans[1][..6].copy_from_slice(&second.bytes());
    assert_eq!(test_host.exchange(&fragments_of_two_vlans).len(), 0);
}

#[test]
fn hosts_with_duplicate_addresses_are_rejected() {
    let mut host = Host::new(NOW, &range_of_hosts()).unwrap();
    let same_ips = HostConfig::range("10.1.4.0/24".parse().unwrap(), MacAddr::new([2, 0, 0, 9, 0, 0]));
    let same_macs = HostConfig::range("10.2.0.0/24".parse().unwrap(), BASE);
    for config in [same_ips, same_macs] {
        assert_eq!(host.add(NOW, &config), Err(HostConfigError::Duplicate(config.network())));
    }
    let fitting = HostConfig::range("10.2.0.0/24".parse().unwrap(), MacAddr::new([2, 0, 0, 9, 0, 0]));
    assert_eq!((host.add(NOW, &fitting), host.hosts().count()), (Ok(InterfaceId(0)), 2));
}

// proves: rfc5227-silence
#[test]
fn pending_packets_of_ceased_host_are_dropped_when_other_hosts_remain() {
    let config = HostConfig { start: StartMode::Immediate, defense: Defense::Cease, ..range_of_hosts() };
    let mut test_host = TestHost::new(&config);
    let (address, mac) = addresses_of(7);
    test_host.exchange(&[ping(mac, address)]);
    assert_eq!(test_host.pool.held(), 1, "the echo reply is not pending");
    let mut conflict = request();
    conflict[14..18].copy_from_slice(&address.octets());
    test_host.exchange(&[broadcast(&[&[8, 6], &conflict])]);
    assert_eq!(test_host.host.addresses().mac_of(address), None);
    let sent = test_host.exchange(&[arp_request_for(addresses_of(8).0)]);
    assert_eq!(sent.len(), 1, "expected only the ARP reply of {address}: {sent:02x?}");
    assert_eq!(test_host.host.tx_dropped(TxDropReason::NoSourceAddress), 1);
}

/// Frames to three hosts: valid, damaged or random.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let addresses = prop::sample::select(vec![[10, 1, 0, 7], [10, 1, 0, 8], [10, 9, 9, 9], [255; 4], [0; 4]]);
    let fields = (addresses.clone(), addresses, any::<u8>(), 0_usize..6, any::<bool>(), 0_u8..4);
    let good = fields.prop_flat_map(|(source, destination, protocol, eighths, more_fragments, kind)| {
        let protocol = if protocol < 200 { IpProtocol::ICMP } else { IpProtocol(protocol) };
        let source = if source == [10, 1, 0, 8] { PEER } else { source.into() };
        let fields = Ipv4Fields {
            fragment_offset: eighths / 2 * 8,
            more_fragments,
            ..Ipv4Fields::new(protocol, source, destination.into())
        };
        let mac = [addresses_of(7).1, addresses_of(8).1, MacAddr::BROADCAST, PEER_MAC][usize::from(kind)];
        let whole = framed(mac, PEER_MAC, &datagram(fields, &echo(&[7; 8])));
        (Just(whole), 0_usize..100, any::<u8>(), 0_u8..8)
    });
    let damaged = good.prop_map(|(mut whole, place, byte, how)| {
        match how {
            0 => whole.truncate(place),
            1 if place < whole.len() => whole[place] = byte,
            2 => whole.extend(vec![byte; place]),
            _ => {}
        }
        whole
    });
    prop_oneof![6 => damaged, 1 => prop::collection::vec(any::<u8>(), 0..90), 1 => Just(arp_request_for(addresses_of(7).0))]
}

proptest! {
    // proves: drops-counted
    #[test]
    fn any_frame_to_many_hosts_is_counted_once(frames in prop::collection::vec(any_frame(), 0..60)) {
        let mut test_host = TestHost::new(&range_of_hosts());
        test_host.host.add_static(NOW, PEER, PEER_MAC).unwrap();
        for frame in &frames {
            let before = (losses(&test_host.host), accepted(&test_host));
            let (outcome, _) = test_host.exchange_one(frame);
            let after = (losses(&test_host.host), accepted(&test_host));
            match outcome {
                // An overlapping fragment also discards its incomplete datagram.
                FrameOutcome::Dropped(_) => prop_assert_eq!(after.0 - before.0, 1 + dropped_with_fragment(outcome), "{:?}", outcome),
                FrameOutcome::Ipv4(crate::DatagramOutcome::FragmentStored) | FrameOutcome::Arp(_) => prop_assert_eq!(after, before),
                FrameOutcome::Ipv4(_) => prop_assert_eq!(after, (before.0, before.1 + 1)),
            }
        }
        prop_assert_eq!(test_host.outcomes.len(), frames.len());
    }
}

/// Returns the number of datagrams that are dropped in addition to the fragment.
fn dropped_with_fragment(outcome: FrameOutcome) -> u64 {
    u64::from(outcome.dropped() == Some(DropReason::Ipv4(ipv4::Ipv4DropReason::FragmentOverlap)))
}

fn accepted(test_host: &TestHost) -> u64 {
    test_host.host.ipv4().accepted()
}

#[test]
fn range_may_have_several_gateways_outside_it() {
    let gateway = Some(Ipv4Addr::new(10, 1, 1, 1));
    let range = HostConfig::range("10.1.0.0/24".parse().unwrap(), HOST_MAC);
    let mut host = Host::new(NOW, &HostConfig { gateway: gateway.map(Into::into), ..range }).unwrap();
    let other = Ipv4Addr::new(10, 1, 1, 2);
    host.add_route("192.0.2.0/24".parse().unwrap(), other.into()).unwrap();
    let hop =
        |to: [u8; 4]| host.routes().next_hop(HOST, to.into(), InterfaceId(0)).map(ipv4::NextHop::neighbor);
    assert_eq!((hop([192, 0, 2, 9]), hop([198, 51, 100, 9])), (Some(other), gateway));
    assert_eq!(hop([10, 1, 0, 9]), Some(Ipv4Addr::new(10, 1, 0, 9)));

    let mut one = Host::new(NOW, &config()).unwrap();
    assert!(
        one.add_route("192.0.2.0/24".parse().unwrap(), other.into()).is_err(),
        "the gateway is not in the subnet of the host"
    );
}

// proves: link-mtu
#[test]
fn added_vlan_host_has_mtu_of_link_after_mtu_change() {
    let mut host = Host::new(NOW, &config()).unwrap();
    link_changed(&mut host, NOW, tap::LinkState { is_up: true, has_carrier: true, mtu: 1_400 });
    host.add(NOW, &HostConfig { vlan: link::VlanId::new(7), ..config() }).unwrap();
    let mtus: Vec<_> = host.hosts().map(|config| config.mtu).collect();
    assert_eq!(mtus, [1_400, 1_400]);
}
