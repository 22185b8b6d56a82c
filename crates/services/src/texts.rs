//! The texts that the services send: date and time, and the characters of chargen.

use std::time::Duration;

use tap::Instant;

use crate::chargen;
use crate::date_text::DateText;
use crate::http::DATE_SYNTAX;

/// The texts that the services send.
#[derive(Debug)]
pub(crate) struct Texts {
    daytime: DateText,
    date: DateText,
    /// The stream of chargen, twice.
    pattern: Box<[u8]>,
}

impl Texts {
    /// Creates the texts of a clock with this time at [`Instant::ORIGIN`], as time since 1970 in UTC.
    pub(crate) fn new(origin: Duration) -> Texts {
        let mut pattern = vec![0; 2 * chargen::PERIOD].into_boxed_slice();
        chargen::write_pattern(0, &mut pattern);
        Texts {
            daytime: DateText::new(DateText::DAYTIME, origin),
            date: DateText::new(DATE_SYNTAX, origin),
            pattern,
        }
    }

    /// Sets the time of the texts.
    pub(crate) fn set_time(&mut self, now: Instant) {
        self.daytime.set_time(now);
        self.date.set_time(now);
    }

    /// Returns the text of the service daytime.
    pub(crate) fn daytime(&self) -> &str {
        self.daytime.text()
    }

    /// Returns the date of a response of HTTP.
    pub(crate) fn date(&self) -> &str {
        self.date.text()
    }

    /// Returns the stream of chargen, twice.
    pub(crate) fn pattern(&self) -> &[u8] {
        &self.pattern
    }
}
