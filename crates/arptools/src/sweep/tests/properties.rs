//! Properties for arbitrary packets and times.

use std::collections::HashMap;

use super::*;
use crate::arbitrary;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(u64),
    Jump(u64),
    Refuse,
    Receive(PacketFields),
}

fn packet() -> impl Strategy<Value = PacketFields> {
    let mac = || prop_oneof![Just(LOCAL_MAC), Just(PEER_MAC), any::<[u8; 6]>().prop_map(MacAddr::new)];
    let ip = || prop_oneof![Just(LOCAL), (0_u8..40).prop_map(host), any::<u32>().prop_map(Ipv4Addr::from)];
    let to = prop_oneof![Just((LOCAL_MAC, LOCAL)), (mac(), ip())];
    arbitrary::packet(arbitrary::operation(), (mac(), ip()), to)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u64..800).prop_map(Step::Wait),
        1 => any::<u64>().prop_map(Step::Jump),
        1 => Just(Step::Refuse),
        4 => packet().prop_map(Step::Receive),
    ]
}

fn long(count: usize) -> u64 {
    count.try_into().unwrap()
}

proptest! {
    /// Without replies, every address is requested once in every pass. Requests respect the timeouts, and the interval
    /// except for the lateness tolerance.
    #[test]
    fn silent_addresses_are_requested_in_every_pass_at_interval(
        first in 0_u8..100,
        length in 0_u8..150,
        passes in 1_u32..4,
        interval in 0_u64..20_000,
        seed in proptest::option::of(any::<u64>()),
        lateness in prop::collection::vec(0_u64..30_000, 1..20),
    ) {
        let interval = Duration::from_micros(interval);
        let mut sweep = sweep(first, first.saturating_add(length), |plan| {
            (plan.passes, plan.interval, plan.seed) = (passes, interval, seed);
        });
        let (mut now, mut requested, mut lateness) = (at(0), Vec::new(), lateness.into_iter().cycle());
        loop {
            match sweep.next(now) {
                RequestStep::Done => break,
                RequestStep::Wait(span) => now = now + span + Duration::from_micros(lateness.next().unwrap()),
                RequestStep::Send { packet, .. } => {
                    sweep.sent(now);
                    requested.push((now, packet.target_protocol));
                }
            }
        }
        let mut times: HashMap<Ipv4Addr, Vec<Instant>> = HashMap::new();
        for (time, target) in &requested {
            times.entry(*target).or_default().push(*time);
        }
        let timeouts = [500, 750, 1_125].map(Duration::from_millis);
        prop_assert_eq!(long(times.len()), sweep.targets());
        for times in times.values() {
            prop_assert_eq!(long(times.len()), u64::from(passes));
            for (pair, timeout) in times.windows(2).zip(timeouts) {
                prop_assert!(pair[1].since(pair[0]) >= timeout);
            }
        }
        // No request is ahead of the schedule of an earlier request by more than the tolerance.
        let mut latest = 0;
        for (place, (time, _)) in (0_i128..).zip(&requested) {
            let behind = i128::from(time.as_nanos()) - place * i128::try_from(interval.as_nanos()).unwrap();
            prop_assert!(behind >= latest - i128::try_from(Sweep::LATENESS_TOLERANCE.as_nanos()).unwrap());
            latest = latest.max(behind);
        }
        let outcome = if sweep.targets() == 0 { SweepOutcome::NothingSent } else { SweepOutcome::NoReply };
        prop_assert_eq!(sweep.outcome(), outcome);
    }

    /// Each reply is reported once or counted as unrelated. Only requested addresses are found, each once. The outcome
    /// agrees with the counts.
    #[test]
    fn every_reply_is_reported_once(
        passes in 0_u32..4,
        limit in proptest::option::of(0_u64..5),
        seed in proptest::option::of(any::<u64>()),
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let mut sweep = sweep(0, 30, |plan| (plan.passes, plan.limit, plan.seed) = (passes, limit, seed));
        let (mut now, mut received, mut requested) = (at(0), 0, Vec::new());
        let mut found: HashMap<Ipv4Addr, (MacAddr, u16)> = HashMap::new();
        for step in steps {
            match step {
                Step::Wait(millis) => now = now + Duration::from_millis(millis),
                Step::Jump(nanos) => now = Instant::from_nanos(nanos),
                Step::Refuse if sweep.counts().sent > 0 => sweep.refused(1),
                Step::Refuse => {}
                Step::Receive(fields) => {
                    received += 1;
                    // Excludes requests by another program, because replies to such requests are not reported.
                    let is_same_sender = (fields.sender_hardware, fields.sender_protocol) == (LOCAL_MAC, LOCAL);
                    prop_assume!(!is_same_sender || fields.operation != Operation::REQUEST);
                    if let Some(SweepReply { packet, number, other_mac, rtt, .. }) = receive_at(&mut sweep, now, fields) {
                        prop_assert_eq!(packet, fields);
                        let request = requested.iter().rev().find(|(target, _)| *target == packet.sender_protocol);
                        prop_assert_eq!(request.map(|(_, time)| now.since(*time)), Some(rtt));
                        let first = found.entry(packet.sender_protocol).or_insert((packet.sender_hardware, 0));
                        first.1 += 1;
                        prop_assert_eq!(number, first.1);
                        prop_assert_eq!(other_mac, Some(first.0).filter(|first| *first != packet.sender_hardware));
                    }
                }
            }
            if let RequestStep::Send { packet, .. } = sweep.next(now) {
                prop_assert!(!found.contains_key(&packet.target_protocol), "request for an address that has already replied");
                prop_assert!(packet.target_protocol != LOCAL);
                sweep.sent(now);
                requested.push((packet.target_protocol, now));
            }
        }
        let counts = *sweep.counts();
        prop_assert_eq!(counts.answered + counts.duplicates + counts.conflicts + counts.unrelated, received);
        prop_assert_eq!(counts.answered, long(found.len()));
        prop_assert_eq!(counts.sent + counts.refused, long(requested.len()));
        prop_assert!(long(requested.len()) <= sweep.targets() * u64::from(passes.max(1)));
        match sweep.outcome() {
            SweepOutcome::Found => prop_assert!(counts.answered >= limit.unwrap_or(1).max(1)),
            SweepOutcome::NoReply => prop_assert_eq!((counts.answered, counts.refused), (0, 0)),
            SweepOutcome::BelowLimit => prop_assert!(counts.answered < limit.unwrap_or(0) && counts.refused == 0),
            SweepOutcome::Impaired => prop_assert!(counts.sent > 0 && counts.refused > 0),
            SweepOutcome::NothingSent => prop_assert_eq!(counts.sent, 0),
            SweepOutcome::Unfinished => prop_assert!(counts.sent > 0),
        }
    }
}
