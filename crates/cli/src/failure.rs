//! Failures of commands: messages on standard error, and exit codes.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use tap::linux::Printable;

use crate::advice::{explain, without_error_numbers};
use crate::color::{ERROR, Styler};
use crate::output::{Output, standard_error};

/// Time within which the reader of standard error must accept a line.
const STDERR_TIMEOUT: Duration = Duration::from_secs(1);

/// A failure of a command: its message on standard error, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// Returns a failure of usage, set-up or permission: exit code 2.
    pub(crate) fn new(message: impl Into<String>) -> Failure {
        Failure::with_code(message, 2)
    }

    /// Returns a negative answer: exit code 1.
    pub(crate) fn negative(message: impl Into<String>) -> Failure {
        Failure::with_code(message, 1)
    }

    /// Returns a failure with this exit code.
    pub(crate) fn with_code(message: impl Into<String>, code: u8) -> Failure {
        Failure { message: printable(&message.into()), code }
    }

    /// Prints the message, and returns the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        self.print();
        ExitCode::from(self.code)
    }

    /// Prints the message to standard error; text not accepted within [`STDERR_TIMEOUT`] is lost. Signals that we took over
    /// would not end the wait for a reader that has stopped reading.
    pub(crate) fn print(&self) {
        let name = Styler::stderr().apply(ERROR, "tapstack:");
        if let Ok(to) = standard_error() {
            let mut out = Output::new(to);
            out.line(&format!("{name} {}", self.message));
            out.flush(STDERR_TIMEOUT);
        }
    }
}

/// Prints a line of a command's result to standard output.
pub(crate) fn print_line(line: &str) -> Result<(), Failure> {
    check_written(writeln!(io::stdout(), "{line}").err())
}

/// Warns of lines that a slow reader did not accept.
pub(crate) fn warn_of_lost_lines(lost: u64) {
    if lost > 0 {
        Failure::new(format!("{lost} lines are lost: whoever reads them did not keep up")).print();
    }
}

/// Returns the failure of a write to standard output; a reader that has closed it is none.
pub(crate) fn check_written(failure: Option<io::Error>) -> Result<(), Failure> {
    match failure {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Returns a message on one line, with the control characters escaped that names of files and programs may contain.
fn printable(message: &str) -> String {
    Printable(&without_error_numbers(message)).to_string()
}

impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::new(explain(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_omits_os_error_number() {
        let refused = io::Error::from_raw_os_error(2);
        let failure = Failure::new(format!("cannot read a: {refused}, nor b: {refused}; choose another"));
        let words =
            "cannot read a: No such file or directory, nor b: No such file or directory; choose another";
        assert_eq!(failure.message, words);
        assert_eq!(Failure::from(refused).message, "No such file or directory");
    }

    #[test]
    fn message_keeps_reason_when_name_looks_like_error_number() {
        let refused = io::Error::from_raw_os_error(2);
        for name in
            ["x (os error y", "x (os error )", "x (os error 2", "(os error (os error y) (os error -2)"]
        {
            let failure = Failure::new(format!("cannot read {name}: {refused}"));
            assert_eq!(failure.message, format!("cannot read {name}: No such file or directory"));
        }
    }

    #[test]
    fn message_escapes_control_characters_of_names() {
        for failure in
            [Failure::new("a\x1b[2J\n"), Failure::negative("a\x1b[2J\n"), Failure::with_code("a\x1b[2J\n", 3)]
        {
            assert_eq!(failure.message, r"a\u{1b}[2J\n");
        }
        assert_eq!(Failure::new(r#"names 'ä' and "\b""#).message, r#"names 'ä' and "\b""#);
    }
}
