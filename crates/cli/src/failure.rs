//! What a person is told when a command could not do its work.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

/// A set-up that failed: one sentence on standard error, exit code 2.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// A failure with a sentence of its own.
    pub(crate) fn new(sentence: impl Into<String>) -> Failure {
        Failure(sentence.into())
    }

    /// Tells the person, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        self.tell();
        ExitCode::from(2)
    }

    /// Tells the person. Where standard error takes nothing, nobody is there to be told.
    pub(crate) fn tell(&self) {
        let _ = writeln!(io::stderr(), "tapstack: {}", self.0);
    }
}

/// Prints a line that the person asked for. A reader that went away had enough; any other failure
/// is one of the command.
pub(crate) fn say(line: &str) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(error.to_string())
    }
}
