use super::*;

fn at(seconds: u64) -> Instant {
    Instant::from_nanos(seconds * 1_000_000_000)
}

#[test]
fn times_are_printed_in_utc_without_zone() {
    let time = Instant::from_nanos(1_795_334_461_007_008_999);
    assert_eq!(LocalDateTime(time).to_string(), "2026-11-22 08:01:01.007008");
    assert_eq!(LocalSecond(time).to_string(), "2026-11-22 08:01:01");
    assert_eq!(LocalTimeOfDay(time).to_string(), "08:01:01.007008");
    assert_eq!(LocalSecondOfDay(time).to_string(), "08:01:01");
    assert_eq!(Rfc3339(time).to_string(), "2026-11-22T08:01:01.007008999+00:00");
    let table = [
        (0, "1970-01-01 00:00:00"),
        (951_782_400, "2000-02-29 00:00:00"),
        (951_868_800, "2000-03-01 00:00:00"),
        (4_107_542_399, "2100-02-28 23:59:59"),
        (4_107_542_400, "2100-03-01 00:00:00"),
    ];
    for (seconds, text) in table {
        assert_eq!(LocalSecond(at(seconds)).to_string(), text);
    }
    assert_eq!(LocalSecond(Instant::from_nanos(u64::MAX)).to_string(), "2554-07-21 23:34:33");
}

#[test]
fn offset_period_ends_where_summer_time_begins() {
    // By POSIX: Central European Time, with summer time from the last Sunday of March to that of October, 01:00 UTC.
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let second = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
    let [winter, summer, next] =
        ["2026-10-25T01:00:00Z", "2027-03-28T01:00:00Z", "2027-10-31T01:00:00Z"].map(second);
    for (at, expected) in [
        (winter, (winter, summer, 3_600)),
        (summer - 1, (winter, summer, 3_600)),
        (summer, (summer, next, 7_200)),
    ] {
        let OffsetPeriod { start, end, offset } =
            OffsetPeriod::at(&zone, Timestamp::from_second(at).unwrap());
        assert_eq!((start, end, offset), expected);
    }
}
