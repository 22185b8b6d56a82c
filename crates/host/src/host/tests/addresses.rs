//! Addresses that are added to a running host, and removed from it.

use super::test_host::*;
use super::*;
use arp::{AddressState, StartMode};
use ipv4::{Ipv4Fields, RouteError};
use link::VlanId;

const ID: InterfaceId = InterfaceId(0);
const NEXT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const NEXT_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 3]);
/// A time longer than the probing for an address takes.
const PROBING: Duration = Duration::from_secs(20);

fn network(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn arp_request_for(address: Ipv4Addr) -> Vec<u8> {
    let mut packet = request();
    packet[24..28].copy_from_slice(&address.octets());
    broadcast(&[&[8, 6], &packet])
}

fn ping_of(mac: MacAddr, address: Ipv4Addr) -> Vec<u8> {
    let fields = Ipv4Fields::new(inet::IpProtocol::ICMP, PEER, address);
    framed(mac, PEER_MAC, &datagram(fields, &echo(b"data")))
}

/// Returns the MAC addresses that send the replies to an ARP request and a ping.
fn answers(test_host: &mut TestHost, mac: MacAddr, address: Ipv4Addr) -> Vec<MacAddr> {
    let sent = test_host.exchange(&[arp_request_for(address), ping_of(mac, address)]);
    sent.iter().map(|frame| MacAddr::new(frame[6..12].try_into().unwrap())).collect()
}

// proves: address-added
#[test]
fn added_address_answers_with_next_mac_address() {
    let mut test_host = TestHost::new(&config());
    let before = test_host.host.pool_size();
    assert_eq!(test_host.host.add_address(NOW, ID, network("10.0.0.9/24"), None), Ok(NEXT_MAC));
    assert_eq!(answers(&mut test_host, NEXT_MAC, NEXT), [NEXT_MAC, NEXT_MAC]);
    assert_eq!(answers(&mut test_host, HOST_MAC, HOST), [HOST_MAC, HOST_MAC]);
    assert_eq!(test_host.host.pool_size(), before, "the address needs more frames");
    let given = MacAddr::new([2, 0, 0, 0, 7, 7]);
    assert_eq!(test_host.host.add_address(NOW, ID, network("10.9.0.1/24"), Some(given)), Ok(given));
    let other = Ipv4Addr::new(10, 9, 0, 1);
    assert_eq!(answers(&mut test_host, given, other), [given, given]);
    assert!(test_host.host.routes().route([10, 9, 0, 77].into(), Some(ID)).is_some());
}

// proves: address-added
#[test]
fn added_address_comes_into_use_as_at_start() {
    for (start, senders) in [
        (StartMode::Immediate, &[][..]),
        (StartMode::Announce, &[NEXT, NEXT]),
        (
            StartMode::Probe,
            &[Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED, NEXT, NEXT],
        ),
    ] {
        let mut test_host = TestHost::new(&HostConfig { start, ..config() });
        test_host.advance(PROBING);
        let now = test_host.now;
        test_host.host.add_address(now, ID, network("10.0.0.9/24"), None).unwrap();
        let state = test_host.host.addresses().state(NEXT);
        let is_tentative = start == StartMode::Probe;
        assert_eq!(state == Some(AddressState::Tentative), is_tentative, "{start:?}: {state:?}");
        assert_eq!(answers(&mut test_host, NEXT_MAC, NEXT).is_empty(), is_tentative, "{start:?}");
        let sent = test_host.advance(PROBING);
        let claims = sent.iter().filter(|frame| frame[12..14] == [8, 6] && frame[38..42] == NEXT.octets());
        let found: Vec<_> =
            claims.map(|frame| Ipv4Addr::new(frame[28], frame[29], frame[30], frame[31])).collect();
        assert!(senders.ends_with(&found) && found.len() + 1 >= senders.len(), "{start:?}: {found:?}");
        assert_eq!(answers(&mut test_host, NEXT_MAC, NEXT), [NEXT_MAC, NEXT_MAC], "{start:?}");
    }
}

// proves: address-added
#[test]
fn address_is_refused_without_effect() {
    let mut host = Host::new(NOW, &HostConfig { gateway: Some([10, 0, 0, 1].into()), ..config() }).unwrap();
    let before = format!("{host:?}");
    let mac = Some(MacAddr::new([2, 0, 0, 0, 7, 7]));
    let cases = [
        (ID, "10.0.0.2/24", mac, HostConfigError::Duplicate(network("10.0.0.2/24"))),
        (ID, "10.0.0.9/24", Some(HOST_MAC), HostConfigError::Duplicate(network("10.0.0.9/24"))),
        (ID, "10.0.0.9/24", Some(MacAddr::BROADCAST), HostConfigError::Mac(MacAddr::BROADCAST)),
        (ID, "10.0.0.255/24", mac, HostConfigError::Address(network("10.0.0.255/24"))),
        (ID, "224.0.0.1/24", mac, HostConfigError::Address(network("224.0.0.1/24"))),
        (ID, "10.0.0.1/24", mac, HostConfigError::Gateway([10, 0, 0, 1].into())),
        (ID, "2001:db8::1/64", mac, HostConfigError::Ipv6("2001:db8::1".parse().unwrap())),
        (InterfaceId(3), "10.0.0.9/24", mac, HostConfigError::NoInterface(InterfaceId(3))),
    ];
    for (id, address, mac, error) in cases {
        assert_eq!(host.add_address(NOW, id, network(address), mac), Err(error), "{address}");
        assert_eq!(format!("{host:?}"), before, "{address}: a refused address changed the host");
    }
    for ip in ["10.0.0.9", "10.0.0.255", "2001:db8::1"] {
        assert!(!host.remove_address(ID, ip.parse().unwrap()), "{ip}");
    }
    assert!(!host.remove_address(InterfaceId(3), HOST.into()));
    assert_eq!(format!("{host:?}"), before);
}

// proves: address-added
#[test]
fn address_is_refused_when_no_mac_address_follows() {
    let mac = MacAddr::new([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff]);
    let mut host = Host::new(NOW, &HostConfig { mac, ..config() }).unwrap();
    assert_eq!(host.add_address(NOW, ID, network("10.0.0.9/24"), None), Err(HostConfigError::Mac(mac)));
}

// proves: address-removed
#[test]
fn removed_address_is_not_answered_and_its_mac_address_is_free() {
    let mut test_host = TestHost::with_known_peer();
    test_host.host.add_address(NOW, ID, network("10.0.0.9/24"), None).unwrap();
    assert!(test_host.host.remove_address(ID, HOST.into()));
    assert!(!test_host.host.remove_address(ID, HOST.into()), "the address was removed twice");
    assert_eq!(answers(&mut test_host, HOST_MAC, HOST), []);
    assert_eq!(test_host.host.address(), Some(network("10.0.0.9/24")));
    assert_eq!(answers(&mut test_host, NEXT_MAC, NEXT), [NEXT_MAC, NEXT_MAC]);
    assert_eq!(test_host.host.add_address(NOW, ID, network("10.0.0.7/24"), Some(HOST_MAC)), Ok(HOST_MAC));
    assert_eq!(answers(&mut test_host, HOST_MAC, [10, 0, 0, 7].into()), [HOST_MAC, HOST_MAC]);
}

// proves: address-removed
#[test]
fn host_without_addresses_is_silent_and_gets_addresses_again() {
    let mut test_host = TestHost::new(&HostConfig { start: StartMode::Probe, ..config() });
    test_host.advance(PROBING);
    assert!(test_host.host.remove_address(ID, HOST.into()));
    assert_eq!((test_host.host.hosts().count(), test_host.host.address()), (0, None));
    assert_eq!((test_host.host.is_ready(), test_host.host.ceased()), (false, None));
    assert_eq!(answers(&mut test_host, HOST_MAC, HOST), []);
    assert_eq!(test_host.advance(PROBING), Vec::<Vec<u8>>::new());
    assert_eq!(test_host.host.routes().iter().count(), 0);
    let now = test_host.now;
    assert_eq!(test_host.host.add_address(now, ID, network("10.0.0.2/24"), None), Ok(HOST_MAC));
    assert!(!test_host.advance(PROBING).is_empty(), "no probe");
    assert_eq!(answers(&mut test_host, HOST_MAC, HOST), [HOST_MAC, HOST_MAC]);
    assert_eq!(test_host.host.routes().iter().count(), 1);
}

// proves: address-removed
#[test]
fn packet_that_waits_for_its_next_hop_is_not_sent_from_removed_address() {
    let mut test_host = TestHost::new(&config());
    let ping = Ping { source: None, destination: PEER.into(), identifier: 1, sequence: 1, time_to_live: 64 };
    assert_eq!(test_host.host.ping(NOW, ping, b"", &mut test_host.pool), Ok(()));
    assert_eq!(test_host.exchange(&[]).len(), 1, "no ARP request");
    test_host.host.add_address(NOW, ID, network("10.0.0.9/24"), None).unwrap();
    test_host.host.remove_address(ID, HOST.into());
    let mut reply = request();
    reply[7] = 2;
    reply[18..24].copy_from_slice(&NEXT_MAC.bytes());
    reply[24..28].copy_from_slice(&NEXT.octets());
    assert_eq!(
        test_host.exchange(&[[&NEXT_MAC.bytes()[..], &PEER_MAC.bytes(), &[8, 6], &reply].concat()]),
        Vec::<Vec<u8>>::new()
    );
    assert_eq!(test_host.host.tx_dropped(TxDropReason::NoSourceAddress), 1);
}

// proves: address-removed
#[test]
fn routes_that_need_removed_address_are_removed() {
    let mut host = Host::new(NOW, &HostConfig { gateway: Some([10, 0, 0, 1].into()), ..config() }).unwrap();
    host.add_address(NOW, ID, network("10.0.0.9/24"), None).unwrap();
    host.add_address(NOW, ID, network("10.9.0.9/24"), None).unwrap();
    host.add_route(network("192.0.2.0/24"), [10, 9, 0, 1].into()).unwrap();
    let of_source = Route { source: Some(NEXT), ..Route::on_link("10.8.0.0/16".parse().unwrap(), ID) };
    host.add_route_on(of_source).unwrap();
    let networks =
        |host: &Host| host.routes().iter().map(|route| route.network.to_string()).collect::<Vec<_>>();
    let all = ["10.0.0.0/24", "10.9.0.0/24", "192.0.2.0/24", "10.8.0.0/16", "0.0.0.0/0"];
    assert_eq!(networks(&host), all);
    // Another host is in the network.
    host.remove_address(ID, HOST.into());
    assert_eq!(networks(&host), all);
    host.remove_address(ID, [10, 9, 0, 9].into());
    assert_eq!(networks(&host), ["10.0.0.0/24", "10.8.0.0/16", "0.0.0.0/0"], "a gateway is off the link");
    host.remove_address(ID, NEXT.into());
    assert_eq!(networks(&host), Vec::<String>::new());
    assert_eq!(
        host.add_route(network("192.0.2.0/24"), [10, 0, 0, 1].into()),
        Err(HostConfigError::Route(RouteError::NotOnLink([10, 0, 0, 1].into())))
    );
}

// proves: address-removed
#[test]
fn address_of_range_is_removed_alone() {
    let range = HostConfig::range(network("10.1.0.0/16"), MacAddr::new([2, 0, 0, 1, 0, 0]));
    let mut test_host = TestHost::new(&range);
    let (removed, next) = (Ipv4Addr::new(10, 1, 0, 5), Ipv4Addr::new(10, 1, 0, 6));
    let [mac, next_mac] = [5, 6].map(|last| MacAddr::new([2, 0, 0, 1, 0, last]));
    assert!(test_host.host.remove_address(ID, removed.into()));
    assert_eq!(answers(&mut test_host, mac, removed), []);
    assert_eq!(answers(&mut test_host, next_mac, next), [next_mac, next_mac]);
    assert_eq!(test_host.host.routes().iter().count(), 1);
    let added = test_host.host.add_address(NOW, ID, network("10.1.0.5/16"), None).unwrap();
    assert_eq!(added, MacAddr::new([2, 0, 0, 2, 0, 0]));
    assert_eq!(answers(&mut test_host, added, removed), [added, added]);
}

// proves: address-removed
#[test]
fn address_of_one_vlan_is_removed_and_same_address_of_other_vlan_stays() {
    let mut test_host = TestHost::new(&config());
    let vlan = VlanId::new(5);
    let id = test_host.host.add(NOW, &HostConfig { vlan, ..config() }).unwrap();
    assert!(test_host.host.remove_address(id, HOST.into()));
    assert_eq!(answers(&mut test_host, HOST_MAC, HOST), [HOST_MAC, HOST_MAC]);
    assert_eq!(test_host.host.routes().iter().count(), 1);
}

// proves: address-removed
#[test]
fn address_is_added_next_to_lost_address_with_its_mac_address() {
    let mut test_host = TestHost::new(&HostConfig { defense: arp::Defense::Cease, ..config() });
    test_host.host.add_address(NOW, ID, network("10.0.0.9/24"), None).unwrap();
    let mut conflict = request();
    conflict[14..18].copy_from_slice(&NEXT.octets());
    test_host.exchange(&[broadcast(&[&[8, 6], &conflict])]);
    assert_eq!(test_host.host.addresses().state(NEXT), None, "the address was not given up");
    assert_eq!(test_host.host.add_address(NOW, ID, network("10.0.0.8/24"), Some(NEXT_MAC)), Ok(NEXT_MAC));
    assert_eq!(test_host.host.hosts().count(), 2);
    assert_eq!(answers(&mut test_host, NEXT_MAC, [10, 0, 0, 8].into()), [NEXT_MAC, NEXT_MAC]);
}
