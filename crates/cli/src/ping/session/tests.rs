use super::*;

const TARGET: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const HOST_IP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const IDENTIFIER: u16 = 77;

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + Duration::from_millis(millis)
}

fn wait(millis: u64) -> PingStep {
    PingStep::Wait(Duration::from_millis(millis))
}

fn session(count: Option<u64>) -> PingSession {
    PingSession::new(PingPlan {
        target: TARGET,
        identifier: IDENTIFIER,
        bytes: 56,
        count,
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(10),
    })
}

fn reply(sequence: u16) -> PingReply {
    PingReply { from: TARGET.into(), sequence, length: 64, time_to_live: 64, mismatch: None }
}

fn undelivered(problem: IcmpError, sequence: u16) -> SocketFailure {
    let peer = (TARGET, 0).into();
    SocketFailure { problem, from: HOST_IP.into(), peer, sequence: Some(sequence) }
}

/// Returns an ICMP error of this type.
fn problem(kind: u8) -> IcmpError {
    let quoted = [&[0x45][..], &[0; 19]].concat();
    let mut message = [&[kind, 1, 0, 0, 10, 0, 0, 254][..], &quoted].concat();
    let sum = inet::checksum::of(&message).to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    match icmp::IcmpMessage::parse(&message).unwrap().body().unwrap() {
        icmp::IcmpBody::Error(problem, _) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn session_sends_one_request_per_interval_until_all_are_answered() {
    let mut session = session(Some(2));
    assert_eq!(session.next(at(0)), PingStep::Send(1));
    session.sent(at(0), 1);
    assert_eq!(session.next(at(300)), wait(700));
    assert!(session.receive_reply(at(300), reply(1)).is_some());
    // After a delay, the interval starts anew.
    assert_eq!(session.next(at(1_400)), PingStep::Send(2));
    session.sent(at(1_400), 2);
    assert_eq!(session.next(at(1_400)), wait(1_000));
    session.receive_reply(at(1_500), reply(2));
    assert_eq!(session.next(at(1_500)), PingStep::Over);
    let trips = session.statistics().round_trips().unwrap();
    assert_eq!((trips.min, trips.max), (Duration::from_millis(100), Duration::from_millis(300)));
    assert_eq!(session.statistics().elapsed(), Duration::from_millis(1_400));
}

#[test]
fn session_continues_without_count() {
    let mut session = session(None);
    for sequence in 1..=100 {
        let now = at(1_000 * u64::from(sequence));
        assert_eq!(session.next(now), PingStep::Send(sequence));
        session.sent(now, sequence);
    }
}

#[test]
fn session_waits_timeout_after_last_request_when_no_reply_came() {
    let mut session = session(Some(1));
    session.sent(at(0), 1);
    assert_eq!(session.next(at(0)), wait(10_000));
    assert_eq!(session.next(at(9_999)), wait(1));
    assert_eq!(session.next(at(10_000)), PingStep::Over);
}

#[test]
fn session_waits_two_round_trips_but_at_least_interval_after_replies() {
    for (round_trip, timeout) in [(200, 1_000), (700, 1_400)] {
        let mut session = session(Some(2));
        session.sent(at(0), 1);
        session.receive_reply(at(round_trip), reply(1));
        session.sent(at(1_000), 2);
        assert_eq!(session.next(at(1_000)), wait(timeout));
        assert_eq!(session.next(at(1_000 + timeout)), PingStep::Over);
    }
}

#[test]
fn icmp_errors_end_requests_and_redirects_do_not() {
    let mut session = session(Some(2));
    session.sent(at(0), 1);
    session.sent(at(1_000), 2);
    let error =
        PingResponse::Error { from: HOST_IP.into(), sequence: 1, problem: IcmpError::HOST_UNREACHABLE };
    assert_eq!(session.receive_failure(undelivered(IcmpError::HOST_UNREACHABLE, 1)), Some(error));
    for kind in [4, 5] {
        let response = session.receive_failure(undelivered(problem(kind), 2));
        assert!(matches!(response, Some(PingResponse::Advice { sequence: 2, .. })), "{kind}");
    }
    assert_ne!(session.next(at(3_000)), PingStep::Over);
    session.receive_failure(undelivered(IcmpError::HOPS_EXCEEDED, 2));
    assert_eq!(session.next(at(3_000)), PingStep::Over);
    let PingStatistics { transmitted, received, errors, unmatched, .. } = *session.statistics();
    assert_eq!((transmitted, received, errors, unmatched), (2, 0, 2, 0));
}

#[test]
fn unsent_request_counts_as_error() {
    let mut session = session(Some(1));
    session.sent(at(0), 1);
    session.transmit_failed();
    assert_eq!(session.next(at(0)), PingStep::Over);
}

#[test]
fn repeated_reply_counts_as_duplicate() {
    let mut session = session(Some(2));
    session.sent(at(0), 1);
    let mut receive = |now| match session.receive_reply(now, reply(1)) {
        Some(PingResponse::Reply { is_duplicate, round_trip, .. }) => (is_duplicate, round_trip.as_millis()),
        other => panic!("{other:?}"),
    };
    assert_eq!((receive(at(1)), receive(at(3))), ((false, 1), (true, 3)));
    let PingStatistics { received, duplicates, .. } = *session.statistics();
    assert_eq!((received, duplicates), (1, 1));
    assert_eq!(session.statistics().round_trips().unwrap().mean, Duration::from_millis(2));
    assert_ne!(session.next(at(3)), PingStep::Over);
}

#[test]
fn reply_from_other_address_is_marked() {
    let mut session = session(None);
    session.sent(at(0), 1);
    let response = session.receive_reply(at(1), PingReply { from: [10, 0, 0, 9].into(), ..reply(1) });
    assert!(matches!(response, Some(PingResponse::Reply { is_from_another: true, .. })));
    let response = session.receive_reply(at(1), reply(1));
    assert!(matches!(response, Some(PingResponse::Reply { is_from_another: false, .. })));
}

#[test]
fn unrelated_replies_and_failures_are_counted_and_not_reported() {
    let mut session = session(Some(1));
    session.sent(at(0), 1);
    let valid = undelivered(IcmpError::HOPS_EXCEEDED, 1);
    assert_eq!(session.receive_reply(at(1), reply(2)), None);
    let unmatched = [
        SocketFailure { sequence: Some(2), ..valid },
        SocketFailure { sequence: None, ..valid },
        SocketFailure { peer: (HOST_IP, 0).into(), ..valid },
    ];
    for failure in unmatched {
        assert_eq!(session.receive_failure(failure), None, "{failure:?}");
    }
    let PingStatistics { received, errors, unmatched, .. } = *session.statistics();
    assert_eq!((received, errors, unmatched), (0, 0, 4));
}

#[test]
fn sequence_numbers_wrap_and_replace_old_requests() {
    let mut session = session(None);
    for number in 1..=65_537_u32 {
        let PingStep::Send(sequence) = session.next(at(1_000 * u64::from(number))) else {
            panic!("{number}")
        };
        assert_eq!(u32::from(sequence), number % 65_536);
        session.sent(at(1_000 * u64::from(number)), sequence);
        session.receive_reply(at(1_000 * u64::from(number)), reply(sequence));
    }
    assert_eq!(session.requests.len(), 65_536);
    let PingStatistics { received, duplicates, pipe, .. } = *session.statistics();
    assert_eq!((received, duplicates, pipe), (65_537, 0, 1));
}

#[test]
fn pipe_is_maximum_of_requests_in_flight() {
    let mut session = session(None);
    for sequence in 1..=5 {
        session.sent(at(u64::from(sequence)), sequence);
    }
    session.receive_reply(at(6), reply(3));
    assert_eq!(session.statistics().pipe, 3);
    session.receive_failure(undelivered(IcmpError::HOST_UNREACHABLE, 2));
    assert_eq!(session.statistics().pipe, 4);
    session.receive_reply(at(6), reply(5));
    assert_eq!(session.statistics().pipe, 4);
}
