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

#[test]
fn further_length_counts_as_next_longer_one() {
    let mut rows = TimeWaits::new(20);
    for number in 1..=8 {
        rows.insert(at(0), &state(number, u64::from(number) * 10));
    }
    rows.insert(at(0), &state(9, 25));
    rows.insert(at(0), &state(10, 1000));
    let length = |place| rows.get(place).map(|state| state.length.as_secs());
    assert_eq!((length(8), length(9)), (Some(30), Some(80)));
    rows.insert(at(0), &state(11, 20));
    let length = rows.get(10).map(|state| state.length.as_secs());
    assert_eq!(length, Some(20), "a known length counts as another one");
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
