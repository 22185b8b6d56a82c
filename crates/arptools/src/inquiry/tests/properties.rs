//! Properties for arbitrary packets and times.

use super::*;
use crate::arbitrary;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(u64),
    Jump(u64),
    Refuse,
    Receive(PacketFields, bool),
}

fn packet() -> impl Strategy<Value = PacketFields> {
    let mac = || prop_oneof![Just(LOCAL_MAC), Just(PEER_MAC), any::<[u8; 6]>().prop_map(MacAddr::new)];
    let ip = || prop_oneof![Just(LOCAL), Just(TARGET), Just(NO_IP), Just(OTHER)];
    arbitrary::packet(arbitrary::operation(), (mac(), ip()), (mac(), ip()))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_u64..3_000).prop_map(Step::Wait),
        any::<u64>().prop_map(Step::Jump),
        Just(Step::Refuse),
        (packet(), any::<bool>()).prop_map(|(fields, is_broadcast)| Step::Receive(fields, is_broadcast)),
    ]
}

proptest! {
    /// The count limits the sent packets, and each received packet is counted once. The outcome is `Free` only after
    /// complete probing without a conflict, and agrees with the counts in all other cases.
    #[test]
    fn counts_and_outcome_agree(
        purpose in prop_oneof![Just(Purpose::Find), Just(Purpose::Probe), Just(ANNOUNCE)],
        count in proptest::option::of(1_u64..5),
        limit in proptest::option::of((0_u64..10_000).prop_map(Duration::from_millis)),
        until_first in any::<bool>(),
        until_conflict in any::<bool>(),
        keeps_broadcasting in any::<bool>(),
        steps in prop::collection::vec(step(), 0..40),
    ) {
        let mut inquiry = inquiry(purpose, |plan| {
            (plan.count, plan.limit) = (count, limit);
            (plan.until_first, plan.keeps_broadcasting) = (until_first, keeps_broadcasting);
            plan.until_conflict = until_conflict;
        });
        let (mut now, mut received, mut refuses, mut sent_times) = (at(0), 0, false, Vec::new());
        for step in steps {
            match step {
                Step::Wait(millis) => now = now + Duration::from_millis(millis),
                Step::Jump(nanos) => now = Instant::from_nanos(nanos),
                Step::Refuse => refuses = true,
                Step::Receive(fields, is_broadcast) => {
                    let mut bytes = [0; PacketFields::LENGTH];
                    fields.write_to(&mut bytes).unwrap();
                    inquiry.receive(now, Packet::parse(&bytes).unwrap(), is_broadcast);
                    received += 1;
                }
            }
            if let RequestStep::Send { packet, destination } = inquiry.next(now) {
                prop_assert!(destination.is_station() || destination == MacAddr::BROADCAST);
                prop_assert_eq!(packet.sender_hardware, LOCAL_MAC);
                inquiry.sent(now);
                if std::mem::take(&mut refuses) {
                    inquiry.refused(inquiry.attempts());
                } else {
                    sent_times.push(now);
                }
            }
        }
        let counts = *inquiry.counts();
        prop_assert_eq!(counts.received + counts.duplicates + counts.unrelated, received);
        prop_assert!(count.is_none_or(|count| counts.sent + counts.refused <= count));
        prop_assert!(purpose != Purpose::Find || counts.received <= counts.sent);
        match inquiry.outcome(now) {
            InquiryOutcome::Answered | InquiryOutcome::InUse => prop_assert!(counts.received > 0),
            InquiryOutcome::NoReply | InquiryOutcome::Free => {
                prop_assert_eq!((counts.received, counts.refused), (0, 0));
                prop_assert!(counts.sent > 0);
                if purpose == Purpose::Probe {
                    let required = usize::try_from(count.unwrap_or(u64::from(PROBE_NUM))).unwrap();
                    prop_assert!(sent_times.len() >= required);
                    prop_assert!(now >= sent_times[required - 1] + ANNOUNCE_WAIT);
                }
            }
            InquiryOutcome::Announced | InquiryOutcome::Impaired | InquiryOutcome::Unfinished => prop_assert!(counts.sent > 0),
            InquiryOutcome::NothingSent => prop_assert_eq!(counts.sent, 0),
        }
    }
}
