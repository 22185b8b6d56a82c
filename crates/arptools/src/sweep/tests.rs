use super::*;

mod properties;

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const LOCAL_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const THIRD_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 3]);

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + Duration::from_millis(millis)
}

fn wait(millis: u64) -> RequestStep {
    RequestStep::Wait(Duration::from_millis(millis))
}

/// Returns an address of 10.0.0.0/24.
fn host(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, number)
}

/// Returns a sweep of 10.0.0.`first` to 10.0.0.`last`: two passes, one request per 2 ms, timeouts of 500 and 750 ms.
fn sweep(first: u8, last: u8, change: impl FnOnce(&mut SweepPlan)) -> Sweep {
    let mut plan = SweepPlan {
        sender: Identity { ip: LOCAL, mac: LOCAL_MAC },
        passes: 2,
        timeout: Duration::from_millis(500),
        backoff: 1.5,
        interval: Duration::from_millis(2),
        limit: None,
        seed: None,
    };
    change(&mut plan);
    Sweep::new(at(0), plan, TargetRanges::new([host(first)..=host(last)]).unwrap())
}

fn reply(target: Ipv4Addr) -> PacketFields {
    PacketFields {
        operation: Operation::REPLY,
        sender_hardware: PEER_MAC,
        sender_protocol: target,
        target_hardware: LOCAL_MAC,
        target_protocol: LOCAL,
    }
}

fn receive(sweep: &mut Sweep, fields: PacketFields) -> Option<SweepReply> {
    receive_at(sweep, at(0), fields)
}

fn receive_at(sweep: &mut Sweep, now: Instant, fields: PacketFields) -> Option<SweepReply> {
    let mut bytes = [0; PacketFields::LENGTH];
    fields.write_to(&mut bytes).unwrap();
    sweep.receive(now, Packet::parse(&bytes).unwrap(), false)
}

/// Runs a sweep to its end without replies. Returns the times and targets of the requests, and the time of the end.
fn run(sweep: &mut Sweep, mut now: Instant) -> (Vec<(Instant, Ipv4Addr)>, Instant) {
    let mut requested = Vec::new();
    for _ in 0..100_000 {
        match sweep.next(now) {
            RequestStep::Done => return (requested, now),
            RequestStep::Wait(span) => now = now + span,
            RequestStep::Send { packet, .. } => {
                sweep.sent(now);
                requested.push((now, packet.target_protocol));
            }
        }
    }
    panic!("more than 100,000 steps");
}

#[test]
fn sweep_requests_each_address_in_order_and_again_after_timeout() {
    let mut sweep = sweep(10, 12, |_| {});
    assert_eq!(sweep.targets(), 3);
    let (requested, end) = run(&mut sweep, at(0));
    let expected = [(0, 10), (2, 11), (4, 12), (500, 10), (502, 11), (504, 12)];
    assert_eq!(requested, expected.map(|(time, number)| (at(time), host(number))));
    // 750 ms after the last request.
    assert_eq!(end, at(1_254));
    assert_eq!(
        (sweep.outcome(), sweep.counts().sent, sweep.counts().requested),
        (SweepOutcome::NoReply, 6, 3)
    );
}

// proves: rfc826-request, rfc826-request-fields
#[test]
fn request_equals_rfc_826() {
    let mut sweep = sweep(10, 10, |_| {});
    let packet = PacketFields {
        operation: Operation::REQUEST,
        sender_hardware: LOCAL_MAC,
        sender_protocol: LOCAL,
        target_hardware: MacAddr::ZERO,
        target_protocol: host(10),
    };
    assert_eq!(sweep.next(at(0)), RequestStep::Send { packet, destination: MacAddr::BROADCAST });
    assert_eq!(
        sweep.next(at(0)),
        RequestStep::Send { packet, destination: MacAddr::BROADCAST },
        "the step changed before `sent`"
    );
}

#[test]
fn answered_address_is_not_requested_again_and_sweep_ends_after_last_timeout() {
    let mut sweep = sweep(10, 12, |_| {});
    sweep.sent(at(0));
    let received = receive(&mut sweep, reply(host(10)));
    assert_eq!(
        received,
        Some(SweepReply {
            packet: reply(host(10)),
            is_broadcast: false,
            number: 1,
            other_mac: None,
            rtt: Duration::ZERO
        })
    );
    let (requested, end) = run(&mut sweep, at(0));
    let expected = [(2, 11), (4, 12), (502, 11), (504, 12)];
    assert_eq!(requested, expected.map(|(time, number)| (at(time), host(number))));
    assert_eq!((end, sweep.outcome()), (at(1_254), SweepOutcome::Found));
}

#[test]
fn round_trip_time_is_time_since_last_request_for_address() {
    let mut sweep = sweep(10, 11, |_| {});
    sweep.sent(at(0));
    sweep.sent(at(2));
    let rtt = |sweep: &mut Sweep, now, number| receive_at(sweep, at(now), reply(host(number))).unwrap().rtt;
    assert_eq!(rtt(&mut sweep, 7, 10), Duration::from_millis(7));
    // A duplicate is measured from the same request.
    assert_eq!(rtt(&mut sweep, 9, 10), Duration::from_millis(9));
    assert!(matches!(sweep.next(at(502)), RequestStep::Send { .. }));
    sweep.sent(at(503));
    assert_eq!(rtt(&mut sweep, 504, 11), Duration::from_millis(1));
}

#[test]
fn sweep_waits_for_second_station_when_all_replied() {
    let mut sweep = sweep(10, 10, |_| {});
    sweep.sent(at(0));
    receive(&mut sweep, reply(host(10))).unwrap();
    assert_eq!(sweep.next(at(1)), wait(499));
    assert_eq!(sweep.next(at(500)), RequestStep::Done);
}

#[test]
fn sweep_ends_at_limit_and_is_below_limit_otherwise() {
    let mut sweep = sweep(10, 12, |plan| plan.limit = Some(2));
    sweep.sent(at(0));
    sweep.sent(at(2));
    receive(&mut sweep, reply(host(10))).unwrap();
    assert_eq!(sweep.next(at(3)), wait(1));
    assert_eq!(sweep.outcome(), SweepOutcome::Unfinished);
    let mut other = sweep.clone();
    receive(&mut sweep, reply(host(11))).unwrap();
    assert_eq!((sweep.next(at(3)), sweep.outcome()), (RequestStep::Done, SweepOutcome::Found));
    assert_eq!(receive(&mut sweep, reply(host(11))), None, "a reply beyond the limit was reported");
    assert_eq!((sweep.counts().answered, sweep.counts().unrelated), (2, 1));
    run(&mut other, at(3));
    assert_eq!(other.outcome(), SweepOutcome::BelowLimit);
    other.refused(1);
    assert_eq!(other.outcome(), SweepOutcome::Impaired);
}

#[test]
fn repeated_reply_is_duplicate_and_other_mac_is_conflict() {
    let mut sweep = sweep(10, 12, |_| {});
    sweep.sent(at(0));
    let other = PacketFields { sender_hardware: THIRD_MAC, ..reply(host(10)) };
    let reported = [reply(host(10)), reply(host(10)), other, reply(host(10)), other]
        .map(|fields| receive(&mut sweep, fields).map(|received| (received.number, received.other_mac)));
    let other_mac = Some(PEER_MAC);
    assert_eq!(
        reported,
        [Some((1, None)), Some((2, None)), Some((3, other_mac)), Some((4, None)), Some((5, other_mac))]
    );
    let expected = SweepCounts {
        requested: 1,
        sent: 1,
        answered: 1,
        duplicates: 2,
        conflicts: 2,
        contested: 1,
        unrelated: 0,
        refused: 0,
    };
    assert_eq!(*sweep.counts(), expected);
}

#[test]
fn reply_count_saturates_without_conflict() {
    let mut sweep = sweep(10, 10, |_| {});
    sweep.sent(at(0));
    let last = (0..40_000).map(|_| receive(&mut sweep, reply(host(10))).unwrap()).last().unwrap();
    assert_eq!((last.number, last.other_mac), (4_095, None));
    assert_eq!((sweep.counts().duplicates, sweep.counts().contested), (39_999, 0));
}

#[test]
fn reply_to_foreign_request_with_same_sender_is_no_duplicate() {
    let mut sweep = sweep(10, 12, |_| {});
    let RequestStep::Send { packet: foreign, .. } = sweep.next(at(0)) else { panic!("no request is due") };
    sweep.sent(at(0));
    // Requests by another program: before and after the reply, and for an address outside the sweep.
    assert_eq!(receive(&mut sweep, foreign), None);
    assert_eq!(receive(&mut sweep, PacketFields { target_protocol: host(77), ..foreign }), None);
    assert!(receive(&mut sweep, reply(host(10))).is_some_and(|received| received.number == 1));
    assert_eq!(receive(&mut sweep, foreign), None);
    assert_eq!((receive(&mut sweep, reply(host(10))), receive(&mut sweep, reply(host(10)))), (None, None));
    assert!(receive(&mut sweep, reply(host(10))).is_some_and(|received| received.number == 2));
    // A reply from another MAC address is always a conflict.
    assert_eq!(receive(&mut sweep, foreign), None);
    let other = PacketFields { sender_hardware: THIRD_MAC, ..reply(host(10)) };
    assert!(receive(&mut sweep, other).is_some_and(|received| received.other_mac == Some(PEER_MAC)));
    assert_eq!((sweep.counts().answered, sweep.counts().duplicates, sweep.counts().unrelated), (1, 1, 6));
}

#[test]
fn seven_requests_by_other_programs_are_recorded() {
    let mut sweep = sweep(10, 12, |_| {});
    let RequestStep::Send { packet: foreign, .. } = sweep.next(at(0)) else { panic!("no request is due") };
    sweep.sent(at(0));
    for _ in 0..9 {
        receive(&mut sweep, foreign);
    }
    let reported: Vec<_> =
        (0..9).map(|_| receive(&mut sweep, reply(host(10))).map(|received| received.number)).collect();
    assert_eq!((reported[0], &reported[1..8], reported[8]), (Some(1), &[None; 7][..], Some(2)));
    assert_eq!(sweep.counts().contested, 0);
}

// proves: sender-hardware-station, rfc5227-echo
#[test]
fn unrelated_packets_are_counted_separately() {
    let mut sweep = sweep(10, 12, |_| {});
    sweep.sent(at(0));
    let good = reply(host(10));
    let foreign = [
        PacketFields { operation: Operation::REQUEST, ..good },
        PacketFields { operation: Operation(4), ..good },
        // Not requested yet, and outside of the ranges.
        reply(host(11)),
        reply(host(9)),
        PacketFields { target_protocol: host(77), ..good },
        PacketFields { target_hardware: THIRD_MAC, ..good },
        PacketFields { sender_hardware: MacAddr::BROADCAST, ..good },
        PacketFields { sender_hardware: MacAddr::ZERO, ..good },
        PacketFields { sender_hardware: LOCAL_MAC, ..good },
    ];
    for fields in foreign {
        assert_eq!(receive(&mut sweep, fields), None, "{fields:?}");
    }
    assert_eq!((sweep.counts().answered, sweep.counts().unrelated), (0, 9));
    assert!(receive(&mut sweep, good).is_some());
}

#[test]
fn sender_address_is_not_requested() {
    let mut sweep = sweep(1, 3, |plan| plan.passes = 1);
    assert_eq!(sweep.targets(), 2);
    let (requested, _) = run(&mut sweep, at(0));
    assert_eq!(requested, [(at(0), host(1)), (at(2), host(3))]);
    let mut alone = super::tests::sweep(2, 2, |_| {});
    assert_eq!((alone.targets(), alone.next(at(0))), (0, RequestStep::Done));
    assert_eq!(alone.outcome(), SweepOutcome::NothingSent);
}

#[test]
fn late_requests_are_made_up_for_within_tolerance() {
    let mut sweep = sweep(1, 200, |_| {});
    let burst = |sweep: &mut Sweep, now| {
        let mut count = 0;
        while let RequestStep::Send { .. } = sweep.next(now) {
            sweep.sent(now);
            count += 1;
        }
        count
    };
    assert_eq!(burst(&mut sweep, at(0)), 1);
    assert_eq!(burst(&mut sweep, at(7)), 3);
    assert_eq!(sweep.next(at(7)), wait(1));
    // One second late: requests for 10 ms, and the due request.
    assert_eq!(burst(&mut sweep, at(1_007)), 6);
}

#[test]
fn pass_starts_without_burst_after_wait() {
    let mut sweep = sweep(10, 29, |_| {});
    while let RequestStep::Send { .. } | RequestStep::Wait(_) = sweep.next(at(100)) {
        if sweep.progress().0 == 2 {
            break;
        }
        sweep.sent(at(100));
    }
    assert_eq!(sweep.progress(), (2, 0));
    assert_eq!(sweep.next(at(100)), wait(500));
    sweep.sent(at(600));
    assert_eq!(sweep.next(at(600)), wait(2));
}

#[test]
fn scan_is_inconclusive_after_tx_errors_or_rx_loss() {
    let mut refused = sweep(10, 10, |plan| plan.passes = 1);
    refused.sent(at(0));
    refused.refused(1);
    run(&mut refused, at(0));
    assert_eq!((refused.outcome(), refused.counts().refused), (SweepOutcome::NothingSent, 1));
    for impair in [|sweep: &mut Sweep| sweep.refused(1), |sweep: &mut Sweep| sweep.rx_blocked()] {
        let mut sweep = sweep(10, 12, |_| {});
        run(&mut sweep, at(0));
        assert_eq!((sweep.outcome(), sweep.is_impaired()), (SweepOutcome::NoReply, false));
        impair(&mut sweep);
        assert_eq!((sweep.outcome(), sweep.is_impaired()), (SweepOutcome::Impaired, true));
        receive(&mut sweep, reply(host(11))).unwrap();
        assert_eq!(sweep.outcome(), SweepOutcome::Found);
    }
}

#[test]
fn invalid_backoff_waits_one_day_at_most() {
    for backoff in [f64::NAN, f64::INFINITY, -3.0, 1e6, 1e300] {
        let mut sweep = sweep(10, 10, |plan| plan.backoff = backoff);
        let (_, end) = run(&mut sweep, at(0));
        assert_eq!(end, at(500) + Sweep::MAX_TIMEOUT, "{backoff}");
    }
}

#[test]
fn seed_permutes_request_order() {
    let (mut plain, mut random) = (sweep(10, 99, |_| {}), sweep(10, 99, |plan| plan.seed = Some(7)));
    let (requested, end) = run(&mut plain, at(0));
    let (shuffled, shuffled_end) = run(&mut random, at(0));
    assert_ne!(requested, shuffled);
    assert_eq!(end, shuffled_end);
    let sorted = |mut requested: Vec<(Instant, Ipv4Addr)>| {
        requested.sort_unstable_by_key(|(_, address)| *address);
        requested.into_iter().map(|(_, address)| address).collect::<Vec<_>>()
    };
    assert_eq!(sorted(requested), sorted(shuffled));
}

#[test]
fn sweep_of_slash_8_touches_memory_on_demand() {
    let all = TargetRanges::new([Ipv4Addr::new(10, 0, 0, 0)..=Ipv4Addr::new(10, 255, 255, 255)]).unwrap();
    let mut sweep = Sweep::new(at(0), *sweep(1, 1, |plan| plan.interval = Duration::ZERO).plan(), all);
    assert_eq!(sweep.targets(), u64::from(TargetRanges::MAX_COUNT) - 1);
    for _ in 0..1_000 {
        assert!(matches!(sweep.next(at(1)), RequestStep::Send { .. }));
        sweep.sent(at(1));
    }
    assert_eq!(sweep.progress(), (1, 1_001));
}

#[test]
fn text_of_reply_is_comment_in_captures() {
    let text = |number, other_mac| {
        let reply = SweepReply {
            packet: reply(host(10)),
            is_broadcast: false,
            number,
            other_mac,
            rtt: Duration::ZERO,
        };
        reply.to_string()
    };
    assert_eq!(text(1, None), "reply");
    assert_eq!(text(2, None), "duplicate reply");
    assert_eq!(text(2, Some(PEER_MAC)), "conflict: another station replied for this address");
}
