use super::*;

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + Duration::from_millis(millis)
}

fn host(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0000 | number)
}

fn limit() -> Limit {
    Limit::new(Rates::default(), 1)
}

// proves: icmp-rate-each
#[test]
fn a_destination_gets_six_at_once_and_then_one_a_second() {
    let mut limit = limit();
    let mut got = Vec::new();
    for tenth in 0..100 {
        got.extend(limit.take(at(tenth * 100), host(1)).ok().map(|()| tenth));
    }
    assert_eq!(got, [0, 1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
    // After six seconds without any it is full again, and no fuller.
    let burst = (0..20).filter(|_| limit.take(at(60_000), host(1)).is_ok()).count();
    assert_eq!(burst, 6);
}

// proves: icmp-rate-all
#[test]
fn all_together_get_fifty_at_once_and_then_one_a_millisecond() {
    let mut limit = limit();
    let got = (0..1_000).filter(|number| limit.take(at(0), host(*number)).is_ok()).count();
    assert_eq!(got, 50);
    assert_eq!(limit.take(at(0), host(5_000)), Err(Empty::All));
    assert_eq!(limit.take(at(1), host(5_001)), Ok(()));
    assert_eq!(limit.take(at(1), host(5_002)), Err(Empty::All));
}

// proves: icmp-rate-all
#[test]
fn a_destination_that_wants_all_leaves_the_others_theirs() {
    let mut limit = limit();
    for millis in 0..10_000 {
        for _ in 0..10 {
            let _ = limit.take(at(millis), host(1));
        }
        if millis % 1_000 == 0 {
            assert_eq!(limit.take(at(millis), host(2)), Ok(()), "{millis}");
        }
    }
}

// proves: icmp-rate-all
#[test]
fn what_all_refuse_costs_a_destination_nothing() {
    let mut limit = limit();
    for number in 0..50 {
        limit.take(at(0), host(number)).unwrap();
    }
    for _ in 0..100 {
        assert_eq!(limit.take(at(0), host(99)), Err(Empty::All));
    }
    let burst = (0..20).filter(|_| limit.take(at(50), host(99)).is_ok()).count();
    assert_eq!(burst, 6);
}

// proves: icmp-rate-each
#[test]
fn a_million_destinations_take_no_more_room_and_who_is_limited_stays_so_among_a_few() {
    let mut limit = limit();
    for _ in 0..6 {
        limit.take(at(0), host(1)).unwrap();
    }
    for number in 2..40 {
        limit.take(at(0), host(number)).unwrap();
    }
    assert_eq!(limit.take(at(0), host(1)), Err(Empty::Each));
    let mut sent = 0;
    for number in 0..1_000_000_u32 {
        let now = at(u64::from(number / 1_000));
        sent += u32::from(limit.take(now, host(number)).is_ok());
    }
    assert!(sent <= 1_050, "{sent}");
}

#[test]
fn no_interval_means_no_limit_and_no_burst_means_never() {
    let free = Rate { interval: Duration::ZERO, burst: 0 };
    let mut limit = Limit::new(Rates { each: free, all: free }, 1);
    assert!((0..1_000).all(|_| limit.take(at(0), host(1)).is_ok()));
    let never = Rate { interval: Duration::from_secs(1), burst: 0 };
    let mut limit = Limit::new(Rates { each: never, all: free }, 1);
    assert!((0..1_000).all(|second| limit.take(at(second * 1_000), host(1)).is_err()));
}

#[test]
fn a_clock_that_jumps_back_or_stands_at_its_limits_does_no_harm() {
    let end = Instant::from_nanos(u64::MAX);
    let mut limit = limit();
    for _ in 0..100 {
        let _ = limit.take(end, host(1));
    }
    assert_eq!(limit.take(at(0), host(1)), Err(Empty::Each), "empty at worst");
    let mut limit = Limit::new(Rates::default(), 1);
    for _ in 0..6 {
        limit.take(at(1_000_000), host(1)).unwrap();
    }
    assert!(limit.take(at(0), host(1)).is_err());
    assert!(limit.take(at(1_000), host(1)).is_err(), "a token comes a second after the jump was seen");
}
