use super::*;
use crate::constants::DEFEND_INTERVAL;
use crate::test_segment::Segment;
use crate::{ArpAction, ArpConfig, ArpDropReason, ArpEvent, Operation, Reception};

mod keys;
mod link;
mod many;
mod one_address;
mod release;

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const LOCAL_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 7]);
const IDENTITY: Identity = Identity { ip: LOCAL, mac: LOCAL_MAC };
/// Longer than a claim takes to come into use: up to 1 + 2 + 2 + 2 seconds.
const LONG: Duration = Duration::from_secs(8);

/// Request by the peer for the local address.
const REQUEST: PacketFields = PacketFields {
    operation: Operation::REQUEST,
    sender_hardware: PEER_MAC,
    sender_protocol: PEER,
    target_hardware: MacAddr::ZERO,
    target_protocol: LOCAL,
};
/// Request by the peer from the local address: a conflict.
const OTHER_USER: PacketFields = PacketFields { sender_protocol: LOCAL, ..REQUEST };
/// Probe by the peer for the local address.
const OTHER_PROBE: PacketFields = PacketFields { sender_protocol: Ipv4Addr::UNSPECIFIED, ..REQUEST };

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + Duration::from_millis(millis)
}

/// Returns ARP without a local address.
fn without_address(defense: Defense) -> Segment {
    Segment::new(ArpConfig { defense, ..ArpConfig::default() })
}

/// Returns ARP with a claim to the local address.
fn claimed(start: StartMode, defense: Defense) -> Segment {
    let mut arp = without_address(defense);
    arp.claim(at(0), IDENTITY, start).unwrap();
    arp
}

fn receive(arp: &mut Segment, now: Instant, fields: PacketFields) -> Result<Reception, ArpDropReason> {
    arp.receive_fields(now, fields)
}

fn is_answered(arp: &mut Segment, now: Instant, fields: PacketFields) -> bool {
    receive(arp, now, fields).is_ok_and(|received| received.reply.is_some())
}

/// Polls at each deadline up to `until`. Returns the packets with their times.
fn run_until(arp: &mut Segment, until: Instant) -> Vec<(Instant, PacketFields)> {
    let mut all = Vec::new();
    while let Some(now) = arp.deadline().filter(|due| *due <= until) {
        while let Some(due) = arp.poll(now) {
            let ArpAction::Broadcast(fields) = due else { panic!("unexpected {due:?}") };
            all.push((now, fields));
        }
    }
    all
}

fn events(arp: &mut Segment) -> Vec<ClaimEvent> {
    let claim = |event| match event {
        ArpEvent::Claim(event) => Some(event),
        ArpEvent::Neighbor(_) => None,
    };
    std::iter::from_fn(|| arp.take_event()).filter_map(claim).collect()
}

// proves: rfc5227-answers
#[test]
fn probed_address_gets_reply_from_first_announcement() {
    let mut arp = claimed(StartMode::Probe, Defense::Always);
    let mut announced = false;
    for _ in 0..4 {
        let now = arp.deadline().unwrap();
        announced |= run_until(&mut arp, now).iter().any(|(_, fields)| fields.sender_protocol == LOCAL);
        assert_eq!(is_answered(&mut arp, now, REQUEST), announced, "{now:?}");
    }
    assert!(announced && is_answered(&mut arp, at(0) + LONG, OTHER_PROBE));
}

// proves: rfc5227-answers
#[test]
fn probed_address_is_bound_and_announced() {
    let mut arp = claimed(StartMode::Probe, Defense::Always);
    assert!(!is_answered(&mut arp, at(0), REQUEST));
    let all = run_until(&mut arp, at(0) + LONG);
    let senders = all.iter().map(|(_, fields)| fields.sender_protocol).collect::<Vec<_>>();
    assert!(
        senders.starts_with(&[Ipv4Addr::UNSPECIFIED; 3])
            && senders[3..].iter().all(|sender| *sender == LOCAL)
    );
    assert!(is_answered(&mut arp, at(0) + LONG, REQUEST));
    assert!(is_answered(&mut arp, at(0) + LONG, OTHER_PROBE));
    assert_eq!(arp.claim_packets_sent(), u64::try_from(all.len()).unwrap());
    assert_eq!(arp.table.mac_of(LOCAL), Some(LOCAL_MAC));
    let newly_bound = ClaimEvent::Bound { ip: LOCAL, mac: LOCAL_MAC };
    assert_eq!(events(&mut arp), [ClaimEvent::Probing { ip: LOCAL }, newly_bound]);
    assert_eq!(arp.new_owner(), None);
}

// proves: rfc5227-plain-request, rfc5227-echo
#[test]
fn probing_ignores_plain_request_and_echo_of_own_probe() {
    let mut arp = claimed(StartMode::Probe, Defense::Always);
    assert!(receive(&mut arp, at(1), REQUEST).is_ok_and(|received| received.reply.is_none()));
    let echo = PacketFields { sender_hardware: LOCAL_MAC, ..OTHER_PROBE };
    assert_eq!(receive(&mut arp, at(1), echo), Err(ArpDropReason::OwnEcho));
    assert_eq!(events(&mut arp), [ClaimEvent::Probing { ip: LOCAL }]);
}

// proves: rfc5227-probe-conflict, rfc5227-given-up, rfc5227-simultaneous-probe
#[test]
fn probing_ends_when_other_host_uses_or_probes_for_address() {
    for (other_user, verdict) in [(OTHER_USER, Some(ArpDropReason::Conflict)), (OTHER_PROBE, None)] {
        let mut arp = claimed(StartMode::Probe, Defense::Always);
        events(&mut arp);
        assert_eq!(receive(&mut arp, at(1), other_user).err(), verdict);
        let conflict = ClaimEvent::ProbeConflict { ip: LOCAL, mac: PEER_MAC };
        assert_eq!(events(&mut arp), [conflict]);
        assert_eq!(arp.new_owner(), Some(Identity { ip: LOCAL, mac: PEER_MAC }));
        assert_eq!((arp.deadline(), arp.poll(at(9_000))), (None, None));
    }
}

// proves: rfc5227-cease, rfc5227-once, rfc5227-given-up
#[test]
fn ceased_address_gets_no_reply() {
    for (start, defense, conflicts) in [
        (StartMode::Immediate, Defense::Cease, 1),
        (StartMode::Announce, Defense::Cease, 1),
        (StartMode::Immediate, Defense::Once, 2),
        (StartMode::Announce, Defense::Once, 2),
    ] {
        let mut arp = claimed(start, defense);
        assert!(is_answered(&mut arp, at(0), REQUEST));
        for conflict in 0..conflicts {
            assert_eq!(arp.new_owner(), None, "{start:?} {defense:?}");
            assert_eq!(receive(&mut arp, at(conflict), OTHER_USER), Err(ArpDropReason::Conflict));
        }
        assert!(!is_answered(&mut arp, at(5), REQUEST), "{start:?} {defense:?}");
        assert_eq!(arp.new_owner(), Some(Identity { ip: LOCAL, mac: PEER_MAC }));
        assert_eq!(events(&mut arp).pop(), Some(ClaimEvent::Ceased { ip: LOCAL, mac: PEER_MAC }));
        assert_eq!(arp.poll(at(20_000)), None);
    }
}

// proves: sender-protocol-local, rfc5227-always, rfc5227-defend-interval
#[test]
fn immediate_address_is_defended_on_conflict() {
    let mut arp = claimed(StartMode::Immediate, Defense::Always);
    assert_eq!((arp.deadline(), events(&mut arp)), (None, vec![]));
    let mut announced = Vec::new();
    for step in 0..100_u32 {
        let now = at(0) + DEFEND_INTERVAL * step / 4;
        assert_eq!(receive(&mut arp, now, OTHER_USER), Err(ArpDropReason::Conflict));
        announced.extend(run_until(&mut arp, now).into_iter().map(|(when, _)| when));
        assert!(is_answered(&mut arp, now, REQUEST));
    }
    assert_eq!(announced.len(), 25);
    assert!(announced.is_sorted_by(|one, next| next.since(*one) >= DEFEND_INTERVAL));
    let defended = ClaimEvent::Defended { ip: LOCAL, mac: PEER_MAC };
    assert_eq!(events(&mut arp).into_iter().filter(|event| *event == defended).count(), 25);
}

#[test]
fn claim_is_rejected_when_address_is_claimed() {
    for start in [StartMode::Immediate, StartMode::Announce, StartMode::Probe] {
        let mut arp = claimed(start, Defense::Always);
        for again in [StartMode::Immediate, StartMode::Announce, StartMode::Probe] {
            assert_eq!(arp.claim(at(0), IDENTITY, again), Err(AddressError::Overlap), "{start:?} {again:?}");
        }
    }
    let invalid = Identity { mac: MacAddr::BROADCAST, ..IDENTITY };
    let mut arp = without_address(Defense::Always);
    assert_eq!(arp.claim(at(0), invalid, StartMode::Probe), Err(AddressError::InvalidMac));
    assert_eq!(arp.select_link_local(at(0), MacAddr::ZERO), Err(AddressError::InvalidMac));
}

// proves: rfc5227-probe-times, clocks
#[test]
fn thousand_claims_keep_separate_timers_when_clock_goes_back() {
    for jump in [0, 500] {
        let mut arp = without_address(Defense::Always);
        let start = at(1_000_000);
        for number in 0..1_000_u16 {
            let [high, low] = number.to_be_bytes();
            let identity =
                Identity { ip: Ipv4Addr::new(10, 1, high, low), mac: MacAddr::new([2, 1, 0, 0, high, low]) };
            arp.claim(start, identity, StartMode::Probe).unwrap();
            while arp.take_event().is_some() {}
        }
        run_until(&mut arp, start + Duration::from_millis(jump));
        let now = if jump == 0 { start } else { at(0) };
        assert_eq!(arp.poll(now), None, "a packet is due early");
        let rest = run_until(&mut arp, now + LONG * 2);
        assert_eq!(arp.claim_packets_sent(), 5_000);
        let mut times = rest.iter().map(|(when, _)| *when).collect::<Vec<_>>();
        times.dedup();
        assert!(times.len() > 3_000, "too few different transmission times: {}", times.len());
        assert_eq!(arp.deadline(), None);
    }
}

// proves: rfc3927-broadcast, rfc3927-next
#[test]
fn link_local_reply_is_broadcast_and_lost_address_is_replaced() {
    let mut arp = without_address(Defense::Once);
    arp.select_link_local(at(0), LOCAL_MAC).unwrap();
    run_until(&mut arp, at(0) + LONG * 2);
    let first = arp.link_local_address(LOCAL_MAC).unwrap();
    let request = PacketFields { target_protocol: first, ..REQUEST };
    let now = at(0) + LONG * 2;
    let reply = receive(&mut arp, now, request).unwrap().reply.unwrap();
    assert_eq!((reply.mac, reply.destination), (LOCAL_MAC, MacAddr::BROADCAST));

    let other_user = PacketFields { sender_protocol: first, ..request };
    for _ in 0..2 {
        assert_eq!(receive(&mut arp, now, other_user), Err(ArpDropReason::Conflict));
    }
    assert_eq!((arp.link_local_address(LOCAL_MAC), arp.new_owner()), (None, None));
    assert!(!is_answered(&mut arp, now, request));
    run_until(&mut arp, now + LONG * 2);
    let second = arp.link_local_address(LOCAL_MAC).unwrap();
    assert!(second != first && second.is_link_local());
    assert!(is_answered(&mut arp, now + LONG * 2, PacketFields { target_protocol: second, ..REQUEST }));
    let probing = |event: &ClaimEvent| matches!(event, ClaimEvent::Probing { .. });
    assert_eq!(events(&mut arp).iter().filter(|event| probing(event)).count(), 2);
}

// proves: rfc3927-once
#[test]
fn link_local_conflict_causes_one_announcement() {
    let mut arp = without_address(Defense::Once);
    arp.select_link_local(at(0), LOCAL_MAC).unwrap();
    run_until(&mut arp, at(0) + LONG * 2);
    events(&mut arp);
    let (now, ip) = (at(0) + LONG * 2, arp.link_local_address(LOCAL_MAC).unwrap());
    receive(&mut arp, now, PacketFields { sender_protocol: ip, ..REQUEST }).unwrap_err();
    assert_eq!(events(&mut arp), [ClaimEvent::Defended { ip, mac: PEER_MAC }]);
    assert_eq!(run_until(&mut arp, now + LONG).len(), 1);
}

// proves: rfc5227-last
#[test]
fn new_owner_is_none_while_other_address_is_probed() {
    let mut arp = claimed(StartMode::Probe, Defense::Always);
    let other = Identity { ip: Ipv4Addr::new(10, 0, 0, 3), mac: LOCAL_MAC };
    arp.claim(at(0), other, StartMode::Probe).unwrap();
    receive(&mut arp, at(1), OTHER_USER).unwrap_err();
    assert_eq!(arp.new_owner(), None);
    receive(&mut arp, at(1), PacketFields { sender_protocol: other.ip, ..REQUEST }).unwrap_err();
    assert_eq!(arp.new_owner(), Some(Identity { mac: PEER_MAC, ..other }));
}

// proves: rfc3927-broadcast
#[test]
fn ordinary_address_gets_unicast_reply() {
    let mut arp = claimed(StartMode::Immediate, Defense::Always);
    assert_eq!(receive(&mut arp, at(0), REQUEST).unwrap().reply.unwrap().destination, PEER_MAC);
    assert_eq!(crate::destination(LOCAL, PEER_MAC), PEER_MAC);
    assert_eq!(crate::destination([169, 254, 3, 4].into(), PEER_MAC), MacAddr::BROADCAST);
}

#[test]
fn bound_address_leaves_neighbor_table() {
    for start in [StartMode::Immediate, StartMode::Announce, StartMode::Probe] {
        let mut arp = without_address(Defense::Always);
        arp.add_static(at(0), LOCAL, PEER_MAC).unwrap();
        arp.claim(at(0), IDENTITY, start).unwrap();
        run_until(&mut arp, at(0) + LONG);
        assert_eq!(arp.neighbors().get(LOCAL), None, "{start:?}");
    }
}

#[test]
fn probed_address_is_not_resolved() {
    let mut arp = claimed(StartMode::Probe, Defense::Always);
    assert_eq!(arp.add_static(at(0), LOCAL, PEER_MAC), Err(crate::AddError::LocalIp));
    assert_eq!(arp.resolve(at(0), LOCAL), crate::Resolution::Refused(()));
    receive(&mut arp, at(1), OTHER_USER).unwrap_err();
    assert_eq!(
        arp.add_static(at(1), LOCAL, PEER_MAC),
        Ok(()),
        "the address was refused after the claim had ended"
    );

    let mut arp = without_address(Defense::Once);
    arp.select_link_local(at(0), LOCAL_MAC).unwrap();
    let Some(ArpEvent::Claim(ClaimEvent::Probing { ip })) = arp.take_event() else {
        panic!("probing was not reported")
    };
    assert_eq!(arp.add_static(at(0), ip, PEER_MAC), Err(crate::AddError::LocalIp));
    receive(&mut arp, at(1), PacketFields { sender_protocol: ip, ..REQUEST }).unwrap_err();
    assert_eq!(
        arp.add_static(at(1), ip, PEER_MAC),
        Ok(()),
        "the address was refused after the next candidate was selected"
    );
}

#[test]
fn invalid_neighbor_is_neither_resolved_nor_added() {
    let mut arp = claimed(StartMode::Immediate, Defense::Always);
    for invalid in
        [LOCAL, Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST, [127, 0, 0, 1].into(), [224, 0, 0, 1].into()]
    {
        assert_eq!(arp.resolve(at(0), invalid), crate::Resolution::Refused(()), "{invalid}");
        let error = if invalid == LOCAL { crate::AddError::LocalIp } else { crate::AddError::InvalidIp };
        assert_eq!(arp.add_static(at(0), invalid, PEER_MAC), Err(error), "{invalid}");
    }
    assert_eq!(arp.add_static(at(0), PEER, LOCAL_MAC), Err(crate::AddError::InvalidMac));
    assert!(arp.neighbors().is_empty());
}
