use super::*;
use crate::test_segment::Segment;
use crate::{ArpConfig, Identity, Operation, PacketFields, StartMode};
use link::Instant;

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const LOCAL_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 7]);

/// Returns a proxy for `range` on the segment 10.0.0.0/24.
fn proxy(range: &str) -> Segment {
    let config = ArpConfig { network: "10.0.0.0/24".parse().ok(), ..ArpConfig::default() };
    let mut arp = Segment::with(LOCAL, LOCAL_MAC, config);
    arp.add_proxy(range.parse().unwrap(), LOCAL_MAC).unwrap();
    arp
}

/// Returns the MAC address in the reply to a request from `sender` for `target`.
fn reply_mac(arp: &mut Segment, sender: [u8; 4], target: [u8; 4]) -> Option<MacAddr> {
    let request = PacketFields {
        operation: Operation::REQUEST,
        sender_hardware: PEER_MAC,
        sender_protocol: sender.into(),
        target_hardware: MacAddr::ZERO,
        target_protocol: target.into(),
    };
    arp.receive_fields(Instant::ORIGIN, request).unwrap().reply.map(|reply| reply.mac)
}

// proves: rfc1027-ranges
#[test]
fn proxy_replies_for_hosts_of_range_only() {
    let mut arp = proxy("10.1.3.4/16");
    for target in [[10, 1, 0, 1], [10, 1, 255, 254], [10, 1, 3, 255]] {
        assert_eq!(reply_mac(&mut arp, [10, 0, 0, 7], target), Some(LOCAL_MAC), "{target:?}");
    }
    for target in [[10, 2, 0, 1], [10, 0, 255, 255], [9, 1, 0, 1]] {
        assert_eq!(reply_mac(&mut arp, [10, 0, 0, 7], target), None, "{target:?}");
    }
    assert_eq!(
        reply_mac(&mut arp, [10, 0, 0, 7], [10, 0, 0, 2]),
        Some(LOCAL_MAC),
        "no reply for the local address"
    );
    assert!(arp.neighbors().get([10, 0, 0, 7].into()).is_some());
}

// proves: rfc1027-segment
#[test]
fn proxy_rejects_range_of_local_segment() {
    let mut arp = proxy("10.0.0.0/8");
    assert_eq!(reply_mac(&mut arp, [10, 0, 0, 7], [10, 0, 0, 9]), None);
    assert_eq!(reply_mac(&mut arp, [10, 0, 0, 7], [10, 0, 1, 9]), Some(LOCAL_MAC));
    for range in ["10.0.0.0/24", "10.0.0.128/25", "10.0.0.9/32"] {
        let added = arp.add_proxy(range.parse().unwrap(), LOCAL_MAC);
        assert_eq!(added, Err(ProxyError::OwnSegment), "{range}");
    }
}

// proves: rfc1027-same-range
#[test]
fn proxy_ignores_request_when_sender_is_in_range_of_target() {
    let mut arp = proxy("10.1.0.0/16");
    arp.add_proxy("10.2.0.0/16".parse().unwrap(), LOCAL_MAC).unwrap();
    arp.add_proxy("10.0.0.0/8".parse().unwrap(), LOCAL_MAC).unwrap();
    assert_eq!(reply_mac(&mut arp, [10, 1, 0, 7], [10, 1, 3, 4]), None);
    assert_eq!(
        reply_mac(&mut arp, [10, 1, 0, 7], [10, 2, 3, 4]),
        None,
        "reply although another range contains both addresses"
    );
    assert_eq!(reply_mac(&mut arp, [192, 0, 2, 7], [10, 1, 3, 4]), Some(LOCAL_MAC));
    let mut arp = proxy("10.1.0.0/16");
    arp.add_proxy("10.2.0.0/16".parse().unwrap(), LOCAL_MAC).unwrap();
    assert_eq!(
        reply_mac(&mut arp, [10, 1, 0, 7], [10, 2, 3, 4]),
        Some(LOCAL_MAC),
        "no reply although no range contains both addresses"
    );
}

// proves: rfc1027-broadcast
#[test]
fn proxy_ignores_request_for_broadcast_address() {
    let mut arp = proxy("10.1.0.0/16");
    for target in [[10, 1, 255, 255], [10, 1, 0, 0]] {
        assert_eq!(reply_mac(&mut arp, [10, 0, 0, 7], target), None, "{target:?}");
    }
    let mut all = proxy("0.0.0.0/0");
    for target in
        [[255, 255, 255, 255], [224, 0, 0, 1], [0, 0, 0, 0], [127, 0, 0, 1], [0, 0, 0, 5], [240, 0, 0, 1]]
    {
        assert_eq!(reply_mac(&mut all, [10, 0, 0, 7], target), None, "{target:?}");
    }
    assert_eq!(reply_mac(&mut proxy("0.0.0.0/32"), [10, 0, 0, 7], [0, 0, 0, 0]), None);
    // A /31 and a /32 have no broadcast address.
    for (range, target) in
        [("10.1.0.0/31", [10, 1, 0, 0]), ("10.1.0.1/31", [10, 1, 0, 1]), ("10.1.0.5/32", [10, 1, 0, 5])]
    {
        assert_eq!(reply_mac(&mut proxy(range), [10, 0, 0, 7], target), Some(LOCAL_MAC), "{range}");
    }
}

// proves: rfc1027-probe
#[test]
fn proxy_ignores_probes_and_announcements() {
    let mut arp = proxy("10.1.0.0/16");
    assert_eq!(reply_mac(&mut arp, [0, 0, 0, 0], [10, 1, 0, 9]), None);
    assert_eq!(reply_mac(&mut arp, [10, 1, 0, 9], [10, 1, 0, 9]), None);
}

// proves: rfc1027-ranges
#[test]
fn proxy_is_silent_when_no_local_address_is_in_use() {
    let mut arp = Segment::new(ArpConfig::default());
    let range = "10.1.0.0/16".parse().unwrap();
    assert_eq!(arp.add_proxy(range, LOCAL_MAC), Err(ProxyError::InvalidMac));
    let identity = Identity { ip: LOCAL, mac: LOCAL_MAC };
    arp.claim(Instant::ORIGIN, identity, StartMode::Probe).unwrap();
    assert_eq!(arp.add_proxy(range, LOCAL_MAC), Ok(()));
    assert_eq!(
        reply_mac(&mut arp, [10, 0, 0, 7], [10, 1, 0, 9]),
        None,
        "reply during probing, without a local address in use"
    );
}

// proves: rfc3927-proxy
#[test]
fn proxy_ignores_request_for_link_local_address() {
    let mut arp = proxy("169.0.0.0/8");
    for (target, expected) in
        [([169, 254, 0, 0], None), ([169, 254, 7, 7], None), ([169, 253, 7, 7], Some(LOCAL_MAC))]
    {
        assert_eq!(reply_mac(&mut arp, [10, 0, 0, 7], target), expected, "{target:?}");
    }
    for range in ["169.254.0.0/16", "169.254.7.0/24", "169.254.1.2/32"] {
        assert_eq!(arp.add_proxy(range.parse().unwrap(), LOCAL_MAC), Err(ProxyError::LinkLocal), "{range}");
    }
}
