//! Failures of commands: messages on standard error, and exit codes.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use crate::advice::explain;
use crate::color::{EMPHASIS, ERROR, Styler};
use crate::error_message::ErrorMessage;
use crate::output::{Output, standard_error};

/// Time within which the reader of standard error must accept a line.
const STDERR_TIMEOUT: Duration = Duration::from_secs(1);

/// A failure of a command: its message on standard error, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    message: ErrorMessage,
    code: u8,
}

impl Failure {
    /// Returns a failure of usage, setup or permission: exit code 2.
    pub(crate) fn new(message: impl Into<ErrorMessage>) -> Failure {
        Failure::with_code(message, 2)
    }

    /// Returns a negative answer: exit code 1.
    pub(crate) fn negative(message: impl Into<ErrorMessage>) -> Failure {
        Failure::with_code(message, 1)
    }

    /// Returns a failure with this exit code.
    pub(crate) fn with_code(message: impl Into<ErrorMessage>, code: u8) -> Failure {
        Failure { message: message.into(), code }
    }

    /// Whether the failure is a negative answer.
    pub(crate) fn is_negative(&self) -> bool {
        self.code == 1
    }

    /// Returns the message and the exit code.
    pub(crate) fn into_parts(self) -> (ErrorMessage, u8) {
        (self.message, self.code)
    }

    /// Adds a hint to the message.
    pub(crate) fn hint(self, advice: impl AsRef<str>) -> Failure {
        Failure { message: self.message.hint(advice), ..self }
    }

    /// Adds a hint that ends with a shell command.
    pub(crate) fn hint_command(self, advice: impl AsRef<str>, command: impl AsRef<str>) -> Failure {
        Failure { message: self.message.hint_command(advice, command), ..self }
    }

    /// Prints the message, and returns the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        self.print();
        ExitCode::from(self.code)
    }

    /// Prints the message and its hints to standard error. Text that the reader does not accept within
    /// [`STDERR_TIMEOUT`] is lost, because signals that this program has taken over would not end the wait.
    pub(crate) fn print(&self) {
        let styler = Styler::stderr();
        if let Ok(to) = standard_error() {
            let mut out = Output::new(to);
            out.line(&format!("{} {}", styler.apply(ERROR, "tapstack:"), self.message.text()));
            for hint in self.message.hints() {
                out.line(&format!("{} {hint}", styler.apply(EMPHASIS, "hint:")));
            }
            out.flush(STDERR_TIMEOUT);
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}

/// Prints a line of a command's result to standard output.
pub(crate) fn print_line(line: &str) -> Result<(), Failure> {
    check_written(writeln!(io::stdout(), "{line}").err())
}

/// Warns of lines that a slow reader did not accept.
pub(crate) fn warn_of_lost_lines(lost: u64) {
    if lost > 0 {
        let lines = if lost == 1 { "line" } else { "lines" };
        Failure::new(format!("{lost} {lines} not written: the reader of standard output is too slow"))
            .print();
    }
}

/// Returns the failure of a write to standard output. A closed pipe is not a failure.
pub(crate) fn check_written(failure: Option<io::Error>) -> Result<(), Failure> {
    match failure {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::new(explain(&error))
    }
}
