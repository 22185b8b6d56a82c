use super::*;

#[test]
fn round_trips_give_mean_and_standard_deviation() {
    let mut statistics = PingStatistics::default();
    assert_eq!(statistics.round_trips(), None);
    for millis in [2, 4, 4, 4, 5, 5, 7, 9] {
        statistics.answered(Duration::from_millis(millis), false);
    }
    let [min, mean, max, deviation] = [2, 5, 9, 2].map(Duration::from_millis);
    assert_eq!(statistics.round_trips(), Some(RoundTrips { min, mean, max, deviation }));
}

#[test]
fn statistics_saturate_at_extreme_times() {
    let mut statistics = PingStatistics::default();
    for _ in 0..3 {
        statistics.answered(Duration::MAX, false);
    }
    assert_eq!(statistics.round_trips().map(|trips| trips.max), Some(Duration::MAX));
}
