use std::time::Duration;

use tap::Instant;

use super::DeliveryRate;

fn at(milliseconds: u64) -> Instant {
    Instant::from_nanos(milliseconds * 1_000_000)
}

// proves: tcp-delivery-rate
#[test]
fn rate_is_delivered_bytes_over_longer_interval() {
    let mut rate = DeliveryRate::new(at(0), 0);
    // Ten segments of 1,000 bytes in one burst, each acknowledged 1 ms after the previous one.
    let marks: Vec<_> = (0..10).map(|number| rate.sent(at(0), number * 1000)).collect();
    for (after, mark) in (10..).zip(&marks) {
        rate.delivered(at(after), 1000, mark, Some(Duration::from_millis(10)));
    }
    // The first delivery lasts 10 ms, and the others follow at 1,000 bytes per millisecond: 10,000 bytes in 19 ms.
    let sample = rate.latest().expect("no sample");
    assert_eq!((sample.bytes, sample.interval), (10_000, Duration::from_millis(19)));
    assert_eq!(sample.bytes_per_second(), 526_315);
    assert_eq!(rate.total(), 10_000);
}

#[test]
fn rate_counts_sending_time_when_acks_are_compressed() {
    let mut rate = DeliveryRate::new(at(0), 0);
    let first = rate.sent(at(0), 0);
    let marks = [5, 10, 15].map(|time| rate.sent(at(time), 1000));
    rate.delivered(at(20), 1000, &first, None);
    let later = rate.sent(at(20), 3000);
    for mark in &marks {
        rate.delivered(at(21), 1000, mark, None);
    }
    rate.delivered(at(22), 1000, &later, None);
    let sample = rate.latest().expect("no sample");
    // 4,000 bytes were delivered within 2 ms, but they were sent within 20 ms.
    assert_eq!((sample.bytes, sample.interval), (4000, Duration::from_millis(20)));
    // The next sample begins when the segment was sent that was delivered last.
    let next = rate.sent(at(22), 1000);
    rate.delivered(at(24), 1000, &next, None);
    assert_eq!(rate.latest().map(|sample| sample.interval), Some(Duration::from_millis(2)));
}

#[test]
fn sample_shorter_than_minimum_rtt_is_ignored() {
    let mut rate = DeliveryRate::new(at(0), 0);
    let mark = rate.sent(at(0), 0);
    rate.delivered(at(5), 1000, &mark, Some(Duration::from_millis(10)));
    assert_eq!(rate.latest(), None);
    let mark = rate.sent(at(6), 0);
    rate.delivered(at(6), 1000, &mark, None);
    assert_eq!(rate.latest(), None, "an interval of zero gave a sample");
    let mark = rate.sent(at(6), 0);
    rate.delivered(at(16), 1000, &mark, Some(Duration::from_millis(10)));
    let interval = rate.latest().map(|sample| sample.interval);
    assert_eq!(interval, Some(Duration::from_millis(10)), "an interval of the minimum RTT gave no sample");
}

// proves: tcp-delivery-rate
#[test]
fn application_limit_lasts_until_its_bytes_are_delivered() {
    let mut rate = DeliveryRate::new(at(0), 0);
    let mark = rate.sent(at(0), 0);
    rate.limit_by_application(1000);
    let limited = rate.sent(at(1), 1000);
    rate.delivered(at(10), 1000, &mark, None);
    assert_eq!(rate.latest().map(|sample| sample.is_application_limited), Some(false));
    let last = rate.sent(at(10), 1000);
    rate.delivered(at(11), 1000, &limited, None);
    assert_eq!(rate.latest().map(|sample| sample.is_application_limited), Some(true));
    let free = rate.sent(at(11), 1000);
    rate.delivered(at(20), 1000, &last, None);
    rate.delivered(at(21), 1000, &free, None);
    assert_eq!(rate.latest().map(|sample| sample.is_application_limited), Some(false));
}

#[test]
fn idle_time_does_not_count() {
    let mut rate = DeliveryRate::new(at(0), 0);
    let mark = rate.sent(at(0), 0);
    rate.delivered(at(10), 1000, &mark, None);
    let mark = rate.sent(at(100_000), 0);
    rate.delivered(at(100_010), 1000, &mark, None);
    assert_eq!(rate.latest().map(|sample| sample.interval), Some(Duration::from_millis(10)));
}
