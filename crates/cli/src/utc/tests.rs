use super::*;

#[test]
fn dates_follow_gregorian_calendar() {
    let date = |seconds: u64| UtcSecond(Instant::from_nanos(seconds * 1_000_000_000)).to_string();
    let rows = [
        (0, "1970-01-01 00:00:00"),
        (68_169_600, "1972-02-29 00:00:00"),
        (951_782_399, "2000-02-28 23:59:59"),
        (951_782_400, "2000-02-29 00:00:00"),
        (951_868_800, "2000-03-01 00:00:00"),
        (1_735_689_599, "2024-12-31 23:59:59"),
        (4_107_542_399, "2100-02-28 23:59:59"),
        (4_107_542_400, "2100-03-01 00:00:00"),
    ];
    for (seconds, expected) in rows {
        assert_eq!(date(seconds), expected);
    }
    let precise = UtcDateTime(Instant::from_nanos(1_795_334_461_007_008_999)).to_string();
    assert_eq!(precise, "2026-11-22 08:01:01.007008");
    // The last time that fits.
    assert_eq!(UtcSecond(Instant::from_nanos(u64::MAX)).to_string(), "2554-07-21 23:34:33");
}
