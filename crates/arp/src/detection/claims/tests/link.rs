//! Link changes, and probes that the device rejects.

use super::*;

const UP: Duration = Duration::from_mins(1);

/// Returns ARP with a claim, one minute later, when the link comes up.
fn up_again(start: StartMode, defense: Defense) -> Segment {
    let mut arp = claimed(start, defense);
    run_until(&mut arp, at(0) + UP);
    events(&mut arp);
    arp.link_up(at(0) + UP);
    arp
}

// proves: rfc5227-link-up
#[test]
fn probed_address_is_probed_again_before_use_when_link_comes_up() {
    let mut arp = up_again(StartMode::Probe, Defense::Always);
    assert_eq!(events(&mut arp), [ClaimEvent::Probing { ip: LOCAL }]);
    assert!(arp.is_probing() && !arp.table.has_address_in_use());
    assert!(!is_answered(&mut arp, at(0) + UP, REQUEST));
    let all = run_until(&mut arp, at(0) + UP + LONG);
    let senders: Vec<_> = all.iter().map(|(_, fields)| fields.sender_protocol).collect();
    assert_eq!(senders, [[Ipv4Addr::UNSPECIFIED; 3].as_slice(), &[LOCAL; 2]].concat());
    assert_eq!(events(&mut arp), [ClaimEvent::Bound { ip: LOCAL, mac: LOCAL_MAC }]);
    assert!(is_answered(&mut arp, at(0) + UP + LONG, REQUEST));
}

// proves: rfc5227-link-up
#[test]
fn address_taken_during_link_down_is_given_up_under_every_defense() {
    for defense in [Defense::Cease, Defense::Once, Defense::Always] {
        let mut arp = up_again(StartMode::Probe, defense);
        run_until(&mut arp, at(0) + UP + Duration::from_secs(1));
        receive(&mut arp, at(0) + UP + Duration::from_secs(1), OTHER_USER).unwrap_err();
        assert_eq!(arp.new_owner(), Some(Identity { ip: LOCAL, mac: PEER_MAC }), "{defense:?}");
        assert!(run_until(&mut arp, at(0) + UP * 2).is_empty());
    }
}

// proves: rfc5227-link-up
#[test]
fn probing_restarts_when_link_comes_up() {
    let mut arp = claimed(StartMode::Probe, Defense::Always);
    let second = at(2_000);
    let before = run_until(&mut arp, second).len();
    assert!(before > 0);
    arp.link_up(second);
    let probes = run_until(&mut arp, second + LONG);
    assert_eq!(probes.iter().filter(|(_, fields)| fields.sender_protocol.is_unspecified()).count(), 3);
}

// proves: rfc5227-link-up, rfc5227-defend-interval
#[test]
fn defense_after_second_probing_keeps_defend_interval() {
    let mut arp = claimed(StartMode::Probe, Defense::Always);
    run_until(&mut arp, at(0) + LONG);
    // A defense follows the announcements. Then the link comes up, and probing takes less than the interval.
    let defended = at(60_000);
    receive(&mut arp, defended, OTHER_USER).unwrap_err();
    assert_eq!(run_until(&mut arp, defended).len(), 1);
    arp.link_up(defended);
    run_until(&mut arp, defended + LONG);
    assert!(arp.table.mac_of(LOCAL).is_some());
    events(&mut arp);
    receive(&mut arp, defended + LONG, OTHER_USER).unwrap_err();
    assert_eq!(events(&mut arp), [ClaimEvent::Conflict { ip: LOCAL, mac: PEER_MAC }]);
    assert!(run_until(&mut arp, defended + LONG).iter().all(|(now, _)| *now != defended + LONG));
}

// proves: link-up-silent
#[test]
fn announced_address_is_announced_again_when_link_comes_up_and_immediate_address_is_not() {
    for (start, announcements) in [(StartMode::Announce, 2), (StartMode::Immediate, 0)] {
        let mut arp = up_again(start, Defense::Always);
        assert!(is_answered(&mut arp, at(0) + UP, REQUEST), "{start:?}");
        let all = run_until(&mut arp, at(0) + UP + LONG);
        assert_eq!(all.len(), announcements, "{start:?}");
        assert!(all.iter().all(|(_, fields)| fields.sender_protocol == LOCAL));
    }
}

// proves: rfc3927-link-up
#[test]
fn link_local_address_is_probed_again_when_link_comes_up() {
    let mut arp = without_address(Defense::Once);
    arp.select_link_local(at(0), LOCAL_MAC).unwrap();
    run_until(&mut arp, at(0) + UP);
    let ip = arp.link_local_address(LOCAL_MAC).unwrap();
    events(&mut arp);
    arp.link_up(at(0) + UP);
    assert_eq!(
        (arp.link_local_address(LOCAL_MAC), !arp.table.has_address_in_use(), arp.is_probing()),
        (None, true, true)
    );
    let all = run_until(&mut arp, at(0) + UP + LONG);
    assert_eq!(all.iter().filter(|(_, fields)| fields.sender_protocol.is_unspecified()).count(), 3);
    assert!(all.iter().all(|(_, fields)| fields.target_protocol == ip));
    let newly_bound = ClaimEvent::Bound { ip, mac: LOCAL_MAC };
    assert_eq!(events(&mut arp), [ClaimEvent::Probing { ip }, newly_bound]);
    assert_eq!(arp.link_local_address(LOCAL_MAC), Some(ip));
}

// proves: rfc5227-probe-refused
#[test]
fn refused_probe_restarts_probing_of_its_address_only() {
    let mut arp = without_address(Defense::Always);
    let claim_of =
        |number| Identity { ip: Ipv4Addr::new(10, 0, 0, number), mac: MacAddr::new([2, 0, 0, 0, 1, number]) };
    for number in 1..=3 {
        arp.claim(at(0), claim_of(number), StartMode::Probe).unwrap();
    }
    let refused = claim_of(2).ip;
    assert_eq!(run_until(&mut arp, at(1_000)).len(), 3);
    arp.claim_packet_refused(at(1_000), refused);
    assert_eq!(arp.claim_packets_refused(), 1);
    let packets = run_until(&mut arp, at(1_000) + LONG);
    for (number, probes) in [(1, 2), (2, 3), (3, 2)] {
        let ip = claim_of(number).ip;
        let sent = packets.iter().filter(|(_, fields)| {
            *fields
                == PacketFields {
                    operation: Operation::REQUEST,
                    sender_hardware: claim_of(number).mac,
                    sender_protocol: Ipv4Addr::UNSPECIFIED,
                    target_hardware: MacAddr::ZERO,
                    target_protocol: ip,
                }
        });
        assert_eq!(sent.count(), probes, "{ip}");
        assert!(arp.table.mac_of(ip).is_some());
    }
}

// proves: rfc5227-probe-refused
#[test]
fn refused_request_or_packet_of_other_address_leaves_probing_unchanged() {
    let mut arp = claimed(StartMode::Probe, Defense::Always);
    let first = arp.deadline().unwrap();
    assert_eq!(run_until(&mut arp, first).len(), 1);
    let next = arp.deadline();
    arp.request_refused(first, LOCAL);
    arp.claim_packet_refused(first, Ipv4Addr::new(10, 0, 0, 99));
    assert_eq!(arp.deadline(), next, "probing restarted");
}

// proves: rfc5227-probe-refused
#[test]
fn refused_probe_restarts_probing_of_link_local_address() {
    let mut arp = without_address(Defense::Once);
    arp.select_link_local(at(0), LOCAL_MAC).unwrap();
    let first = arp.deadline().unwrap();
    let sent = run_until(&mut arp, first);
    let ip = sent[0].1.target_protocol;
    arp.claim_packet_refused(first, ip);
    let again = run_until(&mut arp, first + LONG);
    assert_eq!(again.iter().filter(|(_, fields)| fields.sender_protocol.is_unspecified()).count(), 3);
    assert_eq!(arp.link_local_address(LOCAL_MAC), Some(ip));
}
