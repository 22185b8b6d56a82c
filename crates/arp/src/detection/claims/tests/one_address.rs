//! Conflicts of one address of several local hosts.

use super::*;
use crate::test_segment::range;
use crate::{AddError, ArpReply, Merge, Resolution};
use address::{AddressState, AddressTable};

/// Another local host, after the host with the address in conflict.
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 3);
const OTHER_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 3]);
/// Request by the peer with the first local address for the other local address.
const FOR_OTHER: PacketFields = PacketFields { target_protocol: OTHER, ..OTHER_USER };
const IN_CONFLICT: Option<AddressState> = Some(AddressState::Conflict { with: PEER_MAC });

/// Returns a segment with 10.0.0.2 and 10.0.0.3 in use.
fn pair(defense: Defense) -> Segment {
    let mut arp = without_address(defense);
    arp.claim_range(at(0), range(LOCAL, OTHER, LOCAL_MAC), StartMode::Immediate).unwrap();
    arp
}

/// Polls at each deadline up to `until`, and discards all actions.
fn discard_until(arp: &mut Segment, until: Instant) {
    while let Some(now) = arp.deadline().filter(|due| *due <= until) {
        while arp.poll(now).is_some() {}
    }
}

// proves: conflict-of-one-address, sender-protocol-local
#[test]
fn station_in_conflict_with_one_address_is_answered_by_the_other() {
    let mut arp = pair(Defense::Always);
    let reception = receive(&mut arp, at(1), FOR_OTHER).unwrap();
    let reply = ArpReply { mac: OTHER_MAC, destination: PEER_MAC };
    assert_eq!(reception, Reception { merge: Merge::Added, reply: Some(reply) });
    assert_eq!(arp.table.state(LOCAL), IN_CONFLICT);
    assert_eq!(arp.neighbors().get(LOCAL).and_then(|entry| entry.mac), Some(PEER_MAC));
    assert_eq!(events(&mut arp), [ClaimEvent::Defended { ip: LOCAL, mac: PEER_MAC }]);
    // The address itself is defended, and a packet for any other address is dropped.
    assert_eq!(run_until(&mut arp, at(1)).len(), 1);
    for target in [LOCAL, PEER, Ipv4Addr::UNSPECIFIED] {
        let packet = PacketFields { target_protocol: target, ..OTHER_USER };
        assert_eq!(receive(&mut arp, at(2), packet), Err(ArpDropReason::Conflict), "{target}");
    }
    assert_eq!(arp.dropped().get(ArpDropReason::Conflict), 3);
    // The host still has the address.
    assert!(is_answered(&mut arp, at(3), REQUEST));
}

// proves: conflict-of-one-address
#[test]
fn station_in_conflict_is_resolved_for_other_local_hosts() {
    let mut arp = pair(Defense::Always);
    assert_eq!(arp.resolve(at(0), LOCAL), Resolution::Refused(()));
    receive(&mut arp, at(0), OTHER_USER).unwrap_err();
    assert_eq!(arp.resolve(at(0), LOCAL), Resolution::Pending);
    let reply = PacketFields { operation: Operation::REPLY, ..FOR_OTHER };
    assert_eq!(receive(&mut arp, at(0), reply).map(|reception| reception.merge), Ok(Merge::Completed));
    discard_until(&mut arp, at(0));
    assert_eq!(arp.resolve(at(0), LOCAL), Resolution::Known(PEER_MAC, ()));
    assert_eq!(arp.resolve(at(0), OTHER), Resolution::Refused(()));
    assert_eq!(arp.add_static(at(0), OTHER, PEER_MAC), Err(AddError::LocalIp));
    assert_eq!(arp.add_static(at(0), LOCAL, PEER_MAC), Ok(()));
}

// proves: conflict-of-one-address
#[test]
fn conflict_ends_after_defense_and_expiry_of_neighbor() {
    let mut arp = pair(Defense::Always);
    receive(&mut arp, at(0), OTHER_USER).unwrap_err();
    discard_until(&mut arp, at(9_999));
    assert_eq!(arp.table.state(LOCAL), IN_CONFLICT);
    discard_until(&mut arp, at(20_000));
    assert_eq!(arp.table.state(LOCAL), Some(AddressState::Preferred));
    // While the other host is in the neighbor table, the conflict lasts.
    let start = at(100_000);
    receive(&mut arp, start, FOR_OTHER).unwrap();
    discard_until(&mut arp, start + 3 * DEFEND_INTERVAL);
    assert_eq!(arp.table.state(LOCAL), IN_CONFLICT);
    arp.neighbors_mut().remove(LOCAL);
    discard_until(&mut arp, start + 5 * DEFEND_INTERVAL);
    assert_eq!(arp.table.state(LOCAL), Some(AddressState::Preferred));
    assert_eq!((arp.deadline(), arp.claims.conflicts.len()), (None, 0));
}

// proves: conflict-of-one-address, clocks
#[test]
fn conflict_ends_when_clock_goes_back() {
    let mut arp = pair(Defense::Always);
    for (number, ip) in (0..).zip([LOCAL, OTHER]) {
        let fields = PacketFields { sender_protocol: ip, target_protocol: ip, ..REQUEST };
        receive(&mut arp, at(1_000_000 + number), fields).unwrap_err();
    }
    assert!(arp.poll(at(1_000_001)).is_some());
    while arp.poll(at(0)).is_some() {}
    discard_until(&mut arp, at(0) + 2 * DEFEND_INTERVAL);
    assert_eq!(arp.table.state(LOCAL), Some(AddressState::Preferred));
    assert_eq!(arp.table.state(OTHER), Some(AddressState::Preferred));
}

// proves: conflict-of-one-address, rfc5227-cease
#[test]
fn ceased_address_belongs_to_neighbor_at_once() {
    let mut arp = pair(Defense::Cease);
    let reception = receive(&mut arp, at(0), FOR_OTHER).unwrap();
    assert_eq!((reception.merge, reception.reply.is_some()), (Merge::Added, true));
    assert_eq!(arp.table.state(LOCAL), None);
    assert_eq!(events(&mut arp), [ClaimEvent::Ceased { ip: LOCAL, mac: PEER_MAC }]);
}

// proves: conflict-of-one-address, rfc5227-probe-conflict
#[test]
fn station_that_uses_probed_address_is_answered_by_host_in_use() {
    let mut arp = without_address(Defense::Always);
    arp.claim(at(0), Identity { ip: OTHER, mac: OTHER_MAC }, StartMode::Immediate).unwrap();
    arp.claim(at(0), IDENTITY, StartMode::Probe).unwrap();
    assert!(is_answered(&mut arp, at(1), FOR_OTHER));
    assert_eq!(events(&mut arp).pop(), Some(ClaimEvent::ProbeConflict { ip: LOCAL, mac: PEER_MAC }));
}

// proves: conflict-of-one-address
#[test]
fn conflicts_beyond_bound_are_dropped() {
    let mut arp = without_address(Defense::Always);
    let (first, mac) = (Ipv4Addr::new(10, 1, 0, 0), MacAddr::new([2, 1, 0, 0, 0, 0]));
    arp.claim_range(at(0), range(first, [10, 1, 255, 255].into(), mac), StartMode::Immediate).unwrap();
    let packet = |number: u32| PacketFields {
        sender_protocol: Ipv4Addr::from_bits(first.to_bits() + number),
        target_protocol: [10, 1, 255, 255].into(),
        ..REQUEST
    };
    let limit = u32::try_from(AddressTable::CONFLICTS).unwrap();
    for number in 0..limit {
        assert!(is_answered(&mut arp, at(0), packet(number)), "{number}");
    }
    assert_eq!(receive(&mut arp, at(0), packet(limit)), Err(ArpDropReason::Conflict));
    assert!(is_answered(&mut arp, at(0), packet(7)), "a known conflict was dropped");
    assert_eq!(arp.claims.conflicts.len(), AddressTable::CONFLICTS);
}

// proves: conflict-of-one-address, rfc5227-link-up
#[test]
fn conflict_ends_when_link_comes_up_and_address_is_probed_again() {
    let mut arp = claimed(StartMode::Probe, Defense::Always);
    arp.claim(at(0), Identity { ip: OTHER, mac: OTHER_MAC }, StartMode::Immediate).unwrap();
    run_until(&mut arp, at(0) + LONG);
    receive(&mut arp, at(20_000), OTHER_USER).unwrap_err();
    assert_eq!(arp.table.state(LOCAL), IN_CONFLICT);
    arp.link_up(at(20_001));
    assert_eq!(arp.table.state(LOCAL), Some(AddressState::Tentative));
    discard_until(&mut arp, at(60_000));
    assert_eq!(arp.table.state(LOCAL), Some(AddressState::Preferred));
}

// proves: many-link-local, rfc3927-next
#[test]
fn several_link_local_hosts_select_separate_addresses() {
    let mut arp = without_address(Defense::Once);
    let macs: Vec<_> = (0..20).map(|step| LOCAL_MAC.plus(0x100 + step).unwrap()).collect();
    for mac in &macs {
        arp.select_link_local(at(0), *mac).unwrap();
    }
    run_until(&mut arp, at(0) + LONG * 2);
    let addresses: Vec<_> = macs.iter().map(|mac| arp.link_local_address(*mac).unwrap()).collect();
    for (mac, ip) in macs.iter().zip(&addresses) {
        assert_eq!(arp.table.mac_of(*ip), Some(*mac));
        let now = at(0) + LONG * 2;
        assert!(is_answered(&mut arp, now, PacketFields { target_protocol: *ip, ..REQUEST }));
    }
    // A conflict concerns one host.
    let lost = PacketFields { sender_protocol: addresses[3], target_protocol: addresses[3], ..REQUEST };
    for _ in 0..2 {
        receive(&mut arp, at(20_000), lost).unwrap_err();
    }
    assert_eq!(arp.table.state(addresses[3]), None);
    assert!(arp.is_probing() && arp.link_local_address(macs[3]).is_none());
    run_until(&mut arp, at(20_000) + LONG * 2);
    for (step, (mac, ip)) in macs.iter().zip(&addresses).enumerate() {
        assert_eq!(arp.link_local_address(*mac) == Some(*ip), step != 3, "{mac}");
    }
}
