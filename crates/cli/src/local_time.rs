//! Wall-clock times in the local time zone, or in UTC with `--utc`.
//!
//! A wall-clock time is an [`Instant`] with the origin 1970-01-01 00:00 UTC.

use std::cell::Cell;
use std::fmt;
use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use tap::Instant;

/// The time zone of all printed times.
static ZONE: OnceLock<TimeZone> = OnceLock::new();

thread_local! {
    /// The period that the latest time was in: most times follow each other closely.
    static LATEST: Cell<OffsetPeriod> = const { Cell::new(OffsetPeriod { start: 0, end: 0, offset: 0 }) };
}

/// Date and time to the microsecond: `2026-11-29 05:50:34.123456`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalDateTime(pub(crate) Instant);

/// Date and time to the second: `2026-11-29 05:50:34`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalSecond(pub(crate) Instant);

/// Time of day to the microsecond: `05:50:34.123456`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalTimeOfDay(pub(crate) Instant);

/// Time of day to the second: `05:50:34`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalSecondOfDay(pub(crate) Instant);

/// Date and time to the nanosecond with the offset from UTC, by RFC 3339: `2026-11-29T05:50:34.123456789+01:00`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rfc3339(pub(crate) Instant);

/// A period in which the offset from UTC does not change. All numbers are in seconds, and times are since 1970.
#[derive(Clone, Copy, Debug)]
struct OffsetPeriod {
    start: i64,
    /// The first second after the period.
    end: i64,
    offset: i64,
}

/// A time as local clocks show it.
struct LocalTime {
    date: Date,
    /// Second of the day.
    second: u64,
    /// Nanosecond of the second.
    nanos: u64,
    /// Offset from UTC in seconds.
    offset: i64,
}

/// Selects the time zone of all printed times: UTC, or the local time zone, which `TZ` or /etc/localtime defines.
///
/// Only the first call has an effect. Without a call, times are in UTC.
pub(crate) fn set_zone(is_utc: bool) {
    ZONE.get_or_init(|| if is_utc { TimeZone::UTC } else { TimeZone::system() });
}

/// Appends the time of day to the microsecond: `05:50:34.123456`.
pub(crate) fn push_time_of_day(line: &mut String, wall: Instant) {
    let (_, second, nanos) = split(wall);
    let micros = second * 1_000_000 + nanos / 1_000;
    // The base of each digit, from the right; 0 is a separator. Writing digit by digit is fastest.
    let bases = [10, 10, 10, 10, 10, 10, 0, 10, 6, 0, 10, 6, 0, 10, 10];
    let mut separators = [b'.', b':', b':'].into_iter();
    let mut rest = micros;
    let mut digits = [b' '; 15];
    for (digit, base) in digits.iter_mut().rev().zip(bases) {
        *digit = if base == 0 {
            separators.next().unwrap_or(b':')
        } else {
            let value = u8::try_from(rest % base).unwrap_or_default();
            rest /= base;
            b'0' + value
        };
    }
    line.push_str(std::str::from_utf8(&digits).unwrap_or_default());
}

/// Returns the day since 1970, the second of the day and the nanosecond of the second, by local time.
fn split(wall: Instant) -> (i64, u64, u64) {
    let (seconds, nanos) = (wall.as_nanos() / 1_000_000_000, wall.as_nanos() % 1_000_000_000);
    let local = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_add(offset(seconds));
    let second = u64::try_from(local.rem_euclid(86_400)).unwrap_or_default();
    (local.div_euclid(86_400), second, nanos)
}

/// Returns the offset from UTC in seconds at a number of seconds since 1970.
fn offset(seconds: u64) -> i64 {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let latest = LATEST.get();
    if (latest.start..latest.end).contains(&seconds) {
        return latest.offset;
    }
    let Ok(at) = Timestamp::from_second(seconds) else { return 0 };
    let period = OffsetPeriod::at(ZONE.get_or_init(|| TimeZone::UTC), at);
    LATEST.set(period);
    period.offset
}

impl OffsetPeriod {
    fn at(zone: &TimeZone, at: Timestamp) -> OffsetPeriod {
        let next_second = Timestamp::from_second(at.as_second().saturating_add(1)).unwrap_or(at);
        let start = zone.preceding(next_second).next().map(|transition| transition.timestamp());
        let end = zone.following(at).next().map(|transition| transition.timestamp());
        OffsetPeriod {
            start: start.map_or(0, Timestamp::as_second),
            end: end.map_or(i64::MAX, Timestamp::as_second),
            offset: zone.to_offset(at).seconds().into(),
        }
    }
}

impl LocalTime {
    fn new(wall: Instant) -> LocalTime {
        let (_, second, nanos) = split(wall);
        let seconds = wall.as_nanos() / 1_000_000_000;
        let offset = offset(seconds);
        let at = Timestamp::from_second(i64::try_from(seconds).unwrap_or(i64::MAX)).unwrap_or(Timestamp::MAX);
        let zone = Offset::from_seconds(i32::try_from(offset).unwrap_or_default()).unwrap_or(Offset::UTC);
        LocalTime { date: zone.to_datetime(at).date(), second, nanos, offset }
    }
}

impl fmt::Display for LocalDateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", LocalTime::new(self.0).date, LocalTimeOfDay(self.0))
    }
}

impl fmt::Display for LocalSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", LocalTime::new(self.0).date, LocalSecondOfDay(self.0))
    }
}

impl fmt::Display for LocalTimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(16);
        push_time_of_day(&mut text, self.0);
        f.write_str(&text)
    }
}

impl fmt::Display for LocalSecondOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, second, _) = split(self.0);
        write!(f, "{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
    }
}

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LocalTime { date, second, nanos, offset } = LocalTime::new(self.0);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        // An offset with seconds, such as that of Liberia in 1970, is rounded down, because RFC 3339 allows only minutes.
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs() / 60);
        let (hours, minutes) = (minutes / 60, minutes % 60);
        write!(f, "{date}T{hour:02}:{minute:02}:{second:02}.{nanos:09}{sign}{hours:02}:{minutes:02}")
    }
}

#[cfg(test)]
mod tests;
