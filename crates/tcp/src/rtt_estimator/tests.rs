use std::time::Duration;

use proptest::prelude::*;

use super::RttEstimator;

const MINIMUM: Duration = Duration::from_millis(200);

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

// proves: rfc6298-initial, rfc6298-estimator, rfc6298-timeout
#[test]
fn estimator_computes_rto_as_in_rfc_6298() {
    let mut rtt = RttEstimator::new(MINIMUM);
    assert_eq!((rtt.rto(), rtt.smoothed()), (ms(1000), None));
    rtt.sample(ms(400));
    assert_eq!((rtt.smoothed(), rtt.variation(), rtt.rto()), (Some(ms(400)), Some(ms(200)), ms(1200)));
    // RTTVAR is computed before SRTT: 3/4 * 200 + 1/4 * |400 - 800|, not |450 - 800|.
    rtt.sample(ms(800));
    assert_eq!((rtt.smoothed(), rtt.variation(), rtt.rto()), (Some(ms(450)), Some(ms(250)), ms(1450)));
    assert_eq!(rtt.minimum(), Some(ms(400)));
}

// proves: rfc6298-timeout
#[test]
fn rto_exceeds_rtt_by_minimum() {
    let mut rtt = RttEstimator::new(MINIMUM);
    for _ in 0..100 {
        rtt.sample(ms(10));
    }
    assert_eq!(rtt.rto(), ms(210));
}

// proves: rfc6298-maximum
#[test]
fn back_off_doubles_up_to_one_minute_and_ends_with_sample() {
    let mut rtt = RttEstimator::new(MINIMUM);
    let mut timeouts = Vec::new();
    for _ in 0..8 {
        timeouts.push(rtt.rto().as_secs());
        rtt.back_off();
    }
    assert_eq!(timeouts, [1, 2, 4, 8, 16, 32, 60, 60]);
    for _ in 0..1000 {
        rtt.back_off();
    }
    assert_eq!((rtt.rto(), rtt.doublings), (RttEstimator::MAXIMUM_RTO, u8::MAX));
    rtt.sample(ms(100));
    assert_eq!((rtt.rto(), rtt.doublings), (ms(300), 0));
}

#[test]
fn lost_syn_sets_rto_to_three_seconds_unless_rtt_is_known() {
    let mut rtt = RttEstimator::new(MINIMUM);
    rtt.back_off();
    rtt.end_handshake_with_lost_syn();
    assert_eq!(rtt.rto(), ms(3000));
    let mut rtt = RttEstimator::new(MINIMUM);
    rtt.sample(ms(100));
    rtt.end_handshake_with_lost_syn();
    assert_eq!(rtt.rto(), ms(300));
}

proptest! {
    #[test]
    fn rto_stays_between_its_limits(
        samples in prop::collection::vec((any::<u64>(), any::<bool>()), 0..50),
        minimum in any::<u64>(),
    ) {
        let minimum = Duration::from_nanos(minimum);
        let mut rtt = RttEstimator::new(minimum);
        for (sample, is_expiry) in samples {
            let before = rtt.rto();
            if is_expiry {
                rtt.back_off();
                prop_assert!(rtt.rto() >= before, "a back-off shortened the RTO");
            } else {
                rtt.sample(Duration::from_nanos(sample));
                prop_assert!(rtt.rto() >= minimum.min(RttEstimator::MAXIMUM_RTO));
                prop_assert!(rtt.minimum() <= Some(Duration::from_nanos(sample.max(125))));
            }
            prop_assert!(rtt.rto() <= RttEstimator::MAXIMUM_RTO);
        }
    }
}
