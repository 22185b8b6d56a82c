//! Local addresses that are removed on request.

use super::*;

const OTHER: Identity = Identity { ip: Ipv4Addr::new(10, 0, 0, 3), mac: MacAddr::new([2, 0, 0, 0, 0, 3]) };

// proves: address-removed
#[test]
fn released_address_sends_no_packet_and_is_not_answered() {
    for start in [StartMode::Immediate, StartMode::Announce, StartMode::Probe] {
        for released_at in [0, 1_500, 6_000] {
            let mut arp = claimed(start, Defense::Always);
            run_until(&mut arp, at(released_at));
            assert_eq!(arp.release(LOCAL), Some(LOCAL_MAC), "{start:?} {released_at}");
            assert!(
                !arp.is_probing() && arp.deadline().is_none(),
                "{start:?} {released_at}: a claim is left"
            );
            assert!(!is_answered(&mut arp, at(7_000), REQUEST), "{start:?} {released_at}");
            assert!(!arp.table.has_mac(LOCAL_MAC), "{start:?} {released_at}: the MAC address is still local");
            assert_eq!(arp.release(LOCAL), None);
            assert_eq!(arp.new_owner(), None);
        }
    }
}

// proves: address-removed
#[test]
fn released_address_is_claimed_again_as_at_start() {
    let mut arp = claimed(StartMode::Probe, Defense::Always);
    run_until(&mut arp, at(1_000));
    arp.release(LOCAL);
    arp.claim(at(2_000), IDENTITY, StartMode::Probe).unwrap();
    let senders: Vec<_> =
        run_until(&mut arp, at(12_000)).iter().map(|(_, sent)| sent.sender_protocol).collect();
    assert!(senders.starts_with(&[Ipv4Addr::UNSPECIFIED; 3]) && senders.contains(&LOCAL), "{senders:?}");
    assert!(is_answered(&mut arp, at(12_000), REQUEST));
}

// proves: address-removed
#[test]
fn released_address_is_no_conflict() {
    let mut arp = claimed(StartMode::Immediate, Defense::Always);
    arp.claim(at(0), OTHER, StartMode::Immediate).unwrap();
    assert_eq!(receive(&mut arp, at(1), OTHER_USER), Err(ArpDropReason::Conflict));
    arp.release(LOCAL);
    assert!(receive(&mut arp, at(2), OTHER_USER).is_ok(), "the station was still in conflict");
    assert_eq!(arp.resolve(at(2), LOCAL), neighbor::Resolution::Pending, "the station is not a neighbor");
    // The next conflict about the same address ends like the first.
    arp.claim(at(3), IDENTITY, StartMode::Immediate).unwrap();
    assert_eq!(receive(&mut arp, at(4), OTHER_USER), Err(ArpDropReason::Conflict));
    assert_eq!(arp.claims.conflicts.len(), 1);
}

// proves: address-removed
#[test]
fn host_stays_without_owner_when_last_address_is_released_after_conflict() {
    let mut arp = claimed(StartMode::Immediate, Defense::Cease);
    arp.claim(at(0), OTHER, StartMode::Immediate).unwrap();
    assert_eq!(receive(&mut arp, at(1), OTHER_USER), Err(ArpDropReason::Conflict));
    assert!(!arp.table.contains(LOCAL), "the address was not given up");
    arp.release(OTHER.ip);
    assert_eq!(arp.new_owner(), None, "a released address was reported as lost");
}

// proves: address-removed
#[test]
fn host_with_released_link_local_address_selects_no_other() {
    let mut arp = without_address(Defense::Once);
    arp.select_link_local(at(0), LOCAL_MAC).unwrap();
    arp.select_link_local(at(0), PEER_MAC).unwrap();
    run_until(&mut arp, at(20_000));
    let ip = arp.link_local_address(LOCAL_MAC).unwrap();
    assert_eq!(arp.release(ip), Some(LOCAL_MAC));
    arp.link_up(at(21_000));
    run_until(&mut arp, at(60_000));
    assert_eq!(arp.link_local_address(LOCAL_MAC), None);
    assert!(arp.link_local_address(PEER_MAC).is_some() && !arp.table.has_mac(LOCAL_MAC));
}

// proves: address-removed
#[test]
fn proxy_of_released_address_ends() {
    let mut arp = claimed(StartMode::Immediate, Defense::Always);
    arp.claim(at(0), OTHER, StartMode::Immediate).unwrap();
    let target = Ipv4Addr::new(192, 0, 2, 1);
    arp.add_proxy("192.0.2.0/24".parse().unwrap(), LOCAL_MAC).unwrap();
    let request = PacketFields { target_protocol: target, ..REQUEST };
    assert!(is_answered(&mut arp, at(1), request));
    arp.release(OTHER.ip);
    assert!(is_answered(&mut arp, at(2), request), "the proxy of another host ended");
    arp.claim(at(3), OTHER, StartMode::Immediate).unwrap();
    arp.release(LOCAL);
    assert!(!is_answered(&mut arp, at(4), request), "a proxy reply has a MAC address that is not local");
}
