//! Conflicts over many addresses.

use super::*;
use crate::test_segment::range;

const HOSTS: u32 = 1 << 16;

/// Returns ARP with all addresses of 10.1.0.0/16 in use.
fn many(defense: Defense) -> Segment {
    let mut arp = without_address(defense);
    let range = range(address(0), address(HOSTS - 1), MacAddr::new([2, 1, 0, 0, 0, 0]));
    arp.claim_range(at(0), range, StartMode::Immediate).unwrap();
    arp
}

fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a01_0000 + number)
}

fn receive_conflict(arp: &mut Segment, now: Instant, number: u32) {
    assert_eq!(
        receive(arp, now, PacketFields { sender_protocol: address(number), ..OTHER_USER }),
        Err(ArpDropReason::Conflict)
    );
}

// proves: defense-rate, defense-removed
#[test]
fn conflicts_over_range_are_rate_limited_and_leave_no_state() {
    let mut arp = many(Defense::Always);
    let mut announced = 0;
    for number in 0..HOSTS {
        let now = at(u64::from(number) / 64);
        receive_conflict(&mut arp, now, number);
        announced += run_until(&mut arp, now).len();
        // These sizes bound the cost of `is_probing`, `deadline` and `poll`.
        assert!(arp.claims.active.len() <= 160 && arp.claims.due.len() <= 160);
        assert!(!arp.is_probing());
    }
    // 1,024 ms are two windows of 16 defenses.
    assert_eq!(announced, 32);
    assert_eq!(arp.defenses_suppressed(), u64::from(HOSTS) - 32);
    assert!(run_until(&mut arp, at(1_024) + DEFEND_INTERVAL).is_empty());
    assert!(arp.claims.active.is_empty() && arp.claims.due.is_empty());
    assert_eq!(arp.deadline(), None);
    assert!(is_answered(&mut arp, at(60_000), PacketFields { target_protocol: address(7), ..REQUEST }));
}

// proves: defense-rate
#[test]
fn adjacent_windows_have_at_most_32_defenses() {
    let mut arp = many(Defense::Always);
    let mut announced = 0;
    for (number, millis) in [(0, 0), (100, 990), (200, 1_000)] {
        for number in number..number + if millis == 0 { 1 } else { 100 } {
            receive_conflict(&mut arp, at(millis), number);
        }
        announced += run_until(&mut arp, at(millis)).len();
    }
    assert_eq!(announced, 32);
}

// proves: defense-rate, rfc5227-once
#[test]
fn once_ceases_at_second_conflict_when_first_defense_was_suppressed() {
    let mut arp = many(Defense::Once);
    for number in 0..17 {
        receive_conflict(&mut arp, at(0), number);
    }
    assert_eq!((run_until(&mut arp, at(0)).len(), arp.defenses_suppressed()), (16, 1));
    assert_eq!(events(&mut arp).pop(), Some(ClaimEvent::Conflict { ip: address(16), mac: PEER_MAC }));
    receive_conflict(&mut arp, at(5_000), 16);
    assert_eq!(events(&mut arp).pop(), Some(ClaimEvent::Ceased { ip: address(16), mac: PEER_MAC }));
    // The other claims are removed later.
    assert_eq!((arp.claims.active.len(), arp.claims.due.len()), (16, 16));
}

// proves: defense-removed
#[test]
fn one_poll_forgets_bounded_number_of_claims() {
    let mut arp = many(Defense::Once);
    for number in 0..HOSTS {
        receive_conflict(&mut arp, at(0), number);
    }
    assert_eq!(run_until(&mut arp, at(0)).len(), 16);
    let now = at(0) + DEFEND_INTERVAL;
    let mut left = arp.claims.active.len();
    assert_eq!(left, 65_536);
    while arp.deadline() == Some(now) {
        assert_eq!(arp.poll(now), None);
        let forgotten = left - arp.claims.active.len();
        assert!((1..=64).contains(&forgotten), "{forgotten}");
        left -= forgotten;
    }
    assert_eq!((left, arp.deadline()), (0, None));
}

#[test]
fn probing_claims_are_counted() {
    let mut arp = without_address(Defense::Always);
    for number in 0..3 {
        let mac = LOCAL_MAC.plus(number.into()).unwrap();
        arp.claim(at(0), Identity { ip: address(number), mac }, StartMode::Probe).unwrap();
    }
    assert_eq!((arp.claims.probing, arp.is_probing()), (3, true));
    receive_conflict(&mut arp, at(1), 1);
    assert_eq!((arp.claims.probing, arp.is_probing()), (2, true));
    run_until(&mut arp, at(0) + LONG);
    assert_eq!((arp.claims.probing, arp.is_probing()), (0, false));
    arp.link_up(at(0) + LONG);
    assert_eq!((arp.claims.probing, arp.is_probing()), (2, true));
}

/// Polls at each deadline, in turns of up to 64 packets, and takes the events after each turn.
fn events_of_turns(arp: &mut Segment, until: Instant) -> Vec<ClaimEvent> {
    let mut all = events(arp);
    while let Some(now) = arp.deadline().filter(|due| *due <= until) {
        for _ in 0..64 {
            if arp.poll(now).is_none() {
                break;
            }
        }
        all.extend(events(arp));
    }
    all
}

// proves: probing-reported
#[test]
fn claims_that_start_at_once_report_every_address_once() {
    let claimed: Vec<_> = (0..4_096).map(address).collect();
    let mut arp = without_address(Defense::Always);
    let range = range(claimed[0], claimed[4_095], MacAddr::new([2, 1, 0, 0, 0, 0]));
    arp.claim_range(at(0), range, StartMode::Probe).unwrap();
    for start in [at(0), at(60_000)] {
        arp.link_up(start);
        let (probing, others): (Vec<_>, Vec<_>) = events_of_turns(&mut arp, start + LONG)
            .into_iter()
            .partition(|event| matches!(event, ClaimEvent::Probing { .. }));
        assert_eq!(probing, claimed.iter().map(|ip| ClaimEvent::Probing { ip: *ip }).collect::<Vec<_>>());
        let mut bound: Vec<_> = others.into_iter().map(ClaimEvent::ip).collect();
        bound.sort_unstable();
        assert_eq!(bound, claimed);
        assert_eq!(arp.events_lost(), 0);
    }
}

// proves: probing-reported
#[test]
fn start_of_probing_is_reported_before_later_event_of_same_address() {
    let mut arp = claimed(StartMode::Probe, Defense::Always);
    let other = Identity { ip: PEER, mac: MacAddr::new([2, 0, 0, 0, 0, 9]) };
    arp.claim(at(0), other, StartMode::Probe).unwrap();
    receive(&mut arp, at(0), PacketFields { sender_protocol: PEER, ..OTHER_USER }).unwrap_err();
    let ended = ClaimEvent::ProbeConflict { ip: PEER, mac: PEER_MAC };
    let expected = [ClaimEvent::Probing { ip: PEER }, ended, ClaimEvent::Probing { ip: LOCAL }];
    assert_eq!(events(&mut arp), expected);
}
