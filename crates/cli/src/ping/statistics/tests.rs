use super::*;

#[test]
fn loss_percentage_prints_like_c_percent_g() {
    // The output of printf("%g", (float) (part * 100.0 / total)).
    let table = [
        (0, 3, "0"),
        (3, 3, "100"),
        (1, 3, "33.3333"),
        (2, 3, "66.6667"),
        (1, 2, "50"),
        (1, 8, "12.5"),
        (1, 7, "14.2857"),
        (1, 11, "9.09091"),
        (1, 100, "1"),
        (1, 300, "0.333333"),
        (1, 1_001, "0.0999001"),
        (999, 1_000, "99.9"),
        (9_999_999, 10_000_000, "100"),
        (1, 999_999, "0.0001"),
        (0, 0, "0"),
    ];
    for (part, total, text) in table {
        assert_eq!(Percent { part, total }.to_string(), text, "{part}/{total}");
    }
    assert_eq!(Percent { part: u64::MAX, total: u64::MAX }.to_string(), "100");
}

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
