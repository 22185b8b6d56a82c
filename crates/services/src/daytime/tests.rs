use super::*;

/// 2026-11-29 09:08:07.5 UTC.
const ORIGIN: Duration = Duration::from_millis(1_795_943_287_500);

// proves: rfc867-syntax
#[test]
fn text_is_one_line_with_date_time_and_zone() {
    let mut daytime = Daytime::new(ORIGIN);
    assert_eq!(daytime.text(Instant::ORIGIN), "Sunday, November 29, 2026 09:08:07-UTC\r\n");
}

#[test]
fn text_follows_the_time() {
    let mut daytime = Daytime::new(ORIGIN);
    let after = |millis| Instant::ORIGIN + Duration::from_millis(millis);
    for (millis, expected) in [
        (499, "Sunday, November 29, 2026 09:08:07-UTC\r\n"),
        (500, "Sunday, November 29, 2026 09:08:08-UTC\r\n"),
        (2 * 86_400_000, "Tuesday, December 1, 2026 09:08:07-UTC\r\n"),
        (0, "Sunday, November 29, 2026 09:08:07-UTC\r\n"),
    ] {
        assert_eq!(daytime.text(after(millis)), expected, "{millis} milliseconds after the origin");
    }
}

#[test]
fn text_of_1970_and_of_times_beyond_year_9999_is_valid() {
    assert_eq!(
        Daytime::new(Duration::ZERO).text(Instant::ORIGIN),
        "Thursday, January 1, 1970 00:00:00-UTC\r\n"
    );
    assert_eq!(Daytime::new(Duration::MAX).text(Instant::ORIGIN), "");
}
