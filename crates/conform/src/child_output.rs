//! Output of a child process, line by line with a timeout.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// JSON Lines of a child process. A thread reads the lines, so that the child never blocks on its output.
pub(crate) struct JsonLines(Receiver<String>);

/// Error of reading a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LineError {
    /// The child printed no line in time.
    Timeout,
    /// The child closed its output.
    End,
    /// The child printed a line that is not JSON.
    NotJson(String),
}

impl JsonLines {
    pub(crate) fn of(stream: impl Read + Send + 'static) -> JsonLines {
        let (sender, receiver) = channel();
        // The thread ends when the stream ends or the receiver is dropped.
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        JsonLines(receiver)
    }

    /// Returns the next line. Waits for the line up to the timeout.
    pub(crate) fn next(&self, limit: Duration) -> Result<Value, LineError> {
        let line = self.0.recv_timeout(limit).map_err(|error| match error {
            RecvTimeoutError::Timeout => LineError::Timeout,
            RecvTimeoutError::Disconnected => LineError::End,
        })?;
        serde_json::from_str(&line).map_err(|_| LineError::NotJson(line))
    }
}

impl std::fmt::Display for LineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Timeout => f.write_str("no output in time"),
            Self::End => f.write_str("end of output"),
            Self::NotJson(line) => write!(f, "output is not JSON: {line:?}"),
        }
    }
}
