//! Dates and times in UTC.

use std::fmt;

use tap::Instant;

/// Date and time in UTC, to the microsecond. Times count from 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UtcDateTime(pub(crate) Instant);

/// Date and time in UTC, to the second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UtcSecond(pub(crate) Instant);

/// Time of day in UTC, to the second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UtcTimeOfDay(pub(crate) Instant);

impl fmt::Display for UtcDateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_nanos() / 1_000 % 1_000_000;
        write!(f, "{}.{micros:06}", UtcSecond(self.0))
    }
}

impl fmt::Display for UtcSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.0.as_nanos() / 1_000_000_000 / 86_400);
        write!(f, "{year:04}-{month:02}-{day:02} {}", UtcTimeOfDay(self.0))
    }
}

impl fmt::Display for UtcTimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_nanos() / 1_000_000_000;
        write!(f, "{:02}:{:02}:{:02}", seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60)
    }
}

/// Returns year, month and day of a number of days since 1970-01-01, by the Gregorian calendar. The calculation starts
/// years in March, so that a leap day is the last day of its year.
pub(crate) fn date(days: u64) -> (u64, u64, u64) {
    // Days since 0000-03-01; 400 years have 146,097 days.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Five months from March on have 153 days, and the next five months as well.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests;
