use super::*;

fn row(number: u16) -> HalfOpen {
    let local = "10.0.0.1:80".parse().unwrap();
    let peer = SocketAddrV4::new([10, 0, 0, 2].into(), number);
    let numbers = (SequenceNumber::new(1), SequenceNumber::new(2));
    HalfOpen::new(Instant::ORIGIN, (local, peer), numbers, 3, &Options::default())
}

// proves: tcp-half-open-size
#[test]
fn half_open_connection_takes_at_most_64_bytes() {
    assert!(size_of::<HalfOpen>() <= 64, "{} bytes", size_of::<HalfOpen>());
}

// proves: tcp-half-open-bound
#[test]
fn half_open_connections_are_bounded_and_places_are_reused() {
    let mut rows = HalfOpens::new(2);
    let mut due = List::EMPTY;
    for number in [1, 2] {
        rows.insert(row(number));
    }
    assert!(rows.is_full() && rows.vacant().is_none());
    rows.insert(row(3));
    assert_eq!(rows.len(), 2);
    rows.remove(0, &mut due);
    assert_eq!((rows.vacant(), rows.len()), (Some(0), 1));
    assert!(rows.get(0).is_none(), "a removed connection is still present");
    rows.insert(row(4));
    let ports: Vec<u16> = rows.iter_from(0).map(|(_, row)| row.peer.port()).collect();
    assert_eq!(ports, [4, 2]);
}

#[test]
fn row_keeps_the_options_of_its_syn() {
    let options = Options {
        maximum_segment_size: Some(1460),
        window_scale: Some(7),
        sack_permitted: true,
        timestamps: Some(Timestamps { value: 5, echo: 0 }),
        ..Options::default()
    };
    let zero = "10.0.0.1:80".parse().unwrap();
    let numbers = (SequenceNumber::new(1), SequenceNumber::new(2));
    assert_eq!(HalfOpen::new(Instant::ORIGIN, (zero, zero), numbers, 3, &options).options(), options);
    assert_eq!(row(1).options(), Options::default());
}

// proves: tcp-syn-ack-retransmission
#[test]
fn syn_ack_is_due_after_1_3_7_15_and_31_seconds_and_the_connection_ends_after_63() {
    let mut rows = HalfOpens::new(1);
    let mut due = List::EMPTY;
    rows.insert(row(1));
    let mut times = Vec::new();
    while let Some(at) = rows.deadline() {
        assert!(rows.expire(Instant::from_nanos(at.as_nanos() - 1)).is_none(), "expired too early");
        let (place, expired) = rows.expire(at).expect("nothing is due at the deadline");
        times.push(at.since(Instant::ORIGIN).as_secs());
        match expired {
            Expired::Due(_) => {
                rows.make_due(place, &mut due);
                assert_eq!((rows.deadline(), due.first()), (None, Some(place)));
                rows.sent_again(at, place, &mut due);
                assert_eq!(due.first(), None);
            }
            Expired::Ended => rows.remove(place, &mut due),
        }
    }
    assert_eq!(times, [1, 3, 7, 15, 31, 63]);
    assert_eq!(rows.len(), 0);
}

#[test]
fn syn_ack_that_is_sent_again_for_its_next_hop_ends_with_the_last_timeout() {
    let mut rows = HalfOpens::new(1);
    let mut due = List::EMPTY;
    rows.insert(row(1));
    let mut now = Instant::ORIGIN;
    for _ in 0..5 {
        now = rows.deadline().expect("no deadline");
        let (place, _) = rows.expire(now).expect("no row has expired");
        rows.make_due(place, &mut due);
        rows.sent_again(now, place, &mut due);
    }
    rows.make_due(0, &mut due);
    rows.sent_again(now, 0, &mut due);
    assert!(rows.deadline().is_some(), "the row never ends");
}
