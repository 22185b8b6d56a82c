//! Properties for arbitrary packets and times.

use super::*;
use proptest::prelude::*;

fn defense() -> impl Strategy<Value = Defense> {
    prop_oneof![Just(Defense::Cease), Just(Defense::Once), Just(Defense::Always)]
}

fn claim() -> impl Strategy<Value = Claim> {
    (defense(), any::<u64>(), any::<bool>(), any::<bool>(), instant()).prop_map(
        |(defense, seed, probes, announces, now)| {
            if probes {
                Claim::probe(now, IDENTITY, defense, seed)
            } else {
                Claim::immediate(now, IDENTITY, defense, announces)
            }
        },
    )
}

/// Returns arbitrary times: near both ends of the range, anywhere, or within a minute of an end.
fn instant() -> impl Strategy<Value = Instant> {
    prop_oneof![
        (0_u64..100).prop_map(Instant::from_nanos),
        (0_u64..100).prop_map(|before| Instant::from_nanos(u64::MAX - before)),
        any::<u64>().prop_map(Instant::from_nanos),
        (0_u64..60_000).prop_map(|millis| at(0) + Duration::from_millis(millis)),
        (0_u64..60_000).prop_map(|millis| Instant::from_nanos(u64::MAX - millis * 1_000_000)),
    ]
}

/// Returns packets of which about half concern the address.
fn packet() -> impl Strategy<Value = PacketFields> {
    let mac = || prop_oneof![Just(LOCAL_MAC), Just(PEER_MAC), any::<[u8; 6]>().prop_map(MacAddr::new)];
    let ip = || {
        prop_oneof![
            Just(LOCAL),
            Just(OTHER),
            Just(Ipv4Addr::UNSPECIFIED),
            any::<[u8; 4]>().prop_map(Ipv4Addr::from)
        ]
    };
    let operation = prop_oneof![Just(1), Just(2), any::<u16>()];
    (operation, mac(), ip(), mac(), ip()).prop_map(
        |(operation, sender_mac, sender_ip, target_mac, target_ip)| PacketFields {
            operation: Operation(operation),
            sender_hardware: sender_mac,
            sender_protocol: sender_ip,
            target_hardware: target_mac,
            target_protocol: target_ip,
        },
    )
}

// proves: rfc5227-probe-times
#[test]
fn delays_spread_over_full_range() {
    let (mut first, mut gaps) = (Vec::new(), Vec::new());
    for seed in 0..1_000 {
        let sent = run(&mut Claim::probe(at(0), IDENTITY, Defense::Always, seed));
        first.push(sent[0].0.since(at(0)));
        gaps.extend([sent[1].0.since(sent[0].0), sent[2].0.since(sent[1].0)]);
    }
    assert_uniform(first, Duration::ZERO, PROBE_WAIT);
    assert_uniform(gaps, PROBE_MIN, PROBE_MAX);
}

/// Asserts a uniform distribution: each tenth of the range holds about a tenth of the spans.
fn assert_uniform(mut spans: Vec<Duration>, shortest: Duration, longest: Duration) {
    spans.sort_unstable();
    let range = longest.saturating_sub(shortest);
    for tenth in 0..10 {
        let span = spans[spans.len() * tenth / 10];
        let expected = shortest + range * u32::try_from(tenth).unwrap() / 10;
        assert!(span.abs_diff(expected) < Duration::from_millis(50), "{span:?} for {expected:?}");
    }
    assert!(spans.last().unwrap().abs_diff(longest) < Duration::from_millis(20));
}

proptest! {
    // proves: rfc5227-probe-times, rfc5227-announce-times
    #[test]
    fn intervals_are_within_bounds_for_every_seed(seed: u64, start in 0_u64..1_000_000) {
        let sent = run(&mut Claim::probe(at(start), IDENTITY, Defense::Always, seed));
        let times: Vec<_> = sent.iter().map(|(now, _)| *now).collect();
        let gaps: Vec<_> = times.windows(2).map(|pair| pair[1].since(pair[0])).collect();
        prop_assert!(times[0].since(at(start)) <= PROBE_WAIT);
        prop_assert!((PROBE_MIN..=PROBE_MAX).contains(&gaps[0]));
        prop_assert!((PROBE_MIN..=PROBE_MAX).contains(&gaps[1]));
        prop_assert_eq!(&gaps[2..], [ANNOUNCE_WAIT, ANNOUNCE_INTERVAL]);
    }

    // proves: rfc5227-defend-interval
    #[test]
    fn defenses_are_at_least_one_interval_apart(
        defense in defense(),
        steps in prop::collection::vec((0_u64..6_000, packet(), 0_u64..3_000), 0..60),
    ) {
        let mut claim = in_use(defense);
        let mut now = at(0);
        let mut last: Option<Instant> = None;
        for (pause, fields, lateness) in steps {
            now = now + Duration::from_millis(pause);
            receive(&mut claim, now, fields);
            receive(&mut claim, now, OTHER_USER);
            now = now + Duration::from_millis(lateness);
            for announcement in drain(&mut claim, now) {
                prop_assert_eq!(announcement, ANNOUNCEMENT);
                prop_assert!(last.is_none_or(|last| now.since(last) >= DEFEND_INTERVAL));
                last = Some(now);
            }
        }
    }

    // proves: rfc5227-given-up
    #[test]
    fn ceased_claim_sends_nothing_for_arbitrary_packets_and_clock(
        mut claim in claim(),
        steps in prop::collection::vec((instant(), packet()), 0..60),
    ) {
        for (now, fields) in steps {
            let had_ceased = claim.has_ceased();
            let event = receive(&mut claim, now, fields);
            let sent = drain(&mut claim, now);
            prop_assert!(sent.iter().all(|fields| [PROBE, ANNOUNCEMENT].contains(fields)));
            if had_ceased {
                prop_assert_eq!((event, claim.take_event(), sent), (None, None, Vec::new()));
                prop_assert_eq!(claim.deadline(), None);
                prop_assert!(claim.has_ceased() && !claim.is_in_use());
            }
            // No packet is still due, so a caller that waits for the deadline does not spin.
            prop_assert!(claim.deadline().is_none_or(|deadline| deadline > now));
        }
    }

    // proves: rfc5227-echo
    #[test]
    fn own_packets_cause_no_conflict(mut claim in claim(), fields in packet(), now in instant()) {
        let echo = PacketFields { sender_hardware: LOCAL_MAC, ..fields };
        prop_assert_eq!(receive(&mut claim, now, echo), None);
        prop_assert!(!claim.has_ceased());
    }
}
