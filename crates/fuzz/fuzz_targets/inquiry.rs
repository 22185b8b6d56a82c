//! An inquiry of any purpose, with arbitrary packets, rejected frames and times. Checks its counts and its outcome.
#![no_main]

mod packet;

use std::net::Ipv4Addr;
use std::time::Duration;

use arp::{Identity, Instant, MacAddr, Operation, Packet};
use arptools::inquiry::{Inquiry, InquiryCounts, InquiryOutcome, InquiryPlan, Purpose};
use arptools::{RequestStep, Requester};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

use packet::{FuzzMac, FuzzPacket};

#[derive(Arbitrary, Debug)]
struct Scenario<'a> {
    purpose: FuzzPurpose,
    count: Option<u8>,
    /// Interval in tenths of a second.
    interval: u8,
    limit: Option<u8>,
    until_first: bool,
    until_conflict: bool,
    keeps_broadcasting: bool,
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum FuzzPurpose {
    Find,
    Probe,
    Announce(u16),
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    Receive {
        packet: FuzzPacket<'a>,
        is_broadcast: bool,
    },
    /// Time passes, in hundredths of a second.
    Wait(u8),
    /// The clock jumps to any time, in nanoseconds.
    Jump(u64),
    /// The device rejects the next packet.
    Refuse,
    RxBlocked,
}

const TARGET: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

impl Scenario<'_> {
    fn plan(&self) -> InquiryPlan {
        let (purpose, ip) = match self.purpose {
            FuzzPurpose::Find => (Purpose::Find, Ipv4Addr::new(10, 0, 0, 2)),
            FuzzPurpose::Probe => (Purpose::Probe, Ipv4Addr::UNSPECIFIED),
            FuzzPurpose::Announce(operation) => (Purpose::Announce(Operation(operation)), TARGET),
        };
        let tenths = |count: u8| Duration::from_millis(100 * u64::from(count));
        InquiryPlan {
            purpose,
            sender: Identity { ip, mac: FuzzMac::Local.address() },
            target: TARGET,
            count: self.count.map(u64::from),
            interval: tenths(self.interval),
            limit: self.limit.map(tenths),
            until_first: self.until_first,
            until_conflict: self.until_conflict,
            keeps_broadcasting: self.keeps_broadcasting,
        }
    }
}

/// Sends or rejects a due packet. Checks the interval since the last packet.
fn send(inquiry: &mut Inquiry, now: Instant, last: &mut Option<Instant>, is_refused: &mut bool) {
    let RequestStep::Send { packet, destination } = inquiry.next(now) else { return };
    let plan = *inquiry.plan();
    assert!(destination.is_station() || destination == MacAddr::BROADCAST);
    assert_eq!((packet.sender_hardware, packet.target_protocol), (plan.sender.mac, plan.target));
    assert!(
        last.is_none_or(|last| now >= last + plan.interval),
        "packet sent before the interval has passed"
    );
    *last = Some(now);
    inquiry.sent(now);
    if std::mem::take(is_refused) {
        inquiry.refused(inquiry.counts().sent + inquiry.counts().refused);
    }
}

fuzz_target!(|scenario: Scenario<'_>| {
    let plan = scenario.plan();
    let mut inquiry = Inquiry::new(Instant::ORIGIN, plan);
    let (mut now, mut last, mut received, mut is_refused) = (Instant::ORIGIN, None, 0, false);
    for step in &scenario.steps {
        match step {
            Step::Receive { packet, is_broadcast } => {
                let bytes = packet.bytes();
                let Ok(packet) = Packet::parse(&bytes) else { continue };
                received += 1;
                if let Some(reported) = inquiry.receive(now, packet, *is_broadcast) {
                    assert!(packet.sender_hardware().is_station());
                    assert!(packet.sender_hardware() != plan.sender.mac, "own packet reported as a reply");
                    assert_eq!(reported.packet, packet.into());
                    assert!(plan.purpose != Purpose::Find || reported.round_trip.is_some());
                }
            }
            Step::Wait(hundredths) => now = now + Duration::from_millis(10 * u64::from(*hundredths)),
            Step::Jump(nanoseconds) => now = Instant::from_nanos(*nanoseconds),
            Step::Refuse => is_refused = true,
            Step::RxBlocked => inquiry.rx_blocked(),
        }
        send(&mut inquiry, now, &mut last, &mut is_refused);
    }
    check_counts(&inquiry, now, received);
    check_end(inquiry, now);
});

/// Checks that the counts and the outcome agree.
fn check_counts(inquiry: &Inquiry, now: Instant, packets: u64) {
    let InquiryCounts { sent, refused, received, duplicates, unrelated, broadcast, .. } = *inquiry.counts();
    assert_eq!(received + duplicates + unrelated, packets);
    assert!(inquiry.plan().count.is_none_or(|count| sent + refused <= count.max(1)) && broadcast <= sent);
    match inquiry.outcome(now) {
        InquiryOutcome::Answered | InquiryOutcome::InUse => assert!(received > 0),
        InquiryOutcome::NoReply | InquiryOutcome::Free => assert!(received == 0 && refused == 0 && sent > 0),
        InquiryOutcome::Announced | InquiryOutcome::Impaired | InquiryOutcome::Unfinished => {
            assert!(sent > 0);
        }
        InquiryOutcome::NothingSent => assert_eq!(sent, 0),
    }
}

/// Checks that an inquiry ends if it has a count, or a time limit and an interval.
fn check_end(mut inquiry: Inquiry, mut now: Instant) {
    let InquiryPlan { count, limit, interval, .. } = *inquiry.plan();
    // Without an interval, the number of packets before the time limit has no bound.
    let is_bounded = count.is_some() || limit.is_some() && !interval.is_zero();
    let far = Instant::from_nanos(u64::MAX / 2);
    for _ in 0..1_000 {
        if !is_bounded || now > far {
            return;
        }
        match inquiry.next(now) {
            // Probing that is incomplete can only be ended by a limit.
            RequestStep::Done => {
                let has_limit = inquiry.plan().purpose == Purpose::Probe && limit.is_some();
                return assert!(inquiry.outcome(now) != InquiryOutcome::Unfinished || has_limit);
            }
            RequestStep::Wait(span) => now = now + span,
            RequestStep::Send { .. } => inquiry.sent(now),
        }
    }
    panic!("the inquiry did not end within 1,000 steps");
}
