use super::*;

/// The limits of ICMP errors.
const LIMITS: RateLimits = RateLimits {
    per_destination: TokenRate { interval: Duration::from_secs(1), burst: 6 },
    global: TokenRate { interval: Duration::from_millis(1), burst: 50 },
};

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + Duration::from_millis(millis)
}

fn host(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0000 | number)
}

fn limit() -> RateLimiter {
    RateLimiter::new(LIMITS, 1)
}

// proves: icmp-rate-each
#[test]
fn destination_gets_burst_of_six_then_one_error_per_second() {
    let mut limit = limit();
    let mut got = Vec::new();
    for tenth in 0..100 {
        got.extend(limit.take(at(tenth * 100), host(1)).ok().map(|()| tenth));
    }
    assert_eq!(got, [0, 1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
    // After a pause, the bucket is full again with six tokens.
    let burst = (0..20).filter(|_| limit.take(at(60_000), host(1)).is_ok()).count();
    assert_eq!(burst, 6);
}

/// Returns the number of these destinations to which an error may be sent at `now`.
fn burst(limit: &mut RateLimiter, now: Instant, destinations: std::ops::Range<u32>) -> u32 {
    destinations.map(|number| u32::from(limit.take(now, host(number)).is_ok())).sum()
}

// proves: icmp-rate-all
#[test]
fn all_destinations_get_burst_of_fifty_then_one_error_per_millisecond_on_average() {
    let mut bursts = Vec::new();
    for seed in 0..1_000 {
        let mut limit = RateLimiter::new(LIMITS, seed);
        bursts.push(burst(&mut limit, at(0), 0..1_000));
        assert_eq!(limit.take(at(0), host(5_000)), Err(ExhaustedBucket::Global));
    }
    let (least, most) = (bursts.iter().min().unwrap(), bursts.iter().max().unwrap());
    assert!((25..45).contains(least) && (55..90).contains(most), "{least}..{most}");
    let sum: u32 = bursts.iter().sum();
    assert!((49_000..52_500).contains(&sum), "{sum}");
    // In ten seconds under load, the limiter allows about 10,000 errors.
    let mut limit = limit();
    let sent: u32 =
        (0..10_000_u32).map(|millis| burst(&mut limit, at(millis.into()), millis * 9..millis * 9 + 9)).sum();
    assert!((9_700..10_300).contains(&sent), "{sent}");
}

// proves: icmp-rate-all
#[test]
fn observer_cannot_tell_whether_another_destination_got_error() {
    const RUNS: u64 = 2_000;
    for spent in [30, 40, 45, 48, 49, 50, 51, 55, 60] {
        let errors = |other: bool| {
            let answered = (0..RUNS).filter(|seed| {
                let mut limit = RateLimiter::new(LIMITS, *seed);
                burst(&mut limit, at(0), 100..100 + spent);
                if other {
                    let _ = limit.take(at(0), host(1));
                }
                limit.take(at(0), host(2)).is_ok()
            });
            f64::from(u32::try_from(answered.count()).unwrap()) / 2_000.0
        };
        let advantage = errors(false) - errors(true);
        assert!(advantage.abs() < 0.12, "{spent}: {advantage}");
    }
}

// proves: icmp-rate-all
#[test]
fn costs_depend_on_seed() {
    let run = |seed| {
        let mut limit = RateLimiter::new(LIMITS, seed);
        (0..200_u32)
            .map(|millis| burst(&mut limit, at(millis.into()), millis * 5..millis * 5 + 5))
            .collect::<Vec<_>>()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

// proves: icmp-rate-all
#[test]
fn destination_keeps_its_rate_when_another_exceeds_its_rate() {
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
fn global_refusal_costs_destination_no_token() {
    let mut limit = limit();
    burst(&mut limit, at(0), 1_000..2_000);
    for _ in 0..100 {
        assert_eq!(limit.take(at(0), host(99)), Err(ExhaustedBucket::Global));
    }
    let burst = (0..20).filter(|_| limit.take(at(60), host(99)).is_ok()).count();
    assert_eq!(burst, 6);
}

// proves: icmp-rate-each
#[test]
fn limiter_is_bounded_when_million_destinations_get_errors() {
    let mut limit = limit();
    for _ in 0..6 {
        limit.take(at(0), host(1)).unwrap();
    }
    for number in 2..40 {
        limit.take(at(0), host(number)).unwrap();
    }
    assert_eq!(limit.take(at(0), host(1)), Err(ExhaustedBucket::PerDestination));
    let mut sent = 0;
    for number in 0..1_000_000_u32 {
        let now = at(u64::from(number / 1_000));
        sent += u32::from(limit.take(now, host(number)).is_ok());
    }
    assert!(sent <= 1_150, "{sent}");
}

#[test]
fn rate_is_unlimited_when_interval_is_zero_and_none_when_burst_is_zero() {
    let free = TokenRate { interval: Duration::ZERO, burst: 0 };
    let mut limit = RateLimiter::new(RateLimits { per_destination: free, global: free }, 1);
    assert!((0..1_000).all(|_| limit.take(at(0), host(1)).is_ok()));
    let never = TokenRate { interval: Duration::from_secs(1), burst: 0 };
    let mut limit = RateLimiter::new(RateLimits { per_destination: never, global: free }, 1);
    assert!((0..1_000).all(|second| limit.take(at(second * 1_000), host(1)).is_err()));
}

#[test]
fn limiter_stays_valid_when_clock_jumps_back_or_ends() {
    let end = Instant::from_nanos(u64::MAX);
    let mut limit = limit();
    for _ in 0..100 {
        let _ = limit.take(end, host(1));
    }
    assert_eq!(
        limit.take(at(0), host(1)),
        Err(ExhaustedBucket::PerDestination),
        "a token was taken from an empty bucket"
    );
    let mut limit = RateLimiter::new(LIMITS, 1);
    for _ in 0..6 {
        limit.take(at(1_000_000), host(1)).unwrap();
    }
    assert!(limit.take(at(0), host(1)).is_err());
    assert!(limit.take(at(1_000), host(1)).is_err(), "the bucket was not empty");
}
