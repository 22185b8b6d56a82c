//! What a person is told when a command could not do its work.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use tap::linux::Printable;

use crate::color::{BAD, Paint};
use crate::output::{Output, standard_error};

/// How long the reader of standard error may take for a line.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why a command ends otherwise than well: one sentence on standard error, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    sentence: String,
    code: u8,
}

impl Failure {
    /// A set-up that failed, with a sentence of its own: exit code 2.
    pub(crate) fn new(sentence: impl Into<String>) -> Failure {
        Failure { sentence: printable(&sentence.into()), code: 2 }
    }

    /// A negative answer: exit code 1.
    pub(crate) fn negative(sentence: impl Into<String>) -> Failure {
        Failure { sentence: printable(&sentence.into()), code: 1 }
    }

    /// A failure with an exit code of its own.
    pub(crate) fn with_code(sentence: impl Into<String>, code: u8) -> Failure {
        Failure { sentence: printable(&sentence.into()), code }
    }

    /// Prints the message, and returns the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        self.tell();
        ExitCode::from(self.code)
    }

    /// Prints the message to standard error; text not accepted within [`PATIENCE`] is lost. Signals that we took over
    /// would not end the wait for a reader that has stopped reading.
    pub(crate) fn tell(&self) {
        let name = Paint::errors().paint(BAD, "tapstack:");
        if let Ok(to) = standard_error() {
            let mut out = Output::new(to);
            out.line(&format!("{name} {}", self.sentence));
            out.flush(PATIENCE);
        }
    }
}

/// Prints a line that the person asked for.
pub(crate) fn say(line: &str) -> Result<(), Failure> {
    written(writeln!(io::stdout(), "{line}").err())
}

/// Warns of lines that a slow reader did not accept.
pub(crate) fn warn_of_lost_lines(lost: u64) {
    if lost > 0 {
        Failure::new(format!("{lost} lines are lost: whoever reads them did not keep up")).tell();
    }
}

/// What came of writing. A reader that went away had enough; any other failure is one of the command.
pub(crate) fn written(failure: Option<io::Error>) -> Result<(), Failure> {
    match failure {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// A message on one line: plain, and with the control characters escaped that names of files and programs may contain.
fn printable(message: &str) -> String {
    Printable(&plain(message)).to_string()
}

/// A message without the numbers of the system's errors, which Rust adds to their words.
fn plain(message: &str) -> String {
    const NUMBER: &str = " (os error ";
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut rest = message;
    let mut plain = String::new();
    while let Some((before, behind)) = rest.split_once(NUMBER) {
        plain.push_str(before);
        let number = behind.split_once(')').filter(|(number, _)| is_number(number));
        rest = number.map_or(behind, |(_, rest)| rest);
        if number.is_none() {
            plain.push_str(NUMBER);
        }
    }
    plain + rest
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::new(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_has_no_error_number_when_the_system_refuses() {
        let refused = io::Error::from_raw_os_error(2);
        let failure = Failure::new(format!("cannot read a: {refused}, nor b: {refused}; choose another"));
        let words =
            "cannot read a: No such file or directory, nor b: No such file or directory; choose another";
        assert_eq!(failure.sentence, words);
        assert_eq!(Failure::from(refused).sentence, "No such file or directory");
    }

    #[test]
    fn message_keeps_its_reason_when_a_name_looks_like_an_error_number() {
        let refused = io::Error::from_raw_os_error(2);
        for name in
            ["x (os error y", "x (os error )", "x (os error 2", "(os error (os error y) (os error -2)"]
        {
            let failure = Failure::new(format!("cannot read {name}: {refused}"));
            assert_eq!(failure.sentence, format!("cannot read {name}: No such file or directory"));
        }
    }

    #[test]
    fn control_characters_are_escaped_when_a_name_contains_them() {
        for failure in
            [Failure::new("a\x1b[2J\n"), Failure::negative("a\x1b[2J\n"), Failure::with_code("a\x1b[2J\n", 3)]
        {
            assert_eq!(failure.sentence, r"a\u{1b}[2J\n");
        }
        assert_eq!(Failure::new(r#"names 'ä' and "\b""#).sentence, r#"names 'ä' and "\b""#);
    }
}
