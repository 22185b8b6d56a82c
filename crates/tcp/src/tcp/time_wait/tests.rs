use super::*;

fn at(seconds: u64) -> Instant {
    Instant::ORIGIN + Duration::from_secs(seconds)
}

fn state(port: u16, seconds: u64) -> TimeWait {
    TimeWait {
        local: "10.0.0.1:80".parse().unwrap(),
        peer: SocketAddrV4::new([10, 0, 0, 2].into(), port),
        send_next: SequenceNumber::new(1),
        receive_next: SequenceNumber::new(2),
        receive_window: 3,
        window: 4,
        timestamp: Some(5),
        length: Duration::from_secs(seconds),
        service: crate::SegmentService::default(),
    }
}

// proves: tcp-time-wait-bound
#[test]
fn connection_in_time_wait_takes_at_most_64_bytes() {
    assert!(size_of::<Row>() <= 64, "{} bytes", size_of::<Row>());
}

#[test]
fn row_keeps_state_of_connection() {
    let mut rows = TimeWaits::new(1);
    rows.insert(at(0), &state(1, 60));
    assert_eq!(rows.get(0), Some(state(1, 60)));
    assert_eq!(rows.vacant(), None);
    rows.remove(0);
    assert_eq!((rows.get(0), rows.vacant(), rows.len()), (None, Some(0), 0));
}

#[test]
fn connections_end_in_order_of_their_times() {
    let mut rows = TimeWaits::new(10);
    rows.insert(at(0), &state(1, 60));
    rows.insert(at(1), &state(2, 5));
    rows.insert(at(2), &state(3, 60));
    rows.restart(at(10), 0);
    let mut ended = Vec::new();
    while let Some(deadline) = rows.deadline() {
        assert_eq!(rows.expire(Instant::from_nanos(deadline.as_nanos() - 1)), None);
        let place = rows.expire(deadline).expect("nothing ends at the deadline");
        ended.push((deadline.since(at(0)).as_secs(), place));
        rows.remove(place);
    }
    assert_eq!(ended, [(6, 1), (62, 2), (70, 0)]);
}

// proves: rfc9293-time-wait
#[test]
fn time_wait_is_never_shorter_than_its_length() {
    let mut rows = TimeWaits::new(1_000);
    // Lengths of up to 20 minutes, in an order without a pattern.
    let length = |number: u32| u64::from(number) * u64::from(number) * 7_919 % 1_201;
    for number in 0..1_000_u16 {
        rows.insert(at(u64::from(number)), &state(number, length(number.into())));
    }
    rows.restart(at(1_000), 500);
    let mut last = at(0);
    while let Some(deadline) = rows.deadline() {
        assert!(last <= deadline, "the deadlines are not in order");
        last = deadline;
        let place = rows.expire(deadline).expect("nothing ends at the deadline");
        let started = if place == 500 { 1_000 } else { u64::from(place) };
        assert_eq!(rows.get(place), Some(state(u16::try_from(place).unwrap(), length(place))));
        assert!(deadline >= at(started + length(place)), "connection {place} ends early");
        assert!(deadline <= at(2_200), "connection {place} ends after all others");
        rows.remove(place);
    }
    assert_eq!(rows.len(), 0);

    // Eight lengths end at their times.
    let mut rows = TimeWaits::new(100);
    for number in 0..100 {
        rows.insert(at(u64::from(number)), &state(number, 10 * u64::from(number % 8)));
    }
    for place in 0..100 {
        let end = at(u64::from(place) + 10 * u64::from(place % 8));
        assert_eq!(rows.ends_at(place), Some(end), "connection {place}");
    }
}

// proves: tcp-ack-loop
#[test]
fn replies_are_limited_to_one_in_500_milliseconds() {
    let mut rows = TimeWaits::new(1);
    rows.insert(at(0), &state(1, 60));
    let times =
        (0..2000).filter(|milliseconds| rows.may_reply(Instant::from_nanos(milliseconds * 1_000_000), 0));
    assert_eq!(times.collect::<Vec<_>>(), [0, 501, 1001, 1501]);
}
