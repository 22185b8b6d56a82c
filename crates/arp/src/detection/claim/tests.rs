use super::*;

mod properties;
mod segment;

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 77);
const LOCAL_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const IDENTITY: Identity = Identity { ip: LOCAL, mac: LOCAL_MAC };
const SECOND: Duration = Duration::from_secs(1);
/// Last representable time.
const END: Instant = Instant::from_nanos(u64::MAX);

const PROBE: PacketFields = PacketFields {
    operation: Operation::REQUEST,
    sender_hardware: LOCAL_MAC,
    sender_protocol: Ipv4Addr::UNSPECIFIED,
    target_hardware: MacAddr::ZERO,
    target_protocol: LOCAL,
};
const ANNOUNCEMENT: PacketFields = PacketFields { sender_protocol: LOCAL, ..PROBE };

/// Announcement of the address by another station.
const OTHER_USER: PacketFields = PacketFields { sender_hardware: PEER_MAC, ..ANNOUNCEMENT };
/// Probe for the address by another station.
const OTHER_PROBE: PacketFields = PacketFields { sender_hardware: PEER_MAC, ..PROBE };

const BOUND: ClaimEvent = ClaimEvent::Bound { ip: LOCAL, mac: LOCAL_MAC };
const PROBE_CONFLICT: ClaimEvent = ClaimEvent::ProbeConflict { ip: LOCAL, mac: PEER_MAC };
const CONFLICT: ClaimEvent = ClaimEvent::Conflict { ip: LOCAL, mac: PEER_MAC };
const DEFENDED: ClaimEvent = ClaimEvent::Defended { ip: LOCAL, mac: PEER_MAC };
const CEASED: ClaimEvent = ClaimEvent::Ceased { ip: LOCAL, mac: PEER_MAC };

fn at(seconds: u64) -> Instant {
    Instant::from_nanos(seconds * 1_000_000_000)
}

fn receive(claim: &mut Claim, now: Instant, fields: PacketFields) -> Option<ClaimEvent> {
    let mut bytes = [0; PacketFields::LENGTH];
    fields.write_to(&mut bytes).unwrap();
    claim.receive(now, Packet::parse(&bytes).unwrap())
}

/// Returns all packets that are due now. Fails if there are more than ten.
fn drain(claim: &mut Claim, now: Instant) -> Vec<PacketFields> {
    let due: Vec<_> = std::iter::from_fn(|| claim.poll(now)).take(10).collect();
    assert!(due.len() < 10, "more than 10 packets are due at {now:?}");
    due
}

/// Polls at each deadline until no action is scheduled. Returns the packets with their times.
fn run(claim: &mut Claim) -> Vec<(Instant, PacketFields)> {
    let mut sent = Vec::new();
    for _ in 0..20 {
        let Some(now) = claim.deadline() else {
            return sent;
        };
        sent.extend(drain(claim, now).into_iter().map(|fields| (now, fields)));
    }
    panic!("more than 20 deadlines");
}

/// Returns a claim in use after probing, with the time of its first announcement, which has been sent.
fn newly_bound(defense: Defense) -> (Claim, Instant) {
    let mut claim = Claim::probe(at(0), IDENTITY, defense, 1);
    for _ in 0..20 {
        let now = claim.deadline().unwrap();
        drain(&mut claim, now);
        if claim.is_in_use() {
            return (claim, now);
        }
    }
    panic!("the claim was not bound");
}

/// Returns a claim in use without announcements.
fn in_use(defense: Defense) -> Claim {
    Claim::immediate(at(0), IDENTITY, defense, false)
}

// proves: rfc5227-probe, rfc5227-probe-target, rfc5227-probe-times, rfc5227-probe-once
// proves: rfc5227-announcement, rfc5227-announce-times
#[test]
fn claim_sends_three_probes_and_two_announcements() {
    let mut claim = Claim::probe(at(100), IDENTITY, Defense::Always, 1);
    let sent = run(&mut claim);
    let fields: Vec<_> = sent.iter().map(|(_, fields)| *fields).collect();
    assert_eq!(fields, [PROBE, PROBE, PROBE, ANNOUNCEMENT, ANNOUNCEMENT]);
    assert_eq!(sent[3].0.since(sent[2].0), ANNOUNCE_WAIT);
    assert_eq!(sent[4].0.since(sent[3].0), ANNOUNCE_INTERVAL);
    assert_eq!(claim.deadline(), None);
    // The claim probes only once.
    assert!(claim.is_in_use());
    assert_eq!(drain(&mut claim, at(1_000_000)), []);
}

// proves: rfc5227-probe-times, rfc5227-announce-times
#[test]
fn claim_sends_nothing_before_deadline() {
    let mut claim = Claim::probe(at(0), IDENTITY, Defense::Always, 1);
    for _ in 0..6 {
        let deadline = claim.deadline().unwrap();
        let just_before = Instant::from_nanos(deadline.as_nanos() - 1);
        assert_eq!(drain(&mut claim, just_before), []);
        assert_eq!(claim.deadline(), Some(deadline));
        assert!(!drain(&mut claim, deadline).is_empty(), "no packet at {deadline:?}");
        if claim.deadline().is_none() {
            return;
        }
    }
    panic!("more than five packets");
}

// proves: rfc5227-probe-times, rfc5227-announce-times
#[test]
fn intervals_count_from_sending_when_poll_is_late() {
    let mut claim = Claim::probe(at(0), IDENTITY, Defense::Always, 1);
    let mut now = at(50);
    for gap in [PROBE_MIN, PROBE_MIN, ANNOUNCE_WAIT, ANNOUNCE_INTERVAL] {
        assert_eq!(drain(&mut claim, now).len(), 1);
        assert!(claim.deadline().unwrap() >= now + gap);
        now = now + 50 * SECOND;
    }
    assert_eq!(drain(&mut claim, now), [ANNOUNCEMENT]);
}

// proves: rfc5227-probe-refused
#[test]
fn failed_probes_are_repeated() {
    for refused in 1..=3 {
        let mut claim = Claim::probe(at(0), IDENTITY, Defense::Always, 1);
        let mut now = at(0);
        for _ in 0..refused {
            now = claim.deadline().unwrap();
            assert_eq!(drain(&mut claim, now), [PROBE]);
        }
        claim.packet_refused(now);
        let next = claim.deadline().unwrap();
        assert!((now + PROBE_MIN..=now + PROBE_MAX).contains(&next), "{next:?}");
        let sent: Vec<_> = run(&mut claim).into_iter().map(|(_, fields)| fields).collect();
        assert_eq!(sent, [PROBE, PROBE, PROBE, ANNOUNCEMENT, ANNOUNCEMENT], "{refused} refused");
    }
}

// proves: rfc5227-probe-refused, rfc5227-probe-once
#[test]
fn refused_packet_before_first_probe_changes_nothing() {
    let mut claim = Claim::probe(at(0), IDENTITY, Defense::Always, 1);
    let first = claim.deadline();
    claim.packet_refused(at(0));
    assert_eq!(claim.deadline(), first, "probing restarted before the first probe");
}

// proves: announcement-refused, rfc5227-probe-once
#[test]
fn refused_announcement_is_repeated_and_address_stays_in_use() {
    let (mut claim, now) = newly_bound(Defense::Always);
    claim.packet_refused(now);
    let announced = [1, 2].map(|step| (now + step * ANNOUNCE_INTERVAL, ANNOUNCEMENT));
    assert!(claim.is_in_use());
    assert_eq!(run(&mut claim), announced);
    // The device refuses the last announcement twice.
    for step in 3..=4 {
        claim.packet_refused(now + (step - 1) * ANNOUNCE_INTERVAL);
        assert_eq!(run(&mut claim), [(now + step * ANNOUNCE_INTERVAL, ANNOUNCEMENT)]);
    }
}

// proves: announcement-refused, rfc5227-defend-interval
#[test]
fn refused_defense_is_repeated_and_defend_interval_counts_from_repetition() {
    let (mut claim, start) = newly_bound(Defense::Always);
    run(&mut claim);
    let defended = start + 60 * SECOND;
    assert_eq!(receive(&mut claim, defended, OTHER_USER), Some(DEFENDED));
    assert_eq!(drain(&mut claim, defended), [ANNOUNCEMENT]);
    claim.packet_refused(defended);
    let repeated = defended + ANNOUNCE_INTERVAL;
    assert_eq!(run(&mut claim), [(repeated, ANNOUNCEMENT)]);
    assert_eq!(receive(&mut claim, defended + DEFEND_INTERVAL, OTHER_USER), Some(CONFLICT));
    assert_eq!(receive(&mut claim, repeated + DEFEND_INTERVAL, OTHER_USER), Some(DEFENDED));
}

// proves: rfc5227-in-use
#[test]
fn claim_is_in_use_from_first_announcement() {
    let mut claim = Claim::probe(at(0), IDENTITY, Defense::Always, 1);
    for turn in 1..=4 {
        assert!(!claim.is_in_use());
        let now = claim.deadline().unwrap();
        let sent = drain(&mut claim, now);
        assert_eq!(sent == [ANNOUNCEMENT], turn == 4);
        assert_eq!(claim.is_in_use(), turn == 4);
        assert_eq!(claim.take_event(), (turn == 4).then_some(BOUND));
    }
    // The event is reported once.
    run(&mut claim);
    assert_eq!(claim.take_event(), None);
}

#[test]
fn immediate_claim_is_in_use_at_once_and_announces_on_request() {
    let mut claim = Claim::immediate(at(7), IDENTITY, Defense::Always, true);
    assert!(claim.is_in_use());
    assert_eq!(claim.take_event(), Some(BOUND));
    assert_eq!(run(&mut claim), [(at(7), ANNOUNCEMENT), (at(9), ANNOUNCEMENT)]);

    let mut silent = Claim::immediate(at(7), IDENTITY, Defense::Always, false);
    assert!(silent.is_in_use());
    assert_eq!(silent.take_event(), Some(BOUND));
    assert_eq!(run(&mut silent), []);
}

#[test]
fn claim_returns_identity() {
    assert_eq!(in_use(Defense::Once).identity(), IDENTITY);
}

// Packets that are a conflict during probing, and packets that are not.
// proves: rfc5227-probe-conflict, rfc5227-simultaneous-probe, rfc5227-plain-request, rfc5227-echo
// proves: rfc5227-given-up
#[test]
fn probing_claim_conflicts_with_user_and_with_other_prober() {
    let reply = Operation::REPLY;
    let cases = [
        ("announcement", OTHER_USER, true),
        ("request from the address", PacketFields { target_protocol: OTHER, ..OTHER_USER }, true),
        (
            "reply from the address",
            PacketFields { operation: reply, target_protocol: OTHER, ..OTHER_USER },
            true,
        ),
        ("probe for the address", OTHER_PROBE, true),
        ("request for the address", PacketFields { sender_protocol: OTHER, ..OTHER_PROBE }, false),
        ("probe for another address", PacketFields { target_protocol: OTHER, ..OTHER_PROBE }, false),
        ("reply with sender 0.0.0.0", PacketFields { operation: reply, ..OTHER_PROBE }, false),
        (
            "packet between other hosts",
            PacketFields { sender_protocol: OTHER, target_protocol: OTHER, ..OTHER_USER },
            false,
        ),
        ("echo of own probe", PROBE, false),
        ("echo of own announcement", ANNOUNCEMENT, false),
    ];
    for (name, fields, is_conflict) in cases {
        let mut claim = Claim::probe(at(0), IDENTITY, Defense::Always, 1);
        assert_eq!(receive(&mut claim, at(0), fields), is_conflict.then_some(PROBE_CONFLICT), "{name}");
        assert_eq!(claim.has_ceased(), is_conflict, "{name}");
        assert_eq!(run(&mut claim).is_empty(), is_conflict, "{name}");
    }
}

// proves: rfc5227-probe-conflict, rfc5227-simultaneous-probe
#[test]
fn probing_claim_conflicts_until_first_announcement() {
    for conflict in [OTHER_USER, OTHER_PROBE] {
        let (_, announced) = newly_bound(Defense::Always);
        let mut claim = Claim::probe(at(0), IDENTITY, Defense::Always, 1);
        for _ in 0..3 {
            let now = claim.deadline().unwrap();
            drain(&mut claim, now);
        }
        assert_eq!(claim.deadline(), Some(announced));
        // The last probe was sent, and the announcement is due in one nanosecond.
        assert_eq!(receive(&mut claim, Instant::from_nanos(announced.as_nanos() - 1), conflict), {
            Some(PROBE_CONFLICT)
        });
        assert_eq!(claim.take_event(), None);
        assert_eq!(drain(&mut claim, announced), []);
    }
}

// Packets that are a conflict while the address is in use, and packets that are not.
// proves: rfc5227-conflict, rfc5227-echo
#[test]
fn claim_in_use_conflicts_with_other_user_only() {
    let reply = Operation::REPLY;
    let cases = [
        ("announcement", OTHER_USER, true),
        ("request from the address", PacketFields { target_protocol: OTHER, ..OTHER_USER }, true),
        (
            "reply from the address",
            PacketFields { operation: reply, target_protocol: OTHER, ..OTHER_USER },
            true,
        ),
        ("probe for the address", OTHER_PROBE, false),
        ("request for the address", PacketFields { sender_protocol: OTHER, ..OTHER_PROBE }, false),
        (
            "packet between other hosts",
            PacketFields { sender_protocol: OTHER, target_protocol: OTHER, ..OTHER_USER },
            false,
        ),
        ("echo of own announcement", ANNOUNCEMENT, false),
    ];
    for (name, fields, is_conflict) in cases {
        let mut claim = in_use(Defense::Cease);
        assert_eq!(receive(&mut claim, at(1), fields), is_conflict.then_some(CEASED), "{name}");
        assert_eq!(claim.is_in_use(), !is_conflict, "{name}");
    }
}

// proves: rfc5227-cease, rfc5227-given-up
#[test]
fn cease_gives_up_at_first_conflict() {
    let (mut claim, now) = newly_bound(Defense::Cease);
    assert_eq!(receive(&mut claim, now, OTHER_USER), Some(CEASED));
    assert!(claim.has_ceased() && !claim.is_in_use());
    // The second announcement is not sent, and the event `Bound` is discarded.
    assert_eq!((claim.deadline(), claim.take_event()), (None, None));
    assert_eq!(drain(&mut claim, now + 100 * SECOND), []);
    assert_eq!(receive(&mut claim, now, OTHER_USER), None);
}

// proves: rfc5227-once, rfc5227-given-up
#[test]
fn once_defends_and_ceases_when_conflict_repeats_within_interval() {
    let almost = Instant::from_nanos((at(20) + DEFEND_INTERVAL).as_nanos() - 1);
    for second in [at(20), at(21), almost] {
        let mut claim = in_use(Defense::Once);
        assert_eq!(receive(&mut claim, at(20), OTHER_USER), Some(DEFENDED));
        assert_eq!(claim.deadline(), Some(at(20)));
        assert_eq!(drain(&mut claim, at(20)), [ANNOUNCEMENT]);
        assert_eq!(claim.deadline(), None);
        assert_eq!(receive(&mut claim, second, OTHER_USER), Some(CEASED));
        assert_eq!(drain(&mut claim, second), []);
    }
}

// proves: rfc5227-once
#[test]
fn once_defends_again_after_interval() {
    let mut claim = in_use(Defense::Once);
    for turn in 1..5 {
        let now = at(0) + turn * DEFEND_INTERVAL;
        assert_eq!(receive(&mut claim, now, OTHER_USER), Some(DEFENDED));
        assert_eq!(drain(&mut claim, now), [ANNOUNCEMENT]);
    }
    assert!(claim.is_in_use());
}

// proves: rfc5227-always, rfc5227-defend-interval
#[test]
fn always_defends_once_per_interval() {
    let mut claim = in_use(Defense::Always);
    for second in 0..100 {
        let is_due = second % 10 == 0;
        let event = if is_due { DEFENDED } else { CONFLICT };
        assert_eq!(receive(&mut claim, at(second), OTHER_USER), Some(event), "{second} s");
        assert_eq!(drain(&mut claim, at(second)).len(), usize::from(is_due), "{second} s");
        assert!(claim.is_in_use());
    }
}

#[test]
fn defense_does_not_replace_announcement() {
    let (mut claim, now) = newly_bound(Defense::Once);
    assert_eq!(receive(&mut claim, now, OTHER_USER), Some(DEFENDED));
    assert_eq!(run(&mut claim), [(now, ANNOUNCEMENT), (now + ANNOUNCE_INTERVAL, ANNOUNCEMENT)]);
}

// proves: rfc5227-defend-interval
#[test]
fn defend_interval_counts_from_defense_when_poll_is_late() {
    for (defense, event) in [(Defense::Always, CONFLICT), (Defense::Once, CEASED)] {
        let mut claim = in_use(defense);
        assert_eq!(receive(&mut claim, at(20), OTHER_USER), Some(DEFENDED));
        assert_eq!(drain(&mut claim, at(25)), [ANNOUNCEMENT]);
        assert_eq!(receive(&mut claim, at(31), OTHER_USER), Some(event));
        assert_eq!(drain(&mut claim, at(31)), []);
    }
}

#[test]
fn claim_timer_restarts_once_when_clock_goes_back() {
    let mut claim = Claim::probe(at(1_000_000), IDENTITY, Defense::Always, 1);
    assert_eq!(drain(&mut claim, at(10)), []);
    assert!(claim.deadline().unwrap() <= at(10) + PROBE_WAIT);
    run(&mut claim);
    assert!(claim.is_in_use());

    let mut claim = in_use(Defense::Always);
    assert_eq!(receive(&mut claim, at(1_000_000), OTHER_USER), Some(DEFENDED));
    assert_eq!(drain(&mut claim, at(1_000_000)), [ANNOUNCEMENT]);
    assert_eq!(receive(&mut claim, at(10), OTHER_USER), Some(CONFLICT));
    assert_eq!(receive(&mut claim, at(20), OTHER_USER), Some(DEFENDED));
}

#[test]
fn claim_sends_no_burst_at_end_of_time() {
    let mut claim = Claim::probe(END, IDENTITY, Defense::Always, 1);
    assert_eq!(claim.deadline(), None);
    assert_eq!(drain(&mut claim, END), []);
    let mut claim = in_use(Defense::Always);
    assert_eq!(receive(&mut claim, END, OTHER_USER), Some(DEFENDED));
    assert_eq!(drain(&mut claim, END), [ANNOUNCEMENT]);
    assert_eq!(receive(&mut claim, END, OTHER_USER), Some(CONFLICT));
}

// proves: rfc5227-default
#[test]
fn default_defense_is_always() {
    assert_eq!(Defense::default(), Defense::Always);
}

// proves: rfc5227-link-up, rfc5227-probe-times
#[test]
fn first_probe_delay_is_within_probe_wait_at_start_and_after_link_up() {
    let mut waits = [Vec::new(), Vec::new()];
    for seed in 0..200 {
        let mut claim = Claim::probe(at(0), IDENTITY, Defense::Always, seed);
        waits[0].push(claim.deadline().unwrap().since(at(0)));
        run(&mut claim);
        claim.probe_again(at(60));
        waits[1].push(claim.deadline().unwrap().since(at(60)));
    }
    for waits in waits {
        let (first, last) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
        assert!(*first < PROBE_WAIT / 20 && *last > PROBE_WAIT * 19 / 20, "{first:?} to {last:?}");
        assert!(*last <= PROBE_WAIT, "{last:?}");
    }
}
