use super::*;
use crate::constants::DEFEND_INTERVAL;
use crate::{Config, Dropped, Due, Locals, Operation, Received};

mod keys;
mod link;
mod many;

const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const OUR_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 7]);
const IDENTITY: Identity = Identity { protocol: OURS, hardware: OUR_MAC };
/// Longer than any claim takes until it is in use: 1 + 2 + 2 + 2 seconds.
const LONG: Duration = Duration::from_secs(8);

/// The peer asks for our address.
const REQUEST: Fields = Fields {
    operation: Operation::REQUEST,
    sender_hardware: PEER_MAC,
    sender_protocol: PEER,
    target_hardware: MacAddr::ZERO,
    target_protocol: OURS,
};
/// The peer says that our address is its own.
const RIVAL: Fields = Fields { sender_protocol: OURS, ..REQUEST };
/// The peer wants our address too.
const RIVAL_PROBE: Fields = Fields { sender_protocol: Ipv4Addr::UNSPECIFIED, ..REQUEST };

type Segment = Arp<()>;

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + Duration::from_millis(millis)
}

/// A segment on which we use nothing yet.
fn silent(defence: Defence) -> Segment {
    Segment::new(Locals::default(), Config { defence, ..Config::default() })
}

/// A segment on which we began so.
fn began(start: Start, defence: Defence) -> Segment {
    let mut arp = silent(defence);
    arp.claim(at(0), IDENTITY, start).unwrap();
    arp
}

fn hear(arp: &mut Segment, now: Instant, fields: Fields) -> Result<Received, Dropped> {
    let mut octets = [0; Fields::LENGTH];
    fields.write_to(&mut octets).unwrap();
    arp.receive(now, None, &octets)
}

fn is_answered(arp: &mut Segment, now: Instant, fields: Fields) -> bool {
    hear(arp, now, fields).is_ok_and(|received| received.answer.is_some())
}

/// All that is said until then, and when.
fn said(arp: &mut Segment, until: Instant) -> Vec<(Instant, Fields)> {
    let mut all = Vec::new();
    while let Some(now) = arp.deadline().filter(|due| *due <= until) {
        while let Some(due) = arp.poll(now) {
            let Due::Say(fields) = due else { panic!("no parcel waits") };
            all.push((now, fields));
        }
    }
    all
}

fn events(arp: &mut Segment) -> Vec<ClaimEvent> {
    let claim = |event| match event {
        Event::Claim(event) => Some(event),
        Event::Neighbor(_) => None,
    };
    std::iter::from_fn(|| arp.take_event()).filter_map(claim).collect()
}

// proves: rfc5227-answers
#[test]
fn a_probed_address_is_answered_for_from_the_first_announcement_on() {
    let mut arp = began(Start::Probe, Defence::Always);
    let mut announced = false;
    for _ in 0..4 {
        let now = arp.deadline().unwrap();
        announced |= said(&mut arp, now).iter().any(|(_, fields)| fields.sender_protocol == OURS);
        assert_eq!(is_answered(&mut arp, now, REQUEST), announced, "{now:?}");
    }
    assert!(announced && is_answered(&mut arp, at(0) + LONG, RIVAL_PROBE));
}

// proves: rfc5227-answers
#[test]
fn probing_and_announcing_it_comes_into_use() {
    let mut arp = began(Start::Probe, Defence::Always);
    assert!(!is_answered(&mut arp, at(0), REQUEST));
    let all = said(&mut arp, at(0) + LONG);
    let senders = all.iter().map(|(_, fields)| fields.sender_protocol).collect::<Vec<_>>();
    assert!(
        senders.starts_with(&[Ipv4Addr::UNSPECIFIED; 3]) && senders[3..].iter().all(|ours| *ours == OURS)
    );
    assert!(is_answered(&mut arp, at(0) + LONG, REQUEST));
    assert!(is_answered(&mut arp, at(0) + LONG, RIVAL_PROBE));
    assert_eq!(arp.said(), u64::try_from(all.len()).unwrap());
    assert_eq!(arp.locals().hardware_of(OURS), Some(OUR_MAC));
    let bound = ClaimEvent::Bound { protocol: OURS, hardware: OUR_MAC };
    assert_eq!(events(&mut arp), [ClaimEvent::Probing { protocol: OURS }, bound]);
    assert_eq!(arp.ceased(), None);
}

// proves: rfc5227-plain-request, rfc5227-echo
#[test]
fn while_probing_a_request_and_our_own_echo_are_no_conflict() {
    let mut arp = began(Start::Probe, Defence::Always);
    assert!(hear(&mut arp, at(1), REQUEST).is_ok_and(|received| received.answer.is_none()));
    let echo = Fields { sender_hardware: OUR_MAC, ..RIVAL_PROBE };
    assert_eq!(hear(&mut arp, at(1), echo), Err(Dropped::OwnEcho));
    assert_eq!(events(&mut arp), [ClaimEvent::Probing { protocol: OURS }]);
}

// proves: rfc5227-probe-conflict, rfc5227-given-up, rfc5227-rival-probe
#[test]
fn who_has_the_address_or_wants_it_too_ends_the_probing_and_is_named() {
    for (rival, verdict) in [(RIVAL, Some(Dropped::Conflict)), (RIVAL_PROBE, None)] {
        let mut arp = began(Start::Probe, Defence::Always);
        events(&mut arp);
        assert_eq!(hear(&mut arp, at(1), rival).err(), verdict);
        let conflict = ClaimEvent::ProbeConflict { protocol: OURS, hardware: PEER_MAC };
        assert_eq!(events(&mut arp), [conflict]);
        assert_eq!(arp.ceased(), Some(Identity { protocol: OURS, hardware: PEER_MAC }));
        assert_eq!((arp.deadline(), arp.poll(at(9_000))), (None, None));
    }
}

// proves: rfc5227-cease, rfc5227-once, rfc5227-given-up
#[test]
fn an_address_that_is_given_up_is_answered_for_no_more() {
    for (start, defence, conflicts) in [
        (Start::AtOnce, Defence::Cease, 1),
        (Start::Announce, Defence::Cease, 1),
        (Start::AtOnce, Defence::Once, 2),
        (Start::Announce, Defence::Once, 2),
    ] {
        let mut arp = began(start, defence);
        assert!(is_answered(&mut arp, at(0), REQUEST));
        for conflict in 0..conflicts {
            assert_eq!(arp.ceased(), None, "{start:?} {defence:?}");
            assert_eq!(hear(&mut arp, at(conflict), RIVAL), Err(Dropped::Conflict));
        }
        assert!(!is_answered(&mut arp, at(5), REQUEST), "{start:?} {defence:?}");
        assert_eq!(arp.ceased(), Some(Identity { protocol: OURS, hardware: PEER_MAC }));
        assert_eq!(events(&mut arp).pop(), Some(ClaimEvent::Ceased { protocol: OURS, hardware: PEER_MAC }));
        assert_eq!(arp.poll(at(20_000)), None);
    }
}

// proves: sender-protocol-ours, rfc5227-always, rfc5227-defend-interval
#[test]
fn an_address_used_without_a_word_is_defended_when_it_has_to_be() {
    let mut arp = began(Start::AtOnce, Defence::Always);
    assert_eq!((arp.deadline(), events(&mut arp)), (None, vec![]));
    let mut announced = Vec::new();
    for step in 0..100_u32 {
        let now = at(0) + DEFEND_INTERVAL * step / 4;
        assert_eq!(hear(&mut arp, now, RIVAL), Err(Dropped::Conflict));
        announced.extend(said(&mut arp, now).into_iter().map(|(when, _)| when));
        assert!(is_answered(&mut arp, now, REQUEST));
    }
    assert_eq!(announced.len(), 25);
    assert!(announced.is_sorted_by(|one, next| next.since(*one) >= DEFEND_INTERVAL));
    let defended = ClaimEvent::Defended { protocol: OURS, hardware: PEER_MAC };
    assert_eq!(events(&mut arp).into_iter().filter(|event| *event == defended).count(), 25);
}

#[test]
fn what_is_claimed_cannot_be_claimed_again() {
    for start in [Start::AtOnce, Start::Announce, Start::Probe] {
        let mut arp = began(start, Defence::Always);
        for again in [Start::AtOnce, Start::Announce, Start::Probe] {
            assert_eq!(arp.claim(at(0), IDENTITY, again), Err(LocalsError::Overlap), "{start:?} {again:?}");
        }
    }
    let nobody = Identity { hardware: MacAddr::BROADCAST, ..IDENTITY };
    let mut arp = silent(Defence::Always);
    assert_eq!(arp.claim(at(0), nobody, Start::Probe), Err(LocalsError::Hardware));
    assert_eq!(arp.select(at(0), MacAddr::ZERO), Err(LocalsError::Hardware));
}

// proves: rfc5227-probe-times, clocks
#[test]
fn a_thousand_claims_each_speak_at_their_own_times_also_when_the_clock_goes_back() {
    for jump in [0, 500] {
        let mut arp = silent(Defence::Always);
        let start = at(1_000_000);
        for number in 0..1_000_u16 {
            let [high, low] = number.to_be_bytes();
            let identity = Identity {
                protocol: Ipv4Addr::new(10, 1, high, low),
                hardware: MacAddr::new([2, 1, 0, 0, high, low]),
            };
            arp.claim(start, identity, Start::Probe).unwrap();
            while arp.take_event().is_some() {}
        }
        said(&mut arp, start + Duration::from_millis(jump));
        let now = if jump == 0 { start } else { at(0) };
        assert_eq!(arp.poll(now), None, "nothing is early");
        let rest = said(&mut arp, now + LONG * 2);
        assert_eq!(arp.said(), 5_000);
        let mut times = rest.iter().map(|(when, _)| *when).collect::<Vec<_>>();
        times.dedup();
        assert!(times.len() > 3_000, "each has its own: {}", times.len());
        assert_eq!(arp.deadline(), None);
    }
}

// proves: rfc3927-broadcast, rfc3927-next
#[test]
fn an_address_of_our_own_choice_is_answered_for_by_broadcast_and_followed_by_another() {
    let mut arp = silent(Defence::Once);
    arp.select(at(0), OUR_MAC).unwrap();
    said(&mut arp, at(0) + LONG * 2);
    let first = arp.selected().unwrap();
    let request = Fields { target_protocol: first, ..REQUEST };
    let now = at(0) + LONG * 2;
    let answer = hear(&mut arp, now, request).unwrap().answer.unwrap();
    assert_eq!((answer.ours, answer.to), (OUR_MAC, MacAddr::BROADCAST));

    let rival = Fields { sender_protocol: first, ..request };
    for _ in 0..2 {
        assert_eq!(hear(&mut arp, now, rival), Err(Dropped::Conflict));
    }
    assert_eq!((arp.selected(), arp.ceased()), (None, None));
    assert!(!is_answered(&mut arp, now, request));
    said(&mut arp, now + LONG * 2);
    let second = arp.selected().unwrap();
    assert!(second != first && second.is_link_local());
    assert!(is_answered(&mut arp, now + LONG * 2, Fields { target_protocol: second, ..REQUEST }));
    let probing = |event: &ClaimEvent| matches!(event, ClaimEvent::Probing { .. });
    assert_eq!(events(&mut arp).iter().filter(|event| probing(event)).count(), 2);
}

// proves: rfc3927-once
#[test]
fn an_address_of_our_own_choice_meets_a_conflict_with_one_announcement() {
    let mut arp = silent(Defence::Once);
    arp.select(at(0), OUR_MAC).unwrap();
    said(&mut arp, at(0) + LONG * 2);
    events(&mut arp);
    let (now, protocol) = (at(0) + LONG * 2, arp.selected().unwrap());
    hear(&mut arp, now, Fields { sender_protocol: protocol, ..REQUEST }).unwrap_err();
    assert_eq!(events(&mut arp), [ClaimEvent::Defended { protocol, hardware: PEER_MAC }]);
    assert_eq!(said(&mut arp, now + LONG).len(), 1);
}

// proves: rfc5227-last
#[test]
fn the_last_address_is_not_gone_while_another_is_probed_for() {
    let mut arp = began(Start::Probe, Defence::Always);
    let other = Identity { protocol: Ipv4Addr::new(10, 0, 0, 3), hardware: OUR_MAC };
    arp.claim(at(0), other, Start::Probe).unwrap();
    hear(&mut arp, at(1), RIVAL).unwrap_err();
    assert_eq!(arp.ceased(), None);
    hear(&mut arp, at(1), Fields { sender_protocol: other.protocol, ..REQUEST }).unwrap_err();
    assert_eq!(arp.ceased(), Some(Identity { hardware: PEER_MAC, ..other }));
}

// proves: rfc3927-broadcast
#[test]
fn an_ordinary_address_is_answered_for_by_unicast() {
    let mut arp = began(Start::AtOnce, Defence::Always);
    assert_eq!(hear(&mut arp, at(0), REQUEST).unwrap().answer.unwrap().to, PEER_MAC);
    assert_eq!(crate::destination(OURS, PEER_MAC), PEER_MAC);
    assert_eq!(crate::destination([169, 254, 3, 4].into(), PEER_MAC), MacAddr::BROADCAST);
}

#[test]
fn an_address_that_becomes_ours_is_no_neighbors_any_more() {
    for start in [Start::AtOnce, Start::Announce, Start::Probe] {
        let mut arp = silent(Defence::Always);
        arp.add_static(at(0), OURS, PEER_MAC).unwrap();
        arp.claim(at(0), IDENTITY, start).unwrap();
        said(&mut arp, at(0) + LONG);
        assert_eq!(arp.neighbors().get(OURS), None, "{start:?}");
    }
}

#[test]
fn an_address_that_we_probe_for_is_no_neighbors() {
    let mut arp = began(Start::Probe, Defence::Always);
    assert_eq!(arp.add_static(at(0), OURS, PEER_MAC), Err(crate::AddError::Protocol));
    assert_eq!(arp.resolve(at(0), OURS, 1, ()), crate::Resolution::Refused(()));
    hear(&mut arp, at(1), RIVAL).unwrap_err();
    assert_eq!(arp.add_static(at(1), OURS, PEER_MAC), Ok(()), "it is somebody else's");

    let mut arp = silent(Defence::Once);
    arp.select(at(0), OUR_MAC).unwrap();
    let Some(Event::Claim(ClaimEvent::Probing { protocol })) = arp.take_event() else { panic!("no probing") };
    assert_eq!(arp.add_static(at(0), protocol, PEER_MAC), Err(crate::AddError::Protocol));
    hear(&mut arp, at(1), Fields { sender_protocol: protocol, ..REQUEST }).unwrap_err();
    assert_eq!(arp.add_static(at(1), protocol, PEER_MAC), Ok(()), "another is probed for");
}

#[test]
fn nobody_resolves_or_enters_what_is_no_neighbor() {
    let mut arp = began(Start::AtOnce, Defence::Always);
    for nobody in
        [OURS, Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST, [127, 0, 0, 1].into(), [224, 0, 0, 1].into()]
    {
        assert_eq!(arp.resolve(at(0), nobody, 1, ()), crate::Resolution::Refused(()), "{nobody}");
        assert_eq!(arp.add_static(at(0), nobody, PEER_MAC), Err(crate::AddError::Protocol), "{nobody}");
    }
    assert_eq!(arp.add_static(at(0), PEER, OUR_MAC), Err(crate::AddError::Hardware));
    assert!(arp.neighbors().is_empty());
}
