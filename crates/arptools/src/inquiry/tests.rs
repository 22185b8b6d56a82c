use super::*;

mod properties;

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const TARGET: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 77);
const NO_IP: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const LOCAL_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const THIRD_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 3]);
const ANNOUNCE: Purpose = Purpose::Announce(Operation::REQUEST);

/// First request for the target.
const REQUEST: PacketFields = PacketFields {
    operation: Operation::REQUEST,
    sender_hardware: LOCAL_MAC,
    sender_protocol: LOCAL,
    target_hardware: MacAddr::ZERO,
    target_protocol: TARGET,
};
/// Reply of the peer.
const REPLY: PacketFields = PacketFields {
    operation: Operation::REPLY,
    sender_hardware: PEER_MAC,
    sender_protocol: TARGET,
    target_hardware: LOCAL_MAC,
    target_protocol: LOCAL,
};

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + Duration::from_millis(millis)
}

fn wait(millis: u64) -> RequestStep {
    RequestStep::Wait(Duration::from_millis(millis))
}

fn send(packet: PacketFields, destination: MacAddr) -> RequestStep {
    RequestStep::Send { packet, destination }
}

fn inquiry(purpose: Purpose, change: impl FnOnce(&mut InquiryPlan)) -> Inquiry {
    let ip = match purpose {
        Purpose::Find => LOCAL,
        Purpose::Probe => NO_IP,
        Purpose::Announce(_) => TARGET,
    };
    let mut plan = InquiryPlan {
        purpose,
        sender: Identity { ip, mac: LOCAL_MAC },
        target: TARGET,
        count: None,
        interval: Duration::from_secs(1),
        limit: None,
        until_first: false,
        until_conflict: false,
        keeps_broadcasting: false,
    };
    change(&mut plan);
    Inquiry::new(at(0), plan)
}

fn receive(inquiry: &mut Inquiry, now: Instant, fields: PacketFields) -> Option<InquiryReply> {
    let mut bytes = [0; PacketFields::LENGTH];
    fields.write_to(&mut bytes).unwrap();
    inquiry.receive(now, Packet::parse(&bytes).unwrap(), false)
}

/// Runs an inquiry to its end without replies. Returns the sent packets with their times.
fn run(inquiry: &mut Inquiry) -> Vec<(Instant, RequestStep)> {
    let (mut now, mut sent) = (at(0), Vec::new());
    for _ in 0..100 {
        match inquiry.next(now) {
            RequestStep::Done => return sent,
            RequestStep::Wait(span) => now = now + span,
            next @ RequestStep::Send { .. } => {
                inquiry.sent(now);
                sent.push((now, next));
            }
        }
    }
    panic!("more than 100 steps");
}

#[test]
fn inquiry_sends_one_request_per_interval_and_waits_for_last_reply() {
    let mut inquiry = inquiry(Purpose::Find, |plan| plan.count = Some(2));
    assert_eq!(inquiry.next(at(0)), send(REQUEST, MacAddr::BROADCAST));
    inquiry.sent(at(0));
    assert_eq!(inquiry.next(at(300)), wait(700));
    // The schedule shifts when a packet is late.
    assert_eq!(inquiry.next(at(1_500)), send(REQUEST, MacAddr::BROADCAST));
    inquiry.sent(at(1_500));
    assert_eq!(inquiry.next(at(1_600)), wait(900));
    assert_eq!(inquiry.next(at(2_500)), RequestStep::Done);
    assert_eq!(inquiry.outcome(at(2_500)), InquiryOutcome::NoReply);
    assert_eq!((inquiry.counts().sent, inquiry.counts().broadcast), (2, 2));
}

#[test]
fn last_reply_timeout_is_one_second_for_short_intervals() {
    let mut inquiry = inquiry(Purpose::Find, |plan| {
        (plan.count, plan.interval) = (Some(1), Duration::from_millis(10));
    });
    inquiry.sent(at(0));
    assert_eq!(inquiry.next(at(0)), wait(1_000));
}

#[test]
fn reply_answers_last_request_and_next_is_duplicate() {
    let mut inquiry = inquiry(Purpose::Find, |_| {});
    inquiry.sent(at(0));
    let received = receive(&mut inquiry, at(7), REPLY).unwrap();
    let round_trip = Some(Duration::from_millis(7));
    assert_eq!(
        received,
        InquiryReply { packet: REPLY, is_broadcast: false, round_trip, is_duplicate: false, other_mac: None }
    );
    let other = PacketFields { sender_hardware: THIRD_MAC, ..REPLY };
    let second = receive(&mut inquiry, at(8), other).unwrap();
    assert_eq!((second.is_duplicate, second.other_mac), (true, Some(PEER_MAC)));
    inquiry.sent(at(1_000));
    assert!(!receive(&mut inquiry, at(1_001), other).unwrap().is_duplicate);
    assert_eq!((inquiry.counts().received, inquiry.counts().duplicates), (2, 1));
    assert_eq!(inquiry.outcome(at(1_001)), InquiryOutcome::Answered);
}

#[test]
fn reply_to_foreign_request_is_no_duplicate() {
    let mut inquiry = inquiry(Purpose::Find, |_| {});
    inquiry.sent(at(0));
    assert_eq!(
        receive(&mut inquiry, at(1), REQUEST),
        None,
        "a request by the kernel was reported as a reply"
    );
    assert!(!receive(&mut inquiry, at(2), REPLY).unwrap().is_duplicate);
    assert_eq!(receive(&mut inquiry, at(3), REPLY), None, "a reply to the kernel was reported");
    assert!(receive(&mut inquiry, at(4), REPLY).unwrap().is_duplicate, "third reply to two requests");
    // A reply from another station is always a duplicate.
    receive(&mut inquiry, at(5), REQUEST);
    let other = PacketFields { sender_hardware: THIRD_MAC, ..REPLY };
    assert!(receive(&mut inquiry, at(6), other).unwrap().is_duplicate);
    // A foreign request expires without a reply after one second.
    inquiry.sent(at(1_000));
    assert!(!receive(&mut inquiry, at(1_001), REPLY).unwrap().is_duplicate);
    assert!(receive(&mut inquiry, at(1_006), REPLY).unwrap().is_duplicate);
    assert_eq!((inquiry.counts().received, inquiry.counts().unrelated), (2, 3));
    // Foreign requests are counted from 1 again.
    receive(&mut inquiry, at(3_000), REQUEST);
    assert_eq!(receive(&mut inquiry, at(3_001), REPLY), None);
    assert!(receive(&mut inquiry, at(3_002), REPLY).unwrap().is_duplicate);
}

#[test]
fn requests_become_unicast_after_reply_unless_broadcasting_is_kept() {
    for keeps_broadcasting in [false, true] {
        let mut inquiry = inquiry(Purpose::Find, |plan| plan.keeps_broadcasting = keeps_broadcasting);
        inquiry.sent(at(0));
        receive(&mut inquiry, at(1), REPLY).unwrap();
        let unicast = send(PacketFields { target_hardware: PEER_MAC, ..REQUEST }, PEER_MAC);
        let broadcast = send(REQUEST, MacAddr::BROADCAST);
        assert_eq!(inquiry.next(at(1_000)), if keeps_broadcasting { broadcast } else { unicast });
        inquiry.sent(at(1_000));
        assert_eq!(inquiry.counts().broadcast, if keeps_broadcasting { 2 } else { 1 });
    }
}

#[test]
fn unrelated_packets_are_counted_separately() {
    let foreign = [
        PacketFields { operation: Operation::REQUEST, ..REPLY },
        PacketFields { operation: Operation(4), ..REPLY },
        PacketFields { sender_protocol: OTHER, ..REPLY },
        PacketFields { target_protocol: OTHER, ..REPLY },
        PacketFields { target_hardware: THIRD_MAC, ..REPLY },
        PacketFields { sender_hardware: MacAddr::BROADCAST, ..REPLY },
        PacketFields { sender_hardware: MacAddr::ZERO, ..REPLY },
        PacketFields { sender_hardware: LOCAL_MAC, ..REPLY },
    ];
    let mut inquiry = inquiry(Purpose::Find, |_| {});
    // A reply before the first request is unrelated too.
    assert_eq!(receive(&mut inquiry, at(0), REPLY), None);
    inquiry.sent(at(0));
    for fields in foreign {
        assert_eq!(receive(&mut inquiry, at(1), fields), None, "{fields:?}");
    }
    assert_eq!((inquiry.counts().received, inquiry.counts().unrelated), (0, 9));
}

#[test]
fn inquiry_ends_at_first_reply_when_requested() {
    let mut inquiry = inquiry(Purpose::Find, |plan| plan.until_first = true);
    inquiry.sent(at(0));
    assert_eq!(inquiry.next(at(1)), wait(999));
    receive(&mut inquiry, at(1), REPLY).unwrap();
    assert_eq!(inquiry.next(at(1)), RequestStep::Done);
}

#[test]
fn time_limit_ends_inquiry_after_first_request() {
    let mut inquiry = inquiry(Purpose::Find, |plan| plan.limit = Some(Duration::from_millis(1_200)));
    assert_eq!(inquiry.next(at(5_000)), send(REQUEST, MacAddr::BROADCAST));
    inquiry.sent(at(0));
    assert_eq!(inquiry.next(at(400)), wait(600));
    inquiry.sent(at(1_000));
    assert_eq!(inquiry.next(at(1_000)), wait(200));
    assert_eq!(inquiry.next(at(1_200)), RequestStep::Done);
}

// proves: rfc5227-probe-times
#[test]
fn probe_sends_three_packets_and_waits_for_conflicts() {
    let mut inquiry = inquiry(Purpose::Probe, |_| {});
    let probe = send(PacketFields { sender_protocol: NO_IP, ..REQUEST }, MacAddr::BROADCAST);
    assert_eq!(run(&mut inquiry), [(at(0), probe), (at(1_000), probe), (at(2_000), probe)]);
    assert_eq!(inquiry.next(at(3_999)), wait(1));
    // Without the full wait the result is unknown.
    assert_eq!(inquiry.outcome(at(3_999)), InquiryOutcome::Unfinished);
    assert_eq!(inquiry.outcome(at(4_000)), InquiryOutcome::Free);
}

// proves: rfc5227-probe-complete
#[test]
fn probing_is_unfinished_when_limit_precedes_announce_wait() {
    // Three probes at 0, 1 and 2 seconds, then two seconds.
    for (limit, outcome) in [
        (0, InquiryOutcome::Unfinished),
        (100, InquiryOutcome::Unfinished),
        (2_000, InquiryOutcome::Unfinished),
        (3_800, InquiryOutcome::Unfinished),
        (4_000, InquiryOutcome::Free),
        (4_500, InquiryOutcome::Free),
        (20_000, InquiryOutcome::Free),
    ] {
        let mut inquiry = inquiry(Purpose::Probe, |plan| plan.limit = Some(Duration::from_millis(limit)));
        run(&mut inquiry);
        assert_eq!(inquiry.outcome(at(limit)), outcome, "{limit}");
    }
    // A count sets the number of required probes.
    let mut inquiry = inquiry(Purpose::Probe, |plan| {
        (plan.count, plan.limit) = (Some(2), Some(Duration::from_secs(3)));
    });
    inquiry.sent(at(3));
    inquiry.sent(at(1_005));
    // The second probe was 5 ms late, and the tolerance extends the limit by that.
    assert_eq!((inquiry.next(at(3_000)), inquiry.outcome(at(3_000))), (wait(5), InquiryOutcome::Unfinished));
    assert_eq!(
        (inquiry.next(at(3_005)), inquiry.outcome(at(3_005))),
        (RequestStep::Done, InquiryOutcome::Free)
    );
}

#[test]
fn interrupted_probing_reports_conflict() {
    let mut inquiry = inquiry(Purpose::Probe, |plan| plan.limit = Some(Duration::from_millis(100)));
    inquiry.sent(at(0));
    assert!(receive(&mut inquiry, at(50), REPLY).is_some());
    assert_eq!(inquiry.outcome(at(50)), InquiryOutcome::InUse);
}

// proves: rfc5227-probe-conflict, rfc5227-simultaneous-probe, rfc5227-plain-request, rfc5227-echo
#[test]
fn probing_conflicts_with_user_and_with_other_prober() {
    let other_probe = PacketFields { sender_hardware: PEER_MAC, sender_protocol: NO_IP, ..REQUEST };
    let taken = [
        REPLY,
        other_probe,
        PacketFields { operation: Operation::REQUEST, target_protocol: OTHER, ..REPLY },
        PacketFields { target_hardware: THIRD_MAC, target_protocol: OTHER, ..REPLY },
    ];
    for fields in taken {
        let mut inquiry = inquiry(Purpose::Probe, |_| {});
        inquiry.sent(at(0));
        assert!(receive(&mut inquiry, at(1), fields).is_some(), "{fields:?}");
        assert_eq!((inquiry.next(at(1)), inquiry.outcome(at(1))), (RequestStep::Done, InquiryOutcome::InUse));
    }
    let free = [
        PacketFields { sender_protocol: OTHER, ..other_probe },
        PacketFields { target_protocol: OTHER, ..other_probe },
        PacketFields { operation: Operation::REPLY, ..other_probe },
        PacketFields { operation: Operation(3), ..REPLY },
        PacketFields { sender_hardware: LOCAL_MAC, ..REPLY },
        PacketFields { sender_hardware: MacAddr::BROADCAST, ..REPLY },
    ];
    let mut inquiry = inquiry(Purpose::Probe, |_| {});
    inquiry.sent(at(0));
    for fields in free {
        assert_eq!(receive(&mut inquiry, at(1), fields), None, "{fields:?}");
    }
}

#[test]
fn announcement_waits_for_no_reply() {
    let reply = PacketFields { operation: Operation::REPLY, target_hardware: LOCAL_MAC, ..REQUEST };
    for (operation, packet) in [(Operation::REQUEST, REQUEST), (Operation::REPLY, reply)] {
        let mut inquiry = inquiry(Purpose::Announce(operation), |plan| plan.count = Some(2));
        let packet = send(PacketFields { sender_protocol: TARGET, ..packet }, MacAddr::BROADCAST);
        assert_eq!(run(&mut inquiry), [(at(0), packet), (at(1_000), packet)]);
        assert_eq!(receive(&mut inquiry, at(1_000), REPLY), None);
        assert_eq!(inquiry.outcome(at(1_000)), InquiryOutcome::Announced);
    }
}

#[test]
fn outcome_is_inconclusive_after_tx_errors_or_rx_loss() {
    for purpose in [Purpose::Find, Purpose::Probe, ANNOUNCE] {
        let mut inquiry = inquiry(purpose, |plan| plan.count = Some(2));
        inquiry.sent(at(0));
        inquiry.refused(1);
        assert_eq!(inquiry.next(at(0)), wait(1_000));
        inquiry.sent(at(1_000));
        inquiry.refused(2);
        assert_eq!(inquiry.outcome(at(9_000)), InquiryOutcome::NothingSent, "{purpose:?}");
    }
    for purpose in [Purpose::Find, Purpose::Probe] {
        let mut inquiry = inquiry(purpose, |plan| plan.count = Some(2));
        inquiry.sent(at(0));
        inquiry.sent(at(1_000));
        let mut refused = inquiry.clone();
        refused.refused(2);
        inquiry.rx_blocked();
        for mut impaired in [refused, inquiry] {
            assert_eq!(impaired.next(at(9_000)), RequestStep::Done);
            assert_eq!(impaired.outcome(at(9_000)), InquiryOutcome::Impaired);
        }
    }
}

#[test]
fn refused_packet_changes_only_count_and_time() {
    let mut inquiry = inquiry(Purpose::Find, |plan| plan.count = Some(3));
    inquiry.sent(at(0));
    inquiry.sent(at(1_000));
    inquiry.refused(2);
    let InquiryCounts { sent, broadcast, refused, .. } = *inquiry.counts();
    assert_eq!((sent, broadcast, refused), (1, 1, 1));
    // The reply answers the first request, and the packet after the refused packet is sent in time.
    let reply = receive(&mut inquiry, at(1_007), REPLY).unwrap();
    assert_eq!((reply.round_trip, reply.is_duplicate), (Some(Duration::from_millis(1_007)), false));
    assert_eq!(inquiry.next(at(1_500)), wait(500));
    // The third packet is unicast.
    inquiry.sent(at(2_000));
    inquiry.refused(3);
    assert_eq!((inquiry.counts().sent, inquiry.counts().broadcast), (1, 1));
}

#[test]
fn refused_probe_is_not_a_required_probe() {
    let mut inquiry = inquiry(Purpose::Probe, |plan| plan.count = Some(1));
    inquiry.sent(at(0));
    inquiry.refused(1);
    assert_eq!(inquiry.outcome(at(9_000)), InquiryOutcome::NothingSent);
}

/// Sends requests at these times, and passes replies of the peer at their times to the inquiry. Returns the round-trip
/// times in milliseconds, and the numbers of answers and duplicates.
fn round_trips(sent: &[u64], replies: &[u64]) -> (Vec<u128>, u64, u64) {
    let mut inquiry = inquiry(Purpose::Find, |_| {});
    let mut events: Vec<_> = sent.iter().map(|time| (*time, true)).collect();
    events.extend(replies.iter().map(|time| (*time, false)));
    events.sort_by_key(|(time, is_request)| (*time, !is_request));
    let mut times = Vec::new();
    for (time, is_request) in events {
        if is_request {
            inquiry.sent(at(time));
        } else {
            let reply = receive(&mut inquiry, at(time), REPLY).unwrap();
            times.push(reply.round_trip.unwrap().as_millis());
        }
    }
    (times, inquiry.counts().received, inquiry.counts().duplicates)
}

#[test]
fn reply_later_than_interval_answers_its_own_request() {
    // Each reply arrives 150 ms after its request, and a request is sent every 100 ms.
    assert_eq!(round_trips(&[0, 100, 200], &[150, 250, 350]), (vec![150; 3], 3, 0));
    // After the delay of the first reply, the replies follow immediately.
    assert_eq!(round_trips(&[0, 500, 1_000], &[700, 701, 1_001]), (vec![700, 201, 1], 3, 0));
    // Three replies that the network has delayed arrive together.
    assert_eq!(round_trips(&[0, 1_000, 2_000], &[2_300, 2_301, 2_302]), (vec![300, 1_301, 2_302], 3, 0));
}

#[test]
fn prompt_first_reply_answers_newest_request_when_earlier_replies_are_lost() {
    // The replies to the first requests are lost.
    assert_eq!(round_trips(&[0, 200, 400, 600], &[201, 401, 602]), (vec![1, 1, 2], 3, 0));
    assert_eq!(round_trips(&[0, 200, 400, 600], &[419, 601]), (vec![19, 1], 2, 0));
    // A reply after a tenth of the interval answers the oldest request.
    assert_eq!(round_trips(&[0, 200, 400], &[420]), (vec![420], 1, 0));
    // The delay of the reply ends soon after the second request: its time is taken for that of a prompt reply.
    assert_eq!(round_trips(&[0, 200, 400], &[210, 211, 401]), (vec![10, 211, 1], 3, 0));
}

#[test]
fn reply_after_lost_reply_has_usual_round_trip_time() {
    assert_eq!(round_trips(&[0, 100, 200], &[1, 201]), (vec![1, 1], 2, 0));
    // The first requests were sent before the station existed.
    assert_eq!(round_trips(&[0, 2_000, 4_000], &[4_001]), (vec![1], 1, 0));
    // A second reply to the same request is a duplicate.
    assert_eq!(round_trips(&[0], &[1, 2]), (vec![1, 2], 1, 1));
    // A request of more than five seconds before the last request has no late reply.
    assert_eq!(round_trips(&[0, 5_001], &[5_002, 5_003]), (vec![1, 2], 1, 1));
    assert_eq!(round_trips(&[0, 5_000], &[5_001, 5_003]), (vec![1, 5_003], 2, 0));
}

#[test]
fn round_trip_times_include_first_replies_only() {
    let mut inquiry = inquiry(Purpose::Find, |_| {});
    assert_eq!(inquiry.times(), None);
    for (sent, reply) in [(0, 3), (100, 107), (200, 205)] {
        inquiry.sent(at(sent));
        receive(&mut inquiry, at(reply), REPLY).unwrap();
        receive(&mut inquiry, at(reply + 50), REPLY).unwrap();
    }
    let [min, mean, max] = [3, 5, 7].map(Duration::from_millis);
    assert_eq!(inquiry.times(), Some(InquiryTimes { min, mean, max }));
}

#[test]
fn stations_are_listed_in_order_of_first_replies() {
    let from = |number: u8| PacketFields { sender_hardware: MacAddr::new([2, 0, 0, 0, 1, number]), ..REPLY };
    let mut inquiry = inquiry(Purpose::Find, |_| {});
    inquiry.sent(at(0));
    for number in [2, 1, 2] {
        receive(&mut inquiry, at(1), from(number)).unwrap();
    }
    let macs: Vec<_> = inquiry.stations().iter().map(|station| station.mac).collect();
    assert_eq!(macs, [from(2).sender_hardware, from(1).sender_hardware]);
    assert!(inquiry.has_conflict() && !inquiry.has_more_stations());
    for number in 3..=16 {
        receive(&mut inquiry, at(1), from(number)).unwrap();
    }
    assert_eq!((inquiry.stations().len(), inquiry.has_more_stations()), (Inquiry::MAX_STATIONS, false));
    // The duplicate reply of a further station is reported, but the station is not listed.
    assert!(receive(&mut inquiry, at(1), from(17)).unwrap().is_duplicate);
    assert_eq!((inquiry.stations().len(), inquiry.has_more_stations()), (Inquiry::MAX_STATIONS, true));
}

#[test]
fn conflict_ends_requests_when_requested_and_further_replies_are_received() {
    for until_conflict in [false, true] {
        let mut inquiry = inquiry(Purpose::Find, |plan| plan.until_conflict = until_conflict);
        inquiry.sent(at(0));
        receive(&mut inquiry, at(1), REPLY).unwrap();
        assert!(matches!(inquiry.next(at(1_000)), RequestStep::Send { .. }));
        receive(&mut inquiry, at(2), PacketFields { sender_hardware: THIRD_MAC, ..REPLY }).unwrap();
        assert_eq!(inquiry.next(at(2)), wait(998));
        assert_eq!(inquiry.next(at(1_000)) == RequestStep::Done, until_conflict);
    }
}

#[test]
fn prober_of_same_address_is_listed_as_not_claiming() {
    let probe = PacketFields { sender_hardware: PEER_MAC, sender_protocol: NO_IP, ..REQUEST };
    for (fields, is_claiming) in [(probe, false), (REPLY, true)] {
        let mut inquiry = inquiry(Purpose::Probe, |_| {});
        inquiry.sent(at(0));
        receive(&mut inquiry, at(1), fields).unwrap();
        assert_eq!(inquiry.stations(), [InquiryStation { mac: PEER_MAC, is_claiming }]);
        assert!(!inquiry.has_conflict(), "an address in use was reported as a conflict of two stations");
    }
}

#[test]
fn text_of_reply_is_comment_in_captures() {
    let text = |operation, is_duplicate, other_mac| {
        let packet = PacketFields { operation, ..REPLY };
        InquiryReply { packet, is_broadcast: false, round_trip: None, is_duplicate, other_mac }.to_string()
    };
    assert_eq!(text(Operation::REPLY, false, None), "reply");
    assert_eq!(text(Operation::REPLY, true, None), "duplicate reply");
    let conflict = "conflict: another station replied for this address";
    assert_eq!(text(Operation::REPLY, true, Some(PEER_MAC)), conflict);
    assert_eq!(text(Operation::REQUEST, false, None), "conflicting request");
}
