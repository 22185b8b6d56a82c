use super::*;
use crate::http::DATE_SYNTAX;

/// 2026-11-29 09:08:07.5 UTC.
const ORIGIN: Duration = Duration::from_millis(1_795_943_287_500);

// proves: rfc867-syntax
#[test]
fn text_is_one_line_with_date_time_and_zone() {
    let text = DateText::new(DateText::DAYTIME, ORIGIN);
    assert_eq!(text.text(), "Sunday, November 29, 2026 09:08:07-UTC\r\n");
}

#[test]
fn text_follows_the_time() {
    let mut text = DateText::new(DateText::DAYTIME, ORIGIN);
    let after = |millis| Instant::ORIGIN + Duration::from_millis(millis);
    for (millis, expected) in [
        (499, "Sunday, November 29, 2026 09:08:07-UTC\r\n"),
        (500, "Sunday, November 29, 2026 09:08:08-UTC\r\n"),
        (2 * 86_400_000, "Tuesday, December 1, 2026 09:08:07-UTC\r\n"),
        (0, "Sunday, November 29, 2026 09:08:07-UTC\r\n"),
    ] {
        text.set_time(after(millis));
        assert_eq!(text.text(), expected, "{millis} milliseconds after the origin");
    }
}

#[test]
fn text_of_1970_and_of_times_beyond_year_9999_is_valid() {
    assert_eq!(
        DateText::new(DateText::DAYTIME, Duration::ZERO).text(),
        "Thursday, January 1, 1970 00:00:00-UTC\r\n"
    );
    assert_eq!(DateText::new(DateText::DAYTIME, Duration::MAX).text(), "");
}

// proves: http-date
#[test]
fn date_of_http_has_two_digits_and_gmt() {
    assert_eq!(DateText::new(DATE_SYNTAX, ORIGIN).text(), "Sun, 29 Nov 2026 09:08:07 GMT");
    assert_eq!(
        DateText::new(DATE_SYNTAX, Duration::from_secs(784_111_777)).text(),
        "Sun, 06 Nov 1994 08:49:37 GMT"
    );
}
