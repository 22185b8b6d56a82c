//! Date and time as text: for the service daytime (RFC 867), and for the field Date of HTTP (RFC 9110).

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::Offset;
use tap::Instant;

/// Date and time as text, in UTC.
#[derive(Clone, Debug)]
pub(crate) struct DateText {
    syntax: &'static str,
    /// Time since 1970 in UTC at [`Instant::ORIGIN`].
    origin: Duration,
    /// The second of the text, since 1970.
    second: u64,
    text: String,
}

impl DateText {
    /// Syntax of the service daytime. RFC 867: "One popular syntax is: Weekday, Month Day, Year Time-Zone".
    // spec: rfc867-syntax
    pub(crate) const DAYTIME: &'static str = "%A, %B %-d, %Y %H:%M:%S-UTC\r\n";

    /// Creates the text of a clock with this time at [`Instant::ORIGIN`], as time since 1970 in UTC.
    pub(crate) fn new(syntax: &'static str, origin: Duration) -> DateText {
        let mut text = DateText { syntax, origin, second: origin.as_secs(), text: String::with_capacity(64) };
        text.write();
        text
    }

    /// Sets the time. The text is written once in a second.
    pub(crate) fn set_time(&mut self, now: Instant) {
        let second = self.origin.saturating_add(now.since(Instant::ORIGIN)).as_secs();
        if second != self.second {
            self.second = second;
            self.write();
        }
    }

    /// Returns the text. It is empty after the year 9999.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Writes the text. A time after the year 9999 leaves the text empty.
    fn write(&mut self) {
        self.text.clear();
        let second = i64::try_from(self.second).unwrap_or(i64::MAX);
        if let Ok(timestamp) = Timestamp::from_second(second) {
            let time = BrokenDownTime::from(Offset::UTC.to_datetime(timestamp));
            // Writing valid fields to a String does not fail.
            let _ = time.format(self.syntax, &mut self.text);
        }
    }
}

#[cfg(test)]
mod tests;
