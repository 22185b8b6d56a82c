//! A link that becomes active, and probes that it refuses.

use super::*;

const UP: Duration = Duration::from_mins(1);

/// A claim that began so, a minute later, when the link becomes active.
fn up_again(start: Start, defence: Defence) -> Segment {
    let mut arp = began(start, defence);
    said(&mut arp, at(0) + UP);
    events(&mut arp);
    arp.link_up(at(0) + UP);
    arp
}

// proves: rfc5227-link-up
#[test]
fn probed_address_is_probed_for_again_before_use_when_the_link_becomes_active() {
    let mut arp = up_again(Start::Probe, Defence::Always);
    assert_eq!(events(&mut arp), [ClaimEvent::Probing { protocol: OURS }]);
    assert!(arp.is_probing() && arp.locals().is_empty());
    assert!(!is_answered(&mut arp, at(0) + UP, REQUEST));
    let all = said(&mut arp, at(0) + UP + LONG);
    let senders: Vec<_> = all.iter().map(|(_, fields)| fields.sender_protocol).collect();
    assert_eq!(senders, [[Ipv4Addr::UNSPECIFIED; 3].as_slice(), &[OURS; 2]].concat());
    assert_eq!(events(&mut arp), [ClaimEvent::Bound { protocol: OURS, hardware: OUR_MAC }]);
    assert!(is_answered(&mut arp, at(0) + UP + LONG, REQUEST));
}

// proves: rfc5227-link-up
#[test]
fn address_taken_while_the_link_was_inactive_is_given_up_under_every_defence() {
    for defence in [Defence::Cease, Defence::Once, Defence::Always] {
        let mut arp = up_again(Start::Probe, defence);
        said(&mut arp, at(0) + UP + Duration::from_secs(1));
        hear(&mut arp, at(0) + UP + Duration::from_secs(1), RIVAL).unwrap_err();
        assert_eq!(arp.ceased(), Some(Identity { protocol: OURS, hardware: PEER_MAC }), "{defence:?}");
        assert!(said(&mut arp, at(0) + UP * 2).is_empty());
    }
}

// proves: rfc5227-link-up
#[test]
fn link_that_becomes_active_while_probing_begins_the_probing_again() {
    let mut arp = began(Start::Probe, Defence::Always);
    let second = at(2_000);
    let before = said(&mut arp, second).len();
    assert!(before > 0);
    arp.link_up(second);
    let probes = said(&mut arp, second + LONG);
    assert_eq!(probes.iter().filter(|(_, fields)| fields.sender_protocol.is_unspecified()).count(), 3);
}

// proves: rfc5227-link-up, rfc5227-defend-interval
#[test]
fn defence_of_an_address_probed_for_again_is_an_interval_after_the_one_before() {
    let mut arp = began(Start::Probe, Defence::Always);
    said(&mut arp, at(0) + LONG);
    // After the announcements, a defence; the link comes back, and the probing takes less than the interval.
    let defended = at(60_000);
    hear(&mut arp, defended, RIVAL).unwrap_err();
    assert_eq!(said(&mut arp, defended).len(), 1);
    arp.link_up(defended);
    said(&mut arp, defended + LONG);
    assert!(arp.locals().has(OURS));
    events(&mut arp);
    hear(&mut arp, defended + LONG, RIVAL).unwrap_err();
    assert_eq!(events(&mut arp), [ClaimEvent::Conflict { protocol: OURS, hardware: PEER_MAC }]);
    assert!(said(&mut arp, defended + LONG).iter().all(|(now, _)| *now != defended + LONG));
}

// proves: link-up-silent
#[test]
fn announced_address_is_announced_again_and_one_used_without_a_word_is_not() {
    for (start, announcements) in [(Start::Announce, 2), (Start::AtOnce, 0)] {
        let mut arp = up_again(start, Defence::Always);
        assert!(is_answered(&mut arp, at(0) + UP, REQUEST), "{start:?}");
        let all = said(&mut arp, at(0) + UP + LONG);
        assert_eq!(all.len(), announcements, "{start:?}");
        assert!(all.iter().all(|(_, fields)| fields.sender_protocol == OURS));
    }
}

// proves: rfc3927-link-up
#[test]
fn link_local_address_is_probed_for_again_when_the_link_becomes_active() {
    let mut arp = silent(Defence::Once);
    arp.select(at(0), OUR_MAC).unwrap();
    said(&mut arp, at(0) + UP);
    let protocol = arp.selected().unwrap();
    events(&mut arp);
    arp.link_up(at(0) + UP);
    assert_eq!((arp.selected(), arp.locals().is_empty(), arp.is_probing()), (None, true, true));
    let all = said(&mut arp, at(0) + UP + LONG);
    assert_eq!(all.iter().filter(|(_, fields)| fields.sender_protocol.is_unspecified()).count(), 3);
    assert!(all.iter().all(|(_, fields)| fields.target_protocol == protocol));
    let bound = ClaimEvent::Bound { protocol, hardware: OUR_MAC };
    assert_eq!(events(&mut arp), [ClaimEvent::Probing { protocol }, bound]);
    assert_eq!(arp.selected(), Some(protocol));
}

// proves: rfc5227-unheard
#[test]
fn refused_frame_restarts_only_claims_whose_probe_may_be_the_refused_one() {
    let mut arp = began(Start::Probe, Defence::Always);
    let first = arp.deadline().unwrap();
    assert_eq!(said(&mut arp, first).len(), 1);
    arp.transmitted();
    let next = arp.deadline();
    arp.unheard(first);
    assert_eq!(arp.deadline(), next, "the probe was taken: what was refused is another frame");

    let second = next.unwrap();
    assert_eq!(said(&mut arp, second).len(), 1);
    arp.unheard(second);
    let again = said(&mut arp, second + LONG);
    assert_eq!(again.iter().filter(|(_, fields)| fields.sender_protocol.is_unspecified()).count(), 3);
}

// proves: rfc5227-unheard
#[test]
fn refusal_restarts_all_claims_when_more_probed_than_are_kept() {
    let mut arp = silent(Defence::Always);
    for number in 0..300_u16 {
        let [high, low] = number.to_be_bytes();
        let hardware = MacAddr::new([2, 1, 0, 0, high, low]);
        let protocol = Ipv4Addr::new(10, 1, high, low);
        arp.claim(at(0), Identity { protocol, hardware }, Start::Probe).unwrap();
    }
    let mut probes = said(&mut arp, at(1_000)).len();
    assert_eq!(probes, 300);
    arp.unheard(at(1_000));
    probes = 0;
    for (_, fields) in said(&mut arp, at(1_000) + LONG) {
        probes += usize::from(fields.sender_protocol.is_unspecified());
    }
    assert_eq!(probes, 900);
}
